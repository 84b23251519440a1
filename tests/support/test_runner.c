/* SPDX-License-Identifier: MIT */
/*
 * The runner behind the macros of test.h where Criterion cannot run: a process
 * per case, a time limit, and Criterion's closing line.
 *
 *	test_program [-l] [pattern]	list, or run what matches suite/name
 *
 * The parent stays single-threaded, which is what lets it fork under
 * ThreadSanitizer.  A child leaves its verdict in a shared page, so neither an
 * exit code nor a signal that a case is meant to end with is mistaken for one.
 * GOFER_TEST_TIME multiplies the time limits (emulators, valgrind).  A child
 * whose time is up is first told to dump its tasks.
 */
#include "test.h"

#include <gofer.h>

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	DEFAULT_TIMEOUT = 60
};

enum outcome {
	PASSED,
	FAILED,
	CRASHED,
	SKIPPED
};

/* Written by the child that runs a case, read by the parent after its end. */
struct verdict {
	volatile int failed, skipped;
};

static struct test_case *first, **last = &first;
static struct verdict *verdict;

void test_register(struct test_case *test)
{
	*last = test;
	last = &test->next;
}

void test_check(bool fatal, bool holds, const char *file, int line,
		const char *text, ...)
{
	const char *format;
	va_list args;

	if (holds)
		return;
	fprintf(stderr, "[----] %s:%d: does not hold: %s\n", file, line, text);
	va_start(args, text);
	format = va_arg(args, const char *);
	if (format && *format) {
		fprintf(stderr, "[----]   ");
		vfprintf(stderr, format, args);
		fprintf(stderr, "\n");
	}
	va_end(args);
	verdict->failed = 1;
	if (fatal)
		_exit(1);
}

void test_skip(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "[SKIP]   ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	verdict->skipped = 1;
	_exit(0);
}

/* The time is up. */
static void dump_tasks(int sig)
{
	(void)sig;
	(void)go_dump(STDERR_FILENO);
}

static _Noreturn void run_body(const struct test_case *test)
{
	signal(SIGQUIT, dump_tasks);
	if (test->signal) {
		/* It is meant to die: no core, no sanitizer's report. */
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		signal(test->signal, SIG_DFL);
	}
	if (test->init)
		test->init();
	test->body();
	if (test->fini)
		test->fini();
	exit(0);
}

/* Wait for the child; false if it had to be killed because time was up. */
static bool wait_for(pid_t child, double seconds, int *status)
{
	struct timespec left = {.tv_sec = (time_t)seconds + 2};
	sigset_t child_ended;

	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	while (waitpid(child, status, WNOHANG) == 0) {
		if (sigtimedwait(&child_ended, NULL, &left) >= 0 ||
		    errno == EINTR)
			continue;
		if (left.tv_sec > 1) {
			kill(child, SIGQUIT);
			left.tv_sec = 1;
			continue;
		}
		kill(-child, SIGKILL);
		waitpid(child, status, 0);
		return false;
	}
	return true;
}

static double time_limit(const struct test_case *test)
{
	const char *scale = getenv("GOFER_TEST_TIME");
	double limit = test->timeout;

	if (limit <= 0)
		limit = DEFAULT_TIMEOUT;
	return scale && atof(scale) > 1 ? limit * atof(scale) : limit;
}

static enum outcome judge(const struct test_case *test, int status)
{
	int ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (verdict->skipped)
		return SKIPPED;
	if (verdict->failed)
		return FAILED;
	if (ended_by != test->signal) {
		fprintf(stderr, "[----]   ended by signal %d, expected %d\n",
			ended_by, test->signal);
		return CRASHED;
	}
	if (!ended_by && WEXITSTATUS(status) != test->exit_code) {
		fprintf(stderr, "[----]   exit code %d, expected %d\n",
			WEXITSTATUS(status), test->exit_code);
		return FAILED;
	}
	return PASSED;
}

static enum outcome run(const struct test_case *test, const sigset_t *mask)
{
	double limit = time_limit(test);
	int status = 0;
	pid_t child;

	memset(verdict, 0, sizeof *verdict);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, mask, NULL);
		run_body(test);
	}
	if (child < 0) {
		perror("fork");
		return CRASHED;
	}
	setpgid(child, child);
	if (!wait_for(child, limit, &status)) {
		fprintf(stderr, "[----]   not done after %.0f s\n", limit);
		return FAILED;
	}
	return judge(test, status);
}

static bool selected(const struct test_case *test, const char *pattern)
{
	char name[256];

	if (test->disabled)
		return false;
	snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
	return fnmatch(pattern, name, 0) == 0;
}

int main(int argc, char **argv)
{
	static const char *const words[] = {"PASS", "FAIL", "CRSH", "SKIP"};
	const char *pattern = "*";
	sigset_t sigchld, mask;
	bool list = false;
	int count[4] = {0};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-l") == 0)
			list = true;
		else if (argv[i][0] != '-')
			pattern = argv[i];
	}
	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &sigchld, &mask);
	verdict = mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED)
		return perror("mmap"), 2;

	for (struct test_case *t = first; t; t = t->next) {
		enum outcome outcome;

		if (!selected(t, pattern))
			continue;
		fprintf(stderr, "[RUN ] %s::%s\n", t->suite, t->name);
		if (list)
			continue;
		outcome = run(t, &mask);
		count[outcome]++;
		fprintf(stderr, "[%s] %s::%s\n", words[outcome], t->suite,
			t->name);
	}
	fprintf(stderr,
		"[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | "
		"Crashing: %d\n",
		count[PASSED] + count[FAILED] + count[CRASHED], count[PASSED],
		count[FAILED], count[CRASHED]);
	return count[FAILED] + count[CRASHED] > 0;
}
