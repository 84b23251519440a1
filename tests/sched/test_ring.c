/* SPDX-License-Identifier: MIT */
/*
 * Both rings hand out every task exactly once while thieves are at them.
 *
 * The rings have four slots here, so they run full, run empty and wrap all the
 * time.  What this cannot show is missing memory orders on a strongly ordered
 * CPU; model_ring.c tries those.
 */
#define GO__RING_CAPACITY 4u
#include "sched/ring.h"

#include <stdlib.h>

#include "support.h"
#include "test.h"

enum {
	TASKS = 100000
};

struct go__task {
	_Atomic int taken;
};

static struct go__task task[TASKS];
static struct go__fresh_ring fresh;
static struct go__woken_ring woken;
static _Atomic bool pushing;

static void take(struct go__task *t)
{
	atomic_fetch_add(&t->taken, 1);
}

static void thief(void *unused)
{
	struct go__task *batch[4];

	(void)unused;
	while (atomic_load(&pushing)) {
		uint32_t n = go__fresh_take(&fresh, batch, 4);
		struct go__task *t = go__fresh_take_one(&fresh);

		while (n > 0)
			take(batch[--n]);
		if (t)
			take(t);
		n = go__woken_take(&woken, batch, 4, true);
		while (n > 0)
			take(batch[--n]);
	}
}

static void check(int used)
{
	for (int i = 0; i < used; i++) {
		cr_assert_eq(atomic_load(&task[i].taken), 1, "task %d", i);
		atomic_store(&task[i].taken, 0);
	}
}

static int used(void)
{
	return (int)test_rounds(TASKS) < TASKS ? (int)test_rounds(TASKS)
					       : TASKS;
}

Test(ring, fresh_tasks_are_taken_exactly_once, .timeout = 60)
{
	struct go__task *t;

	atomic_store(&pushing, true);
	test_start_threads(2, thief, NULL);
	for (int i = 0; i < used(); i++) {
		while (!go__fresh_push(&fresh, &task[i]))
			if ((t = go__fresh_pop(&fresh)))
				take(t);
		if (test_random(3) == 0 && (t = go__fresh_pop(&fresh)))
			take(t);
	}
	while ((t = go__fresh_pop(&fresh)))
		take(t);
	atomic_store(&pushing, false);
	test_join_threads();
	check(used());
}

Test(ring, woken_tasks_are_taken_exactly_once, .timeout = 60)
{
	struct go__task *t;

	atomic_store(&pushing, true);
	test_start_threads(2, thief, NULL);
	for (int i = 0; i < used(); i++) {
		while (!go__woken_push(&woken, &task[i]))
			if ((t = go__woken_pop(&woken)))
				take(t);
		if (test_random(3) == 0 && (t = go__woken_pop(&woken)))
			take(t);
	}
	while ((t = go__woken_pop(&woken)))
		take(t);
	atomic_store(&pushing, false);
	test_join_threads();
	check(used());
}

Test(ring, order_is_newest_first_and_oldest_first)
{
	struct go__task *batch[4];

	for (int i = 0; i < 4; i++) {
		cr_assert(go__fresh_push(&fresh, &task[i]));
		cr_assert(go__woken_push(&woken, &task[i]));
	}
	cr_assert_not(go__fresh_push(&fresh, &task[4]));
	cr_assert_not(go__woken_push(&woken, &task[4]));
	cr_assert_eq(go__fresh_pop(&fresh), &task[3]);
	cr_assert_eq(go__woken_pop(&woken), &task[0]);
	/* Half of three, rounded up, and the oldest of them. */
	cr_assert_eq(go__fresh_take(&fresh, batch, 4), 2);
	cr_assert_eq(batch[0], &task[0]);
	cr_assert_eq(batch[1], &task[1]);
	cr_assert_eq(go__woken_take(&woken, batch, 1, true), 1);
	cr_assert_eq(batch[0], &task[1]);
	cr_assert_eq(go__fresh_count(&fresh), 1);
	cr_assert_eq(go__woken_count(&woken), 2);
}
