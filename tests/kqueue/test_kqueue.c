/* SPDX-License-Identifier: MIT */
/*
 * The stand-in for kqueue(2), against what the manual pages of FreeBSD and
 * macOS promise.  On one of these, the same cases are to pass, but for those at
 * the end: there the systems differ.
 */
#include <sys/event.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static const struct timespec at_once = {0};

static int add_change(int kq, int fd, int filter, int flags, void *udata)
{
	struct kevent c;

	EV_SET(&c, fd, (int16_t)filter, (uint16_t)flags, 0, 0, udata);
	return kevent(kq, &c, 1, NULL, 0, NULL) < 0 ? -errno : 0;
}

static int look(int kq, struct kevent *v, int room)
{
	return kevent(kq, NULL, 0, v, room, &at_once);
}

static int make(void)
{
	int kq = kqueue();

	cr_assert(kq >= 0);
	return kq;
}

static void make_pair(int fds[2])
{
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
}

static void put(int fd, const char *bytes, size_t n)
{
	cr_assert(write(fd, bytes, n) == (ssize_t)n);
}

Test(kqueue, clear_makes_edges, .timeout = 20)
{
	int kq = make(), fds[2], it;
	char byte;
	struct kevent e;

	make_pair(fds);
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, &it), 0);
	cr_assert_eq(look(kq, &e, 1), 0);
	put(fds[1], "abc", 3);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert_eq((int)e.ident, fds[0]);
	cr_assert_eq(e.filter, EVFILT_READ);
	cr_assert_eq(e.udata, (void *)&it);
	cr_assert_eq(e.data, 3);
	cr_assert_eq(e.flags & (EV_EOF | EV_ERROR), 0);
	cr_assert_eq(look(kq, &e, 1), 0, "once for each edge");
	put(fds[1], "d", 1);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert_eq(e.data, 4);
	/* What is taken before somebody looks is no event. */
	put(fds[1], "e", 1);
	for (int i = 0; i < 5; i++)
		cr_assert(read(fds[0], &byte, 1) == 1);
	cr_assert_eq(look(kq, &e, 1), 0);
	close(fds[0]);
	close(fds[1]);
	close(kq);
}

Test(kqueue, level_without_clear, .timeout = 20)
{
	int kq = make(), fds[2];
	struct kevent e;

	make_pair(fds);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_READ, EV_ADD, NULL), 0);
	put(fds[1], "a", 1);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert_eq(look(kq, &e, 1), 1);
	close(fds[0]);
	close(fds[1]);
	close(kq);
}

Test(kqueue, filters_do_not_disturb_each_other, .timeout = 20)
{
	int kq = make(), fds[2];
	struct kevent v[4];

	make_pair(fds);
	put(fds[1], "a", 1);
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, NULL),
		0);
	cr_assert_eq(look(kq, v, 4), 1, "readiness there is, is an edge");
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, NULL),
		0);
	cr_assert_eq(look(kq, v, 4), 1);
	cr_assert_eq(v[0].filter, EVFILT_WRITE);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_WRITE, EV_DELETE, NULL), 0);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_WRITE, EV_DELETE, NULL),
		     -ENOENT);
	put(fds[1], "b", 1);
	cr_assert_eq(look(kq, v, 4), 1);
	cr_assert_eq(v[0].filter, EVFILT_READ);
	close(fds[0]);
	close(fds[1]);
	close(kq);
}

Test(kqueue, add_again_modifies_and_looks, .timeout = 20)
{
	int kq = make(), fds[2], one, two;
	struct kevent e;

	make_pair(fds);
	put(fds[1], "a", 1);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_READ, EV_ENABLE, NULL),
		     -ENOENT);
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, &one),
		0);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, &two),
		0);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert_eq(e.udata, (void *)&two);
	cr_assert_eq(look(kq, &e, 1), 0);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_READ, EV_ENABLE, &two), 0);
	close(fds[0]);
	close(fds[1]);
	close(kq);
}

Test(kqueue, end_with_data_left, .timeout = 20)
{
	int kq = make(), fds[2], pipe_fds[2];
	struct kevent e;

	make_pair(fds);
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, NULL),
		0);
	put(fds[1], "abc", 3);
	cr_assert(shutdown(fds[1], SHUT_WR) == 0);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert(e.flags & EV_EOF);
	cr_assert_eq(e.data, 3);

	/* Nobody reads a pipe. */
	cr_assert(pipe(pipe_fds) == 0);
	cr_assert_eq(add_change(kq, pipe_fds[1], EVFILT_WRITE,
				EV_ADD | EV_CLEAR, NULL),
		     0);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert_eq(e.flags & EV_EOF, 0);
	close(pipe_fds[0]);
	cr_assert_eq(look(kq, &e, 1), 1);
	cr_assert(e.flags & EV_EOF);
	close(pipe_fds[1]);
	close(fds[0]);
	close(fds[1]);
	close(kq);
}

Test(kqueue, errors_of_changes, .timeout = 20)
{
	int kq = make(), fds[2];
	struct kevent c[3], e[3];

	make_pair(fds);
	put(fds[1], "a", 1);
	EV_SET(&c[0], fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	EV_SET(&c[1], fds[0], EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	EV_SET(&c[2], fds[1], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);

	/* No room: the first error ends it. */
	cr_assert_eq(kevent(kq, c, 3, NULL, 0, NULL), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_READ, EV_ENABLE, NULL), 0);
	cr_assert_eq(add_change(kq, fds[1], EVFILT_READ, EV_ENABLE, NULL),
		     -ENOENT);

	/* Room: all are tried, and no event is waited for. */
	cr_assert_eq(kevent(kq, c, 3, e, 3, NULL), 1);
	cr_assert(e[0].flags & EV_ERROR);
	cr_assert_eq(e[0].data, ENOENT);
	cr_assert_eq(add_change(kq, fds[1], EVFILT_READ, EV_ENABLE, NULL), 0);

	/* An answer to each. */
	for (int i = 0; i < 3; i++)
		c[i].flags |= EV_RECEIPT;
	cr_assert_eq(kevent(kq, c, 3, e, 3, NULL), 3);
	for (int i = 0; i < 3; i++) {
		cr_assert(e[i].flags & EV_ERROR);
		cr_assert_eq(e[i].data, i == 1 ? ENOENT : 0);
	}
	cr_assert_eq(add_change(kq, 9999, EVFILT_READ, EV_ADD, NULL), -EBADF);
	cr_assert_eq(add_change(kq, 0, -77, EV_ADD, NULL), -EINVAL);
	cr_assert_eq(add_change(fds[0], 0, EVFILT_USER, EV_ADD, NULL), -EBADF);
	close(fds[0]);
	close(fds[1]);
	close(kq);
}

Test(kqueue, knotes_go_with_the_descriptor, .timeout = 20)
{
	int kq = make(), fds[2], others[2], copy;
	struct kevent v[4];

	make_pair(fds);
	make_pair(others);
	copy = dup(fds[0]);
	cr_assert(copy >= 0);
	cr_assert_eq(
		add_change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, NULL),
		0);
	/* A copy has none of it. */
	cr_assert_eq(add_change(kq, copy, EVFILT_READ, EV_ENABLE, NULL),
		     -ENOENT);
	cr_assert_eq(add_change(kq, copy, EVFILT_READ, EV_ADD | EV_CLEAR, NULL),
		     0);
	put(fds[1], "a", 1);
	cr_assert_eq(look(kq, v, 4), 2);
	/* Only the number that is closed has lost its own. */
	close(fds[0]);
	put(fds[1], "b", 1);
	cr_assert_eq(look(kq, v, 4), 1);
	cr_assert_eq((int)v[0].ident, copy);
	/* Even if it stands for the same file again. */
	cr_assert(dup2(copy, fds[0]) == fds[0]);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_READ, EV_ENABLE, NULL),
		     -ENOENT);
	/* And by dup2, over it. */
	cr_assert(dup2(others[0], copy) == copy);
	cr_assert_eq(add_change(kq, copy, EVFILT_READ, EV_ENABLE, NULL),
		     -ENOENT);
	put(fds[1], "c", 1);
	put(others[1], "d", 1);
	cr_assert_eq(look(kq, v, 4), 0);
	close(copy);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(others[i]);
	}
	close(kq);
}

static int trigger(int kq, int ident)
{
	struct kevent c;

	EV_SET(&c, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	return kevent(kq, &c, 1, NULL, 0, NULL) < 0 ? -errno : 0;
}

static void *trigger_soon(void *arg)
{
	usleep(20000);
	cr_assert(trigger(*(int *)arg, 7) == 0);
	return NULL;
}

Test(kqueue, user_events_coalesce, .timeout = 20)
{
	int kq = make();
	struct pollfd p = {.fd = kq, .events = POLLIN};
	struct kevent v[4];
	pthread_t thread;

	cr_assert_eq(trigger(kq, 7), -ENOENT);
	cr_assert_eq(add_change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NULL),
		     0);
	cr_assert_eq(add_change(kq, 8, EVFILT_USER, EV_ADD | EV_CLEAR, NULL),
		     0);
	cr_assert_eq(poll(&p, 1, 0), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(trigger(kq, 7), 0);
	cr_assert_eq(trigger(kq, 8), 0);
	cr_assert_eq(poll(&p, 1, 0), 1, "a kqueue can be polled");
	cr_assert_eq(look(kq, v, 1), 1);
	cr_assert_eq(poll(&p, 1, 0), 1, "there was no room for the other");
	cr_assert_eq(look(kq, v + 1, 3), 1);
	cr_assert_eq(v[0].ident + v[1].ident, 15);
	cr_assert_eq(look(kq, v, 4), 0);

	cr_assert(pthread_create(&thread, NULL, trigger_soon, &kq) == 0);
	cr_assert_eq(kevent(kq, NULL, 0, v, 4, NULL), 1, "out of a sleep");
	cr_assert_eq(v[0].filter, EVFILT_USER);
	pthread_join(thread, NULL);
	close(kq);
}

Test(kqueue, a_process_ends, .timeout = 20)
{
	int kq = make(), status;
	struct kevent c, e;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0) {
		/* A kqueue is not inherited. */
		_exit(fcntl(kq, F_GETFD) < 0 && errno == EBADF ? 3 : 4);
	}
	EV_SET(&c, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	cr_assert_eq(kevent(kq, &c, 1, NULL, 0, NULL), 0);
	cr_assert_eq(kevent(kq, NULL, 0, &e, 1, NULL), 1);
	cr_assert_eq((pid_t)e.ident, pid);
	cr_assert_eq(e.filter, EVFILT_PROC);
	cr_assert(e.fflags & NOTE_EXIT);
	cr_assert_eq(WEXITSTATUS((int)e.data), 3);
	cr_assert_eq(look(kq, &e, 1), 0, "once");
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert_eq(status, 3 << 8);
	cr_assert_eq(kevent(kq, &c, 1, NULL, 0, NULL), -1);
	cr_assert_eq(errno, ESRCH);
	close(kq);
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void on_alarm(int sig)
{
	(void)sig;
}

Test(kqueue, time_outs_and_signals, .timeout = 20)
{
	static const long times[] = {1000, 70000, 1700000};
	struct timespec bad = {.tv_nsec = 1000000000};
	struct sigaction act = {.sa_handler = on_alarm};
	int kq = make();
	struct kevent e;

	for (int i = 0; i < 3; i++) {
		struct timespec ts = {.tv_nsec = times[i]};
		int64_t start = now();

		cr_assert_eq(kevent(kq, NULL, 0, &e, 1, &ts), 0);
		cr_assert(now() - start >= times[i]);
	}
	cr_assert_eq(kevent(kq, NULL, 0, &e, 1, &bad), -1);
	cr_assert_eq(errno, EINVAL);
	/* No room for events: no wait, either. */
	cr_assert_eq(kevent(kq, NULL, 0, NULL, 0, NULL), 0);

	cr_assert(sigaction(SIGALRM, &act, NULL) == 0);
	ualarm(20000, 20000);
	cr_assert_eq(kevent(kq, NULL, 0, &e, 1, NULL), -1);
	cr_assert_eq(errno, EINTR);
	ualarm(0, 0);
	close(kq);
	cr_assert_eq(kevent(kq, NULL, 0, &e, 1, NULL), -1);
	cr_assert_eq(errno, EBADF);
}

/* ---- where the systems differ, and this is the more awkward one ---- */

Test(kqueue, pipes_and_files, .timeout = 20)
{
	char path[] = "/tmp/gofer-test-XXXXXX";
	int kq = make(), fds[2], file = mkstemp(path);
	struct kevent v[4];

	/* Filters that are for the other end, and one for what is no pipe. */
	cr_assert(file >= 0 && unlink(path) == 0);
	put(file, "a", 1);
	cr_assert(lseek(file, 0, SEEK_SET) == 0);
	cr_assert(pipe(fds) == 0);
	cr_assert_eq(add_change(kq, fds[0], EVFILT_WRITE, EV_ADD, NULL), 0);
	cr_assert_eq(add_change(kq, fds[1], EVFILT_READ, EV_ADD, NULL), 0);
	cr_assert_eq(add_change(kq, file, EVFILT_READ, EV_ADD, NULL), 0);
	cr_assert_eq(add_change(kq, fds[1], EVFILT_READ, EV_ENABLE, NULL), 0);
	cr_assert_eq(look(kq, v, 4), 0);

	/* Nobody reads it: told once, and then refused. */
	cr_assert_eq(
		add_change(kq, fds[1], EVFILT_WRITE, EV_ADD | EV_CLEAR, NULL),
		0);
	cr_assert_eq(look(kq, v, 4), 1);
	close(fds[0]);
	cr_assert_eq(look(kq, v, 4), 1);
	cr_assert_eq(v[0].filter, EVFILT_WRITE);
	cr_assert(v[0].flags & EV_EOF);
	cr_assert_eq(add_change(kq, fds[1], EVFILT_WRITE, EV_ENABLE, NULL),
		     -ENOENT);
	cr_assert_eq(
		add_change(kq, fds[1], EVFILT_WRITE, EV_ADD | EV_CLEAR, NULL),
		-EPIPE);
	close(fds[1]);
	close(file);
	close(kq);
}

Test(kqueue, clear_takes_a_trigger_back, .timeout = 20)
{
	int kq = make();
	struct kevent c, v[4];

	cr_assert_eq(add_change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NULL),
		     0);
	EV_SET(&c, 7, EVFILT_USER, EV_CLEAR, NOTE_TRIGGER, 0, NULL);
	cr_assert_eq(kevent(kq, &c, 1, NULL, 0, NULL), 0);
	cr_assert_eq(look(kq, v, 4), 0);
	cr_assert_eq(trigger(kq, 7), 0);
	cr_assert_eq(look(kq, v, 4), 1);
	close(kq);
}

Test(kqueue, time_outs_have_a_limit, .timeout = 20)
{
	struct timespec far = {.tv_sec = 100000000};
	int kq = make();
	struct kevent e;

	cr_assert_eq(add_change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NULL),
		     0);
	cr_assert_eq(trigger(kq, 7), 0);
	cr_assert_eq(kevent(kq, NULL, 0, &e, 1, &far), 1);
	far.tv_sec++;
	cr_assert_eq(kevent(kq, NULL, 0, &e, 1, &far), -1);
	cr_assert_eq(errno, EINVAL);
	close(kq);
}
