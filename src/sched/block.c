/* SPDX-License-Identifier: MIT */
/*
 * Task blocks: slabs that are never freed, a depot, a cache in each worker.
 *
 *     worker's cache  <-- batches -->  depot  <-- new slab when empty
 *     no lock                          a lock
 *
 * Blocks are type-stable: once a task block, always a task block, readable for
 * the life of the process.  Wait words and ids only grow, over all the tasks
 * that a block ever holds.  Slabs form a list that only grows, so it can be
 * walked without a lock, which is how a runtime cancels its tasks and how a
 * dump finds them; no task is ever entered into a list for that.
 */
#include <sys/mman.h>

#include "arch/sys.h"
#include "sched/worker.h"

enum {
#ifdef GO_TEST_SMALL
	SLAB_BLOCKS = 8,
	CACHE_BATCH = 2,
#else
	SLAB_BLOCKS = 1024,
	CACHE_BATCH = 32,
#endif
	CACHE_MOST = 2 * CACHE_BATCH,
};

struct slab {
	struct slab *next; /* Constant. */
	_Alignas(64) struct go__task block[SLAB_BLOCKS];
};

static _Atomic(struct slab *) slabs; /* Pushed under lock; any thread reads. */
static struct go__lock lock;
static struct go__task *depot; /* Under lock; linked as next_of() says. */
static unsigned fresh_in_slab; /* Under lock: unused blocks of `slabs`. */

/* A free block holds the next one where a task has its waiter's link. */
static struct go__task *next_of(struct go__task *t)
{
	return t->waiter.next ? go__task_of_waiter(t->waiter.next) : NULL;
}

static void link_to(struct go__task *t, struct go__task *next)
{
	t->waiter.next = next ? &next->waiter : NULL;
}

/* A block that has never been used, or NULL.  Under lock. */
static struct go__task *never_used(void)
{
	struct slab *slab;
	struct go__task *t;

	if (fresh_in_slab == 0) {
		/* All zero, which is how a walk must find unused blocks. */
		slab = go__sys_mmap(NULL, sizeof(*slab), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (go__sys_is_error(slab))
			return NULL;
		/* relaxed: slabs is written under the lock. */
		slab->next = atomic_load_explicit(&slabs, memory_order_relaxed);
		/* [slab] release -> go__block_each(). */
		atomic_store_explicit(&slabs, slab, memory_order_release);
		fresh_in_slab = SLAB_BLOCKS;
	}
	/* relaxed: as above. */
	slab = atomic_load_explicit(&slabs, memory_order_relaxed);
	t = &slab->block[--fresh_in_slab];
	t->context.flags = GO__CONTEXT_TASK;
	t->context.waiter = &t->waiter;
	t->waiter.is_task = true;
	go__wait_word_init(&t->waiter.word, 0);
	return t;
}

/* Under lock. */
static struct go__task *from_depot(void)
{
	struct go__task *t = depot;

	if (!t)
		return never_used();
	depot = next_of(t);
	return t;
}

static void refill(struct go__worker *w)
{
	go__lock_acquire(&lock);
	while (w->free_count < CACHE_BATCH) {
		struct go__task *t = from_depot();

		if (!t)
			break;
		link_to(t, w->free_blocks);
		w->free_blocks = t;
		w->free_count++;
	}
	go__lock_release(&lock);
}

struct go__task *go__block_alloc(struct go__worker *w)
{
	struct go__task *t;

	if (!w) {
		go__lock_acquire(&lock);
		t = from_depot();
		go__lock_release(&lock);
		return t;
	}
	if (!w->free_blocks)
		refill(w);
	t = w->free_blocks;
	if (t) {
		w->free_blocks = next_of(t);
		w->free_count--;
	}
	return t;
}

/* Give blocks of the cache to the depot, until `keep` are left. */
static void flush(struct go__worker *w, unsigned keep)
{
	go__lock_acquire(&lock);
	while (w->free_count > keep) {
		struct go__task *t = w->free_blocks;

		w->free_blocks = next_of(t);
		w->free_count--;
		link_to(t, depot);
		depot = t;
	}
	go__lock_release(&lock);
}

void go__block_free(struct go__worker *w, struct go__task *t)
{
	if (!w) {
		go__lock_acquire(&lock);
		link_to(t, depot);
		depot = t;
		go__lock_release(&lock);
		return;
	}
	link_to(t, w->free_blocks);
	w->free_blocks = t;
	if (++w->free_count >= CACHE_MOST)
		flush(w, CACHE_BATCH);
}

void go__block_drain(struct go__worker *w)
{
	flush(w, 0);
}

void go__block_each(void (*fn)(struct go__task *t, void *arg), void *arg)
{
	/* acquire <- [slab]: its blocks are zero or better. */
	struct slab *slab = atomic_load_explicit(&slabs, memory_order_acquire);

	for (; slab; slab = slab->next)
		for (unsigned i = 0; i < SLAB_BLOCKS; i++)
			fn(&slab->block[i], arg);
}
