/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing files of any kind without waiting for them.
 *
 * An own descriptor is in non-blocking mode, so the plain call does.  A foreign
 * one's mode is its owner's business, and is not even looked at; each call is
 * made in a way that does not wait, the first of these that the file knows:
 *
 *     read                        write                       known to
 *     --------------------------  --------------------------  ----------------
 *     preadv2(RWF_NOWAIT)         sendmsg(MSG_DONTWAIT)       most; sockets
 *     recvmsg(MSG_DONTWAIT)       pwritev2(RWF_NOWAIT)        sockets; most
 *     the pool                    the pool                    files, disks
 *     poll(0), then read          poll(0), then the pool      terminals
 *     poll(0), then read          poll(0), then write         the rest
 *
 * Files on disks, and others that poll(2) always calls ready, are read at once
 * where the page cache has something, and otherwise in the blocking pool
 * (go__fd_run() does that, told by -EAGAIN).  They are written there in any
 * case, own ones too: file.c says why.
 *
 * The rest is odd files (and, for the first row, kernels and emulators without
 * preadv2).  Between poll and read another process could take the bytes, and
 * the read would then block the worker; among our own calls the entry's lock
 * prevents that.  A pipe that poll calls writable may have less room than a
 * large write wants, so that one writes PIPE_BUF bytes at most.
 *
 * A terminal that poll calls writable may have room for one byte, and a write
 * waits there until all of its bytes are taken: until whoever reads them has
 * run, who may be a task of ours.  So a thread of the pool waits, for PIPE_BUF
 * bytes at a time, and what has no room at all waits as for other files.
 *
 * Writes to sockets go through send with MSG_NOSIGNAL, others through quiet.c.
 */
#include "io/transfer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>

#include "arch/sys.h"
#include "io/offload.h"
#include "io/quiet.h"

/* "The file, or the kernel, does not know this way of asking." */
static bool unknown(ssize_t r)
{
	return r == -EOPNOTSUPP || r == -ENOTSOCK || go__sys_is_missing(r);
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	/* With an error or a hang-up the call will not wait either. */
	return go__sys_poll(&p, 1, 0) != 0;
}

static ssize_t receive(int fd, const struct iovec *v, int n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)v,
			   .msg_iovlen = (go__iov_count)n};

	return go__sys_recvmsg(fd, &m, MSG_DONTWAIT);
}

static ssize_t transmit(int fd, const struct iovec *v, int n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)v,
			   .msg_iovlen = (go__iov_count)n};

	return go__sys_sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A second buffer could be waited for, once the first one is done. */
static struct iovec first_of(const struct iovec *v, int n)
{
	struct iovec first = {NULL, 0};

	for (int i = 0; i < n && first.iov_len == 0; i++)
		first = v[i];
	return first;
}

static ssize_t poll_and_read(struct go__fd *e, const struct iovec *v, int n)
{
	struct iovec first = first_of(v, n);
	ssize_t r = -EAGAIN;

	go__lock_acquire(&e->lock);
	if (is_ready(e->number, POLLIN))
		r = go__sys_read(e->number, first.iov_base, first.iov_len);
	go__lock_release(&e->lock);
	return r;
}

static ssize_t poll_and_write(struct go__fd *e, const struct iovec *v, int n)
{
	struct iovec first = first_of(v, n);
	ssize_t r = -EAGAIN;

	if (first.iov_len > PIPE_BUF)
		first.iov_len = PIPE_BUF;
	go__lock_acquire(&e->lock);
	if (is_ready(e->number, POLLOUT))
		r = go__quiet_writev(e->number, &first, 1, false);
	go__lock_release(&e->lock);
	return r;
}

/* One piece of what is written to a terminal. */
struct piece {
	struct go__offload offload;
	int fd;
	struct iovec v;
	bool begun;
};

static int64_t write_piece(struct go__offload *self)
{
	struct piece *p = (struct piece *)self;

	p->begun = true;
	return go__quiet_writev(p->fd, &p->v, 1, false);
}

/* Suspends. */
static ssize_t poll_and_offload(struct go__fd *e, const struct iovec *v, int n)
{
	struct piece p = {
		.offload.run = write_piece,
		.fd = e->number,
		.v = first_of(v, n),
	};
	int64_t r;

	if (p.v.iov_len > PIPE_BUF)
		p.v.iov_len = PIPE_BUF;
	if (!is_ready(e->number, POLLOUT))
		return -EAGAIN;
	r = go__offload(&p.offload);
	/* No thread is to be had: the worker has to wait. */
	if (!p.begun && (r == -EAGAIN || r == -ENOMEM))
		r = write_piece(&p.offload);
	return (ssize_t)r;
}

static bool is_device(int fd)
{
	struct stat st;

	return go__sys_fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
}

/* From the position of a file of ours, what memory has. */
static ssize_t read_memory(struct go__fd *e, const struct go__transfer *t)
{
	ssize_t r;

	/* Others may hold the position, and wait for the disk: file.c. */
	if ((go__fd_kind(e) & GO__FD_UNCACHED) || !go__fduse_alone(&e->use))
		return -EAGAIN;
	r = go__sys_preadv2(e->number, t->v, t->n, -1, RWF_NOWAIT);
	return unknown(r) ? -EAGAIN : r;
}

/* Of a foreign file, which neither RWF_NOWAIT nor MSG_DONTWAIT is known to. */
static ssize_t read_odd(struct go__fd *e, const struct go__transfer *t)
{
	return go__fd_is_disk(e) ? -EAGAIN : poll_and_read(e, t->v, t->n);
}

static ssize_t write_odd(struct go__fd *e, const struct go__transfer *t)
{
	if (go__fd_is_disk(e))
		return -EAGAIN;
	if (is_device(e->number))
		return poll_and_offload(e, t->v, t->n);
	return poll_and_write(e, t->v, t->n);
}

/* On a thread of the pool, of what cannot be waited for. */
static ssize_t read_there(struct go__fd *e, const struct go__transfer *t)
{
	return go__sys_readv(e->number, t->v, t->n);
}

static ssize_t write_there(struct go__fd *e, const struct go__transfer *t)
{
	if (go__fd_kind(e) & GO__FD_DISK)
		return go__sys_writev(e->number, t->v, t->n);
	return go__quiet_writev(e->number, t->v, t->n, false);
}

ssize_t go__attempt_read(struct go__fd *e, struct go__fd_op *op)
{
	struct go__transfer *t = (struct go__transfer *)op;
	uint32_t kind = go__fd_kind(e);
	ssize_t r;

	if (op->direct)
		return read_there(e, t);
	if (kind & GO__FD_DISK)
		return read_memory(e, t);
	if (kind & GO__FD_OWN) {
		/* recv takes a shorter way through the kernel than read. */
		if (t->n == 1 && (kind & GO__FD_SOCKET) && t->v->iov_len)
			return go__sys_recv(e->number, t->v->iov_base,
					    t->v->iov_len, 0);
		if (t->n == 1)
			return go__sys_read(e->number, t->v->iov_base,
					    t->v->iov_len);
		return go__sys_readv(e->number, t->v, t->n);
	}
	r = go__sys_preadv2(e->number, t->v, t->n, -1, RWF_NOWAIT);
	if (unknown(r))
		r = receive(e->number, t->v, t->n);
	if (unknown(r))
		r = read_odd(e, t);
	return r;
}

ssize_t go__attempt_write(struct go__fd *e, struct go__fd_op *op)
{
	struct go__transfer *t = (struct go__transfer *)op;
	uint32_t kind = go__fd_kind(e);
	ssize_t r;

	if ((kind & GO__FD_SOCKET) && t->n == 1)
		return go__sys_send(e->number, t->v->iov_base, t->v->iov_len,
				    MSG_NOSIGNAL);
	if (kind & GO__FD_SOCKET)
		return transmit(e->number, t->v, t->n);
	if (op->direct)
		return write_there(e, t);
	if (kind & GO__FD_DISK)
		return -EAGAIN;
	if (kind & GO__FD_OWN)
		return go__quiet_writev(e->number, t->v, t->n, false);
	r = transmit(e->number, t->v, t->n);
	if (unknown(r))
		r = go__quiet_writev(e->number, t->v, t->n, true);
	if (unknown(r))
		r = write_odd(e, t);
	return r;
}
