/* SPDX-License-Identifier: MIT */
/*
 * Options and the environment: each is checked, each can be overridden, what is
 * malformed is ignored, and what is in effect is printed.  Hooks are called, in
 * pairs, on the right threads.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "everywhere.h"
#include "support.h"

static void *echo(void *arg)
{
	return arg;
}

/* What creating and running a runtime writes to standard error. */
static const char *stderr_of(const go_runtime_options *o, go_fn *fn)
{
	static char text[4096];
	int pair[2], old = dup(2);
	ssize_t n;

	cr_assert_eq(pipe(pair), 0);
	cr_assert_eq(dup2(pair[1], 2), 2);
	close(pair[1]);
	cr_assert_eq(go_run_with(o, fn, NULL, NULL), 0);
	cr_assert_eq(dup2(old, 2), 2);
	close(old);
	n = read(pair[0], text, sizeof(text) - 1);
	cr_assert_geq(n, 0);
	text[n] = '\0';
	close(pair[0]);
	return text;
}

/* The line in which a runtime with these options tells what it is. */
static const char *config_of(const go_runtime_options *o)
{
	const char *text;

	cr_assert_eq(setenv("GOFER_PRINT_CONFIG", "1", 1), 0);
	text = stderr_of(o, echo);
	cr_assert_eq(unsetenv("GOFER_PRINT_CONFIG"), 0);
	cr_assert_eq(strncmp(text, "gofer: runtime 0x", 17), 0, "%s", text);
	cr_assert_eq(text[strlen(text) - 1], '\n');
	return text;
}

/* Does the line say so, as a word of its own? */
static bool says(const char *text, const char *word)
{
	const char *found = strstr(text, word);
	char end = found ? found[strlen(word)] : 'x';

	return found && found[-1] == ' ' && (end == ' ' || end == '\n');
}

Test(options, defaults_are_printed, .timeout = 60)
{
	static const char *const word[] = {
		"GOFER_FLAVOUR=multi",
		"GOFER_STACK_BYTES=196608",
		"GOFER_WORKER_STACK_BYTES=0",
		"GOFER_THREAD_NAME=gofer",
		"GOFER_FAIRNESS_INTERVAL=61",
		"GOFER_POLL_INTERVAL_NS=50000",
		"GOFER_ALLOW_UNGUARDED=0",
		"GOFER_MIGRATE=0",
		"GOFER_QUIET=0",
		"GOFER_DUMP_SIGNAL=0",
		"GOFER_DEADLOCK_AFTER_NS=1000000000",
		"GOFER_MAX_BLOCKING_THREADS=512",
		"GOFER_BLOCKING_KEEP_ALIVE_NS=10000000000",
	};
	const char *text;

	cr_assert_eq(unsetenv("GOFER_MIGRATE"), 0);
	text = config_of(NULL);
	for (unsigned i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		cr_assert(says(text, word[i]), "%s: %s", word[i], text);
	cr_assert(!says(text, "GOFER_SEED=0"), "%s", text);
	cr_assert_eq(strlen(stderr_of(NULL, echo)), 0);
}

struct override {
	const char *name, *value;
	bool taken;
};

/* More than one at a time would hide who prints what. */
static const struct override overrides[] = {
	{"GOFER_FLAVOUR", "current", true},
	{"GOFER_FLAVOUR", "home", true},
	{"GOFER_FLAVOUR", "many", false},
	{"GOFER_FLAVOUR", "", false},
	{"GOFER_WORKERS", "3", true},
	{"GOFER_WORKERS", "257", false},
	{"GOFER_WORKERS", "-1", false},
	{"GOFER_WORKERS", "3 ", false},
	{"GOFER_WORKERS", "0x3", false},
	{"GOFER_STACK_BYTES", "65536", true},
	{"GOFER_STACK_BYTES", "18446744073709551615", false},
	{"GOFER_STACK_BYTES", "18446744073709551617", false},
	{"GOFER_WORKER_STACK_BYTES", "1048576", true},
	{"GOFER_WORKER_STACK_BYTES", "1048577k", false},
	{"GOFER_THREAD_NAME", "other", true},
	{"GOFER_FAIRNESS_INTERVAL", "2", true},
	{"GOFER_FAIRNESS_INTERVAL", "4294967296", false},
	{"GOFER_POLL_INTERVAL_NS", "1000", true},
	{"GOFER_POLL_INTERVAL_NS", "1000000001", false},
	{"GOFER_ALLOW_UNGUARDED", "1", true},
	{"GOFER_ALLOW_UNGUARDED", "2", false},
	{"GOFER_MIGRATE", "1", true},
	{"GOFER_MIGRATE", "yes", false},
	{"GOFER_QUIET", "1", true},
	{"GOFER_QUIET", "01x", false},
	{"GOFER_DUMP_SIGNAL", "10", true},
	{"GOFER_DUMP_SIGNAL", "65", false},
	{"GOFER_DEADLOCK_AFTER_NS", "5", true},
	{"GOFER_DEADLOCK_AFTER_NS", "never", true},
	{"GOFER_DEADLOCK_AFTER_NS", "soon", false},
	{"GOFER_MAX_BLOCKING_THREADS", "3", true},
	{"GOFER_MAX_BLOCKING_THREADS", "4294967296", false},
	{"GOFER_BLOCKING_KEEP_ALIVE_NS", "never", true},
	{"GOFER_BLOCKING_KEEP_ALIVE_NS", "100", true},
	{"GOFER_BLOCKING_KEEP_ALIVE_NS", "-100", false},
	{"GOFER_SEED", "18446744073709551615", true},
	{"GOFER_SEED", "18446744073709551616", false},
};

Test(options, the_environment_overrides_each, .timeout = 120)
{
	for (unsigned i = 0; i < sizeof(overrides) / sizeof(overrides[0]);
	     i++) {
		const struct override *o = &overrides[i];
		const char *old = getenv(o->name), *text;
		char word[80] = "", *kept = old ? strdup(old) : NULL;

		strcat(strcat(strcat(word, o->name), "="), o->value);
		cr_assert_eq(setenv(o->name, o->value, 1), 0);
		text = config_of(NULL);
		cr_assert_eq(says(text, word), o->taken, "%s: %s", word, text);
		cr_assert_eq(
			kept ? setenv(o->name, kept, 1) : unsetenv(o->name), 0);
		free(kept);
	}
}

/* The program's own values are checked, and then printed as well. */
Test(options, the_program_decides_otherwise, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_HOME_THREAD, .workers = 2,
	     .thread_name = "mine", .fairness_interval = 7, .seed = 99,
	     .deadlock_after_ns = GO_NEVER, .migrate = true);
	const char *text;

	o.poll_interval_ns = 9;
	text = config_of(&o);
	cr_assert(says(text, "GOFER_FLAVOUR=home"), "%s", text);
	cr_assert(says(text, "GOFER_WORKERS=2") || getenv("GOFER_WORKERS"));
	cr_assert(says(text, "GOFER_THREAD_NAME=mine"), "%s", text);
	cr_assert(says(text, "GOFER_FAIRNESS_INTERVAL=7"), "%s", text);
	cr_assert(says(text, "GOFER_POLL_INTERVAL_NS=9"), "%s", text);
	cr_assert(says(text, "GOFER_SEED=99"), "%s", text);
	cr_assert(says(text, "GOFER_DEADLOCK_AFTER_NS=never"), "%s", text);
	cr_assert(says(text, "GOFER_MIGRATE=0"), "%s", text);
}

static void refused(const go_runtime_options *o)
{
	go_runtime *rt = NULL;

	cr_assert_eq(go_runtime_create(&rt, o), -EINVAL);
	cr_assert_null(rt);
}

Test(options, each_has_a_range, .timeout = 60)
{
	MAKE(go_runtime_options, flavour, .flavour = 3);
	MAKE(go_runtime_options, negative, .flavour = -1);
	MAKE(go_runtime_options, workers, .workers = 257);
	MAKE(go_runtime_options, stack, .stack_bytes = SIZE_MAX);
	MAKE(go_runtime_options, deadlock, .deadlock_after_ns = -1);
	MAKE(go_runtime_options, early, .poll_interval_ns = -1);
	MAKE(go_runtime_options, late, .poll_interval_ns = GO_SECOND + 1);
	MAKE(go_runtime_options, dump, .dump_signal = SIGSEGV);
	MAKE(go_runtime_options, none, .dump_signal = 1000);

	refused(&flavour);
	refused(&negative);
	refused(&workers);
	refused(&stack);
	refused(&deadlock);
	refused(&early);
	refused(&late);
	refused(&dump);
	refused(&none);
	for (unsigned i = 0; i < 8; i++) {
		MAKE(go_runtime_options, o, .reserved[i] = 1);
		refused(&o);
	}
}

/* ---- nested use ---- */

static void *nest(void *arg)
{
	go_runtime *own = go_runtime_current();

	for (int i = 0; i < 3; i++) {
		MUST(go_run(echo, NULL) == -EDEADLK);
		MUST(go_runtime_block_on(own, echo, NULL, NULL) == -EDEADLK);
		MUST(go_runtime_shutdown(own, GO_NEVER) == -EDEADLK);
		MUST(go_runtime_destroy(own) == -EDEADLK);
	}
	return arg;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

Test(options, refusals_are_explained_once, .timeout = 60)
{
	MAKE(go_runtime_options, o, .quiet = true);
	const char *text;

	cr_assert_eq(count_lines(stderr_of(&o, nest)), 0u);
	cr_assert_eq(setenv("GOFER_QUIET", "1", 1), 0);
	cr_assert_eq(count_lines(stderr_of(NULL, nest)), 0u);
	cr_assert_eq(unsetenv("GOFER_QUIET"), 0);
	text = stderr_of(NULL, nest);
	cr_assert_eq(count_lines(text), 4u, "%s", text);
	cr_assert(strstr(text, "gofer: go_run() by a task"), "%s", text);
	cr_assert(strstr(text, "go_runtime_block_on() by"), "%s", text);
	cr_assert(strstr(text, "go_runtime_shutdown() from"), "%s", text);
	cr_assert(strstr(text, "go_runtime_destroy() from"), "%s", text);
	cr_assert_eq(count_lines(stderr_of(NULL, nest)), 0u);
}

/* ---- hooks ---- */

enum {
	STARTS,
	STOPS,
	PARKS,
	UNPARKS,
	WRONG
};

static ATOMIC(int) calls[5];
static THREAD_LOCAL bool started, parked;

static void on_start(void *arg)
{
	atomic_fetch_add(&calls[arg == calls && !started ? STARTS : WRONG], 1);
	started = true;
}

static void on_stop(void *arg)
{
	atomic_fetch_add(
		&calls[arg == calls && started && !parked ? STOPS : WRONG], 1);
	started = false;
}

static void on_park(void *arg)
{
	atomic_fetch_add(&calls[arg == calls && !parked ? PARKS : WRONG], 1);
	parked = true;
}

static void on_unpark(void *arg)
{
	atomic_fetch_add(&calls[arg == calls && parked ? UNPARKS : WRONG], 1);
	parked = false;
}

static void *be_hooked(void *arg)
{
	/* Everybody falls asleep. */
	for (int i = 0; i < 3; i++)
		MUST(go_sleep(GO_MILLISECOND) == 0);
	return arg;
}

static void count_hooks(int flavour, unsigned workers)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = workers);
	void *result;

	o.hooks.thread_start = on_start;
	o.hooks.thread_stop = on_stop;
	o.hooks.thread_park = on_park;
	o.hooks.thread_unpark = on_unpark;
	o.hooks.arg = calls;
	for (int i = 0; i < 5; i++)
		atomic_store(&calls[i], 0);
	cr_assert_eq(go_run_with(&o, be_hooked, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&calls[STARTS]), atomic_load(&calls[STOPS]));
	cr_assert_eq(atomic_load(&calls[PARKS]), atomic_load(&calls[UNPARKS]));
	cr_assert_geq(atomic_load(&calls[PARKS]), 3);
	cr_assert_eq(atomic_load(&calls[WRONG]), 0);
	if (flavour == GO_CURRENT_THREAD)
		cr_assert_eq(atomic_load(&calls[STARTS]), 0);
	else
		cr_assert_geq(atomic_load(&calls[STARTS]), (int)workers);
}

Test(options, hooks_come_in_pairs, .timeout = 60)
{
	/* It would say which flavour and how many. */
	cr_assert_eq(unsetenv("GOFER_FLAVOUR"), 0);
	cr_assert_eq(unsetenv("GOFER_WORKERS"), 0);
	count_hooks(GO_MULTI_THREAD, 1);
	count_hooks(GO_MULTI_THREAD, 3);
	count_hooks(GO_HOME_THREAD, 3);
	count_hooks(GO_CURRENT_THREAD, 1);
}
