/* SPDX-License-Identifier: MIT */
/* What a child that dies has said, for tests. */
#ifndef GO_TEST_LAST_WORDS_H
#define GO_TEST_LAST_WORDS_H

#include "test.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Run fn(arg) in a child process, which leaves no core file and whose signals
 * of death are as a program begins with.  If fn returns, the child exits with
 * 0.  Returns what the child wrote to its standard error, at most 8 KiB, valid
 * until the next call; *status is as from waitpid.
 *
 * If it is expected to go on for ever, `last` is the last that it says (or
 * NULL).  Then it has a moment to end all the same, and SIGTERM ends it.
 */
static inline const char *words_until(const char *last, void (*fn)(void *),
				      void *arg, int *status)
{
	static char text[8192];
	size_t used = 0;
	ssize_t n;
	int fds[2];
	pid_t child;

	cr_assert_eq(pipe(fds), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		alarm(100); /* none is left behind by a test that failed */
		fn(arg);
		_exit(0);
	}
	close(fds[1]);
	text[0] = '\0';
	do {
		struct pollfd p = {fds[0], POLLIN, 0};

		if (last && strstr(text, last) && poll(&p, 1, 200) == 0)
			kill(child, SIGTERM);
		n = read(fds[0], text + used, sizeof(text) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
		text[used] = '\0';
	} while (n > 0);
	close(fds[0]);
	cr_assert_eq(waitpid(child, status, 0), child);
	return text;
}

static inline const char *last_words(void (*fn)(void *), void *arg, int *status)
{
	return words_until(NULL, fn, arg, status);
}

#endif
