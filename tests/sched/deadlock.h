/* SPDX-License-Identifier: MIT */
/* What the tests of deadlocks share: runs in processes of their own. */
#ifndef GO_TEST_DEADLOCK_H
#define GO_TEST_DEADLOCK_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "everywhere.h"
#include "support.h"

enum {
	TEXT_BYTES = 1 << 20,
};

static const int64_t SHORT = 20 * GO_MILLISECOND;
static const int64_t SHORTEST = 100 * GO_MICROSECOND;

static char text[TEXT_BYTES];

/* ---- a process of its own for each run ---- */

/*
 * Where Criterion runs a case there are threads of its own, which make every
 * report impossible; so each run takes place in a child, which has but one.
 */
struct outcome {
	int r;              /* What go_run() returned. */
	const char *result; /* What the main task returned. */
	unsigned long threads;
};

static struct outcome *outcome; /* Shared with the child. */

/* How many threads there are, as the kernel tells. */
static inline unsigned long count_threads(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/stat", "r");
	size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
	char *s;

	if (f)
		fclose(f);
	line[n] = '\0';
	s = strrchr(line, ')');
	for (int field = 2; s && field < 20; field++)
		s = strchr(s + 1, ' ');
	return s ? strtoul(s, NULL, 10) : 0;
}

/* Run fn(arg) there.  Returns how it ended, for wait(2); fills in `text`. */
static inline int in_a_process(void (*fn)(void *), void *arg)
{
	int memory = memfd_create("stderr", MFD_CLOEXEC), status;
	ssize_t n;
	pid_t child;

	cr_assert_geq(memory, 0);
	(void)test_random(1); /* Tells the seed, once. */
	if (!outcome)
		outcome = (struct outcome *)mmap(
			NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(outcome != MAP_FAILED);
	ASSIGN(struct outcome, *outcome, {1, NULL, 0});
	fflush(NULL);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		/* A run that hangs ends with the test. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		outcome->threads = count_threads();
		dup2(memory, 2);
		fn(arg);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	n = pread(memory, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	close(memory);
	return status;
}

/* Emulators and ThreadSanitizer have threads that are not ours. */
static inline bool can_report(void)
{
#if GO__TSAN
	return false;
#else
	return outcome->threads == 1;
#endif
}

static inline void nothing(void *arg)
{
	(void)arg;
}

static inline bool skipped(void)
{
	(void)in_a_process(nothing, NULL);
	if (can_report())
		return false;
	fprintf(stderr, "[SKIP] no report: %lu threads before the first\n",
		outcome->threads);
	return true;
}

static inline unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *s = text; (s = strstr(s, what)); s++)
		n++;
	return n;
}

struct run {
	go_runtime_options options;
	go_fn *body;
};

static inline void run(void *arg)
{
	struct run *a = (struct run *)arg;
	void *result = NULL;

	outcome->r = go_run_with(&a->options, a->body, NULL, &result);
	outcome->result = (const char *)result;
}

static inline void run_one(int flavour, unsigned workers, go_fn *body,
			   unsigned want)
{
	MAKE(struct run, a, .options.flavour = flavour,
	     .options.workers = workers,
	     .options.deadlock_after_ns = want ? SHORT : SHORTEST,
	     .body = body);

	cr_assert_eq(in_a_process(run, &a), 0, "%s", text);
	cr_assert_null(outcome->result, "%u workers, flavour %d: %s", workers,
		       flavour, outcome->result);
	cr_assert_eq(outcome->r, want ? -EDEADLK : 0,
		     "%u workers, flavour %d: %d\n%s", workers, flavour,
		     outcome->r, text);
	cr_assert_eq(count("gofer: deadlock: "), want, "%s", text);
	cr_assert_eq(count("gofer: runtime 0x"), want, "%s", text);
}

static inline void run_all(go_fn *body, unsigned want)
{
	run_one(GO_CURRENT_THREAD, 0, body, want);
	run_one(GO_MULTI_THREAD, 1, body, want);
	run_one(GO_MULTI_THREAD, 2, body, want);
	run_one(GO_MULTI_THREAD, 4, body, want);
	run_one(GO_HOME_THREAD, 3, body, want);
}

/* Body deadlocks, so often. */
static inline void reported(go_fn *body, unsigned times)
{
	if (!skipped())
		run_all(body, times);
}

static inline void not_reported(go_fn *body)
{
	run_all(body, 0);
}

/* ---- bodies ---- */

/* The main task's, for ever. */
static inline void *receive(void *arg)
{
	go_chan *c;
	int v, r;

	(void)arg;
	MUST(go_chan_create(&c, sizeof(v), 0) == 0);
	r = go_chan_recv(c, &v);
	MUST(go_chan_destroy(c) == 0);
	MUST(r == -EDEADLK);
	return NULL;
}

/* A child's, until it is cancelled. */
static inline void *receive_cancelled(void *arg)
{
	go_chan *c = (go_chan *)arg;
	int v;

	return GO_INT(go_chan_recv(c, &v));
}

#endif
