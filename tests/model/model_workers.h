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
 * otherwise (worker_of) or defines MODEL_OWN_HOSTS.  Tasks do not end, as far
 * as the runtime knows, unless it defines MODEL_OWN_RUNTIME, which counts them,
 * and MODEL_OWN_SPAWN, which ends them.  Included once by a program; it defines
 * what the sources call.
 */
#ifndef MODEL_WORKERS_H
#define MODEL_WORKERS_H

#define GO__RING_CAPACITY 2u
#include "model.h"

#include <string.h>

#include "arch/sys.h"
#include "model_hook.h"
#include "sched/worker.h"

/* Futexes: a wait that compares, a wake. */
#define go__sys_futex_wait(word, value, deadline)                              \
	((void)(deadline), model_park(word, value) ? 0 : -EAGAIN)
#define go__sys_futex_wake(word, n) ((int)model_wake(word, n))

#include "sched/home.c"
#include "sched/pick.c"
#include "sched/ready.c"
#include "sched/sleep.c"

enum {
	WORKERS = 3,
	TASKS = 4,
	POSTS = 2,
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
static unsigned events; /* Of descriptors, which end a poller's sleep. */
/* What a poller has to tell, and its descriptors, as the kernel keeps them. */
enum {
	BREAK = 1,
	EVENT = 2,
};
struct go__poller {
	_Atomic uint32_t news;
};
static struct go__poller pollers[POSTS];
static unsigned fetched; /* Of the EVENTs. */
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
/* Returns whether there are any. */
static bool take_news(struct go__poller *p, uint32_t which)
{
	/* acquire <- go__poller_break(). */
	uint32_t news = which & atomic_fetch_and_explicit(&p->news, ~which,
							  memory_order_acquire);

	fetched += (news & EVENT) != 0;
	return news != 0;
}

int go__poller_wait(struct go__poller *p, int64_t timeout, unsigned most,
		    struct go__wake_list *ready)
{
	(void)most;
	(void)ready;
	if (timeout > 0) {
		time_of[model_self()] = LATE;
		return 0;
	}
	/* A look does not use a break up. */
	if (timeout == 0)
		return take_news(p, EVENT);
	while (!take_news(p, BREAK | EVENT)) {
		if (events == 0) {
			model_park(&p->news, 0);
			continue;
		}
		if (!model_park_timed(&p->news, 0)) {
			events--;
			break;
		}
	}
	return 0;
}

/* Of the others at most one is covered here, and only that has news. */
int go__poller_wait_over(struct go__poller *const *all, unsigned n,
			 int64_t timeout, unsigned most,
			 struct go__wake_list *ready)
{
	(void)timeout;
	(void)most;
	(void)ready;
	model_assert(n == 2);
	/* relaxed: a look, after which it looks again. */
	while (!atomic_load_explicit(&all[1]->news, memory_order_relaxed))
		model_park(&all[1]->news, 0);
	return 0;
}

static void tell(struct go__poller *p, uint32_t what)
{
	/* release -> take_news(): as a write to an eventfd. */
	atomic_fetch_or_explicit(&p->news, what, memory_order_acq_rel);
	model_wake(&p->news, MODEL_THREADS);
}

void go__poller_break(struct go__poller *p)
{
	tell(p, BREAK);
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

#ifndef MODEL_OWN_RUNTIME
uint64_t go__runtime_live(struct go_runtime *rt)
{
	(void)rt;
	return TASKS;
}

void go__runtime_drained(struct go_runtime *rt)
{
	(void)rt;
	model_not_called();
}
#endif

#ifndef MODEL_OWN_SPAWN
void go__task_end(struct go__worker *w, struct go__task *t)
{
	(void)w;
	(void)t;
	model_not_called();
}
#endif

#ifndef MODEL_OWN_WATCHDOG
void go__watchdog_kick(struct go_runtime *rt)
{
	(void)rt; /* There is none: nothing is to need it. */
}

unsigned go__lent(const struct go_runtime *rt)
{
	(void)rt; /* Nor does anybody lend. */
	return 0;
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

/* For more than one: after setup_workers(). */
#ifndef MODEL_OWN_POLLER
static void setup_posts(unsigned n)
{
	RT->posts = n;
	for (unsigned i = 0; i < n; i++)
		RT->post[i].poller = &pollers[i];
}
#endif

static void setup_workers(unsigned workers)
{
	memset(&memory, 0, sizeof(memory));
	memset(model_task, 0, sizeof(model_task));
	memset(payload, 0, sizeof(payload));
	memset(runs, 0, sizeof(runs));
	RT->worker_count = workers;
	RT->fairness = 61;
	RT->patience = GO__NO_DEADLINE;
	RT->posts = 1;
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
	memset(pollers, 0, sizeof(pollers));
	setup_posts(1);
	events = 0;
	fetched = 0;
#endif
	outside = false;
	for (unsigned i = 0; i < MODEL_THREADS; i++) {
		time_of[i] = NOW;
		worker_of[i] = i < workers ? &RT->worker[i] : NULL;
	}
}

/* ---- Tasks --------------------------------------------------------------- */

/* Task i, with what it is to see when it runs. */
static inline struct go__task *make(int i)
{
	MODEL_WRITE(payload[i]) = i + 1;
	return &model_task[i];
}

/* In setup(): task i lies in the ring of a worker, as a new one. */
static inline void put_fresh(int i, unsigned worker)
{
	model_assert(go__fresh_push(&RT->worker[worker].fresh, make(i)));
}

/* A task runs, which must not have come to its end before.  Its number. */
static inline int begin_run(struct go__task *t)
{
	int i = (int)(t - model_task);

	model_assert(i >= 0 && i < TASKS);
	model_assert(MODEL_READ(payload[i]) == i + 1);
	model_assert(runs[i] == 0);
	return i;
}

/* What worker i does, until it is told to stop. */
static inline void run_all(int i,
			   void (*fn)(struct go__worker *w, struct go__task *t))
{
	struct go__worker *w = &RT->worker[i];
	struct go__task *t;

	while ((t = go__pick(w, NULL, NULL)))
		fn(w, t);
}

/* Wait for another thread, or for another task that runs elsewhere. */
static inline void await(_Atomic uint32_t *word)
{
	/* acquire <- happened(): stands for the time that passes meanwhile. */
	while (atomic_load_explicit(word, memory_order_acquire) == 0)
		model_park(word, 0);
}

static inline void happened(_Atomic uint32_t *word)
{
	/* release -> await(). */
	atomic_store_explicit(word, 1, memory_order_release);
	model_wake(word, MODEL_THREADS);
}

/* ---- After --------------------------------------------------------------- */

/* The first tasks have run, once each, and no other one; all workers sleep,
 * those that are lent, too, and have left nothing behind; none is alone while
 * one is lent. */
static inline void all_asleep(int tasks)
{
	uint64_t state = go__idle_state(&RT->idle);
	unsigned active = RT->worker_count + go__lent(RT);

	for (int i = 0; i < TASKS; i++)
		model_assert(runs[i] == (i < tasks));
	model_assert(go__idle_searching(state) == 0);
	model_assert(go__idle_count(state) == active);
	model_assert(go__idle_active(state) == active);
	for (unsigned i = 0; i < go__slots(RT); i++) {
		struct go__worker *w = &RT->worker[i];

		model_assert(!go__work_anywhere(w));
		/* relaxed: the threads have ended. */
		model_assert(
			!atomic_load_explicit(&w->next, memory_order_relaxed));
	}
	model_assert(!go__alone(&RT->worker[0]) || go__lent(RT) == 0);
}

static inline void one_ran(void)
{
	all_asleep(1);
}

static inline void two_ran(void)
{
	all_asleep(2);
}

static inline void three_ran(void)
{
	all_asleep(3);
}

/* ---- The table of models ------------------------------------------------- */

/* worker() is the program's. */
#define WORKER(i) MODEL_DAEMON("worker" #i, worker, i)

/* A struct model: its fields in this order, behind them the threads. */
#define MODEL_OF(id, before, after, bound, ...)                                \
	{                                                                      \
		.name = (id), .setup = (before), .finish = (after),            \
		.preemptions = (bound), .thread = {__VA_ARGS__},               \
	}

#endif
