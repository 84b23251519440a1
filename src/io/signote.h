/* SPDX-License-Identifier: MIT */
/*
 * The note that a signal handler leaves: how many of each number have come.
 *
 * A handler may interrupt anything, so it may neither lock nor wake anybody.
 * It counts, and tells a thread, by an eventfd, that there is something to
 * collect:
 *
 *     a handler                          the collector
 *     ---------                          -------------
 *     N1  count[sig]++                   C1  the eventfd is readable; read it
 *     N2  if exchange(any, 1) was 0:     C2  any = 0, by an exchange
 *     N3      write to the eventfd       C3  for each number: take the count
 *
 * NOTHING IS LOST.  N2 and C2 are exchanges on one word.  A handler whose N2
 * comes before C2 has counted before C3, which finds it.  One whose N2 comes
 * after C2 finds 0, unless another one has been there since, and writes; that
 * write comes after C1, so there will be another C1.  In between, the one that
 * found 0 may be held up before N3, by its thread's loss of the processor, or
 * by a second signal within it: then all that came since waits for it to go on,
 * and it does, since a handler waits for nobody.
 *
 * ANYBODY MAY COLLECT, at any time and without C1, under the lock of those who
 * are to be told: then the eventfd is readable for nothing later.
 *
 * COUNTS MERGE, so a storm costs one write until the collector has come, not
 * one per signal.
 *
 * TESTS  model_signote.c.
 */
#ifndef GO_IO_SIGNOTE_H
#define GO_IO_SIGNOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

/* Numbers from 1 on; in sets, as everywhere here, number n is bit n - 1. */
#ifdef GO_MODEL
#define GO__SIGNALS 2
#else
#define GO__SIGNALS 64
#endif

struct go__signote {
	_Atomic uint32_t any;
	_Atomic uint32_t count[GO__SIGNALS];
};

/* N1, N2, in a handler.  True: write to the eventfd. */
static inline bool go__signote_add(struct go__signote *n, int sig)
{
	/* [count] relaxed: published by [any]. */
	atomic_fetch_add_explicit(&n->count[sig - 1], 1, memory_order_relaxed);
	/* [any] release -> [collect]: the count; acquire: it stays N2 before
	 * N3, and an any of 1 that we find passes on what is before it. */
	return atomic_exchange_explicit(&n->any, 1, memory_order_acq_rel) == 0;
}

/* C2.  False: nothing has come since the last time. */
static inline bool go__signote_collect(struct go__signote *n)
{
	/* [collect] acquire <- [any]: the counts; release -> [any]: who counts
	 * after this finds 0. */
	return atomic_exchange_explicit(&n->any, 0, memory_order_acq_rel) != 0;
}

/* C3, for one number, after go__signote_collect(). */
static inline uint32_t go__signote_take(struct go__signote *n, int sig)
{
	/* relaxed: a look, to leave most lines shared. */
	if (!atomic_load_explicit(&n->count[sig - 1], memory_order_relaxed))
		return 0;
	/* relaxed: ordered by [collect]; who counts later is collected later.
	 */
	return atomic_exchange_explicit(&n->count[sig - 1], 0,
					memory_order_relaxed);
}

#endif
