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

int go_read_full(int fd, void *buffer, size_t n, size_t *done)
{
	size_t have = 0;
	ssize_t got = 1;

	while (have < n) {
		got = read_some(fd, (char *)buffer + have, n - have);
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	if (done)
		*done = have;
	if (got == 0)
		return -ENODATA;
	return got < 0 ? (int)got : 0;
}

int go_write_all(int fd, const void *buffer, size_t n, size_t *done)
{
	size_t have = 0;
	ssize_t put = 0;

	while (have < n) {
		put = write_some(fd, (const char *)buffer + have, n - have);
		if (put < 0)
			break;
		have += (size_t)put;
	}
	if (done)
		*done = have;
	return put < 0 ? (int)put : 0;
}

int go_close(int fd)
{
	return go__fd_close(fd);
}

int go_pipe(int fds[2])
{
	int r = go__sys_pipe2(fds, O_NONBLOCK | O_CLOEXEC);

	return r < 0 ? r : go__fd_adopt_pair(fds, GO__FD_OWN);
}
