/* SPDX-License-Identifier: MIT */
/*
 * A thread that enters a runtime spawns into it as a task would.
 *
 * Run it:    enter
 * Expect:    hello from a thread that has entered
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static void *greet(void *whose)
{
	printf("hello from %s\n", (const char *)whose);
	return NULL;
}

int main(void)
{
	static char who[] = "a thread that has entered";
	go_runtime *rt;
	int r = go_runtime_create(&rt, NULL);

	if (r == 0) {
		r = go_runtime_enter(rt);
		if (r == 0) {
			r = go_spawn(greet, who);
			go_runtime_leave();
		}
		(void)go_runtime_shutdown(rt, GO_NEVER); /* the task runs */
		(void)go_runtime_destroy(rt);
	}
	if (r < 0)
		fprintf(stderr, "enter: %s\n", strerror(-r));
	return r < 0;
}
