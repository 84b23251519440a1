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
} go_stuck_report;

/*
 * Write a report to standard error, in one line; a ready-made on_stuck.
 *
 * Returns  nothing.
 * Context  any, signal handlers included.
 * Parks    never; blocks in write(2).
 */
GO_API void go_stuck_print(const go_stuck_report *report, void *unused);

GO_END_DECLS

#endif
