/* SPDX-License-Identifier: MIT */
/*
 * Buffered streams: a line protocol, its server and a client.  The client sends
 * three requests at once; the server answers them together, since it flushes
 * when it has nothing left to read.
 *
 * Run it:    lines
 * Expect:    you said: good morning
 *            you said: good night
 *            (the server has hung up)
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int answer(go_stream *s, char *line)
{
	if (strcmp(line, "quit") == 0)
		return 1;
	return go_stream_printf(s, "you said: %s\r\n", line);
}

/* One connection, until it says "quit", ends, or fails. */
static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg), r;
	go_stream *s;
	char *line;

	r = go_stream_open(&s, fd, NULL);
	if (r < 0) {
		go_close(fd);
		return GO_INT(r);
	}
	while (r == 0 && (r = go_stream_read_line(s, &line, NULL)) > 0)
		r = answer(s, line);
	if (r == -EMSGSIZE)
		go_stream_printf(s, "that line is too long\r\n");
	go_stream_close(s);
	return NULL;
}

static int converse(int fd)
{
	go_stream *s;
	char *line;
	int r = go_stream_open(&s, fd, NULL);

	if (r < 0) {
		go_close(fd);
		return r;
	}
	r = go_stream_printf(s, "good %s\r\ngood %s\r\nquit\r\n", "morning",
			     "night");
	while (r >= 0 && (r = go_stream_read_line(s, &line, NULL)) > 0)
		printf("%s\n", line);
	if (r == 0)
		printf("(the server has hung up)\n");
	go_stream_close(s);
	return r;
}

static void *start(void *unused)
{
	int fds[2], r;

	(void)unused;
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	if (r < 0)
		return GO_INT(r);
	r = go_spawn(serve, GO_INT(fds[0]));
	if (r < 0) {
		go_close(fds[0]);
		go_close(fds[1]);
		return GO_INT(r);
	}
	return GO_INT(converse(fds[1]));
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "lines: %s\n", strerror(-r));
	return r < 0;
}
