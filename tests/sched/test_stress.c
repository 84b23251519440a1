/* SPDX-License-Identifier: MIT */
/*
 * Everything at once, seeded and bounded: tasks spawn, join, detach, cancel,
 * sleep and yield at random, on 1, 2, 4 and 16 workers, with plain threads
 * beside them.  Nothing is lost: each task that was spawned ends exactly once,
 * each join gets the result of its task.
 *
 * It looks for lost wake-ups with real threads: one shows as a time-out.
 * Which interleavings it meets is luck; the models try all of small cases.
 */
#include <errno.h>
#include <stdatomic.h>

#include "everywhere.h"
#include "support.h"

static _Atomic uint64_t begun, ended, wrong;
static _Atomic int64_t left; /* Spawns that may still be made. */

static void *branch(void *arg);

static void nap(void)
{
	switch (test_random(4)) {
	case 0:
		go_yield();
		break;
	case 1:
		go_sleep(test_random(50000));
		break;
	case 2:
		go_sleep_until(go_now() + test_random(20000));
		break;
	default:
		break;
	}
}

/* Spawn one task and see it off in one of the ways there are. */
static void spawn_one(void)
{
	uint32_t way = test_random(4);
	void *result;
	go_task t;

	if (atomic_fetch_sub(&left, 1) <= 0)
		return;
	if (way == 0) {
		if (go_spawn(branch, NULL) == 0)
			atomic_fetch_add(&begun, 1);
		return;
	}
	if (go_task_spawn(&t, branch, &t) != 0)
		return;
	atomic_fetch_add(&begun, 1);
	nap();
	if (way == 1) {
		if (go_task_detach(t) != 0)
			atomic_fetch_add(&wrong, 1);
		return;
	}
	if (way == 2 && test_random(2))
		(void)go_task_cancel(t);
	while (go_task_join(t, &result) == -ECANCELED)
		if (!go_cancelled() || go_task_detach(t) == 0)
			return; /* We have been cancelled: let it go. */
	if (result != &t)
		atomic_fetch_add(&wrong, 1);
}

static void *branch(void *arg)
{
	for (uint32_t n = test_random(4); n > 0; n--) {
		nap();
		spawn_one();
	}
	atomic_fetch_add(&ended, 1);
	return arg;
}

static void *grow(void *arg)
{
	(void)arg;
	while (atomic_load(&left) > 0) {
		spawn_one();
		nap();
	}
	while (atomic_load(&ended) != atomic_load(&begun))
		MUST(go_sleep(100 * GO_MICROSECOND) == 0);
	MUST(atomic_load(&wrong) == 0);
	return NULL;
}

static go_runtime *shared;

static void spawn_from_outside(void *unused)
{
	void *result;

	(void)unused;
	while (atomic_fetch_sub(&left, 1) > 0) {
		go_task t;
		go_spawn_options o = {.runtime = shared, .task = &t};

		if (go_spawn_with(&o, branch, &t) != 0)
			continue;
		atomic_fetch_add(&begun, 1);
		if (test_random(3) == 0)
			(void)go_task_cancel(t);
		if (go_task_join(t, &result) != 0 || result != &t)
			atomic_fetch_add(&wrong, 1);
	}
}

static void stress(unsigned workers)
{
	go_runtime_options o = {.workers = workers};
	void *result = NULL;

	atomic_store(&begun, 0);
	atomic_store(&ended, 0);
	atomic_store(&left, (int64_t)test_rounds(20000));
	cr_assert_eq(go_runtime_create(&shared, &o), 0);
	test_start_threads(2, spawn_from_outside, NULL);
	cr_assert_eq(go_runtime_block_on(shared, grow, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	test_join_threads();
	cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
	cr_assert_eq(atomic_load(&begun), atomic_load(&ended));
	cr_assert_eq(atomic_load(&wrong), 0u);
	cr_assert_eq(go_runtime_destroy(shared), 0);
}

Test(stress, tasks_on_one_worker, .timeout = 120)
{
	stress(1);
}

Test(stress, tasks_on_two_workers, .timeout = 120)
{
	stress(2);
}

Test(stress, tasks_on_four_workers, .timeout = 120)
{
	stress(4);
}

Test(stress, tasks_on_sixteen_workers, .timeout = 120)
{
	stress(16);
}
