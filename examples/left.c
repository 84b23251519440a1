/* SPDX-License-Identifier: MIT */
/*
 * A shutdown with a time limit, and a call that does not return: the shutdown
 * comes back all the same, and standard error says what is left.  Here the call
 * returns after all; a program that need not wait for it would just exit.
 *
 * Run it:    left
 * Expect:    tasks left: 1, tasks left: 0
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static go_event begun = GO_EVENT_INIT, release = GO_EVENT_INIT;

/* Stands for a call into some library that waits for something else. */
static void *call_out(void *unused)
{
	(void)go_event_set(&begun);
	(void)go_event_wait(&release);
	return unused;
}

static void *start(void *unused)
{
	int r = go_blocking_spawn(call_out, NULL);

	(void)unused;
	/* Or it may be withdrawn before it has begun. */
	return GO_INT(r == 0 ? go_event_wait(&begun) : r);
}

static int use(go_runtime *rt)
{
	void *result = NULL;
	int r = go_runtime_block_on(rt, start, NULL, &result);

	return r == 0 ? GO_TO_INT(result) : r;
}

static void end(go_runtime *rt)
{
	int left;

	left = go_runtime_shutdown(rt, 100 * GO_MILLISECOND);
	printf("tasks left: %d, ", left);
	if (left > 0)
		go_runtime_left(rt, go_left_print, NULL);
	(void)go_event_set(&release);
	left = go_runtime_shutdown(rt, GO_NEVER);
	printf("tasks left: %d\n", left);
}

int main(void)
{
	go_runtime *rt;
	int r = go_runtime_create(&rt, NULL), error;

	if (r == 0) {
		r = use(rt);
		end(rt);
		error = go_runtime_destroy(rt);
		if (r == 0)
			r = error;
	}
	if (r < 0)
		fprintf(stderr, "left: %s\n", strerror(-r));
	return r < 0;
}
