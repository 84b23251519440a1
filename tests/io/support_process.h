/* SPDX-License-Identifier: MIT */
/* What the tests of child processes share. */
#ifndef GO_TEST_PROCESS_H
#define GO_TEST_PROCESS_H

#include <gofer/process.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sched/everywhere.h"
#include "arch/sanitize.h"
#include "support.h"

/* Why some of it cannot be seen under valgrind. */
#define VFORK_IS_FORK "valgrind makes vfork a fork: a failed exec is not told"
#define HAS_PIDFDS                                                             \
	(GO__LINUX && !go__sanitize_on_valgrind() &&                           \
	 !getenv("GOFER_TEST_MISSING"))
#define NO_PIDFDS                                                              \
	"no pidfds here: valgrind, a portable build, or GOFER_TEST_MISSING"

static char *words[4];

/* The shell, with a command of ours. */
static inline char **shell(const char *command)
{
	static char name[] = "sh", option[] = "-c";

	words[0] = name;
	words[1] = option;
	words[2] = (char *)(uintptr_t)command;
	words[3] = NULL;
	return words;
}

static inline go_process *begin(const char *command,
				const go_process_options *o)
{
	go_process *p = NULL;
	int r = go_process_spawn(&p, "sh", shell(command), o);

	if (r < 0)
		fprintf(stderr, "[----] spawn: %d\n", r);
	return p;
}

/* The status of a command, or -errno. */
static inline int status_of(const char *command, const go_process_options *o)
{
	go_process *p = begin(command, o);
	int status = 0;
	int r = p ? go_process_wait(p, &status) : -EIO;

	if (go_process_release(p) < 0)
		return -EIO;
	return r < 0 ? r : status;
}

/* No child is left, dead or alive. */
static inline bool is_childless(void)
{
	return go_waitpid(-1, NULL, WNOHANG) == -ECHILD;
}

static inline void await_childless(void)
{
	while (!is_childless())
		go_sleep(100 * GO_MICROSECOND);
}

#ifdef GO_TEST_HOOKS
static inline int no_pidfds(enum go__sys_call call)
{
	return call == GO__SYS_pidfd_open ? -ENOSYS : 0;
}
#endif

/* Everywhere; and again as on a kernel that has no pidfds. */
static inline void run_tasks(go_fn *body)
{
	run_everywhere(body, NULL);
#ifdef GO_TEST_HOOKS
	int (*no_hook)(enum go__sys_call call) = NULL;

	go__sys_hook = no_pidfds;
	run_everywhere(body, NULL);
	go__sys_hook = no_hook;
#endif
}

/* The same, and in a plain thread. */
static inline void run_all(go_fn *body)
{
	run_tasks(body);
	cr_assert_null(body(NULL));
#ifdef GO_TEST_HOOKS
	int (*no_hook)(enum go__sys_call call) = NULL;

	go__sys_hook = no_pidfds;
	cr_assert_null(body(NULL));
	go__sys_hook = no_hook;
#endif
}

#endif
