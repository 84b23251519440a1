/* SPDX-License-Identifier: MIT */
/*
 * The depot: free stacks between the workers' caches and the slabs.
 *
 * stack.h has the essay.  Each class has a depot with its own lock; a list runs
 * through the words that slab.c keeps beside the slots.  A worker comes here
 * once per batch of stacks, so the lock is off every per-task path.
 *
 * Lock order: a depot's lock is never held together with another lock, but
 * around fork, when all depots' are taken in order of class and then the
 * slab's.  No list is touched, and no page given back, outside of its lock but
 * by the one who has taken the stacks off it.
 *
 *     INVARIANT  A stack is in exactly one place: in use, in a cache, or on one
 *     of its depot's three lists.  The pages of `clean` stacks are gone.
 */
#include "arch/stack.h"

#include "arch/atomic.h"
#include "arch/lock.h"
#include "arch/slab.h"
#include "arch/sys.h"

#include <errno.h>
#include <pthread.h>

#define TRIM_NS UINT64_C(10000000000)

enum {
	YOUNG,
	OLD,
	CLEAN,
	LISTS
};

struct depot {
	struct go__lock lock;
	/* Under the lock.  A list's end is NULL. */
	char *list[LISTS];
	uint64_t trimmed_ns; /* When `old` was cleaned last; 0: never. */
};

static struct depot depots[GO__STACK_MAX_CLASS + 1];
_Atomic uint64_t go__stack_trim_at = UINT64_MAX;

static void before_fork(void)
{
	for (unsigned c = 0; c <= GO__STACK_MAX_CLASS; c++)
		go__lock_acquire(&depots[c].lock);
	go__slab_lock();
}

static void after_fork(void)
{
	go__slab_unlock();
	for (unsigned c = 0; c <= GO__STACK_MAX_CLASS; c++)
		go__lock_release(&depots[c].lock);
}

/*
 * When the library is loaded, not with the first stack: a fork that has begun
 * calls the handlers that were there by then, and meanwhile another thread may
 * take its first stack, and a lock.
 */
__attribute__((constructor)) static void watch_fork(void)
{
	go__sys_atfork(before_fork, after_fork, after_fork);
}

/* Under the depot's lock, or on a list that only the caller has. */
static char *pop(char **list)
{
	char *slot = *list;

	if (slot)
		*list = *go__slab_word(slot);
	return slot;
}

static void push(char **list, char *slot)
{
	*go__slab_word(slot) = *list;
	*list = slot;
}

/* Take up to n free stacks, those with the warmest pages first. */
static unsigned take(unsigned class, char **slots, unsigned n)
{
	struct depot *d = &depots[class];
	unsigned got = 0;

	go__lock_acquire(&d->lock);
	for (unsigned l = 0; l < LISTS && got < n; l++)
		while (got < n && (slots[got] = pop(&d->list[l])))
			got++;
	go__lock_release(&d->lock);
	return got;
}

static int obtain(unsigned class, char **slots, unsigned n)
{
	unsigned got = take(class, slots, n);

	return got ? (int)got : go__slab_fresh(class, slots, n);
}

/* Give up all pages of the stacks but the topmost `keep` bytes. */
static void drop_pages(unsigned class, char *const *slots, unsigned n,
		       size_t keep)
{
	struct iovec v[GO__STACK_BATCH];
	size_t bytes = ((size_t)1 << class) - GO__STACK_GUARD_BYTES - keep;

	for (unsigned i = 0; i < n; i++) {
		v[i].iov_base = go__stack_low(slots[i], class);
		v[i].iov_len = bytes;
	}
	go__guard_dontneed(v, n);
}

/* At most a batch of stacks becomes free. */
static void put(unsigned class, char *const *slots, unsigned n)
{
	struct depot *d = &depots[class];

	drop_pages(class, slots, n, GO__STACK_KEPT_BYTES);
	go__lock_acquire(&d->lock);
	for (unsigned i = 0; i < n; i++)
		push(&d->list[YOUNG], slots[i]);
	go__lock_release(&d->lock);
	/* relaxed: a trim that missed these stacks has set it to "never"
	 * before it took the lock, so we see that and set it back. */
	if (atomic_load_explicit(&go__stack_trim_at, memory_order_relaxed) ==
	    UINT64_MAX)
		atomic_store_explicit(&go__stack_trim_at, 0,
				      memory_order_relaxed);
}

int go__stack_refill(struct go__stack_cache *cache)
{
	int n = obtain(GO__STACK_DEFAULT_CLASS, cache->slot, GO__STACK_BATCH);

	if (n < 0)
		return n;
	cache->n = (unsigned)n;
	return 0;
}

void go__stack_flush(struct go__stack_cache *cache, unsigned keep)
{
	unsigned gone = cache->n > keep ? cache->n - keep : 0;

	for (unsigned i = 0; i < gone; i += GO__STACK_BATCH) {
		unsigned n = gone - i;

		if (n > GO__STACK_BATCH)
			n = GO__STACK_BATCH;
		put(GO__STACK_DEFAULT_CLASS, cache->slot + i, n);
	}
	cache->n -= gone;
	for (unsigned i = 0; i < cache->n; i++)
		cache->slot[i] = cache->slot[i + gone];
}

int go__stack_alloc(size_t usable_bytes, struct go__stack *stack)
{
	unsigned class = GO__STACK_MIN_CLASS;
	int n;

	if (usable_bytes == 0)
		class = GO__STACK_DEFAULT_CLASS;
	while (class <= GO__STACK_MAX_CLASS &&
	       ((size_t)1 << class) - GO__STACK_GUARD_BYTES < usable_bytes)
		class ++;
	if (class > GO__STACK_MAX_CLASS)
		return -EINVAL;
	n = obtain(class, &stack->slot, 1);
	if (n < 0)
		return n;
	stack->class = class;
	return 0;
}

void go__stack_free(struct go__stack stack)
{
	put(stack.class, &stack.slot, 1);
}

/* Clean a list that only we have; returns it. */
static char *clean(unsigned class, char *list)
{
	char *slots[GO__STACK_BATCH];
	char *cleaned = NULL;
	unsigned n;

	do {
		for (n = 0; n < GO__STACK_BATCH; n++)
			if (!(slots[n] = pop(&list)))
				break;
		if (n)
			drop_pages(class, slots, n, 0);
		for (unsigned i = 0; i < n; i++)
			push(&cleaned, slots[i]);
	} while (list);
	return cleaned;
}

/* Put a cleaned list in front of the depot's. */
static void put_clean(struct depot *d, char *list)
{
	char **last;
	char *slot = list;

	while (*(last = go__slab_word(slot)))
		slot = *last;
	go__lock_acquire(&d->lock);
	*last = d->list[CLEAN];
	d->list[CLEAN] = list;
	go__lock_release(&d->lock);
}

/* Returns when it has to be done again. */
static uint64_t trim(unsigned class, uint64_t now_ns)
{
	struct depot *d = &depots[class];
	char *old = NULL;
	uint64_t next = UINT64_MAX;

	go__lock_acquire(&d->lock);
	if (now_ns >= d->trimmed_ns + TRIM_NS) {
		old = d->list[OLD];
		d->list[OLD] = d->list[YOUNG];
		d->list[YOUNG] = NULL;
		d->trimmed_ns = now_ns;
	}
	if (d->list[YOUNG] || d->list[OLD])
		next = d->trimmed_ns + TRIM_NS;
	go__lock_release(&d->lock);
	if (old)
		put_clean(d, clean(class, old));
	return next;
}

uint64_t go__stack_trim(uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	/* relaxed: see put(). */
	if (atomic_load_explicit(&go__stack_trim_at, memory_order_relaxed) >
	    now_ns)
		return go__stack_trim_due();
	atomic_store_explicit(&go__stack_trim_at, UINT64_MAX,
			      memory_order_relaxed);
	for (unsigned c = GO__STACK_MIN_CLASS; c <= GO__STACK_MAX_CLASS; c++) {
		uint64_t t = trim(c, now_ns);

		if (t < next)
			next = t;
	}
	/* relaxed: see put(). */
	if (next != UINT64_MAX)
		atomic_store_explicit(&go__stack_trim_at, next,
				      memory_order_relaxed);
	return next;
}

size_t go__stack_used(char *low, char *high)
{
#ifdef __linux__
	unsigned char present[256];
	size_t page = go__sys_page_bytes();
	char *end = (char *)(((uintptr_t)high + page - 1) & -page);

	while (low < end) {
		size_t pages = (size_t)(end - low) / page;

		if (pages > sizeof(present))
			pages = sizeof(present);
		if (go__sys_mincore(low, pages * page, present) < 0)
			return 0;
		for (size_t i = 0; i < pages; i++, low += page)
			if (present[i] & 1)
				return low < high ? (size_t)(high - low) : 0;
	}
#else
	(void)low;
	(void)high;
#endif
	return 0;
}
