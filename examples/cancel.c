/* SPDX-License-Identifier: MIT */
/*
 * Cancellation: a result like any other, and clean-up that may still wait.
 *
 * A task talks to a peer until it is cancelled; then it takes its leave.
 *
 * Run it:    cancel
 * Expect:    hello
 *            bye
 *            it ended with: Operation canceled
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

/* Shielded, or else the write would fail with -ECANCELED as well. */
static void take_leave(int fd)
{
	GO_SHIELD();
	GO_TIMEOUT(60 * GO_SECOND);
	go_write_all(fd, "bye\n", 4, NULL);
}

static void *talk(void *arg)
{
	int fd = GO_TO_INT(arg);
	int r = go_write_all(fd, "hello\n", 6, NULL);

	if (r == 0)
		r = go_sleep(GO_NEVER);
	take_leave(fd);
	go_close(fd);
	return GO_INT(r);
}

/* Cancel the talker once it has said something; print all it says. */
static int listen_to(go_task talker, int fd)
{
	void *result;
	char text[64];
	ssize_t n;
	int r;

	while ((n = go_read(fd, text, sizeof text)) > 0) {
		printf("%.*s", (int)n, text);
		go_task_cancel(talker); /* a second time it does nothing */
	}
	r = go_task_join(talker, &result);
	if (r == 0)
		printf("it ended with: %s\n", strerror(-GO_TO_INT(result)));
	return r;
}

static void *start(void *unused)
{
	go_task talker;
	int pair[2], r;

	(void)unused;
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&talker, talk, GO_INT(pair[1]));
	if (r < 0)
		go_close(pair[1]);
	else
		r = listen_to(talker, pair[0]);
	go_close(pair[0]);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "cancel: %s\n", strerror(-r));
	return r < 0;
}
