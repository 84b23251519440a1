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

ssize_t go_readv(int fd, const struct iovec *buffers, int count)
{
	struct go__transfer t = {
		.op = {.attempt = go__attempt_read, .way = GO__WAY_IN},
		.v = buffers,
		.n = count,
	};
	int r = check_buffers(buffers, count);

	if (r < 0)
		return r;
	t.op.plain = total(buffers, count);
	t.op.eager = t.op.plain == 0; /* To read nothing, nobody waits. */
	return go__fd_run(fd, &t.op);
}

ssize_t go_writev(int fd, const struct iovec *buffers, int count)
{
	struct go__transfer t = {
		.op = {.attempt = go__attempt_write, .way = GO__WAY_OUT},
		.v = buffers,
		.n = count,
	};
	int r = check_buffers(buffers, count);

	if (r < 0)
		return r;
	t.op.eager = total(buffers, count) == 0;
	return go__fd_run(fd, &t.op);
}

ssize_t go_read(int fd, void *buffer, size_t n)
{
	struct iovec v = {buffer, n};

	return go_readv(fd, &v, 1);
}

ssize_t go_write(int fd, const void *buffer, size_t n)
{
	struct iovec v = {(void *)(uintptr_t)buffer, n};

	return go_writev(fd, &v, 1);
}

int go_read_full(int fd, void *buffer, size_t n, size_t *done)
{
	size_t have = 0;
	ssize_t got = 1;

	while (have < n) {
		got = go_read(fd, (char *)buffer + have, n - have);
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
		put = go_write(fd, (const char *)buffer + have, n - have);
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
