/* SPDX-License-Identifier: MIT */
/*
 * A spool, as mail systems have one: messages are written in one folder and
 * appear in another one when they are complete, so that a reader needs no lock.
 *
 * All paths begin at a descriptor of the spool's own folder, so it may be moved
 * while this runs, and nobody can put another folder in its place.
 *
 * Run it:    spool
 * Expect:    2 messages are waiting
 *            10 bytes taken
 *            0 messages are waiting
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Store a message on the disk, then show it to readers. */
static int deliver(int spool, const char *name, const char *text)
{
	char draft[64], ready[64];
	int fd, r, error;

	snprintf(draft, sizeof draft, "tmp/%s", name);
	snprintf(ready, sizeof ready, "new/%s", name);
	fd = go_openat(spool, draft, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return fd;
	r = go_write_all(fd, text, strlen(text), NULL);
	if (r == 0)
		r = go_fsync(fd);
	error = go_close(fd);
	if (r == 0)
		r = error;
	if (r == 0)
		r = go_renameat(spool, draft, spool, ready);
	if (r < 0)
		(void)go_unlinkat(spool, draft, 0);
	return r;
}

static bool is_message(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int count(go_dir *fresh)
{
	struct dirent *entry;
	int n = 0, r = go_rewinddir(fresh);

	while (r == 0 && (r = go_readdir(fresh, &entry)) > 0) {
		n += is_message(entry);
		r = 0;
	}
	if (r == 0)
		printf("%d messages are waiting\n", n);
	return r;
}

/* Returns how many bytes it had. */
static int take(int folder, const char *name)
{
	struct stat st;
	int r = go_fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW);

	if (r == 0)
		r = go_unlinkat(folder, name, 0);
	return r < 0 ? r : (int)st.st_size;
}

static int take_all(go_dir *fresh)
{
	struct dirent *entry;
	int bytes = 0, r = go_rewinddir(fresh);

	while (r == 0 && (r = go_readdir(fresh, &entry)) > 0) {
		r = is_message(entry) ? take(go_dirfd(fresh), entry->d_name)
				      : 0;
		if (r > 0) {
			bytes += r;
			r = 0;
		}
	}
	if (r == 0)
		printf("%d bytes taken\n", bytes);
	return r;
}

static int use(int spool, const char *path)
{
	char fresh_path[64];
	go_dir *fresh;
	int r = deliver(spool, "1", "hello");

	if (r == 0)
		r = deliver(spool, "2", "world");
	if (r < 0)
		return r;
	snprintf(fresh_path, sizeof fresh_path, "%s/new", path);
	r = go_opendir(&fresh, fresh_path);
	if (r < 0)
		return r;
	r = count(fresh);
	if (r == 0)
		r = take_all(fresh);
	if (r == 0)
		r = count(fresh);
	go_closedir(fresh);
	return r;
}

static void *start(void *arg)
{
	const char *path = arg;
	int spool = go_open(path, O_RDONLY | O_DIRECTORY), r, error;

	if (spool < 0)
		return GO_INT(spool);
	r = go_mkdirat(spool, "tmp", 0700);
	if (r == 0)
		r = go_mkdirat(spool, "new", 0700);
	if (r == 0)
		r = use(spool, path);
	error = go_unlinkat(spool, "new", AT_REMOVEDIR);
	if (error == 0)
		error = go_unlinkat(spool, "tmp", AT_REMOVEDIR);
	go_close(spool);
	return GO_INT(r < 0 ? r : error);
}

int main(void)
{
	char folder[] = "/tmp/spool-XXXXXX";
	void *result = NULL;
	int r = mkdtemp(folder) ? 0 : -errno;

	if (r == 0) {
		r = go_run_with(NULL, start, folder, &result);
		(void)rmdir(folder);
	}
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "spool: %s\n", strerror(-r));
	return r < 0;
}
