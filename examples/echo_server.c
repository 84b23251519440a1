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
 *
 * On SIGINT (Ctrl-C) or SIGTERM it takes no more connections, gives those that
 * there are some time to end (two seconds, or what the second argument says),
 * and ends with 0.
 */
#include <gofer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
	const char *address;
	int64_t grace_ns;
	int listener;
	go_group connections;
};

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg);
	char buffer[4096];
	ssize_t n;

	while ((n = go_read(fd, buffer, sizeof buffer)) > 0)
		if (go_write_all(fd, buffer, (size_t)n, NULL) < 0)
			break; /* the client has gone */
	go_close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = go_accept(s->listener, NULL, NULL)) >= 0)
		if (go_group_spawn(&s->connections, serve, GO_INT(fd)) < 0)
			go_close(fd); /* no memory for one more */
	return GO_INT(fd);
}

/* Serve until a signal comes, or no connection can be accepted any more. */
static int serve_until_signal(struct server *s, go_signals *signals)
{
	void *result;
	go_task acceptor;
	int r = go_task_spawn(&acceptor, accept_all, s);
	go_case cases[] = {GO_SIGNAL(signals, NULL), GO_ENDED(acceptor)};
	int which;

	if (r < 0) {
		go_close(s->listener);
		return r;
	}
	which = go_select(cases, 2);
	go_close(s->listener); /* ends the accepting */
	r = go_task_join(acceptor, &result);
	if (r == 0 && which != 0)
		r = which < 0 ? which : GO_TO_INT(result);
	return r;
}

static int run_server(struct server *s, go_signals *signals)
{
	int r = go_tcp_listen(s->address);

	if (r < 0)
		return r;
	s->listener = r;
	r = go_group_init(&s->connections, NULL);
	if (r < 0)
		go_close(s->listener);
	if (r == 0) {
		r = serve_until_signal(s, signals);
		GO_TIMEOUT(s->grace_ns);
		/* When the time is over it cancels who is left. */
		(void)go_group_wait(&s->connections);
	}
	return r;
}

static void *main_task(void *arg)
{
	struct server *s = arg;
	go_signals *signals;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	r = go_signals_create(&signals, &set);
	if (r == 0) {
		r = run_server(s, signals);
		go_signals_destroy(signals);
	}
	return GO_INT(r);
}

int main(int argc, char **argv)
{
	struct server s = {.address = argc > 1 ? argv[1] : "127.0.0.1:8080"};
	void *result = NULL;
	int r;

	s.grace_ns = argc > 2 ? atoi(argv[2]) * GO_SECOND : 2 * GO_SECOND;
	r = go_run_with(NULL, main_task, &s, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "echo_server: %s: %s\n", s.address,
			strerror(-r));
	return r < 0;
}
