/* SPDX-License-Identifier: MIT */
/*
 * What model_lend.c and model_loan.c run, and what stands in for the rest of
 * the library: the sources of lending on the workers of model_workers.h, with a
 * switch that is a return, threads of the pool that are held back (unless
 * MODEL_OWN_POOL says that there is a pool), and the watchdog's clock.
 */
#ifndef MODEL_LEND_H
#define MODEL_LEND_H

#define MODEL_OWN_WATCHDOG
#include "model_workers.h"

#include <signal.h>

enum {
	HOSTS = 2, /* Threads of the pool. */
	TICKS = 4,
	SECOND = 1000 * 1000 * 1000, /* Between two ticks. */
};

/* ---- A switch is a return to the loop ----------------------------------- */

static int frame[TASKS];                            /* Plain, watched. */
static struct go__context *leads_to[MODEL_THREADS]; /* The switch. */

static void leave_stack(struct go__context *from, struct go__context *next)
{
	MODEL_WRITE(frame[go__task_of_context(from) - model_task]) = 1;
	leads_to[model_self()] = next;
}

#define go__context_switch(from, next)                                         \
	do {                                                                   \
		leave_stack(from, next);                                       \
		return;                                                        \
	} while (0)
#define go__context_enter(from, next) go__context_switch(from, next)

/* There is no C++. */
#include "arch/exceptions.h"
#define go__exceptions_known() false

/* Those of model_workers.h are used. */
struct go__worker *unused_worker_self(void);
bool unused_task_bind_slow(struct go__worker *w, struct go__task *t);
#define go__worker_self    unused_worker_self
#define go__task_bind_slow unused_task_bind_slow
#include "sched/park.c"
#undef go__worker_self
#undef go__task_bind_slow
#undef go__exceptions_known

#include "sched/lend.c"

/* ---- The watchdog's time ------------------------------------------------- */

static unsigned ticks;           /* Left. */
static _Atomic uint32_t hogging; /* A task has begun to. */
static _Atomic uint32_t ran;     /* Another one has run. */

/* A pause of the watchdog: a tick, as long as there are some left; but once it
 * has recalled a worker, none before that one has gone. */
static int pause_watchdog(_Atomic uint32_t *word, uint32_t value, bool timed)
{
	if (!timed || ticks == 0)
		return model_park(word, value) ? 0 : -EAGAIN;
	while (go__loan_of(&RT->worker[1]) == GO__LOAN_RECALLED)
		model_yield();
	ticks--;
	time_of[model_self()] += SECOND;
	return -ETIMEDOUT;
}

#undef go__sys_futex_wait
#define go__sys_futex_wait(word, value, deadline)                              \
	pause_watchdog(word, value, (deadline) != GO__NO_DEADLINE)
#include "sched/watchdog.c"

/* ---- What stands in for the rest of the library ------------------------- */

static struct go__context host_context;

#ifndef MODEL_OWN_POOL
static struct go__worker *to_host[HOSTS];
static unsigned hosts;     /* Let go so far. */
static unsigned lent;      /* Times that one has been lent. */
static bool none_at_first; /* The first thread cannot be had. */

int go__pool_host(struct go__worker *w)
{
	if (none_at_first) {
		none_at_first = false;
		return -EAGAIN;
	}
	model_assert(hosts < HOSTS);
	to_host[hosts] = w;
	lent++;
	/* They come behind the workers and the lender. */
	model_start(RT->worker_count + 1 + hosts++);
	return 0;
}

int go__sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

int go__sys_thread_create(pthread_t *thread, size_t stack_bytes,
			  void *(*fn)(void *), void *arg)
{
	(void)thread;
	(void)stack_bytes;
	(void)fn;
	(void)arg;
	return 0;
}

int go__sys_thread_join(pthread_t thread)
{
	(void)thread;
	return 0;
}

int go__sys_thread_join_until(pthread_t id, uint64_t deadline_ns)
{
	(void)deadline_ns;
	return go__sys_thread_join(id);
}

#endif

int go__sys_membarrier(void)
{
	model_membarrier();
	return 0;
}

int go__sys_membarrier_begin(void)
{
	return 0;
}

void go__worker_init(struct go__worker *w, struct go_runtime *rt,
		     unsigned index)
{
	(void)rt;
	setup_worker(w, index);
}

bool go__stuck_report(struct go__worker *w, uint64_t ran_ns)
{
	(void)w;
	(void)ran_ns;
	model_not_called();
	return false;
}

void go__stack_free(struct go__stack unused)
{
	(void)unused;
	model_not_called();
}

void go__stack_flush(struct go__stack_cache *cache, unsigned keep)
{
	(void)cache;
	(void)keep;
	model_not_called();
}

void go__context_release(struct go__context *c)
{
	(void)c;
	model_not_called();
}

void go__context_prepare(struct go__context *c, char *low, char *high,
			 void (*entry)(void))
{
	(void)c;
	(void)low;
	(void)high;
	(void)entry;
	model_not_called();
}

/* ---- Tasks and those who run them ---------------------------------------- */

/* What task i does in its n-th turn; true: it yields then. */
static bool (*act[TASKS])(unsigned n);
static unsigned turns[TASKS];
static int errno_place[MODEL_THREADS];

static void make_task(int i)
{
	struct go__task *t = make(i);

	if (t->slot)
		go__ready(go__worker_self(), t, true);
	else
		go__ready_fresh(go__worker_self(), t);
}

/* What a hog does that goes on until another task has run. */
static void hog_until_one_ran(void)
{
	happened(&hogging);
	await(&ran);
}

/* On w, which is closed, until it goes back to its host. */
static void run_from(struct go__worker *w, struct go__task *t)
{
	const int me = model_self();

	while (t) {
		int i;

		if (w->after != GO__AFTER_NOTHING)
			go__after_switch(w);
		i = begin_run(t);
		MODEL_WRITE(frame[i]) = 1;
		go__worker_open(w);
		leads_to[me] = &t->context;
		if (act[i](turns[i]++)) {
			suspend(t, GO__AFTER_YIELD);
		} else {
			runs[i]++;
			go__worker_close(w);
			go__runs(w, NULL);
			leads_to[me] = w->host;
		}
		t = leads_to[me] == w->host ? NULL
					    : go__task_of_context(leads_to[me]);
	}
	if (w->after != GO__AFTER_NOTHING)
		go__after_switch(w);
}

static bool is_recalled(void *arg)
{
	return go__loan_of(arg) == GO__LOAN_RECALLED;
}

/* As go__worker_host(). */
static void host(struct go__worker *w)
{
	const int me = model_self();
	bool is_lent = go__loan_of(w) != GO__LOAN_HOME;
	struct go__task *t;

	worker_of[me] = w;
	go__worker_close(w);
	w->host = &host_context;
	w->errno_location = &errno_place[me];
	if (is_lent)
		go__lend_enter(w);
	while ((t = go__pick(w, is_lent ? is_recalled : NULL, w))) {
		t->worker = w;
		go__runs(w, t);
		run_from(w, t);
	}
	if (is_lent)
		go__lend_quit(w);
	worker_of[me] = NULL;
	if (is_lent)
		go__lend_over(w);
}

/* ---- Before -------------------------------------------------------------- */

/* One may be lent; the watchdog has `n` ticks. */
static void setup_lending(unsigned workers, unsigned n)
{
	setup_workers(workers);
	memset(frame, 0, sizeof(frame));
	memset(turns, 0, sizeof(turns));
	RT->spares = 1;
	RT->watched = true;
	RT->stuck_after = SECOND / 2;
	atomic_init(&RT->watch, TICKING);
	atomic_init(&hogging, 0);
	atomic_init(&ran, 0);
	ticks = n;
	model_name(&RT->watch, "watch");
}

#endif
