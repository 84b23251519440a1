/* SPDX-License-Identifier: MIT */
/*
 * Backtraces of hogs: what a report says of where its task is.
 *
 * A hog stands in functions that lie in sections of their own, so that an
 * address tells which of them it is in.  It goes on until it has been reported.
 *
 * A report may come without frames, if the hog's thread is not given the
 * processor for a tenth of a second.  Where frames are wanted, a run that
 * brought none is made once more, with a new runtime; each has to bring its
 * reports.  So no test relies on how fast anything is.
 */
#include <gofer.h>
#include <gofer/fiber.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backtrace.h"
#include "sanitizers.h"
#include "support.h"

enum {
	ATTEMPTS = 50,
};

#ifdef __clang__
#define PLACE(name) __attribute__((noinline, section(name)))
#else
#define PLACE(name) __attribute__((noinline, noclone, section(name)))
#endif

#ifdef __cplusplus
extern "C" {
#endif
extern const char __start_outer_code[] __attribute__((visibility("hidden")));
extern const char __stop_outer_code[] __attribute__((visibility("hidden")));
extern const char __start_inner_code[] __attribute__((visibility("hidden")));
extern const char __stop_inner_code[] __attribute__((visibility("hidden")));
/* Where each stack of a task begins. */
extern const char go__context_start[] __attribute__((visibility("hidden")));
#ifdef __cplusplus
}
#endif

static bool is_outer(const void *at)
{
	return (const char *)at >= __start_outer_code &&
	       (const char *)at < __stop_outer_code;
}

static bool is_inner(const void *at)
{
	return (const char *)at >= __start_inner_code &&
	       (const char *)at < __stop_inner_code;
}

/* ---- hogs ---- */

/* The first frame from number `from` on that is there; or r->count. */
static unsigned find(const struct report *r, bool (*is_there)(const void *),
		     unsigned from)
{
	while (from < r->count && !is_there(r->frame[from]))
		from++;
	return from;
}

/* ThreadSanitizer calls handlers when its thread does something that it knows,
 * as atomics are. */
static bool is_told(void)
{
	return atomic_load(&reports) >= atomic_load(&enough);
}

PLACE("inner_code") static void spin(void)
{
	while (!is_told())
		;
}

/* In the C library, in a call that a signal ends. */
PLACE("inner_code") static void block(void)
{
	struct pollfd none = {-1, 0, 0};

	while (!is_told())
		poll(&none, 1, 10);
}

static void *serve(void *arg)
{
	atomic_fetch_add(&served, 1);
	return arg;
}

/* With so many that some lie in its queue whenever the watchdog looks, though
 * others take what they can. */
PLACE("inner_code") static void feed(void)
{
	int spawned = 0;

	while (!is_told())
		if (spawned - atomic_load(&served) < 100 &&
		    go_spawn(serve, NULL) == 0)
			spawned++;
}

/* Blocked, it cannot answer. */
static void mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, ASK);
	pthread_sigmask(how, &set, NULL);
}

/* It does not wait for the report. */
static void block_it_until_served(void)
{
	mask(SIG_BLOCK);
	while (atomic_load(&served) == 0)
		;
}

/* The first of two hogs. */
PLACE("inner_code") static void spin_until_one_is_told(void)
{
	while (atomic_load(&reports) == 0)
		;
}

PLACE("outer_code") static void call(void (*fn)(void))
{
	fn();
	/* So that this is no tail call. */
	__asm__ volatile("");
}

struct what {
	void (*fn)(void);
	go_fn *body;
	int hogs;
};

/* A pinned task waits for it, if it is not on a worker that is lent. */
static void *hog(void *arg)
{
	MAKE(go_spawn_options, o, .pinned = true);

	if (go_spawn_with(&o, serve, NULL) != 0 || go_spawn(serve, NULL) != 0)
		return arg;
	call(((struct what *)arg)->fn);
	return NULL;
}

/* It is a hog when it waits for others, too: so it is masked before that. */
static void *hog_masked(void *arg)
{
	mask(SIG_BLOCK);
	arg = hog(arg);
	/* And now it is late. */
	mask(SIG_UNBLOCK);
	return arg;
}

static void *hog_ignored(void *arg)
{
	signal(ASK, SIG_DFL);
	return hog(arg);
}

static ATOMIC(int) arrivals;

/* The first to come waits in a section, the second hogs its worker meanwhile.
 * Then the first is a hog. */
static void *hog_after_a_section(void *arg)
{
	struct what first = {spin_until_one_is_told, NULL, 0};

	if (atomic_fetch_add(&arrivals, 1) % 2 != 0)
		return hog(&first);
	MUST(go_blocking_begin() == 0);
	while (atomic_load(&reports) == 0)
		usleep(1000);
	go_blocking_end();
	return hog(arg);
}

/* With one worker, the second of two is on one that is lent. */
static void *spawn_hogs(void *arg)
{
	static const char *const at[] = {"first", "second"};
	struct what *what = (struct what *)arg;
	MAKE(go_spawn_options, o, .name = "hog");
	go_task task[2];
	void *wrong;

	for (int i = 0; i < what->hogs; i++) {
		o.task = &task[i];
		MUST(go_spawn_with_at(&o, what->body, what, at[i]) == 0);
	}
	for (int i = 0; i < what->hogs; i++)
		MUST(go_task_join(task[i], &wrong) == 0 && !wrong);
	return NULL;
}

/* Until all reports have frames. */
static void run_for_frames(const go_runtime_options *o, int n, go_fn *body,
			   void (*fn)(void))
{
	struct what what = {fn, body, n};
	bool all = false;

	atomic_store(&enough, n);
	for (int i = 0; i < ATTEMPTS && !all; i++) {
		run_once(o, spawn_hogs, &what);
		cr_assert_eq(atomic_load(&reports), n);
		all = true;
		for (int k = 0; k < n; k++)
			all = all && report[k].count != 0;
	}
	cr_assert(all, "no frames");
}

/* The hog stands in `inner`, which `outer` has called, and the stack ends where
 * it has begun. */
static void check_frames(const struct report *r)
{
	unsigned inner = find(r, is_inner, 0), outer = find(r, is_outer, 0);
	const char *last = (const char *)r->frame[r->count - 1];

	cr_assert_lt(r->count, FRAMES_MOST);
	cr_assert_lt(inner, r->count);
	cr_assert_eq(outer, inner + 1);
	cr_assert(last >= go__context_start && last < go__context_start + 64);
}

static void frames_of(int flavour, unsigned workers, int n, go_fn *body,
		      void (*fn)(void))
{
	go_runtime_options o = asking(flavour, workers);

	run_for_frames(&o, n, body, fn);
	for (int i = 0; i < n; i++)
		check_frames(&report[i]);
}

Test(backtrace, of_a_loop, .timeout = 60)
{
	if (!is_possible())
		return;
	frames_of(GO_MULTI_THREAD, 1, 1, hog, spin);
	/* ThreadSanitizer calls the handler: it is on the stack itself. */
	cr_assert(UNDER_TSAN || find(&report[0], is_inner, 0) <= 1);
}

Test(backtrace, in_the_c_library, .timeout = 60)
{
	if (!is_possible())
		return;
	frames_of(GO_MULTI_THREAD, 1, 1, hog, block);
	cr_assert_gt(find(&report[0], is_inner, 0), 0);
}

Test(backtrace, of_one_that_stays_at_home, .timeout = 60)
{
	if (!is_possible())
		return;
	frames_of(GO_HOME_THREAD, 1, 1, hog, spin);
	frames_of(GO_HOME_THREAD, 2, 1, hog, feed);
}

/* A task of a runtime whose tasks run on the hog, which shuts it down. */
static void *spin_inside(void *arg)
{
	call(spin);
	return arg;
}

static void *host_another(void *arg)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);
	MAKE(go_spawn_options, pinned, .pinned = true);
	go_runtime *rt;

	MUST(go_spawn_with(&pinned, serve, NULL) == 0);
	MUST(go_runtime_create(&rt, &o) == 0);
	MUST(go_runtime_spawn(rt, spin_inside, NULL) == 0);
	MUST(go_runtime_shutdown(rt, GO_NEVER) == 0);
	MUST(go_runtime_destroy(rt) == 0);
	(void)arg;
	return NULL;
}

Test(backtrace, of_one_that_hosts_a_runtime, .timeout = 60)
{
	if (!is_possible())
		return;
	frames_of(GO_MULTI_THREAD, 1, 1, host_another, spin);
}

Test(backtrace, of_two_on_lent_workers_and_others, .timeout = 60)
{
	if (!is_possible())
		return;
	frames_of(GO_MULTI_THREAD, 1, 2, hog, feed);
	frames_of(GO_MULTI_THREAD, 3, 2, hog, feed);
}

/* A section gives the worker another thread, and its task, too. */
Test(backtrace, of_one_that_has_been_in_a_section, .timeout = 60)
{
	if (!is_possible())
		return;
	frames_of(GO_MULTI_THREAD, 1, 2, hog_after_a_section, feed);
	frames_of(GO_HOME_THREAD, 1, 2, hog_after_a_section, feed);
}

/* In the environment, and with a report that the library prints. */
Test(backtrace, asked_for_in_the_environment, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1, .on_stuck = on_stuck);
	struct what what = {spin, hog, 1};
	char number[16];

	if (!is_possible())
		return;
	snprintf(number, sizeof(number), "%d", ASK);
	cr_assert_eq(setenv("GOFER_BACKTRACE_SIGNAL", number, 1), 0);
	run_for_frames(&o, 1, hog, spin);
	check_frames(&report[0]);
	/* Both on one signal: the dump has it. */
	cr_assert_eq(setenv("GOFER_DUMP_SIGNAL", number, 1), 0);
	atomic_store(&enough, 1);
	run_once(&o, spawn_hogs, &what);
	cr_assert_eq(report[0].count, 0u);
}

/* ---- no frames ---- */

Test(backtrace, not_unless_asked_for, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1, .on_stuck = on_stuck);
	struct what what = {spin, hog, 1};

	atomic_store(&enough, 1);
	run_once(&o, spawn_hogs, &what);
	cr_assert_eq(atomic_load(&reports), 1);
	cr_assert_eq(report[0].count, 0u);
	/* Without threads nobody asks. */
	o.flavour = GO_CURRENT_THREAD;
	o.backtrace_signal = ASK;
	atomic_store(&enough, 0);
	if (is_possible())
		run_once(&o, spawn_hogs, &what);
}

Test(backtrace, of_one_that_does_not_answer, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);
	struct what what = {spin, hog_masked, 1};

	if (!is_possible())
		return;
	atomic_store(&enough, 1);
	for (int i = 0; i < 3; i++) {
		run_once(&o, spawn_hogs, &what);
		cr_assert_eq(atomic_load(&reports), 1);
		cr_assert_eq(report[0].count, 0u);
	}
}

/* The shutdown begins while the watchdog waits for an answer. */
Test(backtrace, shutdown_meanwhile, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);
	struct what what = {block_it_until_served, hog, 1};

	if (!is_possible())
		return;
	for (int i = 0; i < 5; i++) {
		run_once(&o, spawn_hogs, &what);
		cr_assert_leq(atomic_load(&reports), 1);
	}
}

/* Somebody takes the signal away: it would end the process.  The next runtime
 * has it again. */
Test(backtrace, of_one_that_has_no_handler, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);
	struct what what = {spin, hog_ignored, 1};

	if (!is_possible())
		return;
	for (int i = 0; i < 3; i++) {
		atomic_store(&enough, 1);
		run_once(&o, spawn_hogs, &what);
		cr_assert_eq(atomic_load(&reports), 1);
		cr_assert_eq(report[0].count, 0u);
		frames_of(GO_MULTI_THREAD, 1, 1, hog, spin);
	}
}

#ifdef GO_TEST_HOOKS
static ATOMIC(int) sends;

static int fail_sends(enum go__sys_call call)
{
	if (call != GO__SYS_thread_kill)
		return 0;
	atomic_fetch_add(&sends, 1);
	return -EAGAIN;
}

/* Where the signal cannot be sent. */
Test(backtrace, no_signal_is_sent, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);
	struct what what = {spin, hog, 1};

	if (!is_possible())
		return;
	atomic_store(&enough, 1);
	go__sys_hook = fail_sends;
	run_once(&o, spawn_hogs, &what);
	(void)test_fail_stop();
	cr_assert_gt(atomic_load(&sends), 0);
	cr_assert_eq(report[0].count, 0u);
}
#endif

/* ---- other signals, other processes ---- */

static ATOMIC(int) former_calls;

static void former(int sig)
{
	atomic_fetch_add(&former_calls, sig == ASK);
}

static void *raise_often(void *arg)
{
	for (int i = 0; i < 10; i++)
		MUST(raise(ASK) == 0);
	return arg;
}

/* What nobody has asked for is the former handler's. */
Test(backtrace, the_former_handler_is_called, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 2);
	struct sigaction action = ALL_ZERO;

	if (!is_possible())
		return;
	action.sa_handler = former;
	cr_assert_eq(sigaction(ASK, &action, NULL), 0);
	run_once(&o, raise_often, NULL);
	run_once(&o, raise_often, NULL);
	cr_assert_eq(atomic_load(&former_calls), 20);
	cr_assert_eq(raise(ASK), 0);
	cr_assert_eq(atomic_load(&former_calls), 21);
	run_for_frames(&o, 2, hog, feed);
}

/* Whose former handler is ours, which calls it when nobody has asked. */
Test(backtrace, a_former_handler_that_passes_it_on, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 2);
	go_signals *signals;
	sigset_t set;

	if (!is_possible())
		return;
	sigemptyset(&set);
	sigaddset(&set, ASK);
	cr_assert_eq(go_signals_create(&signals, &set), 0);
	run_once(&o, raise_often, NULL);
	cr_assert_eq(go_signals_destroy(signals), 0);
	cr_assert_eq(go_signals_create(&signals, &set), 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(raise(ASK), 0);
	/* It finds the subscriber's in the place of ours. */
	run_once(&o, raise_often, NULL);
	cr_assert_eq(raise(ASK), 0);
	cr_assert_eq(go_signals_destroy(signals), 0);
	cr_assert_eq(raise(ASK), 0);
}

Test(backtrace, or_nobody, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 2);

	if (!is_possible())
		return;
	run_once(&o, raise_often, NULL);
	cr_assert_eq(raise(ASK), 0);
}

static void *fork_and_raise(void *arg)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		raise(ASK);
		_exit(7);
	}
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	return arg;
}

/* A child has the handler, and nobody who asks. */
Test(backtrace, in_a_child, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);

	if (!is_possible())
		return;
	for (int i = 0; i < 3; i++)
		run_once(&o, fork_and_raise, NULL);
}

/* ---- text ---- */

/* As many lines as there are frames, after that of the report. */
Test(backtrace, is_printed)
{
	void *frame[2] = {(void *)(uintptr_t)check_frames,
			  (void *)(uintptr_t)find};
	MAKE(go_stuck_report, r, .task = 7, .frame_count = 2);
	char text[4096] = {0}, *at = text;
	int ends[2], saved = dup(2), lines = 0;

	r.frames = frame;
	cr_assert_eq(pipe(ends), 0);
	cr_assert_geq(dup2(ends[1], 2), 0);
	go_stuck_print(&r, NULL);
	cr_assert_geq(dup2(saved, 2), 0);
	close(ends[1]);
	while (read(ends[0], at, 1) == 1)
		lines += *at++ == '\n';
	close(ends[0]);
	close(saved);
	cr_assert_eq(lines, 3, "%s", text);
	cr_assert_eq(strncmp(text, "gofer: task 7 has kept", 22), 0, "%s",
		     text);
	cr_assert_not_null(strstr(strchr(text, '\n'), "0x"), "%s", text);
}
