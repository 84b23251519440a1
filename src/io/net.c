/* SPDX-License-Identifier: MIT */
/*
 * Sockets: making them, and moving data through them.
 */
#include <gofer/net.h>

#include <errno.h>
#include <netinet/in.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"
#include "io/passing.h"

/* ---- making ---- */

static uint32_t kind_of(int domain, int type, int protocol)
{
	bool internet = domain == AF_INET || domain == AF_INET6;

	type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (internet && type == SOCK_STREAM &&
	    (protocol == 0 || protocol == IPPROTO_TCP))
		return GO__FD_OWN | GO__FD_SOCKET | GO__FD_TCP;
	return GO__FD_OWN | GO__FD_SOCKET;
}

int go_socket(int domain, int type, int protocol)
{
	int fd = go__sys_socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
				protocol);
	int r;

	if (fd < 0)
		return fd;
	r = go__fd_adopt(fd, kind_of(domain, type, protocol));
	if (r < 0) {
		go__sys_close(fd);
		return r;
	}
	return fd;
}

int go_socketpair(int domain, int type, int protocol, int fds[2])
{
	int r = go__sys_socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
				   protocol, fds);

	if (r < 0)
		return r;
	return go__fd_adopt_pair(fds, kind_of(domain, type, protocol));
}

/* ---- calls that do not wait ---- */

int go_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	struct go__fd *e;
	int r = go__fd_enter(fd, &e);

	if (r < 0)
		return r;
	r = go__sys_bind(fd, address, length);
	go__fd_leave(e);
	return r;
}

int go_listen(int fd, int backlog)
{
	struct go__fd *e;
	int r = go__fd_enter(fd, &e);

	if (r < 0)
		return r;
	r = go__sys_listen(fd, backlog);
	go__fd_leave(e);
	return r;
}

int go_shutdown(int fd, int how)
{
	struct go__fd *e;
	int r = go__fd_enter(fd, &e);

	if (r < 0)
		return r;
	r = go__sys_shutdown(fd, how);
	go__fd_leave(e);
	return r;
}

/* ---- receiving ---- */

struct message {
	struct go__fd_op op;
	void *data; /* A buffer, or a struct msghdr. */
	size_t n;
	int flags;
	void *address;
	socklen_t *length; /* Of the address; in sending, address_bytes. */
	socklen_t address_bytes;
};

/* Flags with which a receiving call never waits. */
#define NO_WAIT_IN (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB)

static ssize_t receive(int fd, struct message *m)
{
	if (m->flags & MSG_WAITALL)
		return -EOPNOTSUPP;
	m->op.way = GO__WAY_IN;
	m->op.once = (m->flags & NO_WAIT_IN) != 0;
	m->flags |= MSG_DONTWAIT;
	return go__fd_run(fd, &m->op);
}

/*
 * Urgent data was asked for.  A read ends at its place with a short count even
 * after it was taken, when the kernel no longer reports it.
 */
static void note_urgent(struct go__fd *e, int flags)
{
	uint64_t word = go__ready_load(&e->ready);

	if (flags & MSG_OOB)
		(void)go__ready_note(&e->ready, go__ready_generation(word),
				     GO__HUNG_IN);
}

static ssize_t attempt_recv(struct go__fd *e, struct go__fd_op *op)
{
	struct message *m = (struct message *)op;

	note_urgent(e, m->flags);
	return go__sys_recvfrom(e->number, m->data, m->n, m->flags, m->address,
				m->length);
}

static ssize_t attempt_recvmsg(struct go__fd *e, struct go__fd_op *op)
{
	struct message *m = (struct message *)op;

	note_urgent(e, m->flags);
	return go__passing_receive(e->number, m->data, m->flags);
}

ssize_t go_recvfrom(int fd, void *buffer, size_t n, int flags,
		    struct sockaddr *address, socklen_t *length)
{
	struct message m = {
		.op = {.attempt = attempt_recv, .plain = flags ? 0 : n},
		.data = buffer,
		.n = n,
		.flags = flags,
		.address = address,
		.length = length,
	};

	return receive(fd, &m);
}

ssize_t go_recv(int fd, void *buffer, size_t n, int flags)
{
	return go_recvfrom(fd, buffer, n, flags, NULL, NULL);
}

ssize_t go_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct message m = {
		.op = {.attempt = attempt_recvmsg},
		.data = message,
		.flags = flags,
	};

	return receive(fd, &m);
}

static ssize_t attempt_recvmmsg(struct go__fd *e, struct go__fd_op *op)
{
	struct message *m = (struct message *)op;
	struct mmsghdr *v = m->data;
	int r;

	note_urgent(e, m->flags);
	if (!v && m->n > 0)
		return -EFAULT;
	r = go__sys_recvmmsg(e->number, v, (unsigned)m->n,
			     m->flags | MSG_CMSG_CLOEXEC);
	for (int i = 0; i < r; i++)
		go__passing_note(&v[i].msg_hdr);
	return r;
}

int go_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	struct message m = {
		.op = {.attempt = attempt_recvmmsg, .eager = count == 0},
		.data = messages,
		.n = count,
		.flags = flags,
	};

	return (int)receive(fd, &m);
}

/* ---- sending ---- */

static ssize_t transmit(int fd, struct message *m)
{
	m->op.way = GO__WAY_OUT;
	m->op.once = (m->flags & MSG_DONTWAIT) != 0;
	m->flags |= MSG_DONTWAIT | MSG_NOSIGNAL;
	return go__fd_run(fd, &m->op);
}

static ssize_t attempt_send(struct go__fd *e, struct go__fd_op *op)
{
	struct message *m = (struct message *)op;

	return go__sys_sendto(e->number, m->data, m->n, m->flags, m->address,
			      m->address_bytes);
}

static ssize_t attempt_sendmsg(struct go__fd *e, struct go__fd_op *op)
{
	struct message *m = (struct message *)op;

	/* The C library may look at it before the kernel does. */
	if (!m->data)
		return -EFAULT;
	return go__sys_sendmsg(e->number, m->data, m->flags);
}

ssize_t go_sendto(int fd, const void *buffer, size_t n, int flags,
		  const struct sockaddr *address, socklen_t length)
{
	struct message m = {
		.op = {.attempt = attempt_send, .eager = n == 0},
		.data = (void *)(uintptr_t)buffer,
		.n = n,
		.flags = flags,
		.address = (void *)(uintptr_t)address,
		.address_bytes = length,
	};

	return transmit(fd, &m);
}

ssize_t go_send(int fd, const void *buffer, size_t n, int flags)
{
	return go_sendto(fd, buffer, n, flags, NULL, 0);
}

ssize_t go_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct message m = {
		.op = {.attempt = attempt_sendmsg},
		.data = (void *)(uintptr_t)message,
		.flags = flags,
	};

	return transmit(fd, &m);
}

static ssize_t attempt_sendmmsg(struct go__fd *e, struct go__fd_op *op)
{
	struct message *m = (struct message *)op;

	if (!m->data && m->n > 0)
		return -EFAULT;
	return go__sys_sendmmsg(e->number, m->data, (unsigned)m->n, m->flags);
}

int go_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	struct message m = {
		.op = {.attempt = attempt_sendmmsg, .eager = count == 0},
		.data = messages,
		.n = count,
		.flags = flags,
	};

	return (int)transmit(fd, &m);
}
