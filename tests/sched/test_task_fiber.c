/* SPDX-License-Identifier: MIT */
/*
 * Raw fibers inside tasks: a go_ call inside a fiber parks the whole task, and
 * both go on elsewhere; a fiber may be resumed by one task after another.
 */
#include <errno.h>

#include <gofer/fiber.h>

#include "everywhere.h"
#include "support.h"

/* Yields 1, 2, 3 ... and parks the task it runs in between. */
static void *count_and_park(void *arg, void *in)
{
	(void)in;
	for (intptr_t i = 1; i <= (intptr_t)arg; i++) {
		if (go_sleep(1000) != 0 || go_yield() != 0)
			return GO_INT(-1);
		fiber_yield((void *)i);
	}
	return GO_INT(0);
}

static void *drive(void *arg)
{
	intptr_t last = (intptr_t)arg, got = 0;
	fiber *f;
	void *out;

	if (fiber_create(&f, count_and_park, arg, NULL) < 0)
		return GO_INT(1);
	for (intptr_t i = 1; i <= last; i++) {
		if (fiber_resume(f, NULL, &out) != 0)
			return GO_INT(2);
		got += (intptr_t)out;
		go_sleep(500);
	}
	if (fiber_resume(f, NULL, &out) != 0 || out != NULL || !fiber_done(f))
		return GO_INT(3);
	if (got != last * (last + 1) / 2)
		return GO_INT(4);
	return GO_INT(fiber_destroy(f));
}

static void *fibers_in_tasks(void *arg)
{
	go_task t[16];
	void *result;

	(void)arg;
	for (int i = 0; i < 16; i++)
		MUST(go_task_spawn(&t[i], drive, GO_INT(20 + i)) == 0);
	for (int i = 0; i < 16; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(!result);
	}
	return NULL;
}

Test(task_fiber, a_fiber_parks_its_task, .timeout = 60)
{
	run_everywhere(fibers_in_tasks, NULL);
}

static void *resume_once(void *arg)
{
	void *out;
	int r = fiber_resume((fiber *)arg, NULL, &out);

	return r < 0 ? GO_INT(r) : out;
}

/* One fiber, each time resumed by a new task. */
static void *handed_on(void *arg)
{
	fiber *f;
	go_task t;
	void *result;

	(void)arg;
	MUST(fiber_create(&f, count_and_park, GO_INT(50), NULL) == 0);
	for (intptr_t i = 1; i <= 50; i++) {
		MUST(go_task_spawn(&t, resume_once, f) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST((intptr_t)result == i);
	}
	MUST(fiber_destroy(f) == 0);
	return NULL;
}

Test(task_fiber, a_fiber_is_handed_from_task_to_task, .timeout = 60)
{
	run_everywhere(handed_on, NULL);
}

/* Cancellation reaches a task that waits inside a fiber. */
static void *wait_in_fiber(void *arg, void *in)
{
	(void)arg;
	(void)in;
	return GO_INT(go_sleep(GO_NEVER));
}

static void *run_fiber(void *arg)
{
	fiber *f;
	void *out;

	(void)arg;
	if (fiber_create(&f, wait_in_fiber, NULL, NULL) < 0 ||
	    fiber_resume(f, NULL, &out) < 0 || fiber_destroy(f) < 0)
		return NULL;
	return out;
}

static void *cancelled_inside(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	for (int i = 0; i < 50; i++) {
		MUST(go_task_spawn(&t, run_fiber, NULL) == 0);
		if (i % 2)
			go_sleep(1000);
		MUST(go_task_cancel(t) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST(GO_TO_INT(result) == -ECANCELED);
	}
	return NULL;
}

Test(task_fiber, cancellation_reaches_into_a_fiber, .timeout = 60)
{
	run_everywhere(cancelled_inside, NULL);
}
