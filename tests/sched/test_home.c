/* SPDX-License-Identifier: MIT */
/*
 * GO_HOME_THREAD: a task stays with the worker that has first run it, whoever
 * wakes it, and never runs beside another one of that worker; those that wait
 * there are served in order and none starves; a hog keeps its neighbours, and
 * nobody else, and a section nobody at all; and new tasks spread.  (That all
 * else works as in the other flavours is shown by the tests that run
 * everywhere.)
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

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

/* As a main task, which returns NULL or what is wrong. */
static void run_main(go_runtime *rt, go_fn *fn)
{
	void *result;

	cr_assert_eq(go_runtime_block_on(rt, fn, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
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

	for (uint64_t i = test_rounds(3); i > 0; i--) {
		atomic_store(&moved, 0);
		atomic_store(&over, 0);
		test_start_threads(2, post_and_wait, NULL);
		run_main(rt, spawn_and_stay);
		test_join_threads();
		cr_assert_eq(atomic_load(&over), TASKS);
		cr_assert_eq(atomic_load(&moved), 0);
	}
	end(rt);
}

/* ---- one at a time ---- */

enum {
	HOMES = 64, /* More than threads that begin tasks. */
};

static ATOMIC(int) homes, at_once;
static ATOMIC(int) inside[HOMES];
static THREAD_LOCAL int home_here; /* 0: none yet. */

/* The number of the worker, as long as no section has moved it. */
__attribute__((noinline)) static int home_now(void)
{
	if (home_here == 0)
		home_here = 1 + atomic_fetch_add(&homes, 1);
	return home_here - 1;
}

static int (*volatile ask_home)(void) = home_now;

static void stand_inside(int home)
{
	if (atomic_exchange(&inside[home], 1))
		atomic_fetch_add(&at_once, 1);
	for (int i = 0; i < 20; i++)
		(void)go_errno();
	atomic_store(&inside[home], 0);
}

static go_event settled;

static void *take_turns(void *arg)
{
	int home = ask_home();

	/* All have their numbers before a worker moves. */
	MUST(go_event_wait(&settled) == 0);
	for (int i = 0; i < 50; i++) {
		stand_inside(home);
		wait_somehow(test_random(4));
		if (i % 10 == 0) {
			MUST(go_blocking_begin() == 0);
			MUST(go_blocking_end() == 0);
		}
	}
	atomic_fetch_add(&over, 1);
	return arg;
}

static void *spawn_turns(void *arg)
{
	GO_GROUP(group);

	for (int i = 0; i < TASKS / 4; i++) {
		MAKE(go_spawn_options, o, .pinned = i % 5 == 0);

		o.group = &group;
		MUST(go_spawn_with(&o, take_turns, NULL) == 0);
		MUST(go_sleep(10000) == 0);
	}
	test_await_waiters(&settled, TASKS / 4);
	go_event_set(&settled);
	MUST(go_group_wait(&group) == 0);
	return arg;
}

Test(home, neighbours_take_turns, .timeout = 120)
{
	go_runtime *rt = home_runtime(WORKERS, 5);

	atomic_store(&over, 0);
	run_main(rt, spawn_turns);
	cr_assert_eq(atomic_load(&over), TASKS / 4);
	cr_assert_eq(atomic_load(&at_once), 0);
	cr_assert_gt(atomic_load(&homes), 1);
	end(rt);
}

/* ---- hogs ---- */

enum {
	CROWD = 16,
};

struct resident {
	go_event wake;
	ATOMIC(uintptr_t) home;
	ATOMIC(bool) woken;
	bool hogs;
};

static struct resident resident[CROWD];
static ATOMIC(bool) hogging, let_go;
static ATOMIC(int) served;

static void *dwell(void *arg)
{
	struct resident *r = (struct resident *)arg;

	atomic_store(&r->home, ask());
	MUST(go_event_wait(&r->wake) == 0);
	if (r->hogs) {
		atomic_store(&hogging, true);
		while (!atomic_load(&let_go))
			sched_yield();
		MUST(atomic_load(&r->home) == ask());
	}
	atomic_store(&r->woken, true);
	return NULL;
}

static void *serve(void *arg)
{
	atomic_fetch_add(&served, 1);
	return arg;
}

/* Two residents of one worker, the first of them the hog: its number. */
static int find_neighbours(int *neighbour)
{
	for (int i = 0; i < CROWD; i++)
		for (int k = i + 1; k < CROWD; k++)
			if (atomic_load(&resident[i].home) ==
			    atomic_load(&resident[k].home)) {
				*neighbour = k;
				return i;
			}
	return -1;
}

Test(home, a_hog_keeps_its_neighbours_only, .timeout = 60)
{
	go_runtime *rt = home_runtime(2, 0);
	int hog, neighbour = -1;
	bool early;

	for (int i = 0; i < CROWD; i++)
		cr_assert_eq(go_runtime_spawn(rt, dwell, &resident[i]), 0);
	for (int i = 0; i < CROWD; i++)
		test_await_waiters(&resident[i].wake, 1);
	hog = find_neighbours(&neighbour);
	cr_assert_geq(hog, 0);
	resident[hog].hogs = true;
	go_event_set(&resident[hog].wake);
	while (!atomic_load(&hogging))
		sched_yield();
	go_event_set(&resident[neighbour].wake);
	/* Each is served by the other worker, for ten times as long as it takes
	 * to lend one in another flavour. */
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(go_runtime_spawn(rt, serve, NULL), 0);
		while (atomic_load(&served) <= i)
			sched_yield();
		cr_assert_eq(go_sleep(GO_MILLISECOND), 0);
	}
	early = atomic_load(&resident[neighbour].woken);
	atomic_store(&let_go, true);
	for (int i = 0; i < CROWD; i++)
		go_event_set(&resident[i].wake);
	end(rt);
	cr_assert(!early);
	for (int i = 0; i < CROWD; i++)
		cr_assert(atomic_load(&resident[i].woken), "%d", i);
}

static ATOMIC(int) reports;

static void note(const go_stuck_report *report, void *arg)
{
	(void)report;
	(void)arg;
	atomic_fetch_add(&reports, 1);
}

static void *hog_until_reported(void *arg)
{
	go_task task;

	MUST(go_task_spawn(&task, serve, NULL) == 0);
	while (atomic_load(&reports) == 0)
		;
	MUST(go_task_join(task, NULL) == 0);
	return arg;
}

/* Though nobody can be lent, nor woken. */
Test(home, a_lone_hog_is_reported, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_HOME_THREAD, .workers = 1,
	     .on_stuck = note);
	void *result;

	cr_assert_eq(go_run_with(&o, hog_until_reported, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&reports), 1);
}

/* ---- sections ---- */

static int done[2]; /* A pipe. */
static ATOMIC(bool) away;

/* Blocks its thread until a neighbour has written. */
static void *block(void *arg)
{
	char c;

	MUST(go_blocking_begin() == 0);
	atomic_store(&away, true);
	MUST(read(done[0], &c, 1) == 1);
	MUST(go_blocking_end() == 0);
	return arg;
}

static void *answer(void *fd)
{
	char c;

	while (go_read(GO_TO_INT(fd), &c, 1) == 1)
		MUST(go_write(GO_TO_INT(fd), &c, 1) == 1);
	return NULL;
}

/* Timers and descriptors of the only worker, while it is without its thread. */
static void *go_on(void *arg)
{
	go_task blocker, other;
	void *result;
	int fd[2];
	char c = 'x';

	MUST(go_task_spawn(&blocker, block, NULL) == 0);
	while (!atomic_load(&away))
		MUST(go_yield() == 0);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	MUST(go_task_spawn(&other, answer, GO_INT(fd[1])) == 0);
	for (int i = 0; i < 100; i++) {
		MUST(go_sleep(GO_MILLISECOND) == 0);
		MUST(go_write(fd[0], &c, 1) == 1);
		MUST(go_read(fd[0], &c, 1) == 1);
	}
	MUST(go_close(fd[0]) == 0);
	MUST(go_task_join(other, &result) == 0 && !result);
	MUST(go_close(fd[1]) == 0);
	MUST(write(done[1], &c, 1) == 1);
	MUST(go_task_join(blocker, &result) == 0 && !result);
	return arg;
}

Test(home, a_section_lets_its_neighbours_go_on, .timeout = 60)
{
	go_runtime *rt = home_runtime(1, 0);

	atomic_store(&away, false);
	cr_assert_eq(pipe(done), 0);
	run_main(rt, go_on);
	end(rt);
	close(done[0]);
	close(done[1]);
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
static ATOMIC(bool) crowded;

/* More than a ring holds yield all the time; one waits. */
static void *crowd(void *arg)
{
	go_task t;
	void *result;

	MUST(go_task_spawn(&t, passer, &event) == 0);
	test_await_waiters(&event, 1);
	for (int i = 0; i < 600; i++)
		MUST(go_spawn(spin, NULL) == 0);
	atomic_store(&crowded, true);
	go_yield();
	MUST(go_task_join(t, &result) == 0);
	MUST(!result);
	return arg;
}

static void *set_event(void *arg)
{
	while (!atomic_load(&crowded))
		sched_yield();
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

	atomic_store(&enough, false);
	atomic_store(&crowded, false);
	cr_assert_eq(pthread_create(&thread, NULL, set_event, NULL), 0);
	run_main(rt, crowd);
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

	atomic_store(&threads_seen, 0);
	run_main(rt, settle);
	/* A worker may have been given tasks and not have come to them yet. */
	end(rt);
	cr_assert_eq(atomic_load(&threads_seen), WORKERS);
}

/* ---- pinned ones from outside ---- */

static void spread_pinned(int flavour)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = WORKERS);
	MAKE(go_spawn_options, pinned, .pinned = true);
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	pinned.runtime = rt;
	atomic_store(&threads_seen, 0);
	for (int i = 0; i < 10 * WORKERS; i++)
		cr_assert_eq(go_spawn_with(&pinned, reside, NULL), 0);
	while (atomic_load(&threads_seen) < WORKERS)
		cr_assert_eq(go_sleep(GO_MILLISECOND), 0);
	end(rt);
}

Test(home, pinned_ones_from_outside_spread, .timeout = 60)
{
	spread_pinned(GO_HOME_THREAD);
	spread_pinned(GO_MULTI_THREAD);
}
