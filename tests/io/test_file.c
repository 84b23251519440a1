/* SPDX-License-Identifier: MIT */
/*
 * Files and folders: what the calls of file.h do, what io.h's calls do on
 * files, and what they say to bad arguments; from tasks of every kind of
 * runtime and from plain threads.
 */
#include "support_file.h"

#include <poll.h>

#include "arch/sanitize.h"

enum {
	SIZE = 200000,
};

static char pattern_at(size_t i)
{
	return (char)(i * 31 + i / 251);
}

static void fill(char *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = pattern_at(i);
}

static bool is_pattern(const char *data, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++)
		if (data[i] != pattern_at(from + i))
			return false;
	return true;
}

/* Out of memory, so that it has to be read again; without reading ahead. */
static void make_cold(int fd)
{
	INSIST(fdatasync(fd) == 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
}

/* ---- descriptors ---- */

static void *open_read_write(void *arg)
{
	const char *path = in_folder(arg, "data");
	char *data = (char *)malloc(SIZE), *back = (char *)malloc(SIZE + 1);
	struct iovec v[2] = {{back, 10}, {back + 10, 20}};
	struct stat st;
	int fd = go_open(path, O_RDWR | O_CREAT | O_EXCL, 0640), r;

	MUST(data && back);
	fill(data, SIZE);
	MUST(fd >= 0);
	MUST(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	MUST(go_open(path, O_RDWR | O_CREAT | O_EXCL, 0600) == -EEXIST);
	MUST(go_pwrite(fd, data, SIZE, 0) == SIZE);
	MUST(go_pread(fd, back, SIZE, 0) == SIZE);
	MUST(is_pattern(back, SIZE, 0));
	MUST(go_pread(fd, back, SIZE, 100000) == SIZE - 100000);
	MUST(is_pattern(back, SIZE - 100000, 100000));
	MUST(go_pread(fd, back, 1, SIZE) == 0);
	MUST(go_pread(fd, back, 0, 0) == 0);
	MUST(go_preadv(fd, v, 2, 5) == 30 && is_pattern(back, 30, 5));
	MUST(go_pwritev(fd, v, 2, 5) == 30);
	MUST(go_fsync(fd) == 0 && go_fdatasync(fd) == 0);
	MUST(go_fstat(fd, &st) == 0 && st.st_size == SIZE);
	MUST(S_ISREG(st.st_mode) && (st.st_mode & 037) == 0);
	MUST(go_ftruncate(fd, 1000) == 0);
	MUST(go_pread(fd, back, SIZE, 0) == 1000);
	MUST(is_pattern(back, 1000, 0));
	r = go_fallocate(fd, 0, 0, 5000);
	MUST(r == 0 || r == -EOPNOTSUPP);
	MUST(go_close(fd) == 0);
	MUST(go_unlink(path) == 0);
	free(data);
	free(back);
	return NULL;
}

static void *position(void *arg)
{
	const char *path = in_folder(arg, "position");
	char data[100], back[100];
	int fd = go_open(path, O_RDWR | O_CREAT, 0600);

	fill(data, 100);
	MUST(fd >= 0);
	MUST(go_write(fd, data, 60) == 60);
	MUST(go_write_all(fd, data + 60, 40, NULL) == 0);
	MUST(go_lseek(fd, 0, SEEK_CUR) == 100);
	MUST(go_lseek(fd, 10, SEEK_SET) == 10);
	MUST(go_read(fd, back, 20) == 20 && is_pattern(back, 20, 10));
	MUST(go_lseek(fd, -5, SEEK_END) == 95);
	MUST(go_read(fd, back, 100) == 5 && is_pattern(back, 5, 95));
	MUST(go_read(fd, back, 100) == 0);
	MUST(go_lseek(fd, -1, SEEK_SET) == -EINVAL);
	MUST(go_lseek(fd, 0, 77) == -EINVAL);
	/* The position is where it was. */
	MUST(go_pread(fd, back, 3, 0) == 3);
	MUST(go_lseek(fd, 0, SEEK_CUR) == 100);
	MUST(go_close(fd) == 0);
	fd = go_open(path, O_WRONLY | O_APPEND);
	MUST(fd >= 0);
	MUST(go_write(fd, data, 7) == 7);
	MUST(go_lseek(fd, 0, SEEK_CUR) == 107);
	MUST(go_close(fd) == 0);
	MUST(go_unlink(path) == 0);
	return NULL;
}

/* What has to come from the disk comes whole, wherever the memory ends. */
static void *cold(void *arg)
{
	const char *path = in_folder(arg, "cold");
	char *data = (char *)malloc(SIZE);
	int fd = go_open(path, O_RDWR | O_CREAT, 0600);
	size_t done;

	MUST(data);
	fill(data, SIZE);
	MUST(fd >= 0);
	MUST(go_pwrite(fd, data, SIZE, 0) == SIZE);
	make_cold(fd);
	MUST(go_pread(fd, data, 1, 0) == 1);
	MUST(go_pread(fd, data, SIZE, 0) == SIZE);
	MUST(is_pattern(data, SIZE, 0));
	make_cold(fd);
	MUST(go_pread(fd, data, 1, 8192) == 1);
	MUST(go_pread(fd, data, SIZE, 100) == SIZE - 100);
	MUST(is_pattern(data, SIZE - 100, 100));
	make_cold(fd);
	MUST(go_pread(fd, data, 1, 0) == 1);
	MUST(go_read_full(fd, data, SIZE, &done) == 0 && done == SIZE);
	MUST(is_pattern(data, SIZE, 0));
	MUST(go_read(fd, data, 1) == 0);
	MUST(go_close(fd) == 0);
	MUST(go_unlink(path) == 0);
	free(data);
	return NULL;
}

/* Files that were opened elsewhere: whole writes, and their modes untouched. */
static void *foreign(void *arg)
{
	static const char *const folders[] = {NULL, "/dev/shm"};
	char *data = (char *)malloc(SIZE), name[40];

	MUST(data);
	/* Others may run beside us. */
	snprintf(name, sizeof(name), "gofer-foreign-%ld", (long)getpid());
	for (int i = 0; i < 2; i++) {
		const char *path =
			in_folder(folders[i] ? folders[i] : arg, name);
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), flags;

		if (fd < 0)
			continue;
		flags = fcntl(fd, F_GETFL);
		fill(data, SIZE);
		MUST(go_write(fd, data, SIZE) == SIZE);
		MUST(go_lseek(fd, 0, SEEK_SET) == 0);
		make_cold(fd);
		memset(data, 0, SIZE);
		MUST(go_read_full(fd, data, SIZE, NULL) == 0);
		MUST(is_pattern(data, SIZE, 0));
		MUST(go_pread(fd, data, SIZE, 5) == SIZE - 5);
		MUST(is_pattern(data, SIZE - 5, 5));
		MUST(fcntl(fd, F_GETFL) == flags);
		/* Behind our back. */
		MUST(close(fd) == 0);
		MUST(unlink(path) == 0);
	}
	free(data);
	return NULL;
}

static void *uncached(void *arg)
{
	const char *path = in_folder(arg, "uncached");
	char *data = (char *)aligned_alloc(4096, 8192);
	int fd = go_open(path, O_RDWR | O_CREAT | O_DIRECT, 0600);

	MUST(data);
	/* Not every file system has it. */
	if (fd >= 0) {
		fill(data, 8192);
		MUST(go_pwrite(fd, data, 8192, 0) == 8192);
		memset(data, 0, 8192);
		MUST(go_pread(fd, data, 8192, 0) == 8192);
		MUST(is_pattern(data, 8192, 0));
		MUST(go_read(fd, data, 4096) == 4096);
		MUST(is_pattern(data, 4096, 0));
		MUST(go_close(fd) == 0);
		MUST(go_unlink(path) == 0);
	} else {
		MUST(fd == -EINVAL);
	}
	free(data);
	return NULL;
}

static void *bad_arguments(void *arg)
{
	static const int bad[] = {-1, 900, INT32_MIN};
	const char *path = in_folder(arg, "bad");
	char c = 'x';
	struct iovec v = {&c, 1};
	struct stat st;
	int fds[2], fd;

	for (int i = 0; i < 3; i++) {
		fd = bad[i];
		MUST(go_pread(fd, &c, 1, 0) == -EBADF);
		MUST(go_pwrite(fd, &c, 1, 0) == -EBADF);
		MUST(go_preadv(fd, &v, 1, 0) == -EBADF);
		MUST(go_pwritev(fd, &v, 1, 0) == -EBADF);
		MUST(go_lseek(fd, 0, SEEK_SET) == -EBADF);
		MUST(go_fsync(fd) == -EBADF && go_fdatasync(fd) == -EBADF);
		MUST(go_ftruncate(fd, 0) == -EBADF);
		MUST(go_fallocate(fd, 0, 0, 1) == -EBADF);
		MUST(go_fstat(fd, &st) == -EBADF);
		MUST(go_openat(fd, "x", O_RDONLY) == -EBADF);
		MUST(go_fstatat(fd, "x", &st, 0) == -EBADF);
		MUST(go_renameat(AT_FDCWD, "x", fd, "y") == -EBADF);
	}
	MUST(go_open(path, O_RDONLY) == -ENOENT);
	MUST(go_open(NULL, O_RDONLY) == -EFAULT);
	MUST(go_open((const char *)arg, O_RDWR) == -EISDIR);
	fd = go_open(path, O_RDWR | O_CREAT, 0600);
	MUST(fd >= 0);
	MUST(go_pread(fd, &c, 1, -1) == -EINVAL);
	MUST(go_pwrite(fd, &c, 1, -1) == -EINVAL);
	MUST(go_preadv(fd, &v, -1, 0) == -EINVAL);
	/* Valgrind looks at what is there before the kernel does. */
	if (!go__sanitize_on_valgrind()) {
		MUST(go_pwritev(fd, &v, IOV_MAX + 1, 0) == -EINVAL);
		MUST(go_preadv(fd, NULL, 1, 0) == -EFAULT);
		MUST(go_pwrite(fd, NULL, 1, 0) == -EFAULT);
		MUST(go_fstat(fd, NULL) == -EFAULT);
	}
	MUST(go_openat(fd, "x", O_RDONLY) == -ENOTDIR);
	MUST(go_close(fd) == 0);
	MUST(go_unlink(path) == 0);
	MUST(go_pipe(fds) == 0);
	MUST(go_pread(fds[0], &c, 1, 0) == -ESPIPE);
	MUST(go_lseek(fds[0], 0, SEEK_SET) == -ESPIPE);
	MUST(go_fsync(fds[0]) == -EINVAL);
	close_both(fds);
	return NULL;
}

static void *all_of_descriptors(void *unused)
{
	go_fn *const parts[] = {
		open_read_write, position, cold,
		foreign,         uncached, bad_arguments,
	};
	char folder[64];

	(void)unused;
	make_folder(folder);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		unsigned open_before = open_descriptors();
		void *wrong = parts[i](folder);

		if (wrong)
			return wrong;
		/* A plain thread's first wait makes an eventfd. */
		MUST(open_descriptors() <= open_before + 1);
	}
	MUST(rmdir(folder) == 0);
	return NULL;
}

Test(file, descriptors, .timeout = 60)
{
	run_both(all_of_descriptors, NULL);
}

/* ---- what is no file ---- */

struct fifo {
	const char *path;
	int flags;
};

static void *open_fifo(void *arg)
{
	struct fifo *f = (struct fifo *)arg;

	return GO_INT(go_open(f->path, f->flags));
}

static void *read_one(void *arg)
{
	char c = 0;

	return (void *)go_read(GO_TO_INT(arg), &c, 1);
}

/* To open a FIFO waits; then it is waited for like a pipe. */
static void *fifo(void *in_thread)
{
	char folder[64], path[80];
	struct fifo f = {path, O_RDONLY};
	struct peer peer;
	int in, out;

	make_folder(folder);
	strcpy(path, in_folder(folder, "fifo"));
	MUST(mkfifo(path, 0600) == 0);
	MUST(go_open(path, O_WRONLY | O_NONBLOCK) == -ENXIO);
	peer_start(&peer, in_thread != NULL, open_fifo, &f);
	out = go_open(path, O_WRONLY);
	MUST(out >= 0);
	in = GO_TO_INT(peer_finish(&peer));
	MUST(in >= 0);
	MUST(fcntl(in, F_GETFL) & O_NONBLOCK);
	peer_start(&peer, in_thread != NULL, read_one, GO_INT(in));
	await_waiting(in, 1);
	MUST(go_write(out, "x", 1) == 1);
	MUST((intptr_t)peer_finish(&peer) == 1);
	MUST(go_close(in) == 0 && go_close(out) == 0);
	MUST(go_unlink(path) == 0 && go_rmdir(folder) == 0);
	return NULL;
}

static void *devices(void *unused)
{
	char data[100] = "abc";
	int fd = go_open("/dev/null", O_RDWR);

	(void)unused;
	MUST(fd >= 0);
	MUST(go_write(fd, data, 100) == 100);
	MUST(go_read(fd, data, 100) == 0);
	MUST(go_close(fd) == 0);
	fd = go_open("/dev/zero", O_RDONLY);
	MUST(fd >= 0);
	MUST(go_read(fd, data, 100) == 100 && data[0] == 0);
	MUST(go_pread(fd, data, 100, 7) == 100);
	MUST(go_close(fd) == 0);
	fd = go_open("/proc/self/stat", O_RDONLY);
	MUST(fd >= 0);
	MUST(go_read(fd, data, 10) == 10);
	MUST(go_pread(fd, data, 5, 3) == 5);
	MUST(go_close(fd) == 0);
	fd = go_open("/", O_PATH);
	MUST(fd >= 0);
	MUST(go_read(fd, data, 1) == -EBADF);
	MUST(go_close(fd) == 0);
	return NULL;
}

Test(file, fifos, .timeout = 30)
{
	run_everywhere(fifo, NULL);
	run_both(fifo, (void *)"in a thread");
}

Test(file, devices, .timeout = 20)
{
	run_both(devices, NULL);
}

/* ---- paths ---- */

static void *paths(void *unused)
{
	char folder[64], text[PATH_MAX], path[80], other[80];
	struct stat st;
	int fd, dir;

	(void)unused;
	make_folder(folder);
	strcpy(path, in_folder(folder, "one"));
	strcpy(other, in_folder(folder, "two"));
	fd = go_open(path, O_WRONLY | O_CREAT, 0600);
	MUST(fd >= 0 && go_write(fd, "abc", 3) == 3 && go_close(fd) == 0);
	MUST(go_stat(path, &st) == 0 && st.st_size == 3);
	MUST(go_access(path, R_OK | W_OK) == 0);
	MUST(go_access(other, F_OK) == -ENOENT);
	MUST(go_rename(path, other) == 0);
	MUST(go_stat(path, &st) == -ENOENT);
	MUST(go_link(other, path) == 0);
	MUST(go_link(other, path) == -EEXIST);
	MUST(go_stat(path, &st) == 0 && st.st_nlink == 2);
	MUST(go_unlink(path) == 0);
	MUST(go_symlink("two", path) == 0);
	MUST(go_lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
	MUST(go_stat(path, &st) == 0 && S_ISREG(st.st_mode));
	MUST(go_readlink(path, text, sizeof(text)) == 3);
	MUST(memcmp(text, "two", 3) == 0);
	MUST(go_readlink(other, text, sizeof(text)) == -EINVAL);
	MUST(go_realpath(path, text) == 0);
	MUST(strcmp(strrchr(text, '/'), "/two") == 0);
	MUST(go_chmod(other, 0400) == 0);
	MUST(go_stat(other, &st) == 0 && (st.st_mode & 0777) == 0400);
	MUST(go_truncate(other, 1) == 0 || geteuid() != 0);
	MUST(go_rmdir(path) == -ENOTDIR);
	MUST(go_unlink(path) == 0 && go_unlink(other) == 0);
	MUST(go_unlink(other) == -ENOENT);

	dir = go_open(folder, O_RDONLY | O_DIRECTORY);
	MUST(dir >= 0);
	MUST(go_mkdir(path, 0700) == 0 && go_mkdir(path, 0700) == -EEXIST);
	MUST(go_mkdirat(dir, "one/in", 0700) == 0);
	MUST(go_rmdir(path) == -ENOTEMPTY);
	MUST(go_renameat(dir, "one/in", dir, "out") == 0);
	MUST(go_renameat(dir, "out", AT_FDCWD, other) == 0);
	MUST(go_fstatat(dir, "two", &st, 0) == 0 && S_ISDIR(st.st_mode));
	MUST(go_unlinkat(dir, "two", 0) == -EISDIR);
	MUST(go_unlinkat(dir, "two", AT_REMOVEDIR) == 0);
	fd = go_openat(dir, "three", O_RDWR | O_CREAT, 0600);
	MUST(fd >= 0 && go_close(fd) == 0);
	MUST(go_unlinkat(dir, "three", 0) == 0);
	MUST(go_close(dir) == 0);
	MUST(go_rmdir(path) == 0 && go_rmdir(folder) == 0);
	return NULL;
}

static void *null_paths(void *unused)
{
	struct stat st;
	char text[PATH_MAX];

	(void)unused;
	MUST(go_stat(NULL, &st) == -EFAULT && go_stat("/", NULL) == -EFAULT);
	MUST(go_lstat(NULL, &st) == -EFAULT);
	MUST(go_access(NULL, F_OK) == -EFAULT);
	MUST(go_realpath(NULL, text) == -EFAULT);
	MUST(go_realpath("/", NULL) == -EFAULT);
	MUST(go_rename(NULL, "x") == -EFAULT);
	MUST(go_rename("x", NULL) == -EFAULT);
	MUST(go_link(NULL, "x") == -EFAULT && go_link("x", NULL) == -EFAULT);
	MUST(go_symlink(NULL, "x") == -EFAULT);
	MUST(go_symlink("x", NULL) == -EFAULT);
	MUST(go_unlink(NULL) == -EFAULT && go_rmdir(NULL) == -EFAULT);
	MUST(go_mkdir(NULL, 0) == -EFAULT && go_chmod(NULL, 0) == -EFAULT);
	MUST(go_truncate(NULL, 0) == -EFAULT);
	MUST(go_readlink(NULL, text, 1) == -EFAULT);
	MUST(go_read_file(NULL, 0, (void **)&text, NULL) == -EFAULT);
	MUST(go_read_file("/", 0, NULL, NULL) == -EFAULT);
	MUST(go_write_file(NULL, "", 0, 0) == -EFAULT);
	return NULL;
}

Test(file, paths, .timeout = 20)
{
	run_both(paths, NULL);
	run_both(null_paths, NULL);
}

/* ---- folders ---- */

enum {
	MANY = 1500, /* More than fit into one batch. */
};

static bool note_name(bool *seen, const char *name)
{
	unsigned i;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	if (sscanf(name, "a-file-with-a-longer-name-%u", &i) != 1 ||
	    i >= MANY || seen[i])
		return false;
	seen[i] = true;
	return true;
}

static void *read_folder(void *arg)
{
	bool seen[MANY];
	struct dirent *entry;
	go_dir *dir;
	int r;

	MUST(go_opendir(&dir, (const char *)arg) == 0);
	for (int round = 0; round < 2; round++) {
		unsigned n = 0;

		memset(seen, 0, sizeof(seen));
		while ((r = go_readdir(dir, &entry)) > 0) {
			MUST(note_name(seen, entry->d_name));
			n++;
		}
		MUST(r == 0 && n == MANY + 2);
		MUST(go_readdir(dir, &entry) == 0);
		MUST(go_rewinddir(dir) == 0);
	}
	MUST(go_readdir(dir, &entry) == 1);
	MUST(go_rewinddir(dir) == 0);
	MUST(fcntl(go_dirfd(dir), F_GETFD) & FD_CLOEXEC);
	MUST(go_closedir(dir) == 0);
	MUST(go_closedir(NULL) == 0);
	MUST(go_opendir(&dir, "/dev/null") == -ENOTDIR);
	MUST(go_opendir(&dir, NULL) == -EFAULT);
	MUST(go_opendir(&dir, in_folder(arg, "none")) == -ENOENT);
	return NULL;
}

Test(file, folders, .timeout = 30)
{
	char folder[64], name[100];

	make_folder(folder);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(name, sizeof(name),
				 "%s/a-file-with-a-longer-name-%u", folder, i);
			if (round == 0)
				close(open(name, O_CREAT | O_WRONLY, 0600));
			else
				unlink(name);
		}
		if (round == 0)
			run_both(read_folder, folder);
	}
	cr_assert_eq(rmdir(folder), 0);
}

/* ---- whole files ---- */

static void *whole(void *unused)
{
	char folder[64], path[80], *text = (char *)malloc(SIZE);
	struct stat st;
	void *data = NULL;
	size_t n = 7;

	(void)unused;
	MUST(text);
	fill(text, SIZE);
	make_folder(folder);
	strcpy(path, in_folder(folder, "file"));
	MUST(go_read_file(path, 0, &data, &n) == -ENOENT);
	MUST(!data && n == 7);
	MUST(go_write_file(path, text, SIZE, 0600) == 0);
	MUST(go_read_file(path, 0, &data, &n) == 0);
	MUST(n == SIZE && memcmp(data, text, SIZE) == 0);
	MUST(((char *)data)[n] == '\0');
	free(data);
	MUST(go_read_file(path, SIZE, &data, NULL) == 0);
	free(data);
	MUST(go_read_file(path, SIZE - 1, &data, &n) == -EFBIG);
	MUST(go_write_file(path, "abc", 3, 0640) == 0);
	MUST(stat(path, &st) == 0 && st.st_size == 3);
	MUST((st.st_mode & 037) == 0);
	MUST(go_read_file(path, 3, &data, &n) == 0);
	MUST(n == 3 && strcmp((char *)data, "abc") == 0);
	free(data);
	MUST(go_write_file(path, NULL, 0, 0600) == 0);
	MUST(go_read_file(path, 1, &data, &n) == 0 && n == 0);
	free(data);
	MUST(go_read_file("/proc/self/maps", 0, &data, &n) == 0);
	MUST(n > 100 && strlen((char *)data) == n);
	free(data);
	MUST(go_read_file("/proc/self/maps", 10, &data, &n) == -EFBIG);
	MUST(go_read_file(folder, 0, &data, &n) == -EISDIR);
	MUST(go_write_file(folder, "x", 1, 0600) == -EISDIR);
	MUST(go_write_file(in_folder(folder, "no/x"), "x", 1, 0) == -ENOENT);
	MUST(test_entries(folder) == 1);
	MUST(unlink(path) == 0 && rmdir(folder) == 0);
	free(text);
	return NULL;
}

Test(file, whole_files, .timeout = 20)
{
	run_both(whole, NULL);
}
