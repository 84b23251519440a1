/* SPDX-License-Identifier: MIT */
/*
 * The smallest program: something done at a steady pace.
 *
 * Run it:    ticker
 * Expect:    tick
 *            tick
 *            tick
 */
#include <gofer.h>

#include <stdio.h>

static void *tick(void *unused)
{
	int64_t next = go_now();

	for (int i = 0; i < 3; i++) {
		next += 20 * GO_MILLISECOND;
		if (go_sleep_until(next) < 0)
			break; /* cancelled */
		printf("tick\n");
	}
	return unused;
}

int main(void)
{
	return go_run(tick, NULL) < 0;
}
