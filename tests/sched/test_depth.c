/* SPDX-License-Identifier: MIT */
/*
 * The way from a call that parks down to the switch takes at most 1 KiB of
 * stack, so that a task which parks early costs one page.
 *
 * The stack below the caller is painted, the call made, and then the paint is
 * searched for the lowest byte that has changed.  Says nothing in builds
 * without optimisation, with sanitizers, or with the stand-in for kqueue, whose
 * frames are not ours.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "everywhere.h"

#if GO__SANITIZE || !defined(__OPTIMIZE__)
#define OURS 0
#elif defined(GO_KQUEUE) && defined(__linux__)
#define OURS 0
#else
#define OURS 1
#endif

enum {
	PAINTED = 8192,
	PAINT = 0xa5,
	MOST = 1024,
};

__attribute__((noinline)) static void paint(volatile char *top)
{
	for (int i = 512; i < PAINTED; i++)
		top[-i] = (char)PAINT;
}

__attribute__((noinline)) static int depth(volatile char *top)
{
	int i = PAINTED - 1;

	while (i > 512 && top[-i] == (char)PAINT)
		i--;
	return i;
}

static int pipe_end;

static void call(int which)
{
	go_case k = GO_READABLE(pipe_end);
	char byte;

	if (which == 0)
		(void)go_sleep(1000);
	else if (which == 1)
		(void)go_yield();
	if (which == 3)
		(void)go_select(&k, 1);
	if (which >= 2)
		(void)go_read(pipe_end, &byte, 1);
}

static void *measure(void *arg)
{
	volatile char *top = __builtin_frame_address(0);

	call(GO_TO_INT(arg)); /* The loader binds functions; once. */
	paint(top);
	call(GO_TO_INT(arg));
	return GO_INT(depth(top));
}

static void *write_later(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		(void)go_sleep(1000);
		if (go_write(pipe_end + 1, "x", 1) != 1)
			return GO_INT(1);
	}
	return NULL;
}

static void *measure_all(void *arg)
{
	int fd[2];
	void *result;
	go_task t;

	(void)arg;
	MUST(go_pipe(fd) == 0);
	for (int which = 0; which < 4; which++) {
		pipe_end = dup2(fd[0], 900);
		MUST(dup2(fd[1], 901) == 901);
		MUST(go_spawn(write_later, NULL) == 0);
		MUST(go_task_spawn(&t, measure, GO_INT(which)) == 0);
		MUST(go_task_join(t, &result) == 0);
		cr_assert_leq(GO_TO_INT(result), MOST, "call %d: %d bytes",
			      which, GO_TO_INT(result));
		go_sleep(2000);
	}
	return NULL;
}

Test(depth, parking_takes_little_stack, .timeout = 60)
{
	if (!OURS)
		cr_skip_test("frames of this build are not the library's");
	run_everywhere(measure_all, NULL);
}
