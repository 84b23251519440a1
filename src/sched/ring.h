/* SPDX-License-Identifier: MIT */
/*
 * A worker's two run queues.  Bounded rings; the owner adds, others may steal.
 *
 * The FRESH ring holds tasks that have not run yet.  The owner pushes and pops
 * at its tail, newest first, so that a tree of tasks is walked depth first and
 * a task that never parks reuses the stack that is hot; thieves take the
 * oldest half, at the head, because old tasks are the big branches of a tree.
 * It is the longer one: what it has no room for takes a way that costs a sixth
 * of a short task (ready.c), and spawning by the hundreds is common.
 *
 * The WOKEN ring holds tasks that have run before.  The owner pushes at the
 * tail; it pops, and thieves take half, at the head: first come, first served.
 *
 * THE FRESH RING'S WORD.  head, tail and a tag share one 64-bit word, changed
 * only by compare-and-exchange.  A thief copies the slots first and then tries
 * to move head; if the word has changed meanwhile, the copies are void.  The
 * tag makes that sound: without it the owner can pop a task, run it, and push
 * another into the same slot, so that head and tail look as they did although
 * the thief's copy is stale: it would run a task twice and lose another.
 * Every push advances the tag; a tail that wraps carries into it and advances
 * it once more, and a pop may take that back.  (32 bits: a thief would have to
 * sleep through exactly 2^32 pushes.)  A pop need not advance it: what it
 * removes the thief's exchange still notices by tail, until a push restores
 * tail, and that push is tagged.
 *
 * THE WOKEN RING has no such problem: head and tail only grow, and a slot is
 * written anew only after head has passed it, which voids the thief's copy.
 *
 * The slots are atomic since a thief may read one while the owner rewrites it;
 * relaxed, since such a reading is thrown away.
 *
 * A worker that is ALONE in its runtime has no thieves; for it there are
 * variants without locked instructions, which is most of a yield's cost.
 *
 * A push is sequentially consistent: it is the first half of the handshake
 * with workers that fall asleep (idle.h).
 *
 * TESTS  model_ring.c (rings of 2 and 4), test_ring.c under threads.
 */
#ifndef GO_SCHED_RING_H
#define GO_SCHED_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/atomic.h"

#if !defined(GO__RING_CAPACITY) && defined(GO_TEST_SMALL)
#define GO__RING_CAPACITY 4u
#endif
#ifdef GO__RING_CAPACITY
#define GO__FRESH_CAPACITY GO__RING_CAPACITY
#else
#define GO__RING_CAPACITY  256u
#define GO__FRESH_CAPACITY 1024u
#endif
#define GO__RING_MASK  (GO__RING_CAPACITY - 1u)
#define GO__FRESH_MASK (GO__FRESH_CAPACITY - 1u)
_Static_assert((GO__RING_CAPACITY & GO__RING_MASK) == 0, "power of two");
_Static_assert((GO__FRESH_CAPACITY & GO__FRESH_MASK) == 0, "power of two");
_Static_assert(GO__FRESH_CAPACITY <= 32768u, "indices are 16 bits");

/* What a pop takes from the word, and a push adds to it. */
#define GO__FRESH_TAIL (UINT64_C(1) << 16)
#define GO__FRESH_TAG  (UINT64_C(1) << 32)
#define GO__FRESH_PUSH (GO__FRESH_TAIL + GO__FRESH_TAG)

struct go__task;

struct go__fresh_ring {
	_Atomic uint64_t word; /* head:16, tail:16, tag:32; by CAS only. */
	_Atomic(struct go__task *) slot[GO__FRESH_CAPACITY];
};

struct go__woken_ring {
	_Atomic uint32_t head; /* Whoever takes, by CAS. */
	_Atomic uint32_t tail; /* The owner only. */
	_Atomic(struct go__task *) slot[GO__RING_CAPACITY];
};

static inline uint64_t go__fresh_word(uint32_t head, uint32_t tail,
				      uint32_t tag)
{
	return (uint64_t)(head & 0xffffu) | (uint64_t)(tail & 0xffffu) << 16 |
	       (uint64_t)tag << 32;
}

static inline uint32_t go__fresh_head(uint64_t word)
{
	return (uint32_t)word & 0xffffu;
}

static inline uint32_t go__fresh_tail(uint64_t word)
{
	return (uint32_t)(word >> 16) & 0xffffu;
}

static inline uint32_t go__fresh_tag(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline uint32_t go__fresh_length(uint64_t word)
{
	return (uint16_t)((word >> 16) - word);
}

/* How many tasks are queued.  Any thread; a guess unless the owner asks. */
static inline uint32_t go__fresh_count(const struct go__fresh_ring *r)
{
	/* [count] seq_cst: a worker about to sleep looks here (idle.h). */
	return go__fresh_length(
		atomic_load_explicit(&r->word, memory_order_seq_cst));
}

/* Add a task as the newest.  Owner only.  Returns false if the ring is full. */
static inline bool go__fresh_push(struct go__fresh_ring *r, struct go__task *t)
{
	/* acquire <- [take]: the thief is done reading the slot we reuse. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_acquire);
	uint64_t next;
	uint32_t tail = go__fresh_tail(word);

	if (go__fresh_length(word) >= GO__FRESH_CAPACITY)
		return false;
	/* relaxed: published by [push] below. */
	atomic_store_explicit(&r->slot[tail & GO__FRESH_MASK], t,
			      memory_order_relaxed);
	do {
		next = word + GO__FRESH_PUSH;
		/* [push] seq_cst: release -> [take]; and before the look at
		 * the idle state (idle.h).  relaxed on failure: retried. */
	} while (!atomic_compare_exchange_weak_explicit(&r->word, &word, next,
							memory_order_seq_cst,
							memory_order_relaxed));
	return true;
}

/* Take the newest task.  Owner only.  Returns NULL if there is none. */
static inline struct go__task *go__fresh_pop(struct go__fresh_ring *r)
{
	/* relaxed: we wrote the slots ourselves. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
	uint64_t next;
	struct go__task *t;

	do {
		uint32_t tail = go__fresh_tail(word) - 1;

		if (go__fresh_length(word) == 0)
			return NULL;
		/* relaxed: own store. */
		t = atomic_load_explicit(&r->slot[tail & GO__FRESH_MASK],
					 memory_order_relaxed);
		next = word - GO__FRESH_TAIL;
		go__perturb();
		/* relaxed both ways: nothing is published by taking. */
	} while (!atomic_compare_exchange_weak_explicit(&r->word, &word, next,
							memory_order_relaxed,
							memory_order_relaxed));
	return t;
}

/*
 * Take up to `most` of the oldest tasks, but not more than half of them
 * (rounded up), into `into`.  Any thread.  Returns how many; what lies behind
 * them in `into` is anything, tasks that others have taken among it.
 */
static inline uint32_t go__fresh_take(struct go__fresh_ring *r,
				      struct go__task **into, uint32_t most)
{
	/* acquire <- [push]: the slots and what their tasks hold. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_acquire);
	uint64_t next;
	uint32_t n;

	do {
		uint32_t head = go__fresh_head(word);

		n = (go__fresh_length(word) + 1) / 2;
		n = n < most ? n : most;
		if (n == 0)
			return 0;
		/* relaxed: void unless the exchange finds the same word. */
		for (uint32_t i = 0; i < n; i++)
			into[i] = atomic_load_explicit(
				&r->slot[(head + i) & GO__FRESH_MASK],
				memory_order_relaxed);
		next = go__fresh_word(head + n, go__fresh_tail(word),
				      go__fresh_tag(word));
		go__perturb();
		/* [take] release: our reading of the slots is over before
		 * the owner may reuse them; acquire again on both ways. */
	} while (!atomic_compare_exchange_weak_explicit(&r->word, &word, next,
							memory_order_acq_rel,
							memory_order_acquire));
	return n;
}

/* Take the oldest task, or NULL.  Any thread. */
static inline struct go__task *go__fresh_take_one(struct go__fresh_ring *r)
{
	struct go__task *t;

	return go__fresh_take(r, &t, 1) ? t : NULL;
}

/* As go__fresh_count(). */
static inline uint32_t go__woken_count(const struct go__woken_ring *r)
{
	/* seq_cst, both: as in [count].  Head first: it only grows, and not
	 * past tail, so the difference cannot be negative. */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_seq_cst);
	/* seq_cst: as above. */
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_seq_cst);

	return tail - head;
}

/* Add a task as the youngest.  Owner only.  Returns false if it is full. */
static inline bool go__woken_push(struct go__woken_ring *r, struct go__task *t)
{
	/* relaxed: own counter. */
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	/* acquire <- [took]: readers of the slot we reuse are done. */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	if (tail - head >= GO__RING_CAPACITY)
		return false;
	/* relaxed: published by [added]. */
	atomic_store_explicit(&r->slot[tail & GO__RING_MASK], t,
			      memory_order_relaxed);
	/* [added] seq_cst: release -> [took]; and before the look at the idle
	 * state (idle.h). */
	go__store_seq_cst(&r->tail, tail + 1);
	return true;
}

/*
 * Take up to `most` of the oldest tasks, but no more than half of them,
 * rounded up, if `half` is set.  Any thread.  Returns how many.
 */
static inline uint32_t go__woken_take(struct go__woken_ring *r,
				      struct go__task **into, uint32_t most,
				      bool half)
{
	/* acquire: not older than the tail read next, nor torn from it. */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	uint32_t n;

	do {
		/* acquire <- [added]: the slots and their tasks. */
		uint32_t tail =
			atomic_load_explicit(&r->tail, memory_order_acquire);

		n = tail - head;
		if (half)
			n = (n + 1) / 2;
		n = n < most ? n : most;
		/* More than fit: head was stale; the exchange would fail. */
		if (n == 0 || tail - head > GO__RING_CAPACITY)
			return 0;
		/* relaxed: void unless the exchange finds head unmoved. */
		for (uint32_t i = 0; i < n; i++)
			into[i] = atomic_load_explicit(
				&r->slot[(head + i) & GO__RING_MASK],
				memory_order_relaxed);
		go__perturb();
		/* [took] release: the slots are read before they are free. */
	} while (!atomic_compare_exchange_weak_explicit(
		&r->head, &head, head + n, memory_order_acq_rel,
		memory_order_acquire));
	return n;
}

/* Take the oldest task.  Owner only.  Returns NULL if there is none. */
static inline struct go__task *go__woken_pop(struct go__woken_ring *r)
{
	struct go__task *t;

	return go__woken_take(r, &t, 1, false) ? t : NULL;
}

/* ---- without thieves: the owner only, nobody beside it ---- */

static inline bool go__fresh_push_alone(struct go__fresh_ring *r,
					struct go__task *t)
{
	/* relaxed, here and below: one thread. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
	uint32_t tail = go__fresh_tail(word);

	if (go__fresh_length(word) >= GO__FRESH_CAPACITY)
		return false;
	/* relaxed, both: as above. */
	atomic_store_explicit(&r->slot[tail & GO__FRESH_MASK], t,
			      memory_order_relaxed);
	atomic_store_explicit(&r->word, word + GO__FRESH_PUSH,
			      memory_order_relaxed);
	return true;
}

static inline struct go__task *go__fresh_pop_alone(struct go__fresh_ring *r)
{
	/* relaxed, here and below: one thread. */
	uint64_t word = atomic_load_explicit(&r->word, memory_order_relaxed);
	uint32_t tail = go__fresh_tail(word) - 1;

	if (go__fresh_length(word) == 0)
		return NULL;
	atomic_store_explicit(&r->word, word - GO__FRESH_TAIL,
			      memory_order_relaxed);
	/* relaxed: as above. */
	return atomic_load_explicit(&r->slot[tail & GO__FRESH_MASK],
				    memory_order_relaxed);
}

static inline bool go__woken_push_alone(struct go__woken_ring *r,
					struct go__task *t)
{
	/* relaxed, here and below: one thread. */
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (tail - head >= GO__RING_CAPACITY)
		return false;
	/* relaxed, both: as above. */
	atomic_store_explicit(&r->slot[tail & GO__RING_MASK], t,
			      memory_order_relaxed);
	atomic_store_explicit(&r->tail, tail + 1, memory_order_relaxed);
	return true;
}

/*
 * With many tasks in the ring, their blocks and stacks have left the cache
 * since they ran last: fetch the block of the second next, and the top of the
 * stack of the next, whose block has been fetched by now.
 */
static inline void go__woken_prefetch(struct go__woken_ring *r, uint32_t head)
{
	/* relaxed, both: one thread. */
	char *far = (char *)atomic_load_explicit(
		&r->slot[(head + 2) & GO__RING_MASK], memory_order_relaxed);
	char *const *near = (char *const *)atomic_load_explicit(
		&r->slot[(head + 1) & GO__RING_MASK], memory_order_relaxed);

	__builtin_prefetch(far);
	__builtin_prefetch(far + 64);
	/* A context, and so a task, begins with its saved stack pointer.  Half
	 * a kilobyte is what a call that parks has used below its caller. */
#pragma GCC unroll 8
	for (int line = 0; line < 8; line++)
		__builtin_prefetch(*near + line * 64);
}

static inline struct go__task *go__woken_pop_alone(struct go__woken_ring *r)
{
	/* relaxed, here and below: one thread. */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t n =
		atomic_load_explicit(&r->tail, memory_order_relaxed) - head;

	if (n == 0)
		return NULL;
	if (n > 2)
		go__woken_prefetch(r, head);
	/* relaxed, both: as above. */
	atomic_store_explicit(&r->head, head + 1, memory_order_relaxed);
	return atomic_load_explicit(&r->slot[head & GO__RING_MASK],
				    memory_order_relaxed);
}

#endif
