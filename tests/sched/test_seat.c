/* SPDX-License-Identifier: MIT */
/*
 * Many callers of one runtime that has no threads: in block_on, in a shutdown,
 * from its own pool; whoever comes first runs the tasks of all, and hands the
 * seat on when he leaves.
 *
 * A seat that is lost is a hang.
 */
#include <gofer.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "both.h"
#include "everywhere.h"
#include "support.h"
#include "test.h"

enum {
	CALLERS = 6,
};

static go_runtime *shared;
static ATOMIC(int) started, ran, refused;

static void make(void)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);

	atomic_store(&started, 0);
	atomic_store(&ran, 0);
	atomic_store(&refused, 0);
	cr_assert_eq(go_runtime_create(&shared, &o), 0);
}

static void end(void)
{
	cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(shared), 0);
}

static void await(ATOMIC(int) * value, int at_least)
{
	while (atomic_load(value) < at_least)
		usleep(100);
}

static void *echo(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

/* ---- many at once ---- */

/* Some end at once, some give others time to come. */
static void *run_a_while(void *arg)
{
	for (uint32_t n = test_random(4); n > 0; n--) {
		if (test_random(4) == 0)
			(void)go_sleep(test_random(100000));
		else
			(void)go_yield();
	}
	return echo(arg);
}

static void call_often(void *unused)
{
	(void)unused;
	for (uint64_t i = test_rounds(300); i > 0; i--) {
		int n = (int)test_random(1000000);
		void *result;

		cr_assert_eq(go_runtime_block_on(shared, run_a_while, GO_INT(n),
						 &result),
			     0);
		cr_assert_eq(GO_TO_INT(result), n);
	}
}

Test(seat, many_threads_call, .timeout = 120)
{
	make();
	test_start_threads(CALLERS, call_often, NULL);
	test_join_threads();
	cr_assert_eq(atomic_load(&ran), CALLERS * (int)test_rounds(300));
	end();
}

/* ---- callers that need each other ---- */

static go_event passed[CALLERS + 1];

/* Waits for its predecessor's task, whoever runs that. */
static void *relay(void *arg)
{
	int i = GO_TO_INT(arg);

	atomic_fetch_add(&started, 1);
	MUST(go_event_wait(&passed[i]) == 0);
	/* Let the one who runs us see whether his own is over. */
	MUST(go_sleep(1 + test_random(50000)) == 0);
	MUST(go_event_set(&passed[i + 1]) == 0);
	return NULL;
}

static void call_relay(void *unused)
{
	static ATOMIC(int) next;
	int i = atomic_fetch_add(&next, 1) % CALLERS;
	void *result;

	(void)unused;
	cr_assert_eq(go_runtime_block_on(shared, relay, GO_INT(i), &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

/* The one who runs them all leaves first, or last, or in between. */
Test(seat, their_tasks_wait_for_each_other, .timeout = 120)
{
	for (uint64_t n = test_rounds(200); n > 0; n--) {
		make();
		for (int i = 0; i <= CALLERS; i++)
			ASSIGN(go_event, passed[i], GO_EVENT_INIT);
		test_start_threads(CALLERS, call_relay, NULL);
		await(&started, CALLERS);
		cr_assert_eq(go_event_set(&passed[0]), 0);
		test_join_threads();
		end();
	}
}

/* ---- time ---- */

static void *wait_for_start(void *arg)
{
	atomic_fetch_add(&started, 1);
	MUST(go_event_wait((go_event *)arg) == 0);
	return NULL;
}

static void *host(void *event)
{
	void *result;

	MUST(go_runtime_block_on(shared, wait_for_start, event, &result) == 0);
	return result;
}

static void check_thread(pthread_t thread)
{
	void *result;

	cr_assert_eq(pthread_join(thread, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

static void *sleep_a_little(void *arg)
{
	MUST(go_sleep(5 * GO_MILLISECOND) == 0);
	return arg;
}

Test(seat, one_who_waits_is_deaf_to_deadlines, .timeout = 60)
{
	go_event go_on = GO_EVENT_INIT;
	pthread_t thread;
	void *result;

	make();
	cr_assert_eq(pthread_create(&thread, NULL, host, &go_on), 0);
	await(&started, 1);
	{
		GO_TIMEOUT(1);

		cr_assert_eq(go_runtime_block_on(shared, sleep_a_little, NULL,
						 &result),
			     0);
		cr_assert_null(result);
	}
	cr_assert_eq(go_event_set(&go_on), 0);
	check_thread(thread);
	end();
}

/* ---- shutdown while another one sits ---- */

static void *stay_cancelled(void *arg)
{
	go_shield shield;

	(void)arg;
	atomic_fetch_add(&started, 1);
	MUST(go_sleep(GO_NEVER) == -ECANCELED);
	MUST(go_shield_begin(&shield) == 0);
	MUST(go_event_wait((go_event *)arg) == 0);
	go_shield_end(&shield);
	return NULL;
}

static void *host_stayer(void *event)
{
	void *result;

	MUST(go_runtime_block_on(shared, stay_cancelled, event, &result) == 0);
	return result;
}

Test(seat, shutdown_waits_and_comes_back_in_time, .timeout = 60)
{
	go_event go_on = GO_EVENT_INIT;
	pthread_t thread, other;

	make();
	cr_assert_eq(pthread_create(&thread, NULL, host_stayer, &go_on), 0);
	await(&started, 1);
	cr_assert_eq(pthread_create(&other, NULL, host_stayer, &go_on), 0);
	await(&started, 2);
	cr_assert_eq(go_runtime_shutdown(shared, 0), 2);
	cr_assert_eq(go_runtime_shutdown(shared, 2 * GO_MILLISECOND), 2);
	cr_assert_eq(go_runtime_destroy(shared), -EBUSY);
	cr_assert_eq(go_runtime_block_on(shared, echo, NULL, NULL), -ESHUTDOWN);
	cr_assert_eq(go_event_set(&go_on), 0);
	end();
	check_thread(thread);
	check_thread(other);
}

static void *call_until_shut(void *unused)
{
	int r;

	do
		r = go_runtime_block_on(shared, run_a_while, NULL, NULL);
	while (r == 0);
	MUST(r == -ESHUTDOWN);
	atomic_fetch_add(&refused, 1);
	return unused;
}

static void *wait_for_cancel(void *unused)
{
	atomic_fetch_add(&started, 1);
	MUST(go_sleep(GO_NEVER) == -ECANCELED);
	return unused;
}

static void *call_and_be_cancelled(void *unused)
{
	void *result = NULL;
	int r = go_runtime_block_on(shared, wait_for_cancel, unused, &result);

	MUST(r == 0 || r == -ESHUTDOWN);
	return result;
}

/*
 * Callers leave while the runtime is freed: the last one has been woken by the
 * end of its task, and is not out yet.  (Without the count of visitors
 * AddressSanitizer says so.)
 */
Test(seat, is_not_freed_under_a_caller, .timeout = 120)
{
	for (uint64_t n = test_rounds(300); n > 0; n--) {
		pthread_t thread[3];

		make();
		for (int i = 0; i < 3; i++)
			cr_assert_eq(pthread_create(&thread[i], NULL,
						    i ? call_and_be_cancelled
						      : call_until_shut,
						    NULL),
				     0);
		/* All are inside: one that comes later finds no runtime. */
		await(&ran, 1);
		await(&started, 2);
		cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
		await(&refused, 1);
		cr_assert_eq(go_runtime_destroy(shared), 0);
		for (int i = 0; i < 3; i++)
			check_thread(thread[i]);
	}
}

static void *end_the_turn(void *unused)
{
	atomic_fetch_add(&started, 1);
	while (atomic_load(&ran) == 0)
		;
	return unused;
}

static void *take_a_turn(void *unused)
{
	MUST(go_runtime_turn(shared, 1, 0) == 1);
	return unused;
}

/* The same for one who has left the seat, and not yet the turn. */
Test(seat, is_not_freed_under_a_turn, .timeout = 120)
{
	for (uint64_t n = test_rounds(1000); n > 0; n--) {
		pthread_t thread;
		int r;

		make();
		cr_assert_eq(go_runtime_spawn(shared, end_the_turn, NULL), 0);
		cr_assert_eq(pthread_create(&thread, NULL, take_a_turn, NULL),
			     0);
		await(&started, 1);
		atomic_store(&ran, 1);
		while ((r = go_runtime_shutdown(shared, GO_NEVER)) == -EBUSY)
			;
		cr_assert_eq(r, 0);
		cr_assert_eq(go_runtime_destroy(shared), 0);
		check_thread(thread);
	}
}

/* ---- from the runtime's own pool ---- */

static void *call_back(void *arg)
{
	void *result;

	MUST(go_runtime_current() == shared);
	MUST(go_runtime_block_on(shared, run_a_while, arg, &result) == 0);
	MUST(result == arg);
	MUST(go_runtime_shutdown(shared, 0) == -EDEADLK);
	return NULL;
}

static void *go_there_and_back(void *unused)
{
	go_task t[4];
	void *result;

	(void)unused;
	MUST(go_blocking(call_back, &t, &result) == 0);
	MUST(!result);
	for (int i = 0; i < 4; i++)
		MUST(go_blocking_task(&t[i], call_back, &t) == 0);
	for (int i = 0; i < 4; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		if (result)
			return result;
	}
	return NULL;
}

Test(seat, blocking_calls_come_back, .timeout = 60)
{
	void *result;

	for (uint64_t n = test_rounds(50); n > 0; n--) {
		make();
		cr_assert_eq(go_runtime_block_on(shared, go_there_and_back,
						 NULL, &result),
			     0);
		cr_assert_null(result, "%s", (const char *)result);
		end();
	}
}

static void *call_back_later(void *arg)
{
	void *result;

	atomic_fetch_add(&started, 1);
	MUST(go_runtime_block_on(shared, sleep_a_little, NULL, &result) == 0);
	MUST(!result);
	atomic_fetch_add(&ran, 1);
	return arg;
}

static void *leave_a_job(void *unused)
{
	for (int i = 0; i < 3; i++)
		MUST(go_blocking_spawn(call_back_later, NULL) == 0);
	while (atomic_load(&started) < 3)
		(void)go_yield();
	return unused;
}

/* The main task is over: one of the jobs runs the tasks of the others. */
Test(seat, a_blocking_call_takes_over, .timeout = 60)
{
	void *result;

	for (uint64_t n = test_rounds(50); n > 0; n--) {
		make();
		cr_assert_eq(
			go_runtime_block_on(shared, leave_a_job, NULL, &result),
			0);
		cr_assert_null(result, "%s", (const char *)result);
		await(&ran, 3);
		end();
	}
}

#ifdef GO_TEST_HOOKS
/* ---- without memory ---- */

/* Whether it sits or not: nothing has happened, and nothing is kept. */
Test(seat, without_memory_nothing_is_taken, .timeout = 60)
{
	go_event go_on = GO_EVENT_INIT;
	pthread_t thread;
	void *result;
	int n = 1, r;

	make();
	do {
		test_fail_nth(GO__SYS_mmap, (unsigned)n++);
		r = go_runtime_block_on(shared, echo, NULL, &result);
		cr_assert(r == 0 || r == -ENOMEM);
	} while (test_fail_stop() && n < 20);
	cr_assert_eq(pthread_create(&thread, NULL, host, &go_on), 0);
	await(&started, 1);
	cr_assert_eq(go_runtime_block_on(shared, echo, NULL, &result), 0);
	cr_assert_eq(go_event_set(&go_on), 0);
	check_thread(thread);
	end();
}
#endif
