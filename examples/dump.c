/* SPDX-License-Identifier: MIT */
/*
 * A dump: what every task of the program does, on standard error, whenever the
 * program asks for it, or somebody who presses Ctrl-\.
 *
 * Run it:    dump
 * Expect:    dumped
 */
#include <gofer.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void *wait_for_ever(void *unused)
{
	go_sleep(GO_NEVER);
	return unused;
}

static void *start(void *unused)
{
	go_spawn_options options = {.name = "sleeper"};
	int r = go_spawn_with(&options, wait_for_ever, NULL);

	(void)unused;
	if (r == 0)
		r = go_dump(2);
	if (r == 0) /* of one runtime, where there are several */
		r = go_runtime_dump(go_runtime_current(), 2);
	if (r == 0)
		printf("dumped\n");
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	go_runtime_options options = {.dump_signal = SIGQUIT};
	int r = go_run_with(&options, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "dump: %s\n", strerror(-r));
	return r < 0;
}
