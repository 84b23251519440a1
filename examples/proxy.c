/* SPDX-License-Identifier: MIT */
/*
 * A TCP proxy: what comes in on one side goes out on the other.
 *
 * Shows two tasks per connection, one for each direction, in a group.  A side
 * that has said all it has to say (half-close) is shut down on the other side
 * too, while the other direction goes on.  A slow reader holds back the
 * writer by itself, since nothing is read before the last piece is written.
 * The first error ends both directions, and both sides are told by a reset:
 * what was cut off must not look like what is complete.
 *
 * Run it, and reach a server on port 8080 by port 9090 (addresses are numbers):
 *
 *     ./proxy 127.0.0.1:9090 127.0.0.1:8080
 *
 * It prints where it listens, and a line for each connection that fails, until
 * SIGINT (Ctrl-C) or SIGTERM, which cut off those that are left.
 */
#include <gofer.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static const char *target; /* set before the first task starts */

struct direction {
	int from, to;
};

static void *copy(void *arg)
{
	const struct direction *d = arg;
	char buffer[16384];
	ssize_t n;

	while ((n = go_read(d->from, buffer, sizeof buffer)) > 0) {
		n = go_write_all(d->to, buffer, (size_t)n, NULL);
		if (n < 0)
			break;
	}
	if (n == 0)
		n = go_shutdown(d->to, SHUT_WR);
	return GO_INT(n); /* an error cancels the other direction */
}

static int copy_both(int client, int server)
{
	struct direction up = {client, server}, down = {server, client};
	go_group_options options = {.cancel_on_error = true};
	GO_GROUP_WITH(both, &options);
	int r = go_group_spawn(&both, copy, &up);
	int error;

	if (r == 0)
		r = go_group_spawn(&both, copy, &down);
	if (r < 0)
		go_group_cancel(&both);
	error = go_group_wait(&both);
	return error ? error : r;
}

static void close_as(int fd, int result)
{
	struct linger at_once = {.l_onoff = 1};

	if (result < 0) /* closing resets the connection, then */
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof at_once);
	go_close(fd);
}

static int dial(void)
{
	GO_TIMEOUT(10 * GO_SECOND);

	return go_tcp_dial(target);
}

static void *serve(void *arg)
{
	int client = GO_TO_INT(arg);
	int server = dial(), r = server;

	if (server >= 0) {
		r = copy_both(client, server);
		close_as(server, r);
	}
	close_as(client, r);
	if (r < 0 && r != -ECANCELED)
		fprintf(stderr, "proxy: %s: %s\n", target, strerror(-r));
	return NULL;
}

/* Tells which port it is, if it was asked to listen at port 0. */
static void announce(int listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char host[64], port[8];

	if (getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
	    getnameinfo((struct sockaddr *)&address, length, host, sizeof host,
			port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		printf("listening on %s port %s\n", host, port);
	fflush(stdout);
}

static void *accept_all(void *arg)
{
	int listener = GO_TO_INT(arg);
	int fd;
	GO_GROUP(connections);

	while ((fd = go_accept(listener, NULL, NULL)) >= 0)
		if (go_group_spawn(&connections, serve, GO_INT(fd)) < 0)
			go_close(fd); /* no memory for one more */
	return GO_INT(fd); /* cancels the connections, and waits for them */
}

/*
 * A child of the server's group beside accept_all(): when a signal asks the
 * program to end, it returns an error, which cancels the others.
 */
static void *await_signal(void *signals)
{
	int sig = go_signals_recv(signals, NULL);

	return GO_INT(sig > 0 ? -ECANCELED : sig);
}

/* Returns 0 after a signal, when all connections have been closed. */
static int serve_until_signal(int listener, go_signals *signals)
{
	go_group_options options = {.cancel_on_error = true};
	GO_GROUP_WITH(server, &options);
	int error, r = go_group_spawn(&server, await_signal, signals);

	if (r == 0)
		r = go_group_spawn(&server, accept_all, GO_INT(listener));
	if (r < 0)
		go_group_cancel(&server);
	error = go_group_wait(&server);
	if (r < 0)
		return r;
	return error == -ECANCELED ? 0 : error;
}

static void *listen_and_serve(void *address)
{
	int listener = go_tcp_listen(address);
	int r = listener;
	go_signals *signals = NULL;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (r >= 0)
		r = go_signals_create(&signals, &set);
	if (r == 0) {
		announce(listener);
		r = serve_until_signal(listener, signals);
	}
	go_signals_destroy(signals);
	if (listener >= 0)
		go_close(listener);
	return GO_INT(r);
}

int main(int argc, char **argv)
{
	void *result = NULL;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: proxy LISTEN:PORT TARGET:PORT\n");
		return 2;
	}
	target = argv[2];
	r = go_run_with(NULL, listen_and_serve, argv[1], &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "proxy: %s\n", strerror(-r));
	return r < 0;
}
