/* SPDX-License-Identifier: MIT */
/*
 * The pool at caps of 1 to 4, with threads that expire at once or after up to a
 * millisecond: each job runs exactly once, or is withdrawn and says so, no more
 * than the cap run at a time, and none is forgotten, which would hang.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include <gofer.h>

#include "support.h"
#include "test.h"

enum {
	CALLERS = 16,
	JOBS = 100 * 1000, /* In all; ten times as many with --long. */
	CONFIGURATIONS = 8,
};

static struct {
	unsigned cap;
	_Atomic int inside;
	_Atomic uint64_t runs, withdrawn;
	uint64_t each;
} now;

static void *job(void *arg)
{
	if (atomic_fetch_add(&now.inside, 1) >= (int)now.cap)
		cr_assert(false, "more than the cap run");
	atomic_fetch_add((_Atomic int *)arg, 1);
	atomic_fetch_add(&now.runs, 1);
	if (test_random(16) == 0)
		go_sleep(test_random(200) * 1000);
	atomic_fetch_sub(&now.inside, 1);
	return arg;
}

/* What was run must be told from what was not. */
static void account(int r, int ran)
{
	if (r == 0) {
		cr_assert_eq(ran, 1);
		return;
	}
	cr_assert(r == -ETIMEDOUT || r == -ENODATA, "%d", r);
	cr_assert_eq(ran, 0);
	atomic_fetch_add(&now.withdrawn, 1);
}

static int call_once(_Atomic int *ran)
{
	go_deadline scope;
	int r;

	if (test_random(4) != 0)
		return go_blocking(job, ran, NULL);
	(void)go_timeout_begin(&scope, test_random(300) * 1000);
	r = go_blocking(job, ran, NULL);
	go_deadline_end(&scope);
	return r;
}

static int task_once(_Atomic int *ran)
{
	go_task task;
	int r = go_blocking_task(&task, job, ran);

	cr_assert_eq(r, 0);
	if (test_random(3) == 0)
		(void)go_task_cancel(task);
	return go_task_join(task, NULL);
}

static void *caller(void *arg)
{
	for (uint64_t i = 0; i < now.each; i++) {
		_Atomic int ran = 0;
		int r = test_random(2) ? call_once(&ran) : task_once(&ran);

		account(r, ran);
		if (test_random(64) == 0)
			go_sleep(test_random(1500) * 1000);
	}
	return arg;
}

static void *callers_main(void *arg)
{
	go_task task[CALLERS];

	for (int i = 0; i < CALLERS; i++)
		cr_assert_eq(go_task_spawn(&task[i], caller, NULL), 0);
	for (int i = 0; i < CALLERS; i++)
		cr_assert_eq(go_task_join(task[i], NULL), 0);
	return arg;
}

static void storm(unsigned cap, int64_t keep_alive_ns, unsigned workers)
{
	go_runtime_options o = {
		.workers = workers,
		.max_blocking_threads = cap,
		.blocking_keep_alive_ns = keep_alive_ns,
	};

	now.cap = cap;
	now.each = test_rounds(JOBS / CONFIGURATIONS / CALLERS);
	atomic_store(&now.runs, 0);
	atomic_store(&now.withdrawn, 0);
	cr_assert_eq(go_run_with(&o, callers_main, NULL, NULL), 0);
	cr_assert_eq(now.runs + now.withdrawn, now.each * CALLERS);
}

Test(blocking_stress, every_job_runs_or_is_withdrawn, .timeout = 250)
{
	for (unsigned cap = 1; cap <= 4; cap++) {
		storm(cap, 1, 2);
		storm(cap, test_random(1000 * 1000) + 1, 3);
	}
}

/* ---- sections ---- */

static void *sections(void *arg)
{
	for (uint64_t i = 0; i < now.each; i++) {
		cr_assert_eq(go_blocking_begin(), 0);
		if (test_random(8) == 0)
			go_sleep(test_random(100) * 1000);
		cr_assert_eq(go_blocking_end(), 0);
		if (test_random(4) == 0)
			go_yield();
		if (test_random(16) == 0)
			go_sleep(test_random(100) * 1000);
	}
	return arg;
}

static void *sections_main(void *arg)
{
	go_task task[CALLERS];

	for (int i = 0; i < CALLERS; i++) {
		go_spawn_options o = {.task = &task[i], .pinned = i % 3 == 0};

		cr_assert_eq(go_spawn_with(&o, sections, NULL), 0);
	}
	for (int i = 0; i < CALLERS; i++)
		cr_assert_eq(go_task_join(task[i], NULL), 0);
	return arg;
}

Test(blocking_stress, workers_move_between_threads, .timeout = 250)
{
	for (unsigned workers = 1; workers <= 3; workers++) {
		go_runtime_options o = {
			.workers = workers,
			.blocking_keep_alive_ns = test_random(2000) * 100 + 1,
			.migrate = workers == 3,
		};

		now.each = test_rounds(100);
		cr_assert_eq(go_run_with(&o, sections_main, NULL, NULL), 0);
	}
}

/* ---- shutdown against submit ---- */

static void *detached(void *arg)
{
	if (test_random(4) == 0)
		go_sleep(test_random(50) * 1000);
	return arg;
}

static void *submits(void *arg)
{
	int r = 0;

	while (r == 0) {
		r = test_random(2) ? go_blocking_spawn(detached, NULL)
				   : go_blocking(detached, NULL, NULL);
		if (test_random(2) == 0)
			go_yield();
	}
	cr_assert(r == -ESHUTDOWN || r == -ECANCELED, "%d", r);
	return arg;
}

static void *start_submitters(void *arg)
{
	for (int i = 0; i < 4; i++)
		cr_assert_eq(go_spawn(submits, NULL), 0);
	go_sleep(test_random(500) * 1000);
	return arg;
}

Test(blocking_stress, shutdown_against_submit, .timeout = 250)
{
	for (uint64_t i = test_rounds(100); i > 0; i--) {
		go_runtime_options o = {
			.workers = 1 + test_random(2),
			.flavour = (int)test_random(2),
			.max_blocking_threads = 1 + test_random(3),
			.blocking_keep_alive_ns = 1 + test_random(100000),
		};

		cr_assert_eq(go_run_with(&o, start_submitters, NULL, NULL), 0);
	}
}
