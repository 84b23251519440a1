/* SPDX-License-Identifier: MIT */
/*
 * Reading folders.
 *
 * The C library's DIR does not tell which readdir() will go to the disk, so
 * each would have to run in the pool.  Here a visit to the pool fetches as many
 * entries as the buffer holds; most calls only step through them.
 */
#include <gofer/file.h>
#include <gofer/io.h>

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "arch/sys.h"
#include "io/offload.h"

enum {
	BATCH_BYTES = 32768 - 64, /* With the rest of it, eight pages. */
};

struct go_dir {
	int fd;
	void *stream;   /* What the system needs besides: sys.h. */
	size_t at, end; /* What has been fetched and not yet been given out. */
	_Alignas(struct dirent) char batch[BATCH_BYTES];
};

struct fetch {
	struct go__offload offload;
	struct go_dir *dir;
};

static int64_t run_fetch(struct go__offload *self)
{
	struct go_dir *d = ((struct fetch *)self)->dir;

	return go__sys_dir_read(d->fd, d->stream, d->batch, sizeof(d->batch));
}

int go_opendir(go_dir **dir, const char *path)
{
	struct go_dir *d = go__sys_malloc(sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->at = 0;
	d->end = 0;
	d->fd = go_open(path, O_RDONLY | O_DIRECTORY);
	r = d->fd;
	if (r >= 0) {
		r = go__sys_dir_open(d->fd, &d->stream);
		if (r < 0)
			(void)go_close(d->fd);
	}
	if (r < 0) {
		go__sys_free(d);
		return r;
	}
	*dir = d;
	return 0;
}

int go_readdir(go_dir *dir, struct dirent **entry)
{
	struct dirent *next;

	if (dir->at == dir->end) {
		struct fetch f = {.offload.run = run_fetch, .dir = dir};
		int64_t n = go__offload_on(dir->fd, &f.offload);

		if (n <= 0)
			return (int)n;
		dir->at = 0;
		dir->end = (size_t)n;
	}
	next = (struct dirent *)(void *)(dir->batch + dir->at);
	dir->at += next->d_reclen;
	*entry = next;
	return 1;
}

int go_rewinddir(go_dir *dir)
{
	off_t r = go_lseek(dir->fd, 0, SEEK_SET);

	if (r < 0)
		return (int)r;
	go__sys_dir_rewind(dir->stream);
	dir->at = dir->end;
	return 0;
}

int go_dirfd(const go_dir *dir)
{
	return dir->fd;
}

int go_closedir(go_dir *dir)
{
	int r = 0;

	if (dir) {
		go__sys_dir_close(dir->stream);
		r = go_close(dir->fd);
	}
	go__sys_free(dir);
	return r;
}
