/* SPDX-License-Identifier: MIT */
/*
 * Passing a descriptor over a Unix socket, as a front process hands connections
 * to its workers; and giving one to code that knows nothing of this library.
 * Here both sides are tasks of one process, and it is a pipe that is passed.
 *
 * Run it:    passing
 * Expect:    the worker has got 1 descriptor
 *            said by other_library
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int hand_over(int to, int fd)
{
	ssize_t r = go_send_fds(to, "c", 1, &fd, 1);

	go_close(fd); /* Ours; the receiver has its own, or has none. */
	return r < 0 ? (int)r : 0;
}

/* Plain C, which blocks, and closes what it is given. */
static int other_library(int fd)
{
	FILE *f = fdopen(fd, "w");

	if (!f)
		return -go_errno();
	fprintf(f, "said by other_library");
	return fclose(f) == 0 ? 0 : -go_errno();
}

static int run_elsewhere(int fd)
{
	int r = go_fd_release(fd);

	if (r == 0)
		r = other_library(fd); /* It may close it, too. */
	return r;
}

static void *work(void *arg)
{
	int from = GO_TO_INT(arg), fd = -1;
	size_t count = 1;
	char letter;
	ssize_t n = go_recv_fds(from, &letter, 1, &fd, &count);
	int r = n < 0 ? (int)n : 0;

	if (n > 0)
		printf("the worker has got %zu descriptor\n", count);
	/* It is this program's alone by now, so its mode is, too. */
	if (n > 0 && count == 1)
		r = go_fd_adopt(fd, GO_FD_CLOEXEC);
	if (n > 0 && count == 1 && r == 0)
		r = run_elsewhere(fd);
	go_close(from);
	return GO_INT(r);
}

static int print_all(int fd)
{
	char text[64];
	ssize_t n;

	while ((n = go_read(fd, text, sizeof text)) > 0)
		printf("%.*s", (int)n, text);
	printf("\n");
	go_close(fd);
	return (int)n;
}

static void *start(void *unused)
{
	int sockets[2], pipes[2], r;
	void *result = NULL;
	go_task worker;

	(void)unused;
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&worker, work, GO_INT(sockets[1]));
	if (r < 0) {
		go_close(sockets[1]);
		go_close(sockets[0]);
		return GO_INT(r);
	}
	r = go_pipe(pipes);
	if (r == 0) {
		r = hand_over(sockets[0], pipes[1]);
		if (r == 0)
			r = print_all(pipes[0]);
		else
			go_close(pipes[0]);
	}
	go_close(sockets[0]);
	go_task_join(worker, &result);
	return r < 0 ? GO_INT(r) : result;
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "passing: %s\n", strerror(-r));
	return r < 0;
}
