/* SPDX-License-Identifier: MIT */
/*
 * The calls of file.h on paths: one system call each, made in the pool.
 */
#include <gofer/file.h>

#include <errno.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/offload.h"

/* What the calls take, each what it needs. */
struct path_call {
	struct go__offload offload;
	int dir, to_dir, flags;
	mode_t mode;
	const char *path, *to;
	char *buffer;
	size_t n;
	off_t bytes;
	struct stat *st;
};

static struct path_call *call_of(struct go__offload *self)
{
	return (struct path_call *)self;
}

/* Make the call, with its folder's descriptor entered if it has one. */
static int64_t run_at(int dir, struct path_call *c,
		      int64_t (*run)(struct go__offload *self))
{
	c->offload.run = run;
	if (!c->path)
		return -EFAULT;
	if (dir == AT_FDCWD)
		return go__offload(&c->offload);
	return go__offload_on(dir, &c->offload);
}

/* ---- asking ---- */

static int64_t run_fstatat(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_fstatat(c->dir, c->path, c->st, c->flags);
}

int go_fstatat(int dir, const char *path, struct stat *st, int flags)
{
	struct path_call c = {
		.dir = dir, .path = path, .st = st, .flags = flags};

	return st ? (int)run_at(dir, &c, run_fstatat) : -EFAULT;
}

int go_stat(const char *path, struct stat *st)
{
	return go_fstatat(AT_FDCWD, path, st, 0);
}

int go_lstat(const char *path, struct stat *st)
{
	return go_fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

static int64_t run_access(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_faccessat(AT_FDCWD, c->path, c->flags, 0);
}

int go_access(const char *path, int mode)
{
	struct path_call c = {.path = path, .flags = mode};

	return (int)run_at(AT_FDCWD, &c, run_access);
}

static int64_t run_realpath(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_realpath(c->path, c->buffer);
}

int go_realpath(const char *path, char *resolved)
{
	struct path_call c = {.path = path, .buffer = resolved};

	return resolved ? (int)run_at(AT_FDCWD, &c, run_realpath) : -EFAULT;
}

static int64_t run_readlink(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_readlinkat(AT_FDCWD, c->path, c->buffer, c->n);
}

ssize_t go_readlink(const char *path, char *buffer, size_t n)
{
	struct path_call c = {.path = path, .buffer = buffer, .n = n};

	return (ssize_t)run_at(AT_FDCWD, &c, run_readlink);
}

/* ---- names ---- */

static int64_t run_rename(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_renameat(c->dir, c->path, c->to_dir, c->to);
}

int go_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	struct path_call c = {
		.dir = from_dir, .path = from, .to_dir = to_dir, .to = to};
	struct go__fd *e = NULL;
	int r = to ? 0 : -EFAULT;

	if (r == 0 && to_dir != AT_FDCWD)
		r = go__fd_enter(to_dir, &e);
	if (r < 0)
		return r;
	r = (int)run_at(from_dir, &c, run_rename);
	if (e)
		(void)go__fd_leave(e);
	return r;
}

int go_rename(const char *from, const char *to)
{
	return go_renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static int64_t run_link(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_linkat(AT_FDCWD, c->path, AT_FDCWD, c->to, 0);
}

int go_link(const char *from, const char *to)
{
	struct path_call c = {.path = from, .to = to};

	return to ? (int)run_at(AT_FDCWD, &c, run_link) : -EFAULT;
}

static int64_t run_symlink(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_symlinkat(c->to, AT_FDCWD, c->path);
}

int go_symlink(const char *to, const char *path)
{
	struct path_call c = {.path = path, .to = to};

	return to ? (int)run_at(AT_FDCWD, &c, run_symlink) : -EFAULT;
}

static int64_t run_unlink(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_unlinkat(c->dir, c->path, c->flags);
}

int go_unlinkat(int dir, const char *path, int flags)
{
	struct path_call c = {.dir = dir, .path = path, .flags = flags};

	return (int)run_at(dir, &c, run_unlink);
}

int go_unlink(const char *path)
{
	return go_unlinkat(AT_FDCWD, path, 0);
}

int go_rmdir(const char *path)
{
	return go_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- making and changing ---- */

static int64_t run_mkdir(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_mkdirat(c->dir, c->path, c->mode);
}

int go_mkdirat(int dir, const char *path, mode_t mode)
{
	struct path_call c = {.dir = dir, .path = path, .mode = mode};

	return (int)run_at(dir, &c, run_mkdir);
}

int go_mkdir(const char *path, mode_t mode)
{
	return go_mkdirat(AT_FDCWD, path, mode);
}

static int64_t run_chmod(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_fchmodat(AT_FDCWD, c->path, c->mode, 0);
}

int go_chmod(const char *path, mode_t mode)
{
	struct path_call c = {.path = path, .mode = mode};

	return (int)run_at(AT_FDCWD, &c, run_chmod);
}

static int64_t run_truncate(struct go__offload *self)
{
	struct path_call *c = call_of(self);

	return go__sys_truncate(c->path, c->bytes);
}

int go_truncate(const char *path, off_t n)
{
	struct path_call c = {.path = path, .bytes = n};

	return (int)run_at(AT_FDCWD, &c, run_truncate);
}
