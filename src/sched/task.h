/* SPDX-License-Identifier: MIT */
/*
 * Tasks from the inside: the block, and what others may do with it.
 *
 * A block is 256 bytes from a slab that lives as long as the process, so that
 * a late wake, a stale handle or a dump may look at it without a lock.  The
 * stack is apart from it, and bound only when the task first runs.
 *
 * LIFE
 *
 *     where            has a stack    who owns the block, and how it goes on
 *     ---------------  -------------  -------------------------------------
 *     free             no             a worker's cache or the depot
 *     fresh            no             a queue, until a worker takes it
 *     starved          no             runtime.starved: no stack was to be had
 *     runnable         yes            a queue, until a worker takes it
 *     running          yes            the task itself, on its worker
 *     waiting          yes            whoever claims its wait (waitword.h)
 *     ended            no             its handle, if one is out (taskword.h)
 */
#ifndef GO_SCHED_TASK_H
#define GO_SCHED_TASK_H

#include <gofer/task.h>

#include "arch/context.h"
#include "sched/taskword.h"
#include "sched/timer.h"
#include "sched/wait.h"

struct go__extra;
struct go__group;
struct go__worker;
struct go_runtime;

/* Who waits for a task to end: see taskword.h. */
struct go__joiner {
	struct go__waiter *waiter;
	uint64_t epoch;
};

/* What a task runs, and where it was spawned. */
struct go__start {
	go_fn *fn;
	void *arg; /* After the task's end: its result. */
	const char *site;
	/* Handlers and locals (extra.c), or NULL.  The task only. */
	struct go__extra *extra;
};

/* In the order of use: a switch needs the first two cache lines. */
struct go__task {
	/* The task while it runs; else whoever may resume it. */
	_Alignas(64) struct go__context context;
	struct go__waiter waiter; /* Its own rules: wait.h. */

	struct go__task_word word; /* Any thread: taskword.h. */
	/* The worker that runs it, or ran it last.  As for context. */
	struct go__worker *worker;
	char *slot; /* Its stack, or NULL: not bound yet.  As for context. */

	/* Any thread reads it, for a task that it knows to be alive. */
	_Atomic(struct go_runtime *) runtime;
	unsigned budget; /* Calls left before it yields by itself. */
	/* The owner; the dump reads it: worker.clock when it last waited. */
	_Atomic uint32_t since;

	/* Constant after the spawn, but for the result. */
	struct go__start start;
	int error;           /* After its end: 0, or why it never ran. */
	uint16_t shield;     /* Depth of shields against cancellation. */
	bool pinned;         /* Constant: runs on `worker` only. */
	uint8_t stack_class; /* Constant: of slot; log2 of its bytes. */

	uint64_t deadline; /* The innermost deadline scope. */
	union {
		struct go__timer timer; /* Its own rules: timer.h. */
		/* Of a blocking task, which has no use for a timer: as a
		 * job, under pool.lock while it is linked. */
		struct go__wait_node job;
	};
	union {
		struct go__joiner joiner; /* The reserver of the handle. */
		struct go__link link;     /* Of group, under its lock. */
	};
	const char *name;        /* Constant. */
	struct go__group *group; /* Constant: NULL, or it has no handle. */
};

_Static_assert(GO__SANITIZE || sizeof(struct go__task) == 256,
	       "a million tasks: 256 MB");

enum {
	GO__TASK_BUDGET = 128
};

static inline struct go__task *go__task_of_context(struct go__context *c)
{
	return go__container_of(c, struct go__task, context);
}

static inline struct go__task *go__task_of_waiter(struct go__waiter *w)
{
	return go__container_of(w, struct go__task, waiter);
}

/* The calling task, or NULL in a plain thread. */
static inline struct go__task *go__task_self(void)
{
	struct go__context *c = go__self();

	return c->flags & GO__CONTEXT_TASK ? go__task_of_context(c) : NULL;
}

/* The same, but it may be in a blocking section (section.c). */
static inline struct go__task *go__task_inside(void)
{
	struct go__context *c = go__self();

	return c->flags & (GO__CONTEXT_TASK | GO__CONTEXT_SECTION)
		       ? go__task_of_context(c)
		       : NULL;
}

/* As go_task_cancel(), for a block and an id. */
int go__task_cancel(struct go__task *t, uint64_t id);
/* End the wait of task `id` with -ECANCELED, if one is open and not deaf. */
void go__task_interrupt(struct go__task *t, uint64_t id);

/* The block with its waiter at this address, or NULL.  As the next one. */
const struct go__task *go__block_of(uintptr_t waiter);

/*
 * Call fn for every block there ever was, until it returns false.  Concurrent
 * with everything.
 */
void go__block_each(bool (*fn)(struct go__task *t, void *arg), void *arg);

/*
 * The last act of a task: publish its result and wake its joiner.  The block
 * is no longer the task's afterwards.  `w` runs it.
 */
void go__task_end(struct go__worker *w, struct go__task *t);

#endif
