/* SPDX-License-Identifier: MIT */
/*
 * An overflow is reported, in words that name the cause, and then the program
 * ends as it would have ended.  Each case runs in a child process, whose
 * standard error and end are looked at.
 *
 * Not run under AddressSanitizer, which reports such faults by itself.
 */
#include "last_words.h"

#include "arch/context.h"
#include "arch/overflow.h"
#include "arch/stack.h"

#include <gofer/fiber.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *text;

/* Run fn in a child; returns how it ended, as from waitpid. */
static int run(void (*fn)(void *))
{
	int status;

	text = last_words(fn, NULL, &status);
	return status;
}

static bool faulted(int status)
{
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
}

#define ASSERT_SAYS(what)                                                      \
	cr_assert(strstr(text, what), "\"%s\" is not in: %s", what, text)

static size_t recurse(size_t depth)
{
	char frame[1000];

	memset(frame, (int)depth, sizeof(frame));
	if (depth < (size_t)1 << 40)
		depth = recurse(depth + 1);
	__asm__ volatile("" ::"r"(frame) : "memory");
	return depth;
}

static void *overflow(void *arg, void *in)
{
	(void)in;
	recurse((size_t)arg);
	return NULL;
}

static void start(fiber_fn *fn, void *arg)
{
	fiber *f;

	if (fiber_report_overflow(true) < 0 ||
	    fiber_create(&f, fn, arg, NULL) < 0)
		_exit(3);
	fiber_resume(f, NULL, NULL);
}

static void overflow_a_fiber(void *unused)
{
	(void)unused;
	start(overflow, NULL);
}

Test(overflow, is_reported, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	cr_assert(faulted(run(overflow_a_fiber)));
	ASSERT_SAYS("gofer: stack overflow: all 196608 bytes used by");
	ASSERT_SAYS("a raw fiber running 0x");
	ASSERT_SAYS("fiber_options.stack_bytes");
}

static volatile size_t endless = (size_t)1 << 40;

/* A frame of 50 KiB, of which only the far end is touched. */
__attribute__((noinline)) static void leap(size_t depth)
{
	char frame[50 * 1024];

	frame[0] = 1;
	__asm__ volatile("" ::"r"(frame) : "memory");
	if (depth < endless)
		leap(depth + 1);
	__asm__ volatile("" ::"r"(frame) : "memory");
}

static void *leap_down(void *arg, void *in)
{
	(void)arg;
	leap(0);
	return in;
}

static void leap_in_a_fiber(void *unused)
{
	(void)unused;
	start(leap_down, NULL);
}

Test(overflow, large_frames_do_not_leap_the_guard, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	cr_assert(faulted(run(leap_in_a_fiber)));
	ASSERT_SAYS("gofer: stack overflow");
}

static void *write_wildly(void *arg, void *in)
{
	volatile uintptr_t here = (uintptr_t)&in;

	(void)arg;
	/* Into our own guard, but from far above. */
	*(volatile char *)(here - (uintptr_t)(200 * 1024)) = 1;
	return NULL;
}

static void write_into_a_guard(void *unused)
{
	(void)unused;
	start(write_wildly, NULL);
}

Test(overflow, a_wild_write_is_not_called_an_overflow, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	cr_assert(faulted(run(write_into_a_guard)));
	ASSERT_SAYS("gofer: wild access to the guard below a stack");
	cr_assert_null(strstr(text, "overflow"));
}

static void end_with_42(int sig)
{
	(void)sig;
	_exit(42);
}

static void overflow_with_a_handler(void *unused)
{
	struct sigaction action = {.sa_handler = end_with_42};

	(void)unused;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	start(overflow, NULL);
}

Test(overflow, the_previous_handler_runs, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	int status = run(overflow_with_a_handler);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 42);
	ASSERT_SAYS("gofer: stack overflow");
}

static void repair_nothing(int sig)
{
	(void)sig;
}

static void overflow_with_a_useless_handler(void *unused)
{
	struct sigaction action = {.sa_handler = repair_nothing};

	(void)unused;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	start(overflow, NULL);
}

Test(overflow, a_handler_that_repairs_nothing_is_no_endless_loop, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	cr_assert(faulted(run(overflow_with_a_useless_handler)));
	ASSERT_SAYS("gofer: stack overflow");
}

static char *volatile nowhere;

static void *dereference_null(void *arg, void *in)
{
	(void)arg;
	*nowhere = 1;
	return in;
}

static void fault_elsewhere(void *unused)
{
	(void)unused;
	start(dereference_null, NULL);
}

Test(overflow, other_faults_are_passed_on_silently, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	cr_assert(faulted(run(fault_elsewhere)));
	cr_assert_null(strstr(text, "gofer"));
}

static void describe(const struct go__context *c, struct go__overflow *out)
{
	if (c->flags & GO__CONTEXT_TASK)
		*out = (struct go__overflow){
			.kind = "task",
			.name = "eater",
			.site = "kitchen.c:7",
			.setting = "go_spawn_options.stack_bytes",
		};
}

static struct go__context task = {.flags = GO__CONTEXT_TASK};

static void task_main(void)
{
	recurse(0);
}

static void overflow_a_task(void *unused)
{
	struct go__stack s;

	(void)unused;
	go__overflow_describe = describe;
	if (fiber_report_overflow(true) < 0 || go__stack_alloc(0, &s) < 0)
		_exit(3);
	go__context_prepare(&task, go__stack_low(s.slot, s.class),
			    go__stack_high(s.slot, s.class), task_main);
	go__context_switch(go__self(), &task);
}

Test(overflow, the_scheduler_describes_its_tasks, .timeout = 20)
{
#if GO__ASAN
	cr_skip_test("reported by the sanitizer");
#endif
	cr_assert(faulted(run(overflow_a_task)));
	ASSERT_SAYS("used by task \"eater\", spawned at kitchen.c:7");
	ASSERT_SAYS("go_spawn_options.stack_bytes");
}

Test(overflow, the_alternate_stack_comes_and_goes, .timeout = 20)
{
	stack_t before, now;

	cr_assert_eq(sigaltstack(NULL, &before), 0);
	cr_assert_eq(fiber_report_overflow(true), 0);
	cr_assert_eq(fiber_report_overflow(true), 0);
	cr_assert_eq(sigaltstack(NULL, &now), 0);
	cr_assert_not(now.ss_flags & SS_DISABLE);
	cr_assert_eq(fiber_report_overflow(false), 0);
	cr_assert_eq(fiber_report_overflow(false), 0);
	cr_assert_eq(sigaltstack(NULL, &now), 0);
	cr_assert_eq(now.ss_flags, before.ss_flags);
}
