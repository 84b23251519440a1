/* SPDX-License-Identifier: MIT */
/*
 * A task that overflows its stack: the process dies by SIGSEGV, as it must,
 * after it has said which task it was, where it was spawned, how large its
 * stack is and what to set.  In child processes.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "everywhere.h"

__attribute__((noinline)) static int recurse(int n)
{
	volatile char frame[1024];

	frame[0] = (char)n;
	return n < 0 ? 0 : recurse(n + 1) + frame[0];
}

static bool in_a_section;

static void *overflow(void *arg)
{
	go_yield();
	if (in_a_section && go_blocking_begin() < 0)
		return arg;
	return GO_INT(recurse(GO_TO_INT(arg)));
}

static void *spawn_overflow(void *arg)
{
	MAKE(go_spawn_options, o, .name = "glutton");

	(void)arg;
	(void)go_spawn_with(&o, overflow, NULL);
	(void)go_sleep(GO_NEVER);
	return NULL;
}

static void die(int flavour, char *text, size_t size, int *status)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = 2);
	ssize_t n, used = 0;
	int fd[2];
	pid_t pid;

	cr_assert_eq(pipe(fd), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		signal(SIGSEGV, SIG_DFL);
		(void)go_run_with(&o, spawn_overflow, NULL, NULL);
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], text + used, size - 1 - (size_t)used)) > 0)
		used += n;
	text[used] = '\0';
	close(fd[0]);
	cr_assert_eq(waitpid(pid, status, 0), pid);
}

static void check(int flavour)
{
	static char text[8192];
	int status;

	die(flavour, text, sizeof(text), &status);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGSEGV);
	cr_assert_not_null(strstr(text, "glutton"), "%s", text);
	cr_assert_not_null(strstr(text, "test_task_overflow.c:"), "%s", text);
	cr_assert_not_null(strstr(text, "stack_bytes"), "%s", text);
}

Test(task_overflow, is_reported, .timeout = 60)
{
	if (GO__SANITIZE)
		cr_skip_test("the sanitizer reports overflows itself");
	check(GO_MULTI_THREAD);
	check(GO_CURRENT_THREAD);
}

Test(task_overflow, is_reported_in_a_section, .timeout = 60)
{
	if (GO__SANITIZE)
		cr_skip_test("the sanitizer reports overflows itself");
	in_a_section = true;
	check(GO_MULTI_THREAD);
}
