/* SPDX-License-Identifier: MIT */
/*
 * Files and the pool: no call that may wait for a disk is made by a task; what
 * close, cancellation and each failing call do to one that is under way; and
 * many of all that at once.  A disk that is slow is played by a system call
 * that does not begin until it is told to.
 */
#include "support_file.h"

#include "arch/sys.h"
#include "sched/task.h"

/* ---- who makes the calls ---- */

static _Atomic unsigned by_tasks, by_others;

static bool may_wait_for_disk(enum go__sys_call call)
{
	switch (call) {
	case GO__SYS_openat:
	case GO__SYS_preadv:
	case GO__SYS_pwritev:
	case GO__SYS_writev:
	case GO__SYS_readv:
	case GO__SYS_fsync:
	case GO__SYS_fdatasync:
	case GO__SYS_ftruncate:
	case GO__SYS_truncate:
	case GO__SYS_fallocate:
	case GO__SYS_fstatat:
	case GO__SYS_faccessat:
	case GO__SYS_fchmodat:
	case GO__SYS_renameat:
	case GO__SYS_unlinkat:
	case GO__SYS_mkdirat:
	case GO__SYS_linkat:
	case GO__SYS_symlinkat:
	case GO__SYS_readlinkat:
	case GO__SYS_getdents64:
	case GO__SYS_realpath:
	case GO__SYS_open:
	case GO__SYS_write:
		return true;
	default:
		return false;
	}
}

static int note_caller(enum go__sys_call call)
{
	if (may_wait_for_disk(call))
		atomic_fetch_add(go__task_self() ? &by_tasks : &by_others, 1);
	return 0;
}

/* Each of the calls, once. */
static void *everything(void *arg)
{
	const char *path = in_folder(arg, "a"), *other = in_folder(arg, "b");
	char text[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	void *data;
	go_dir *dir;
	int fd = go_open(path, O_RDWR | O_CREAT, 0600);

	MUST(fd >= 0);
	MUST(go_pwrite(fd, "abc", 3, 0) == 3 && go_write(fd, "ABC", 3) == 3);
	MUST(fdatasync(fd) == 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	MUST(go_pread(fd, text, 3, 0) == 3 && go_lseek(fd, 0, SEEK_SET) == 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	MUST(go_read(fd, text, 3) == 3);
	MUST(go_fsync(fd) == 0 && go_fdatasync(fd) == 0);
	MUST(go_ftruncate(fd, 2) == 0 && go_truncate(path, 1) == 0);
	MUST(go_lseek(fd, 0, SEEK_END) == 1);
	MUST(go_fallocate(fd, 0, 0, 10) != 1);
	MUST(go_fstat(fd, &st) == 0 && go_stat(path, &st) == 0);
	MUST(go_lstat(path, &st) == 0 && go_access(path, R_OK) == 0);
	MUST(go_chmod(path, 0600) == 0 && go_realpath(path, text) == 0);
	MUST(go_rename(path, other) == 0 && go_link(other, path) == 0);
	MUST(go_unlink(other) == 0 && go_symlink("a", other) == 0);
	MUST(go_readlink(other, text, 9) == 1 && go_unlink(other) == 0);
	MUST(go_mkdir(other, 0700) == 0 && go_rmdir(other) == 0);
	MUST(go_opendir(&dir, arg) == 0 && go_readdir(dir, &entry) == 1);
	MUST(go_closedir(dir) == 0 && go_close(fd) == 0);
	MUST(go_write_file(path, "x", 1, 0600) == 0);
	MUST(go_read_file(path, 0, &data, NULL) == 0);
	free(data);
	MUST(go_unlink(path) == 0);
	return NULL;
}

static void *not_by_tasks(void *folder)
{
	void *wrong;

	atomic_store(&by_tasks, 0);
	atomic_store(&by_others, 0);
	atomic_store(&go__sys_hook, note_caller);
	wrong = everything(folder);
	(void)test_fail_stop();
	if (wrong)
		return wrong;
	MUST(atomic_load(&by_tasks) == 0);
	MUST(atomic_load(&by_others) >= 28);
	return NULL;
}

Test(file_pool, not_by_tasks, .timeout = 20)
{
	char folder[64];

	make_folder(folder);
	run_everywhere(not_by_tasks, folder);
	cr_assert_null(everything(folder), "in a plain thread");
	cr_assert_eq(rmdir(folder), 0);
}

/* ---- a slow disk ---- */

static _Atomic bool stuck;
static _Atomic int slow_call, begun;

static int slow_disk(enum go__sys_call call)
{
	struct timespec moment = {.tv_nsec = 200000};

	if ((int)call != atomic_load(&slow_call))
		return 0;
	atomic_fetch_add(&begun, 1);
	while (atomic_load(&stuck))
		nanosleep(&moment, NULL);
	return 0;
}

static void make_slow(enum go__sys_call call)
{
	atomic_store(&begun, 0);
	atomic_store(&slow_call, (int)call);
	atomic_store(&stuck, true);
	atomic_store(&go__sys_hook, slow_disk);
}

static void await_begun(int n)
{
	while (atomic_load(&begun) != n)
		go_sleep(SOON);
}

static void *write_two(void *arg)
{
	return (void *)go_pwrite(GO_TO_INT(arg), "yy", 2, 0);
}

/* Closed during a call: the call ends well, and then the number is free. */
static void *close_during_call(void *folder)
{
	const char *path = in_folder(folder, "a");
	int fd = go_open(path, O_RDWR | O_CREAT, 0600), next;
	struct peer peer;
	char c;

	MUST(fd >= 0);
	make_slow(GO__SYS_pwritev);
	peer_start(&peer, false, write_two, GO_INT(fd));
	await_begun(1);
	MUST(go_close(fd) == 0);
	MUST(go_pread(fd, &c, 1, 0) == -EBADF);
	MUST(go_fsync(fd) == -EBADF && go_close(fd) == -EBADF);
	next = go_open(path, O_RDONLY);
	MUST(next >= 0 && next != fd);
	atomic_store(&stuck, false);
	MUST((intptr_t)peer_finish(&peer) == 2);
	(void)test_fail_stop();
	MUST(go_pread(next, &c, 1, 0) == 1 && c == 'y');
	MUST(fcntl(fd, F_GETFD) == -1);
	MUST(go_close(next) == 0 && go_unlink(path) == 0);
	return NULL;
}

static void *open_one(void *path)
{
	return GO_INT(go_open(path, O_RDWR | O_CREAT, 0600));
}

/* Cancelled after it has begun: the descriptor is not lost. */
static void *cancel_during_open(void *folder)
{
	char path[100];
	struct peer peer;
	int fd;

	strcpy(path, in_folder(folder, "a"));
	make_slow(GO__SYS_openat);
	peer_start(&peer, false, open_one, path);
	await_begun(1);
	MUST(go_task_cancel(peer.task) == 0);
	go_yield();
	atomic_store(&stuck, false);
	fd = GO_TO_INT(peer_finish(&peer));
	(void)test_fail_stop();
	MUST(fd >= 0 && go_close(fd) == 0 && go_unlink(path) == 0);
	return NULL;
}

/* The worker is free meanwhile, and so are its other tasks. */
static void *others_run(void *folder)
{
	const char *path = in_folder(folder, "a");
	int fd = go_open(path, O_RDWR | O_CREAT, 0600), fds[2];
	struct peer peer;
	char c;

	MUST(fd >= 0 && go_pipe(fds) == 0);
	make_slow(GO__SYS_pwritev);
	peer_start(&peer, false, write_two, GO_INT(fd));
	await_begun(1);
	for (int i = 0; i < 100; i++) {
		MUST(go_write(fds[1], "x", 1) == 1);
		MUST(go_read(fds[0], &c, 1) == 1);
	}
	MUST(!atomic_load(&peer.done));
	atomic_store(&stuck, false);
	MUST((intptr_t)peer_finish(&peer) == 2);
	(void)test_fail_stop();
	close_both(fds);
	MUST(go_close(fd) == 0 && go_unlink(path) == 0);
	return NULL;
}

static void *slow(void *folder)
{
	go_fn *const parts[] = {close_during_call, cancel_during_open,
				others_run};

	for (int i = 0; i < 3; i++) {
		unsigned before = open_descriptors();
		void *wrong = parts[i](folder);

		if (wrong)
			return wrong;
		MUST(open_descriptors() == before);
	}
	return NULL;
}

Test(file_pool, slow_disk, .timeout = 30)
{
	char folder[64];

	make_folder(folder);
	run_everywhere(slow, folder);
	cr_assert_eq(rmdir(folder), 0);
}

static void *open_soon(void *path)
{
	GO_TIMEOUT(GO_MILLISECOND);

	return open_one(path);
}

/* Cancelled, or late, in the queue: nothing has happened. */
static void *cancel_in_queue(void *folder)
{
	char path[100], other[100];
	struct peer first, second, third;
	int fd;

	strcpy(path, in_folder(folder, "a"));
	strcpy(other, in_folder(folder, "b"));
	make_slow(GO__SYS_openat);
	peer_start(&first, false, open_one, path);
	await_begun(1);
	peer_start(&second, false, open_one, other);
	peer_start(&third, false, open_soon, other);
	MUST(GO_TO_INT(peer_finish(&third)) == -ETIMEDOUT);
	MUST(go_task_cancel(second.task) == 0);
	MUST(GO_TO_INT(peer_finish(&second)) == -ECANCELED);
	atomic_store(&stuck, false);
	fd = GO_TO_INT(peer_finish(&first));
	(void)test_fail_stop();
	MUST(atomic_load(&begun) == 1);
	MUST(fd >= 0 && go_close(fd) == 0 && go_unlink(path) == 0);
	MUST(access(other, F_OK) == -1);
	return NULL;
}

Test(file_pool, cancel_in_queue, .timeout = 20)
{
	char folder[64];

	make_folder(folder);
	for (int i = 0; i < 3; i++) {
		go_runtime_options options = {
			.flavour = i ? GO_MULTI_THREAD : GO_CURRENT_THREAD,
			.workers = (unsigned)i,
			.max_blocking_threads = 1,
		};
		void *wrong = NULL;

		cr_assert_eq(
			go_run_with(&options, cancel_in_queue, folder, &wrong),
			0);
		cr_assert_null(wrong, "%s", (const char *)wrong);
	}
	cr_assert_eq(rmdir(folder), 0);
}

/* ---- failures ---- */

static int open_and_close(const char *folder, const char *name)
{
	int fd = go_open(in_folder(folder, name), O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		return fd;
	INSIST(go_close(fd) == 0);
	return 0;
}

/* Where a folder, a pipe and a file are opened. */
static int open_all(const char *folder)
{
	struct dirent *entry;
	go_dir *dir;
	int r = open_and_close(folder, "a"), fd;

	if (r < 0)
		return r;
	fd = go_open("/dev/null", O_RDWR);
	if (fd < 0)
		return fd;
	INSIST(go_close(fd) == 0);
	r = go_opendir(&dir, folder);
	if (r < 0)
		return r;
	while ((r = go_readdir(dir, &entry)) > 0)
		;
	INSIST(go_closedir(dir) == 0);
	return r;
}

/* The old content, or the new. */
static int replace(const char *folder)
{
	const char *path = in_folder(folder, "whole");
	void *data;
	size_t n;
	int r = go_write_file(path, "new", 3, 0600);

	if (r < 0)
		return r;
	r = go_read_file(path, 0, &data, &n);
	if (r < 0)
		return r;
	INSIST(n == 3 && memcmp(data, "new", 3) == 0);
	free(data);
	return 0;
}

static void check_old_or_new(const char *folder, int r)
{
	char text[8] = "";
	int fd = open(in_folder(folder, "whole"), O_RDONLY);

	INSIST(fd >= 0);
	INSIST(read(fd, text, sizeof(text)) == 3);
	INSIST(strcmp(text, "old") == 0 || strcmp(text, "new") == 0);
	INSIST(r < 0 || strcmp(text, "new") == 0);
	close(fd);
	fd = open(in_folder(folder, "whole"), O_WRONLY | O_TRUNC);
	INSIST(write(fd, "old", 3) == 3);
	close(fd);
}

static void *fail_each(void *folder)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_openat,
		GO__SYS_open,
		GO__SYS_fstat,
		GO__SYS_fcntl,
		GO__SYS_malloc,
		GO__SYS_realloc,
		GO__SYS_write,
		GO__SYS_fdatasync,
		GO__SYS_close,
		GO__SYS_read,
		GO__SYS_renameat,
		GO__SYS_getdents64,
#if !GO__LINUX
		GO__SYS_fdopendir,
#endif
	};

	MUST(open_all(folder) == 0);
	close(open(in_folder(folder, "whole"), O_CREAT | O_WRONLY, 0600));
	MUST(replace(folder) == 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		bool failed, is_close = calls[i] == GO__SYS_close;
		unsigned n = 0, before = open_descriptors();

		do {
			int r = 0;

			test_fail_nth(calls[i], ++n);
			/* A close that is not made leaves a descriptor. */
			if (!is_close)
				r = open_all(folder);
			if (r == 0)
				r = replace(folder);
			failed = test_fail_stop();
			MUST(r == (failed ? -ENOMEM : 0) || r == 0);
			MUST(is_close || open_descriptors() == before);
			check_old_or_new(folder, r);
			MUST(test_entries(folder) == 2);
		} while (failed);
		MUST(n > 1);
	}
	return NULL;
}

Test(file_pool, each_call_fails_once, .timeout = 60)
{
	char folder[64];

	make_folder_in_memory(folder);
	run_in(GO_CURRENT_THREAD, 0, fail_each, folder);
	unlink(in_folder(folder, "a"));
	unlink(in_folder(folder, "whole"));
	cr_assert_eq(rmdir(folder), 0);
}

/* ---- many at once ---- */

enum {
	TASKS = 12,
};

struct storm {
	const char *folder;
	int log; /* They all append to it. */
	_Atomic uint64_t written;
	_Atomic bool stop;
};

/* One line for the log, whole or not at all. */
static int append(struct storm *s)
{
	static const char line[] = "a line that must not be torn in two\n";
	ssize_t put = go_write(s->log, line, sizeof(line) - 1);

	if (put < 0)
		return (int)put;
	INSIST(put == (ssize_t)sizeof(line) - 1);
	atomic_fetch_add(&s->written, (uint64_t)put);
	return 0;
}

/* Make, fill, read and remove a file of one's own. */
static int have_file(struct storm *s, unsigned number)
{
	char path[100], name[16], text[64];
	int fd, r = 0;
	ssize_t n;

	snprintf(name, sizeof(name), "%u", number);
	strcpy(path, in_folder(s->folder, name));
	fd = go_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	n = go_pwrite(fd, path, sizeof(path), 0);
	if (n > 0)
		n = go_pread(fd, text, sizeof(text), 0);
	INSIST(n < 0 || memcmp(text, path, strlen(path)) == 0);
	if (n >= 0)
		r = go_ftruncate(fd, 0);
	INSIST(go_close(fd) == 0);
	{
		GO_SHIELD();

		INSIST(go_unlink(path) == 0);
	}
	return n < 0 ? (int)n : r;
}

static void *user(void *arg)
{
	static _Atomic unsigned next;
	struct storm *s = arg;
	unsigned number = atomic_fetch_add(&next, 1);
	int r = 0;

	while (r == 0 && !atomic_load(&s->stop))
		r = test_random(2) ? append(s) : have_file(s, number);
	INSIST(r == 0 || r == -ECANCELED);
	return NULL;
}

static void *storm(void *arg)
{
	struct storm *s = arg;
	uint64_t rounds = test_rounds(400);
	go_task task[TASKS];

	for (int i = 0; i < TASKS; i++)
		MUST(go_task_spawn(&task[i], user, s) == 0);
	for (uint64_t i = 0; i < rounds; i++) {
		go_task *t = &task[test_random(TASKS)];

		if (test_random(2))
			go_sleep(test_random(300) * GO_MICROSECOND);
		MUST(go_task_cancel(*t) == 0);
		MUST(go_task_join(*t, NULL) == 0);
		MUST(go_task_spawn(t, user, s) == 0);
	}
	atomic_store(&s->stop, true);
	for (int i = 0; i < TASKS; i++)
		MUST(go_task_join(task[i], NULL) == 0);
	return NULL;
}

Test(file_pool, random_cancellation, .timeout = 120)
{
	go_runtime_options options = {.workers = 2, .max_blocking_threads = 3};
	char folder[64];
	struct storm s = {.folder = folder};
	struct stat st;
	void *wrong = NULL;
	unsigned before;

	make_folder(folder);
	s.log = open(in_folder(folder, "log"),
		     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	cr_assert_geq(s.log, 0);
	before = open_descriptors();
	cr_assert_eq(go_run_with(&options, storm, &s, &wrong), 0);
	cr_assert_null(wrong, "%s", (const char *)wrong);
	cr_assert_eq(open_descriptors(), before);
	cr_assert_eq(fstat(s.log, &st), 0);
	cr_assert_eq((uint64_t)st.st_size, atomic_load(&s.written));
	cr_assert_eq(test_entries(folder), 1);
	cr_assert_eq(unlink(in_folder(folder, "log")), 0);
	cr_assert_eq(rmdir(folder), 0);
	close(s.log);
}
