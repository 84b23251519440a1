/* SPDX-License-Identifier: MIT */
/*
 * The lessons about blocking: workers stay free meanwhile, a blocking thread
 * gets back to the tasks by the runtime in its hand, and the number of such
 * threads has a cap.
 */
#include <sched.h>

#include "lessons.h"

/* ---- Workers stay free --------------------------------------------------- */

struct pipes {
	int fds[3][2];
};

/* read(2), and not go_read(): it blocks the thread. */
static void *block(void *arg)
{
	const int *fds = (const int *)arg;
	char byte = 0;

	return GO_INT(read(fds[0], &byte, 1) == 1 ? byte : -1);
}

/* Three block, and only a task can end that.  If one of them blocked the only
 * worker, this would never end. */
static void *workers_stay_free(void *arg)
{
	struct pipes *p = (struct pipes *)arg;
	go_task blocked[3];
	void *got[3];

	for (int i = 0; i < 3; i++) {
		MUST(pipe(p->fds[i]) == 0);
		MUST(go_blocking_task(&blocked[i], block, p->fds[i]) == 0);
	}
	for (int i = 0; i < 100; i++)
		MUST(go_sleep(GO_MICROSECOND) == 0);
	for (int i = 0; i < 3; i++) {
		char byte = (char)('a' + i);

		MUST(write(p->fds[i][1], &byte, 1) == 1);
	}
	MUST(go_join_all(blocked, 3, got) == 0);
	for (int i = 0; i < 3; i++) {
		MUST(GO_TO_INT(got[i]) == 'a' + i);
		close(p->fds[i][0]);
		close(p->fds[i][1]);
	}
	return NULL;
}

Test(lessons_blocking, workers_stay_free_meanwhile)
{
	struct pipes p;

	run_everywhere(workers_stay_free, &p);
}

static void *hash(void *arg)
{
	return GO_INT(GO_TO_INT(arg) * 31);
}

static void *expensive_hash(void *unused)
{
	void *result = NULL;

	(void)unused;
	MUST(go_blocking(hash, GO_INT(7), &result) == 0);
	MUST(GO_TO_INT(result) == 217);
	return NULL;
}

Test(lessons_blocking, the_caller_gets_the_result)
{
	run_everywhere(expensive_hash, NULL);
}

/* ---- The way back -------------------------------------------------------- */

static void *sleep_in_a_task(void *arg)
{
	return go_sleep(GO_MILLISECOND) == 0 ? arg : NULL;
}

static void *back_among_tasks(void *runtime)
{
	void *result = NULL;

	MUST(go_runtime_current() == (go_runtime *)runtime);
	MUST(go_runtime_block_on((go_runtime *)runtime, sleep_in_a_task,
				 GO_INT(42), &result) == 0);
	MUST(GO_TO_INT(result) == 42);
	return NULL;
}

static void *carry_the_runtime(void *unused)
{
	void *wrong = GO_INT(1);

	(void)unused;
	MUST(go_blocking(back_among_tasks, go_runtime_current(), &wrong) == 0);
	return wrong;
}

/* (A GO_CURRENT_THREAD runtime is run by the thread that waits here.) */
Test(lessons_blocking, a_blocking_thread_finds_the_way_back)
{
	run_in(GO_MULTI_THREAD, 1, carry_the_runtime, NULL);
	run_in(GO_MULTI_THREAD, 2, carry_the_runtime, NULL);
	run_in(GO_MULTI_THREAD, 4, carry_the_runtime, NULL);
	run_in(GO_HOME_THREAD, 4, carry_the_runtime, NULL);
}

/* ---- The cap ------------------------------------------------------------- */

enum {
	CAP = 2,
	JOBS = 20
};

struct count {
	ATOMIC(int) running, most, ended;
};

static void *count_me(void *arg)
{
	struct count *c = (struct count *)arg;
	int now = atomic_fetch_add(&c->running, 1) + 1;
	int most = atomic_load(&c->most);

	while (now > most &&
	       !atomic_compare_exchange_weak(&c->most, &most, now))
		;
	/* The first ones wait for each other: so many do run at once. */
	while (atomic_load(&c->most) < CAP)
		sched_yield();
	atomic_fetch_sub(&c->running, 1);
	atomic_fetch_add(&c->ended, 1);
	return NULL;
}

static void *more_than_the_cap(void *arg)
{
	struct count *c = (struct count *)arg;
	go_task jobs[JOBS];

	for (int i = 0; i < JOBS; i++)
		MUST(go_blocking_task(&jobs[i], count_me, c) == 0);
	MUST(go_join_all(jobs, JOBS, NULL) == 0);
	MUST(atomic_load(&c->most) == CAP);
	MUST(atomic_load(&c->ended) == JOBS);
	return NULL;
}

static void cap_in(int flavour, unsigned workers)
{
	MAKE(go_runtime_options, options, .flavour = flavour,
	     .workers = workers, .max_blocking_threads = CAP);
	struct count c;
	void *wrong = NULL;

	memset((void *)&c, 0, sizeof c);
	cr_assert_eq(go_run_with(&options, more_than_the_cap, &c, &wrong), 0);
	cr_assert_null(wrong, "%s", (const char *)wrong);
}

Test(lessons_blocking, their_number_has_a_cap)
{
	cap_in(GO_CURRENT_THREAD, 0);
	cap_in(GO_MULTI_THREAD, 1);
	cap_in(GO_MULTI_THREAD, 4);
	cap_in(GO_HOME_THREAD, 4);
}
