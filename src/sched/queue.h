/* SPDX-License-Identifier: MIT */
/*
 * An unbounded first-in-first-out queue of tasks under a lock: the runtime's
 * injection queue (other threads' submissions, and what overflows a ring), a
 * worker's inbox (tasks that must run there), the starved.
 *
 * Linked through waiter.next, so a push cannot fail.  Everybody looks at the
 * count first, without the lock, so an empty queue costs one load.
 */
#ifndef GO_SCHED_QUEUE_H
#define GO_SCHED_QUEUE_H

#include "arch/lock.h"
#include "sched/task.h"

struct go__queue {
	struct go__lock lock;
	struct go__waiter *first, **last; /* Under lock. */
	/* Under lock it is written; any thread reads. */
	_Atomic unsigned count;
	bool closed; /* Under lock: go__queue_submit refuses. */
};

static inline void go__queue_init(struct go__queue *q)
{
	go__lock_init(&q->lock);
	q->first = NULL;
	q->last = &q->first;
	atomic_init(&q->count, 0);
	q->closed = false;
}

static inline unsigned go__queue_count(const struct go__queue *q)
{
	/* seq_cst <-> [queued]: a worker about to sleep looks here. */
	return atomic_load_explicit(&q->count, memory_order_seq_cst);
}

/* Change the count.  Under lock. */
static inline void go__queue_add(struct go__queue *q, unsigned n)
{
	/* [queued] seq_cst: before the look at the idle state (idle.h). */
	atomic_fetch_add_explicit(&q->count, n, memory_order_seq_cst);
}

/* Append n tasks.  Any thread. */
static inline void go__queue_push(struct go__queue *q, struct go__task **t,
				  unsigned n)
{
	go__lock_acquire(&q->lock);
	for (unsigned i = 0; i < n; i++) {
		t[i]->waiter.next = NULL;
		*q->last = &t[i]->waiter;
		q->last = &t[i]->waiter.next;
	}
	go__queue_add(q, n);
	go__lock_release(&q->lock);
}

/* Take up to n of the oldest tasks.  Any thread.  Returns how many. */
static inline unsigned go__queue_take(struct go__queue *q, struct go__task **t,
				      unsigned n)
{
	unsigned taken = 0;

	if (go__queue_count(q) == 0)
		return 0;
	go__lock_acquire(&q->lock);
	for (; taken < n && q->first; taken++) {
		t[taken] = go__task_of_waiter(q->first);
		q->first = q->first->next;
	}
	if (!q->first)
		q->last = &q->first;
	go__queue_add(q, -taken);
	go__lock_release(&q->lock);
	return taken;
}

/* Take the oldest task, or NULL.  Any thread. */
static inline struct go__task *go__queue_pop(struct go__queue *q)
{
	struct go__task *t;

	return go__queue_take(q, &t, 1) ? t : NULL;
}

#endif
