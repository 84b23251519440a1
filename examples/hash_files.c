/* SPDX-License-Identifier: MIT */
/*
 * A pool of workers over blocking work: hash many files, so many at a time.
 *
 * A folder stands for all files below it.  Each file has a task of its own,
 * which parks while the disk is read; a group lets no more than 8 of them run
 * side by side, however many there are, and its first error ends the others.
 * The sums (32-bit FNV-1a) are printed in the order of the names.
 *
 * Without arguments it makes a folder of its own, hashes it, and removes it.
 *
 * Run it:    hash_files [FILE or FOLDER...]
 * Expect:    e40c292c  a
 *            bf9cf968  docs/foobar
 *            811c9dc5  docs/nothing
 */
#include <gofer.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_A_TIME 8
#define FNV_START 2166136261u

/* ---- one file ---- */

static uint32_t fnv1a(uint32_t sum, const char *p, size_t n)
{
	for (; n; p++, n--)
		sum = (sum ^ (unsigned char)*p) * 16777619u;
	return sum;
}

static int sum_of(const char *path, uint32_t *sum)
{
	char block[16384];
	off_t at = 0;
	ssize_t n;
	int fd = go_open(path, O_RDONLY);

	if (fd < 0)
		return fd;
	*sum = FNV_START;
	while ((n = go_pread(fd, block, sizeof block, at)) > 0) {
		*sum = fnv1a(*sum, block, (size_t)n);
		at += n;
	}
	go_close(fd);
	return (int)n;
}

/* ---- all files ---- */

struct file {
	char *path;
	uint32_t sum;
};

/* Pointers to files, for the tasks keep theirs while the list grows. */
struct list {
	struct file **file;
	size_t n, room;
};

static int add(struct list *l, const char *path)
{
	struct file *f = calloc(1, sizeof *f);

	if (f)
		f->path = strdup(path);
	if (f && f->path && l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		void *grown = realloc(l->file, room * sizeof *l->file);

		if (grown) {
			l->file = grown;
			l->room = room;
		}
	}
	if (!f || !f->path || l->n == l->room) {
		if (f)
			free(f->path);
		free(f);
		return -ENOMEM;
	}
	l->file[l->n++] = f;
	return 0;
}

static void free_all(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->file[i]->path);
		free(l->file[i]);
	}
	free(l->file);
}

static int find(struct list *l, const char *path);

static int find_in_folder(struct list *l, const char *path)
{
	struct dirent *entry;
	char *inner;
	go_dir *dir;
	int r;

	r = go_opendir(&dir, path);
	if (r < 0)
		return r;
	while ((r = go_readdir(dir, &entry)) > 0) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (asprintf(&inner, "%s/%s", path, entry->d_name) < 0) {
			r = -ENOMEM;
			break;
		}
		r = find(l, inner);
		free(inner);
		if (r < 0)
			break;
	}
	go_closedir(dir);
	return r;
}

/* Note a file, or those of a folder; links and devices are passed over. */
static int find(struct list *l, const char *path)
{
	struct stat st;
	int r = go_lstat(path, &st);

	if (r < 0)
		fprintf(stderr, "hash_files: %s: %s\n", path, strerror(-r));
	else if (S_ISREG(st.st_mode))
		r = add(l, path);
	else if (S_ISDIR(st.st_mode))
		r = find_in_folder(l, path);
	return r;
}

static void *hash(void *arg)
{
	struct file *f = arg;
	int r = sum_of(f->path, &f->sum);

	if (r < 0 && r != -ECANCELED)
		fprintf(stderr, "hash_files: %s: %s\n", f->path, strerror(-r));
	return GO_INT(r);
}

static int hash_all(struct list *l)
{
	go_group_options options = {
		.limit = AT_A_TIME,
		.cancel_on_error = true,
	};
	GO_GROUP_WITH(group, &options);
	int r = 0, error;

	for (size_t i = 0; i < l->n && r == 0; i++)
		r = go_group_spawn(&group, hash, l->file[i]);
	error = go_group_wait(&group);
	return error ? error : r;
}

static int by_path(const void *a, const void *b)
{
	return strcmp((*(struct file *const *)a)->path,
		      (*(struct file *const *)b)->path);
}

/* Hash what the paths stand for; print it, less the first `cut` letters. */
static int hash_paths(char **path, size_t cut)
{
	struct list l = {NULL, 0, 0};
	int r = 0;

	for (; *path && r == 0; path++)
		r = find(&l, *path);
	if (r == 0)
		r = hash_all(&l);
	if (r == 0 && l.n)
		qsort(l.file, l.n, sizeof *l.file, by_path);
	for (size_t i = 0; i < l.n && r == 0; i++)
		printf("%08x  %s\n", (unsigned)l.file[i]->sum,
		       l.file[i]->path + cut);
	free_all(&l);
	return r;
}

/* ---- a folder to show it with ---- */

static int show_in(char *folder)
{
	static const struct {
		const char *name, *text;
	} sample[] = {
		{"a", "a"},
		{"docs/foobar", "foobar"},
		{"docs/nothing", ""},
	};
	char *paths[] = {folder, NULL}, path[PATH_MAX];
	int r;

	snprintf(path, sizeof path, "%s/docs", folder);
	r = go_mkdir(path, 0700);
	for (int i = 0; i < 3 && r == 0; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, sample[i].name);
		r = go_write_file(path, sample[i].text, strlen(sample[i].text),
				  0600);
	}
	if (r == 0)
		r = hash_paths(paths, strlen(folder) + 1);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, sample[i].name);
		go_unlink(path);
	}
	snprintf(path, sizeof path, "%s/docs", folder);
	go_rmdir(path);
	return r;
}

static int show(void)
{
	char folder[] = "/tmp/hash_files-XXXXXX";
	int r;

	if (!mkdtemp(folder))
		return -EACCES;
	r = show_in(folder);
	go_rmdir(folder);
	return r;
}

static void *start(void *arg)
{
	char **path = arg;

	return GO_INT(*path ? hash_paths(path, 0) : show());
}

int main(int argc, char **argv)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, argv + (argc > 0), &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "hash_files: %s\n", strerror(-r));
	return r < 0;
}
