/* SPDX-License-Identifier: MIT */
/*
 * Which runtime the caller is in: that of its task, or the one that its thread
 * has entered.
 *
 * Entering is a plain thread's own affair: nobody else reads its record.  The
 * runtime only counts those who are in, so that it is not freed under them.
 *
 * TESTS  test_enter.c.
 */
#include <errno.h>

#include "arch/sys.h"
#include "sched/worker.h"

/* What a thread was in before it entered another runtime. */
struct go__outer {
	struct go_runtime *runtime; /* NULL: none. */
	struct go__outer *next;
};

struct go_runtime *go__runtime_self(void)
{
	struct go__worker *w = go__worker_self();
	struct go__context *c = go__self();

	if (w)
		return w->runtime;
	/* A task, whatever lends it a thread, is never without a worker. */
	return c->waiter ? go__container_of((struct go__waiter *)c->waiter,
					    struct go__thread, waiter)
				   ->entered
			 : NULL;
}

int go_runtime_enter(go_runtime *rt)
{
	struct go__thread *t;
	struct go__outer *outer;

	if (!rt)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	if (go__worker_self())
		return -ENOTSUP;
	t = go__thread_self();
	outer = t ? go__sys_malloc(sizeof(*outer)) : NULL;
	if (!outer)
		return -ENOMEM;
	*outer = (struct go__outer){t->entered, t->outer};
	t->outer = outer;
	t->entered = rt;
	/* relaxed: who destroys a runtime has seen to it that nobody enters
	 * it any more. */
	atomic_fetch_add_explicit(&rt->entered, 1, memory_order_relaxed);
	return 0;
}

static void leave(struct go__thread *t)
{
	struct go__outer *outer = t->outer;

	/* [out] release -> go_runtime_destroy(): we use it no more. */
	atomic_fetch_sub_explicit(&t->entered->entered, 1,
				  memory_order_release);
	t->entered = outer->runtime;
	t->outer = outer->next;
	go__sys_free(outer);
}

int go_runtime_leave(void)
{
	struct go__thread *t;

	if (go__worker_self())
		return -ENOTSUP;
	t = go__thread_self();
	if (!t || !t->outer)
		return -ESRCH;
	leave(t);
	return 0;
}

void go__leave_all(struct go__thread *t)
{
	while (t->outer)
		leave(t);
}

go_runtime *go_runtime_current(void)
{
	return go__runtime_self();
}
