/* SPDX-License-Identifier: MIT */
/*
 * A runtime inside of a runtime: refused in a task, and how it is done instead.
 *
 * Shows the way back from code that blocks: a function on a thread of the
 * blocking pool may wait for tasks of the runtime that it came from.
 *
 * Run it:    nested
 * Expect:    go_run in a task: Resource deadlock avoided
 *            a blocking thread got 42 from a task
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static void *answer(void *unused)
{
	(void)unused;
	return GO_INT(go_sleep(10 * GO_MILLISECOND) == 0 ? 42 : 0);
}

/* What blocks its thread, and needs a task now and then. */
static void *on_a_blocking_thread(void *runtime)
{
	void *result = NULL;
	int r = go_runtime_block_on(runtime, answer, NULL, &result);

	if (r == 0)
		printf("a blocking thread got %d from a task\n",
		       GO_TO_INT(result));
	return GO_INT(r);
}

static void *main_task(void *unused)
{
	go_runtime *here = go_runtime_current();
	void *result = NULL;
	int r = go_run(answer, NULL); /* would block this task's worker */

	(void)unused;
	printf("go_run in a task: %s\n", strerror(-r));
	r = go_blocking(on_a_blocking_thread, here, &result);
	return r < 0 ? GO_INT(r) : result;
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, main_task, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "nested: %s\n", strerror(-r));
	return r < 0;
}
