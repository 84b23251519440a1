/* SPDX-License-Identifier: MIT */
/*
 * Stacks: where they come from, and where they go when a task is done.
 *
 *     worker's cache  <- batches ->  depot (per class)  <-  slab: fresh slots
 *     no lock                        a lock                 guard, addresses
 *     newest first                   young, old, clean
 *
 * A stack is a slot: a power of two bytes of address space, aligned to itself.
 * Its class is the logarithm of its size.
 *
 *     slot                                         slot + (1 << class)
 *     | guard, 64 KiB | ... grows down ...  <- stack | colour |
 *                     ^ go__stack_low                ^ go__stack_high
 *
 * The guard is wide, because address space is free and a function with a large
 * frame may step over a narrow one without touching it.  The top is coloured: a
 * multiple of 64 bytes, different from slot to slot, is left out, so that the
 * frames of many parked tasks do not compete for the same sets of the cache.
 *
 * A slot costs address space only.  A page of it is paid for when the stack
 * first reaches it, and the library itself touches none but the topmost: a
 * parked task needs one page.  Control blocks live elsewhere, so that an
 * overflow that does jump the guard cannot corrupt the scheduler.
 *
 * PAGES GO BACK in three steps, because giving one back and faulting it in
 * again costs more than everything else that happens to a stack:
 *   - a stack in a worker's cache keeps all its pages; it is used next;
 *   - a stack that goes to the depot keeps the topmost 16 KiB;
 *   - a stack that lay in the depot for 10 to 20 s keeps none.  The depot's
 *     stacks are `young`, `old` or `clean`; every 10 s what was old is cleaned
 *     and what was young becomes old.  That needs neither a time per stack nor
 *     a search, as the exact age would.
 *
 * Address space is never unmapped.  Everything is plain static storage that is
 * never destroyed, so stacks may be returned at any time until exit.  fork() is
 * safe: the locks are taken around it, and the child owns a copy of it all.
 */
#ifndef GO_ARCH_STACK_H
#define GO_ARCH_STACK_H

#include "arch/atomic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GO__STACK_MIN_CLASS = 17,     /* 128 KiB, of which 64 are usable. */
	GO__STACK_DEFAULT_CLASS = 18, /* 256 KiB: 192. */
	GO__STACK_MAX_CLASS = 36,     /* 64 GiB. */
	GO__STACK_GUARD_BYTES = 64 * 1024,
	GO__STACK_KEPT_BYTES = 16 * 1024, /* By a stack in the depot. */
	GO__STACK_COLOURS = 16,
#ifdef GO_TEST_SMALL
	GO__STACK_CACHE = 4,
	GO__STACK_BATCH = 2,
#else
	GO__STACK_CACHE = 64,
	GO__STACK_BATCH = 32, /* Moved between a cache and the depot. */
#endif
};

struct go__stack {
	char *slot;
	unsigned class;
};

/* A worker's free stacks, all of the default class.  Its owner only. */
struct go__stack_cache {
	unsigned n;
	char *slot[GO__STACK_CACHE];
};

/* The newest stack of the cache, or NULL: refill it. */
static inline char *go__stack_pop(struct go__stack_cache *cache)
{
	return cache->n == 0 ? NULL : cache->slot[--cache->n];
}

/* False if the cache is full: flush it. */
static inline bool go__stack_push(struct go__stack_cache *cache, char *slot)
{
	if (cache->n == GO__STACK_CACHE)
		return false;
	cache->slot[cache->n++] = slot;
	return true;
}

/* The usable bytes of a class, colouring not counted. */
static inline size_t go__stack_bytes(unsigned class)
{
	return ((size_t)1 << class) - GO__STACK_GUARD_BYTES;
}

/* The smallest class with so many usable bytes; 0: there is none. */
static inline unsigned go__stack_class(size_t usable_bytes)
{
	unsigned class = GO__STACK_MIN_CLASS;

	while (class <= GO__STACK_MAX_CLASS &&
	       go__stack_bytes(class) < usable_bytes)
		class ++;
	return class <= GO__STACK_MAX_CLASS ? class : 0;
}

/* The lowest byte that may be used. */
static inline char *go__stack_low(char *slot, unsigned class)
{
	(void)class;
	return slot + GO__STACK_GUARD_BYTES;
}

/* One past the highest byte that may be used; a multiple of 64. */
static inline char *go__stack_high(char *slot, unsigned class)
{
	uintptr_t number = (uintptr_t)slot >> class;
	uintptr_t colour = (number ^ number >> 4) % GO__STACK_COLOURS;

	return slot + ((size_t)1 << class) - colour * 64;
}

/*
 * Put a batch into an empty cache.  Returns 0 if it has at least one then, or
 * -ENOMEM (memory, address space, or guards are exhausted).  Takes locks; may
 * map memory.
 */
int go__stack_refill(struct go__stack_cache *cache);

/* Give the oldest stacks of the cache to the depot, all but `keep` of them. */
void go__stack_flush(struct go__stack_cache *cache, unsigned keep);

/*
 * A stack with at least this many usable bytes, of which colouring may take
 * up to 1 KiB; 0 means the default.  Returns 0; -ENOMEM as above; -EINVAL if no
 * class is that large.  Takes locks; may map memory.
 */
int go__stack_alloc(size_t usable_bytes, struct go__stack *stack);
void go__stack_free(struct go__stack stack);

/*
 * Take the pages of stacks that lie in the depot for long.  Call it now and
 * then; it does nothing more often than every 10 s.  Returns when to call it
 * next, or UINT64_MAX if no free stack has pages.
 */
uint64_t go__stack_trim(uint64_t now_ns);

/* What go__stack_trim() returned last; 0 if stacks have come in since. */
extern _Atomic uint64_t go__stack_trim_at;
static inline uint64_t go__stack_trim_due(void)
{
	/* relaxed: a hint when to call the function. */
	return atomic_load_explicit(&go__stack_trim_at, memory_order_relaxed);
}

/*
 * How many bytes below `high` have been touched since the stack was fresh or
 * trimmed, to the page; 0 if the system does not tell.  Any thread; the stack
 * may be running.
 */
size_t go__stack_used(char *low, char *high);

/*
 * Which stack an address belongs to, guard included.  Safe in a signal handler.
 */
bool go__stack_find(const void *address, struct go__stack *stack);

static inline bool go__stack_in_guard(const struct go__stack *stack,
				      const void *address)
{
	return (size_t)((const char *)address - stack->slot) <
	       GO__STACK_GUARD_BYTES;
}

/* When guards have run out: hand out stacks without one, and count them. */
void go__stack_allow_unguarded(bool allow);

/* How guards are made; each is tried only after those before it failed. */
enum go__guard {
	GO__GUARD_BATCH,   /* process_madvise(MADV_GUARD_INSTALL) */
	GO__GUARD_ADVISE,  /* madvise(MADV_GUARD_INSTALL) */
	GO__GUARD_PROTECT, /* mprotect(PROT_NONE): two mappings each */
	GO__GUARD_NONE,    /* none: refused, unless allowed */
	GO__GUARD_COUNT,
};

struct go__stack_stats {
	enum go__guard guard;             /* The mechanism in use. */
	uint64_t guards[GO__GUARD_COUNT]; /* Slots ever made, by mechanism. */
	uint64_t regions, region_bytes;   /* Address space reserved. */
	uint64_t committed_bytes;         /* Of that, made writable. */
	uint64_t guard_limit;             /* At most so many by mprotect. */
};

void go__stack_stats(struct go__stack_stats *stats);

#endif
