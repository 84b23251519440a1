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
 *
 * Or it stands for the same, and somebody adopts what was ours already: then
 * what is to be undone has been done before, and is not what we find now.  A
 * poller that was told of the number knows which of the two it is; where none
 * was, we take it for the same file.
 */
#include <gofer/io.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"

static int option(int fd, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);
	int r = go__sys_getsockopt(fd, SOL_SOCKET, name, &value, &length);

	return r < 0 ? r : value;
}

#if GO__LINUX
static bool is_tcp(int fd)
{
	int domain = option(fd, SO_DOMAIN);

	return (domain == AF_INET || domain == AF_INET6) &&
	       option(fd, SO_PROTOCOL) == IPPROTO_TCP;
}
#else
/* Nothing else is a stream there. */
static bool is_tcp(int fd)
{
	struct sockaddr_storage a = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(a);

	return go__sys_getsockname(fd, (struct sockaddr *)&a, &length) == 0 &&
	       (a.ss_family == AF_INET || a.ss_family == AF_INET6);
}
#endif

uint32_t go__fd_socket_kind(int fd)
{
	int type = option(fd, SO_TYPE);

	if (type < 0)
		return 0;
	return type == SOCK_STREAM && is_tcp(fd) ? GO__FD_SOCKET | GO__FD_TCP
						 : GO__FD_SOCKET;
}

/* What was done to this very file before, in the terms of `kind`. */
static uint32_t known_before(struct go__fd *e)
{
	uint32_t kind = go__fd_kind(e);
	bool another;

	if (!(kind & GO__FD_OWN))
		return 0;
	go__lock_acquire(&e->lock);
	another = go__fd_is_another(e);
	go__lock_release(&e->lock);
	return another ? 0 : kind;
}

/* The flags of an open file, and of a number. */
struct flags {
	int file, number;
};

static int get_flags(int fd, struct flags *f)
{
	f->file = go__sys_fcntl(fd, F_GETFL, 0);
	if (f->file < 0)
		return f->file;
	f->number = go__sys_fcntl(fd, F_GETFD, 0);
	return f->number < 0 ? f->number : 0;
}

/* Set what differs. */
static int set_flags(int fd, const struct flags *from, const struct flags *to)
{
	int r = 0;

	if (from->file != to->file)
		r = go__sys_fcntl(fd, F_SETFL, to->file);
	if (r == 0 && from->number != to->number)
		r = go__sys_fcntl(fd, F_SETFD, to->number);
	return r;
}

/* What is to be undone later: what we do now, or did before. */
static uint32_t undo_of(const struct flags *old, const struct flags *new,
			uint32_t before)
{
	uint32_t kind = before & GO__FD_CLOEXEC;
	bool ours = (before & GO__FD_OWN) && !(before & GO__FD_NONBLOCK);

	if ((old->file & O_NONBLOCK) && !ours)
		kind |= GO__FD_NONBLOCK;
	if (old->number != new->number)
		kind |= GO__FD_CLOEXEC;
	return kind;
}

/* All, or nothing. */
static int adopt(struct go__fd *e, unsigned flags)
{
	struct flags old, new;
	int disk, r = get_flags(e->number, &old);
	uint32_t kind;

	if (r < 0)
		return r;
	disk = go__fd_disk_kind(e->number, old.file);
	if (disk < 0)
		return disk;
	new = old;
	if (!disk)
		new.file |= O_NONBLOCK;
	if (flags & GO_FD_CLOEXEC)
		new.number |= FD_CLOEXEC;
	kind = GO__FD_OWN | GO__FD_ADOPTED | (uint32_t)disk |
	       undo_of(&old, &new, known_before(e));
	r = set_flags(e->number, &old, &new);
	if (r == 0)
		r = go__fd_rename(e, kind | go__fd_socket_kind(e->number));
	if (r < 0)
		(void)set_flags(e->number, &new, &old);
	return r;
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
