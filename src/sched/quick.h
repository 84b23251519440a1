/* SPDX-License-Identifier: MIT */
/*
 * The steps of a wait that wait.h has as functions, inline: for the calls that
 * are made so often, and do so little themselves, that entering them is a good
 * part of the price (channels).  Each does what its namesake does; what is rare
 * in it stays out of line.
 *
 * A model has waits of its own (model_wait.h), and so only the namesakes.
 */
#ifndef GO_SCHED_QUICK_H
#define GO_SCHED_QUICK_H

#include "sched/wait.h"

struct go__task;
struct go__worker;

/* As go__wait_deliver(), from what the worker runs; NULL: from elsewhere. */
void go__wait_deliver_from(struct go__worker *self, struct go__waiter *w,
			   int result);
/* The calling task has used up its budget: yield.  Suspends. */
void go__task_spent(struct go__task *t);

#ifdef GO_MODEL

static inline struct go__waiter *go__quick_self(void)
{
	return go__waiter_self();
}

static inline int go__quick_enter(struct go__waiter **w)
{
	return go__wait_enter(w);
}

static inline void go__quick_begin(struct go__waiter *w, unsigned kind,
				   const void *object, struct go__wait_node *n)
{
	go__wait_begin(w, GO__NO_DEADLINE, kind, object);
	go__wait_node_init(n, w);
}

static inline void go__quick_deliver(struct go__waiter *w, int result,
				     struct go__waiter *self)
{
	(void)self;
	go__wait_deliver(w, result);
}

#else

#include "sched/local.h"

GO__ALWAYS_INLINE struct go__waiter *go__quick_self(void)
{
	struct go__waiter *w = go__self()->waiter;

	return GO__LIKELY(w != NULL) ? w : go__waiter_self();
}

GO__ALWAYS_INLINE int go__quick_check(struct go__waiter *w)
{
	struct go__task *t = go__task_of_waiter(w);

	if (GO__UNLIKELY(!w->is_task))
		return 0;
	if (GO__UNLIKELY(go__task_cancelled(t)))
		return go__wait_check(w); /* Unless it is shielded. */
	if (GO__UNLIKELY(--t->budget == 0))
		go__task_spent(t);
	return 0;
}

/* May suspend, as go__wait_enter(). */
GO__ALWAYS_INLINE int go__quick_enter(struct go__waiter **w)
{
	*w = go__self()->waiter;
	if (GO__UNLIKELY(!*w))
		return go__wait_enter(w);
	return go__quick_check(*w);
}

/*
 * For a wait without a deadline of its own and with one node, which is
 * initialised.
 */
GO__ALWAYS_INLINE void go__quick_begin(struct go__waiter *w, unsigned kind,
				       const void *object,
				       struct go__wait_node *n)
{
	uint64_t deadline = GO__NO_DEADLINE;
	bool deaf = kind & GO__WAIT_IS_DEAF;

	if (!deaf) {
		deadline = *go__waiter_scope(w);
		deaf = w->is_task && go__task_of_waiter(w)->shield;
	}
	go__wait_note(w, deadline, kind, object);
	n->epoch = go__wait_word_open(&w->word, deaf);
	n->waiter = w;
	n->link.next = NULL;
	n->link.prev = NULL;
}

/* `self` is the caller's waiter, or NULL if it is not known. */
GO__ALWAYS_INLINE void go__quick_deliver(struct go__waiter *w, int result,
					 struct go__waiter *self)
{
	if (GO__LIKELY(self && self->is_task))
		go__wait_deliver_from(go__task_of_waiter(self)->worker, w,
				      result);
	else
		go__wait_deliver(w, result);
}

#endif
#endif
