/* SPDX-License-Identifier: MIT */
/*
 * Channels: one task makes values, another one takes them.
 *
 * Run it:    channels
 * Expect:    1
 *            4
 *            9
 *            16
 *            25
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static void *make_squares(void *arg)
{
	go_chan *squares = arg;

	for (int i = 1; i <= 5; i++) {
		int n = i * i;

		if (go_chan_send(squares, &n) < 0)
			break; /* cancelled, or nobody wants more */
	}
	go_chan_close(squares);
	return NULL;
}

static void *print_squares(void *unused)
{
	go_chan *squares;
	go_task maker;
	int n, r;

	(void)unused;
	r = go_chan_create(&squares, sizeof n, 2);
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&maker, make_squares, squares);
	if (r == 0) {
		while (go_chan_recv(squares, &n) == 0)
			printf("%d\n", n);
		r = go_task_join(maker, NULL);
	}
	go_chan_destroy(squares);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, print_squares, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "channels: %s\n", strerror(-r));
	return r < 0;
}
