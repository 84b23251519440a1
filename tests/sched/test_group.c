/* SPDX-License-Identifier: MIT */
/*
 * Groups: nothing outlives them, the first error counts, cancellation and
 * deadlines reach the children, limits hold, places are conserved; racing and
 * joining several tasks.
 */
#include <errno.h>
#include <pthread.h>

#include "everywhere.h"
#include "support.h"

enum {
	MANY = 300
};

static ATOMIC(int) alive, most, done;

static void *count(void *arg)
{
	int now = atomic_fetch_add(&alive, 1) + 1, seen = atomic_load(&most);

	while (seen < now && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	if (arg)
		go_sleep(1 + test_random(100000));
	else
		go_yield();
	atomic_fetch_add(&done, 1);
	atomic_fetch_sub(&alive, 1);
	return arg;
}

static void *sleep_for_ever(void *arg)
{
	int r;

	(void)arg;
	atomic_fetch_add(&alive, 1);
	r = go_sleep(GO_NEVER);
	atomic_fetch_sub(&alive, 1);
	return GO_INT(r);
}

static void *fail(void *arg)
{
	return arg;
}

static void reset(void)
{
	atomic_store(&alive, 0);
	atomic_store(&most, 0);
	atomic_store(&done, 0);
}

/* ---- ends and errors ---- */

static void *waits_for_all(void *arg)
{
	go_group g;

	(void)arg;
	reset();
	MUST(go_group_init(&g, NULL) == 0);
	MUST(go_group_wait(&g) == 0);
	for (int round = 1; round <= 3; round++) {
		for (int i = 0; i < MANY; i++)
			MUST(go_group_spawn(&g, count, i % 2 ? arg : &g) == 0);
		MUST(go_group_wait(&g) == 0);
		MUST(atomic_load(&alive) == 0);
		MUST(atomic_load(&done) == round * MANY);
	}
	return NULL;
}

Test(group, waits_for_all, .timeout = 60)
{
	run_everywhere(waits_for_all, NULL);
}

static void *bad_input(void *arg)
{
	MAKE(go_group_options, wrong, .reserved[1] = 1);
	MAKE(go_group_options, early, .deadline_ns = -1);
	go_group g;
	go_task t;
	MAKE(go_spawn_options, both, .group = &g, .task = &t);

	(void)arg;
	MUST(go_group_init(NULL, NULL) == -EINVAL);
	MUST(go_group_init(&g, &wrong) == -EINVAL);
	MUST(go_group_init(&g, &early) == -EINVAL);
	MUST(go_group_spawn(&g, fail, NULL) == -ECANCELED);
	go_group_end(&g);
	MUST(go_group_init(&g, NULL) == 0);
	MUST(go_group_spawn(NULL, fail, NULL) == -EINVAL);
	MUST(go_group_spawn(&g, NULL, NULL) == -EINVAL);
	MUST(go_spawn_with(&both, fail, NULL) == -EINVAL);
	MUST(go_group_wait(NULL) == -EINVAL);
	MUST(go_group_cancel(NULL) == -EINVAL);
	go_group_end(NULL);
	MUST(go_group_wait(&g) == 0);
	return NULL;
}

Test(group, bad_input, .timeout = 60)
{
	run_everywhere(bad_input, NULL);
}

static void *first_error(void *arg)
{
	GO_GROUP(g);

	(void)arg;
	MUST(go_group_spawn(&g, fail, GO_INT(-EPIPE)) == 0);
	go_sleep(1000);
	while (go_group_wait(&g) != -EPIPE)
		;
	MUST(go_group_spawn(&g, fail, GO_INT(-EIO)) == 0);
	MUST(go_group_wait(&g) == -EPIPE);
	MUST(go_group_spawn(&g, fail, GO_INT(5)) == 0);
	MUST(go_group_spawn(&g, fail, GO_INT(-5000)) == 0);
	MUST(go_group_wait(&g) == -EPIPE);
	return NULL;
}

Test(group, first_error, .timeout = 60)
{
	run_everywhere(first_error, NULL);
}

static void *cancel_on_error(void *arg)
{
	MAKE(go_group_options, o, .cancel_on_error = true);
	GO_GROUP_WITH(g, &o);

	(void)arg;
	reset();
	for (int i = 0; i < 20; i++)
		MUST(go_group_spawn(&g, sleep_for_ever, NULL) == 0);
	MUST(go_group_spawn(&g, fail, GO_INT(-EPIPE)) == 0);
	MUST(go_group_wait(&g) == -EPIPE);
	MUST(atomic_load(&alive) == 0);
	MUST(go_group_spawn(&g, fail, NULL) == -ECANCELED);
	return NULL;
}

Test(group, cancel_on_error, .timeout = 60)
{
	run_everywhere(cancel_on_error, NULL);
}

static int leave_behind(int n)
{
	GO_GROUP(g);

	for (int i = 0; i < n; i++)
		if (go_group_spawn(&g, sleep_for_ever, NULL) < 0)
			return -1;
	if (n % 2)
		go_yield();
	return n;
}

static void *scopes_leave_nobody(void *arg)
{
	(void)arg;
	reset();
	for (int i = 0; i < 50; i++) {
		MUST(leave_behind(i) == i);
		MUST(atomic_load(&alive) == 0);
	}
	return NULL;
}

Test(group, scopes_leave_nobody, .timeout = 60)
{
	run_everywhere(scopes_leave_nobody, NULL);
}

/* ---- cancellation and deadlines from outside ---- */

static void *nest(void *arg)
{
	GO_GROUP(g);
	int depth = GO_TO_INT(arg);

	for (int i = 0; i < 3; i++)
		if (go_group_spawn(&g, depth ? nest : sleep_for_ever,
				   GO_INT(depth - 1)) < 0)
			break;
	return GO_INT(go_group_wait(&g));
}

static void *cancel_reaches_all(void *arg)
{
	void *result;
	go_task t;

	(void)arg;
	for (int i = 0; i < 20; i++) {
		reset();
		MUST(go_task_spawn(&t, nest, GO_INT(2)) == 0);
		while (i % 2 && atomic_load(&alive) < 27)
			go_sleep(1000);
		MUST(go_task_cancel(t) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST(atomic_load(&alive) == 0);
		MUST(i % 2 == 0 || GO_TO_INT(result) == -ECANCELED);
	}
	return NULL;
}

Test(group, cancel_reaches_nested_groups, .timeout = 60)
{
	run_everywhere(cancel_reaches_all, NULL);
}

static void *deadline_reaches_all(void *arg)
{
	go_group_options o = ALL_ZERO;

	(void)arg;
	reset();
	{
		GO_TIMEOUT(2 * GO_MILLISECOND);
		GO_GROUP(g);

		for (int i = 0; i < 9; i++)
			MUST(go_group_spawn(&g, sleep_for_ever, NULL) == 0);
		MUST(go_group_wait(&g) == -ETIMEDOUT);
		MUST(atomic_load(&alive) == 0);
	}
	{
		o.deadline_ns = go_now() + 2 * GO_MILLISECOND;
		GO_GROUP_WITH(g, &o);
		MUST(go_group_spawn(&g, nest, GO_INT(1)) == 0);
		MUST(go_group_wait(&g) == -ETIMEDOUT);
		MUST(atomic_load(&alive) == 0);
		MUST(go_sleep(1000) == 0);
	}
	return NULL;
}

Test(group, deadline_reaches_all, .timeout = 60)
{
	run_everywhere(deadline_reaches_all, NULL);
}

static void *sleep_quietly(void *arg)
{
	(void)arg;
	(void)go_sleep(GO_NEVER);
	return NULL;
}

static void *wait_for_quiet_one(void *arg)
{
	GO_GROUP(g);

	MUST(go_group_spawn(&g, sleep_quietly, NULL) == 0);
	atomic_store((ATOMIC(int) *)arg, 1);
	return GO_INT(go_group_wait(&g));
}

/* Children do not hide it, neither those that say nothing nor those that say
 * they were cancelled. */
static void *ends_of_waits(void *arg)
{
	ATOMIC(int) waits;
	void *result;
	go_task t;

	(void)arg;
	atomic_store(&waits, 0);
	MUST(go_task_spawn(&t, wait_for_quiet_one, &waits) == 0);
	while (!atomic_load(&waits))
		go_yield();
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(GO_TO_INT(result) == -ECANCELED);
	for (int quiet = 0; quiet < 2; quiet++) {
		GO_GROUP(g);
		MUST(go_group_spawn(&g, quiet ? sleep_quietly : sleep_for_ever,
				    NULL) == 0);
		/* Of the wait, and not of the child, which could end by it
		 * before the wait does. */
		GO_TIMEOUT(GO_MILLISECOND);
		MUST(go_group_wait(&g) == -ETIMEDOUT);
	}
	return NULL;
}

Test(group, says_how_the_wait_has_ended, .timeout = 60)
{
	run_everywhere(ends_of_waits, NULL);
}

static void *wait_for_own(void *arg)
{
	return GO_INT(go_group_wait((go_group *)arg));
}

static void *a_child_cannot_wait(void *arg)
{
	GO_GROUP(g);

	(void)arg;
	MUST(go_group_spawn(&g, wait_for_own, &g) == 0);
	MUST(go_group_wait(&g) == -EDEADLK);
	return NULL;
}

Test(group, a_child_cannot_wait_for_itself, .timeout = 60)
{
	run_everywhere(a_child_cannot_wait, NULL);
}

/* ---- limits ---- */

static void *limits_hold(void *arg)
{
	MAKE(go_group_options, o, .limit = 3);
	GO_GROUP_WITH(g, &o);

	(void)arg;
	reset();
	for (int i = 0; i < MANY; i++)
		MUST(go_group_spawn(&g, count, i % 3 ? NULL : &g) == 0);
	MUST(go_group_wait(&g) == 0);
	MUST(atomic_load(&done) == MANY);
	MUST(atomic_load(&most) <= 3);
	return NULL;
}

Test(group, limits_hold, .timeout = 60)
{
	run_everywhere(limits_hold, NULL);
}

static void *spawns_end(void *arg)
{
	MAKE(go_group_options, o, .limit = 1, .deadline_ns = GO_NEVER);
	GO_GROUP_WITH(g, &o);

	(void)arg;
	reset();
	MUST(go_group_spawn(&g, sleep_for_ever, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		GO_TIMEOUT(100000);
		MUST(go_group_spawn(&g, fail, NULL) == -ETIMEDOUT);
	}
	MUST(go_group_cancel(&g) == 0);
	MUST(go_group_wait(&g) == -ECANCELED);
	return NULL;
}

Test(group, waiting_spawns_can_be_ended, .timeout = 60)
{
	run_everywhere(spawns_end, NULL);
}

/* ---- plain threads ---- */

static void *cancel_from_thread(void *arg)
{
	while (atomic_load(&alive) < 5)
		;
	go_group_cancel((go_group *)arg);
	return NULL;
}

Test(group, plain_threads_own_groups, .timeout = 60)
{
	MAKE(go_group_options, o, .limit = 10);
	go_group g;
	pthread_t thread;

	cr_assert_eq(go_group_init(&g, NULL), 0);
	cr_assert_eq(go_group_spawn(&g, fail, NULL), -ESRCH);
	cr_assert_eq(go_runtime_create(&o.runtime, NULL), 0);
	cr_assert_eq(go_group_init(&g, &o), 0);
	reset();
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(go_group_spawn(&g, count, &g), 0);
	cr_assert_eq(go_group_wait(&g), 0);
	cr_assert_eq(atomic_load(&done), MANY);
	cr_assert_leq(atomic_load(&most), 10);
	reset();
	for (int i = 0; i < 5; i++)
		cr_assert_eq(go_group_spawn(&g, sleep_for_ever, NULL), 0);
	cr_assert_eq(pthread_create(&thread, NULL, cancel_from_thread, &g), 0);
	cr_assert_eq(go_group_wait(&g), -ECANCELED);
	cr_assert_eq(atomic_load(&alive), 0);
	pthread_join(thread, NULL);
	cr_assert_eq(go_runtime_shutdown(o.runtime, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(o.runtime), 0);
}

/* ---- several tasks ---- */

static void *win_after(void *arg)
{
	int r = go_sleep(GO_TO_INT(arg) * 100000);

	return r < 0 ? GO_INT(r) : arg;
}

static void *races(void *arg)
{
	go_fn *const fn[] = {sleep_for_ever, win_after, fail, sleep_for_ever};
	void *const args[] = {NULL, GO_INT(3), GO_INT(-EIO), NULL};
	go_fn *const losers[] = {fail, fail}, *const holes[] = {fail, NULL};
	void *const errors[] = {GO_INT(-EIO), GO_INT(-EIO)};
	size_t winner = 9;
	void *result;

	(void)arg;
	for (int i = 0; i < 20; i++) {
		reset();
		MUST(go_race(4, fn, args, &winner, &result) == 0);
		MUST(winner == 1 && GO_TO_INT(result) == 3);
		MUST(atomic_load(&alive) == 0);
	}
	MUST(go_race(2, losers, errors, &winner, &result) == -EIO);
	MUST(go_race(0, losers, errors, NULL, NULL) == -EINVAL);
	MUST(go_race(1, NULL, errors, NULL, NULL) == -EINVAL);
	MUST(go_race(2, holes, errors, NULL, NULL) == -EINVAL);
	GO_TIMEOUT(1000000);
	MUST(go_race(1, fn, NULL, NULL, NULL) < 0);
	return NULL;
}

Test(group, races, .timeout = 60)
{
	run_everywhere(races, NULL);
}

static void *joins_all(void *arg)
{
	void *results[4];
	go_task t[4];

	(void)arg;
	for (int i = 0; i < 4; i++)
		MUST(go_task_spawn(&t[i], win_after, GO_INT(4 - i)) == 0);
	MUST(go_join_all(t, 4, results) == 0);
	for (int i = 0; i < 4; i++)
		MUST(GO_TO_INT(results[i]) == 4 - i);
	MUST(go_join_all(t, 4, NULL) == -ESRCH);
	MUST(go_join_all(NULL, 1, NULL) == -EINVAL);
	MUST(go_join_all(NULL, 0, NULL) == 0);
	return NULL;
}

Test(group, joins_all, .timeout = 60)
{
	run_everywhere(joins_all, NULL);
}
