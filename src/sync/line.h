/* SPDX-License-Identifier: MIT */
/*
 * A line of waiters: the lock, a word of state, and the list, that all objects
 * of this layer but the mutex are made of.
 *
 * The public struct go_line is this one in types that C++ understands.  All
 * zero is an empty line: the list is linked to itself when it is first locked.
 * The state is the object's, and under the lock like the list.
 *
 * An object gives what it has to a waiter directly, under the lock, when it
 * claims the wait; the claim (waitword.h) decides between that and a
 * cancellation.  So what was given is never lost: a waiter returns it as a
 * success, or was not given it.  A node whose waiter could not be claimed stays
 * in line until that waiter removes it; it stands for nobody.
 *
 * TESTS  model_cond.c, model_event.c, model_counter.c, model_semaphore.c.
 */
#ifndef GO_SYNC_LINE_H
#define GO_SYNC_LINE_H

#include <gofer/sync.h>

#include "arch/lock.h"
#include "sched/quick.h"

struct go__line {
	struct go__lock lock;
	union {
		uint32_t state;        /* Under the lock, or: */
		_Atomic uint32_t word; /* as its object says. */
	};
	struct go__link list;
};

_Static_assert(sizeof(struct go__line) == sizeof(go_line), "the same in C++");

static inline struct go__line *go__line(go_line *l)
{
	return (struct go__line *)(void *)l;
}

/* The line is locked: see that it has a list. */
static inline void go__line_prepare(struct go__line *l)
{
	if (!l->list.next)
		go__list_init(&l->list);
}

static inline struct go__line *go__line_lock(go_line *public_line)
{
	struct go__line *l = go__line(public_line);

	go__lock_acquire(&l->lock);
	go__line_prepare(l);
	return l;
}

static inline void go__line_unlock(struct go__line *l)
{
	go__lock_release(&l->lock);
}

/*
 * For one that has got something without the lock: if somebody is giving it
 * under the lock, see him out, for the caller may free the object next.
 *
 * He takes the lock [held], gives by a release, and releases the lock.  Who
 * acquires what he gave sees the lock taken, or released since: then he is out.
 */
static inline void go__line_see_out(struct go__line *l)
{
	if (go__lock_held(&l->lock)) {
		go__lock_acquire(&l->lock);
		go__line_unlock(l);
	}
}

/* Join the line, which is locked, with a node of the caller's stack. */
static inline void go__line_join(struct go__line *l, struct go__wait_node *n,
				 struct go__waiter *w, unsigned kind,
				 const void *object)
{
	go__quick_begin(w, kind, object, n);
	go__list_push_back(&l->list, &n->link);
}

/* Join the line, which is locked; wait, unlocked; leave it.  Suspends. */
int go__line_wait(struct go__line *l, struct go__waiter *w, unsigned kind,
		  const void *object);

/* Unlock the line, then deliver those who were taken out of it. */
static inline void go__line_flush(struct go__line *l,
				  const struct go__claimed *k)
{
	go__line_unlock(l);
	go__claimed_deliver(k);
}

/* 0, or -EBUSY if somebody waits: what most destroy functions are. */
int go__line_destroy(go_line *l);

/* mutex.c */
bool go__mutex_is_mine(go_mutex *m, const struct go__waiter *w);

#endif
