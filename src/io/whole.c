/* SPDX-License-Identifier: MIT */
/*
 * Whole files, read and replaced in one visit to the pool.
 *
 * Replacing: the data goes into a new file in the same folder, which is stored
 * on the disk before it takes the old one's name; so at each moment, and after
 * a crash, the name leads to the one or the other.  Whatever fails, the new
 * file is removed.  The descriptors are used on one thread only, within one
 * job, so the descriptor table need not know them.
 */
#include <gofer/file.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "arch/sys.h"
#include "io/offload.h"

/* ---- reading ---- */

struct read_call {
	struct go__offload offload;
	const char *path;
	size_t most;
	char *data;
	size_t n, room;
};

enum {
	FIRST_ROOM = 4096, /* Files of /proc do not tell their size. */
};

/* Room for the whole file as far as is known, and for the zero behind it. */
static size_t first_room(int fd)
{
	struct stat st;

	if (go__sys_fstat(fd, &st) < 0 || st.st_size <= 0 ||
	    (uint64_t)st.st_size > SIZE_MAX / 4)
		return FIRST_ROOM;
	/* One more finds the end of the file at the first attempt. */
	return (size_t)st.st_size + 2;
}

/* Not more than what is allowed, one byte too much, and a zero. */
static int make_room(struct read_call *c, size_t room)
{
	char *data;

	if (room - 2 > c->most)
		room = c->most + 2;
	data = go__sys_realloc(c->data, room);
	if (!data)
		return -ENOMEM;
	c->data = data;
	c->room = room;
	return 0;
}

static int read_all(struct read_call *c, int fd)
{
	int r = make_room(c, first_room(fd));

	while (r == 0) {
		ssize_t got =
			go__sys_read(fd, c->data + c->n, c->room - 1 - c->n);

		if (got <= 0)
			return (int)got;
		c->n += (size_t)got;
		if (c->n > c->most)
			return -EFBIG;
		if (c->n == c->room - 1)
			r = make_room(c, c->room * 2);
	}
	return r;
}

static int64_t run_read(struct go__offload *self)
{
	struct read_call *c = (struct read_call *)self;
	int fd = go__sys_open(c->path, O_RDONLY | O_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return fd;
	r = read_all(c, fd);
	go__sys_close(fd);
	if (r < 0)
		go__sys_free(c->data);
	else
		c->data[c->n] = '\0';
	return r;
}

int go_read_file(const char *path, size_t most, void **data, size_t *n)
{
	struct read_call c = {
		.offload.run = run_read,
		.path = path,
		.most = most && most < SIZE_MAX / 4 ? most : SIZE_MAX / 4,
	};
	int r;

	if (!path || !data)
		return -EFAULT;
	r = (int)go__offload(&c.offload);
	if (r < 0)
		return r;
	*data = c.data;
	if (n)
		*n = c.n;
	return 0;
}

/* ---- replacing ---- */

struct write_call {
	struct go__offload offload;
	const char *path;
	const char *data;
	size_t n;
	mode_t mode;
};

enum {
	TRIES = 100,
	SUFFIX_BYTES = 16,
};

/* A new file beside the path; its name is stored in `name`. */
static int open_beside(const struct write_call *c, char *name, size_t size)
{
	int fd = -EEXIST;

	for (int i = 0; i < TRIES && fd == -EEXIST; i++) {
		uint64_t now = go__sys_now();
		int n = snprintf(name, size, "%s.%08x", c->path,
				 (unsigned)(now ^ (uintptr_t)name >> 8) *
					 2654435761u);

		if (n < 0 || (size_t)n >= size)
			return -ENAMETOOLONG;
		fd = go__sys_open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				  c->mode);
	}
	return fd;
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t put = go__sys_write(fd, data, n);

		if (put < 0)
			return (int)put;
		data += put;
		n -= (size_t)put;
	}
	return go__sys_fdatasync(fd);
}

static int replace(const struct write_call *c, char *name, size_t size)
{
	int fd = open_beside(c, name, size), r, closed;

	if (fd < 0)
		return fd;
	r = write_all(fd, c->data, c->n);
	closed = go__sys_close(fd);
	if (r == 0 && closed != -EINTR)
		r = closed;
	if (r == 0)
		r = go__sys_renameat(AT_FDCWD, name, AT_FDCWD, c->path);
	if (r < 0)
		(void)go__sys_unlinkat(AT_FDCWD, name, 0);
	return r;
}

static int64_t run_write(struct go__offload *self)
{
	struct write_call *c = (struct write_call *)self;
	size_t size = strlen(c->path) + SUFFIX_BYTES;
	char *name = go__sys_malloc(size);
	int r;

	if (!name)
		return -ENOMEM;
	r = replace(c, name, size);
	go__sys_free(name);
	return r;
}

int go_write_file(const char *path, const void *data, size_t n, mode_t mode)
{
	struct write_call c = {
		.offload.run = run_write,
		.path = path,
		.data = data,
		.n = n,
		.mode = mode,
	};

	if (!path || (!data && n))
		return -EFAULT;
	return (int)go__offload(&c.offload);
}
