/* SPDX-License-Identifier: MIT */
/*
 * How large a stack?  Run the deepest case on a large one, ask how much of it
 * was used, and take that and some more from then on.
 *
 * Should it be too small all the same, the program ends with a line that says
 * which fiber, or which task, has overflown its stack: `stacks overflow` shows
 * it.  Tasks report that by themselves; a thread that runs raw fibers turns it
 * on.
 *
 * Run it:    stacks [overflow]
 * Expect:    inside: the fiber that was made
 *            outside: none
 *            fiber: the deep case takes more than the flat one
 *            task: it has used some, and less than all
 */
#include <gofer.h>
#include <gofer/fiber.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Takes at least 256 bytes for each level. */
static int descend(int levels)
{
	volatile char frame[256];

	frame[0] = (char)levels;
	if (levels == 0)
		return frame[0];
	return descend(levels - 1) + frame[0];
}

static void *measured(void *levels, void *self)
{
	if (levels == NULL && fiber_current() == self)
		printf("inside: the fiber that was made\n");
	descend(GO_TO_INT(levels));
	return NULL;
}

/* Returns how many bytes it takes. */
static int64_t cost_of(int levels, size_t stack_bytes)
{
	fiber_options options = {.stack_bytes = stack_bytes};
	int64_t bytes;
	fiber *f;
	int r = fiber_create(&f, measured, GO_INT(levels), &options);

	if (r < 0)
		return r;
	r = fiber_resume(f, f, NULL);
	bytes = (int64_t)fiber_stack_used(f);
	fiber_destroy(f);
	return r < 0 ? r : bytes;
}

static int measure_fibers(void)
{
	int64_t flat = cost_of(0, 1 << 20), deep = cost_of(1000, 1 << 20);

	if (!fiber_current())
		printf("outside: none\n");
	if (flat < 0 || deep < 0)
		return (int)(flat < 0 ? flat : deep);
	printf("fiber: the deep case takes %s the flat one\n",
	       deep > flat ? "more than" : "as much as");
	return 0;
}

/* A task asks for itself; go_spawn_options.stack_bytes is its size. */
static void *measure_task(void *unused)
{
	size_t size;
	int64_t used;

	(void)unused;
	descend(100);
	used = go_stack_used(&size);
	if (used < 0)
		return GO_INT(used);
	printf("task: it has used %s, and %s\n", used > 0 ? "some" : "nothing",
	       (size_t)used < size ? "less than all" : "all of it");
	return NULL;
}

static int overflow(void)
{
	return (int)cost_of(1000, 64 << 10);
}

int main(int argc, char **argv)
{
	void *result = NULL;
	int r = fiber_report_overflow(true), error;

	(void)argv;
	if (r == 0)
		r = argc > 1 ? overflow() : measure_fibers();
	if (r == 0)
		r = go_run_with(NULL, measure_task, NULL, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	error = fiber_report_overflow(false);
	if (r == 0)
		r = error;
	if (r < 0)
		fprintf(stderr, "stacks: %s\n", strerror(-r));
	return r < 0;
}
