/* SPDX-License-Identifier: MIT */
/*
 * The calls of io.h on pipes and files: what they do, and what they say to bad
 * arguments; from tasks of every kind of runtime and from plain threads.
 */
#include "support_io.h"

#include <poll.h>
#include <signal.h>

static void *pipe_and_errors(void *unused)
{
	char buffer[8] = "";
	int fds[2];

	(void)unused;
	MUST(go_pipe(fds) == 0);
	MUST(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	MUST(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	MUST(go_write(fds[1], "abc", 3) == 3);
	MUST(go_read(fds[0], buffer, sizeof(buffer)) == 3);
	MUST(memcmp(buffer, "abc", 3) == 0);
	MUST(go_read(fds[0], buffer, 0) == 0);
	MUST(go_write(fds[1], buffer, 0) == 0);
	MUST(go_write(fds[1], "x", 1) == 1);
	MUST(go_read(fds[0], NULL, 1) == -EFAULT);
	MUST(go_read(fds[1], buffer, 1) == -EBADF);
	MUST(go_write(fds[0], buffer, 1) == -EBADF);
	MUST(go_close(fds[1]) == 0);
	MUST(go_read(fds[0], buffer, 8) == 1);
	MUST(go_read(fds[0], buffer, 8) == 0);
	MUST(go_close(fds[0]) == 0);
	MUST(go_pipe(NULL) == -EFAULT);
	return NULL;
}

Test(io, pipes, .timeout = 20)
{
	run_both(pipe_and_errors, NULL);
}

static void *no_such_descriptor(void *unused)
{
	static const int bad[] = {-1, INT32_MIN, 900, 1 << 20, INT32_MAX};
	char c = 0;
	struct iovec v = {&c, 1};
	MAKE(struct msghdr, m, .msg_iov = &v, .msg_iovlen = 1);
	MAKE(struct sockaddr_in, a, .sin_family = AF_INET);

	(void)unused;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int fd = bad[i], wrong = fd == INT32_MAX ? -EMFILE : -EBADF;

		MUST(go_read(fd, &c, 1) == wrong);
		MUST(go_write(fd, &c, 1) == wrong);
		MUST(go_readv(fd, &v, 1) == wrong);
		MUST(go_writev(fd, &v, 1) == wrong);
		MUST(go_read_full(fd, &c, 1, NULL) == wrong);
		MUST(go_write_all(fd, &c, 1, NULL) == wrong);
		MUST(go_recv(fd, &c, 1, 0) == wrong);
		MUST(go_send(fd, &c, 1, 0) == wrong);
		MUST(go_recvfrom(fd, &c, 1, 0, NULL, NULL) == wrong);
		MUST(go_sendto(fd, &c, 1, 0, NULL, 0) == wrong);
		MUST(go_recvmsg(fd, &m, 0) == wrong);
		MUST(go_sendmsg(fd, &m, 0) == wrong);
		MUST(go_accept(fd, NULL, NULL) == wrong);
		MUST(go_connect(fd, (struct sockaddr *)&a, sizeof(a)) == wrong);
		MUST(go_bind(fd, (struct sockaddr *)&a, sizeof(a)) == wrong);
		MUST(go_listen(fd, 1) == wrong);
		MUST(go_shutdown(fd, SHUT_RD) == wrong);
		MUST(go_close(fd) == wrong);
	}
	return NULL;
}

Test(io, no_such_descriptor, .timeout = 20)
{
	run_both(no_such_descriptor, NULL);
}

static void *vectors(void *unused)
{
	char a[3], b[4];
	struct iovec out[2] = {{(void *)"abc", 3}, {(void *)"defg", 4}};
	struct iovec in[2] = {{a, 3}, {b, 4}};
	int fds[2];

	(void)unused;
	MUST(go_pipe(fds) == 0);
	MUST(go_writev(fds[1], out, 2) == 7);
	MUST(go_readv(fds[0], in, 2) == 7);
	MUST(memcmp(a, "abc", 3) == 0 && memcmp(b, "defg", 4) == 0);
	MUST(go_readv(fds[0], in, -1) == -EINVAL);
	MUST(go_writev(fds[1], out, 1 << 20) == -EINVAL);
	MUST(go_readv(fds[0], NULL, 1) == -EFAULT);
	MUST(go_writev(fds[1], NULL, 1) == -EFAULT);
	MUST(go_readv(fds[0], NULL, 0) == 0);
	close_both(fds);
	return NULL;
}

Test(io, vectors, .timeout = 20)
{
	run_both(vectors, NULL);
}

/* ---- whole buffers ---- */

enum {
	MANY = 300000, /* More than a pipe holds. */
};

struct transfer {
	int fd;
	size_t n, done;
	int result;
};

static void *write_many(void *arg)
{
	struct transfer *t = (struct transfer *)arg;
	char *data = (char *)malloc(t->n);

	INSIST(data);
	for (size_t i = 0; i < t->n; i++)
		data[i] = (char)(i * 7);
	t->result = go_write_all(t->fd, data, t->n, &t->done);
	free(data);
	return NULL;
}

static void *whole_buffers(void *in_thread)
{
	char *data = (char *)malloc(MANY);
	MAKE(struct transfer, t, .n = MANY);
	struct peer peer;
	size_t done = 7;
	int fds[2];

	MUST(data);
	MUST(go_pipe(fds) == 0);
	t.fd = fds[1];
	peer_start(&peer, in_thread != NULL, write_many, &t);
	MUST(go_read_full(fds[0], data, MANY, &done) == 0);
	MUST(done == MANY);
	peer_finish(&peer);
	MUST(t.result == 0 && t.done == MANY);
	for (size_t i = 0; i < MANY; i++)
		MUST(data[i] == (char)(i * 7));

	MUST(go_write(fds[1], "ab", 2) == 2);
	MUST(go_close(fds[1]) == 0);
	MUST(go_read_full(fds[0], data, 5, &done) == -ENODATA);
	MUST(done == 2);
	MUST(go_read_full(fds[0], data, 0, &done) == 0 && done == 0);
	MUST(go_close(fds[0]) == 0);
	free(data);
	return NULL;
}

Test(io, whole_buffers, .timeout = 20)
{
	run_everywhere(whole_buffers, NULL);
	run_both(whole_buffers, (void *)"in a thread");
}

static void *broken_pipe(void *in_thread)
{
	MAKE(struct transfer, t, .n = MANY);
	struct peer peer;
	sigset_t set;
	int fds[2];

	/* SIGPIPE is at its default here: it would end the process. */
	MUST(go_pipe(fds) == 0);
	t.fd = fds[1];
	peer_start(&peer, in_thread != NULL, write_many, &t);
	await_waiting(fds[1], 1);
	MUST(go_close(fds[0]) == 0);
	peer_finish(&peer);
	MUST(t.result == -EPIPE);
	MUST(t.done > 0 && t.done < MANY);
	MUST(go_write(fds[1], "x", 1) == -EPIPE);
	MUST(sigpending(&set) == 0 && sigismember(&set, SIGPIPE) == 0);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(io, broken_pipe, .timeout = 20)
{
	run_everywhere(broken_pipe, NULL);
	run_both(broken_pipe, (void *)"in a thread");
}

/* ---- files ---- */

static void *regular_file(void *unused)
{
	char path[] = "/tmp/gofer-test-XXXXXX", data[8192];
	int fd = mkstemp(path), flags;

	(void)unused;
	MUST(fd >= 0);
	MUST(unlink(path) == 0);
	flags = fcntl(fd, F_GETFL);
	memset(data, 'x', sizeof(data));
	MUST(go_write_all(fd, data, sizeof(data), NULL) == 0);
	MUST(lseek(fd, 0, SEEK_SET) == 0);
	/* Out of the cache, if the file system has one. */
	MUST(fdatasync(fd) == 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	MUST(go_read_full(fd, data, sizeof(data), NULL) == 0);
	MUST(go_read(fd, data, 1) == 0);
	MUST(fcntl(fd, F_GETFL) == flags);
	MUST(go_close(fd) == 0);
	MUST(fcntl(fd, F_GETFD) == -1);
	return NULL;
}

Test(io, regular_files, .timeout = 20)
{
	run_both(regular_file, NULL);
}

/* ---- poll ---- */

static void *poll_basics(void *unused)
{
	struct pollfd p[3];
	int fds[2], others[2];

	(void)unused;
	MUST(go_pipe(fds) == 0 && go_pipe(others) == 0);
	ASSIGN(struct pollfd, p[0], {fds[0], POLLIN, 0});
	ASSIGN(struct pollfd, p[1], {-1, POLLIN, 9});
	ASSIGN(struct pollfd, p[2], {others[0], POLLIN, 0});
	MUST(go_poll(p, 3, 0) == 0);
	MUST(go_poll(p, 3, 3) == 0);
	MUST(p[0].revents == 0 && p[1].revents == 0 && p[2].revents == 0);
	MUST(go_write(others[1], "x", 1) == 1);
	MUST(go_poll(p, 3, -1) == 1);
	MUST(p[0].revents == 0 && p[2].revents == POLLIN);
	ASSIGN(struct pollfd, p[0], {fds[1], POLLOUT, 0});
	MUST(go_poll(p, 1, -1) == 1 && p[0].revents == POLLOUT);
	MUST(go_close(fds[0]) == 0);
	p[0].events = 0;
	MUST(go_poll(p, 1, -1) == 1 && p[0].revents == POLLERR);
	p[0].fd = 901;
	MUST(go_poll(p, 1, -1) == 1 && p[0].revents == POLLNVAL);
	MUST(go_poll(NULL, 0, 1) == 0);
#if !UNDER_SANITIZER
	/* Its poll() looks at the array before the kernel does. */
	MUST(go_poll(NULL, 1, 1) == -EFAULT);
	MUST(go_poll(p, (nfds_t)-1, 1) == -EINVAL);
#endif
	MUST(go_close(fds[1]) == 0);
	close_both(others);
	return NULL;
}

Test(io, poll_basics, .timeout = 20)
{
	run_both(poll_basics, NULL);
}

enum {
	PIPES = 40,
};

static void *poll_many(void *arg)
{
	struct pollfd p[PIPES];
	int *fds = (int *)arg;

	for (int i = 0; i < PIPES; i++)
		ASSIGN(struct pollfd, p[i], {fds[2 * i], POLLIN, 0});
	MUST(go_poll(p, PIPES, -1) == 1);
	for (int i = 0; i < PIPES; i++)
		MUST(p[i].revents == (i == PIPES / 2 ? POLLIN : 0));
	return NULL;
}

/* One wakes several that poll the same, and none of them takes anything. */
static void *poll_together(void *in_thread)
{
	struct peer peers[3];
	int fds[PIPES][2];

	for (int i = 0; i < PIPES; i++)
		MUST(go_pipe(fds[i]) == 0);
	for (int i = 0; i < 3; i++)
		peer_start(&peers[i], in_thread != NULL, poll_many, fds);
	await_waiting(fds[PIPES - 1][0], 3);
	MUST(go_write(fds[PIPES / 2][1], "x", 1) == 1);
	for (int i = 0; i < 3; i++)
		MUST(peer_finish(&peers[i]) == NULL);
	for (int i = 0; i < PIPES; i++) {
		MUST(test_fd_waiting(fds[i][0]) == 0);
		close_both(fds[i]);
	}
	return NULL;
}

Test(io, poll_together, .timeout = 20)
{
	run_everywhere(poll_together, NULL);
	run_both(poll_together, (void *)"in a thread");
}

/* ---- cancellation ---- */

static void *read_one(void *arg)
{
	char c;

	return (void *)(intptr_t)go_read(*(int *)arg, &c, 1);
}

static void *cancelled_reader(void *unused)
{
	struct peer peer;
	int fds[2];

	(void)unused;
	MUST(go_pipe(fds) == 0);
	peer_start(&peer, false, read_one, &fds[0]);
	await_waiting(fds[0], 1);
	MUST(go_task_cancel(peer.task) == 0);
	MUST((intptr_t)peer_finish(&peer) == -ECANCELED);
	MUST(test_fd_waiting(fds[0]) == 0);
	/* Nothing was lost. */
	MUST(go_write(fds[1], "x", 1) == 1);
	MUST((intptr_t)read_one(&fds[0]) == 1);
	close_both(fds);
	return NULL;
}

Test(io, cancelled_reader, .timeout = 20)
{
	run_everywhere(cancelled_reader, NULL);
}
