/* SPDX-License-Identifier: MIT */
/*
 * The calls of io.h that move bytes, and those that make and close.
 */
#include <gofer/io.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"
#include "io/transfer.h"

/* Whether buffers can be looked at; the kernel checks what they point to. */
static int check_buffers(const struct iovec *v, int count)
{
	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	return v || count == 0 ? 0 : -EFAULT;
}

static size_t total(const struct iovec *v, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += v[i].iov_len;
	return n;
}

/* `most` bytes altogether, if the buffers are to be believed. */
static inline ssize_t run_read(int fd, const struct iovec *buffers, int count,
			       size_t most)
{
	struct go__transfer t = {
		.op = {.attempt = go__attempt_read, .way = GO__WAY_IN},
		.v = buffers,
		.n = count,
	};

	t.op.plain = most;
	t.op.eager = most == 0; /* To read nothing, nobody waits. */
	return go__fd_run(fd, &t.op);
}

static inline ssize_t run_write(int fd, const struct iovec *buffers, int count,
				size_t most)
{
	struct go__transfer t = {
		.op = {.attempt = go__attempt_write, .way = GO__WAY_OUT},
		.v = buffers,
		.n = count,
	};

	t.op.eager = most == 0;
	return go__fd_run(fd, &t.op);
}

ssize_t go_readv(int fd, const struct iovec *buffers, int count)
{
	int r = check_buffers(buffers, count);

	return r < 0 ? r : run_read(fd, buffers, count, total(buffers, count));
}

ssize_t go_writev(int fd, const struct iovec *buffers, int count)
{
	int r = check_buffers(buffers, count);

	return r < 0 ? r : run_write(fd, buffers, count, total(buffers, count));
}

static inline ssize_t read_some(int fd, void *buffer, size_t n)
{
	struct iovec v = {buffer, n};

	return run_read(fd, &v, 1, n);
}

static inline ssize_t write_some(int fd, const void *buffer, size_t n)
{
	struct iovec v = {(void *)(uintptr_t)buffer, n};

	return run_write(fd, &v, 1, n);
}

ssize_t go_read(int fd, void *buffer, size_t n)
{
	return read_some(fd, buffer, n);
}

ssize_t go_write(int fd, const void *buffer, size_t n)
{
	return write_some(fd, buffer, n);
}

/* ---- whole buffers ---- */

/* A transfer that goes on until its one buffer is done with. */
struct whole {
	struct go__transfer t;
	struct iovec rest;
	size_t done;
};

static bool more(struct go__fd_op *op, size_t got)
{
	struct whole *w = (struct whole *)op;

	w->done += got;
	w->rest.iov_base = (char *)w->rest.iov_base + got;
	w->rest.iov_len -= got;
	if (op->plain)
		op->plain = w->rest.iov_len;
	return w->rest.iov_len > 0;
}

/*
 * One call from the first byte to the last: in between the number may be
 * closed, but not become another file's.
 */
static inline ssize_t run_whole(int fd, struct whole *w, size_t *done)
{
	ssize_t got = 1;

	w->t.op.more = more;
	w->t.v = &w->rest;
	w->t.n = 1;
	if (w->rest.iov_len > 0)
		got = go__fd_run(fd, &w->t.op);
	if (done)
		*done = w->done;
	return got;
}

int go_read_full(int fd, void *buffer, size_t n, size_t *done)
{
	struct whole w = {.rest = {buffer, n}};
	ssize_t got;

	w.t.op.attempt = go__attempt_read;
	w.t.op.way = GO__WAY_IN;
	w.t.op.plain = n;
	got = run_whole(fd, &w, done);
	if (got == 0)
		return -ENODATA;
	return got < 0 ? (int)got : 0;
}

int go_write_all(int fd, const void *buffer, size_t n, size_t *done)
{
	struct whole w = {.rest = {(void *)(uintptr_t)buffer, n}};
	ssize_t put;

	w.t.op.attempt = go__attempt_write;
	w.t.op.way = GO__WAY_OUT;
	put = run_whole(fd, &w, done);
	if (put == 0) /* A device that takes nothing. */
		return -EIO;
	return put < 0 ? (int)put : 0;
}

/* ---- making and closing ---- */

int go_close(int fd)
{
	return go__fd_close(fd);
}

int go_pipe(int fds[2])
{
	int r = go__sys_pipe2(fds, O_NONBLOCK | O_CLOEXEC);

	return r < 0 ? r : go__fd_adopt_pair(fds, GO__FD_OWN);
}
