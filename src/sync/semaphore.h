/* SPDX-License-Identifier: MIT */
/*
 * The semaphore word: permits, and whether somebody waits for one.
 *
 *     bits 1..32  permits
 *     bit 0       WAITERS   the line is not empty
 *
 * Without waiters a permit is taken or given by one compare and swap.  With
 * WAITERS set both go through the lock of the line: a permit that is given goes
 * to the first waiter that can be claimed, and into the word only if there is
 * none.  So permits in the word mean that nobody waits who could be claimed,
 * and a waiter that was claimed has its permit, whatever comes later.
 *
 *     taker    take     a permit, without WAITERS
 *     waiter   queue    under the lock: take a permit, or set WAITERS
 *     giver    give     a permit, without WAITERS
 *     giver    keep     under the lock, no waiter could be claimed
 *     anybody  settle   under the lock: the line has become empty
 *
 * TESTS  model_semaphore.c.
 */
#ifndef GO_SYNC_SEMAPHORE_H
#define GO_SYNC_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__PERMIT         UINT64_C(2)
#define GO__PERMIT_WAITERS UINT64_C(1)
#define GO__PERMIT_MOST    (UINT64_C(0xffffffff) << 1)

struct go__permits {
	_Atomic uint64_t bits;
};

/* Take a permit if nobody waits; 1, or 0 if none, or -1: ask under the lock. */
static inline int go__permits_take(struct go__permits *p)
{
	/* relaxed: the exchange below decides. */
	uint64_t bits = atomic_load_explicit(&p->bits, memory_order_relaxed);

	do {
		if (bits & GO__PERMIT_WAITERS)
			return -1;
		if (bits < GO__PERMIT)
			return 0;
		/* [take] acquire <- [give]: what the giver did. */
	} while (!atomic_compare_exchange_weak_explicit(
		&p->bits, &bits, bits - GO__PERMIT, memory_order_acquire,
		memory_order_relaxed));
	return 1;
}

/* Under the lock: take a permit, or (if `join`) announce a waiter: false. */
static inline bool go__permits_queue(struct go__permits *p, bool join)
{
	uint64_t to;
	/* relaxed: the exchange below decides. */
	uint64_t bits = atomic_load_explicit(&p->bits, memory_order_relaxed);

	do {
		if (bits >= GO__PERMIT)
			to = bits - GO__PERMIT;
		else if (join)
			to = bits | GO__PERMIT_WAITERS;
		else
			return false;
		/* [queue] acquire <- [give], if we take one. */
	} while (!atomic_compare_exchange_weak_explicit(&p->bits, &bits, to,
							memory_order_acquire,
							memory_order_relaxed));
	return bits >= GO__PERMIT;
}

/*
 * Give a permit.  Returns 1; 0 if there are too many; -1 if somebody waits and
 * the caller does not hold the lock, or has not looked for waiters (`keep`).
 */
static inline int go__permits_give(struct go__permits *p, bool keep)
{
	/* relaxed: the exchange below decides. */
	uint64_t bits = atomic_load_explicit(&p->bits, memory_order_relaxed);

	do {
		if (!keep && (bits & GO__PERMIT_WAITERS))
			return -1;
		if (bits >= GO__PERMIT_MOST)
			return 0;
		/* [give] release -> [take], [queue]. */
	} while (!atomic_compare_exchange_weak_explicit(
		&p->bits, &bits, bits + GO__PERMIT, memory_order_release,
		memory_order_relaxed));
	return 1;
}

/* Under the lock: the line is empty. */
static inline void go__permits_settle(struct go__permits *p)
{
	/* relaxed: the line itself is guarded by the lock. */
	atomic_fetch_and_explicit(&p->bits, ~GO__PERMIT_WAITERS,
				  memory_order_relaxed);
}

#endif
