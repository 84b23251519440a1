/* SPDX-License-Identifier: MIT */
/*
 * A machine that is full: accept without descriptors, and every allocation and
 * registration failing once, at each of its places.
 */
#include "support_io.h"

#include <poll.h>
#include <sys/resource.h>

#include "arch/sys.h"
#include "poller.h"

/* ---- accept ---- */

static _Atomic int accepts, accept_error;

static int fail_accept(enum go__sys_call call)
{
	if (call != GO__SYS_accept4)
		return 0;
	atomic_fetch_add(&accepts, 1);
	return atomic_load(&accept_error);
}

static void *accept_one(void *arg)
{
	return (void *)(intptr_t)go_accept(*(int *)arg, NULL, NULL);
}

static void connect_and_close(struct sockaddr_in *a)
{
	int fd = go_socket(AF_INET, SOCK_STREAM, 0);

	INSIST(go_connect(fd, (struct sockaddr *)a, sizeof(*a)) == 0);
	INSIST(go_close(fd) == 0);
}

/* What lies between n attempts at the least: 5 ms, 10 ms, 20 ms, up to 640. */
static int64_t pauses(int n)
{
	return ((5 << ((n < 9 ? n : 9) - 1)) - 5) * GO_MILLISECOND;
}

/* Few attempts, and the connection is served once there is room. */
static void *back_off(void *in_thread)
{
	static const int errors[] = {-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM};

	for (int i = 0; i < 4; i++) {
		struct sockaddr_in a;
		struct peer peer;
		int fd = listener_at(&a), got;
		int64_t start;

		connect_and_close(&a);
		atomic_store(&accepts, 0);
		atomic_store(&accept_error, errors[i]);
		atomic_store(&go__sys_hook, fail_accept);
		start = go_now();
		peer_start(&peer, in_thread != NULL, accept_one, &fd);
		while (atomic_load(&accepts) < 3)
			go_sleep(SOON);
		atomic_store(&accept_error, 0);
		got = (int)(intptr_t)peer_finish(&peer);
		(void)test_fail_stop();
		MUST(got >= 0);
		MUST(go_now() - start >= pauses(atomic_load(&accepts)));
		MUST(go_close(got) == 0);
		MUST(go_close(fd) == 0);
	}
	return NULL;
}

Test(fault, accept_backs_off, .timeout = 20)
{
	run_everywhere(back_off, NULL);
	run_both(back_off, "in a thread");
}

/* While it backs off it can be cancelled, and its listener closed. */
static void *back_off_ends(void *in_thread)
{
	struct sockaddr_in a;
	struct peer peer;
	int fd = listener_at(&a);

	connect_and_close(&a);
	atomic_store(&accept_error, -EMFILE);
	atomic_store(&go__sys_hook, fail_accept);
	if (!in_thread) {
		peer_start(&peer, false, accept_one, &fd);
		await_waiting(fd, 1);
		MUST(go_task_cancel(peer.task) == 0);
		MUST((intptr_t)peer_finish(&peer) == -ECANCELED);
	}
	peer_start(&peer, in_thread != NULL, accept_one, &fd);
	await_waiting(fd, 1);
	MUST(go_close(fd) == 0);
	MUST((intptr_t)peer_finish(&peer) == -EBADF);
	(void)test_fail_stop();
	return NULL;
}

Test(fault, a_backing_off_accept_ends, .timeout = 20)
{
	run_everywhere(back_off_ends, NULL);
	run_both(back_off_ends, "in a thread");
}

/* The real thing: no descriptor left in the process. */
static void *no_descriptors(void *unused)
{
	struct rlimit old, few;
	struct sockaddr_in a;
	struct peer peer;
	int fd = listener_at(&a), client, got;

	(void)unused;
	client = go_socket(AF_INET, SOCK_STREAM, 0);
	MUST(go_connect(client, (struct sockaddr *)&a, sizeof(a)) == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &old) == 0);
	few = old;
	few.rlim_cur = (rlim_t)client + 1;
	MUST(setrlimit(RLIMIT_NOFILE, &few) == 0);
	got = dup(0);
	if (got >= 0) /* A gap below. */
		MUST(close(got) == 0);
	MUST(got >= 0 || go_socket(AF_INET, SOCK_STREAM, 0) == -EMFILE);
	peer_start(&peer, false, accept_one, &fd);
	if (got < 0)
		await_waiting(fd, 1);
	MUST(setrlimit(RLIMIT_NOFILE, &old) == 0);
	got = (int)(intptr_t)peer_finish(&peer);
	MUST(got >= 0);
	MUST(go_close(got) == 0 && go_close(client) == 0);
	MUST(go_close(fd) == 0);
	return NULL;
}

Test(fault, no_descriptors, .timeout = 20)
{
	run_everywhere(no_descriptors, NULL);
}

/* ---- fail the n-th ---- */

static void *read_byte(void *arg)
{
	char c;

	return (void *)go_read(*(int *)arg, &c, 1);
}

/* Close what is open, and pass on an error that a fault explains. */
static int end(const int *fds, int n, int r)
{
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			INSIST(go_close(fds[i]) == 0);
	return r;
}

/* A bit of everything.  Returns 0, or the error of the call that failed. */
static int everything(void)
{
	int fds[4] = {-1, -1, -1, -1}, r;
	struct pollfd p[8];
	struct peer peer;
	intptr_t got;

	r = go_pipe(fds);
	if (r < 0)
		return r;
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds + 2);
	if (r < 0)
		return end(fds, 2, r);
	peer_start(&peer, false, read_byte, &fds[0]);
	while (test_fd_waiting(fds[0]) != 1 && !atomic_load(&peer.done))
		go_sleep(SOON);
	INSIST(go_write(fds[1], "x", 1) == 1);
	got = (intptr_t)peer_finish(&peer);
	if (got < 0)
		return end(fds, 4, (int)got);
	for (int i = 0; i < 8; i++)
		p[i] = (struct pollfd){.fd = fds[2], .events = POLLIN};
	r = go_poll(p, 8, 1);
	if (r < 0)
		return end(fds, 4, r);
	INSIST(r == 0);
	return end(fds, 4, 0);
}

/* Numbers from a chunk that has no entries yet, each time anew. */
static int in_new_chunk(int round)
{
	int fds[2] = {-1, -1}, base = 1024 * (2 + round), r;

	INSIST(pipe(fds) == 0);
	r = fcntl(fds[0], F_DUPFD, base);
	INSIST(close(fds[0]) == 0);
	fds[0] = r;
	INSIST(go_write(fds[1], "x", 1) == 1);
	r = (int)(intptr_t)read_byte(&fds[0]);
	/* Without an entry, close(2) is as good. */
	INSIST(r == -ENOMEM ? close(fds[0]) == 0 : go_close(fds[0]) == 0);
	INSIST(go_close(fds[1]) == 0);
	return r == 1 ? 0 : r;
}

static void *fail_each(void *unused)
{
	static const enum go__sys_call calls[] = {
		POLLER_CHANGE,      GO__SYS_calloc,        GO__SYS_pipe2,
		GO__SYS_socketpair, GO__SYS_aligned_alloc,
	};
	int round = 0;

	(void)unused;
	MUST(everything() == 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		bool failed;
		unsigned n = 0;

		do {
			int r;

			test_fail_nth(calls[i], ++n);
			r = everything();
			if (r == 0)
				r = in_new_chunk(++round);
			failed = test_fail_stop();
			/* A registration that cannot be removed does no
			 * harm: its events are of an old generation. */
			MUST(r == (failed ? -ENOMEM : 0) ||
			     (r == 0 && calls[i] == POLLER_CHANGE));
			MUST(everything() == 0);
		} while (failed);
		MUST(n > 1);
	}
	return NULL;
}

Test(fault, each_call_fails_once, .timeout = 60)
{
	struct rlimit many;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &many), 0);
	many.rlim_cur = many.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &many), 0);
	run_in(GO_CURRENT_THREAD, 0, fail_each, NULL);
}

#if !GO__LINUX
/* ---- flags that are given by further calls ---- */

enum {
	A_SOCKET,
	A_CONNECTION,
	TWO_SOCKETS,
	A_PIPE,
	ALL_KINDS,
};

static int make(int what, int listener, int fds[2])
{
	switch (what) {
	case A_SOCKET:
		return fds[0] = go_socket(AF_INET, SOCK_STREAM, 0);
	case A_CONNECTION:
		return fds[0] = go_accept(listener, NULL, NULL);
	case TWO_SOCKETS:
		return go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	default:
		return go_pipe(fds);
	}
}

/* What could be made, but not be given its flags, is closed again. */
static void *make_without_flags(int what, unsigned calls)
{
	struct sockaddr_in a;
	int listener = listener_at(&a);
	bool failed;
	unsigned n = 0;

	do {
		int fds[2] = {-1, -1}, r;
		unsigned before;

		connect_and_close(&a);
		before = test_entries("/proc/self/fd");
		test_fail_nth_with(GO__SYS_fcntl, ++n, -EIO);
		r = make(what, listener, fds);
		failed = test_fail_stop();
		MUST(failed ? r == -EIO : r >= 0);
		for (int i = 0; i < 2 && !failed; i++)
			MUST(fds[i] < 0 || go_close(fds[i]) == 0);
		MUST(test_entries("/proc/self/fd") == before);
	} while (failed);
	MUST(n == calls + 1);
	MUST(go_close(listener) == 0);
	return NULL;
}

/* FD_CLOEXEC is set, O_NONBLOCK is added; of both, if there are two. */
static void *all_without_flags(void *unused)
{
	(void)unused;
	for (int what = 0; what < ALL_KINDS; what++) {
		void *wrong = make_without_flags(
			what, what == TWO_SOCKETS || what == A_PIPE ? 6 : 3);

		if (wrong)
			return wrong;
	}
	return NULL;
}

Test(fault, flags_cannot_be_set, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, all_without_flags, NULL);
	cr_assert_null(all_without_flags(NULL));
}
#endif

/* A plain thread that finds no eventfd says so, and can try again. */
Test(fault, no_eventfd, .timeout = 20)
{
	struct pollfd p = {.events = POLLIN};
	int fds[2];
	char c;

	cr_assert_eq(go_pipe(fds), 0);
	p.fd = fds[0];
	test_fail_nth_with(GO__SYS_eventfd, 1, -EMFILE);
	cr_assert_eq(go_read(fds[0], &c, 1), -EMFILE);
	cr_assert(test_fail_stop());
	test_fail_nth_with(GO__SYS_eventfd, 1, -ENFILE);
	cr_assert_eq(go_poll(&p, 1, -1), -ENFILE);
	cr_assert(test_fail_stop());
	cr_assert_eq(go_poll(&p, 1, 1), 0);
	close_both(fds);
}
