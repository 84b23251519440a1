/* SPDX-License-Identifier: MIT */
/*
 * Accepting and making connections.
 *
 * Both are retried under the usual rule (fdwait.c), and both know a state in
 * which the kernel has nothing to report when it changes: no descriptor or
 * memory left for another connection, and the full backlog of an AF_UNIX
 * listener.  Trying at once, or waiting for an edge, would spin in the first
 * case and hang in the second; so they wait for time to pass, 5 ms at first and
 * twice as long each time, up to a second.
 *
 * A connect that is under way is asked for its result by connecting again:
 * EALREADY (wait on), 0 or EISCONN (done), or the error it has come to.
 * SO_ERROR would not tell "under way" from "done".
 */
#include <gofer/net.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"

#define FIRST_PAUSE_NS UINT64_C(5000000)
#define LAST_PAUSE_NS  UINT64_C(1000000000)

/* Run an operation, and again after a pause while `pauses` says so. */
static ssize_t run_with_pauses(int fd, struct go__fd_op *op,
			       bool (*pauses)(ssize_t result, void *arg),
			       void *arg)
{
	uint64_t pause = FIRST_PAUSE_NS;
	struct go__fd_call c;
	ssize_t got = go__fd_begin(&c, fd);

	if (got < 0)
		return got;
	for (;;) {
		got = go__fd_run_call(&c, op);
		if (!pauses(got, arg))
			break;
		got = go__fd_pause(&c, pause);
		if (got < 0)
			break;
		pause = pause * 2 < LAST_PAUSE_NS ? pause * 2 : LAST_PAUSE_NS;
	}
	go__fd_end(&c, op->way);
	return got;
}

/* ---- accept ---- */

struct accept {
	struct go__fd_op op;
	struct sockaddr *address;
	socklen_t *length;
	uint32_t kind; /* Of the listener. */
};

static bool is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return go__sys_poll(&p, 1, 0) != 0;
}

static int accept_now(int fd, struct accept *a)
{
	return go__sys_accept4(fd, a->address, a->length,
			       SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Of a listener whose mode is not known, and that others may use. */
static int accept_foreign(struct go__fd *e, struct accept *a)
{
	int fd = -EAGAIN;

	/* The lock keeps our own calls from taking what poll has seen. */
	go__lock_acquire(&e->lock);
	if (is_readable(e->number))
		fd = accept_now(e->number, a);
	go__lock_release(&e->lock);
	return fd;
}

static ssize_t attempt_accept(struct go__fd *e, struct go__fd_op *op)
{
	struct accept *a = (struct accept *)op;
	int fd;

	a->kind = go__fd_kind(e);
	do
		fd = a->kind & GO__FD_OWN ? accept_now(e->number, a)
					  : accept_foreign(e, a);
	while (fd == -ECONNABORTED);
	return fd;
}

static bool short_of_something(ssize_t r, void *unused)
{
	(void)unused;
	return r == -EMFILE || r == -ENFILE || r == -ENOBUFS || r == -ENOMEM;
}

/* Of a connection: its listener's, unless that one is foreign. */
static uint32_t kind_of(int fd, uint32_t listener)
{
	if (listener & GO__FD_OWN)
		return listener & GO__FD_TYPE;
	return GO__FD_OWN | GO__FD_SOCKET | go__fd_socket_kind(fd);
}

int go_accept(int fd, struct sockaddr *address, socklen_t *length)
{
	struct accept a = {
		.op = {.attempt = attempt_accept, .way = GO__WAY_IN},
		.address = address,
		.length = length,
	};
	int got = (int)run_with_pauses(fd, &a.op, short_of_something, NULL);

	/* Without memory for a record the connection is not lost: it is a
	 * foreign descriptor then, and works. */
	if (got >= 0)
		(void)go__fd_adopt(got, kind_of(got, a.kind));
	return got;
}

/* ---- connect ---- */

struct connect {
	struct go__fd_op op;
	const struct sockaddr *address;
	socklen_t length;
	bool begun; /* An attempt of ours is under way. */
};

static ssize_t attempt_connect(struct go__fd *e, struct go__fd_op *op)
{
	struct connect *c = (struct connect *)op;
	int r = go__sys_connect(e->number, c->address, c->length);

	if (r == -EISCONN && c->begun)
		return 0;
	if (r == -EINPROGRESS || r == -EALREADY || r == -EINTR) {
		c->begun = true;
		return -EAGAIN;
	}
	/* Not "under way": these ask for patience or a port. */
	return r == -EAGAIN ? -EBUSY : r;
}

static bool backlog_full(ssize_t r, void *arg)
{
	const struct connect *c = arg;

	return r == -EBUSY && c->address->sa_family == AF_UNIX;
}

/* A task may not connect what would block its worker. */
static bool would_block(int fd)
{
	int type = SOCK_STREAM;
	socklen_t length = sizeof(type);
	struct go__fd *e;
	bool own;
	int flags;

	if (!(go__self()->flags & GO__CONTEXT_TASK) || go__fd_enter(fd, &e) < 0)
		return false;
	own = go__fd_kind(e) & GO__FD_OWN;
	go__fd_leave(e);
	if (own)
		return false;
	flags = go__sys_fcntl(fd, F_GETFL, 0);
	if (flags < 0 || (flags & O_NONBLOCK))
		return false;
	go__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
	return type != SOCK_DGRAM;
}

int go_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	struct connect c = {
		.op = {.attempt = attempt_connect,
		       .way = GO__WAY_OUT,
		       .eager = true},
		.address = address,
		.length = length,
	};
	int r;

	if (!address)
		return -EFAULT;
	if (would_block(fd))
		return -EOPNOTSUPP;
	r = (int)run_with_pauses(fd, &c.op, backlog_full, &c);
	return r == -EBUSY ? -EAGAIN : r;
}
