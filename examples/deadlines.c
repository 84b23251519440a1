/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: how long several calls together may wait, without a time-out in
 * any of them.
 *
 * A peer is asked twice, and answers once.
 *
 * Run it:    deadlines
 * Expect:    42
 *            Connection timed out
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

/* Send a question and receive the answer, all of that within limit_ns. */
static int ask(int fd, int64_t limit_ns, char *answer, size_t size)
{
	GO_TIMEOUT(limit_ns);
	ssize_t r = go_write_all(fd, "?", 1, NULL);

	if (r >= 0)
		r = go_read(fd, answer, size);
	return (int)r;
}

static void *answer_once(void *arg)
{
	int fd = GO_TO_INT(arg);
	char question;

	if (go_read(fd, &question, 1) == 1 &&
	    go_write_all(fd, "42", 2, NULL) == 0)
		go_sleep(GO_NEVER); /* silent, until it is cancelled */
	go_close(fd);
	return NULL;
}

static void ask_and_print(int fd, int64_t limit_ns)
{
	char answer[8];
	int r = ask(fd, limit_ns, answer, sizeof answer);

	if (r < 0)
		printf("%s\n", strerror(-r));
	else
		printf("%.*s\n", r, answer);
}

static void *ask_twice(void *unused)
{
	go_task peer;
	int pair[2], r;

	(void)unused;
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&peer, answer_once, GO_INT(pair[1]));
	if (r < 0) {
		go_close(pair[1]);
	} else {
		ask_and_print(pair[0], 60 * GO_SECOND);
		ask_and_print(pair[0], 20 * GO_MILLISECOND);
		go_task_cancel(peer);
		r = go_task_join(peer, NULL);
	}
	go_close(pair[0]);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, ask_twice, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "deadlines: %s\n", strerror(-r));
	return r < 0;
}
