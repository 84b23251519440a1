/* SPDX-License-Identifier: MIT */
/*
 * Coroutines for the checker: one per thread of the model, started afresh for
 * every run, abandoned where they stand when a run is cut off.
 *
 * They always stand on the same memory, so that a variable on a stack has the
 * same address in every run: sums of states contain addresses.
 */
#include "engine.h"

#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

enum {
	STACK = 64 * 1024
};

static struct {
	jmp_buf here;
	ucontext_t context;
	bool started;
	_Alignas(64) char stack[STACK];
} fiber[THREADS];

static jmp_buf loop;

void model_fiber_start(unsigned thread, void (*entry)(void))
{
	static ucontext_t template;
	static bool have_template;

	if (!have_template && getcontext(&template) != 0)
		abort();
	have_template = true;
	fiber[thread].context = template;
	fiber[thread].context.uc_stack.ss_sp = fiber[thread].stack;
	fiber[thread].context.uc_stack.ss_size = STACK;
	makecontext(&fiber[thread].context, entry, 0);
	fiber[thread].started = false;
}

void model_fiber_resume(unsigned thread)
{
	if (_setjmp(loop))
		return;
	if (fiber[thread].started)
		_longjmp(fiber[thread].here, 1);
	fiber[thread].started = true;
	setcontext(&fiber[thread].context);
	abort();
}

void model_fiber_leave(unsigned thread)
{
	if (_setjmp(fiber[thread].here) == 0)
		_longjmp(loop, 1);
}
