/* SPDX-License-Identifier: MIT */
/*
 * Raw fibers; gofer/fiber.h says what they promise.
 *
 * A fiber runs on the context (task or plain thread) that resumes it, and
 * go__self() is the same before, inside and after.  The context only notes
 * which fiber is the innermost, so that fiber_yield() finds it.  When a task
 * parks inside a fiber, its stack pointer lies on another stack; that is all.
 *
 * THE HOT PATHS ARE ASSEMBLY.  Written in C, with a call of go__self() and a
 * tail call of the switch, a resume or yield takes 11 to 14 ns beside 7 for the
 * bare switch; in one piece of assembly it takes 7.  What is left here is what
 * happens rarely: making, starting, ending, and errors.
 */
#include "arch/fiber.h"

#include "arch/context.h"
#include "arch/sys.h"

#include <errno.h>
#include <string.h>

_Static_assert(offsetof(struct fiber, sp) == 0, "known to the .S files");
_Static_assert(offsetof(struct fiber, resumer_sp) == 8, "the same");
_Static_assert(offsetof(struct fiber, outer) == 16, "the same");
_Static_assert(offsetof(struct fiber, out) == 24, "the same");
_Static_assert(offsetof(struct fiber, state) == 32, "the same");
_Static_assert(FIBER__SUSPENDED == 0 && FIBER__RUNNING == 1, "the same");
_Static_assert(offsetof(struct go__context, fiber) == 8, "the same");

/*
 * What the sanitizers are told.  `from` and `to` are the stacks, named by the
 * fiber that runs on them, or by the context itself.
 */
#if GO__SANITIZE
static struct go__sanitize *stack_of(struct go__context *c, fiber *f)
{
	return f ? &f->sanitize : &c->sanitize;
}

static void leave(fiber *from, fiber *to, bool dying)
{
	struct go__context *c = go__self();

	c->active = stack_of(c, to);
	go__sanitize_leave(stack_of(c, from), c->active, dying);
}

static void arrive(fiber *f)
{
	go__sanitize_arrive(stack_of(go__self(), f));
}
#else
static inline void leave(fiber *from, fiber *to, bool dying)
{
	(void)from, (void)to, (void)dying;
}
#endif

/* The first function on a fiber's stack, and never left. */
static void start(void *in)
{
	struct go__context *c = go__self();
	fiber *f = c->fiber;
	void *out;

	go__sanitize_first(&f->sanitize);
	out = f->fn(f->arg, in);

	c = go__self();
	if (f->out)
		*f->out = out;
	f->state = FIBER__DONE;
	c->fiber = f->outer;
	leave(f, f->outer, true);
	fiber__switch(&f->sp, f->resumer_sp, NULL);
}

/*
 * The thread has the resumer's exceptions now, and is to have the fiber's while
 * it runs; on the way back the resumer may be on another thread, inside of a
 * task.
 */
static int resume_keeping(fiber *f, void *in, void **out)
{
	struct go__exceptions mine = go__exceptions_swap(&f->exceptions);
	int r;

	f->state = FIBER__SUSPENDED;
	r = fiber_resume(f, in, out);
	if (f->state == FIBER__SUSPENDED)
		f->state = FIBER__KEEPING;
	f->exceptions = go__exceptions_swap(&mine);
	return r;
}

/*
 * Called by the assembly when it cannot go on: an error, a thread that has no
 * context yet, or exceptions to keep.
 */
int fiber__resume_slowly(fiber *f, void *in, void **out);

int fiber__resume_slowly(fiber *f, void *in, void **out)
{
	if (!f)
		return -EINVAL;
	if (f->state == FIBER__RUNNING)
		return -EBUSY;
	if (f->state == FIBER__DONE)
		return -ESRCH;
	go__self();
	if (f->state == FIBER__KEEPING)
		return resume_keeping(f, in, out);
	return fiber__resume(f, in, out);
}

#if GO__SANITIZE
int fiber_resume(fiber *f, void *in, void **out)
{
	fiber *outer = go__self()->fiber;
	int r;

	if (!f || f->state != FIBER__SUSPENDED)
		return fiber__resume_slowly(f, in, out);
	leave(outer, f, false);
	r = fiber__resume(f, in, out);
	arrive(outer);
	return r;
}

void *fiber_yield(void *out)
{
	fiber *f = go__self()->fiber;
	void *in;

	if (!f)
		return NULL;
	leave(f, f->outer, false);
	in = fiber__yield(out);
	arrive(f);
	return in;
}
#else
int fiber_resume(fiber *f, void *in, void **out)
{
	return fiber__resume(f, in, out);
}

void *fiber_yield(void *out)
{
	return fiber__yield(out);
}
#endif

static bool reserved_is_zero(const fiber_options *o)
{
	static const fiber_options zero;

	return memcmp(o->reserved, zero.reserved, sizeof(zero.reserved)) == 0;
}

int fiber_create(fiber **made, fiber_fn *fn, void *arg,
		 const fiber_options *options)
{
	fiber *f;
	int r;

	if (!made)
		return -EINVAL;
	*made = NULL;
	if (!fn || (options && !reserved_is_zero(options)))
		return -EINVAL;
	f = go__sys_calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	r = go__stack_alloc(options ? options->stack_bytes : 0, &f->stack);
	if (r < 0) {
		go__sys_free(f);
		return r;
	}
	f->fn = fn;
	f->arg = arg;
	f->stack_low = go__stack_low(f->stack.slot, f->stack.class);
	f->stack_high = go__stack_high(f->stack.slot, f->stack.class);
	go__sanitize_prepare(&f->sanitize, f->stack_low, f->stack_high);
	f->sp = go__context_first_frame(f->stack_high, start);
	if (go__exceptions_known())
		f->state = FIBER__KEEPING;
	*made = f;
	return 0;
}

bool fiber_done(const fiber *f)
{
	return !f || f->state == FIBER__DONE;
}

fiber *fiber_current(void)
{
	return go__self()->fiber;
}

size_t fiber_stack_used(const fiber *f)
{
	return f ? go__stack_used(f->stack_low, f->stack_high) : 0;
}

int fiber_destroy(fiber *f)
{
	if (!f)
		return 0;
	if (f->state == FIBER__RUNNING)
		return -EBUSY;
	go__sanitize_release(&f->sanitize);
	go__stack_free(f->stack);
	go__sys_free(f);
	return 0;
}
