/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 server that says hello: one task per connection.
 *
 * Shows how a real protocol is served in plain blocking style: connections
 * are kept alive, pipelined requests are answered in order by as few writes as
 * possible, bodies are skipped, what is malformed or too big is refused, and a
 * client that is too slow is given up, since each wait has a deadline.
 * (A real server would go on from here with routes, a Date and TLS.)
 *
 * Run it, and ask it from another terminal:
 *
 *     ./http_hello 127.0.0.1:8080
 *     curl -i http://127.0.0.1:8080/
 *     wrk -c 50 -d 3 http://127.0.0.1:8080/
 *
 * A second argument says how many seconds a client may take to send a request.
 * It prints where it listens, and answers each request with "Hello, world!",
 * until SIGINT (Ctrl-C) or SIGTERM: then what has been asked is answered, and
 * the program ends within about a second.
 */
#include <gofer.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_request.h"

#define IDLE_NS    (60 * GO_SECOND) /* between two requests */
#define LEAVE_NS   GO_SECOND        /* for the last words */
#define BODY_LIMIT (1u << 20)

#define HELLO      "Hello, world!\n"

/* From a request's first byte to its last; set before the first task starts. */
static int64_t request_ns = 10 * GO_SECOND;

struct connection {
	int fd;
	int64_t until_ns;  /* who has not sent more by then is too slow */
	size_t begin, end; /* of what has arrived and is not used yet */
	size_t queued;     /* bytes of answers that are not written yet */
	char in[8192];     /* a whole head has to fit in here */
	char out[4096];
};

static int write_answers(struct connection *c)
{
	size_t n = c->queued;

	c->queued = 0;
	return n > 0 ? go_write_all(c->fd, c->out, n, NULL) : 0;
}

static int answer_with(struct connection *c, const char *text, size_t n)
{
	if (n > sizeof c->out - c->queued) {
		GO_TIMEOUT(request_ns);
		int r = write_answers(c);

		if (r < 0)
			return r;
	}
	memcpy(c->out + c->queued, text, n);
	c->queued += n;
	return 0;
}

static int answer(struct connection *c, const struct http_request *request,
		  int status)
{
	static const char usual[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		"Content-Length: 14\r\n\r\n" HELLO;
	const char *body = status == 200 ? HELLO : http_reason(status);
	char text[256];
	int n;

	_Static_assert(sizeof HELLO - 1 == 14, "Content-Length above");
	if (status == 200 && request->keep_alive && !request->old &&
	    !request->head_only)
		return answer_with(c, usual, sizeof usual - 1);
	n = snprintf(text, sizeof text,
		     "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n"
		     "Content-Length: %zu\r\nConnection: %s\r\n\r\n%s",
		     status, http_reason(status), strlen(body),
		     request->keep_alive ? "keep-alive" : "close",
		     request->head_only ? "" : body);
	return answer_with(c, text, (size_t)n);
}

/* Wait for more input; but before anybody waits, he gets his answers. */
static int read_more(struct connection *c)
{
	GO_DEADLINE(c->until_ns);
	ssize_t n = write_answers(c);

	if (n < 0)
		return (int)n;
	if (c->begin > 0) {
		c->end -= c->begin;
		memmove(c->in, c->in + c->begin, c->end);
		c->begin = 0;
	}
	n = go_read(c->fd, c->in + c->end, sizeof c->in - c->end);
	if (n <= 0)
		return n == 0 ? -ENODATA : (int)n;
	c->end += (size_t)n;
	return 0;
}

/* Returns 0; -errno: the connection is over. */
static int skip(struct connection *c, uint64_t n)
{
	int r = 0;

	while (r == 0 && n > c->end - c->begin) {
		n -= c->end - c->begin;
		c->begin = c->end;
		r = read_more(c);
	}
	if (r == 0)
		c->begin += (size_t)n;
	return r;
}

/* Returns a status of HTTP; -errno: the connection is over. */
static int read_head(struct connection *c, struct http_request *request)
{
	int r, status = 100;

	*request = (struct http_request){0};
	c->until_ns = go_now() + IDLE_NS;
	for (;;) {
		/* Empty lines before a request are to be ignored. */
		while (c->end - c->begin >= 2 &&
		       memcmp(c->in + c->begin, "\r\n", 2) == 0)
			c->begin += 2;
		if (c->begin < c->end)
			status = http_parse(request, c->in + c->begin,
					    c->end - c->begin);
		if (status != 100)
			return status;
		if (c->end - c->begin == sizeof c->in)
			return 431;
		if (c->begin < c->end && c->until_ns - go_now() > request_ns)
			c->until_ns = go_now() + request_ns;
		r = read_more(c);
		if (r == -ETIMEDOUT && c->begin < c->end)
			return 408;
		if (r < 0)
			return r;
	}
}

/* Returns 0; 1: after a last answer; -errno: at once the connection is over. */
static int serve_one(struct connection *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_request request;
	int status = read_head(c, &request);
	int r = 0;

	if (status < 0)
		return status;
	if (status == 200 && request.body_bytes > BODY_LIMIT)
		status = 413;
	if (status != 200) {
		request.keep_alive = false;
		r = answer(c, &request, status);
		return r < 0 ? r : 1;
	}
	c->begin += request.head_bytes;
	if (request.body_bytes > 0) {
		c->until_ns = go_now() + request_ns;
		if (request.wait_for_100 && c->begin == c->end)
			r = answer_with(c, go_on, sizeof go_on - 1);
		if (r == 0)
			r = skip(c, request.body_bytes);
	}
	if (r == 0)
		r = answer(c, &request, status);
	return r < 0 ? r : !request.keep_alive;
}

/*
 * Deliver the last answers, also in a server that shuts down.  A socket that
 * is closed with input unread resets the connection, and the client might lose
 * the answer that tells it what was wrong; so its input is read to the end.
 */
static void take_leave(struct connection *c)
{
	GO_SHIELD();
	GO_TIMEOUT(LEAVE_NS);

	if (write_answers(c) < 0 || go_shutdown(c->fd, SHUT_WR) < 0)
		return;
	while (go_read(c->fd, c->in, sizeof c->in) > 0)
		;
}

static void *serve(void *arg)
{
	struct connection c;
	int r, one = 1;

	c.fd = GO_TO_INT(arg);
	c.begin = c.end = c.queued = 0;
	(void)setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	do
		r = serve_one(&c);
	while (r == 0);
	if (r > 0 || r == -ECANCELED)
		take_leave(&c);
	go_close(c.fd);
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
	char standard[] = "127.0.0.1:8080";
	void *result = NULL;
	int r;

	if (argc > 2 && atoi(argv[2]) > 0)
		request_ns = atoi(argv[2]) * GO_SECOND;
	r = go_run_with(NULL, listen_and_serve, argc > 1 ? argv[1] : standard,
			&result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "http_hello: %s\n", strerror(-r));
	return r < 0;
}
