/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts: every subscriber sees every message, or is told how many it was
 * too slow for.  One subscribes at once, and is late; the other one later.
 *
 * Run it:    broadcast
 * Expect:    missed 2
 *            3
 *            4
 *            5
 *            6
 *            5
 *            6
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static void *show_all(void *arg)
{
	go_subscriber *s = arg;
	int64_t missed;
	int n;

	while ((missed = go_broadcast_recv(s, &n)) >= 0) {
		if (missed > 0)
			printf("missed %lld\n", (long long)missed);
		printf("%d\n", n);
	}
	return NULL; /* closed, and nothing is left */
}

static int show_in_task(go_subscriber *s)
{
	go_task t;
	int r = go_task_spawn(&t, show_all, s);

	return r < 0 ? r : go_task_join(t, NULL);
}

static void *count(void *unused)
{
	go_subscriber first, second;
	go_broadcast *numbers;
	int r;

	(void)unused;
	r = go_broadcast_create(&numbers, sizeof(int), 4);
	if (r < 0)
		return GO_INT(r);
	go_broadcast_subscribe(numbers, &first);
	for (int n = 1; n <= 6; n++) {
		if (n == 5)
			go_broadcast_subscribe(numbers, &second);
		go_broadcast_send(numbers, &n);
	}
	go_broadcast_close(numbers);
	r = show_in_task(&first);
	if (r == 0)
		r = show_in_task(&second);
	go_broadcast_destroy(numbers);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, count, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "broadcast: %s\n", strerror(-r));
	return r < 0;
}
