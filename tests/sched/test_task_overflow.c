/* SPDX-License-Identifier: MIT */
/*
 * A task that overflows its stack: the process dies by SIGSEGV, as it must,
 * after it has said which task it was, where it was spawned, how large its
 * stack is and what to set.  In child processes.
 */
#include <errno.h>
#include <string.h>

#include "arch/sanitize.h"
#include "everywhere.h"
#include "last_words.h"

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

static void run_as(void *flavour)
{
	MAKE(go_runtime_options, o, .flavour = GO_TO_INT(flavour),
	     .workers = 2);

	(void)go_run_with(&o, spawn_overflow, NULL, NULL);
}

static void check(int flavour)
{
	int status;
	const char *text = last_words(run_as, GO_INT(flavour), &status);

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
	check(GO_HOME_THREAD);
}

Test(task_overflow, is_reported_in_a_section, .timeout = 60)
{
	if (GO__SANITIZE)
		cr_skip_test("the sanitizer reports overflows itself");
	in_a_section = true;
	check(GO_MULTI_THREAD);
}
