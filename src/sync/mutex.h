/* SPDX-License-Identifier: MIT */
/*
 * The mutex word: who owns a mutex, and who gets it next.
 *
 *     bits 3..63  owner     the struct go__waiter of the holder; 0: free
 *     bit 1       WOKEN     a waiter has been woken and is on its way here
 *     bit 0       WAITERS   the list of waiters is not empty
 *
 * A free mutex without waiters is taken and given back by one compare and swap
 * each.  The list of waiters is guarded by a lock from a table, chosen by the
 * mutex's address, so that a mutex has room for 16 bytes; that lock is called L
 * here.  WAITERS changes under L only.
 *
 * THE RULE
 *
 *     taker    take     a mutex without owner, at any time: bargers included
 *     waiter   queue    under L: take it, or set WAITERS and join the list
 *     owner    release  no waiters, or one is on its way: clear the owner
 *     owner    pass     under L, else: choose the first waiter.  If it has
 *                       been passed over, make it the owner; if not, wake it,
 *                       set WOKEN, and leave the mutex free
 *     waiter   leave    under L, when cancelled: clear WAITERS with the last
 *
 * UNFAIRNESS is bounded.  A woken waiter that finds the mutex taken goes back
 * to the head of the list as one that has been passed over; the next release
 * gives it the mutex.  While such a one is at the head nobody else is woken,
 * so only those that were on their way by then can get in front of it.
 *
 * NO WAKE-UP IS LOST  If the mutex is free and somebody waits who can be
 * woken, then WOKEN is set, and the one it stands for has yet to queue: there
 * it takes the mutex, or clears WOKEN and leaves the duty to wake to the owner
 * it has seen.  Both are one compare and swap on the word on which the owner
 * releases, so the owner sees WOKEN cleared or the waiter sees the mutex free.
 * That is why a waiter that is cancelled on its way queues all the same.
 *
 * THE LAST ACCESS to a mutex by a release is its write to the word.  So whoever
 * takes the mutex after it may free the memory.
 *
 * WHY NOT hand over always?  Then each release under contention costs a trip
 * through the scheduler, during which nobody runs with the mutex.
 *
 * TESTS  model_mutex.c.
 */
#ifndef GO_SYNC_MUTEX_H
#define GO_SYNC_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__MUTEX_WAITERS UINT64_C(1)
#define GO__MUTEX_WOKEN   UINT64_C(2)
#define GO__MUTEX_OWNER   (~UINT64_C(7))

struct go__mutex_word {
	_Atomic uint64_t bits;
};

enum go__mutex_release {
	GO__MUTEX_RELEASED,
	GO__MUTEX_CONTENDED, /* Still ours: pass it on, under L. */
	GO__MUTEX_STRANGER,  /* The caller is not the owner. */
};

static inline uint64_t go__mutex_owner(const struct go__mutex_word *m)
{
	/* relaxed: only whether we are the owner is asked, and that only we
	 * ourselves can change; and for the dump. */
	return atomic_load_explicit(&m->bits, memory_order_relaxed) &
	       GO__MUTEX_OWNER;
}

/* Take a mutex that is free. */
static inline bool go__mutex_take(struct go__mutex_word *m, uint64_t self)
{
	uint64_t bits = 0;

	/* [take] acquire <- [release], [pass]: what the last owner did. */
	while (!atomic_compare_exchange_weak_explicit(
		&m->bits, &bits, bits | self, memory_order_acquire,
		memory_order_relaxed))
		if (bits & GO__MUTEX_OWNER)
			return false;
	return true;
}

/*
 * Under L.  Take the mutex, or announce that the caller joins the list: false.
 * woken: the caller is the one that WOKEN stands for.
 */
static inline bool go__mutex_queue(struct go__mutex_word *m, uint64_t self,
				   bool woken)
{
	uint64_t off = woken ? GO__MUTEX_WOKEN : 0, add;
	/* relaxed: the exchange below decides. */
	uint64_t bits = atomic_load_explicit(&m->bits, memory_order_relaxed);

	do {
		add = bits & GO__MUTEX_OWNER ? GO__MUTEX_WAITERS : self;
		/* [queue] acquire <- [release], [pass], if we take it. */
	} while (!atomic_compare_exchange_weak_explicit(
		&m->bits, &bits, (bits & ~off) | add, memory_order_acquire,
		memory_order_relaxed));
	return add == self;
}

static inline enum go__mutex_release go__mutex_release(struct go__mutex_word *m,
						       uint64_t self)
{
	uint64_t bits = self;

	/* [release] release -> [take], [queue]. */
	while (!atomic_compare_exchange_weak_explicit(
		&m->bits, &bits, bits & ~GO__MUTEX_OWNER, memory_order_release,
		memory_order_relaxed)) {
		if ((bits & GO__MUTEX_OWNER) != self)
			return GO__MUTEX_STRANGER;
		if ((bits & GO__MUTEX_WAITERS) && !(bits & GO__MUTEX_WOKEN))
			return GO__MUTEX_CONTENDED;
	}
	return GO__MUTEX_RELEASED;
}

/*
 * Under L, by the owner of a contended mutex: give it to `next` (0: nobody).
 * The last access to the mutex.
 */
static inline void go__mutex_pass(struct go__mutex_word *m, uint64_t next,
				  bool woken, bool waiters)
{
	uint64_t bits = next | (woken ? GO__MUTEX_WOKEN : 0) |
			(waiters ? GO__MUTEX_WAITERS : 0);

	/* [pass] release -> [take], [queue].  A store will do: with an owner
	 * and without WOKEN only holders of L change the word. */
	atomic_store_explicit(&m->bits, bits, memory_order_release);
}

/* Under L: the last waiter has left the list. */
static inline void go__mutex_leave(struct go__mutex_word *m)
{
	/* relaxed: the list itself is guarded by L. */
	atomic_fetch_and_explicit(&m->bits, ~GO__MUTEX_WAITERS,
				  memory_order_relaxed);
}

#endif
