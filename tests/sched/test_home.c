/* SPDX-License-Identifier: MIT */
/*
 * GO_HOME_THREAD: a task stays with the worker that has first run it, whoever
 * wakes it; those that wait there are served in order and none starves; and new
 * tasks spread.  (That all else works as in the other flavours is shown by the
 * tests that run everywhere.)
 */
#include <errno.h>
#include <pthread.h>

#include "everywhere.h"
#include "support.h"
#include "waiting.h"

enum {
	TASKS = 200,
	WORKERS = 4,
};

/* Its address tells the thread, read where no compiler can remember it. */
static THREAD_LOCAL char here;

__attribute__((noinline)) static uintptr_t thread_now(void)
{
	return (uintptr_t)&here;
}

static uintptr_t (*volatile ask)(void) = thread_now;

static go_runtime *home_runtime(unsigned workers, unsigned fairness)
{
	MAKE(go_runtime_options, o, .flavour = GO_HOME_THREAD,
	     .workers = workers);
	go_runtime *rt;

	o.fairness_interval = fairness;
	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	return rt;
}

static void end(go_runtime *rt)
{
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

/* ---- staying ---- */

static go_mutex mutex;
static go_semaphore semaphore;
static ATOMIC(int) moved, over;

static void wait_somehow(uint32_t how)
{
	switch (how) {
	case 0:
		go_yield();
		break;
	case 1:
		go_sleep(1 + test_random(100000));
		break;
	case 2:
		go_mutex_lock(&mutex);
		go_yield();
		go_mutex_unlock(&mutex);
		break;
	default:
		go_semaphore_post(&semaphore);
		go_semaphore_acquire(&semaphore);
		break;
	}
}

static void *stay(void *arg)
{
	uintptr_t home = ask();

	for (int i = 0; i < 50; i++) {
		wait_somehow(test_random(4));
		if (ask() != home)
			atomic_fetch_add(&moved, 1);
	}
	atomic_fetch_add(&over, 1);
	return arg;
}

static void *spawn_and_stay(void *arg)
{
	GO_GROUP(group);

	for (int i = 0; i < TASKS; i++) {
		MAKE(go_spawn_options, o, .pinned = i % 5 == 0);

		o.group = &group;
		MUST(go_spawn_with(&o, stay, NULL) == 0);
		if (i % 16 == 0)
			go_yield();
	}
	MUST(go_group_wait(&group) == 0);
	return arg;
}

/* Wakes from outside. */
static void post_and_wait(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++) {
		go_semaphore_post(&semaphore);
		go_semaphore_acquire(&semaphore);
		go_mutex_lock(&mutex);
		go_mutex_unlock(&mutex);
	}
}

Test(home, tasks_stay, .timeout = 120)
{
	go_runtime *rt = home_runtime(WORKERS, 5);
	void *result;

	for (uint64_t i = test_rounds(3); i > 0; i--) {
		atomic_store(&moved, 0);
		atomic_store(&over, 0);
		test_start_threads(2, post_and_wait, NULL);
		cr_assert_eq(
			go_runtime_block_on(rt, spawn_and_stay, NULL, &result),
			0);
		test_join_threads();
		cr_assert_null(result, "%s", (const char *)result);
		cr_assert_eq(atomic_load(&over), TASKS);
		cr_assert_eq(atomic_load(&moved), 0);
	}
	end(rt);
}

/* ---- nobody starves ---- */

static ATOMIC(bool) enough;

static void *spin(void *arg)
{
	while (!atomic_load(&enough))
		go_yield();
	return arg;
}

static void *passer(void *arg)
{
	go_event *event = (go_event *)arg;

	MUST(go_event_wait(event) == 0);
	atomic_store(&enough, true);
	return NULL;
}

static go_event event;

/* More than a ring holds yield all the time; one waits. */
static void *crowd(void *arg)
{
	go_task t;
	void *result;

	MUST(go_task_spawn(&t, passer, &event) == 0);
	test_await_waiters(&event, 1);
	for (int i = 0; i < 600; i++)
		MUST(go_spawn(spin, NULL) == 0);
	go_yield();
	MUST(go_task_join(t, &result) == 0);
	MUST(!result);
	return arg;
}

static void *set_event(void *arg)
{
	for (int i = 0; i < 1000; i++)
		sched_yield();
	go_event_set(&event);
	return arg;
}

/*
 * The wake comes from outside, so by the inbox, while the ring is full; and no
 * fair look helps.
 */
Test(home, a_crowd_keeps_nobody_out, .timeout = 60)
{
	go_runtime *rt = home_runtime(1, 1U << 30);
	pthread_t thread;
	void *result;

	atomic_store(&enough, false);
	cr_assert_eq(pthread_create(&thread, NULL, set_event, NULL), 0);
	cr_assert_eq(go_runtime_block_on(rt, crowd, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	end(rt);
}

/* ---- spreading ---- */

static ATOMIC(int) threads_seen;
static THREAD_LOCAL bool seen;

static void *reside(void *arg)
{
	if (!seen)
		atomic_fetch_add(&threads_seen, 1);
	seen = true;
	MUST(go_sleep(GO_NEVER) == -ECANCELED);
	return arg;
}

/* One by one, as connections come, and each goes to sleep at once. */
static void *settle(void *arg)
{
	for (int i = 0; i < TASKS; i++) {
		MUST(go_spawn(reside, NULL) == 0);
		MUST(go_sleep(1000) == 0);
	}
	return arg;
}

Test(home, tasks_that_come_one_by_one_spread, .timeout = 60)
{
	go_runtime *rt = home_runtime(WORKERS, 0);
	void *result;

	atomic_store(&threads_seen, 0);
	cr_assert_eq(go_runtime_block_on(rt, settle, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&threads_seen), WORKERS);
	end(rt);
}
