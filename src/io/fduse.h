/* SPDX-License-Identifier: MIT */
/*
 * The use count: when a descriptor may really be closed.
 *
 * A descriptor number that is closed while a call on it is under way may be
 * handed out again at once, and the call then reads from, or writes into, a
 * stranger's file.  So each call on a descriptor enters it first and leaves
 * it at the end, and whoever comes last closes:
 *
 *     bit 31      CLOSING   go_close() has been called
 *     bits 0..30  count     calls under way, the closing one included
 *
 *     word          meaning                            who moves on
 *     ------------  ---------------------------------  ----------------------
 *     0             nobody uses it                     enter
 *     n             n calls under way                  enter, leave, close
 *     CLOSING | n   no new calls; n must end first     leave
 *     CLOSING       one caller is about to close(2)    that caller: reopen
 *
 * THE RULE.  enter fails, and changes nothing, once CLOSING is set; so the
 * count only falls from then on and reaches zero once.  The leave that takes
 * it there answers true, and its caller alone closes the number.
 *
 * REOPEN clears CLOSING before close(2), since afterwards the number may
 * belong to somebody else, whose calls must not be refused.  A call that
 * enters in between uses a descriptor that its own program is closing; the
 * kernel answers it, with the old file or with EBADF, and if it waits, it is
 * made to look again after close(2) (fdtable.c).
 *
 * WHY NOT a plain fetch_add in enter?  A failed enter would have to take its
 * count back, could be the last one out, and would have to close.
 *
 * TESTS  model_fduse.c: close against calls in flight, two closes.
 *        test_ready.c: each function alone.
 */
#ifndef GO_IO_FDUSE_H
#define GO_IO_FDUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__FDUSE_CLOSING UINT32_C(0x80000000)

struct go__fduse {
	_Atomic uint32_t word;
};

/* A call begins.  False: the descriptor is being closed (-EBADF). */
static inline bool go__fduse_enter(struct go__fduse *u)
{
	/* relaxed: the exchange decides. */
	uint32_t word = atomic_load_explicit(&u->word, memory_order_relaxed);

	do {
		if (word & GO__FDUSE_CLOSING)
			return false;
		/* [enter] acquire <- [leave], [reopen]: we see what the entry
		 * was last made to be.  relaxed: retried. */
	} while (!atomic_compare_exchange_weak_explicit(
		&u->word, &word, word + 1, memory_order_acquire,
		memory_order_relaxed));
	return true;
}

/*
 * Begin to close: no new calls from here on.  The caller has entered.  False
 * if somebody else closes already.  Under the entry's lock, so that a waiter
 * either is linked before, or sees CLOSING (go__fduse_closing).
 */
static inline bool go__fduse_close(struct go__fduse *u)
{
	/* [closing] relaxed: the lock orders it against waiters, and for an
	 * enter that comes too early any order will do. */
	uint32_t old = atomic_fetch_or_explicit(&u->word, GO__FDUSE_CLOSING,
						memory_order_relaxed);

	return (old & GO__FDUSE_CLOSING) == 0;
}

/* Whether it is being closed.  Under the entry's lock. */
static inline bool go__fduse_closing(const struct go__fduse *u)
{
	/* relaxed <- [closing]: ordered by the lock. */
	return atomic_load_explicit(&u->word, memory_order_relaxed) &
	       GO__FDUSE_CLOSING;
}

/*
 * Whether the caller, who has entered, is the only one.  It may be old at once.
 */
static inline bool go__fduse_alone(const struct go__fduse *u)
{
	/* relaxed: a hint. */
	uint32_t word = atomic_load_explicit(&u->word, memory_order_relaxed);

	return (word & ~GO__FDUSE_CLOSING) == 1;
}

/* A call ends.  True: the caller is the last one, and closes the number. */
static inline bool go__fduse_leave(struct go__fduse *u)
{
	/* [leave] release -> the last one: our use is over; acquire <- the
	 * others' [leave]: so is theirs, and close(2) comes after it. */
	uint32_t old =
		atomic_fetch_sub_explicit(&u->word, 1, memory_order_acq_rel);

	return old == (GO__FDUSE_CLOSING | 1);
}

/*
 * Take calls again, for whatever file the number stands for next.  By the last
 * one out before close(2), or by whoever gets the number from the kernel.
 */
static inline void go__fduse_reopen(struct go__fduse *u)
{
	/* [reopen] release -> [enter]: the entry is ready for its next life. */
	atomic_fetch_and_explicit(&u->word, ~GO__FDUSE_CLOSING,
				  memory_order_release);
}

#endif
