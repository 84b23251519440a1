/* SPDX-License-Identifier: MIT */
/*
 * The load client must not be what limits the figures.  So it does per request
 * what no client can avoid, one send() and one recv(), and beyond that: no
 * allocation, no copy, one reading of the clock, and a share of one
 * epoll_wait().  Descriptors are registered once, edge-triggered, for both
 * directions.  After a whole message nothing more can be in the socket, so the
 * recv() that would only say EAGAIN is left out; after a part of one it is
 * not, since the end of the stream may have come in the same edge.
 *
 * Every message carries its connection and its number, and every byte that
 * comes back is compared: a server that mixes up connections, repeats or
 * loses bytes shows up as a wrong reply, not as a good figure.
 */
#include "load.h"
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	OPENING = 128,      /* at a time: far below any listen backlog */
	PER_SOURCE = 16000, /* connections from one loopback address */
	QUIET_MS = 1000,    /* five of them without progress: give up */
};

int load_create(struct load *l, const struct load_options *options)
{
	memset(l, 0, sizeof *l);
	l->options = *options;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	l->conns = calloc(options->connections, sizeof *l->conns);
	l->expected = malloc(options->bytes);
	l->buffer = malloc(options->bytes);
	if (!l->conns || !l->expected || !l->buffer)
		return -ENOMEM;
	for (size_t i = 0; i < options->bytes; i++)
		l->expected[i] = (char)(i * 131 + 7);
	return 0;
}

void load_destroy(struct load *l)
{
	for (unsigned i = 0; l->conns && i < l->options.connections; i++)
		if (l->conns[i].state != CLOSED)
			close(l->conns[i].fd);
	if (l->epoll >= 0)
		close(l->epoll);
	free(l->conns);
	free(l->expected);
	free(l->buffer);
}

static void fail(struct load *l, struct conn *c, int error)
{
	if (c->running || c->state == READY)
		l->alive--;
	else
		l->opening--;
	c->state = CLOSED;
	close(c->fd);
	l->lost++;
	l->last_error = error;
}

/* Make `expected` the message that is under way on this connection. */
static void stamp(struct load *l, const struct conn *c)
{
	uint64_t mark = (uint64_t)(c - l->conns) << 40 ^ c->sequence;
	size_t n =
		l->options.bytes < sizeof mark ? l->options.bytes : sizeof mark;

	memcpy(l->expected, &mark, n);
}

static void send_rest(struct load *l, struct conn *c)
{
	ssize_t n;

	stamp(l, c);
	while (c->sent < l->options.bytes) {
		n = send(c->fd, l->expected + c->sent,
			 l->options.bytes - c->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return; /* a POLLOUT edge will come */
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail(l, c, errno);
			return;
		}
		c->sent += (size_t)n;
	}
}

static void send_next(struct load *l, struct conn *c, uint64_t now)
{
	c->sequence++;
	c->sent = 0;
	c->received = 0;
	c->began_ns = now;
	send_rest(l, c);
}

static void connect_one(struct load *l, unsigned index);

/* The next message goes over a connection of its own. */
static void connect_again(struct load *l, struct conn *c)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(c->fd);
	connect_one(l, (unsigned)(c - l->conns));
}

static void whole_message(struct load *l, struct conn *c)
{
	uint64_t now;

	if (c->state == GREETING) {
		c->state = READY;
		l->opening--;
		l->alive++;
	} else if (c->state == RUNNING) {
		now = bench_now();
		histogram_record(&l->latency_ns, now - c->began_ns);
		c->answered++;
		if (l->options.churn)
			connect_again(l, c);
		else
			send_next(l, c, now);
	}
}

/* Take what has arrived; the bytes must be those that were sent. */
static void receive(struct load *l, struct conn *c)
{
	size_t bytes = l->options.bytes;
	ssize_t n;

	while (c->received < bytes) {
		n = recv(c->fd, l->buffer, bytes - c->received, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail(l, c, n < 0 ? errno : ECONNRESET);
			return;
		}
		stamp(l, c);
		if ((size_t)n > c->sent - c->received ||
		    memcmp(l->buffer, l->expected + c->received, (size_t)n)) {
			l->wrong++;
			fail(l, c, EBADMSG);
			return;
		}
		c->received += (size_t)n;
	}
	whole_message(l, c);
}

static void connected(struct load *l, struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		fail(l, c, error);
		return;
	}
	c->state = c->running ? RUNNING : GREETING;
	send_next(l, c, c->running ? c->began_ns : bench_now());
}

static void on_event(struct load *l, struct conn *c, uint32_t events)
{
	if (c->state == CONNECTING) {
		connected(l, c);
		return;
	}
	if (c->state != CLOSED && c->sent < l->options.bytes)
		send_rest(l, c);
	if (c->state != CLOSED && (events & ~(uint32_t)EPOLLOUT))
		receive(l, c);
}

/*
 * Each pair of a source address and the server's address has one range of
 * ports, 28,000 by default.  127.0.0.1 alone serves 10,000 connections; more
 * come from 127.0.0.2 and so on.  The port itself is chosen in connect().
 */
static int choose_source(const struct load *l, int fd, unsigned index)
{
	const struct sockaddr_in *to = (const void *)&l->options.address;
	struct sockaddr_in from = {.sin_family = AF_INET};
	uint32_t host = INADDR_LOOPBACK + index / PER_SOURCE;
	int one = 1;

	if (index < PER_SOURCE || to->sin_family != AF_INET ||
	    ntohl(to->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return 0;
	from.sin_addr.s_addr = htonl(host);
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		       sizeof one) < 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&from, sizeof from);
}

static void connect_one(struct load *l, unsigned index)
{
	struct conn *c = &l->conns[index];
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c,
	};
	int one = 1;

	c->fd = socket(l->options.address.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		c->state = CLOSED;
		l->alive -= c->running;
		l->lost++;
		l->last_error = errno;
		return;
	}
	c->state = CONNECTING;
	if (c->running)
		c->began_ns = bench_now();
	else
		l->opening++;
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    choose_source(l, c->fd, index) < 0) {
		fail(l, c, errno);
		return;
	}
	if (connect(c->fd, (const void *)&l->options.address,
		    l->options.address_len) < 0 &&
	    errno != EINPROGRESS) {
		fail(l, c, errno);
		return;
	}
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		fail(l, c, errno);
}

/* Handle one batch of events; the number of them, 0 after the time-out. */
static int turn(struct load *l, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++)
		on_event(l, events[i].data.ptr, events[i].events);
	return n;
}

unsigned load_open(struct load *l)
{
	unsigned next = 0;
	int quiet = 0;

	while (quiet < 5 && (l->opening || next < l->options.connections)) {
		while (l->opening < OPENING && next < l->options.connections)
			connect_one(l, next++);
		quiet = turn(l, QUIET_MS) > 0 ? 0 : quiet + 1;
	}
	for (unsigned i = 0; l->opening && i < next; i++) {
		struct conn *c = &l->conns[i];

		if (c->state == CONNECTING || c->state == GREETING)
			fail(l, c, ETIMEDOUT);
	}
	return l->alive;
}

void load_start(struct load *l)
{
	for (unsigned i = 0; i < l->options.connections; i++)
		if (l->conns[i].state == READY) {
			l->conns[i].running = true;
			l->conns[i].state = RUNNING;
			send_next(l, &l->conns[i], bench_now());
		}
}

void load_run(struct load *l, uint64_t duration_ns)
{
	uint64_t now = bench_now(), end = now + duration_ns;

	while (now < end && l->alive) {
		turn(l, (int)((end - now) / 1000000) + 1);
		now = bench_now();
	}
}

void load_clear(struct load *l)
{
	histogram_clear(&l->latency_ns);
	l->lost = 0;
	l->wrong = 0;
	for (unsigned i = 0; i < l->options.connections; i++)
		l->conns[i].answered = 0;
}

unsigned load_starved(const struct load *l)
{
	unsigned starved = 0;

	for (unsigned i = 0; i < l->options.connections; i++)
		if (l->conns[i].running && l->conns[i].state != CLOSED &&
		    !l->conns[i].answered)
			starved++;
	return starved;
}
