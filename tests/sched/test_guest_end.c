/* SPDX-License-Identifier: MIT */
/*
 * A guest that has been told to shut down, and takes its turns: when all is
 * over its loop hears of it, and can sleep then.  It does not spin.
 */
#include <gofer.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "both.h"
#include "test.h"

static ATOMIC(bool) begun, may_end, over;

/* Its end comes from a turn. */
static void *until_cancelled(void *arg)
{
	int r;

	atomic_store(&begun, true);
	r = go_sleep(GO_NEVER);
	GO_SHIELD();
	(void)go_sleep(GO_MILLISECOND);
	atomic_store(&over, r == -ECANCELED);
	return arg;
}

static void *job(void *arg)
{
	atomic_store(&begun, true);
	while (!atomic_load(&may_end))
		usleep(1000);
	atomic_store(&over, true);
	return arg;
}

/* Its end comes from another thread. */
static void *start_job(void *arg)
{
	(void)go_blocking_spawn(job, NULL);
	while (!atomic_load(&begun))
		usleep(1000);
	return arg;
}

static bool readable(go_runtime *rt, int timeout_ms)
{
	struct pollfd p;

	p.fd = go_runtime_fd(rt);
	p.events = POLLIN;
	p.revents = 0;
	cr_assert_geq(p.fd, 0);
	return poll(&p, 1, timeout_ms) > 0;
}

static void closes(go_fn *first)
{
	MAKE(go_runtime_options, options, .flavour = GO_CURRENT_THREAD);
	go_runtime *rt = NULL;

	atomic_store(&begun, false);
	atomic_store(&may_end, false);
	atomic_store(&over, false);
	cr_assert_eq(go_runtime_create(&rt, &options), 0);
	cr_assert_eq(go_runtime_spawn(rt, first, NULL), 0);
	while (!atomic_load(&begun))
		cr_assert_geq(go_runtime_turn(rt, 0, 0), 0);
	cr_assert_eq(go_runtime_shutdown(rt, 0), 1);
	atomic_store(&may_end, true);
	while (!atomic_load(&over)) {
		(void)readable(rt, go_runtime_timeout_ms(rt));
		cr_assert_geq(go_runtime_turn(rt, 0, 0), 0);
	}
	for (int turns = 0; readable(rt, 50); turns++) {
		cr_assert_lt(turns, 100);
		cr_assert_geq(go_runtime_turn(rt, 0, 0), 0);
	}
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

Test(guest_end, of_a_task, .timeout = 60)
{
	closes(until_cancelled);
}

Test(guest_end, of_a_job, .timeout = 60)
{
	closes(start_job);
}

/* ---- asking meanwhile ---- */

static ATOMIC(int) stage;

static void *hold_the_turn(void *unused)
{
	atomic_store(&stage, 1);
	while (atomic_load(&stage) == 1)
		usleep(100);
	(void)go_sleep(GO_MILLISECOND);
	atomic_store(&over, true);
	return unused;
}

static void *turn_once(void *rt)
{
	cr_assert_geq(go_runtime_turn((go_runtime *)rt, 0, 0), 1);
	return NULL;
}

/* A loop that asks while another thread gives the turn hears of its timers. */
Test(guest_end, asked_during_a_turn, .timeout = 60)
{
	MAKE(go_runtime_options, options, .flavour = GO_CURRENT_THREAD);
	go_runtime *rt = NULL;
	pthread_t thread;

	atomic_store(&stage, 0);
	atomic_store(&over, false);
	cr_assert_eq(go_runtime_create(&rt, &options), 0);
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 0);
	cr_assert_eq(go_runtime_spawn(rt, hold_the_turn, NULL), 0);
	cr_assert_eq(pthread_create(&thread, NULL, turn_once, rt), 0);
	while (atomic_load(&stage) == 0)
		usleep(100);
	cr_assert_eq(go_runtime_next_deadline_ns(rt), GO_NEVER);
	atomic_store(&stage, 2);
	cr_assert(readable(rt, 20000));
	pthread_join(thread, NULL);
	while (!atomic_load(&over)) {
		(void)readable(rt, go_runtime_timeout_ms(rt));
		cr_assert_geq(go_runtime_turn(rt, 0, 0), 0);
	}
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}
