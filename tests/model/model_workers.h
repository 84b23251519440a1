/* SPDX-License-Identifier: MIT */
/*
 * Workers, for models that run the scheduler's ready.c, pick.c and sleep.c,
 * with the rings, queues and the idle protocol below them.
 *
 * Replaced are the kernel (futex, poller), the switch (a task is run by its
 * worker as a call) and the wheels: of them there is the first deadline only,
 * and time stands still until the poller is left for it.
 *
 * Threads 0 to worker_count - 1 of a model are the workers, unless it says
 * otherwise (worker_of) or defines MODEL_OWN_HOSTS.  Included once by a
 * program; it defines what the sources call.
 */
#ifndef MODEL_WORKERS_H
#define MODEL_WORKERS_H

#define GO__RING_CAPACITY 2u
#include "model.h"

#include <string.h>

#include "arch/sys.h"
#include "sched/worker.h"

/* Futexes: a wait that compares, a wake. */
#define go__sys_futex_wait(word, value, deadline)                              \
	((void)(deadline), model_park(word, value) ? 0 : -EAGAIN)
#define go__sys_futex_wake(word, n) ((int)model_wake(word, n))

#include "sched/pick.c"
#include "sched/ready.c"
#include "sched/sleep.c"

enum {
	WORKERS = 3,
	TASKS = 4
};

/* Room for the workers behind the runtime. */
static union {
	struct go_runtime rt;
	char room[sizeof(struct go_runtime) +
		  WORKERS * sizeof(struct go__worker)];
} memory;
#define RT (&memory.rt)

static struct go__task model_task[TASKS];
static int payload[TASKS]; /* Plain memory, watched for races. */
static unsigned runs[TASKS];

#ifndef MODEL_OWN_POLLER
static unsigned events; /* Of descriptors, which end the poller's sleep. */
/* The poller: a counter of breaks, as an eventfd has it. */
static struct {
	_Atomic uint32_t breaks;
} poller;
#endif

enum {
	NOW = 1,
	DUE = 5,
	LATE = 9,
};
static bool outside; /* A guest's thread is in its host's loop. */
/* What time a thread believes it is: NOW until it has slept for a deadline. */
static uint64_t time_of[MODEL_THREADS];
/* What a thread runs, or NULL. */
static struct go__worker *worker_of[MODEL_THREADS];
/* ---- What stands in for the rest of the library ------------------------- */

#ifndef MODEL_OWN_HOSTS
struct go__worker *go__worker_self(void)
{
	int me = model_self();

	return me < 0 || outside ? NULL : worker_of[me];
}
#endif

#ifndef MODEL_OWN_POLLER
int go__poller_wait(struct go__poller *p, int64_t timeout, unsigned most,
		    struct go__wake_list *ready)
{
	(void)most;
	uint32_t seen;

	(void)p;
	(void)ready;
	if (timeout > 0) {
		time_of[model_self()] = LATE;
		return 0;
	}
	while (timeout != 0) {
		/* acquire <- go__poller_break(). */
		seen = atomic_exchange_explicit(&poller.breaks, 0,
						memory_order_acquire);
		if (seen)
			break;
		if (events == 0) {
			model_park(&poller.breaks, 0);
			continue;
		}
		if (!model_park_timed(&poller.breaks, 0)) {
			events--;
			break;
		}
	}
	return 0;
}

void go__poller_break(struct go__poller *p)
{
	(void)p;
	/* release -> go__poller_wait(): as a write to an eventfd. */
	atomic_fetch_add_explicit(&poller.breaks, 1, memory_order_acq_rel);
	model_wake(&poller.breaks, 1);
}

void go__poller_doze(struct go__poller *p)
{
	(void)p;
	model_not_called();
}

void go__poller_rise(struct go__poller *p)
{
	(void)p;
	model_not_called();
}
#endif

uint64_t go__sys_now(void)
{
	return time_of[model_self()];
}

_Atomic uint64_t go__stack_trim_at = UINT64_MAX;

uint64_t go__stack_trim(uint64_t now)
{
	(void)now;
	return UINT64_MAX;
}

void go__wheel_run(struct go__wheel *wheel, uint64_t now,
		   struct go__wake_list *ready)
{
	(void)ready;
	if (go__wheel_next(wheel) <= now)
		go__store_seq_cst(&wheel->next, GO__NO_DEADLINE);
}

bool go__task_bind_slow(struct go__worker *w, struct go__task *t)
{
	(void)w;
	t->slot = (char *)t; /* Any but NULL: it has a stack. */
	return true;
}

#ifndef MODEL_OWN_BLOCKING /* Else there are no blocking tasks. */
void *go__blocking_withdrawn(void *unused)
{
	return unused;
}

void go__blocking_forget(struct go__task *t)
{
	(void)t;
}
#endif

#ifndef MODEL_OWN_WATCHDOG
void go__watchdog_kick(struct go_runtime *rt)
{
	(void)rt; /* There is none: nothing is to need it. */
}
#endif

/* Nobody is patient here, so nobody looks. */
bool go__deadlock_look(struct go__worker *w, uint64_t *patience,
		       struct go__wake_list *ready)
{
	(void)w;
	(void)patience;
	(void)ready;
	return false;
}

void go__thread_deliver(struct go__thread *thread)
{
	(void)thread;
}

/* ---- Before -------------------------------------------------------------- */

static void setup_worker(struct go__worker *w, unsigned index)
{
	w->runtime = RT;
	w->index = index;
	w->fairness = RT->fairness;
	w->fair_at = RT->fairness;
	w->seed = index + 1;
	w->limit = GO__NO_DEADLINE;
	atomic_init(&w->wheel.next, GO__NO_DEADLINE);
	go__queue_init(&w->inbox);
}

static void setup_workers(unsigned workers)
{
	memset(&memory, 0, sizeof(memory));
	memset(model_task, 0, sizeof(model_task));
	memset(runs, 0, sizeof(runs));
	RT->worker_count = workers;
	RT->fairness = 61;
	RT->patience = GO__NO_DEADLINE;
	go__queue_init(&RT->injection);
	go__queue_init(&RT->starved);
	go__idle_init(&RT->idle, workers);
	atomic_init(&RT->slots, workers);
	model_name(&RT->idle.state, "idle.state");
	for (unsigned i = 0; i < workers; i++)
		setup_worker(&RT->worker[i], i);
	for (int i = 0; i < TASKS; i++)
		atomic_init(&model_task[i].runtime, RT);
#ifndef MODEL_OWN_POLLER
	atomic_init(&poller.breaks, 0);
	events = 0;
#endif
	outside = false;
	for (unsigned i = 0; i < MODEL_THREADS; i++) {
		time_of[i] = NOW;
		worker_of[i] = i < workers ? &RT->worker[i] : NULL;
	}
}

#endif
