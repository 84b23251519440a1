/* SPDX-License-Identifier: MIT */
/*
 * The word of the lock for readers and writers: who has it, and whether
 * somebody waits for it.
 *
 *     bits 3..63  the writer's struct go__waiter, or how many read
 *     bit 1       WRITER    it is the former
 *     bit 0       WAITERS   the line is not empty
 *
 * Without waiters the lock is taken and given back by one exchange each.  Who
 * comes while others wait joins the line, so neither kind can starve the other;
 * what is granted is granted from the head of the line on, for the waiter and
 * under the lock of the line.
 *
 *     taker     take      without WAITERS, if it is free for that purpose
 *     waiter    queue     under the lock: the same, or set WAITERS
 *     holder    release   unless it is the last one and there are WAITERS
 *     holder    drop      under the lock, if it is; then grant
 *     granter   own       under the lock: for one taken out of line
 *     granter   settle    under the lock: the line has become empty
 *
 * NO GRANT IS LOST.  WAITERS changes under the lock only, and while it is set
 * nobody takes the lock past the line.  So the lock becomes free under the lock
 * of the line if somebody waits, and whoever frees it grants it; a waiter that
 * gives up may have stood in front of others, so it grants as well.
 *
 * TESTS  model_rwlock.c.
 */
#ifndef GO_SYNC_RWLOCK_H
#define GO_SYNC_RWLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__RWLOCK_WAITERS UINT64_C(1)
#define GO__RWLOCK_WRITER  UINT64_C(2)
#define GO__RWLOCK_READER  UINT64_C(8) /* One of them. */
#define GO__RWLOCK_OWNER   (~UINT64_C(7))

struct go__rwlock_word {
	_Atomic uint64_t bits;
};

enum go__rwlock_release {
	GO__RWLOCK_RELEASED,
	GO__RWLOCK_CONTENDED, /* Not yet: drop it under the lock, and grant. */
	GO__RWLOCK_STRANGER,  /* The caller has not locked it. */
};

static inline uint64_t go__rwlock_look(const struct go__rwlock_word *l)
{
	/* relaxed: to ask whether we write, which only we can change, or for
	 * an exchange that decides. */
	return atomic_load_explicit(&l->bits, memory_order_relaxed);
}

static inline bool go__rwlock_is_free(uint64_t bits, bool writes)
{
	return writes ? (bits & ~GO__RWLOCK_WAITERS) == 0
		      : !(bits & GO__RWLOCK_WRITER);
}

static inline bool go__rwlock_is_mine(uint64_t bits, uint64_t self)
{
	return bits & GO__RWLOCK_WRITER && (bits & GO__RWLOCK_OWNER) == self;
}

/* What owning it adds to the word. */
static inline uint64_t go__rwlock_share(uint64_t self, bool writes)
{
	return writes ? self | GO__RWLOCK_WRITER : GO__RWLOCK_READER;
}

/* Take it if nobody waits. */
static inline bool go__rwlock_take(struct go__rwlock_word *l, uint64_t self,
				   bool writes)
{
	uint64_t bits = go__rwlock_look(l);

	do {
		if (bits & GO__RWLOCK_WAITERS ||
		    !go__rwlock_is_free(bits, writes))
			return false;
		/* [take] acquire <- [release], [drop]: what former holders
		 * did. */
	} while (!atomic_compare_exchange_weak_explicit(
		&l->bits, &bits, bits + go__rwlock_share(self, writes),
		memory_order_acquire, memory_order_relaxed));
	return true;
}

/* Under the lock: take it, or say that the caller joins the line: false. */
static inline bool go__rwlock_queue(struct go__rwlock_word *l, uint64_t self,
				    bool writes)
{
	uint64_t bits = go__rwlock_look(l);
	bool takes;

	do {
		takes = !(bits & GO__RWLOCK_WAITERS) &&
			go__rwlock_is_free(bits, writes);
		/* [queue] acquire <- [release], if we take it. */
	} while (!atomic_compare_exchange_weak_explicit(
		&l->bits, &bits,
		takes ? bits + go__rwlock_share(self, writes)
		      : bits | GO__RWLOCK_WAITERS,
		memory_order_acquire, memory_order_relaxed));
	return takes;
}

static inline enum go__rwlock_release
go__rwlock_release(struct go__rwlock_word *l, uint64_t self)
{
	uint64_t bits = go__rwlock_look(l), to;

	do {
		if (go__rwlock_is_mine(bits, self))
			to = bits & GO__RWLOCK_WAITERS;
		else if (bits & GO__RWLOCK_WRITER || bits < GO__RWLOCK_READER)
			return GO__RWLOCK_STRANGER;
		else
			to = bits - GO__RWLOCK_READER;
		if (to == GO__RWLOCK_WAITERS)
			return GO__RWLOCK_CONTENDED;
		/* [release] release -> [take], [queue], [drop]. */
	} while (!atomic_compare_exchange_weak_explicit(&l->bits, &bits, to,
							memory_order_release,
							memory_order_relaxed));
	return GO__RWLOCK_RELEASED;
}

/* Under the lock: give back what the caller has. */
static inline void go__rwlock_drop(struct go__rwlock_word *l, uint64_t self)
{
	uint64_t bits = go__rwlock_look(l);
	bool writes = go__rwlock_is_mine(bits, self);

	/* [drop] release -> [take]; acquire <- [release]: what other readers
	 * did, for whom we grant. */
	atomic_fetch_sub_explicit(&l->bits, go__rwlock_share(self, writes),
				  memory_order_acq_rel);
}

/* Under the lock: one that was taken out of line has it now. */
static inline void go__rwlock_own(struct go__rwlock_word *l, uint64_t self,
				  bool writes)
{
	/* relaxed: it became free by a [drop] under this lock. */
	atomic_fetch_add_explicit(&l->bits, go__rwlock_share(self, writes),
				  memory_order_relaxed);
}

/* Under the lock: the line is empty. */
static inline void go__rwlock_settle(struct go__rwlock_word *l)
{
	/* relaxed: the [drop] before it in a release shows, with what the
	 * caller did, that he still holds the lock of the line. */
	atomic_fetch_and_explicit(&l->bits, ~GO__RWLOCK_WAITERS,
				  memory_order_relaxed);
}

#endif
