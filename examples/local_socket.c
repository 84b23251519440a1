/* SPDX-License-Identifier: MIT */
/*
 * A service on this machine only, at a path: who may open the folder may
 * connect.  Both ends write a head and a body by one call, without copying them
 * together, and the client reads and writes in two tasks, each of which closes
 * a number of its own for the same socket.
 *
 * Run it:    local_socket
 * Expect:    server: 00003 one
 *            server: 00003 two
 *            client: 2 answers
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	HEAD = 5,
	WORD = 3
};

/* Few enough bytes for the socket to take them all at once. */
static int send_message(int fd, const char *word)
{
	char head[16];
	struct iovec parts[] = {{head, HEAD}, {(char *)word, WORD}};
	ssize_t n;

	snprintf(head, sizeof head, "%05d", WORD);
	n = go_writev(fd, parts, 2);
	if (n < 0)
		return (int)n;
	return n == HEAD + WORD ? 0 : -EIO;
}

/* Returns 1, 0 at the end, and less on an error. */
static int receive_message(int fd, char *head, char *word)
{
	struct iovec parts[] = {{head, HEAD}, {word, WORD}};
	ssize_t n = go_readv(fd, parts, 2);

	if (n <= 0)
		return (int)n;
	/* A stream may be cut anywhere: read what is missing. */
	if (n < HEAD) {
		int r = go_read_full(fd, head + n, (size_t)(HEAD - n), NULL);

		if (r < 0)
			return r;
		n = HEAD;
	}
	n = go_read_full(fd, word + n - HEAD, (size_t)(HEAD + WORD - n), NULL);
	return n < 0 ? (int)n : 1;
}

/* One client, and it is over. */
static void *serve(void *arg)
{
	int fd = go_accept(GO_TO_INT(arg), NULL, NULL), r;
	char head[HEAD], word[WORD];

	if (fd < 0)
		return GO_INT(fd);
	while ((r = receive_message(fd, head, word)) > 0) {
		printf("server: %.5s %.3s\n", head, word);
		r = send_message(fd, word);
		if (r < 0)
			break;
	}
	go_close(fd);
	return GO_INT(r);
}

static void *count_answers(void *arg)
{
	int fd = GO_TO_INT(arg), n = 0, r;
	char head[HEAD], word[WORD];

	while ((r = receive_message(fd, head, word)) > 0)
		n++;
	go_close(fd);
	return GO_INT(r < 0 ? r : n);
}

static int converse(int fd)
{
	int reading = go_dup(fd), r;
	void *n = NULL;
	go_task reader;

	if (reading < 0)
		return reading;
	r = go_task_spawn(&reader, count_answers, GO_INT(reading));
	if (r < 0) {
		go_close(reading);
		return r;
	}
	r = send_message(fd, "one");
	if (r == 0)
		r = send_message(fd, "two");
	go_shutdown(fd, SHUT_WR); /* of the socket, by whatever number */
	if (go_task_join(reader, &n) == 0 && r == 0)
		r = GO_TO_INT(n);
	if (r < 0)
		return r;
	printf("client: %d answers\n", r);
	return 0;
}

static int serve_and_dial(int listener, const char *path)
{
	void *result = NULL;
	go_task server;
	int r = go_task_spawn(&server, serve, GO_INT(listener)), fd;

	if (r < 0)
		return r;
	fd = go_unix_dial(path);
	r = fd;
	if (fd >= 0) {
		r = converse(fd);
		go_close(fd);
	} else {
		go_task_cancel(server);
	}
	if (go_task_join(server, &result) == 0 && r == 0)
		r = GO_TO_INT(result);
	return r;
}

static void *start(void *arg)
{
	char path[64];
	int listener, r;

	snprintf(path, sizeof path, "%s/socket", (char *)arg);
	listener = go_unix_listen(path);
	if (listener < 0)
		return GO_INT(listener);
	r = serve_and_dial(listener, path);
	go_close(listener);
	(void)unlink(path); /* the file stays otherwise */
	return GO_INT(r);
}

int main(void)
{
	char folder[] = "/tmp/local_socket-XXXXXX"; /* for us alone */
	void *result = NULL;
	int r = mkdtemp(folder) ? 0 : -errno;

	if (r == 0) {
		r = go_run_with(NULL, start, folder, &result);
		(void)rmdir(folder);
	}
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "local_socket: %s\n", strerror(-r));
	return r < 0;
}
