/* SPDX-License-Identifier: MIT */
/*
 * Channels from the inside: a lock, a ring, and two queues of waits.
 *
 * Every operation takes the lock once, and does one of these:
 *
 *     state            a sender                     a receiver
 *     ---------------  ---------------------------  --------------------------
 *     receivers wait   copies into the oldest's     (waits behind them)
 *                      memory and wakes it
 *     room, no peer    puts the value into the ring waits, or takes from it
 *     full, or no      waits                        takes the oldest of the
 *     ring at all                                   ring, and lets the oldest
 *                                                   sender's value in; without
 *                                                   a ring takes it from there
 *     closed           -EPIPE                       what is left, then -EPIPE
 *
 * HAND-OFF.  A wait holds a pointer to its owner's memory.  Whoever claims the
 * wait copies between that memory and its own under the lock, and delivers
 * after it: a woken peer has nothing left to do, and does not touch the channel
 * again.  So a value never waits in the ring for somebody who was told to take
 * it, and nobody who comes in between can steal it.
 *
 * CONSERVATION.  A value moves only after the claim of a wait has succeeded, or
 * into or out of the ring, and the operation then returns 0.  A wait that time
 * or a cancellation has claimed is passed over, and moves nothing.
 *
 * WHO MAY STILL LOOK.  A wait that could not be claimed stays linked until its
 * owner unlinks it, so that go_chan_destroy() finds the lists empty only when
 * nobody will take the lock any more.
 *
 * An UNBOUNDED ring that is full is replaced by one of twice the size, which is
 * allocated without the lock; whoever comes second throws his away.
 *
 * WHY NOT a lock-free ring?  Closing, select and the queues of waits need one
 * point at which an operation happens; the lock is that, uncontended it costs
 * one exchange, and waiting for it is bounded by one copy.
 *
 * TESTS  model_chan.c: hand-off and ring against close and cancellation.
 */
#ifndef GO_SYNC_CHAN_H
#define GO_SYNC_CHAN_H

#include <gofer/chan.h>

#include "arch/list.h"
#include "arch/lock.h"
#include "sched/wait.h"

/* One who waits for a channel; on its stack. */
struct go__chan_wait {
	struct go__wait_node node; /* Its link is in senders or receivers. */
	void *value;               /* The owner's memory; may be NULL. */
};

struct go_chan {
	struct go__lock lock;
	bool closed;          /* Under lock, as all that follows. */
	size_t element_bytes; /* Constant. */
	size_t capacity;      /* Constant. */
	uint32_t turn;        /* Of selects: where the next one begins. */

	char *ring;        /* NULL: none yet, or none at all. */
	size_t slots;      /* Of the ring: a power of two, or 0. */
	size_t head, tail; /* Counts of values taken and put; they wrap. */

	struct go__link senders, receivers; /* struct go__chan_wait */
};

/*
 * Do one side's operation now, if that is possible.  Under the lock.  Returns
 * 0, -EPIPE, or -EAGAIN; a peer is added to those to be delivered after the
 * unlock.
 */
int go__chan_put(struct go_chan *c, const void *value,
		 struct go__claimed *woken);
int go__chan_take(struct go_chan *c, void *value, struct go__claimed *woken);

/* True if a put is refused only because the unbounded ring must grow. */
static inline bool go__chan_must_grow(const struct go_chan *c)
{
	return c->capacity == GO_CHAN_UNBOUNDED && !c->closed &&
	       c->tail - c->head == c->slots;
}

/* Make room, without the lock.  Returns 0 (try again) or -ENOMEM. */
int go__chan_grow(struct go_chan *c);

#endif
