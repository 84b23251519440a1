/* SPDX-License-Identifier: MIT */
/*
 * The threads of a model stand on raw fibers of the library: one for each,
 * started afresh for every run, abandoned where they stand when a run is cut
 * off.
 *
 * A fiber is made once and for all.  So its thread always stands on the same
 * memory, and a variable on a stack has the same address in every run: sums of
 * states contain addresses.  An abandoned thread jumps back to the bottom of
 * its stack when it is resumed for the next run.
 *
 * This file sees nothing of the library but gofer/fiber.h; see the script
 * fibers, which makes the object behind it.
 */
#include "engine.h"

#include <gofer/fiber.h>
#include <setjmp.h>
#include <stdlib.h>

static struct {
	fiber *fiber;
	void (*entry)(void);
	bool afresh; /* To begin at the bottom when it is resumed. */
	jmp_buf bottom;
} thread[THREADS];

static void *run(void *arg, void *in)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	(void)in;
	(void)_setjmp(thread[i].bottom);
	thread[i].afresh = false;
	thread[i].entry();
	return NULL; /* Not reached: the threads of the engine do not return. */
}

void model_fiber_start(unsigned i, void (*entry)(void))
{
	if (!thread[i].fiber &&
	    fiber_create(&thread[i].fiber, run, (void *)(uintptr_t)i, NULL) < 0)
		abort();
	thread[i].entry = entry;
	thread[i].afresh = true;
}

void model_fiber_resume(unsigned i)
{
	if (fiber_resume(thread[i].fiber, NULL, NULL) < 0)
		abort();
}

void model_fiber_leave(unsigned i)
{
	(void)fiber_yield(NULL);
	if (thread[i].afresh)
		_longjmp(thread[i].bottom, 1);
}
