/* SPDX-License-Identifier: MIT */
/*
 * Raw fibers: stackful coroutines by themselves.
 *
 * A fiber is a function with a stack of its own.  It runs when it is resumed,
 * on the thread and at the expense of whoever resumes it, until it yields or
 * returns; then that caller goes on.  There is no scheduler in this: no other
 * thread, no queue, no runtime.  Use it for generators, parsers that are fed
 * piece by piece, interpreters, or a scheduler of your own.
 *
 *	static void *squares(void *arg, void *in)
 *	{
 *		(void)in;
 *		for (intptr_t i = 1; i <= (intptr_t)arg; i++)
 *			fiber_yield((void *)(i * i));
 *		return NULL;
 *	}
 *	...
 *	fiber *f;
 *	void *square;
 *
 *	if (fiber_create(&f, squares, (void *)3, NULL) < 0)
 *		return 1;
 *	while (fiber_resume(f, NULL, &square) == 0 && !fiber_done(f))
 *		printf("%d\n", (int)(intptr_t)square);
 *	fiber_destroy(f);
 *
 * OWNERSHIP  A fiber may be used by any thread or task, by one at a time: it
 * may be resumed here now and there later, but who hands it over must do it
 * with what hands over any object (a lock, a queue).
 *
 * INSIDE A TASK  A task may run fibers.  When a function of the library waits
 * inside such a fiber, the whole task parks, with the fiber that it runs, and
 * may go on on another thread.  Thread-local variables therefore keep no value
 * across such a call, and errno after it is go_errno() (base.h).
 *
 * SIGNALS AND EXCEPTIONS  The signal mask belongs to the thread, and a switch
 * leaves it alone.  The floating-point environment (rounding, exception masks)
 * belongs to the fiber, and starts with the defaults.  An exception, a longjmp
 * or pthread_exit must not leave the fiber's function.
 */
#ifndef GOFER_FIBER_H
#define GOFER_FIBER_H

#include <gofer/base.h>

GO_BEGIN_DECLS

/* A fiber.  Lives from fiber_create() to fiber_destroy(). */
typedef struct fiber fiber;

/*
 * What a fiber runs: `arg` is from fiber_create(), `in` from the first
 * fiber_resume().  What it returns is the last value that a resume gets.
 */
typedef void *fiber_fn(void *arg, void *in);

/*
 * How to make a fiber.  All zero, like a null pointer, means the defaults.
 *
 *	fiber_options options = {.stack_bytes = 1 << 20};
 *	int error = fiber_create(&f, walker, (void *)tree, &options);
 */
typedef struct fiber_options {
	/*
	 * Bytes that the fiber's functions may use; 0 means 192 KiB.  It is
	 * rounded up so that stack and guard together are a power of two
	 * (64 KiB, 192 KiB, 448 KiB, 960 KiB ...).  It costs address space;
	 * memory is used page by page as the stack grows.  Leave at least 16
	 * KiB for what libc and signal handlers take.
	 */
	size_t stack_bytes;
	uint64_t reserved[8]; /* Must be zero. */
} fiber_options;

/*
 * Make a fiber that will run fn(arg, in).  It does not run before it is
 * resumed.  `options` may be null and is not kept.  On failure *f is null.
 *
 * Returns  0; -EINVAL (f or fn is null, a reserved field is not zero, or
 *          stack_bytes is more than the address space holds); -ENOMEM (no
 *          memory, no address space, or no more stacks can be guarded).
 * Context  any.
 * Parks    never.
 */
GO_API int fiber_create(fiber **f, fiber_fn *fn, void *arg,
			const fiber_options *options);

/*
 * Run a fiber until it yields or returns.  `in` is what its fiber_yield()
 * returns, or its function's second argument on the first resume.  What it
 * yields or returns is stored in *out, unless out is null; *out must stay
 * valid until then.  fiber_done() tells the two ends apart.
 *
 * Returns  0; -EINVAL (f is null); -EBUSY (it is running: the caller itself,
 *          or one that waits for the caller to yield); -ESRCH (its function has
 *          returned).  On an error *out is left alone.
 * Context  any, another fiber included; one caller at a time.
 * Parks    as the fiber's function does.
 */
GO_API int fiber_resume(fiber *f, void *in, void **out);

/*
 * Stop running and let the resume that runs the innermost fiber return with
 * `out`.  Goes on when it is resumed again.
 *
 * Returns  the `in` of the next resume; null at once if no fiber runs.
 * Context  inside a fiber.
 * Parks    never.  (The fiber may be resumed on another thread.)
 */
GO_API void *fiber_yield(void *out);

/*
 * Tell whether a fiber's function has returned.
 *
 * Returns  true if so, or if f is null.
 * Context  any; not while another thread resumes it.
 * Parks    never.
 */
GO_API bool fiber_done(const fiber *f);

/*
 * Find out which fiber runs.
 *
 * Returns  the innermost running fiber of the caller; null if there is none.
 * Context  any.
 * Parks    never.
 */
GO_API fiber *fiber_current(void);

/*
 * Tell how much of its stack a fiber has used at most, to the page.
 * (examples/stacks.c)
 *
 * Returns  bytes; 0 if f is null, has not run, or the system does not tell.
 * Context  any; not while another thread destroys it.
 * Parks    never.
 */
GO_API size_t fiber_stack_used(const fiber *f);

/*
 * Free a fiber and its stack.  One that is suspended never goes on: its
 * function is not unwound, and what it holds stays held.
 *
 * Returns  0 (also if f is null); -EBUSY (it is running).
 * Context  any; one caller at a time.
 * Parks    never.
 */
GO_API int fiber_destroy(fiber *f);

/*
 * Let the calling thread report when a fiber overflows its stack: which fiber,
 * how large its stack is, and where.  Then the program ends as it does without.
 * Installs handlers of SIGSEGV and SIGBUS for the process, once and for good;
 * they pass on every signal to the handlers that were there before.  The thread
 * gets an alternate signal stack unless it has one; `on` false takes that back,
 * and a thread that turned it on must do so before it ends.
 *
 * Threads of a runtime do this by themselves.
 *
 * Returns  0; -ENOMEM.
 * Context  plain thread, outside of any fiber.
 * Parks    never.
 */
GO_API int fiber_report_overflow(bool on);

GO_END_DECLS

#endif
