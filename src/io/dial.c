/* SPDX-License-Identifier: MIT */
/*
 * Happy eyeballs: connecting to whichever address of a host answers first.
 *
 * THE PROBLEM  A host has several addresses, of IPv6 and IPv4, and some may
 * lead nowhere: a connect there fails at once, or after two minutes.  Trying
 * one after another may take minutes, trying all at once is rude.  RFC 8305
 * says: in the order of preference, with the families in turns; the next one
 * when the last has failed, or has had 250 ms.  The first connection wins.
 *
 * THE LOOP  All attempts are non-blocking connects of one caller, which waits
 * for all of them in one go_poll(), no longer than until the next may begin:
 *
 *     begin the next one, if no attempt is under way, or the last one has
 *         failed or has had its time
 *     wait for any attempt, or until the next may begin
 *     ask those that are ready: connected (won), failed (closed), or neither
 *
 * WHY NOT a task for each attempt, and a race?  Plain threads may dial, too,
 * and have none.  And here the caller's deadline and cancellation end one wait,
 * after which it closes whatever it has opened: nothing can be left over.
 *
 * THE ERROR  If all fail, they have done so for different reasons, and the one
 * that comes from farthest away tells most: that the other machine has refused,
 * more than that nobody answered, more than that there was no way to go (which
 * any machine without IPv6 says about half of the addresses).
 *
 * A connect to a port of this machine on which nobody listens may be given that
 * very port as its own, and then connects with itself (a simultaneous open).
 * That is no connection to the one who was asked for: it counts as refused.
 *
 * TESTS  test_dial.c: order, stagger, failures, each end; descriptors counted.
 */
#include "io/dial.h"

#include <errno.h>
#include <gofer/io.h>
#include <gofer/net.h>
#include <gofer/time.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "arch/sys.h"
#include "io/tcp.h"

#define STAGGER_NS (250 * GO_MILLISECOND)

/* An attempt that is under way; its descriptor is in the pollfd beside it. */
struct attempt {
	const struct addrinfo *to;
};

struct dial {
	const go_dial_options *options;
	const struct addrinfo **order;
	size_t count, next; /* Addresses, and the one to be tried next. */

	/* Those under way. */
	struct attempt *attempt;
	struct pollfd *fds;
	nfds_t pending;

	int64_t next_at; /* When the next may begin beside the others. */
	int error;       /* The most telling one yet, or 0. */
};

/* ---- order and errors ---- */

/* The next address from here on that is, or is not, of this family. */
static const struct addrinfo *seek(const struct addrinfo *a, int family,
				   bool is)
{
	while (a && (a->ai_family == family) != is)
		a = a->ai_next;
	return a;
}

size_t go__dial_order(const struct addrinfo *list,
		      const struct addrinfo **order, size_t n)
{
	int family = list ? list->ai_family : 0;
	const struct addrinfo *its = list, *other = seek(list, family, false);
	size_t i = 0;

	while (i < n && (its || other)) {
		if (its) {
			order[i++] = its;
			its = seek(its->ai_next, family, true);
		}
		if (other && i < n) {
			order[i++] = other;
			other = seek(other->ai_next, family, false);
		}
	}
	return i;
}

/* How much an error tells. */
static int weight_of(int error)
{
	switch (error) {
	case -EAFNOSUPPORT:
	case -EADDRNOTAVAIL:
	case -ENETUNREACH:
	case -ENETDOWN:
		return 1; /* There is no way to go. */
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
	case -EACCES:
	case -EPERM:
		return 2; /* We were not let out. */
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
	case -EHOSTDOWN:
		return 3; /* Nobody is there. */
	default:
		return 4; /* Somebody has answered. */
	}
}

static void note_error(struct dial *d, int error)
{
	if (d->error == 0 || weight_of(error) > weight_of(d->error))
		d->error = error;
	/* The next one need not wait. */
	d->next_at = 0;
}

/* ---- one attempt ---- */

static int bind_source(int fd, const go_dial_options *o)
{
	if (!o->source)
		return 0;
#ifdef IP_BIND_ADDRESS_NO_PORT
	/* Port 0 is then chosen by the connect, among many more. */
	(void)go__sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT,
				 &(int){1}, sizeof(int));
#endif
	return go_bind(fd, o->source, o->source_bytes);
}

static bool is_itself(int fd, const struct addrinfo *to)
{
	struct sockaddr_storage mine, theirs;
	socklen_t n = sizeof(mine), m = sizeof(theirs);

	if (to->ai_socktype != SOCK_STREAM)
		return false;
	memset(&mine, 0, sizeof(mine));
	memset(&theirs, 0, sizeof(theirs));
	return go__sys_getsockname(fd, (struct sockaddr *)&mine, &n) == 0 &&
	       go__sys_getpeername(fd, (struct sockaddr *)&theirs, &m) == 0 &&
	       n == m && memcmp(&mine, &theirs, n) == 0;
}

/*
 * Begin an attempt, or ask how it goes: each by a connect (connect.c says why).
 * Returns 0 (connected), -EINPROGRESS or an error.
 */
static int ask(int fd, const struct addrinfo *to)
{
	int r = go__sys_connect(fd, to->ai_addr, to->ai_addrlen);

	if (r == -EALREADY || r == -EINTR)
		return -EINPROGRESS;
	if (r == 0 || r == -EISCONN)
		return is_itself(fd, to) ? -ECONNREFUSED : 0;
	return r;
}

/* Open a socket and begin.  Returns what ask() says. */
static int begin(const struct dial *d, const struct addrinfo *to, int *fd)
{
	int r;

	if (d->options->source &&
	    d->options->source->sa_family != to->ai_family)
		return -EAFNOSUPPORT;
	*fd = go_socket(to->ai_family, to->ai_socktype, to->ai_protocol);
	if (*fd < 0)
		return *fd;
	if (to->ai_socktype == SOCK_STREAM)
		go__send_at_once(*fd);
	r = bind_source(*fd, d->options);
	if (r == 0)
		r = ask(*fd, to);
	if (r < 0 && r != -EINPROGRESS)
		(void)go_close(*fd);
	return r;
}

/* ---- all of them ---- */

/* Returns the connection if it is there at once; else -1. */
static int begin_next(struct dial *d)
{
	const struct addrinfo *to = d->order[d->next++];
	int64_t stagger = d->options->stagger_ns;
	int64_t now = go_now();
	int fd = -1, r;

	if (stagger == 0)
		stagger = STAGGER_NS;
	d->next_at = stagger < GO_NEVER - now ? now + stagger : GO_NEVER;
	r = begin(d, to, &fd);
	if (r == 0)
		return fd;
	if (r == -EINPROGRESS) {
		d->attempt[d->pending].to = to;
		d->fds[d->pending].fd = fd;
		d->fds[d->pending].events = POLLOUT;
		d->fds[d->pending].revents = 0;
		d->pending++;
	} else {
		note_error(d, r);
	}
	return -1;
}

static bool may_begin(const struct dial *d)
{
	return d->next < d->count &&
	       (d->pending == 0 || go_now() >= d->next_at);
}

/* Milliseconds until the next may begin, rounded up, for go_poll(). */
static int patience(const struct dial *d)
{
	int64_t ms;

	if (d->next == d->count)
		return -1;
	ms = (d->next_at - go_now()) / GO_MILLISECOND + 1;
	if (ms < 0)
		return 0;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Look at those that are ready.  Returns the connection, or -1. */
static int look(struct dial *d)
{
	nfds_t kept = 0;
	int won = -1;

	for (nfds_t i = 0; i < d->pending; i++) {
		int r = -EINPROGRESS;

		if (won < 0 && d->fds[i].revents)
			r = ask(d->fds[i].fd, d->attempt[i].to);
		if (r == 0) {
			won = d->fds[i].fd;
		} else if (r == -EINPROGRESS) {
			d->fds[kept] = d->fds[i];
			d->attempt[kept++] = d->attempt[i];
		} else {
			note_error(d, r);
			(void)go_close(d->fds[i].fd);
		}
	}
	d->pending = kept;
	return won;
}

/* Until one is connected, or all have failed, or we may not wait any more. */
static int run(struct dial *d)
{
	int fd = -1, r;

	for (;;) {
		while (fd < 0 && may_begin(d))
			fd = begin_next(d);
		if (fd >= 0)
			return fd;
		if (d->pending == 0)
			return d->error;
		r = go_poll(d->fds, d->pending, patience(d));
		if (r < 0)
			return r;
		fd = look(d);
	}
}

static size_t length_of(const struct addrinfo *list)
{
	size_t n = 0;

	for (; list; list = list->ai_next)
		n++;
	return n;
}

int go__dial_list(const struct addrinfo *list, const go_dial_options *options)
{
	size_t n = length_of(list);
	struct dial d = {.options = options};
	int r;

	if (n == 0)
		return -ENODATA;
	d.order = go__sys_calloc(n, sizeof(*d.order) + sizeof(*d.attempt) +
					    sizeof(*d.fds));
	if (!d.order)
		return -ENOMEM;
	d.attempt = (struct attempt *)(d.order + n);
	d.fds = (struct pollfd *)(d.attempt + n);
	d.count = go__dial_order(list, d.order, n);
	r = run(&d);
	for (nfds_t i = 0; i < d.pending; i++)
		(void)go_close(d.fds[i].fd);
	go__sys_free(d.order);
	return r;
}

int go_dial(const char *host, const char *service,
	    const go_dial_options *options)
{
	static const go_dial_options standard;
	const go_dial_options *o = options ? options : &standard;
	struct addrinfo hints = {
		.ai_family = o->family,
		.ai_socktype = o->type ? o->type : SOCK_STREAM,
	};
	struct addrinfo *list;
	int r;

	for (size_t i = 0; i < sizeof(o->reserved) / sizeof(*o->reserved); i++)
		if (o->reserved[i])
			return -EINVAL;
	if (o->stagger_ns < 0)
		return -EINVAL;
	r = go_getaddrinfo(host, service, &hints, &list);
	if (r < 0)
		return r;
	r = go__dial_list(list, o);
	go__sys_freeaddrinfo(list);
	return r;
}
