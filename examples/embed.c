/* SPDX-License-Identifier: MIT */
/*
 * A runtime in a program that has threads of its own: the main thread waits in
 * plain blocking calls for what tasks work out.
 *
 * Run it:    embed
 * Expect:    6 * 7 = 42
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static void *compute(void *question)
{
	const int *factors = question;

	return GO_INT(factors[0] * factors[1]);
}

/* Runs until the runtime is shut down, which cancels it. */
static void *housekeeping(void *unused)
{
	while (go_sleep(GO_SECOND) == 0)
		;
	return unused;
}

int main(void)
{
	go_runtime_options options = {.workers = 2, .thread_name = "embedded"};
	int question[] = {6, 7};
	go_runtime *rt;
	void *answer;
	int left, error;
	int r = go_runtime_create(&rt, &options);

	if (r == 0) {
		r = go_runtime_spawn(rt, housekeeping, NULL);
		if (r == 0)
			r = go_runtime_block_on(rt, compute, question, &answer);
		if (r == 0)
			printf("6 * 7 = %d\n", GO_TO_INT(answer));
		left = go_runtime_shutdown(rt, 60 * GO_SECOND);
		if (left > 0)
			printf("tasks left: %d\n", left);
		error = go_runtime_destroy(rt); /* -EBUSY if any are left */
		if (r == 0)
			r = error;
	}
	if (r < 0)
		fprintf(stderr, "embed: %s\n", strerror(-r));
	return r < 0;
}
