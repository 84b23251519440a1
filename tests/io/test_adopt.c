/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that are adopted, released and copied: their flags come and go,
 * and whoever waits meanwhile is evicted.
 */
#include "support_io.h"

#include <poll.h>

static bool nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

static void *do_read(void *arg)
{
	char c = 0;
	ssize_t n = go_read(*(int *)arg, &c, 1);

	return (void *)(n == 1 ? (intptr_t)c : (intptr_t)n);
}

static void *do_write(void *arg)
{
	static char data[1 << 20];
	int r;

	do
		r = go_write_all(*(int *)arg, data, sizeof(data), NULL);
	while (r == 0);
	return GO_INT(r);
}

static void *do_poll(void *arg)
{
	MAKE(struct pollfd, p, .fd = *(int *)arg, .events = POLLIN);
	int r = go_poll(&p, 1, -1);

	return GO_INT(r == 1 && p.revents == POLLNVAL ? -EBADF : 1);
}

/* A reader waits and is served, by whatever makes the bytes. */
static void *served(int reader, int writer, bool in_thread)
{
	struct peer peer;

	for (int i = 0; i < 3; i++) {
		peer_start(&peer, in_thread, do_read, &reader);
		await_waiting(reader, 1);
		MUST(write(writer, "x", 1) == 1);
		MUST((intptr_t)peer_finish(&peer) == 'x');
	}
	return NULL;
}

static void *flags_come_and_go(void *in_thread)
{
	void *wrong;
	int fds[2];

	MUST(pipe(fds) == 0);
	MUST(go_fd_adopt(fds[0], 0) == 0);
	MUST(nonblocking(fds[0]) && test_fd_is_own(fds[0]));
	MUST(!(fcntl(fds[0], F_GETFD) & FD_CLOEXEC));
	wrong = served(fds[0], fds[1], in_thread);
	if (wrong)
		return wrong;
	MUST(go_fd_release(fds[0]) == 0);
	MUST(!nonblocking(fds[0]) && !test_fd_is_own(fds[0]));
	wrong = served(fds[0], fds[1], in_thread);
	if (wrong)
		return wrong;

	/* What was so before stays so. */
	MUST(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	MUST(go_fd_adopt(fds[0], GO_FD_CLOEXEC) == 0);
	MUST(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	MUST(go_fd_release(fds[0]) == 0);
	MUST(nonblocking(fds[0]));
	MUST(!(fcntl(fds[0], F_GETFD) & FD_CLOEXEC));
	MUST(fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0);
	MUST(go_fd_adopt(fds[1], GO_FD_CLOEXEC) == 0);
	MUST(go_fd_release(fds[1]) == 0);
	MUST(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
	MUST(close(fds[0]) == 0 && close(fds[1]) == 0);

	/* Ours, for somebody else. */
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	MUST(go_fd_release(fds[0]) == 0);
	MUST(!nonblocking(fds[0]) && nonblocking(fds[1]));
	MUST(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	MUST(close(fds[0]) == 0);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(adopt, flags_come_and_go, .timeout = 20)
{
	run_everywhere(flags_come_and_go, NULL);
	run_both(flags_come_and_go, (void *)"in a thread");
}

static void *wrong_use(void *unused)
{
	char path[] = "/tmp/gofer-adopt-XXXXXX";
	int fds[2], fd;

	(void)unused;
	MUST(go_fd_adopt(-1, 0) == -EBADF && go_fd_release(-1) == -EBADF);
	MUST(go_fd_adopt(900, 0) == -EBADF && go_fd_release(900) == -EBADF);
	MUST(go_dup(-1) == -EBADF && go_dup(900) == -EBADF);
	MUST(go_pipe(fds) == 0);
	MUST(go_fd_adopt(fds[0], 2) == -EINVAL);
	/* Twice is not wrong. */
	MUST(go_fd_adopt(fds[0], 0) == 0 && test_fd_is_own(fds[0]));
	MUST(go_fd_release(fds[0]) == 0 && go_fd_release(fds[0]) == 0);
	MUST(go_fd_adopt(fds[0], 0) == 0);
	close_both(fds);
	MUST(go_fd_adopt(fds[0], 0) == -EBADF);
	MUST(go_fd_release(fds[0]) == -EBADF);

	fd = mkstemp(path);
	MUST(fd >= 0);
	MUST(unlink(path) == 0);
	MUST(go_fd_adopt(fd, 0) == 0);
	MUST(!nonblocking(fd) && test_fd_is_own(fd));
	MUST(go_write(fd, "x", 1) == 1);
	MUST(go_fd_release(fd) == 0);
	MUST(close(fd) == 0);
	return NULL;
}

Test(adopt, wrong_use, .timeout = 20)
{
	run_both(wrong_use, NULL);
}

/* ---- eviction ---- */

/* Release it under waiters of all kinds, in tasks and threads. */
static void *release_evicts(void *foreign)
{
	go_fn *const kinds[] = {do_read, do_write, do_poll};
	struct peer peers[12];
	int fds[2];

	if (foreign)
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	else
		MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	for (int i = 0; i < 12; i++)
		peer_start(&peers[i], i % 2, kinds[i % 3], &fds[0]);
	await_waiting(fds[0], 12);
	MUST(go_fd_release(fds[0]) == 0);
	MUST(test_fd_waiting(fds[0]) == 0);
	for (int i = 0; i < 12; i++)
		MUST((intptr_t)peer_finish(&peers[i]) == -EBADF);
	MUST(fcntl(fds[0], F_GETFD) >= 0 && !nonblocking(fds[0]));
	MUST(close(fds[0]) == 0);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(adopt, release_evicts, .timeout = 30)
{
	run_everywhere(release_evicts, NULL);
	run_everywhere(release_evicts, (void *)"foreign");
}

static void *release_it(void *arg)
{
	return GO_INT(go_fd_release(*(int *)arg));
}

/* It returns when nobody uses the descriptor any more. */
static void *release_waits(void *in_thread)
{
	struct peer peer;
	char c;
	int fds[2];

	MUST(go_pipe(fds) == 0);
	MUST(test_fd_enter(fds[0]) == 0);
	peer_start(&peer, in_thread, release_it, &fds[0]);
	await_waiting(fds[0], 1);
	MUST(go_read(fds[0], &c, 1) == -EBADF);
	MUST(go_fd_release(fds[0]) == -EBADF);
	MUST(go_fd_adopt(fds[0], 0) == -EBADF);
	MUST(go_close(fds[0]) == -EBADF);
	MUST(nonblocking(fds[0]));
	if (!in_thread)
		MUST(go_task_cancel(peer.task) == 0);
	MUST(!atomic_load(&peer.done));
	MUST(test_fd_leave(fds[0]) == 0);
	MUST((intptr_t)peer_finish(&peer) == 0);
	MUST(!nonblocking(fds[0]));
	close_both(fds);
	return NULL;
}

Test(adopt, release_waits_for_calls_in_flight, .timeout = 20)
{
	run_everywhere(release_waits, NULL);
	run_both(release_waits, (void *)"in a thread");
}

/* ---- numbers that were reused behind our back ---- */

static void *reused_and_adopted(void *unused)
{
	int old[2], fresh[2], keep;
	struct peer peer;
	void *wrong;

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	peer_start(&peer, false, do_read, &old[0]);
	await_waiting(old[0], 1);
	keep = dup(old[0]);
	MUST(dup2(fresh[0], old[0]) == old[0]);
	MUST(go_fd_adopt(old[0], 0) == 0);
	MUST((intptr_t)peer_finish(&peer) == -EBADF);
	wrong = served(old[0], fresh[1], false);
	if (wrong)
		return wrong;
	/* And back: the kernel still knows the first file by this number. */
	MUST(dup2(keep, old[0]) == old[0]);
	MUST(go_fd_adopt(old[0], 0) == 0);
	wrong = served(old[0], old[1], false);
	MUST(go_close(old[0]) == 0 && close(keep) == 0 && close(old[1]) == 0);
	MUST(close(fresh[0]) == 0 && close(fresh[1]) == 0);
	return wrong;
}

/* The mistake of close(2) on an own descriptor, made good. */
static void *closed_and_adopted(void *unused)
{
	int fds[2], again[2];
	void *wrong;

	(void)unused;
	MUST(go_pipe(fds) == 0);
	wrong = served(fds[0], fds[1], false);
	if (wrong)
		return wrong;
	MUST(close(fds[0]) == 0 && close(fds[1]) == 0);
	MUST(pipe(again) == 0);
	MUST(again[0] == fds[0] && test_fd_is_own(again[0]));
	MUST(go_fd_adopt(again[0], 0) == 0);
	wrong = served(again[0], again[1], false);
	if (wrong)
		return wrong;
	MUST(go_fd_release(again[1]) == 0);
	close_both(again);
	return NULL;
}

Test(adopt, reused_numbers, .timeout = 20)
{
	run_everywhere(reused_and_adopted, NULL);
	run_everywhere(closed_and_adopted, NULL);
}

/* Adopting what is ours changes nothing of what releasing changes back. */
static void *adopted_twice(void *unused)
{
	int fds[2], other[2];
	void *wrong;

	(void)unused;
	MUST(pipe(fds) == 0);
	MUST(go_fd_adopt(fds[0], GO_FD_CLOEXEC) == 0);
	MUST(go_fd_adopt(fds[0], GO_FD_CLOEXEC) == 0);
	wrong = served(fds[0], fds[1], false);
	if (wrong)
		return wrong;
	MUST(go_fd_adopt(fds[0], 0) == 0);
	MUST(go_fd_release(fds[0]) == 0);
	MUST(!nonblocking(fds[0]));
	MUST(!(fcntl(fds[0], F_GETFD) & FD_CLOEXEC));

	/* But another file of that number has had its mode from elsewhere. */
	MUST(pipe2(other, O_NONBLOCK) == 0);
	MUST(go_fd_adopt(fds[0], 0) == 0);
	wrong = served(fds[0], fds[1], false);
	if (wrong)
		return wrong;
	MUST(dup2(other[0], fds[0]) == fds[0]);
	MUST(go_fd_adopt(fds[0], 0) == 0);
	MUST(go_fd_release(fds[0]) == 0);
	MUST(nonblocking(fds[0]));
	close_both(fds);
	close_both(other);

	/* Ours from the beginning. */
	MUST(go_pipe(fds) == 0);
	MUST(go_fd_adopt(fds[0], 0) == 0);
	MUST(go_fd_release(fds[0]) == 0);
	MUST(!nonblocking(fds[0]) && fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	close_both(fds);
	return NULL;
}

Test(adopt, adopted_twice, .timeout = 20)
{
	run_everywhere(adopted_twice, NULL);
}

/* ---- copies ---- */

static void *copies(void *in_thread)
{
	int fds[2], copy;
	void *wrong;

	MUST(go_pipe(fds) == 0);
	copy = go_dup(fds[0]);
	MUST(copy >= 0 && test_fd_is_own(copy));
	MUST(fcntl(copy, F_GETFD) & FD_CLOEXEC);
	wrong = served(copy, fds[1], in_thread);
	MUST(go_close(fds[0]) == 0);
	if (!wrong)
		wrong = served(copy, fds[1], true);
	if (wrong)
		return wrong;
	MUST(go_close(copy) == 0 && go_close(fds[1]) == 0);

	MUST(pipe(fds) == 0);
	copy = go_dup(fds[0]);
	MUST(copy >= 0 && !test_fd_is_own(copy) && !nonblocking(copy));
	wrong = served(copy, fds[1], in_thread);
	MUST(close(copy) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
	return wrong;
}

Test(adopt, copies, .timeout = 20)
{
	run_everywhere(copies, NULL);
	run_both(copies, (void *)"in a thread");
}

#ifdef GO_TEST_HOOKS
/* Nothing is half done. */
static void *fail_each(void *unused)
{
	bool failed;
	unsigned n = 0;
	int fds[2], r;

	(void)unused;
	MUST(pipe(fds) == 0);
	MUST(go_fd_release(fds[0]) == 0); /* Its entry exists from here on. */
	do {
		test_fail_nth_with(GO__SYS_fcntl, ++n, -ENOLCK);
		r = go_fd_adopt(fds[0], GO_FD_CLOEXEC);
		failed = test_fail_stop();
		MUST(r == (failed ? -ENOLCK : 0));
		MUST(nonblocking(fds[0]) == (r == 0));
		MUST(test_fd_is_own(fds[0]) == (r == 0));
	} while (failed);
	MUST(n > 3);
	test_fail_nth_with(GO__SYS_fcntl, 1, -EMFILE);
	MUST(go_dup(fds[0]) == -EMFILE);
	MUST(test_fail_stop());
	close_both(fds);
	return NULL;
}

Test(adopt, each_call_fails_once, .timeout = 20)
{
	run_both(fail_each, NULL);
}

static int closed_by_hook = -1;

/* The descriptor is closed by somebody while it is being adopted. */
static int close_at_fcntl(enum go__sys_call call)
{
	int fd = closed_by_hook;

	if (call == GO__SYS_fcntl && fd >= 0) {
		closed_by_hook = -1;
		INSIST(go_close(fd) == 0);
	}
	return 0;
}

static void *closed_meanwhile(void *unused)
{
	int fds[2], keep;

	(void)unused;
	MUST(pipe(fds) == 0);
	keep = dup(fds[0]);
	MUST(keep >= 0);
	closed_by_hook = fds[0];
	atomic_store(&go__sys_hook, close_at_fcntl);
	MUST(go_fd_adopt(fds[0], 0) == -EBADF);
	(void)test_fail_stop();
	MUST(closed_by_hook == -1);
	/* The file has not been adopted, and lives on. */
	MUST(!nonblocking(keep));
	MUST(close(keep) == 0 && close(fds[1]) == 0);
	return NULL;
}

Test(adopt, closed_meanwhile, .timeout = 20)
{
	run_both(closed_meanwhile, NULL);
}
#endif
