/* SPDX-License-Identifier: MIT */
/*
 * Sockets: an echo server and its client in one program.
 *
 * Run it:    echo
 * Expect:    anybody there?
 */
#include <gofer.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg);
	char line[512];
	ssize_t n;

	while ((n = go_read(fd, line, sizeof line)) > 0)
		if (go_write_all(fd, line, (size_t)n, NULL) < 0)
			break; /* the client has gone */
	go_close(fd);
	return NULL;
}

/* Runs until the listener is closed, or it is cancelled. */
static void *accept_all(void *arg)
{
	int listener = GO_TO_INT(arg);
	int fd;

	while ((fd = go_accept(listener, NULL, NULL)) >= 0)
		if (go_spawn(serve, GO_INT(fd)) < 0)
			go_close(fd); /* no memory for one more */
	return NULL;
}

static int say(const struct sockaddr_in *to, const char *text)
{
	int fd = go_socket(AF_INET, SOCK_STREAM, 0);
	char line[512];
	ssize_t r = fd;

	if (r >= 0)
		r = go_connect(fd, (const struct sockaddr *)to, sizeof *to);
	if (r >= 0)
		r = go_write_all(fd, text, strlen(text), NULL);
	if (r >= 0)
		r = go_read(fd, line, sizeof line);
	if (r >= 0)
		printf("%.*s\n", (int)r, line);
	if (fd >= 0)
		go_close(fd);
	return (int)r;
}

static void *start(void *unused)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	int listener = go_tcp_listen("127.0.0.1:0");
	int r = listener;

	(void)unused;
	if (r >= 0)
		r = go_spawn(accept_all, GO_INT(listener));
	if (r >= 0 &&
	    getsockname(listener, (struct sockaddr *)&address, &length) == 0)
		r = say(&address, "anybody there?");
	if (listener >= 0)
		go_close(listener);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "echo: %s\n", strerror(-r));
	return r < 0;
}
