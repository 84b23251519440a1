/* SPDX-License-Identifier: MIT */
/*
 * Children of a fork that report by their exit code: 0, or, modulo 255, the
 * line that failed; and what runs beside them.
 */
#ifndef GO_TEST_CHILDREN_H
#define GO_TEST_CHILDREN_H

#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "both.h"
#include "support.h"
#include "test.h"

#define OR_FAIL(condition) ((condition) ? (void)0 : fail(__LINE__))

static inline void fail(int line)
{
	fprintf(stderr, "child: line %d\n", line);
	_exit(line % 255 + 1);
}

static ATOMIC(bool) stop;

/* Load: a pair of tasks that talk through a pipe, and sleep in between. */
static inline void *writer(void *fd)
{
	while (!atomic_load(&stop) && go_write(GO_TO_INT(fd), "x", 1) == 1)
		(void)go_sleep(test_random(100000));
	go_close(GO_TO_INT(fd));
	return NULL;
}

static inline void *reader(void *fd)
{
	char c;

	while (go_read(GO_TO_INT(fd), &c, 1) == 1)
		go_yield();
	go_close(GO_TO_INT(fd));
	return NULL;
}

static inline void add_pair(go_runtime *rt)
{
	int fds[2];

	OR_FAIL(go_pipe(fds) == 0);
	OR_FAIL(go_runtime_spawn(rt, writer, GO_INT(fds[1])) == 0);
	OR_FAIL(go_runtime_spawn(rt, reader, GO_INT(fds[0])) == 0);
}

static inline go_runtime *make_load(void)
{
	MAKE(go_runtime_options, options, .workers = 3);
	go_runtime *rt = NULL;

	OR_FAIL(go_runtime_create(&rt, &options) == 0);
	atomic_store(&stop, false);
	for (int i = 0; i < 8; i++)
		add_pair(rt);
	return rt;
}

static inline void end_load(go_runtime *rt)
{
	atomic_store(&stop, true);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

static inline int code_of(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

#endif
