/* SPDX-License-Identifier: MIT */
/*
 * The wait group's word: what is to be done, and whether somebody may be in
 * line for the end of it.
 *
 *     bits 1..63  count
 *     bit 0       WAITERS   the line need not be empty
 *
 *     doer     add      to the count, unless that makes it zero with WAITERS
 *     doer     add      under the lock, if it does: clear WAITERS as well, and
 *                       take all out of line
 *     waiter   look     is it zero?
 *     waiter   queue    under the lock: zero, or set WAITERS
 *
 * So a count of zero comes without WAITERS.  NO WAKE-UP IS LOST: all are
 * exchanges on one word, so who makes the count zero does it before a waiter
 * queues, which then does not wait, or finds WAITERS, waits for the lock, and
 * finds in line whoever queued.  A waiter that gives up leaves WAITERS behind:
 * then the last doer takes the lock for nothing.
 *
 * All who add release and acquire: the last one passes on, to whom it wakes,
 * what the others did before.
 *
 * TESTS  model_counter.c.
 */
#ifndef GO_SYNC_COUNTER_H
#define GO_SYNC_COUNTER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__COUNT_WAITERS UINT64_C(1)

struct go__count {
	_Atomic uint64_t bits;
};

/*
 * Add n.  Returns 0; -EINVAL: out of range; -EAGAIN: to be done under the lock;
 * with it, 1: it is zero now, wake all.  Without the lock, the last access.
 */
static inline int go__count_add(struct go__count *c, int64_t n, bool locked)
{
	uint64_t count, to;
	/* relaxed: the exchange below decides. */
	uint64_t bits = atomic_load_explicit(&c->bits, memory_order_relaxed);

	do {
		count = bits >> 1;
		if (n < 0 ? count < 0 - (uint64_t)n
			  : (uint64_t)n > INT64_MAX - count)
			return -EINVAL;
		to = bits + ((uint64_t)n << 1);
		if (to == GO__COUNT_WAITERS && !locked)
			return -EAGAIN;
		if (to == GO__COUNT_WAITERS)
			to = 0;
		/* [add] release -> [zero], [queue], [add]; acquire <- [add]:
		 * what the others did, for whom we wake. */
	} while (!atomic_compare_exchange_weak_explicit(&c->bits, &bits, to,
							memory_order_acq_rel,
							memory_order_relaxed));
	return locked && to == 0;
}

static inline bool go__count_is_zero(const struct go__count *c)
{
	/* [zero] acquire <- [add]: what all have done. */
	return atomic_load_explicit(&c->bits, memory_order_acquire) == 0;
}

/* Under the lock: say that somebody waits.  False: there is nothing to do. */
static inline bool go__count_queue(struct go__count *c)
{
	/* [queue] acquire <- [add]: what all have done, if it is zero. */
	uint64_t bits = atomic_load_explicit(&c->bits, memory_order_acquire);

	do {
		if (bits == 0)
			return false;
		/* [queue] acquire on failure, for the same reason. */
	} while (!atomic_compare_exchange_weak_explicit(
		&c->bits, &bits, bits | GO__COUNT_WAITERS, memory_order_acquire,
		memory_order_acquire));
	return true;
}

#endif
