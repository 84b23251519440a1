/* SPDX-License-Identifier: MIT */
/*
 * What would be a deadlock is refused, and explained to whoever runs the
 * program: once for each kind of call, on standard error, since the result of
 * such a call is often not looked at.
 *
 * TESTS  test_options.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arch/sys.h"
#include "sched/worker.h"

static const char *const text[] = {
	[GO__REFUSED_RUN] =
		"gofer: go_run() by a task would block its worker: refused with"
		" -EDEADLK; spawn a task and join it, or call it from a plain"
		" thread\n",
	[GO__REFUSED_BLOCK_ON] =
		"gofer: go_runtime_block_on() by a task would block its worker:"
		" refused with -EDEADLK; spawn a task into that runtime"
		" (go_spawn_options.runtime) and go_task_join() it\n",
	[GO__REFUSED_SHUTDOWN] =
		"gofer: go_runtime_shutdown() from inside that runtime would"
		" wait for its caller: refused with -EDEADLK; call it from a"
		" thread outside, or let the main task return\n",
	[GO__REFUSED_DESTROY] =
		"gofer: go_runtime_destroy() from inside that runtime would"
		" free it under its caller: refused with -EDEADLK; call it from"
		" a thread outside, after go_runtime_shutdown()\n",
};

int go__refuse(enum go__refused what)
{
	static _Atomic unsigned told; /* A bit for each kind. */
	struct go_runtime *rt = go__runtime_self();
	unsigned bit = 1u << what;

	if (rt && rt->quiet)
		return -EDEADLK;
	/* relaxed: nothing goes with it. */
	if (!(atomic_fetch_or_explicit(&told, bit, memory_order_relaxed) & bit))
		(void)go__sys_write(STDERR_FILENO, text[what],
				    strlen(text[what]));
	return -EDEADLK;
}
