/* SPDX-License-Identifier: MIT */
/*
 * Options: the program's, overridden by the environment's, completed by the
 * defaults.
 *
 * ADDING ONE: a member of go_runtime_options, a line in `settings`, its range
 * in check(), its default in complete(), and a row in docs/options.md.
 *
 * What the program asks for is checked, and refused.  What the environment asks
 * for is for experiments, and ignored if it is malformed or out of range: it
 * must not make a program fail.
 *
 * TESTS  test_options.c.
 */
#include "sched/options.h"

#include <gofer/debug.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/cpu.h"
#include "arch/stack.h"
#include "arch/sys.h"
#include "arch/text.h"
#include "sched/backtrace.h"
#include "sched/dump.h"
#include "sched/worker.h"

enum {
	WORKERS_MOST = 256,
	FAIRNESS = 61,
	BLOCKING_MOST = 512,
#ifdef GO_TEST_SMALL
	WORKERS_PER_POLLER = 2,
#else
	WORKERS_PER_POLLER = 16,
#endif
};

static const int64_t KEEP_ALIVE = 10 * GO_SECOND;
static const int64_t POLL_INTERVAL = 50 * GO_MICROSECOND;
static const int64_t STUCK_AFTER = 10 * GO_MILLISECOND;
/* More cannot be meant, and would have no thread made. */
static const uint64_t THREAD_STACK_MOST = (uint64_t)1 << 30;
/* Less does not hold what a worker does, or is refused by the system. */
static const size_t THREAD_STACK_LEAST = 128 * 1024;
/* With less an idle runtime would do nothing but look for deadlocks. */
static const uint64_t PATIENCE_LEAST = GO_MILLISECOND;

/* ---- the table ---- */

enum how {
	NUMBER,
	DURATION, /* A number of nanoseconds, not 0, or "never". */
	PATIENCE, /* The same, but not less than PATIENCE_LEAST. */
	SIGNAL,   /* The number of one that may be dumped on; 0: none. */
	QUESTION, /* The same, of one that hogs may answer. */
	FLAVOUR,
	TEXT,
	REPORT, /* Where there is no callback: 1 prints, 0 does not. */
};

/* One option, and the environment variable that overrides it. */
struct setting {
	const char *name;
	enum how how;
	size_t offset, bytes; /* Of the member. */
	uint64_t most;
};

#define SETTING(name, how, member, most)                                       \
	{                                                                      \
		"GOFER_" name, how, offsetof(go_runtime_options, member),      \
			sizeof(((go_runtime_options *)0)->member), most        \
	}

static const struct setting settings[] = {
	SETTING("FLAVOUR", FLAVOUR, flavour, 0),
	SETTING("WORKERS", NUMBER, workers, WORKERS_MOST),
	SETTING("STACK_BYTES", NUMBER, stack_bytes,
		((uint64_t)1 << GO__STACK_MAX_CLASS) - GO__STACK_GUARD_BYTES),
	SETTING("WORKER_STACK_BYTES", NUMBER, worker_stack_bytes,
		THREAD_STACK_MOST),
	SETTING("THREAD_NAME", TEXT, thread_name, 0),
	SETTING("FAIRNESS_INTERVAL", NUMBER, fairness_interval, UINT32_MAX),
	SETTING("POLL_INTERVAL_NS", NUMBER, poll_interval_ns, GO_SECOND),
	SETTING("POLLERS", NUMBER, pollers, GO__POLLERS_MOST),
	SETTING("ALLOW_UNGUARDED", NUMBER, allow_unguarded, 1),
	SETTING("MIGRATE", NUMBER, migrate, 1),
	SETTING("DUMP_SIGNAL", SIGNAL, dump_signal, INT_MAX),
	SETTING("DEADLOCK_AFTER_NS", PATIENCE, deadlock_after_ns, GO_NEVER),
	SETTING("MAX_BLOCKING_THREADS", NUMBER, max_blocking_threads,
		UINT32_MAX),
	SETTING("BLOCKING_KEEP_ALIVE_NS", DURATION, blocking_keep_alive_ns,
		GO_NEVER),
	SETTING("STUCK_AFTER_NS", DURATION, stuck_after_ns, GO_NEVER),
	SETTING("STUCK_REPORT", REPORT, on_stuck, 1),
	SETTING("BACKTRACE_SIGNAL", QUESTION, backtrace_signal, INT_MAX),
	SETTING("SEED", NUMBER, seed, UINT64_MAX),
	SETTING("QUIET", NUMBER, quiet, 1),
};

enum {
	SETTINGS = sizeof(settings) / sizeof(settings[0])
};

static const char *const flavours[] = {
	[GO_MULTI_THREAD] = "multi",
	[GO_CURRENT_THREAD] = "current",
	[GO_HOME_THREAD] = "home",
};

enum {
	FLAVOURS = sizeof(flavours) / sizeof(flavours[0])
};

/* ---- members by size ---- */

static uint64_t get(const go_runtime_options *o, const struct setting *s)
{
	const char *member = (const char *)o + s->offset;
	uint64_t wide;
	uint32_t half;
	uint8_t byte;

	switch (s->bytes) {
	case 1:
		memcpy(&byte, member, 1);
		return byte;
	case 4:
		memcpy(&half, member, 4);
		return half;
	default:
		memcpy(&wide, member, 8);
		return wide;
	}
}

static void set(go_runtime_options *o, const struct setting *s, uint64_t value)
{
	char *member = (char *)o + s->offset;
	uint32_t half = (uint32_t)value;
	uint8_t byte = (uint8_t)value;

	switch (s->bytes) {
	case 1:
		memcpy(member, &byte, 1);
		break;
	case 4:
		memcpy(member, &half, 4);
		break;
	default:
		memcpy(member, &value, 8);
		break;
	}
}

_Static_assert(sizeof(int) == 4 && sizeof(bool) == 1,
	       "get() and set() know these sizes");

/* ---- the environment ---- */

/* False: malformed, or more than `most`. */
static bool parse(const char *text, uint64_t most, uint64_t *value)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (digit > 9 || n > (most - digit) / 10 || digit > most)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

static bool parse_flavour(const char *text, uint64_t *value)
{
	for (unsigned i = 0; i < FLAVOURS; i++)
		if (strcmp(text, flavours[i]) == 0) {
			*value = i;
			return true;
		}
	return false;
}

static bool parse_duration(const char *text, uint64_t least, uint64_t most,
			   uint64_t *value)
{
	*value = GO_NEVER;
	return strcmp(text, "never") == 0 ||
	       (parse(text, most, value) && *value >= least);
}

static bool parse_signal(const char *text, uint64_t most, uint64_t *value)
{
	return parse(text, most, value) &&
	       (*value == 0 || go__dump_signal_is_good((int)*value));
}

static bool parse_question(const char *text, uint64_t most, uint64_t *value)
{
	return parse(text, most, value) &&
	       (*value == 0 || (go__backtrace_signal_is_good((int)*value) &&
				go__backtrace_is_possible()));
}

/* A string or a function is there, not its value. */
static void override_other(go_runtime_options *o, const struct setting *s,
			   const char *text)
{
	uint64_t value;

	if (s->how == TEXT && *text)
		memcpy((char *)o + s->offset, &text, sizeof(text));
	else if (s->how == REPORT && parse(text, s->most, &value) && value &&
		 !o->on_stuck)
		o->on_stuck = go_stuck_print;
}

static void override(go_runtime_options *o, const struct setting *s)
{
	const char *text = getenv(s->name);
	uint64_t value;
	bool good;

	if (!text)
		return;
	switch (s->how) {
	case NUMBER:
		good = parse(text, s->most, &value);
		break;
	case DURATION:
		good = parse_duration(text, 1, s->most, &value);
		break;
	case PATIENCE:
		good = parse_duration(text, PATIENCE_LEAST, s->most, &value);
		break;
	case SIGNAL:
		good = parse_signal(text, s->most, &value);
		break;
	case QUESTION:
		good = parse_question(text, s->most, &value);
		break;
	case FLAVOUR:
		good = parse_flavour(text, &value);
		break;
	default:
		override_other(o, s, text);
		return;
	}
	if (good)
		set(o, s, value);
}

/* ---- what a runtime is made of ---- */

static bool is_zero(const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i] != 0)
			return false;
	return true;
}

static int check(const go_runtime_options *o)
{
	if (!is_zero(o->reserved, sizeof(o->reserved) / sizeof(uint64_t)) ||
	    (unsigned)o->flavour >= FLAVOURS || o->workers > WORKERS_MOST ||
	    o->pollers > GO__POLLERS_MOST || o->deadlock_after_ns < 0 ||
	    o->poll_interval_ns < 0 || o->stuck_after_ns < 0 ||
	    o->dump_signal < 0 || o->backtrace_signal < 0 ||
	    (o->backtrace_signal && o->backtrace_signal == o->dump_signal) ||
	    o->blocking_keep_alive_ns < 0 || o->poll_interval_ns > GO_SECOND ||
	    (o->stack_bytes && !go__stack_class(o->stack_bytes)))
		return -EINVAL;
	return 0;
}

static unsigned count_workers(const go_runtime_options *o)
{
	unsigned n = o->workers;

	if (o->flavour == GO_CURRENT_THREAD)
		return 1;
	if (n == 0)
		n = go__cpu_count();
	return n < WORKERS_MOST ? n : WORKERS_MOST;
}

/* Once the workers are counted: with more, nobody could sleep in them all. */
static unsigned count_pollers(const go_runtime_options *o)
{
	unsigned n = o->pollers;

	if (n == 0)
		n = (o->workers + WORKERS_PER_POLLER - 1) / WORKERS_PER_POLLER;
	if (n > GO__POLLERS_MOST)
		n = GO__POLLERS_MOST;
	return n < o->workers ? n : o->workers;
}

static void complete(go_runtime_options *o)
{
	o->workers = count_workers(o);
	if (o->flavour == GO_HOME_THREAD)
		o->migrate = false;
	o->pollers = count_pollers(o);
	o->stack_bytes =
		go__stack_bytes(o->stack_bytes ? go__stack_class(o->stack_bytes)
					       : GO__STACK_DEFAULT_CLASS);
	if (o->worker_stack_bytes && o->worker_stack_bytes < THREAD_STACK_LEAST)
		o->worker_stack_bytes = THREAD_STACK_LEAST;
	if (!o->thread_name)
		o->thread_name = "gofer";
	if (o->fairness_interval == 0)
		o->fairness_interval = FAIRNESS;
	if (o->poll_interval_ns == 0)
		o->poll_interval_ns = POLL_INTERVAL;
	if (o->deadlock_after_ns == 0)
		o->deadlock_after_ns = GO_NEVER;
	if (o->max_blocking_threads == 0)
		o->max_blocking_threads = BLOCKING_MOST;
	if (o->blocking_keep_alive_ns == 0)
		o->blocking_keep_alive_ns = KEEP_ALIVE;
	if (o->stuck_after_ns == 0)
		o->stuck_after_ns = STUCK_AFTER;
	/* Only the environment can have said that. */
	if (o->backtrace_signal == o->dump_signal)
		o->backtrace_signal = 0;
	if (o->seed == 0)
		o->seed = go__mix(go__sys_now());
}

int go__options_settle(const go_runtime_options *asked,
		       go_runtime_options *settled)
{
	static const go_runtime_options defaults;
	int r;

	*settled = asked ? *asked : defaults;
	r = check(settled);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < SETTINGS; i++)
		override(settled, &settings[i]);
	complete(settled);
	return 0;
}

/* ---- for people ---- */

/* As much of a name as threads get. */
static void put_name(struct go__text *x, const struct go_runtime *rt)
{
	for (const char *s = rt->thread_name; *s; s++)
		/* It is one line of words. */
		go__text_char(x, *s > ' ' ? *s : '_');
}

static void put(struct go__text *x, const struct go_runtime *rt,
		const go_runtime_options *o, const struct setting *s)
{
	uint64_t value = s->how == TEXT ? 0 : get(o, s);

	go__text_char(x, ' ');
	go__text_put(x, s->name);
	go__text_char(x, '=');
	switch (s->how) {
	case TEXT:
		put_name(x, rt);
		break;
	case REPORT:
		go__text_char(x, value ? '1' : '0');
		break;
	case FLAVOUR:
		go__text_put(x, flavours[value]);
		break;
	case DURATION:
	case PATIENCE:
		if (value == GO_NEVER) {
			go__text_put(x, "never");
			break;
		}
		/* fall through */
	default:
		go__text_number(x, value, 10);
		break;
	}
}

void go__options_print(const struct go_runtime *rt, const go_runtime_options *o)
{
	const char *asked = getenv("GOFER_PRINT_CONFIG");
	struct go__text x;

	if (!asked || strcmp(asked, "1") != 0)
		return;
	go__text_init(&x, STDERR_FILENO);
	go__text_put(&x, "gofer: runtime ");
	go__text_number(&x, (uintptr_t)rt, 16);
	go__text_char(&x, ':');
	for (unsigned i = 0; i < SETTINGS; i++)
		put(&x, rt, o, &settings[i]);
	go__text_char(&x, '\n');
	(void)go__text_flush(&x);
}
