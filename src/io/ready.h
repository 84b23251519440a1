/* SPDX-License-Identifier: MIT */
/*
 * The readiness word: what is known about a descriptor between two edges.
 *
 * The poller is edge-triggered: the kernel says once that a descriptor has
 * become readable, and not again until something new arrives.  So somebody
 * must remember what it said until a call finds that it is no longer true.
 * Each descriptor has one atomic word for that:
 *
 *     bits 32..63  generation  which open file the number stood for
 *     bits 4..31   edges       counts the edges noted, and wraps
 *     bit 3        HUNG_OUT    hung up, or failed: the way out
 *     bit 2        HUNG_IN     the same for the way in, or urgent data seen
 *     bit 1        READY_OUT   nobody has found it full since the last edge
 *     bit 0        READY_IN    nobody has found it empty since the last edge
 *
 * THE RACE
 *
 *     a reader                            a poller
 *     A1  read(): EAGAIN
 *                                         B1  data arrives, the kernel's edge
 *                                         B2  set READY_IN
 *     A2  clear READY_IN, park
 *
 * The edge is wiped out by a reader that looked before it, and there will not
 * be another.  Reading again after A2 only moves the race, to the next A2.
 *
 * THE RULE
 *
 *     reader  load the word; then the system call; if that would block, clear
 *             the bit by compare-and-swap from the value loaded first.
 *     poller  under the entry's lock: count the edge and set the bits in one
 *             store.
 *
 * An edge noted after the load changes the count, so the clearing fails, and
 * the reader tries again.  An edge noted before the load was raised before
 * the system call, which therefore has seen its data.  Hence: whenever the bit
 * is clear and no edge is under way, the last system call that looked found
 * nothing to do.
 *
 * The bit may be set in vain; the next call then costs one system call too
 * many, and clears it.  It may never be clear in vain.  That is why a store is
 * enough for pollers, whom the lock keeps apart: a clearing that comes between
 * a poller's load and its store is undone, and no more.
 *
 * HUNG bits stay until the generation ends.  They only forbid conclusions: a
 * short count from a TCP socket normally means that its buffer is empty, which
 * saves the read that would find EAGAIN.  Behind the last byte may stand an
 * end of file, an error or urgent data, for which no further edge will come;
 * once one of these was reported, a short count says nothing any more.
 *
 * GENERATIONS.  An event carries the generation for which it was asked.  When
 * a number is closed and handed out again, late events of the old file differ
 * from the word in their generation and change nothing.
 *
 * WHY NOT a bit per direction and no count?  That is the race above.  WHY NOT
 * the entry's lock around call and clearing?  It would be held across system
 * calls by all readers and writers of a descriptor, and by the poller.  WHY
 * NOT a count per direction?  An edge for one direction then still spoils the
 * other's clearing only if they share a word, and the price of a spoilt
 * clearing is one system call.
 *
 * The count is 28 bits wide: a clearing goes wrong if exactly 2^28 edges are
 * noted during one system call that would block.
 *
 * TESTS  model_ready.c: poller against two readers, with one and two edges.
 *        test_ready.c: each function alone.
 */
#ifndef GO_IO_READY_H
#define GO_IO_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

/* The two directions of a descriptor. */
enum go__way {
	GO__WAY_IN,
	GO__WAY_OUT,
};

#define GO__READY_IN         UINT64_C(1)
#define GO__READY_OUT        UINT64_C(2)
#define GO__HUNG_IN          UINT64_C(4)
#define GO__HUNG_OUT         UINT64_C(8)
#define GO__READY_BITS       UINT64_C(15)
#define GO__READY_EDGE       UINT64_C(16)
#define GO__READY_EDGES      UINT64_C(0xfffffff0)
#define GO__READY_GENERATION 32

struct go__ready {
	_Atomic uint64_t word;
};

/* The bit that says "ready" for this direction. */
static inline uint64_t go__ready_bit(enum go__way way)
{
	return GO__READY_IN << way;
}

static inline uint64_t go__hung_bit(enum go__way way)
{
	return GO__HUNG_IN << way;
}

static inline uint32_t go__ready_generation(uint64_t word)
{
	return (uint32_t)(word >> GO__READY_GENERATION);
}

/* What a call knows before it tries.  Any thread. */
static inline uint64_t go__ready_load(const struct go__ready *r)
{
	/* acquire <- [note]: an edge that we see was raised before the system
	 * call that we make next. */
	return atomic_load_explicit(&r->word, memory_order_acquire);
}

/*
 * Note an edge: set bits (READY and HUNG ones) for the given generation.
 * Returns false, and changes nothing, if that generation is over.
 *
 * Under the entry's lock; safe beside everything that is not.
 */
static inline bool go__ready_note(struct go__ready *r, uint32_t generation,
				  uint64_t bits)
{
	/* relaxed: without the lock, bits are cleared and no more. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
	uint64_t next;

	if (go__ready_generation(word) != generation)
		return false;
	/* The count wraps within its bits; the others stay. */
	next = (word & ~GO__READY_EDGES) | bits |
	       ((word + GO__READY_EDGE) & GO__READY_EDGES);
	go__perturb();
	/* [note] release -> go__ready_load, [clear]: what the kernel told us
	 * comes before the edge. */
	atomic_store_explicit(&r->word, next, memory_order_release);
	return true;
}

/*
 * Clear the ready bit of a direction, after a system call that found nothing
 * to do.  `seen` is what go__ready_load answered before that call.  Returns
 * false if anything happened in between: then try the system call again.
 */
static inline bool go__ready_clear(struct go__ready *r, uint64_t seen,
				   enum go__way way)
{
	/* [clear] release: our system call is over before the bit is seen
	 * clear; acquire <- [note] where it fails, for the next attempt. */
	return atomic_compare_exchange_strong_explicit(
		&r->word, &seen, seen & ~go__ready_bit(way),
		memory_order_acq_rel, memory_order_acquire);
}

/*
 * Begin the next generation: ready both ways, nothing known.  Returns it.
 * Under the entry's lock.
 */
static inline uint32_t go__ready_renew(struct go__ready *r)
{
	/* relaxed: generations change under the lock only. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
	uint32_t generation = go__ready_generation(word) + 1;

	/* [renew] release -> go__ready_load: who sees the new generation sees
	 * what was written for it. */
	atomic_store_explicit(&r->word,
			      (uint64_t)generation << GO__READY_GENERATION |
				      GO__READY_IN | GO__READY_OUT,
			      memory_order_release);
	return generation;
}

/*
 * Whether nothing was noted since `seen` was loaded.  Clearings do not count.
 * Under the entry's lock, by a waiter that is linked.
 */
static inline bool go__ready_unchanged(const struct go__ready *r, uint64_t seen)
{
	/* acquire <- [note]; the lock orders us against the poller's look at
	 * the waiters (fdwait.c). */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_acquire);

	return ((word ^ seen) & ~GO__READY_BITS) == 0;
}

/*
 * What a short count (0 < n < asked) from a plain read of a TCP socket says:
 * true if it shows that the buffer is empty.
 */
static inline bool go__ready_short_tells(uint64_t seen)
{
	return (seen & GO__HUNG_IN) == 0;
}

#endif
