/* SPDX-License-Identifier: MIT */
/*
 * Raw fibers through their public header: values both ways, nesting, threads,
 * and every documented error.
 */
#include "both.h"
#include "test.h"

#include <gofer/fiber.h>

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *echo(void *arg, void *in)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++)
		in = fiber_yield((char *)in + 1);
	return (char *)in + 100;
}

Test(fiber, values_go_in_and_out, .timeout = 10)
{
	fiber *f;
	void *out;

	cr_assert_eq(fiber_create(&f, echo, GO_INT(2), NULL), 0);
	cr_assert_eq(fiber_resume(f, GO_INT(10), &out), 0);
	cr_assert_eq(GO_TO_INT(out), 11);
	cr_assert_eq(fiber_resume(f, GO_INT(20), &out), 0);
	cr_assert_eq(GO_TO_INT(out), 21);
	cr_assert_not(fiber_done(f));
	cr_assert_eq(fiber_resume(f, GO_INT(30), &out), 0);
	cr_assert_eq(GO_TO_INT(out), 130);
	cr_assert(fiber_done(f));
	cr_assert_eq(fiber_resume(f, NULL, &out), -ESRCH);
	cr_assert_eq(GO_TO_INT(out), 130, "an error leaves out alone");
	cr_assert_eq(fiber_destroy(f), 0);
}

Test(fiber, nobody_has_to_take_the_values, .timeout = 10)
{
	fiber *f;

	cr_assert_eq(fiber_create(&f, echo, GO_INT(1), NULL), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert(fiber_done(f));
	cr_assert_eq(fiber_destroy(f), 0);
}

/* A tree walked by recursion, one fiber per level. */
static void *level(void *arg, void *in)
{
	intptr_t depth = (intptr_t)arg;
	fiber *self = fiber_current();
	fiber *inner;
	void *out;

	(void)in;
	if (depth == 0)
		return GO_INT(1);
	cr_assert_eq(fiber_create(&inner, level, (void *)(depth - 1), NULL), 0);
	do {
		cr_assert_eq(fiber_resume(inner, NULL, &out), 0);
		cr_assert_eq(fiber_current(), self);
		fiber_yield(out);
	} while (!fiber_done(inner));
	cr_assert_eq(fiber_destroy(inner), 0);
	return GO_INT(depth + 1);
}

Test(fiber, fibers_nest, .timeout = 10)
{
	fiber *f;
	void *out;
	int sum = 0, count = 0;

	cr_assert_null(fiber_current());
	cr_assert_eq(fiber_create(&f, level, GO_INT(20), NULL), 0);
	do {
		cr_assert_eq(fiber_resume(f, NULL, &out), 0);
		cr_assert_null(fiber_current());
		sum += GO_TO_INT(out);
		count++;
	} while (!fiber_done(f));
	cr_assert_eq(count, 21);
	cr_assert_eq(sum, 21 * 22 / 2);
	cr_assert_eq(fiber_destroy(f), 0);
}

static fiber *outer_fiber, *inner_fiber;

static void *resume_the_outer(void *arg, void *in)
{
	(void)arg;
	(void)in;
	cr_assert_eq(fiber_resume(outer_fiber, NULL, NULL), -EBUSY);
	cr_assert_eq(fiber_resume(inner_fiber, NULL, NULL), -EBUSY);
	cr_assert_eq(fiber_destroy(outer_fiber), -EBUSY);
	cr_assert_eq(fiber_destroy(inner_fiber), -EBUSY);
	return NULL;
}

static void *resume_an_inner(void *arg, void *in)
{
	(void)arg;
	(void)in;
	cr_assert_eq(fiber_create(&inner_fiber, resume_the_outer, NULL, NULL),
		     0);
	cr_assert_eq(fiber_resume(inner_fiber, NULL, NULL), 0);
	cr_assert_eq(fiber_destroy(inner_fiber), 0);
	return NULL;
}

Test(fiber, running_ones_are_busy, .timeout = 10)
{
	cr_assert_eq(fiber_create(&outer_fiber, resume_an_inner, NULL, NULL),
		     0);
	cr_assert_eq(fiber_resume(outer_fiber, NULL, NULL), 0);
	cr_assert(fiber_done(outer_fiber));
	cr_assert_eq(fiber_destroy(outer_fiber), 0);
}

Test(fiber, bad_arguments, .timeout = 10)
{
	MAKE(fiber_options, odd, .reserved[1] = 1);
	MAKE(fiber_options, vast, .stack_bytes = SIZE_MAX);
	fiber *f = (fiber *)(void *)&odd;

	cr_assert_eq(fiber_create(NULL, echo, NULL, NULL), -EINVAL);
	cr_assert_eq(fiber_create(&f, NULL, NULL, NULL), -EINVAL);
	cr_assert_null(f);
	cr_assert_eq(fiber_create(&f, echo, NULL, &odd), -EINVAL);
	cr_assert_eq(fiber_create(&f, echo, NULL, &vast), -EINVAL);
	vast.stack_bytes = SIZE_MAX / 2 + 1;
	cr_assert_eq(fiber_create(&f, echo, NULL, &vast), -EINVAL);
	cr_assert_null(f);
	cr_assert_eq(fiber_resume(NULL, NULL, NULL), -EINVAL);
	cr_assert_eq(fiber_destroy(NULL), 0);
	cr_assert(fiber_done(NULL));
	cr_assert_eq(fiber_stack_used(NULL), 0);
	cr_assert_null(fiber_yield(GO_INT(1)), "outside of any fiber");
}

Test(fiber, one_that_never_ran_or_is_suspended_can_be_destroyed, .timeout = 10)
{
	for (int i = 0; i < 1000; i++) {
		fiber *f;

		cr_assert_eq(fiber_create(&f, echo, GO_INT(5), NULL), 0);
		for (int k = 0; k < i % 3; k++)
			cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
		cr_assert_eq(fiber_destroy(f), 0);
	}
}

/* Each level keeps 1 KiB over the call of the next one. */
static size_t go_deep(size_t bytes)
{
	char frame[1024];
	size_t n = 1;

	memset(frame, 1, sizeof(frame));
	if (bytes > sizeof(frame))
		n += go_deep(bytes - sizeof(frame));
	__asm__ volatile("" ::"r"(frame) : "memory"); /* It is still used. */
	return n;
}

static void *deep(void *arg, void *in)
{
	(void)in;
	return (void *)go_deep((size_t)arg);
}

Test(fiber, stacks_are_as_deep_as_asked, .timeout = 10)
{
	MAKE(fiber_options, options, .stack_bytes = 8 << 20);
	fiber *f;

	cr_assert_eq(
		fiber_create(&f, deep, (void *)(size_t)(6 << 20), &options), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert_geq(fiber_stack_used(f), 6 << 20);
	cr_assert_lt(fiber_stack_used(f), 8 << 20);
	cr_assert_eq(fiber_destroy(f), 0);
}

static void *resume_here(void *f)
{
	void *out;

	cr_assert_eq(fiber_resume((fiber *)f, GO_INT(1), &out), 0);
	cr_assert_eq(GO_TO_INT(out), 2);
	return NULL;
}

Test(fiber, one_fiber_on_many_threads, .timeout = 20)
{
	fiber *f;

	cr_assert_eq(fiber_create(&f, echo, GO_INT(50), NULL), 0);
	for (int i = 0; i < 25; i++) {
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, resume_here, f), 0);
		cr_assert_eq(pthread_join(thread, NULL), 0);
		resume_here(f);
	}
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert(fiber_done(f));
	cr_assert_eq(fiber_destroy(f), 0);
}

static void *print(void *arg, void *in)
{
	char *text = (char *)arg;

	(void)in;
	snprintf(text, 64, "%.17g %s", 0.1, "from a fiber");
	return NULL;
}

Test(fiber, libc_runs_on_the_smallest_stack, .timeout = 10)
{
	MAKE(fiber_options, options, .stack_bytes = 1);
	char text[64];
	fiber *f;

	cr_assert_eq(fiber_create(&f, print, text, &options), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert_str_eq(text, "0.10000000000000001 from a fiber");
	cr_assert_eq(fiber_destroy(f), 0);
}

static void *rounder(void *arg, void *in)
{
	(void)arg;
	(void)in;
	cr_assert_eq(fegetround(), FE_TONEAREST);
	fesetround(FE_UPWARD);
	fiber_yield(NULL);
	cr_assert_eq(fegetround(), FE_UPWARD);
	return NULL;
}

Test(fiber, rounding_belongs_to_the_fiber, .timeout = 10)
{
	fiber *f;

	cr_assert_eq(fiber_create(&f, rounder, NULL, NULL), 0);
	fesetround(FE_DOWNWARD);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert_eq(fegetround(), FE_DOWNWARD);
	fesetround(FE_TOWARDZERO);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert_eq(fegetround(), FE_TOWARDZERO);
	cr_assert_eq(fiber_destroy(f), 0);
}
