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
static struct go__waiter *depot; /* Under lock; linked by `next`. */
static unsigned fresh_in_slab;   /* Under lock: unused blocks of `slabs`. */

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
static struct go__task *from_depot(void)
{
	struct go__task *t = pop(&depot);

	return t ? t : never_used();
}

static void refill(struct go__worker *w)
{
	go__lock_acquire(&lock);
	while (w->free_count < GO__BLOCKS_BATCH) {
		struct go__task *t = from_depot();

		if (!t)
			break;
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
		t = from_depot();
		go__lock_release(&lock);
		return t;
	}
	refill(w);
	t = pop(&w->free_blocks);
	w->free_count -= t != NULL;
	return t;
}

/* Give blocks of the cache to the depot, until `keep` are left. */
static void flush(struct go__worker *w, unsigned keep)
{
	go__lock_acquire(&lock);
	while (w->free_count > keep) {
		push(&depot, pop(&w->free_blocks));
		w->free_count--;
	}
	go__lock_release(&lock);
}

void go__block_free_slow(struct go__worker *w, struct go__task *t)
{
	if (!w) {
		go__lock_acquire(&lock);
		push(&depot, t);
		go__lock_release(&lock);
		return;
	}
	flush(w, GO__BLOCKS_BATCH);
	push(&w->free_blocks, t);
	w->free_count++;
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
