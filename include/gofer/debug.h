/* SPDX-License-Identifier: MIT */
/*
 * What a program is doing: every task, and what it waits for.
 *
 * When a program hangs, ask it:
 *
 *     r = go_dump(2);
 *
 * or let a signal ask (go_runtime_options.dump_signal).  docs/debugging.md
 * shows a dump and how to read it.
 */
#ifndef GOFER_DEBUG_H
#define GOFER_DEBUG_H

#include <gofer/runtime.h>

GO_BEGIN_DECLS

/*
 * Write a list of all runtimes of the process to a descriptor: what each
 * worker runs, and of each task its id, name, where it was spawned, its state,
 * what it waits for, and its stack.  Takes no lock, allocates nothing and may
 * be called in a signal handler, so it works when everything is stuck; it does
 * wait for the descriptor to take the text.  Tasks that begin, end or change
 * meanwhile may be missing or shown as they were a moment before or after.
 *
 * Returns  0; what write(2) fails with, negated.
 * Context  any, signal handlers included.
 * Parks    never; blocks in write(2).
 */
GO_API int go_dump(int fd);

/*
 * As go_dump(), for one runtime, which must not be destroyed meanwhile.
 *
 * Returns  0; -EINVAL (runtime is null); what write(2) fails with, negated.
 * Context  any, signal handlers included.
 * Parks    never; blocks in write(2).
 */
GO_API int go_runtime_dump(go_runtime *runtime, int fd);

/*
 * A task that has kept its worker for longer than the runtime's stuck_after_ns
 * while others wait for it (runtime.h, HOGS).  Valid during the call of
 * on_stuck that it is given to; the site stays.
 *
 *     go_runtime_options options = {.on_stuck = go_stuck_print};
 *     ...
 *     r = go_run_with(&options, start, NULL, &result);
 *
 * (examples/stuck.c is the whole program.)
 */
typedef struct go_stuck_report {
	go_runtime *runtime;
	uint64_t task;    /* Its id: that of its go_task, and in a dump. */
	const char *name; /* The first 64 bytes; NULL: it has none. */
	const char *site; /* Where it was spawned: "file:line". */
	int64_t ran_ns;   /* How long it has run by now without a pause. */
	/* Where it was a moment later: the innermost functions, at most 32,
	 * that in which it was first; of the others, return addresses.  A task
	 * that is inside a raw fiber (fiber.h) shows the stack of that.  0,
	 * NULL: nobody has asked (go_runtime_options.backtrace_signal), or it
	 * has not answered. */
	unsigned frame_count;
	void *const *frames;
} go_stuck_report;

/*
 * Write a report to standard error; a ready-made on_stuck.  One line, and one
 * more for each frame: its module, how far in that it is, and the address.
 * With glibc before 2.35 and on macOS they are from backtrace_symbols_fd(3),
 * which may wait for the dynamic linker's lock, as while a thread is in
 * dlopen(3); with other C libraries there is the address alone.
 *
 * Returns  nothing.
 * Context  any, signal handlers included; but for these where it may wait for
 *          that lock and there are frames.
 * Parks    never; blocks in write(2).
 */
GO_API void go_stuck_print(const go_stuck_report *report, void *unused);

/*
 * Something that is left of a runtime: a task that has not ended; or, when it
 * is shut down but for that, threads that have not, in which a destructor of a
 * thread-local value or an on_stuck runs.  Valid during the call that it is
 * given to; the site stays.
 */
typedef struct go_left {
	go_runtime *runtime;
	uint64_t task;     /* Its id, as in a dump; 0: threads. */
	const char *name;  /* The first 64 bytes; NULL: it has none. */
	const char *site;  /* Where it was spawned: "file:line". */
	const char *state; /* What it does or waits for, in words. */
	unsigned threads;  /* How many, if there is no task. */
	bool blocked;      /* It blocks a thread in a blocking call. */
} go_left;

/*
 * Tell what is left of a runtime, as after a shutdown whose time was not
 * enough: call fn(&left, arg) for each task that has not ended, and for threads
 * that have not.  fn may be null.  May be called at any time; tasks that begin,
 * end or change meanwhile may be missing, or shown as they were a moment before
 * or after.  fn may call whatever the caller may, and park, but not destroy the
 * runtime.  If it forks, it is not called again in the child.
 *
 *     left = go_runtime_shutdown(rt, 100 * GO_MILLISECOND);
 *     ...
 *     if (left > 0)
 *             go_runtime_left(rt, go_left_print, NULL);
 *
 * (examples/left.c is the whole program.)
 *
 * Returns  how often fn was called, or would have been; -EINVAL (runtime is
 *          null); -ECHILD (it is the parent's: runtime.h, FORK; or fn has
 *          forked, and this is the child).
 * Context  any.
 * Parks    never, unless fn does.
 */
GO_API int go_runtime_left(go_runtime *runtime,
			   void (*fn)(const go_left *left, void *arg),
			   void *arg);

/*
 * Write to standard error what is left, in one line; a ready-made fn.
 *
 * Returns  nothing.
 * Context  any, signal handlers included.
 * Parks    never; blocks in write(2).
 */
GO_API void go_left_print(const go_left *left, void *unused);

GO_END_DECLS

#endif
