/* SPDX-License-Identifier: MIT */
/*
 * Task blocks: slabs that are never freed, a depot, a cache in each worker.
 *
 *     worker's cache  <-- batches -->  depot  <-- new slab when empty
 *     no lock                          a lock
 *
 * A cache is two stacks: one to take from and give to, and a spare, which is a
 * full batch or nothing.  What comes and goes between cache and depot is such
 * a batch as a whole, and none of its blocks is touched for that but the first,
 * whose `value` links the batches.
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
#else
	SLAB_BLOCKS = 1024,
#endif
};

struct slab {
	struct slab *next; /* Constant. */
	_Alignas(64) struct go__task block[SLAB_BLOCKS];
};

static _Atomic(struct slab *) slabs; /* Pushed under lock; any thread reads. */
static struct go__lock lock;
static struct go__waiter *batches; /* Under lock; full ones. */
static struct go__waiter *loose;   /* Under lock; others, by `next`. */
static unsigned fresh_in_slab;     /* Under lock: unused blocks of `slabs`. */

/* Take the first block of a list, or NULL. */
static struct go__task *pop(struct go__waiter **list)
{
	struct go__waiter *w = *list;

	if (!w)
		return NULL;
	*list = w->next;
	return go__task_of_waiter(w);
}

static void push(struct go__waiter **list, struct go__task *t)
{
	t->waiter.next = *list;
	*list = &t->waiter;
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
static struct go__waiter *take_batch(void)
{
	struct go__waiter *batch = batches;

	if (batch)
		batches = batch->value;
	return batch;
}

/* Under lock. */
static void put_batch(struct go__waiter *batch)
{
	batch->value = batches;
	batches = batch;
}

/* Under lock. */
static struct go__task *take_one(void)
{
	struct go__task *t;

	if (!loose)
		loose = take_batch();
	t = pop(&loose);
	return t ? t : never_used();
}

/* Fill an empty cache with a batch, or with less if there is no more. */
static void refill(struct go__worker *w)
{
	struct go__task *t;

	go__lock_acquire(&lock);
	w->free_blocks = take_batch();
	w->free_count = w->free_blocks ? GO__BLOCKS_BATCH : 0;
	while (w->free_count < GO__BLOCKS_BATCH && (t = take_one())) {
		push(&w->free_blocks, t);
		w->free_count++;
	}
	go__lock_release(&lock);
}

struct go__task *go__block_alloc_slow(struct go__worker *w)
{
	struct go__task *t;

	if (!w) {
		go__lock_acquire(&lock);
		t = take_one();
		go__lock_release(&lock);
		return t;
	}
	if (w->spare_blocks) {
		w->free_blocks = w->spare_blocks;
		w->free_count = GO__BLOCKS_BATCH;
		w->spare_blocks = NULL;
	} else {
		refill(w);
	}
	t = pop(&w->free_blocks);
	w->free_count -= t != NULL;
	return t;
}

/* Give the spare to the depot. */
static void give_spare(struct go__worker *w)
{
	if (!w->spare_blocks)
		return;
	go__lock_acquire(&lock);
	put_batch(w->spare_blocks);
	go__lock_release(&lock);
	w->spare_blocks = NULL;
}

void go__block_free_slow(struct go__worker *w, struct go__task *t)
{
	if (!w) {
		go__lock_acquire(&lock);
		push(&loose, t);
		go__lock_release(&lock);
		return;
	}
	give_spare(w);
	w->spare_blocks = w->free_blocks;
	w->free_blocks = NULL;
	push(&w->free_blocks, t);
	w->free_count = 1;
}

void go__block_drain(struct go__worker *w)
{
	give_spare(w);
	while (w->free_blocks)
		go__block_free_slow(NULL, pop(&w->free_blocks));
	w->free_count = 0;
}

const struct go__task *go__block_of(uintptr_t waiter)
{
	uintptr_t address = waiter - offsetof(struct go__task, waiter);
	/* acquire <- [slab]: its `next`. */
	struct slab *slab = atomic_load_explicit(&slabs, memory_order_acquire);

	for (; slab; slab = slab->next) {
		uintptr_t offset = address - (uintptr_t)slab->block;

		if (offset < sizeof(slab->block) &&
		    offset % sizeof(*slab->block) == 0)
			return &slab->block[offset / sizeof(*slab->block)];
	}
	return NULL;
}

void go__block_each(bool (*fn)(struct go__task *t, void *arg), void *arg)
{
	/* acquire <- [slab]: its blocks are zero or better. */
	struct slab *slab = atomic_load_explicit(&slabs, memory_order_acquire);

	for (; slab; slab = slab->next)
		for (unsigned i = 0; i < SLAB_BLOCKS; i++)
			if (!fn(&slab->block[i], arg))
				return;
}

void go__block_lock(void)
{
	go__lock_acquire(&lock);
}

void go__block_unlock(void)
{
	go__lock_release(&lock);
}
