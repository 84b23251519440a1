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
#include <time.h>
#include <unistd.h>

#include <gofer.h>

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
		"GOFER_STUCK_AFTER_NS=10000000",
		"GOFER_STUCK_REPORT=0",
		"GOFER_BACKTRACE_SIGNAL=0",
	};
	const char *text;

	cr_assert_eq(unsetenv("GOFER_MIGRATE"), 0);
	text = config_of(NULL);
	for (unsigned i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		cr_assert(says(text, word[i]), "%s: %s", word[i], text);
	cr_assert(!says(text, "GOFER_SEED=0"), "%s", text);
	cr_assert_eq(strlen(stderr_of(NULL, echo)), 0);
}

#ifdef GO_NO_UNWIND
#define CAN_UNWIND false
#else
#define CAN_UNWIND true
#endif

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
	{"GOFER_WORKER_STACK_BYTES", "1073741825", false},
	{"GOFER_THREAD_NAME", "other", true},
	{"GOFER_FAIRNESS_INTERVAL", "2", true},
	{"GOFER_FAIRNESS_INTERVAL", "4294967296", false},
	{"GOFER_POLL_INTERVAL_NS", "1000", true},
	{"GOFER_POLL_INTERVAL_NS", "1000000001", false},
	{"GOFER_POLLERS", "1", true},
	{"GOFER_POLLERS", "17", false},
	{"GOFER_ALLOW_UNGUARDED", "1", true},
	{"GOFER_ALLOW_UNGUARDED", "2", false},
	{"GOFER_MIGRATE", "1", true},
	{"GOFER_MIGRATE", "yes", false},
	{"GOFER_QUIET", "1", true},
	{"GOFER_QUIET", "01x", false},
	{"GOFER_DUMP_SIGNAL", "10", true},
	{"GOFER_DUMP_SIGNAL", "65", false},
	{"GOFER_DUMP_SIGNAL", "9", false},
	{"GOFER_DUMP_SIGNAL", "11", false},
	{"GOFER_DUMP_SIGNAL", "4294967296", false},
	{"GOFER_DEADLOCK_AFTER_NS", "1000000", true},
	{"GOFER_DEADLOCK_AFTER_NS", "999999", false},
	{"GOFER_DEADLOCK_AFTER_NS", "never", true},
	{"GOFER_DEADLOCK_AFTER_NS", "soon", false},
	{"GOFER_DEADLOCK_AFTER_NS", "0", false},
	{"GOFER_MAX_BLOCKING_THREADS", "3", true},
	{"GOFER_MAX_BLOCKING_THREADS", "4294967296", false},
	{"GOFER_BLOCKING_KEEP_ALIVE_NS", "never", true},
	{"GOFER_BLOCKING_KEEP_ALIVE_NS", "100", true},
	{"GOFER_BLOCKING_KEEP_ALIVE_NS", "-100", false},
	{"GOFER_STUCK_AFTER_NS", "20000000", true},
	{"GOFER_STUCK_AFTER_NS", "never", true},
	{"GOFER_STUCK_AFTER_NS", "0", false},
	{"GOFER_STUCK_AFTER_NS", "9223372036854775808", false},
	{"GOFER_STUCK_REPORT", "1", true},
	{"GOFER_STUCK_REPORT", "2", false},
	{"GOFER_BACKTRACE_SIGNAL", "12", CAN_UNWIND},
	{"GOFER_BACKTRACE_SIGNAL", "13", false},
	{"GOFER_BACKTRACE_SIGNAL", "11", false},
	{"GOFER_BACKTRACE_SIGNAL", "65", false},
	{"GOFER_BACKTRACE_SIGNAL", "4294967308", false},
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
	MAKE(go_runtime_options, o, .flavour = GO_MULTI_THREAD, .workers = 2,
	     .thread_name = "mine", .fairness_interval = 7, .seed = 99,
	     .deadlock_after_ns = GO_NEVER, .migrate = true);
	const char *text;

	o.poll_interval_ns = 9;
	text = config_of(&o);
	cr_assert(says(text, "GOFER_FLAVOUR=multi"), "%s", text);
	cr_assert(says(text, "GOFER_WORKERS=2") || getenv("GOFER_WORKERS"));
	cr_assert(says(text, "GOFER_THREAD_NAME=mine"), "%s", text);
	cr_assert(says(text, "GOFER_FAIRNESS_INTERVAL=7"), "%s", text);
	cr_assert(says(text, "GOFER_POLL_INTERVAL_NS=9"), "%s", text);
	cr_assert(says(text, "GOFER_SEED=99"), "%s", text);
	cr_assert(says(text, "GOFER_DEADLOCK_AFTER_NS=never"), "%s", text);
	cr_assert(says(text, "GOFER_MIGRATE=1"), "%s", text);
}

/* What cannot be meant in the environment must not keep a program from it. */
Test(options, odd_values_are_made_to_fit, .timeout = 60)
{
	const char *text;

	cr_assert_eq(setenv("GOFER_WORKER_STACK_BYTES", "1", 1), 0);
	cr_assert_eq(setenv("GOFER_THREAD_NAME", "a name of many words", 1), 0);
	text = config_of(NULL);
	cr_assert(says(text, "GOFER_WORKER_STACK_BYTES=131072"), "%s", text);
	cr_assert(says(text, "GOFER_THREAD_NAME=a_name_of_many_"), "%s", text);
}

/* What follows "gofer: runtime 0x...:" in a line. */
static const char *settings_in(const char *line)
{
	return strchr(strchr(line, ':') + 1, ':') + 1;
}

/* What was printed may be put into the environment, and says the same. */
Test(options, what_is_printed_can_be_read_back, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 3, .stack_bytes = 30000,
	     .thread_name = "mine", .stuck_after_ns = GO_NEVER);
	static char words[4096], first[4096];
	char *word, *rest = NULL;

	strcpy(first, settings_in(config_of(&o)));
	strcpy(words, first);
	for (word = strtok_r(words, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest))
		cr_assert_eq(putenv(word), 0);
	cr_assert_eq(strcmp(settings_in(config_of(NULL)), first), 0, "%s",
		     first);
}

Test(options, home_does_not_migrate, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_HOME_THREAD, .migrate = true);
	const char *text = config_of(&o);

	cr_assert(says(text, "GOFER_FLAVOUR=home"), "%s", text);
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
	MAKE(go_runtime_options, hog, .stuck_after_ns = -1);
	MAKE(go_runtime_options, early, .poll_interval_ns = -1);
	MAKE(go_runtime_options, late, .poll_interval_ns = GO_SECOND + 1);
	MAKE(go_runtime_options, dump, .dump_signal = SIGSEGV);
	MAKE(go_runtime_options, kill, .dump_signal = SIGKILL);
	MAKE(go_runtime_options, none, .dump_signal = 1000);
	MAKE(go_runtime_options, fault, .backtrace_signal = SIGILL);
	MAKE(go_runtime_options, blocked, .backtrace_signal = SIGPIPE);
	MAKE(go_runtime_options, below, .backtrace_signal = -1);
	MAKE(go_runtime_options, above, .backtrace_signal = 1000);
	MAKE(go_runtime_options, both, .dump_signal = SIGUSR1,
	     .backtrace_signal = SIGUSR1);

	refused(&flavour);
	refused(&negative);
	refused(&workers);
	refused(&stack);
	refused(&deadlock);
	refused(&hog);
	refused(&early);
	refused(&late);
	refused(&dump);
	refused(&kill);
	refused(&none);
	refused(&fault);
	refused(&blocked);
	refused(&below);
	refused(&above);
	refused(&both);
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

static void hook_all(go_runtime_options *o)
{
	o->hooks.thread_start = on_start;
	o->hooks.thread_stop = on_stop;
	o->hooks.thread_park = on_park;
	o->hooks.thread_unpark = on_unpark;
	o->hooks.arg = calls;
	for (int i = 0; i < 5; i++)
		atomic_store(&calls[i], 0);
}

static void check_pairs(void)
{
	cr_assert_eq(atomic_load(&calls[STARTS]), atomic_load(&calls[STOPS]));
	cr_assert_eq(atomic_load(&calls[PARKS]), atomic_load(&calls[UNPARKS]));
	cr_assert_eq(atomic_load(&calls[WRONG]), 0);
}

static void *be_hooked(void *arg)
{
	/* Everybody falls asleep, unless the time is up before. */
	while (atomic_load(&calls[PARKS]) < 3)
		MUST(go_sleep(GO_MILLISECOND) == 0);
	return arg;
}

static void count_hooks(int flavour, unsigned workers)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = workers);
	void *result;

	hook_all(&o);
	cr_assert_eq(go_run_with(&o, be_hooked, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	check_pairs();
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
	count_hooks(GO_CURRENT_THREAD, 1);
}

/* ---- and what the pool's threads do ---- */

static void *block(void *arg)
{
	go_runtime *own = go_runtime_current();

	MUST(started);
	MUST(go_runtime_shutdown(own, GO_NEVER) == -EDEADLK);
	MUST(go_runtime_destroy(own) == -EDEADLK);
	return arg;
}

static void *have_it_blocked(void *arg)
{
	void *result;

	MUST(go_blocking(block, NULL, &result) == 0);
	MUST(!result);
	return arg;
}

static ATOMIC(int) to_spawn, from_hook;

static void *comes_from_a_hook(void *arg)
{
	atomic_fetch_add(&from_hook, 1);
	return arg;
}

static void spawn_in_hook(void *unused)
{
	(void)unused;
	if (atomic_exchange(&to_spawn, 0))
		cr_assert_eq(go_spawn(comes_from_a_hook, NULL), 0);
}

static void *nothing(void *arg)
{
	return arg;
}

/* What a worker makes runnable on its way to sleep runs, and no later. */
static void spawn_from_hook(unsigned workers)
{
	MAKE(go_runtime_options, o, .workers = workers);
	go_runtime *rt;

	o.hooks.thread_park = spawn_in_hook;
	atomic_store(&from_hook, 0);
	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	atomic_store(&to_spawn, 1);
	cr_assert_eq(go_runtime_block_on(rt, nothing, NULL, NULL), 0);
	while (atomic_load(&from_hook) == 0)
		usleep(1000);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

Test(options, a_hook_may_spawn, .timeout = 30)
{
	spawn_from_hook(1);
	spawn_from_hook(3);
}

/* Such a thread is refused the same, and hooked; it may expire before. */
Test(options, hooks_of_blocking_threads, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD, .quiet = true,
	     .blocking_keep_alive_ns = 1);
	void *result;

	hook_all(&o);
	cr_assert_eq(unsetenv("GOFER_FLAVOUR"), 0);
	cr_assert_eq(go_run_with(&o, have_it_blocked, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&calls[STARTS]), 1);
	check_pairs();
}

#ifdef GO_TEST_HOOKS
/* The n-th thread cannot be made: what has been started is stopped. */
Test(options, hooks_where_threads_cannot_be_made, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 3);
	go_runtime *rt;
	unsigned n = 1;

	cr_assert_eq(unsetenv("GOFER_FLAVOUR"), 0);
	cr_assert_eq(unsetenv("GOFER_WORKERS"), 0);
	for (;; n++) {
		hook_all(&o);
		test_fail_nth_with(GO__SYS_thread_create, n, -EAGAIN);
		if (go_runtime_create(&rt, &o) == 0)
			break;
		cr_assert(test_fail_stop());
		check_pairs();
		cr_assert_leq(atomic_load(&calls[STARTS]), (int)n);
	}
	cr_assert(!test_fail_stop());
	/* The watchdog's and three workers'. */
	cr_assert_eq(n, 5u);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	check_pairs();
}
#endif

/* ---- seed ---- */

enum {
	DRAWS = 64
};

/* Which of two channels that are both ready is chosen, as bits. */
static void *draw(void *arg)
{
	uint64_t *bits = (uint64_t *)arg;
	go_chan *chan[2];
	int value = 1;

	*bits = 0;
	for (int i = 0; i < 2; i++)
		MUST(go_chan_create(&chan[i], sizeof(int), DRAWS) == 0);
	for (int i = 0; i < DRAWS; i++)
		for (int k = 0; k < 2; k++)
			MUST(go_chan_send(chan[k], &value) == 0);
	for (int i = 0; i < DRAWS; i++) {
		go_case cases[] = {GO_RECV(chan[0], &value),
				   GO_RECV(chan[1], &value)};
		int r = go_select(cases, 2);

		MUST(r == 0 || r == 1);
		*bits = *bits << 1 | (uint64_t)r;
	}
	for (int i = 0; i < 2; i++)
		MUST(go_chan_destroy(chan[i]) == 0);
	return NULL;
}

static uint64_t draws_of(uint64_t seed)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD, .seed = seed);
	uint64_t bits;
	void *result;

	cr_assert_eq(go_run_with(&o, draw, &bits, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	return bits;
}

Test(options, a_seed_repeats_choices, .timeout = 60)
{
	uint64_t one, unseeded;

	cr_assert_eq(unsetenv("GOFER_FLAVOUR"), 0);
	cr_assert_eq(unsetenv("GOFER_SEED"), 0);
	one = draws_of(1);
	unseeded = draws_of(0);
	cr_assert_eq(draws_of(1), one);
	cr_assert_neq(draws_of(2), one);
	cr_assert_neq(draws_of(0), unseeded);
	cr_assert_eq(setenv("GOFER_SEED", "1", 1), 0);
	cr_assert_eq(draws_of(2), one);
}

/* ---- how often to poll ---- */

static int pair[2];
static ATOMIC(bool) has_read;

static void *read_one(void *arg)
{
	char byte;

	MUST(go_read(pair[0], &byte, 1) == 1);
	atomic_store(&has_read, true);
	return arg;
}

/* How many yields until a reader has been woken, at most `most`. */
static void *yields_until_read(void *arg)
{
	int *most = (int *)arg, n = 0;
	go_task task;

	MUST(go_task_spawn(&task, read_one, NULL) == 0);
	/* It waits, and the poller has just been looked at. */
	for (int i = 0; i < 10; i++)
		go_yield();
	MUST(write(pair[1], "x", 1) == 1);
	while (n < *most && !atomic_load(&has_read)) {
		n++;
		go_yield();
	}
	*most = n;
	MUST(go_task_join(task, NULL) == 0);
	return NULL;
}

static int poll_every(int64_t interval_ns, int most)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD,
	     .fairness_interval = 1);
	void *result;

	o.poll_interval_ns = interval_ns;
	atomic_store(&has_read, false);
	cr_assert_eq(pipe(pair), 0);
	cr_assert_eq(go_run_with(&o, yields_until_read, &most, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	close(pair[0]);
	close(pair[1]);
	return most;
}

Test(options, poll_interval, .timeout = 60)
{
	struct timespec from, to;
	int n;

	cr_assert_eq(unsetenv("GOFER_FLAVOUR"), 0);
	cr_assert_leq(poll_every(1, 1000), 10);
	clock_gettime(CLOCK_MONOTONIC, &from);
	n = poll_every(GO_SECOND, 1000);
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* If it was not held up for that long. */
	if (to.tv_sec == from.tv_sec)
		cr_assert_eq(n, 1000);
}
