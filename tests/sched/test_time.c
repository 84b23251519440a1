/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: never too short, in the right order, and in great numbers.  How
 * much too long is the machine's affair and not tested.
 */
#include <errno.h>

#include "everywhere.h"
#include "support.h"

static void *sleep_is_long_enough(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		int64_t ns = 1 + test_random(300000);
		int64_t before = go_now();

		MUST(go_sleep(ns) == 0);
		MUST(go_now() >= before + ns);
		before = go_now();
		MUST(go_sleep_until(before + ns) == 0);
		MUST(go_now() >= before + ns);
	}
	MUST(go_sleep(0) == 0);
	MUST(go_sleep(-5) == 0);
	MUST(go_sleep(INT64_MIN) == 0);
	MUST(go_sleep_until(0) == 0);
	MUST(go_sleep_until(-1) == 0);
	return NULL;
}

Test(time, sleep_is_long_enough, .timeout = 60)
{
	run_everywhere(sleep_is_long_enough, NULL);
}

Test(time, plain_threads_sleep_too, .timeout = 60)
{
	cr_assert_null(sleep_is_long_enough(NULL));
}

static ATOMIC(int) awake;

static void *sleep_randomly(void *arg)
{
	int64_t until = go_now() + test_random(20 * 1000 * 1000);

	(void)arg;
	if (go_sleep_until(until) != 0 || go_now() < until)
		return GO_INT(1);
	atomic_fetch_add(&awake, 1);
	return NULL;
}

static void *many_sleepers(void *arg)
{
	enum {
		MANY = 2000
	};
	static go_task t[MANY];
	void *result;

	(void)arg;
	atomic_store(&awake, 0);
	for (int i = 0; i < MANY; i++)
		MUST(go_task_spawn(&t[i], sleep_randomly, NULL) == 0);
	for (int i = 0; i < MANY; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(!result);
	}
	MUST(atomic_load(&awake) == MANY);
	return NULL;
}

Test(time, many_sleepers_all_wake, .timeout = 60)
{
	run_everywhere(many_sleepers, NULL);
}

static void *sleep_for_ever(void *arg)
{
	(void)arg;
	return GO_INT(go_sleep(3600 * GO_SECOND));
}

/* A timer that was armed for a cancelled sleep does no harm later. */
static void *stale_timers(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	for (int i = 0; i < 500; i++) {
		MUST(go_task_spawn(&t, sleep_for_ever, NULL) == 0);
		if (i % 2)
			go_sleep(1000);
		MUST(go_task_cancel(t) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST(GO_TO_INT(result) == -ECANCELED);
	}
	return NULL;
}

Test(time, cancelled_sleeps_leave_nothing, .timeout = 60)
{
	run_everywhere(stale_timers, NULL);
}

static void *sleep_without_time(void *arg)
{
	(void)arg;
	while (!go_cancelled())
		go_yield();
	MUST(go_sleep(0) == -ECANCELED);
	MUST(go_sleep(-1) == -ECANCELED);
	MUST(go_sleep_until(0) == -ECANCELED);
	return NULL;
}

/* A loop of sleeps that are over at once can be cancelled, too. */
static void *cancel_without_time(void *arg)
{
	go_task t;

	(void)arg;
	MUST(go_task_spawn(&t, sleep_without_time, NULL) == 0);
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, NULL) == 0);
	return NULL;
}

Test(time, sleeps_of_no_time_are_cancelled, .timeout = 60)
{
	run_everywhere(cancel_without_time, NULL);
}

static void *hog(void *arg)
{
	int64_t until = go_now() + *(int64_t *)arg;

	while (go_now() < until)
		;
	return NULL;
}

/* With one worker busy, another one keeps the time of its sleepers. */
static void *sleep_beside_a_hog(void *arg)
{
	int64_t busy = 300 * GO_MILLISECOND;
	go_task t, s;
	void *result;

	(void)arg;
	MUST(go_task_spawn(&s, sleep_randomly, NULL) == 0);
	MUST(go_task_spawn(&t, hog, &busy) == 0);
	MUST(go_task_join(s, &result) == 0);
	MUST(!result);
	MUST(go_task_join(t, NULL) == 0);
	return NULL;
}

Test(time, sleep_beside_a_hog, .timeout = 60)
{
	run_everywhere(sleep_beside_a_hog, NULL);
}
