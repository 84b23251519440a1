/* SPDX-License-Identifier: MIT */
/*
 * The threads of a pool, for models that run sched/pool.c.
 *
 * Replaced is what makes, names, masks and joins threads.  To make one is to
 * let a held thread of the model go, or to fail where it may; the one that is
 * made as number i, from 0, is the model's thread first_thread + i, which runs
 * pool_thread().  Each is joined once, behind its end.
 *
 * Included once by a program, which has defined POOL_THREADS, how many there
 * are at most; it defines what the sources call.
 */
#ifndef MODEL_THREADS_H
#define MODEL_THREADS_H

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "arch/sys.h"
#include "model_hook.h"
#include "sched/worker.h"

#define pthread_self() ((pthread_t)model_self())

#include "sched/pool.c"

static struct go__thread record[POOL_THREADS];
static unsigned first_thread, made, joins[MODEL_THREADS];
static _Atomic uint32_t over[MODEL_THREADS]; /* Its function has returned. */
static bool may_fail;

int go__sys_sigaction(int sig, const struct sigaction *action,
		      struct sigaction *old)
{
	(void)sig;
	(void)action;
	(void)old;
	return -EINVAL;
}

int go__sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

void go__sys_thread_name(const char *name)
{
	(void)name;
}

struct go__thread *go__thread_make(void)
{
	return made == POOL_THREADS ? NULL : &record[made];
}

void go__thread_unmake(struct go__thread *t)
{
	t->pool.worker = NULL;
}

void go__thread_adopt(struct go__thread *t)
{
	(void)t;
}

void go__leave_all(struct go__thread *t)
{
	(void)t;
}

int go__sys_thread_create(pthread_t *id, size_t stack_bytes,
			  void *(*fn)(void *), void *arg)
{
	(void)id;
	(void)stack_bytes;
	(void)fn;
	(void)arg;
	if (may_fail && model_choose(2))
		return -EAGAIN;
	model_start(first_thread + made++);
	return 0;
}

int go__sys_thread_join(pthread_t id)
{
	model_assert(joins[id]++ == 0);
	/* acquire <- pool_thread(). */
	while (!atomic_load_explicit(&over[id], memory_order_acquire))
		model_park(&over[id], 0);
	return 0;
}

int go__sys_thread_join_until(pthread_t id, uint64_t deadline_ns)
{
	(void)deadline_ns;
	return go__sys_thread_join(id);
}

#ifndef MODEL_OWN_WATCHDOG /* Else there is none. */
void go__watchdog_stop(struct go_runtime *rt)
{
	(void)rt;
}

bool go__watchdog_wait(struct go_runtime *rt, uint64_t deadline)
{
	(void)rt;
	(void)deadline;
	return true;
}

bool go__watchdog_join(struct go_runtime *rt, uint64_t deadline)
{
	(void)rt;
	(void)deadline;
	return true;
}
#endif

/* A thread of the pool. */
static void pool_thread(int i)
{
	(void)thread_main(&record[i]);
	/* release -> go__sys_thread_join(). */
	atomic_store_explicit(&over[model_self()], 1, memory_order_release);
	model_wake(&over[model_self()], 1);
}

#define POOL_THREAD(name, i)                                                   \
	{                                                                      \
		name, pool_thread, i, true, true                               \
	}

/* The model's threads from `at` on are the pool's; none has been made. */
static inline void setup_pool_threads(unsigned at)
{
	memset(record, 0, sizeof(record));
	memset(joins, 0, sizeof(joins));
	for (int i = 0; i < MODEL_THREADS; i++)
		atomic_init(&over[i], 0);
	first_thread = at;
	made = 0;
	may_fail = false;
}

/* After a shutdown. */
static inline void check_all_joined(const struct go__pool *p)
{
	for (unsigned i = 0; i < made; i++)
		model_assert(joins[first_thread + i] == 1);
	model_assert(p->threads == 0 && p->present == 0);
}

#endif
