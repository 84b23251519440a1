/* SPDX-License-Identifier: MIT */
/*
 * Passing descriptors over Unix sockets.
 *
 * A received number is new, so whatever the table knew of it is out of date.
 * Its open file is shared with the sender, and so is its O_NONBLOCK: therefore
 * it is foreign until somebody adopts it.
 *
 * WHAT MAY LEAK.  recvmsg(2) installs descriptors although the caller may have
 * no room for their numbers, no use for them, or fail after it.  So
 * go_recv_fds() has room for as many as one message can carry (SCM_MAX_FD, of
 * the kernel), and closes those that it was not asked for.  A process without
 * room for them loses some: the kernel sets MSG_CTRUNC, and there is no way to
 * leave them in the socket.  Then those that did come are closed as well, since
 * the caller cannot tell which they are.
 */
#include "io/passing.h"

#include <gofer/io.h>
#include <gofer/net.h>

#include <errno.h>
#include <string.h>

#include "arch/sys.h"
#include "io/fdtable.h"

/* As many as Linux passes in one message. */
enum {
	MOST = 253,
};

union control {
	struct cmsghdr align;
	/* And for what sockets may be set to add. */
	char bytes[CMSG_SPACE(MOST * sizeof(int)) + 256];
};

/* The numbers in a control message, or NULL: it is of another kind. */
static const unsigned char *numbers_in(const struct cmsghdr *c, size_t *count)
{
	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return NULL;
	*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	return CMSG_DATA(c);
}

/* Control data need not be aligned for an int. */
static int number_at(const unsigned char *numbers, size_t i)
{
	int fd;

	memcpy(&fd, numbers + i * sizeof(fd), sizeof(fd));
	return fd;
}

/* That of musl compares numbers of different signs. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
static struct cmsghdr *after(struct msghdr *m, struct cmsghdr *c)
{
	return CMSG_NXTHDR(m, c);
}
#pragma GCC diagnostic pop

void go__passing_note(const struct msghdr *m)
{
	struct msghdr *walk = (struct msghdr *)(uintptr_t)m;
	struct cmsghdr *c = CMSG_FIRSTHDR(walk);
	const unsigned char *numbers;
	size_t count;

	for (; c; c = after(walk, c)) {
		numbers = numbers_in(c, &count);
		/* Without memory for its entry nothing is known of it. */
		for (size_t i = 0; numbers && i < count; i++)
			(void)go__fd_adopt(number_at(numbers, i), 0);
	}
}

ssize_t go__passing_receive(int fd, struct msghdr *m, int flags)
{
	ssize_t r = -EFAULT;

	/* The C library may look at it before the kernel does. */
	if (m)
		r = go__sys_recvmsg(fd, m, flags | MSG_CMSG_CLOEXEC);
	if (r >= 0 && m->msg_controllen > 0)
		go__passing_note(m);
	return r;
}

/* ---- in whole messages ---- */

ssize_t go_send_fds(int fd, const void *data, size_t n, const int *fds,
		    size_t count)
{
	struct iovec v = {(void *)(uintptr_t)data, n};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	union control control;
	struct cmsghdr *c;

	if (n == 0 || count > MOST)
		return -EINVAL;
	if (count > 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.bytes;
		/* (musl's lengths are of another type.) */
		m.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	return go_sendmsg(fd, &m, 0);
}

/* Hand out at most *count, and close the others. */
static void hand_out(struct msghdr *m, int *fds, size_t *count)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	const unsigned char *numbers;
	size_t room = *count, n;

	*count = 0;
	for (; c; c = after(m, c)) {
		numbers = numbers_in(c, &n);
		for (size_t i = 0; numbers && i < n; i++)
			if (*count < room)
				fds[(*count)++] = number_at(numbers, i);
			else
				(void)go_close(number_at(numbers, i));
	}
}

ssize_t go_recv_fds(int fd, void *buffer, size_t n, int *fds, size_t *count)
{
	struct iovec v = {buffer, n};
	union control control;
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	ssize_t r = go_recvmsg(fd, &m, 0);

	if (r < 0 || (m.msg_flags & MSG_CTRUNC))
		*count = 0;
	if (r < 0)
		return r;
	hand_out(&m, fds, count);
	return m.msg_flags & MSG_CTRUNC ? -EMFILE : r;
}
