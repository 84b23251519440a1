/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts: every subscriber sees every message, or is told how many it was
 * too slow for.  One subscribes at once, and is late; the other one later; the
 * third one takes what there is, and does not wait.
 *
 * Run it:    broadcast
 * Expect:    6 is the last one so far
 *            missed 2
 *            3
 *            4
 *            5
 *            6
 *            5
 *            6
 */
#include <gofer.h>

#include <errno.h>
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

/* In a loop that has other things to do as well. */
static int show_last(go_subscriber *s)
{
	int64_t missed;
	int n = 0;

	while ((missed = go_broadcast_try_recv(s, &n)) >= 0)
		;
	if (missed != -EAGAIN)
		return (int)missed;
	printf("%d is the last one so far\n", n);
	return 0;
}

static void *count(void *unused)
{
	go_subscriber first, second, third;
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
	third = first; /* a copy is another one, at the same place */
	r = show_last(&third);
	go_broadcast_close(numbers);
	if (r == 0)
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
