/* SPDX-License-Identifier: MIT */
/*
 * The calls of file.h on descriptors of files.
 *
 * Each is a system call that may wait for a disk, so it runs in the pool
 * (offload.h), with the descriptor entered meanwhile.  Two things are done by
 * the task itself:
 *
 * READING WHAT IS IN MEMORY.  preadv2() with RWF_NOWAIT takes what the page
 * cache has, and says EAGAIN where it would have to wait.  It may also come
 * short, at the end of the file or where the cache ends; one more byte, asked
 * for in the same way behind them, tells which.  If it was the cache, all of it
 * is read again in the pool: with a place given, that does no harm.  Where a
 * file system does not know the flag, it is the pool's.
 *
 * MOVING THE POSITION is arithmetic, unless the end or a hole is asked for.
 * But the kernel has a lock for it, which a read in the pool on the same
 * descriptor holds while it waits for the disk.  So the task moves it, or reads
 * from there (transfer.c), only if it is alone on the descriptor.
 *
 * Writes always go to the pool: few file systems know RWF_NOWAIT for them, and
 * it may leave a part unwritten, which would tear the lines of a common log.
 */
#include <gofer/file.h>
#include <gofer/io.h>

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"
#include "io/offload.h"
#include "sched/task.h"

/* ---- opening ---- */

struct open_call {
	struct go__offload offload;
	int dir, flags;
	const char *path;
	mode_t mode;
};

int go__fd_disk_kind(int fd, int flags)
{
	struct stat st;
	int r = go__sys_fstat(fd, &st);

	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode) &&
	    !S_ISDIR(st.st_mode))
		return 0;
	return GO__FD_DISK | (flags & O_DIRECT ? GO__FD_UNCACHED : 0);
}

/* What cannot be waited for stays as it is; the rest must not block. */
static int settle_mode(int fd, int flags)
{
	int kind = go__fd_disk_kind(fd, flags), r;

	if (kind)
		return kind;
	r = go__sys_fcntl(fd, F_GETFL, 0);
	if (r >= 0)
		r = go__sys_fcntl(fd, F_SETFL, r | O_NONBLOCK);
	return r;
}

/* Make it one of ours.  Returns fd; if that fails, it has been closed. */
static int take_over(int fd, int flags)
{
	/* A path only: nobody reads or writes that. */
	int r = flags & O_PATH ? 0 : settle_mode(fd, flags);

	if (r >= 0)
		r = go__fd_adopt(fd, GO__FD_OWN | (uint32_t)r);
	if (r >= 0)
		return fd;
	go__sys_close(fd);
	return r;
}

static int64_t run_open(struct go__offload *self)
{
	struct open_call *c = (struct open_call *)self;
	int fd = go__sys_openat(c->dir, c->path, c->flags, c->mode);

	return fd < 0 ? fd : take_over(fd, c->flags);
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
	struct open_call c = {
		.offload.run = run_open,
		.dir = dir,
		.flags = flags | O_CLOEXEC,
		.path = path,
		.mode = mode,
	};

	if (!path)
		return -EFAULT;
	if (dir == AT_FDCWD)
		return (int)go__offload(&c.offload);
	return (int)go__offload_on(dir, &c.offload);
}

/* Whether open(2) takes a third argument. */
static bool makes_file(int flags)
{
#ifdef O_TMPFILE
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return true;
#endif
	return flags & O_CREAT;
}

int go_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list more;

	va_start(more, flags);
	if (makes_file(flags))
		mode = (mode_t)va_arg(more, unsigned);
	va_end(more);
	return open_at(AT_FDCWD, path, flags, mode);
}

int go_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list more;

	va_start(more, flags);
	if (makes_file(flags))
		mode = (mode_t)va_arg(more, unsigned);
	va_end(more);
	return open_at(dir, path, flags, mode);
}

/* ---- reading and writing at a place ---- */

struct move {
	struct go__offload offload;
	int fd;
	const struct iovec *v;
	int n;
	off_t at;
};

static int64_t run_read(struct go__offload *self)
{
	struct move *m = (struct move *)self;

	return go__sys_preadv(m->fd, m->v, m->n, m->at);
}

static int64_t run_write(struct go__offload *self)
{
	struct move *m = (struct move *)self;

	return go__sys_pwritev(m->fd, m->v, m->n, m->at);
}

static size_t total(const struct iovec *v, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += v[i].iov_len;
	return sum;
}

/* A read in memory came short: is the file over? */
static bool is_end(const struct move *m, ssize_t got)
{
	char byte;
	struct iovec v = {&byte, 1};

	return go__sys_preadv2(m->fd, &v, 1, m->at + got, RWF_NOWAIT) == 0;
}

static bool is_uncached(int fd, uint32_t kind)
{
	int flags;

	if (kind & GO__FD_OWN)
		return kind & GO__FD_UNCACHED;
	flags = go__sys_fcntl(fd, F_GETFL, 0);
	return flags >= 0 && (flags & O_DIRECT);
}

/* What memory has.  -EAGAIN: not all of it. */
static ssize_t read_memory(const struct move *m, uint32_t kind)
{
	ssize_t got;

	if (m->n < 0 || !m->v || is_uncached(m->fd, kind))
		return -EAGAIN;
	got = go__sys_preadv2(m->fd, m->v, m->n, m->at, RWF_NOWAIT);
	if (got == -EOPNOTSUPP || go__sys_is_missing(got))
		return -EAGAIN;
	if (got > 0 && (size_t)got < total(m->v, m->n) && !is_end(m, got))
		return -EAGAIN;
	return got;
}

ssize_t go_preadv(int fd, const struct iovec *buffers, int count, off_t at)
{
	struct move m = {
		.offload.run = run_read,
		.fd = fd,
		.v = buffers,
		.n = count,
		.at = at,
	};
	struct go__fd_call c;
	ssize_t got = go__fd_begin(&c, fd);

	if (got < 0)
		return got;
	/* -1 would mean the position. */
	if (at < 0)
		got = -EINVAL;
	else if (c.waiter->is_task)
		got = read_memory(&m, go__fd_kind(c.entry));
	else
		got = -EAGAIN;
	if (got == -EAGAIN)
		got = (ssize_t)go__offload(&m.offload);
	go__fd_end(&c, GO__WAY_IN);
	return got;
}

ssize_t go_pwritev(int fd, const struct iovec *buffers, int count, off_t at)
{
	struct move m = {
		.offload.run = run_write,
		.fd = fd,
		.v = buffers,
		.n = count,
		.at = at,
	};

	return (ssize_t)go__offload_on(fd, &m.offload);
}

ssize_t go_pread(int fd, void *buffer, size_t n, off_t at)
{
	struct iovec v = {buffer, n};

	return go_preadv(fd, &v, 1, at);
}

ssize_t go_pwrite(int fd, const void *buffer, size_t n, off_t at)
{
	struct iovec v = {(void *)(uintptr_t)buffer, n};

	return go_pwritev(fd, &v, 1, at);
}

/* ---- the rest ---- */

struct fd_call {
	struct go__offload offload;
	int fd, mode; /* The mode of fallocate, or whence of lseek. */
	off_t at, n;
	struct stat *st;
};

static int64_t run_lseek(struct go__offload *self)
{
	struct fd_call *c = (struct fd_call *)self;

	return go__sys_lseek(c->fd, c->at, c->mode);
}

off_t go_lseek(int fd, off_t at, int whence)
{
	struct fd_call move = {
		.offload.run = run_lseek,
		.fd = fd,
		.mode = whence,
		.at = at,
	};
	struct go__fd_call c;
	off_t r = go__fd_begin(&c, fd);

	if (r < 0)
		return r;
	if ((whence == SEEK_SET || whence == SEEK_CUR) &&
	    go__fduse_alone(&c.entry->use))
		r = go__sys_lseek(fd, at, whence);
	else
		r = go__offload(&move.offload);
	go__fd_end(&c, GO__WAY_IN);
	return r;
}

static int64_t run_fsync(struct go__offload *self)
{
	return go__sys_fsync(((struct fd_call *)self)->fd);
}

int go_fsync(int fd)
{
	struct fd_call c = {.offload.run = run_fsync, .fd = fd};

	return (int)go__offload_on(fd, &c.offload);
}

static int64_t run_fdatasync(struct go__offload *self)
{
	return go__sys_fdatasync(((struct fd_call *)self)->fd);
}

int go_fdatasync(int fd)
{
	struct fd_call c = {.offload.run = run_fdatasync, .fd = fd};

	return (int)go__offload_on(fd, &c.offload);
}

static int64_t run_ftruncate(struct go__offload *self)
{
	struct fd_call *c = (struct fd_call *)self;

	return go__sys_ftruncate(c->fd, c->n);
}

int go_ftruncate(int fd, off_t n)
{
	struct fd_call c = {.offload.run = run_ftruncate, .fd = fd, .n = n};

	return (int)go__offload_on(fd, &c.offload);
}

static int64_t run_fallocate(struct go__offload *self)
{
	struct fd_call *c = (struct fd_call *)self;

	return go__sys_fallocate(c->fd, c->mode, c->at, c->n);
}

int go_fallocate(int fd, int mode, off_t at, off_t n)
{
	struct fd_call c = {
		.offload.run = run_fallocate,
		.fd = fd,
		.mode = mode,
		.at = at,
		.n = n,
	};

	return (int)go__offload_on(fd, &c.offload);
}

static int64_t run_fstat(struct go__offload *self)
{
	struct fd_call *c = (struct fd_call *)self;

	return go__sys_fstat(c->fd, c->st);
}

int go_fstat(int fd, struct stat *st)
{
	struct fd_call c = {.offload.run = run_fstat, .fd = fd, .st = st};

	return st ? (int)go__offload_on(fd, &c.offload) : -EFAULT;
}
