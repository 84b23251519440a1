/* SPDX-License-Identifier: MIT */
/*
 * The two rings of a worker: an owner against thieves.
 *
 * Shows, in all schedules within the bound and under C11's memory: each task
 * comes out exactly once, whoever takes it sees what was written before the
 * push, the owner's pops of the fresh ring are newest first, and what comes
 * out of the woken ring on one thread is oldest first.  The scripts make the
 * owner pop and push while a thief is between its copy and its exchange, which
 * the fresh ring survives only by its tag, and make both rings wrap.
 *
 * Cannot show: wrap-around of the 16-bit indices and of the tag (test_ring.c
 * starts near it), and the reuse of a slot before a thief has finished reading
 * it, which on paper needs a load that returns a later store (load buffering).
 * The handshake with sleeping workers is model_idle.c's.
 *
 * Bounds: rings of two, and of four; up to four tasks; one or two thieves.
 */
#ifndef GO__RING_CAPACITY
#define GO__RING_CAPACITY 2u
#endif
#include "model.h"

#include <string.h>

#include "sched/ring.h"

enum {
	TASKS = 5
};

struct go__task {
	int payload; /* Plain memory, watched for races. */
	bool taken;
};

static struct go__fresh_ring fresh;
static struct go__woken_ring woken;
static struct go__task task[TASKS];

static void setup(void)
{
	atomic_init(&fresh.word, 0);
	atomic_init(&woken.head, 0);
	atomic_init(&woken.tail, 0);
	model_name(&fresh.word, "fresh.word");
	model_name(&woken.head, "woken.head");
	model_name(&woken.tail, "woken.tail");
	for (unsigned i = 0; i < GO__RING_CAPACITY; i++) {
		atomic_init(&fresh.slot[i], NULL);
		atomic_init(&woken.slot[i], NULL);
	}
	memset(task, 0, sizeof(task));
}

/* Whoever takes a task runs it. */
static void run(struct go__task *t)
{
	model_assert(t >= &task[0] && t < &task[TASKS]);
	model_assert(!t->taken);
	model_assert(MODEL_READ(t->payload) == t - task + 1);
	t->taken = true;
}

static struct go__task *make(int i)
{
	MODEL_WRITE(task[i].payload) = i + 1;
	return &task[i];
}

/* ---- The fresh ring ------------------------------------------------------ */

static void fresh_push(int i)
{
	if (!go__fresh_push(&fresh, make(i)))
		run(&task[i]); /* Full: the owner runs it itself. */
}

/* Pop, expecting nothing newer than `newest`.  True if there was one. */
static bool fresh_pop(int newest)
{
	struct go__task *t = go__fresh_pop(&fresh);

	if (!t)
		return false;
	model_assert(t - task <= newest);
	run(t);
	return true;
}

/* Pop and push behind a thief's back: head and tail are as before. */
static void fresh_owner_aba(int unused)
{
	(void)unused;
	fresh_push(0);
	(void)fresh_pop(0);
	fresh_push(1);
	(void)fresh_pop(1);
	fresh_push(2);
}

/* Fill it, beyond the brim, and empty it. */
static void fresh_owner_fill(int unused)
{
	(void)unused;
	for (int i = 0; i < 4; i++)
		fresh_push(i);
	while (fresh_pop(3))
		;
}

static void fresh_owner_mixed(int unused)
{
	(void)unused;
	fresh_push(0);
	fresh_push(1);
	(void)fresh_pop(1);
	fresh_push(2);
	fresh_push(3);
	(void)fresh_pop(3);
}

static void fresh_thief(int most)
{
	struct go__task *batch[GO__RING_CAPACITY];
	uint32_t n = go__fresh_take(&fresh, batch, (uint32_t)most);

	for (uint32_t i = 0; i < n; i++) {
		model_assert(i == 0 || batch[i - 1] < batch[i]);
		run(batch[i]);
	}
}

static void fresh_thief_twice(int most)
{
	fresh_thief(most);
	fresh_thief(most);
}

/* ---- The woken ring ------------------------------------------------------ */

static void woken_push(int i)
{
	if (!go__woken_push(&woken, make(i)))
		run(&task[i]);
}

static struct go__task *woken_pop(void)
{
	struct go__task *t = go__woken_pop(&woken);

	if (t)
		run(t);
	return t;
}

static void woken_owner(int unused)
{
	struct go__task *t, *last = NULL;

	(void)unused;
	woken_push(0);
	woken_push(1);
	last = woken_pop();
	woken_push(2);
	woken_push(3);
	while ((t = woken_pop())) {
		model_assert(t > last);
		last = t;
	}
}

static void woken_thief(int most)
{
	struct go__task *batch[GO__RING_CAPACITY];
	uint32_t n = go__woken_take(&woken, batch, (uint32_t)most, true);

	for (uint32_t i = 0; i < n; i++) {
		model_assert(i == 0 || batch[i - 1] < batch[i]);
		run(batch[i]);
	}
}

static void woken_thief_twice(int most)
{
	woken_thief(most);
	woken_thief(most);
}

/* ---- The end ------------------------------------------------------------- */

/* What is left comes out now; nothing may be missing. */
static void all_of(int pushed)
{
	while (fresh_pop(TASKS))
		;
	while (woken_pop())
		;
	for (int i = 0; i < pushed; i++)
		model_assert(task[i].taken);
	model_assert(go__fresh_count(&fresh) == 0);
	model_assert(go__woken_count(&woken) == 0);
}

static void all_of_three(void)
{
	all_of(3);
}

static void all_of_four(void)
{
	all_of(4);
}

#define OWNER(run)                                                             \
	{                                                                      \
		"owner", run, 0, false, false                                  \
	}
#define THIEF(run, most)                                                       \
	{                                                                      \
		"thief", run, most, false, false                               \
	}

static const struct model models[] = {
	{
		.name = "fresh-aba",
		.setup = setup,
		.finish = all_of_three,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {OWNER(fresh_owner_aba), THIEF(fresh_thief_twice, 2)},
	},
	{
		.name = "fresh-full",
		.setup = setup,
		.finish = all_of_four,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {OWNER(fresh_owner_fill), THIEF(fresh_thief, 2)},
	},
	{
		.name = "fresh-two-thieves",
		.setup = setup,
		.finish = all_of_four,
		.thread = {OWNER(fresh_owner_mixed), THIEF(fresh_thief, 2),
			   THIEF(fresh_thief, 1)},
	},
	{
		.name = "woken-one-thief",
		.setup = setup,
		.finish = all_of_four,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {OWNER(woken_owner), THIEF(woken_thief_twice, 2)},
	},
	{
		.name = "woken-two-thieves",
		.setup = setup,
		.finish = all_of_four,
		.preemptions = 2,
		.thread = {OWNER(woken_owner), THIEF(woken_thief, 2),
			   THIEF(woken_thief, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
