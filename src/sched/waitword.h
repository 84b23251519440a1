/* SPDX-License-Identifier: MIT */
/*
 * The wait word: who may wake a waiter, once, and when it may run again.
 *
 * A waiter is a task or a plain thread.  While it waits, several parties may
 * want to end the wait: the event it waits for, its deadline, a cancellation.
 * They run on other threads and do not know of each other, and the waiter may
 * still be standing on its stack when the first of them arrives.  One atomic
 * word per waiter settles both questions.
 *
 *     bits 4..63  epoch       the number of the wait; it never repeats
 *     bit 3       DEAF        this wait is not to be ended by cancellation
 *     bit 2       DELIVERED   the waker has handed over its result
 *     bit 1       SAVED       the waiter has left its stack; it can be resumed
 *     bit 0       CLAIMED     one waker has won this wait (or none is open)
 *
 * THE RULE
 *
 *     owner    open     epoch + 1, CLAIMED clear       before nodes are shown
 *     waker    claim    set CLAIMED, for that epoch    one of many succeeds
 *     waker    deliver  set DELIVERED, after the result is written
 *     owner    save     set SAVED, by whoever runs after the owner's switch
 *
 * A claim names its epoch, so a waker that comes late, with a node or a timer
 * of an earlier wait, changes nothing.  That is why waiters are type-stable:
 * the late waker may look at the word as long as the process lives.
 *
 * Deliver and save race; each sets its bit and looks at the other's.  Whoever
 * comes second makes the waiter runnable, so it becomes runnable exactly once
 * and never before its context is saved.  A waker that finds SAVED set when
 * it claims has the waiter to itself and needs no DELIVERED.
 *
 * A CANCELLATION cannot be lost either.  The canceller raises its flag, then
 * looks at the word; the owner saves, then looks at the flag.  All four are
 * sequentially consistent, so at least one of the two sees the other: the
 * canceller claims the open wait, or the owner's successor does.
 *
 * WHY NOT a pointer to the waker, or a lock per waiter?  With a pointer a late
 * waker needs to know that the waiter still exists; with a lock the waiter
 * pays two more locked instructions for each park.
 *
 * TESTS  model_waitword.c: wake against time-out against cancel, every
 *        interleaving, two waits in a row.
 */
#ifndef GO_SCHED_WAITWORD_H
#define GO_SCHED_WAITWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__WAIT_CLAIMED     UINT64_C(1)
#define GO__WAIT_SAVED       UINT64_C(2)
#define GO__WAIT_DELIVERED   UINT64_C(4)
#define GO__WAIT_DEAF        UINT64_C(8)
#define GO__WAIT_EPOCH_SHIFT 4

struct go__wait_word {
	_Atomic uint64_t bits;
};

enum go__claim {
	GO__CLAIM_LOST,    /* Another waker won, or that wait is over. */
	GO__CLAIM_RUNNING, /* Won; the owner may still be on its stack. */
	GO__CLAIM_SAVED,   /* Won; the owner is ours to resume. */
};

/* A word with no open wait.  Epochs start at `epoch` + 1. */
static inline void go__wait_word_init(struct go__wait_word *w, uint64_t epoch)
{
	atomic_init(&w->bits, epoch << GO__WAIT_EPOCH_SHIFT | GO__WAIT_CLAIMED);
}

/* Begin a wait; returns its epoch.  Owner only, no wait open. */
static inline uint64_t go__wait_word_open(struct go__wait_word *w, bool deaf)
{
	/* relaxed: nobody but the owner changes a word without open wait. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_relaxed);
	uint64_t epoch = (bits >> GO__WAIT_EPOCH_SHIFT) + 1;

	bits = epoch << GO__WAIT_EPOCH_SHIFT | (deaf ? GO__WAIT_DEAF : 0);
	/* [open] release: a timer or canceller that reads this epoch in
	 * [peek] also sees the deadline that the owner wrote for it. */
	atomic_store_explicit(&w->bits, bits, memory_order_release);
	return epoch;
}

/* The epoch of the last wait opened.  Owner only. */
static inline uint64_t go__wait_word_epoch(const struct go__wait_word *w)
{
	/* relaxed: the owner's own store. */
	return atomic_load_explicit(&w->bits, memory_order_relaxed) >>
	       GO__WAIT_EPOCH_SHIFT;
}

/* Try to win the wait `epoch`.  Any thread, at any time. */
static inline enum go__claim go__wait_word_claim(struct go__wait_word *w,
						 uint64_t epoch)
{
	/* relaxed: the exchange below decides; this only saves an attempt. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_relaxed);

	do {
		if (bits >> GO__WAIT_EPOCH_SHIFT != epoch ||
		    (bits & GO__WAIT_CLAIMED))
			return GO__CLAIM_LOST;
		/* [claim] acquire <- [save]: with SAVED set we see the saved
		 * context.  relaxed on failure: we only look again. */
	} while (!atomic_compare_exchange_weak_explicit(
		&w->bits, &bits, bits | GO__WAIT_CLAIMED, memory_order_acquire,
		memory_order_relaxed));
	return bits & GO__WAIT_SAVED ? GO__CLAIM_SAVED : GO__CLAIM_RUNNING;
}

/*
 * Hand over the result of a wait claimed as RUNNING.  Returns true if the
 * caller must make the waiter runnable; if false, it must not touch it again.
 */
static inline bool go__wait_word_deliver(struct go__wait_word *w)
{
	/* [deliver] release -> [save]: the owner sees our result; acquire <-
	 * [save]: if it has saved, we see its context. */
	uint64_t old = atomic_fetch_add_explicit(&w->bits, GO__WAIT_DELIVERED,
						 memory_order_acq_rel);

	return old & GO__WAIT_SAVED;
}

/*
 * Note that the owner's context is saved.  Called by its successor, once per
 * wait.  Returns true if the result has been delivered already: then the
 * caller makes the owner runnable.
 */
static inline bool go__wait_word_save(struct go__wait_word *w)
{
	/* [save] release -> [claim], [deliver]: whoever resumes the owner sees
	 * its context; acquire <- [deliver].  seq_cst: the look at the
	 * cancellation flag that follows must not move up (see the head). */
	uint64_t old = atomic_fetch_add_explicit(&w->bits, GO__WAIT_SAVED,
						 memory_order_seq_cst);

	return old & GO__WAIT_DELIVERED;
}

/* True if the result is there, so that the owner need not leave its stack. */
static inline bool go__wait_word_delivered(const struct go__wait_word *w)
{
	/* acquire <- [deliver]: we go on to read the result. */
	return atomic_load_explicit(&w->bits, memory_order_acquire) &
	       GO__WAIT_DELIVERED;
}

/*
 * For a canceller or timer: the epoch of the open wait, or 0 if there is none
 * (or, with `hear_deaf` false, if it is deaf).
 */
static inline uint64_t go__wait_word_peek(const struct go__wait_word *w,
					  bool hear_deaf)
{
	/* [peek] seq_cst: stays behind the canceller's flag (see the head),
	 * and acquires [open]: the wait's deadline is visible. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_seq_cst);

	if (bits & GO__WAIT_CLAIMED)
		return 0;
	if (!hear_deaf && (bits & GO__WAIT_DEAF))
		return 0;
	return bits >> GO__WAIT_EPOCH_SHIFT;
}

#endif
