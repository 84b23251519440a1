/* SPDX-License-Identifier: MIT */
/*
 * Signals at any moment, asked for or not, to threads that switch as much as
 * they can: no walk over a stack goes astray, and each comes to an end.
 *
 * In the build with hooks each signal walks the stack that it has interrupted,
 * wherever that is: in a switch, in the scheduler, in the C library.
 */
#include <gofer.h>
#include <gofer/fiber.h>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "backtrace.h"
#include "support.h"

#ifdef GO_TEST_HOOKS
#include "sched/backtrace.h"
#endif

enum {
	THREADS_MOST = 256,
	SITES = 128, /* As many as are reported in one runtime. */
};

/* The threads of the runtime that are alive. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread[THREADS_MOST];
static unsigned threads;

static void thread_begins(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	if (threads < THREADS_MOST)
		thread[threads++] = pthread_self();
	pthread_mutex_unlock(&lock);
}

static void thread_ends(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < threads; i++)
		if (pthread_equal(thread[i], pthread_self()))
			thread[i] = thread[--threads];
	pthread_mutex_unlock(&lock);
}

static ATOMIC(bool) calm;
static ATOMIC(unsigned) sent;

/* A plain thread sends signals to those of the runtime, and to the process. */
static void *storm(void *unused)
{
	uint32_t seed = 1;

	while (!atomic_load(&calm)) {
		seed = seed * 1664525 + 1013904223;
		pthread_mutex_lock(&lock);
		if (threads != 0)
			pthread_kill(thread[(seed >> 8) % threads], ASK);
		pthread_mutex_unlock(&lock);
		if (seed >> 27 == 0)
			kill(getpid(), ASK);
		if (seed >> 29 == 0)
			usleep(50);
		atomic_fetch_add(&sent, 1);
	}
	return unused;
}

static void *echo_fiber(void *unused, void *in)
{
	(void)unused;
	for (int i = 0; i < 20; i++)
		in = fiber_yield(in);
	return in;
}

static void *use_fibers(void *arg)
{
	fiber *f;

	if (fiber_create(&f, echo_fiber, NULL, NULL) < 0)
		return arg;
	while (fiber_resume(f, NULL, NULL) == 0)
		;
	fiber_destroy(f);
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *use_sections(void *arg)
{
	for (int i = 0; i < 5; i++) {
		if (go_blocking_begin() < 0)
			return arg;
		go_blocking_end();
	}
	return NULL;
}

static void *send_some(void *chan)
{
	void *message = NULL;

	for (int i = 0; i < 20; i++)
		go_chan_send((go_chan *)chan, &message);
	return NULL;
}

static const char site[SITES][2] = ALL_ZERO;

/* For some milliseconds: some of these are found, and are over when asked. */
static void *hog_briefly(void *arg)
{
	uint64_t turns = (uintptr_t)arg;

	for (volatile uint64_t i = 0; i < turns * 10000; i = i + 1)
		;
	return NULL;
}

/* All that leaves a stack, or comes to one. */
static void *switch_about(void *arg)
{
	void *message;
	go_chan *chan;
	go_group group;

	MUST(go_chan_create(&chan, sizeof(void *), 0) == 0);
	MUST(go_group_init(&group, NULL) == 0);
	MUST(go_group_spawn(&group, send_some, chan) == 0);
	for (int i = 0; i < 20; i++) {
		MUST(go_group_spawn(&group, nothing, NULL) == 0);
		MUST(go_group_spawn(&group, use_fibers, NULL) == 0);
		if (i % 4 == 0)
			MUST(go_group_spawn(&group, use_sections, NULL) == 0);
		MUST(go_chan_recv(chan, &message) == 0);
		for (int k = 0; k < 20; k++)
			go_yield();
		go_sleep(1);
	}
	MUST(go_group_wait(&group) == 0);
	go_chan_destroy(chan);
	return arg;
}

static void *in_a_storm(void *arg)
{
	pthread_t stormer;
	void *wrong = NULL;

	(void)arg;
	atomic_store(&calm, false);
	MUST(pthread_create(&stormer, NULL, storm, NULL) == 0);
	for (uint64_t i = 0; i < test_rounds(100) && !wrong; i++) {
		for (unsigned k = 0; k < 4; k++)
			MUST(go_spawn_at(hog_briefly,
					 (void *)(uintptr_t)(i % 64),
					 site[(i * 4 + k) % SITES]) == 0);
		wrong = switch_about(NULL);
	}
	while (atomic_load(&sent) < 1000)
		go_sleep(GO_MILLISECOND);
	atomic_store(&calm, true);
	MUST(pthread_join(stormer, NULL) == 0);
	return wrong;
}

static void run_in_a_storm(int flavour, unsigned workers)
{
	go_runtime_options o = asking(flavour, workers);

	o.stuck_after_ns = 1;
	o.hooks.thread_start = thread_begins;
	o.hooks.thread_stop = thread_ends;
	atomic_store(&enough, 0);
	atomic_store(&sent, 0);
	run_once(&o, in_a_storm, NULL);
}

Test(backtrace_storm, of_signals, .timeout = 120)
{
	if (!is_possible())
		return;
	run_in_a_storm(GO_MULTI_THREAD, 1);
	run_in_a_storm(GO_MULTI_THREAD, 3);
	run_in_a_storm(GO_HOME_THREAD, 2);
}

#ifdef GO_TEST_HOOKS
static ATOMIC(unsigned) walks, empty, endless;

static void note_walk(void *const *frame, unsigned n)
{
	(void)frame;
	atomic_fetch_add(&walks, 1);
	atomic_fetch_add(&empty, n == 0);
	atomic_fetch_add(&endless, n >= 4 * 32);
}

/* Each of them walks, wherever it has come: in a switch, in the scheduler. */
Test(backtrace_storm, walks_at_any_moment, .timeout = 120)
{
	if (!is_possible())
		return;
	atomic_store(&go__backtrace_hook, note_walk);
	run_in_a_storm(GO_MULTI_THREAD, 1);
	run_in_a_storm(GO_MULTI_THREAD, 3);
	run_in_a_storm(GO_HOME_THREAD, 2);
	cr_assert_gt(atomic_load(&walks), 100u);
	cr_assert_eq(atomic_load(&empty), 0u);
	cr_assert_eq(atomic_load(&endless), 0u);
}
#endif
