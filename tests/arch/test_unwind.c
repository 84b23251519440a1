/* SPDX-License-Identifier: MIT */
/*
 * Backtraces from a context end at its entry, at every single instruction.
 *
 * On x86-64 the processor traps after each instruction of a resume, a yield and
 * a context switch, and the handler walks the stack with libgcc's unwinder: the
 * walk must end properly, and pass through the function that the stack pointer
 * belongs to.  One wrong or missing CFI rule breaks one of these walks.
 *
 * What this cannot show: what gdb and libunwind make of the same tables.
 */
#include "test.h"

#include "arch/context.h"
#include "arch/fiber.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

enum {
	BYTES = 64 * 1024,
	DEEPEST = 64
};

static struct go__context *from, to;

/* What a walk has seen. */
struct walk {
	unsigned n;
	uintptr_t function[DEEPEST]; /* Start of each frame's function. */
	uintptr_t ip[DEEPEST];
};

static _Unwind_Reason_Code note(struct _Unwind_Context *c, void *arg)
{
	struct walk *w = arg;

	if (_Unwind_GetIP(c) == 0) /* libgcc's way to say "no more". */
		return _URC_NO_REASON;
	if (w->n == DEEPEST)
		return _URC_NORMAL_STOP;
	w->ip[w->n] = (uintptr_t)_Unwind_GetIP(c);
	w->function[w->n] = (uintptr_t)_Unwind_GetRegionStart(c);
	w->n++;
	return _URC_NO_REASON;
}

/* Returns whether the walk came to a proper end. */
static bool walk(struct walk *w)
{
	w->n = 0;
	return _Unwind_Backtrace(note, w) == _URC_END_OF_STACK &&
	       w->n < DEEPEST;
}

static bool passes(const struct walk *w, uintptr_t function)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->function[i] == function)
			return true;
	return false;
}

void go__context_start(void);

/* The outermost frame is the start of a context. */
static bool ends_at_start(const struct walk *w)
{
	uintptr_t last = w->ip[w->n - 1], start = (uintptr_t)go__context_start;

	return last - start <= 16;
}

static struct walk seen;
static bool ended;

__attribute__((noinline)) static void look_around(void)
{
	ended = walk(&seen);
	__asm__ volatile("");
}

static void entry(void)
{
	for (;;) {
		look_around();
		go__context_switch(&to, from);
	}
}

static void with_context(void (*fn)(void))
{
	char *low = aligned_alloc(16, BYTES);

	from = go__self();
	go__context_prepare(&to, low, low + BYTES, entry);
	fn();
	go__context_release(&to);
	free(low);
}

static void switch_there(void)
{
	go__context_switch(from, &to);
}

Test(unwind, ends_at_the_entry_of_a_context, .timeout = 10)
{
	with_context(switch_there);
	cr_assert(ended);
	cr_assert(passes(&seen, (uintptr_t)entry));
	cr_assert(ends_at_start(&seen));
}

static void *in_fiber(void *arg, void *in)
{
	(void)arg;
	look_around();
	return in;
}

Test(unwind, ends_at_the_entry_of_a_fiber, .timeout = 10)
{
	fiber *f;

	cr_assert_eq(fiber_create(&f, in_fiber, NULL, NULL), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert(ended);
	cr_assert(passes(&seen, (uintptr_t)in_fiber));
	cr_assert(ends_at_start(&seen));
	cr_assert_eq(fiber_destroy(f), 0);
}

#if defined(__riscv)
/* They point above what they are saved in. */
#define SAVED (-2)
#else
#define SAVED 0
#endif

/*
 * Follow saved frame pointers, as profilers do, from a function that calls
 * others (leaf functions have shorter frames on riscv64).
 */
__attribute__((noinline)) static bool frame_pointers_end(void **frame)
{
	char *low = to.stack_low, *high = to.stack_high;

	for (int i = 0; i < DEEPEST; i++) {
		if (!frame)
			return true;
		if ((char *)(frame + SAVED) < low ||
		    (char *)(frame + SAVED) >= high)
			return false;
		frame = frame[SAVED];
	}
	return false;
}

static void entry_with_frame(void)
{
	ended = frame_pointers_end(__builtin_frame_address(0));
	go__context_switch(&to, from);
}

Test(unwind, frame_pointers_end_too, .timeout = 10)
{
#if GO__SANITIZE
	cr_skip_test("functions of the sanitizers lie between");
#endif
	char *low = aligned_alloc(16, BYTES);

	from = go__self();
	ended = false;
	go__context_prepare(&to, low, low + BYTES, entry_with_frame);
	go__context_switch(from, &to);
	cr_assert(ended);
	go__context_release(&to);
	free(low);
}

#if defined(__x86_64__) && !GO__SANITIZE
void trap_each_instruction(void);
void trap_no_more(void);

static char *stack_low, *stack_high; /* Of the other side. */
static uintptr_t here, there;        /* The functions to pass through. */
static volatile unsigned steps, wrong;
static volatile uintptr_t wrong_ip;

static void at_each_instruction(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	char *sp = (char *)(uintptr_t)u->uc_mcontext.gregs[REG_RSP];
	bool other = sp >= stack_low && sp <= stack_high;
	static struct walk w;

	(void)sig;
	(void)info;
	steps = steps + 1;
	if (walk(&w) && w.n > 1 &&
	    (other ? ends_at_start(&w) && (!there || passes(&w, there))
		   : passes(&w, here)))
		return;
	wrong = wrong + 1;
	wrong_ip = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
}

static void prepare_traps(void)
{
	struct sigaction action = {.sa_sigaction = at_each_instruction,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};
	static char alternate[64 * 1024];
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	struct walk w;

	walk(&w); /* The first walk loads and allocates. */
	cr_assert_eq(sigaltstack(&stack, NULL), 0);
	cr_assert_eq(sigaction(SIGTRAP, &action, NULL), 0);
}

static void check(void)
{
	cr_assert_gt(steps, 40, "only %u instructions", steps);
	cr_assert_eq(wrong, 0, "%u of %u; last at switch+%td, start+%td", wrong,
		     steps, (char *)wrong_ip - (char *)(uintptr_t)fiber__switch,
		     (char *)wrong_ip - (char *)(uintptr_t)go__context_start);
}

static void *yield_twice(void *arg, void *in)
{
	(void)arg;
	fiber_yield(in);
	fiber_yield(in);
	return in;
}

__attribute__((noinline)) static void resume_by_steps(fiber *f)
{
	/* The first one starts the fiber: its function is not there yet. */
	trap_each_instruction();
	fiber_resume(f, NULL, NULL);
	trap_no_more();
	there = (uintptr_t)yield_twice;
	trap_each_instruction();
	fiber_resume(f, NULL, NULL);
	trap_no_more();
	there = 0;
	trap_each_instruction();
	fiber_resume(f, NULL, NULL);
	trap_no_more();
	__asm__ volatile(""); /* No tail call: this frame is looked for. */
}

Test(unwind, at_each_instruction_of_a_fiber, .timeout = 20)
{
	fiber *f;

	prepare_traps();
	here = (uintptr_t)resume_by_steps;
	cr_assert_eq(fiber_create(&f, yield_twice, NULL, NULL), 0);
	stack_low = f->stack_low;
	stack_high = f->stack_high;
	resume_by_steps(f);
	check();
	cr_assert(fiber_done(f));
	cr_assert_eq(fiber_destroy(f), 0);
}

static void entry_without_walks(void)
{
	for (;;)
		go__context_switch(&to, from);
}

__attribute__((noinline)) static void switch_by_steps(void)
{
	trap_each_instruction();
	go__context_switch(from, &to);
	trap_no_more();
	there = (uintptr_t)entry_without_walks;
	trap_each_instruction();
	go__context_switch(from, &to);
	trap_no_more();
	__asm__ volatile(""); /* No tail call: this frame is looked for. */
}

Test(unwind, at_each_instruction_of_a_context_switch, .timeout = 20)
{
	stack_low = aligned_alloc(16, BYTES);
	stack_high = stack_low + BYTES;
	from = go__self();
	prepare_traps();
	here = (uintptr_t)switch_by_steps;
	go__context_prepare(&to, stack_low, stack_high, entry_without_walks);
	switch_by_steps();
	check();
	go__context_release(&to);
	free(stack_low);
}
#endif
