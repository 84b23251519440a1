/* SPDX-License-Identifier: MIT */
/*
 * What model_lend.c runs, and what stands in for the rest of the library: the
 * sources of lending on the workers of model_workers.h, with a switch that is a
 * return, threads of the pool that are held back, and the watchdog's clock.
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

/* Those of model_workers.h are used. */
struct go__worker *unused_worker_self(void);
bool unused_task_bind_slow(struct go__worker *w, struct go__task *t);
#define go__worker_self    unused_worker_self
#define go__task_bind_slow unused_task_bind_slow
#include "sched/park.c"
#undef go__worker_self
#undef go__task_bind_slow

#include "sched/lend.c"

/* ---- The watchdog's time ------------------------------------------------- */

static unsigned ticks;           /* Left. */
static unsigned lent;            /* Times that one has been lent. */
static _Atomic uint32_t hogging; /* A task has begun to. */
static _Atomic uint32_t ran;     /* Another one has run. */

static void await(_Atomic uint32_t *word)
{
	/* acquire <- announce(): stands for the time that passes meanwhile. */
	while (atomic_load_explicit(word, memory_order_acquire) == 0)
		model_park(word, 0);
}

static void announce(_Atomic uint32_t *word)
{
	/* release -> await(). */
	atomic_store_explicit(word, 1, memory_order_release);
	model_wake(word, MODEL_THREADS);
}

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
static struct go__worker *to_host[HOSTS];
static unsigned hosts;     /* Let go so far. */
static bool none_at_first; /* The first thread cannot be had. */

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

void go__task_end(struct go__worker *w, struct go__task *t)
{
	(void)w;
	(void)t;
	model_not_called();
}

void go__stuck_report(struct go__worker *w, uint64_t ran_ns)
{
	(void)w;
	(void)ran_ns;
	model_not_called();
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

#endif
