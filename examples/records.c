/* SPDX-License-Identifier: MIT */
/*
 * A file of records of one size, which are read and written at their places,
 * by any number of tasks at once: the file's position is not used.
 *
 * Run it:    records
 * Expect:    3 records
 *            record 1: two
 *            record 1: TWO
 *            records 0 and 2: one, three
 *            2 records when the last one is dropped
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ROOM = 100
};

struct record {
	char text[16];
};

static off_t place(int i)
{
	return (off_t)(i * (int)sizeof(struct record));
}

static int short_is_error(ssize_t n, size_t wanted)
{
	if (n < 0)
		return (int)n;
	return (size_t)n == wanted ? 0 : -EIO;
}

/* So that no later write finds the disk full; not every file system can. */
static int reserve(int fd)
{
	int r = go_fallocate(fd, 0, 0, place(ROOM));

	if (r == 0)
		r = go_ftruncate(fd, 0);
	return r == -EOPNOTSUPP || r == -ENOSYS ? 0 : r;
}

static int print_count(int fd, const char *behind)
{
	struct stat st;
	int r = go_fstat(fd, &st);

	if (r == 0)
		printf("%d records%s\n",
		       (int)(st.st_size / (off_t)sizeof(struct record)),
		       behind);
	return r;
}

/* Three at once, from where they happen to lie. */
static int fill(int fd)
{
	struct record one = {"one"}, two = {"two"}, three = {"three"};
	struct iovec all[] = {
		{&one, sizeof one},
		{&two, sizeof two},
		{&three, sizeof three},
	};

	return short_is_error(go_pwritev(fd, all, 3, 0), 3 * sizeof one);
}

static int print_one(int fd, int i)
{
	struct record got;
	int r = short_is_error(go_pread(fd, &got, sizeof got, place(i)),
			       sizeof got);

	if (r == 0)
		printf("record %d: %s\n", i, got.text);
	return r;
}

/* It is on the disk when this returns. */
static int replace(int fd, int i, const char *text)
{
	struct record next = {""};
	int r;

	snprintf(next.text, sizeof next.text, "%s", text);
	r = short_is_error(go_pwrite(fd, &next, sizeof next, place(i)),
			   sizeof next);
	return r < 0 ? r : go_fdatasync(fd);
}

static int print_first_and_last(int fd)
{
	struct record first, between, last;
	struct iovec all[] = {
		{&first, sizeof first},
		{&between, sizeof between},
		{&last, sizeof last},
	};
	int r = short_is_error(go_preadv(fd, all, 3, 0), 3 * sizeof first);

	if (r == 0)
		printf("records 0 and 2: %s, %s\n", first.text, last.text);
	return r;
}

static int drop_last(int fd)
{
	off_t end = go_lseek(fd, 0, SEEK_END);

	if (end < 0)
		return (int)end;
	return go_ftruncate(fd, end - (off_t)sizeof(struct record));
}

static int use(int fd)
{
	int r = reserve(fd);

	if (r == 0)
		r = fill(fd);
	if (r == 0)
		r = print_count(fd, "");
	if (r == 0)
		r = print_one(fd, 1);
	if (r == 0)
		r = replace(fd, 1, "TWO");
	if (r == 0)
		r = print_one(fd, 1);
	if (r == 0)
		r = print_first_and_last(fd);
	if (r == 0)
		r = drop_last(fd);
	return r < 0 ? r : print_count(fd, " when the last one is dropped");
}

static void *start(void *path)
{
	int fd = go_open(path, O_RDWR), r, error;

	if (fd < 0)
		return GO_INT(fd);
	r = use(fd);
	error = go_close(fd); /* may tell of a write that has failed late */
	return GO_INT(r < 0 ? r : error);
}

int main(void)
{
	char path[] = "/tmp/records-XXXXXX";
	void *result = NULL;
	int fd = mkstemp(path);
	int r = fd < 0 ? -errno : 0;

	if (r == 0) {
		close(fd);
		r = go_run_with(NULL, start, path, &result);
		(void)unlink(path);
	}
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "records: %s\n", strerror(-r));
	return r < 0;
}
