/* SPDX-License-Identifier: MIT */
/*
 * The exceptions of C++, per stack.
 *
 * A C++ library keeps two words per thread: the exceptions that catch blocks
 * have and have not finished with, linked, innermost first, and how many are
 * under way.  They describe frames of a stack, not the thread: when a stack is
 * left in a catch block, or in a destructor that an exception runs, another
 * stack on that thread pushes on top of what is not its own, and pops that,
 * and the one that left finds nothing on the thread where it comes back.  Then
 * `throw;` throws another's exception, or the end of a catch block frees it.
 *
 * RULE  A stack that is left takes its two words along, and leaves zeroes.
 *
 *     a task parks or yields        park.c: suspend()
 *     a section ends                park.c: go__park_for_worker(); one that
 *                                   begins changes nothing: the task keeps its
 *                                   thread
 *     a thread, or a task, begins   worker.c: go__worker_host()
 *     or ends to host a worker
 *     a raw fiber is resumed        fiber.c: in the resumer, before and after
 *
 * INVARIANTS
 *  1. A new stack begins with zeroes: whoever was left before has left them.
 *  2. A task that ends leaves zeroes: its last frame has finished its catch
 *     blocks.
 *  3. While a fiber runs, the thread has that fiber's; its resumer's lie in the
 *     resumer's frame.  So a task that parks inside of one takes the fiber's.
 *
 * COST  Where there is no C++ a park asks whether there is, three instructions
 * of about 190, and a fiber nothing at all: fibers that need more are in a
 * state that the assembly does not know (fiber.c).  With C++ a park looks at
 * the two words, through the worker, who remembers where its thread's are: nine
 * more; and only a stack that holds something leaves by another way (valgrind
 * --tool=callgrind build/release/bench/yield, and linked with libstdc++).  A
 * fiber's are exchanged at each resume, since nobody remembers for it where
 * they are: 200 instructions for a resume and a yield, 85 in C.
 *
 * WHERE THEY ARE is asked of the C++ library, by a weak reference: a program
 * that has none at its start has NULL here.  One that is loaded later tells us
 * (gofer/cxx.h); workers look again at their next park, and those that already
 * run C++ before they are told are as if nothing had been done.  The function
 * is called anew after every switch, through a pointer: declared as it is in
 * <cxxabi.h>, as const, its answer would be kept.
 *
 * WHY NOT a mark on tasks that throw?  Nobody is told that one does, but the
 * two words themselves.  WHY NOT look from a place of its own, out of line?
 * The call costs 24 instructions more in each C++ program's park.
 *
 * AN EXCEPTION THAT NOBODY CATCHES reaches the first frame of a stack while the
 * unwinder still searches for a handler, before anything is unwound.  That
 * frame has a "personality", here, which says whose exception it is, and lets
 * the unwinder go on; it finds the end of the stack, and the C++ library calls
 * std::terminate(), with all frames still there for a core dump.  A function
 * that a thread of the pool runs is called through go__context_call(), which
 * has the same one.  It also hears of pthread_exit() and of cancelled threads,
 * which unwind by force, when all frames are gone; what they leave behind, a
 * worker without a thread, cannot be repaired.
 *
 * TESTS  tests/cxx.
 */
#include "arch/exceptions.h"

#include <errno.h>
#include <gofer/cxx.h>
#include <unistd.h>

#include "arch/context.h"
#include "arch/overflow.h"
#include "arch/text.h"

#ifdef __ELF__
extern void *__cxa_get_globals(void) __attribute__((weak));
#define AT_START __cxa_get_globals
#else
/* A weak reference needs a definition there when the program is linked. */
#define AT_START NULL
#endif

void *(*_Atomic go__exceptions_getter)(void) = AT_START;

struct go__exceptions *go__exceptions_here(void)
{
	/* relaxed: constant since somebody has seen it [cxx]. */
	return atomic_load_explicit(&go__exceptions_getter,
				    memory_order_relaxed)();
}

struct go__exceptions go__exceptions_leave(void)
{
	if (!go__exceptions_known())
		return (struct go__exceptions){NULL, 0};
	return go__exceptions_take(go__exceptions_here());
}

struct go__exceptions go__exceptions_swap(const struct go__exceptions *next)
{
	struct go__exceptions *e = go__exceptions_here();
	struct go__exceptions left = *e;

	*e = *next;
	return left;
}

void go__exceptions_arrive(const struct go__exceptions *e)
{
	/* What became known since has been left by nobody. */
	if (go__exceptions_any(e))
		*go__exceptions_here() = *e;
}

int go_cxx_attach(void *(*globals)(void))
{
	void *(*known)(void) = NULL;

	if (!globals)
		return -EINVAL;
	/* relaxed: [cxx], in exceptions.h; it guards nothing but itself. */
	if (atomic_compare_exchange_strong_explicit(
		    &go__exceptions_getter, &known, globals,
		    memory_order_relaxed, memory_order_relaxed))
		return 0;
	/* The same library may have two names for it. */
	return known() == globals() ? 0 : -EBUSY;
}

/* ---- the end of a stack ---- */

enum {
	/* Of the unwinding ABI, with _UA_ and _URC_ in front. */
	SEARCH_PHASE = 1,
	FORCE_UNWIND = 8,
	CONTINUE_UNWIND = 8,
};

/* Called by an unwinder at the frames that END_OF_STACK of asm.h marks. */
int go__context_personality(int version, int actions, uint64_t class,
			    void *exception, void *context);

static void report(const char *what, const char *then)
{
	struct go__text t;

	go__text_init(&t, STDERR_FILENO);
	go__text_put(&t, what);
	go__text_put(&t, " the function of ");
	go__overflow_who(&t, go__self_or_null());
	go__text_put(&t, then);
	(void)go__text_flush(&t);
}

int go__context_personality(int version, int actions, uint64_t class,
			    void *exception, void *context)
{
	(void)version, (void)class, (void)exception, (void)context;
	if (actions & SEARCH_PHASE)
		report("gofer: an exception left", "\n");
	else if (actions & FORCE_UNWIND)
		report("gofer: pthread_exit(), or a cancellation of the "
		       "thread, ended",
		       "; the thread is lost for its runtime\n");
	return CONTINUE_UNWIND;
}
