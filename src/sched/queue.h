/* SPDX-License-Identifier: MIT */
/*
 * An unbounded queue of tasks under a lock: the runtime's injection queue
 * (other threads' submissions, and what overflows a ring), a worker's inbox
 * (tasks that must run there), the starved.
 *
 * TWO LANES, one for tasks that have run and one for new ones, are first in,
 * first out each, and take turns while both hold tasks.  In a single one
 * whoever is woken waits until all have begun that were spawned before: with a
 * million new tasks, for seconds.
 *
 * Linked through waiter.next, so a push cannot fail.  Everybody looks at the
 * count first, without the lock, so an empty queue costs one load.
 */
#ifndef GO_SCHED_QUEUE_H
#define GO_SCHED_QUEUE_H

#include "arch/lock.h"
#include "sched/task.h"

struct go__lane {
	struct go__waiter *first, **last;
};

struct go__queue {
	struct go__lock lock;
	struct go__lane lane[2]; /* Under lock: that have run; new ones. */
	unsigned turn;           /* Under lock: the lane that comes next. */
	/* Under lock it is written; any thread reads. */
	_Atomic unsigned count;
	bool closed; /* Under lock, of the injection queue: spawn.c. */
};

static inline void go__lane_init(struct go__lane *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static inline void go__queue_init(struct go__queue *q)
{
	go__lock_init(&q->lock);
	go__lane_init(&q->lane[0]);
	go__lane_init(&q->lane[1]);
	q->turn = 0;
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
		/* A new task has no stack yet. */
		struct go__lane *l = &q->lane[!t[i]->slot];

		t[i]->waiter.next = NULL;
		*l->last = &t[i]->waiter;
		l->last = &t[i]->waiter.next;
	}
	go__queue_add(q, n);
	go__lock_release(&q->lock);
}

/*
 * The lane whose turn it is, or the one that holds tasks; NULL: none does.
 * Without `fresh` only the one of tasks that have run.
 */
static inline struct go__lane *go__queue_next_lane(struct go__queue *q,
						   bool fresh)
{
	struct go__lane *l = &q->lane[fresh ? q->turn : 0];

	q->turn = l == &q->lane[0];
	if (!l->first && fresh)
		l = &q->lane[q->turn];
	return l->first ? l : NULL;
}

/*
 * Take up to n of the oldest tasks, at most `fresh` new ones among them.  Any
 * thread.  Returns how many.
 */
static inline unsigned go__queue_take_some(struct go__queue *q,
					   struct go__task **t, unsigned n,
					   unsigned fresh)
{
	struct go__lane *l;
	unsigned taken = 0;

	if (go__queue_count(q) == 0)
		return 0;
	go__lock_acquire(&q->lock);
	while (taken < n && (l = go__queue_next_lane(q, fresh != 0))) {
		fresh -= l == &q->lane[1];
		t[taken++] = go__task_of_waiter(l->first);
		l->first = l->first->next;
		if (!l->first)
			l->last = &l->first;
	}
	go__queue_add(q, -taken);
	go__lock_release(&q->lock);
	return taken;
}

static inline unsigned go__queue_take(struct go__queue *q, struct go__task **t,
				      unsigned n)
{
	return go__queue_take_some(q, t, n, n);
}

/* Take the oldest task, or NULL.  Any thread. */
static inline struct go__task *go__queue_pop(struct go__queue *q)
{
	struct go__task *t;

	return go__queue_take(q, &t, 1) ? t : NULL;
}

#endif
