/* SPDX-License-Identifier: MIT */
/*
 * A task that computes for long: the program is told which one, where it was
 * spawned, and that others wait for it, by a line on standard error; meanwhile
 * another task is served all the same, by a worker that is lent, although the
 * runtime has only one.  GOFER_BACKTRACE_SIGNAL=12 in the environment adds
 * lines that say in which functions the task was.
 *
 * Run it:    stuck
 * Expect:    served
 */
#include <gofer.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_bool served;

static void *serve(void *unused)
{
	atomic_store(&served, true);
	return unused;
}

/* Has something to serve, and computes until that is done, without a pause. */
static void *dig(void *unused)
{
	int r = go_spawn(serve, NULL);

	(void)unused;
	while (r == 0 && !atomic_load(&served))
		;
	return GO_INT(r);
}

static void *start(void *unused)
{
	go_task task;
	go_spawn_options digger = {.name = "digger", .task = &task};
	void *result = NULL;
	int r = go_spawn_with(&digger, dig, NULL);

	(void)unused;
	if (r == 0)
		r = go_task_join(task, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r == 0)
		printf("served\n");
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	go_runtime_options options = {.on_stuck = go_stuck_print};
	int r;

	options.workers = 1;
	r = go_run_with(&options, start, NULL, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "stuck: %s\n", strerror(-r));
	return r < 0;
}
