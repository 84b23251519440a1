/* SPDX-License-Identifier: MIT */
/*
 * Slabs: address space for stacks, in few mappings.
 *
 * A region is one reservation (PROT_NONE, so it costs neither memory nor
 * commit charge), cut into slots of one class.  It is made writable from its
 * low end, in steps of 64 MiB; neighbours with equal rights merge, so a region
 * is two mappings, however many stacks it holds.  (Writable at once it would
 * count in full where the system does not overcommit, and be refused.)
 * Transparent huge pages are turned off for it: with them a parked task could
 * keep 2 MiB resident instead of 4 KiB.
 *
 * The first region has 1 GiB and each further one of a class is twice as large,
 * up to 256 GiB; so a small program reserves little, and ten million stacks
 * take sixteen regions.  A region that the system refuses (RLIMIT_AS, small
 * address spaces) is tried at half its size, down to 64 MiB.
 *
 * Beside it lies an array with one word per slot, for the depot's lists: a link
 * within the slot would keep its page alive.
 *
 * Regions are found by scanning the table; it is short, and published by its
 * count, so that a signal handler may scan it as well.
 *
 * INVARIANTS
 *
 *   I1  used <= committed <= bytes; slots below `used` have their guard.
 *   I2  A table entry below region_count never changes its base, bytes, class
 *       or words.
 */
#include "arch/slab.h"

#include "arch/atomic.h"
#include "arch/lock.h"
#include "arch/sanitize.h"
#include "arch/sys.h"

#include <errno.h>
#include <sys/mman.h>

#define MIB ((size_t)1 << 20)

enum {
	REGIONS = 1024
};

#ifdef GO_TEST_SMALL
#define COMMIT_STEP  MIB
#define REGION_FIRST (2 * MIB)
#define REGION_LAST  (8 * MIB)
#else
#define COMMIT_STEP  (64 * MIB)
#define REGION_FIRST (1024 * MIB)
#define REGION_LAST  (256 * 1024 * MIB)
#endif

struct region {
	/* Constant once published. */
	char *base;
	size_t bytes;
	char **words; /* One per slot. */
	unsigned class;
	/* Under the lock.  Bytes from base. */
	size_t committed;
	size_t used;
};

static struct go__lock lock = GO__LOCK_INIT;

/* Appended to under the lock, read by anybody below region_count. */
static struct region regions[REGIONS];
static _Atomic unsigned region_count;

/* Under the lock: the region that fresh slots come from, or NULL. */
static struct region *current[GO__STACK_MAX_CLASS + 1];

/* Under the lock: the size to try next, or 0 for the first. */
static size_t next_bytes[GO__STACK_MAX_CLASS + 1];

void go__slab_lock(void)
{
	go__lock_acquire(&lock);
}

void go__slab_unlock(void)
{
	go__lock_release(&lock);
}

/*
 * Reserve `bytes`, aligned to a slot, by asking for a slot more and giving the
 * ends back.
 */
static char *reserve(size_t bytes, size_t slot)
{
	char *p = go__sys_mmap(NULL, bytes + slot, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0);
	size_t head;

	if (go__sys_is_error(p))
		return NULL;
	head = -(uintptr_t)p & (slot - 1);
	if (head)
		go__sys_munmap(p, head);
	go__sys_munmap(p + head + bytes, slot - head);
#ifdef MADV_NOHUGEPAGE
	/* EINVAL: the kernel has no huge pages. */
	go__sys_madvise(p + head, bytes, MADV_NOHUGEPAGE);
#endif
	return p + head;
}

static char **make_words(size_t slots)
{
	char **words = go__sys_mmap(
		NULL, slots * sizeof(*words), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return go__sys_is_error(words) ? NULL : words;
}

/* Under the lock.  NULL: no address space, or no room in the table. */
static struct region *add_region(unsigned class)
{
	/* relaxed: written under the lock, which we hold. */
	unsigned n = atomic_load_explicit(&region_count, memory_order_relaxed);
	size_t slot = (size_t)1 << class;
	size_t bytes = next_bytes[class] ? next_bytes[class] : REGION_FIRST;
	struct region *r = &regions[n];

	if (n == REGIONS)
		return NULL;
	if (bytes < slot)
		bytes = slot;
	while (!(r->base = reserve(bytes, slot))) {
		bytes /= 2;
		if (bytes < COMMIT_STEP || bytes < slot)
			return NULL;
	}
	r->words = make_words(bytes >> class);
	if (!r->words) {
		go__sys_munmap(r->base, bytes);
		return NULL;
	}
	r->bytes = bytes;
	r->class = class;
	r->committed = 0;
	r->used = 0;
	next_bytes[class] = bytes < REGION_LAST ? bytes * 2 : bytes;
	/* [region] release: who sees the count sees the entry. */
	atomic_store_explicit(&region_count, n + 1, memory_order_release);
	return r;
}

/* Under the lock.  Make at least one more slot of r writable. */
static int commit(struct region *r)
{
	size_t step = COMMIT_STEP;
	int e;

	if (step < (size_t)1 << r->class)
		step = (size_t)1 << r->class;
	if (step > r->bytes - r->committed)
		step = r->bytes - r->committed;
	e = go__sys_mprotect(r->base + r->committed, step,
			     PROT_READ | PROT_WRITE);
	if (e < 0)
		return -ENOMEM;
	r->committed += step;
	return 0;
}

/* Under the lock.  A region with a writable slot, or NULL. */
static struct region *region_with_room(unsigned class)
{
	struct region *r = current[class];

	if (!r || r->used == r->bytes) {
		r = add_region(class);
		if (!r)
			return NULL;
		current[class] = r;
	}
	if (r->used == r->committed && commit(r) < 0)
		return NULL;
	return r;
}

/* Under the lock. */
static int take(struct region *r, char **slots, unsigned n)
{
	size_t slot = (size_t)1 << r->class;
	char *base = r->base + r->used;
	size_t room = (r->committed - r->used) >> r->class;
	int got;

	if (n > room)
		n = (unsigned)room;
	got = go__guard_install(base, slot, n);
	for (int i = 0; i < got; i++) {
		slots[i] = base + (size_t)i * slot;
		go__sanitize_new_stack(slots[i] + GO__STACK_GUARD_BYTES,
				       slots[i] + slot);
	}
	if (got > 0)
		r->used += (size_t)got << r->class;
	return got;
}

int go__slab_fresh(unsigned class, char **slots, unsigned n)
{
	struct region *r;
	int got = -ENOMEM;

	go__lock_acquire(&lock);
	r = region_with_room(class);
	if (r)
		got = take(r, slots, n);
	go__lock_release(&lock);
	return got;
}

/* Any thread, signal handlers included. */
static struct region *find(const char *p)
{
	/* acquire <- [region] */
	unsigned n = atomic_load_explicit(&region_count, memory_order_acquire);

	/* The newest is the largest. */
	while (n-- > 0)
		if ((size_t)(p - regions[n].base) < regions[n].bytes)
			return &regions[n];
	return NULL;
}

char **go__slab_word(char *slot)
{
	struct region *r = find(slot);

	return &r->words[(size_t)(slot - r->base) >> r->class];
}

bool go__stack_find(const void *address, struct go__stack *stack)
{
	const char *p = address;
	struct region *r = find(p);
	size_t at;

	if (!r)
		return false;
	at = (size_t)(p - r->base);
	stack->class = r->class;
	stack->slot = r->base + (at >> r->class << r->class);
	return true;
}

void go__stack_stats(struct go__stack_stats *stats)
{
	unsigned n;

	*stats = (struct go__stack_stats){0};
	go__lock_acquire(&lock);
	/* relaxed: written under the lock, which we hold. */
	n = atomic_load_explicit(&region_count, memory_order_relaxed);
	stats->regions = n;
	for (unsigned i = 0; i < n; i++) {
		stats->region_bytes += regions[i].bytes;
		stats->committed_bytes += regions[i].committed;
	}
	go__guard_stats(stats);
	go__lock_release(&lock);
}

void go__stack_allow_unguarded(bool allow)
{
	go__guard_allow_none(allow);
}
