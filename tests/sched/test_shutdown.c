/* SPDX-License-Identifier: MIT */
/*
 * Shutdown: it comes back in time, and says what is left; from many threads,
 * and against others that submit meanwhile.
 */
#include <gofer.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "both.h"
#include "everywhere.h"
#include "support.h"
#include "test.h"

static go_runtime *shared;
static ATOMIC(int) begun, ended;

static void make(int flavour)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = 2);

	atomic_store(&begun, 0);
	atomic_store(&ended, 0);
	cr_assert_eq(go_runtime_create(&shared, &o), 0);
}

static void await(ATOMIC(int) * value, int at_least)
{
	while (atomic_load(value) < at_least)
		usleep(100);
}

static void *count_it(void *arg)
{
	atomic_fetch_add(&ended, 1);
	return arg;
}

/* For where many shutdowns are late. */
static void be_quiet(void)
{
	cr_assert_eq(setenv("GOFER_QUIET", "1", 1), 0);
}

/* ---- what is left ---- */

static go_event release;

static void *stay(void *unused)
{
	go_shield shield;

	MUST(go_shield_begin(&shield) == 0);
	MUST(go_event_wait(&release) == 0);
	go_shield_end(&shield);
	return count_it(unused);
}

/* A job: it blocks its thread. */
static void *stay_outside(void *unused)
{
	atomic_fetch_add(&begun, 1);
	(void)go_event_wait(&release);
	return count_it(unused);
}

static void *stay_in_a_call(void *unused)
{
	MUST(go_blocking(stay_outside, unused, NULL) == 0);
	return unused;
}

static void *yield_once(void *unused)
{
	(void)go_yield();
	return unused;
}

/* What has been told. */
static struct {
	int tasks, blocked, threads;
	bool named, at_site, event, call;
} told;

static void note(const go_left *left, void *arg)
{
	cr_assert_eq(left->runtime, shared);
	cr_assert_eq(arg, &told);
	cr_assert_not_null(left->state);
	told.tasks += left->task != 0;
	told.threads += (int)left->threads;
	told.blocked += left->blocked;
	told.named =
		told.named || (left->name && strcmp(left->name, "stayer") == 0);
	told.at_site = told.at_site ||
		       (left->site && strstr(left->site, "test_shutdown.c:"));
	told.event = told.event || strstr(left->state, "waiting for event 0x");
	told.call = told.call || strstr(left->state, "in blocking call 0x");
}

static int ask(void)
{
	memset(&told, 0, sizeof told);
	return go_runtime_left(shared, note, &told);
}

static void make_stayers(int flavour)
{
	MAKE(go_spawn_options, o, .name = "stayer");

	make(flavour);
	ASSIGN(go_event, release, GO_EVENT_INIT);
	o.runtime = shared;
	cr_assert_eq(go_spawn_with(&o, stay, NULL), 0);
	cr_assert_eq(go_runtime_spawn(shared, stay_in_a_call, NULL), 0);
	cr_assert_eq(go_runtime_enter(shared), 0);
	cr_assert_eq(go_blocking_spawn(stay_outside, NULL), 0);
	cr_assert_eq(go_runtime_leave(), 0);
	if (flavour == GO_CURRENT_THREAD)
		cr_assert_eq(
			go_runtime_block_on(shared, yield_once, NULL, NULL), 0);
	await(&begun, 2);
	do
		ask();
	while (!told.event);
}

static void end_stayers(void)
{
	cr_assert_eq(go_event_set(&release), 0);
	cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
	cr_assert_eq(atomic_load(&ended), 3);
	cr_assert_eq(ask(), 0);
	cr_assert_eq(go_runtime_destroy(shared), 0);
}

static void tell_what_is_left(int flavour)
{
	make_stayers(flavour);
	cr_assert_eq(go_runtime_shutdown(shared, GO_MILLISECOND), 3);
	cr_assert_eq(go_runtime_destroy(shared), -EBUSY);
	cr_assert_eq(go_runtime_shutdown(shared, 0), 3);
	cr_assert_eq(go_runtime_left(shared, NULL, NULL), 3);
	cr_assert_eq(ask(), 3);
	cr_assert_eq(go_runtime_left(shared, go_left_print, NULL), 3);
	cr_assert_eq(told.tasks, 3);
	cr_assert_eq(told.blocked, 2);
	cr_assert_eq(told.threads, 0);
	cr_assert(told.named && told.at_site && told.event && told.call);
	end_stayers();
}

Test(shutdown, tells_what_is_left, .timeout = 60)
{
	cr_assert_eq(go_runtime_left(NULL, note, NULL), -EINVAL);
	tell_what_is_left(GO_MULTI_THREAD);
	tell_what_is_left(GO_CURRENT_THREAD);
	tell_what_is_left(GO_HOME_THREAD);
}

/* Who is told may use the library, and park. */
static void use_the_library(const go_left *left, void *arg)
{
	go_chan *c;
	int n = 1;

	cr_assert(left->runtime == shared);
	cr_assert(go_runtime_left(shared, NULL, NULL) == 4);
	cr_assert(go_yield() == 0 && go_sleep(GO_MILLISECOND) == 0);
	cr_assert(go_chan_create(&c, sizeof n, 1) == 0);
	cr_assert(go_chan_send(c, &n) == 0 && go_chan_recv(c, &n) == 0);
	cr_assert(go_chan_destroy(c) == 0);
	++*(int *)arg;
}

static void *ask_and_park(void *unused)
{
	int calls = 0;

	cr_assert_eq(go_runtime_left(shared, use_the_library, &calls), 4);
	cr_assert_eq(calls, 4);
	return unused;
}

static void call_from_what_is_left(int flavour)
{
	make_stayers(flavour);
	cr_assert_eq(go_runtime_block_on(shared, ask_and_park, NULL, NULL), 0);
	end_stayers();
}

Test(shutdown, who_is_told_may_park, .timeout = 60)
{
	call_from_what_is_left(GO_MULTI_THREAD);
	call_from_what_is_left(GO_CURRENT_THREAD);
}

/* ---- in one line ---- */

static char text[4096];

/* What shutdowns with these time-outs write to standard error. */
static void read_stderr(const int64_t *timeout_ns, int n)
{
	FILE *f = tmpfile();
	int old = dup(2);
	ssize_t have;

	cr_assert(f && old >= 0);
	cr_assert_eq(dup2(fileno(f), 2), 2);
	for (int i = 0; i < n; i++)
		cr_assert_eq(go_runtime_shutdown(shared, timeout_ns[i]), 3);
	cr_assert_eq(dup2(old, 2), 2);
	close(old);
	have = pread(fileno(f), text, sizeof text - 1, 0);
	cr_assert_geq(have, 0);
	text[have] = '\0';
	fclose(f);
}

Test(shutdown, says_so_once_on_stderr, .timeout = 60)
{
	static const int64_t timeouts[] = {0, 1, GO_MILLISECOND};

	make_stayers(GO_MULTI_THREAD);
	read_stderr(timeouts, 3);
	cr_assert_eq(strstr(text,
			    "gofer: the time of a shutdown is up: 3 tasks are"
			    " left, 2 in a blocking call; one is task "),
		     text, "%s", text);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "%s", text);
	end_stayers();
}

Test(shutdown, says_nothing_if_asked_to, .timeout = 60)
{
	static const int64_t timeouts[] = {1, GO_MILLISECOND};

	be_quiet();
	make_stayers(GO_CURRENT_THREAD);
	read_stderr(timeouts, 2);
	cr_assert_str_eq(text, "");
	end_stayers();
}

/* ---- threads ---- */

static void hold_the_watchdog(const go_stuck_report *report, void *unused)
{
	(void)report;
	(void)unused;
	atomic_fetch_add(&begun, 1);
	(void)go_event_wait(&release);
}

static void *hog(void *unused)
{
	while (atomic_load(&begun) == 0)
		;
	return count_it(unused);
}

static void *spawn_behind_a_hog(void *unused)
{
	MUST(go_spawn(count_it, unused) == 0);
	return hog(unused);
}

/* The watchdog is in the program's function, and no task is left. */
Test(shutdown, leaves_a_stuck_thread_behind, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1,
	     .stuck_after_ns = GO_MILLISECOND, .on_stuck = hold_the_watchdog);

	atomic_store(&begun, 0);
	atomic_store(&ended, 0);
	ASSIGN(go_event, release, GO_EVENT_INIT);
	cr_assert_eq(go_runtime_create(&shared, &o), 0);
	cr_assert_eq(go_runtime_spawn(shared, spawn_behind_a_hog, NULL), 0);
	await(&begun, 1);
	await(&ended, 2);
	/* The others need their time, too. */
	do
		cr_assert_geq(go_runtime_shutdown(shared, GO_MILLISECOND), 1);
	while (ask() > 1 || told.threads != 1);
	cr_assert_eq(go_runtime_shutdown(shared, GO_MILLISECOND), 1);
	cr_assert_eq(go_runtime_destroy(shared), -EBUSY);
	cr_assert_eq(ask(), 1);
	cr_assert_eq(told.tasks, 0);
	cr_assert_eq(told.threads, 1);
	cr_assert_eq(go_event_set(&release), 0);
	cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(shared), 0);
}

/* ---- many at once ---- */

static void *until_cancelled(void *unused)
{
	MUST(go_sleep(GO_NEVER) == -ECANCELED);
	(void)go_yield();
	return count_it(unused);
}

static void shut_down_somehow(void *unused)
{
	static const int64_t timeouts[] = {0, 1, GO_MILLISECOND, GO_NEVER};

	(void)unused;
	while (go_runtime_shutdown(shared, timeouts[test_random(4)]) != 0)
		;
}

/*
 * The first to find that nothing is left stops the workers, and all the others
 * must hear of it.  (When they did not, half of all runs hung.)
 */
static void shut_down_from_many(int flavour)
{
	be_quiet();
	for (uint64_t i = test_rounds(100); i > 0; i--) {
		make(flavour);
		for (int n = 0; n < 10; n++)
			cr_assert_eq(
				go_runtime_spawn(shared, until_cancelled, NULL),
				0);
		test_start_threads(4, shut_down_somehow, NULL);
		shut_down_somehow(NULL);
		cr_assert_eq(atomic_load(&ended), 10);
		test_join_threads();
		cr_assert_eq(go_runtime_destroy(shared), 0);
	}
}

Test(shutdown, from_many_threads, .timeout = 120)
{
	shut_down_from_many(GO_MULTI_THREAD);
	shut_down_from_many(GO_CURRENT_THREAD);
	shut_down_from_many(GO_HOME_THREAD);
}

/* ---- against submits ---- */

static go_chan *wakes;

/* A task that other threads wake. */
static void *receive(void *unused)
{
	int n;

	while (go_chan_recv(wakes, &n) == 0)
		;
	return count_it(unused);
}

/* In one of four ways; counts what has been let in. */
static int submit_one(int kind)
{
	int n = 0, r;

	if (kind == 0)
		r = go_spawn(count_it, NULL);
	else if (kind == 1)
		r = go_blocking_spawn(count_it, NULL);
	else if (kind == 2)
		r = go_runtime_block_on(shared, count_it, NULL, NULL);
	else
		return go_chan_send(wakes, &n);
	if (r == 0)
		atomic_fetch_add(&begun, 1);
	return r;
}

static void submit(void *unused)
{
	static ATOMIC(int) next;
	int kind = atomic_fetch_add(&next, 1) % 4, r;

	(void)unused;
	cr_assert_eq(go_runtime_enter(shared), 0);
	do
		r = submit_one(kind);
	while (r == 0 || r == -ENOMEM || r == -EAGAIN);
	/* The main thread closes the channel. */
	cr_assert_eq(r, kind == 3 ? -EPIPE : -ESHUTDOWN);
	cr_assert_eq(go_runtime_leave(), 0);
}

/* In a GO_CURRENT_THREAD runtime somebody has to run the tasks. */
static void *yield_some(void *unused)
{
	for (int i = 0; i < 100; i++)
		(void)go_yield();
	return unused;
}

static void shut_down_against_submits(int flavour)
{
	static const int64_t timeouts[] = {0, 1, GO_MILLISECOND, GO_NEVER};

	be_quiet();
	for (uint64_t i = test_rounds(20); i > 0; i--) {
		make(flavour);
		cr_assert_eq(go_chan_create(&wakes, sizeof(int), 2), 0);
		for (int n = 0; n < 2; n++)
			cr_assert_eq(go_runtime_spawn(shared, receive, NULL),
				     0);
		atomic_fetch_add(&begun, 2);
		test_start_threads(4, submit, NULL);
		if (flavour == GO_CURRENT_THREAD)
			cr_assert_eq(go_runtime_block_on(shared, yield_some,
							 NULL, NULL),
				     0);
		usleep(test_random(1000));
		while (go_runtime_shutdown(shared, timeouts[test_random(4)]) !=
		       0)
			;
		cr_assert_eq(go_runtime_spawn(shared, count_it, NULL),
			     -ESHUTDOWN);
		cr_assert_eq(go_chan_close(wakes), 0);
		test_join_threads();
		cr_assert_eq(go_runtime_destroy(shared), 0);
		cr_assert_eq(go_chan_destroy(wakes), 0);
		/* A blocking task that was withdrawn has not run. */
		cr_assert_leq(atomic_load(&ended), atomic_load(&begun));
	}
}

Test(shutdown, against_submits_from_outside, .timeout = 120)
{
	shut_down_against_submits(GO_MULTI_THREAD);
	shut_down_against_submits(GO_CURRENT_THREAD);
	shut_down_against_submits(GO_HOME_THREAD);
}

/* ---- against joins ---- */

enum {
	JOINERS = 6,
};

static go_task joinable[JOINERS];

static void *spawn_joinable(void *arg)
{
	for (int i = 0; i < JOINERS; i++)
		MUST(go_task_spawn(&joinable[i], until_cancelled, NULL) == 0);
	(void)go_yield();
	return arg;
}

static void join_one(void *unused)
{
	int i = atomic_fetch_add(&begun, 1);
	void *result = &i;

	(void)unused;
	cr_assert_eq(go_task_join(joinable[i], &result), 0);
	cr_assert_null(result);
}

/* A task may be joined when its runtime is no more. */
static void shut_down_against_joins(int flavour)
{
	be_quiet();
	for (uint64_t i = test_rounds(200); i > 0; i--) {
		make(flavour);
		cr_assert_eq(
			go_runtime_block_on(shared, spawn_joinable, NULL, NULL),
			0);
		test_start_threads(JOINERS, join_one, NULL);
		if (test_random(2))
			await(&begun, 1 + (int)test_random(JOINERS));
		cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
		cr_assert_eq(go_runtime_destroy(shared), 0);
		test_join_threads();
		cr_assert_eq(atomic_load(&ended), JOINERS);
	}
}

Test(shutdown, against_joins_from_outside, .timeout = 120)
{
	shut_down_against_joins(GO_CURRENT_THREAD);
	shut_down_against_joins(GO_MULTI_THREAD);
	shut_down_against_joins(GO_HOME_THREAD);
}

/* ---- destructors ---- */

static ATOMIC(bool) may_end;
static pthread_key_t key;

static void linger(void *unused)
{
	(void)unused;
	while (!atomic_load(&may_end))
		usleep(100);
}

static void *leave_a_value(void *arg)
{
	MUST(pthread_setspecific(key, &key) == 0);
	return arg;
}

/* Those of the program's thread-local values run when the worker has gone. */
Test(shutdown, is_not_held_up_by_destructors, .timeout = 60)
{
#if GO__TSAN
	cr_skip_test("joins without a time-out: sys.c");
#endif
	be_quiet();
	atomic_store(&may_end, false);
	cr_assert_eq(pthread_key_create(&key, linger), 0);
	make(GO_MULTI_THREAD);
	cr_assert_eq(go_runtime_block_on(shared, leave_a_value, NULL, NULL), 0);
	cr_assert_gt(go_runtime_shutdown(shared, GO_MILLISECOND), 0);
	cr_assert_eq(go_runtime_destroy(shared), -EBUSY);
	atomic_store(&may_end, true);
	cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(shared), 0);
	cr_assert_eq(pthread_key_delete(key), 0);
}

/* ---- from inside, by way of another runtime ---- */

static void *shut_it_down(void *unused)
{
	(void)unused;
	return GO_INT(go_runtime_shutdown(shared, GO_MILLISECOND));
}

static void *host_another(void *inner)
{
	void *result = NULL;

	MUST(go_runtime_block_on((go_runtime *)inner, shut_it_down, NULL,
				 &result) == 0);
	return result;
}

static void *host_in_a_call(void *inner)
{
	void *result = NULL;

	MUST(go_blocking(host_another, inner, &result) == 0);
	return result;
}

Test(shutdown, is_refused_through_a_hosted_runtime, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);
	go_runtime *inner;
	void *result = NULL;

	be_quiet();
	cr_assert_eq(go_runtime_create(&inner, &o), 0);
	make(GO_MULTI_THREAD);
	cr_assert_eq(
		go_runtime_block_on(shared, host_in_a_call, inner, &result), 0);
	cr_assert_eq(GO_TO_INT(result), -EDEADLK);
	cr_assert_eq(go_runtime_shutdown(inner, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(inner), 0);
	cr_assert_eq(go_runtime_shutdown(shared, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(shared), 0);
}
