/* SPDX-License-Identifier: MIT */
/*
 * go_copy() between all kinds of descriptors: every byte arrives once and in
 * order, or is in the caller's buffer.
 */
#include "support_io.h"

#include <signal.h>

enum {
	MANY = 300000, /* More than sockets and pipes hold. */
};

/* The byte at a place; no power of two in its period. */
static char byte_at(size_t i)
{
	return (char)(i % 251);
}

static void *write_many(void *arg)
{
	static char data[MANY];
	int fd = GO_TO_INT(arg);

	for (size_t i = 0; i < MANY; i++)
		data[i] = byte_at(i);
	INSIST(go_write_all(fd, data, MANY, NULL) == 0);
	return GO_INT(go_close(fd));
}

/* Reads to the end; the number of bytes that were right. */
static void *read_many(void *arg)
{
	int fd = GO_TO_INT(arg);
	char data[1000];
	size_t have = 0;
	ssize_t n;

	while ((n = go_read(fd, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < n; i++)
			INSIST(data[i] == byte_at(have++));
	INSIST(n == 0);
	INSIST(go_close(fd) == 0);
	return (void *)(intptr_t)have;
}

/* ---- kinds of descriptors ---- */

enum kind {
	PIPE,
	UNIX,
	TCP,
	FOREIGN_PIPE,
	FOREIGN_UNIX,
	KINDS,
};

static void make(enum kind kind, int fds[2])
{
	switch (kind) {
	case PIPE:
		INSIST(go_pipe(fds) == 0);
		break;
	case UNIX:
		INSIST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		break;
	case TCP:
		tcp_pair(fds);
		break;
	case FOREIGN_PIPE:
		INSIST(pipe(fds) == 0);
		break;
	default:
		INSIST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	}
}

static int file_of_many(void)
{
	char path[] = "/tmp/gofer-copy-XXXXXX";
	int fd = mkstemp(path), copy;

	INSIST(fd >= 0 && unlink(path) == 0);
	copy = dup(fd);
	INSIST(write_many(GO_INT(copy)) == NULL);
	INSIST(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void *copy_between(enum kind a, enum kind b, bool in_thread)
{
	go_transit t = ALL_ZERO;
	struct peer writer, reader;
	int in[2], out[2];

	make(a, in);
	make(b, out);
	peer_start(&writer, in_thread, write_many, GO_INT(in[1]));
	peer_start(&reader, in_thread, read_many, GO_INT(out[0]));
	MUST(go_copy(in[0], out[1], 1000, &t) == 0 && t.done == 1000);
	MUST(go_copy(in[0], out[1], 0, &t) == 0 && t.done == 0);
	MUST(go_copy(in[0], out[1], -1, &t) == 0 && t.done == MANY - 1000);
	MUST(go_copy(in[0], out[1], 10, &t) == 0 && t.done == 0);
	MUST(go_close(out[1]) == 0 && go_close(in[0]) == 0);
	MUST(peer_finish(&writer) == NULL);
	MUST((intptr_t)peer_finish(&reader) == MANY);
	return NULL;
}

static void *between_all(void *in_thread)
{
	void *wrong = NULL;

	for (int i = 0; i < KINDS * KINDS && !wrong; i++)
		wrong = copy_between((enum kind)(i / KINDS),
				     (enum kind)(i % KINDS), in_thread);
	return wrong;
}

Test(copy, between_all_kinds, .timeout = 60)
{
	run_in(GO_CURRENT_THREAD, 0, between_all, NULL);
	run_in(GO_MULTI_THREAD, 2, between_all, NULL);
	run_both(between_all, (void *)"in a thread");
}

static void *from_file(void *in_thread)
{
	char path[] = "/tmp/gofer-copy-XXXXXX";
	struct peer reader;
	int out[2], fd, to;

	for (int kind = 0; kind < KINDS; kind++) {
		fd = file_of_many();
		make((enum kind)kind, out);
		peer_start(&reader, in_thread != NULL, read_many,
			   GO_INT(out[0]));
		MUST(go_copy(fd, out[1], -1, NULL) == 0);
		MUST(go_close(out[1]) == 0);
		MUST((intptr_t)peer_finish(&reader) == MANY);
		MUST(close(fd) == 0);
	}
	/* Into a file that only appends, which sendfile does not like. */
	fd = file_of_many();
	to = mkstemp(path);
	MUST(to >= 0 && unlink(path) == 0);
	MUST(fcntl(to, F_SETFL, O_APPEND) == 0);
	MUST(go_copy(fd, to, -1, NULL) == 0);
	MUST(lseek(to, 0, SEEK_SET) == 0);
	MUST((intptr_t)read_many(GO_INT(to)) == MANY);
	MUST(close(fd) == 0);
	return NULL;
}

Test(copy, from_files, .timeout = 60)
{
	run_in(GO_CURRENT_THREAD, 0, from_file, NULL);
	run_in(GO_MULTI_THREAD, 2, from_file, NULL);
	run_both(from_file, (void *)"in a thread");
}

/* ---- deadlines and cancellation ---- */

struct copier {
	int from, to;
	go_transit t;
	char buffer[5000];
};

static void *copy_all(void *arg)
{
	struct copier *c = (struct copier *)arg;

	return GO_INT(go_copy(c->from, c->to, -1, &c->t));
}

/* Nobody reads, until a deadline, and a cancellation, have ended copies. */
static void *conserved(void *kind)
{
	MAKE(struct copier, c, .t.buffer = c.buffer, .t.buffer_bytes = 5000);
	struct peer writer, reader, copier;
	int in[2], out[2], r, little = 40000;
	int64_t done = 0;

	make((enum kind)GO_TO_INT(kind), in);
	make((enum kind)GO_TO_INT(kind), out);
	/* Loopback connections hold megabytes; pipes know no such option. */
	for (int i = 0; i < 2; i++) {
		setsockopt(out[i], SOL_SOCKET, SO_SNDBUF, &little, sizeof(int));
		setsockopt(out[i], SOL_SOCKET, SO_RCVBUF, &little, sizeof(int));
	}
	c.from = in[0];
	c.to = out[1];
	peer_start(&writer, false, write_many, GO_INT(in[1]));
	do { /* The writer may begin late. */
		GO_TIMEOUT(20 * GO_MILLISECOND);
		MUST(GO_TO_INT(copy_all(&c)) == -ETIMEDOUT);
		done += c.t.done;
	} while (done == 0);
	peer_start(&copier, false, copy_all, &c);
	await_waiting(out[1], 1);
	MUST(go_task_cancel(copier.task) == 0);
	MUST(GO_TO_INT(peer_finish(&copier)) == -ECANCELED);
	MUST(c.t.left <= 5000);
	done += c.t.done;
	peer_start(&reader, false, read_many, GO_INT(out[0]));
	do {
		GO_TIMEOUT(100 * GO_MICROSECOND);
		r = GO_TO_INT(copy_all(&c));
		done += c.t.done;
	} while (r == -ETIMEDOUT);
	MUST(r == 0 && c.t.left == 0 && done == MANY);
	MUST(go_close(out[1]) == 0 && go_close(in[0]) == 0);
	MUST(peer_finish(&writer) == NULL);
	MUST((intptr_t)peer_finish(&reader) == MANY);
	return NULL;
}

Test(copy, nothing_is_lost, .timeout = 60)
{
	for (int kind = 0; kind < KINDS; kind++) {
		run_in(GO_CURRENT_THREAD, 0, conserved, GO_INT(kind));
		run_in(GO_MULTI_THREAD, 2, conserved, GO_INT(kind));
	}
}

/* ---- errors ---- */

static void *evicted(void *in_thread)
{
	for (int i = 0; i < 4 * KINDS; i++) {
		MAKE(struct copier, c, .t.buffer = c.buffer,
		     .t.buffer_bytes = 5000);
		bool full = i & 1, close_from = i & 2;
		struct peer copier;
		int in[2], out[2];
		char data[5000] = "";

		make((enum kind)(i / 4), in);
		make((enum kind)(i / 4), out);
		c.from = in[0];
		c.to = out[1];
		peer_start(&copier, in_thread != NULL, copy_all, &c);
		await_waiting(in[0], 1);
		/* Waiting for room in the second place, if it is full. */
		while (full && !atomic_load(&copier.done)) {
			GO_TIMEOUT(5 * GO_MILLISECOND);
			if (go_write_all(in[1], data, 5000, NULL) < 0)
				break;
		}
		await_waiting(out[1], 1);
		MUST(go_close(close_from ? in[0] : out[1]) == 0);
		MUST(GO_TO_INT(peer_finish(&copier)) == -EBADF);
		MUST(go_close(close_from ? out[1] : in[0]) == 0);
		MUST(go_close(in[1]) == 0 && go_close(out[0]) == 0);
	}
	return NULL;
}

Test(copy, closing_evicts, .timeout = 60)
{
	run_everywhere(evicted, NULL);
	run_everywhere(evicted, (void *)"in a thread");
}

static void *wrong_use(void *unused)
{
	char buffer[4] = "abc";
	MAKE(go_transit, t, .buffer = buffer, .buffer_bytes = 4, .left = 3);
	int in[2], out[2], fd;

	(void)unused;
	make(UNIX, in);
	make(PIPE, out);
	MUST(go_copy(-1, out[1], -1, NULL) == -EBADF);
	MUST(go_copy(in[0], 900, -1, NULL) == -EBADF);
	/* What is left from before goes first, and counts. */
	MUST(go_copy(in[0], out[1], 2, &t) == 0 && t.done == 2);
	MUST(t.left == 1 && buffer[0] == 'c');
	MUST(go_close(in[1]) == 0);
	MUST(go_copy(in[0], out[1], -1, &t) == 0 && t.done == 1);
	MUST(t.left == 0);
	MUST(go_read(out[0], buffer, 4) == 3 && memcmp(buffer, "abc", 3) == 0);
	t.left = 5;
	MUST(go_copy(in[0], out[1], -1, &t) == -EINVAL);
	t.left = 0;
	t.buffer_bytes = 0;
	MUST(go_copy(in[0], out[1], -1, &t) == -EINVAL);
	t.buffer_bytes = 4;
	t.reserved[0] = 1;
	MUST(go_copy(in[0], out[1], -1, &t) == -EINVAL);
	/* Nobody reads any more, and nobody is killed by it. */
	MUST(go_close(out[0]) == 0);
	fd = file_of_many();
	MUST(go_copy(fd, out[1], -1, NULL) == -EPIPE);
	MUST(go_copy(fd, in[0], -1, NULL) == -EPIPE);
	MUST(close(fd) == 0 && go_close(out[1]) == 0 && go_close(in[0]) == 0);
	return NULL;
}

Test(copy, wrong_use, .timeout = 20)
{
	run_both(wrong_use, NULL);
}

#ifdef GO_TEST_HOOKS
static int no_short_cuts(enum go__sys_call call)
{
	return call == GO__SYS_splice     ? -ENOSYS
	       : call == GO__SYS_sendfile ? -EINVAL
					  : 0;
}

/* On a kernel, or between files, that do without. */
Test(copy, without_splice, .timeout = 60)
{
	atomic_store(&go__sys_hook, no_short_cuts);
	run_in(GO_MULTI_THREAD, 2, between_all, NULL);
	run_in(GO_MULTI_THREAD, 2, from_file, NULL);
	run_in(GO_MULTI_THREAD, 2, conserved, GO_INT(PIPE));
	(void)test_fail_stop();
}

/* The n-th call fails: what was written and what is left is what was read. */
static void *faults(void *unused)
{
	static const enum go__sys_call calls[] = {GO__SYS_recv, GO__SYS_send,
						  GO__SYS_poll, GO__SYS_fstat,
						  GO__SYS_malloc};
	int in[2], out[2];
	char buffer[16];

	(void)unused;
	for (unsigned i = 0; i < 5; i++) {
		go_transit t = {.buffer = i < 4 ? buffer : NULL,
				.buffer_bytes = 16};
		int64_t done = 0;
		bool failed;
		unsigned n = 0;

		make(UNIX, in);
		make(UNIX, out);
		MUST(go_write(in[1], "0123456789012345678901234567", 28) == 28);
		MUST(go_shutdown(in[1], SHUT_WR) == 0);
		do {
			int r;

			test_fail_nth_with(calls[i], ++n, -ENOMEM);
			r = go_copy(in[0], out[1], -1, &t);
			failed = test_fail_stop();
			done += t.done;
			MUST(r == (failed ? -ENOMEM : 0));
		} while (failed);
		MUST(done == 28 && t.left == 0);
		MUST(go_read(out[0], buffer, 16) == 16);
		close_both(in);
		close_both(out);
	}
	return NULL;
}

Test(copy, each_call_fails_once, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, faults, NULL);
}
#endif

#ifdef GO_TEST_HOOKS
#include "sched/worker.h"

/* What the file says when it is asked: 1, it is in memory; -EAGAIN, not. */
static ATOMIC(int) in_memory;
static ATOMIC(int) by_worker, by_pool; /* Calls that may wait for a disk. */

static int count_calls(enum go__sys_call call)
{
	switch (call) {
	case GO__SYS_preadv2:
		return atomic_load(&in_memory);
	case GO__SYS_sendfile:
	case GO__SYS_readv:
	case GO__SYS_writev:
		atomic_fetch_add(go__task_self() ? &by_worker : &by_pool, 1);
		return 0;
	default:
		return 0;
	}
}

static void count_from(int answer)
{
	atomic_store(&in_memory, answer);
	atomic_store(&by_worker, 0);
	atomic_store(&by_pool, 0);
}

static void *copy_counted(int from, int to)
{
	int r;

	atomic_store(&go__sys_hook, count_calls);
	r = go_copy(from, to, 5000, NULL);
	(void)test_fail_stop();
	MUST(r == 0);
	return NULL;
}

/* Only what is in memory is read by the worker; the pool writes. */
static void *disks(void *unused)
{
	char path[] = "/tmp/gofer-copy-XXXXXX";
	int from = file_of_many(), to = mkstemp(path), fds[2];
	void *wrong;

	(void)unused;
	MUST(to >= 0 && unlink(path) == 0);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	count_from(1);
	wrong = copy_counted(from, fds[0]);
	if (wrong)
		return wrong;
	MUST(by_worker > 0 && by_pool == 0);
	count_from(-EAGAIN);
	wrong = copy_counted(from, fds[0]);
	if (wrong)
		return wrong;
	MUST(by_worker == 0 && by_pool > 0);

	/* From a socket into a file, and through the buffer between files. */
	count_from(-EAGAIN);
	MUST(go_write(fds[0], path, sizeof(path)) == sizeof(path));
	MUST(go_shutdown(fds[0], SHUT_WR) == 0);
	MUST(go_fd_adopt(fds[1], 0) == 0);
	wrong = copy_counted(fds[1], to);
	if (wrong)
		return wrong;
	MUST(by_worker == 0 && by_pool > 0);
	MUST(fcntl(to, F_SETFL, O_APPEND) == 0);
	count_from(-EAGAIN);
	wrong = copy_counted(from, to);
	if (wrong)
		return wrong;
	MUST(by_worker == 0 && by_pool > 1);
	close_both(fds);
	MUST(close(from) == 0 && close(to) == 0);
	return NULL;
}

Test(copy, disks_are_the_pools, .timeout = 20)
{
	if (!GO__LINUX)
		cr_skip_test("the kernel copies nothing here");
	run_everywhere(disks, NULL);
}
#endif
