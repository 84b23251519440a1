/* SPDX-License-Identifier: MIT */
/*
 * An echo server: one task per connection, in plain blocking style.
 *
 * Run it, and talk to it from another terminal:
 *
 *     ./echo_server 127.0.0.1:8080
 *     nc 127.0.0.1 8080
 *
 * Each line comes back.  Ten thousand connections are ten thousand tasks, on
 * as many threads as the machine has CPUs.
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg);
	char buffer[1024];
	ssize_t n;

	while ((n = go_read(fd, buffer, sizeof buffer)) > 0)
		if (go_write_all(fd, buffer, (size_t)n, NULL) < 0)
			break; /* the client has gone */
	go_close(fd);
	return NULL;
}

static void *listen_and_serve(void *address)
{
	int listener = go_tcp_listen(address);
	int fd = listener;

	while (fd >= 0) {
		fd = go_accept(listener, NULL, NULL);
		if (fd >= 0 && go_spawn(serve, GO_INT(fd)) < 0)
			go_close(fd); /* no memory for one more */
	}
	fprintf(stderr, "echo_server: %s: %s\n", (char *)address,
		strerror(-fd));
	return NULL;
}

int main(int argc, char **argv)
{
	char standard[] = "127.0.0.1:8080";
	int r = go_run(listen_and_serve, argc > 1 ? argv[1] : standard);

	if (r < 0)
		fprintf(stderr, "echo_server: %s\n", strerror(-r));
	return 1; /* it serves until it is stopped, or fails */
}
