/* SPDX-License-Identifier: MIT */
/*
 * Reading folders.
 *
 * The C library's DIR does not tell which readdir() will go to the disk, so
 * each would have to run in the pool.  Here a visit to the pool fetches as many
 * entries as the buffer holds, in the kernel's form, which on 64-bit systems is
 * the C library's struct dirent; most calls only step through them.
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

_Static_assert(offsetof(struct dirent, d_ino) == 0 &&
		       sizeof(((struct dirent *)0)->d_ino) == 8 &&
		       offsetof(struct dirent, d_reclen) == 16 &&
		       offsetof(struct dirent, d_type) == 18 &&
		       offsetof(struct dirent, d_name) == 19,
	       "the kernel's entries are the C library's");

struct go_dir {
	int fd;
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

	return go__sys_getdents64(d->fd, d->batch, sizeof(d->batch));
}

int go_opendir(go_dir **dir, const char *path)
{
	struct go_dir *d = go__sys_malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->at = 0;
	d->end = 0;
	d->fd = go_open(path, O_RDONLY | O_DIRECTORY);
	if (d->fd < 0) {
		int r = d->fd;

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

	if (dir)
		r = go_close(dir->fd);
	go__sys_free(dir);
	return r;
}
