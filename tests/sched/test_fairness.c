/* SPDX-License-Identifier: MIT */
/*
 * Nobody starves: each way in which one worker could be kept busy for ever is
 * run beside a task that must get its turns all the same.
 */
#include <errno.h>

#include "everywhere.h"
#include "support.h"

static ATOMIC(bool) stop;
static ATOMIC(int) turns;

static void *take_turns(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100 && !atomic_load(&stop); i++) {
		atomic_fetch_add(&turns, 1);
		go_yield();
	}
	return NULL;
}

/*
 * Each body gives up after so many rounds; a starved task has no turn then.
 * But not before some seconds: the system may run one worker only meanwhile.
 */
enum {
	ROUNDS = 100 * 1000
};

static int64_t began;

static bool go_on(int round)
{
	return atomic_load(&turns) < 100 &&
	       (round < ROUNDS || go_now() - began < 5 * GO_SECOND);
}

static void begin_turns(void)
{
	atomic_store(&turns, 0);
	began = go_now();
}

static void *yield_pinned(void *arg)
{
	(void)arg;
	for (int i = 0; go_on(i); i++)
		go_yield();
	return NULL;
}

static void *pinned_tasks_share(void *arg)
{
	MAKE(go_spawn_options, o, .pinned = true);
	go_task t[3], victim;

	(void)arg;
	begin_turns();
	for (int i = 0; i < 3; i++) {
		o.task = &t[i];
		MUST(go_spawn_with(&o, yield_pinned, NULL) == 0);
	}
	MUST(go_task_spawn(&victim, take_turns, NULL) == 0);
	for (int i = 0; i < 3; i++)
		MUST(go_task_join(t[i], NULL) == 0);
	MUST(atomic_load(&turns) == 100);
	return go_task_join(victim, NULL) == 0 ? NULL : (void *)(uintptr_t) "";
}

Test(fairness, pinned_tasks_share, .timeout = 60)
{
	run_everywhere(pinned_tasks_share, NULL);
}

static void *nothing(void *arg)
{
	return arg;
}

/*
 * Woken last, new, woken last, new ...: if the look at the woken tasks always
 * fell on a turn of the first kind, it would never come.
 */
static void *spawn_and_join(void *arg)
{
	go_task victim, t;

	(void)arg;
	begin_turns();
	MUST(go_task_spawn(&victim, take_turns, NULL) == 0);
	while (atomic_load(&turns) == 0)
		go_yield();
	for (int i = 0; go_on(i); i++) {
		MUST(go_task_spawn(&t, nothing, NULL) == 0);
		MUST(go_task_join(t, NULL) == 0);
	}
	MUST(atomic_load(&turns) == 100);
	return go_task_join(victim, NULL) == 0 ? NULL : (void *)(uintptr_t) "";
}

Test(fairness, whatever_the_rhythm, .timeout = 60)
{
	for (unsigned interval = 1; interval < 100; interval++) {
		MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD,
		     .fairness_interval = interval);
		void *result;

		cr_assert_eq(go_run_with(&o, spawn_and_join, NULL, &result), 0);
		cr_assert_null(result, "interval %u: %s", interval,
			       (const char *)result);
	}
}

/*
 * More than the ring of woken tasks holds, and a look at each pick: those in
 * the ring must have turns beside those that came back from elsewhere.
 */
enum {
	MANY = 400,
	TURNS_EACH = 10
};

static int had_theirs;

static void *yield_until_all_had_turns(void *arg)
{
	for (int i = 0; had_theirs < MANY; i++) {
		MUST(i < ROUNDS / 10);
		had_theirs += i == TURNS_EACH;
		go_yield();
	}
	return arg;
}

static void *more_than_a_ring(void *arg)
{
	go_task t[MANY];

	had_theirs = 0;
	for (int i = 0; i < MANY; i++)
		MUST(go_task_spawn(&t[i], yield_until_all_had_turns, NULL) ==
		     0);
	for (int i = 0; i < MANY; i++) {
		void *wrong;

		MUST(go_task_join(t[i], &wrong) == 0 && !wrong);
	}
	return arg;
}

Test(fairness, more_than_a_ring_at_every_rhythm, .timeout = 60)
{
	for (unsigned interval = 1; interval < 10; interval++) {
		MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD,
		     .fairness_interval = interval);
		void *result;

		cr_assert_eq(go_run_with(&o, more_than_a_ring, NULL, &result),
			     0);
		cr_assert_null(result, "interval %u: %s", interval,
			       (const char *)result);
	}
}

/* ---- woken beside new ones ---- */

enum {
	SLEEPERS = 1000,  /* More than any ring holds, */
	CROWD = 20 * 1000 /* and many more. */
};

static go_event sign = GO_EVENT_INIT;
static ATOMIC(int) asleep, begun, begun_at_last;

static void *begin(void *arg)
{
	atomic_fetch_add(&begun, 1);
	return arg;
}

static void *sleep_for_sign(void *arg)
{
	atomic_fetch_add(&asleep, 1);
	MUST(go_event_wait(&sign) == 0);
	atomic_store(&begun_at_last, atomic_load(&begun));
	return arg;
}

static void *wake_beside_a_crowd(void *arg)
{
	go_task t[SLEEPERS];

	atomic_store(&begun, 0);
	atomic_store(&asleep, 0);
	MUST(go_event_reset(&sign) >= 0);
	for (int i = 0; i < SLEEPERS; i++)
		MUST(go_task_spawn(&t[i], sleep_for_sign, NULL) == 0);
	while (atomic_load(&asleep) < SLEEPERS)
		go_yield();
	for (int i = 0; i < CROWD; i++)
		MUST(go_spawn(begin, NULL) == 0);
	MUST(go_event_set(&sign) == 0);
	for (int i = 0; i < SLEEPERS; i++) {
		void *wrong;

		MUST(go_task_join(t[i], &wrong) == 0 && !wrong);
	}
	MUST(atomic_load(&begun_at_last) < CROWD / 2);
	return arg;
}

/*
 * They do not wait until all have begun that were spawned before.  (Where no
 * worker is lent, which would run the crowd while the first has no CPU.)
 */
Test(fairness, woken_beside_a_crowd_of_new_ones, .timeout = 60)
{
	run_in(GO_CURRENT_THREAD, 0, wake_beside_a_crowd, NULL);
	run_in(GO_HOME_THREAD, 1, wake_beside_a_crowd, NULL);
}

#ifdef GO_TEST_HOOKS
#include "arch/sys.h"

static ATOMIC(bool) full;
static ATOMIC(int) started;

static int no_new_stacks(enum go__sys_call call)
{
	return call == GO__SYS_mmap || call == GO__SYS_mprotect ? -ENOMEM : 0;
}

static void *wait_until_full(void *arg)
{
	int r;

	atomic_fetch_add(&started, 1);
	do
		r = go_sleep(GO_MILLISECOND);
	while (r == 0 && !atomic_load(&full));
	atomic_fetch_add(&turns, 1);
	(void)arg;
	return GO_INT(r);
}

static void *yield_until_stop(void *arg)
{
	(void)arg;
	atomic_fetch_add(&started, 1);
	while (!atomic_load(&stop))
		go_yield();
	return NULL;
}

/* When stacks are free again they go to those who wait for one. */
static void *the_starved_get_stacks(void *arg)
{
	go_task busy[2];
	int spawned = 0, r;

	(void)arg;
	atomic_store(&stop, false);
	atomic_store(&started, 0);
	atomic_store(&full, false);
	atomic_store(&turns, 0);
	for (int i = 0; i < 2; i++)
		MUST(go_task_spawn(&busy[i], yield_until_stop, NULL) == 0);
	/* One that will end has a stack to leave to the others. */
	MUST(go_spawn(wait_until_full, NULL) == 0);
	spawned++;
	while (atomic_load(&started) < 3)
		go_yield();
	go__sys_hook = no_new_stacks;
	while ((r = go_spawn(wait_until_full, NULL)) == 0) {
		spawned++;
		MUST(spawned < 10 * 1000 * 1000);
		if (spawned % 4 == 0)
			go_yield();
	}
	MUST(r == -ENOMEM);
	atomic_store(&full, true);
	for (int i = 0; i < 10 * 1000 && atomic_load(&turns) < spawned; i++)
		go_sleep(GO_MILLISECOND);
	(void)test_fail_stop();
	MUST(atomic_load(&turns) == spawned);
	MUST(go_spawn(nothing, NULL) == 0);
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		MUST(go_task_join(busy[i], NULL) == 0);
	return NULL;
}

Test(fairness, the_starved_get_stacks, .timeout = 60)
{
	run_everywhere(the_starved_get_stacks, NULL);
}
#endif
