/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that come from elsewhere, and that go elsewhere.
 *
 * What is remembered of an adopted file is what has to be undone when it is
 * released: whether it had O_NONBLOCK before (which belongs to the open file,
 * so to everybody who shares it), and whether the number was close-on-exec.
 * A file made here was in blocking mode "before", as POSIX's calls make it.
 *
 * The number may stand for another file than the table believes, since adopting
 * is how people tell us so.  So the entry begins anew, its registrations are
 * removed, and who waited is evicted, whatever was known.
 */
#include <gofer/io.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"

static uint32_t socket_kind(int fd)
{
	int type = 0, domain = 0, protocol = 0;
	socklen_t length = sizeof(int);

	if (go__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return 0;
	length = sizeof(int);
	(void)go__sys_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
	length = sizeof(int);
	(void)go__sys_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol,
				 &length);
	if ((domain == AF_INET || domain == AF_INET6) && type == SOCK_STREAM &&
	    protocol == IPPROTO_TCP)
		return GO__FD_SOCKET | GO__FD_TCP;
	return GO__FD_SOCKET;
}

/* Set the flags, and say in *kind what has changed.  All, or nothing. */
static int set_flags(int fd, unsigned flags, uint32_t *kind)
{
	int mode = go__sys_fcntl(fd, F_GETFL, 0), old, disk, r = 0;

	if (mode < 0)
		return mode;
	old = go__sys_fcntl(fd, F_GETFD, 0);
	if (old < 0)
		return old;
	disk = go__fd_disk_kind(fd, mode);
	if (disk < 0)
		return disk;
	if (disk)
		*kind |= (uint32_t)disk;
	else if (mode & O_NONBLOCK)
		*kind |= GO__FD_NONBLOCK;
	else
		r = go__sys_fcntl(fd, F_SETFL, mode | O_NONBLOCK);
	if (r < 0 || !(flags & GO_FD_CLOEXEC) || (old & FD_CLOEXEC))
		return r;
	*kind |= GO__FD_CLOEXEC;
	r = go__sys_fcntl(fd, F_SETFD, old | FD_CLOEXEC);
	if (r < 0 && !disk && !(mode & O_NONBLOCK))
		(void)go__sys_fcntl(fd, F_SETFL, mode);
	return r;
}

static int adopt(struct go__fd *e, unsigned flags)
{
	uint32_t kind = GO__FD_OWN | GO__FD_ADOPTED;
	int r;

	r = set_flags(e->number, flags, &kind);
	if (r < 0)
		return r;
	return go__fd_rename(e, kind | socket_kind(e->number));
}

int go_fd_adopt(int fd, unsigned flags)
{
	struct go__fd *e;
	int r;

	if (flags & ~(unsigned)GO_FD_CLOEXEC)
		return -EINVAL;
	r = go__fd_enter(fd, &e);
	if (r < 0)
		return r;
	r = adopt(e, flags);
	(void)go__fd_leave(e);
	return r;
}

int go_fd_release(int fd)
{
	return go__fd_release(fd);
}

int go_dup(int fd)
{
	struct go__fd *e;
	uint32_t kind;
	int copy, r = go__fd_enter(fd, &e);

	if (r < 0)
		return r;
	copy = go__sys_fcntl(fd, F_DUPFD_CLOEXEC, 0);
	kind = go__fd_kind(e) & (GO__FD_TYPE | GO__FD_NONBLOCK);
	(void)go__fd_leave(e);
	if (copy < 0)
		return copy;
	/* A foreign file's copy is one, too; but what its number was is not. */
	r = go__fd_adopt(copy, kind);
	if (r < 0 && (kind & GO__FD_OWN)) {
		go__sys_close(copy);
		return r;
	}
	return copy;
}
