/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the library did not make: their flags stay as they are, they
 * never block a worker, and they may be closed and reused behind its back.
 */
#include "support_io.h"

#include <poll.h>
#include <sys/eventfd.h>

static void *read_byte(void *arg)
{
	char c = 0;
	ssize_t n = go_read(*(int *)arg, &c, 1);

	return (void *)(n == 1 ? (intptr_t)c : (intptr_t)n);
}

/* A reader waits, in blocking mode, and the worker is free all the same. */
static void *wait_and_wake(void *in_thread, int reader, int writer)
{
	int flags = fcntl(reader, F_GETFL);
	struct peer peer;

	MUST((flags & O_NONBLOCK) == 0);
	for (int i = 0; i < 3; i++) {
		peer_start(&peer, in_thread != NULL, read_byte, &reader);
		await_waiting(reader, 1);
		MUST(go_write(writer, "x", 1) == 1);
		MUST((intptr_t)peer_finish(&peer) == 'x');
	}
	MUST(fcntl(reader, F_GETFL) == flags);
	return NULL;
}

static void *blocking_mode(void *in_thread)
{
	void *wrong;
	int fds[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	wrong = wait_and_wake(in_thread, fds[0], fds[1]);
	if (wrong)
		return wrong;
	close_both(fds);
	MUST(pipe(fds) == 0);
	wrong = wait_and_wake(in_thread, fds[0], fds[1]);
	if (wrong)
		return wrong;
	close_both(fds);
	return NULL;
}

Test(foreign, blocking_mode_stays, .timeout = 20)
{
	run_everywhere(blocking_mode, NULL);
	run_both(blocking_mode, (void *)"in a thread");
}

static void *write_much(void *arg)
{
	static char data[300000];
	size_t done;
	int r = go_write_all(*(int *)arg, data, sizeof(data), &done);

	return (void *)(intptr_t)(r < 0 ? r : (int)done);
}

static void *full_buffers(void *in_thread)
{
	static char data[300000];

	for (int i = 0; i < 2; i++) {
		struct peer peer;
		int fds[2];

		if (i == 0)
			MUST(pipe(fds) == 0);
		else
			MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		peer_start(&peer, in_thread != NULL, write_much, &fds[1]);
		await_waiting(fds[1], 1);
		MUST(go_read_full(fds[0], data, sizeof(data), NULL) == 0);
		MUST((intptr_t)peer_finish(&peer) == sizeof(data));
		/* Nobody reads any more, and nobody is killed by it. */
		MUST(go_close(fds[0]) == 0);
		MUST(go_write(fds[1], "x", 1) == -EPIPE);
		MUST(go_close(fds[1]) == 0);
	}
	return NULL;
}

Test(foreign, full_buffers, .timeout = 20)
{
	run_everywhere(full_buffers, NULL);
	run_both(full_buffers, (void *)"in a thread");
}

/* Terminals know no RWF_NOWAIT, nor do eventfds for writing. */
static void *odd_files(void *in_thread)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, fd;
	uint64_t number = 7;
	struct peer peer;
	char c;

	MUST(master >= 0);
	MUST(grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	MUST(slave >= 0);
	peer_start(&peer, in_thread != NULL, read_byte, &slave);
	await_waiting(slave, 1);
	MUST(go_write(master, "t\n", 2) == 2);
	MUST((intptr_t)peer_finish(&peer) == 't');
	MUST(go_close(master) == 0);
	MUST(go_close(slave) == 0);

	fd = eventfd(0, 0);
	MUST(fd >= 0);
	MUST(go_write(fd, &number, 8) == 8);
	MUST(go_read(fd, &number, 8) == 8 && number == 7);
	MUST(go_close(fd) == 0);
	fd = open("/dev/null", O_RDWR);
	MUST(fd >= 0);
	MUST(go_write(fd, "x", 1) == 1);
	MUST(go_read(fd, &c, 1) == 0);
	MUST(go_close(fd) == 0);
	return NULL;
}

Test(foreign, odd_files, .timeout = 20)
{
	run_everywhere(odd_files, NULL);
	run_both(odd_files, (void *)"in a thread");
}

#ifdef GO_TEST_HOOKS
static int no_nowait(enum go__sys_call call)
{
	return call == GO__SYS_preadv2 || call == GO__SYS_pwritev2 ? -ENOSYS
								   : 0;
}

/* The same on a kernel, or an emulator, that has no preadv2. */
Test(foreign, without_preadv2, .timeout = 20)
{
	atomic_store(&go__sys_hook, no_nowait);
	run_everywhere(blocking_mode, NULL);
	run_everywhere(full_buffers, NULL);
	run_everywhere(odd_files, NULL);
	run_both(blocking_mode, "in a thread");
	(void)test_fail_stop();
}

/*
 * Who waits for room is not told again and again that there is something to
 * read: so many looks would fail.
 */
static void *room_beside_input(void *unused)
{
	struct pollfd p = {.events = POLLOUT};
	int fds[2];

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	while (send(fds[0], "xxxxxxxx", 8, MSG_DONTWAIT) > 0)
		;
	MUST(write(fds[1], "y", 1) == 1);
	p.fd = fds[0];
	test_fail_nth_with(GO__SYS_poll, 40, -EIO);
	for (int i = 0; i < 3; i++)
		MUST(go_poll(&p, 1, 20) == 0);
	MUST(!test_fail_stop());
	MUST(close(fds[0]) == 0 && close(fds[1]) == 0);
	return NULL;
}

Test(foreign, room_beside_input, .timeout = 20)
{
	run_everywhere(room_beside_input, NULL);
}
#endif

/* ---- closed and reused behind our back ---- */

/* A number is registered; then it stands for another file. */
static void *reused(void *unused)
{
	int old[2], fresh[2], keep;
	struct peer peer;

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	peer_start(&peer, false, read_byte, &old[0]);
	await_waiting(old[0], 1);
	MUST(go_write(old[1], "o", 1) == 1);
	MUST((intptr_t)peer_finish(&peer) == 'o');

	/* The old file lives on elsewhere, so its registration does too. */
	keep = dup(old[0]);
	MUST(keep >= 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	MUST(dup2(fresh[0], old[0]) == old[0]);
	MUST(close(fresh[0]) == 0);
	peer_start(&peer, false, read_byte, &old[0]);
	await_waiting(old[0], 1);
	/* An edge of the old file wakes nobody for good. */
	MUST(write(old[1], "w", 1) == 1);
	MUST(go_write(fresh[1], "n", 1) == 1);
	MUST((intptr_t)peer_finish(&peer) == 'n');
	MUST(close(keep) == 0 && close(old[0]) == 0);
	MUST(close(old[1]) == 0 && close(fresh[1]) == 0);
	return NULL;
}

Test(foreign, reused_behind_our_back, .timeout = 20)
{
	run_everywhere(reused, NULL);
}

/* Whoever waits for the old file is evicted when the reuse is found out. */
static void *left_behind(void *unused)
{
	struct peer first, second;
	int old[2], fresh[2];

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	peer_start(&first, false, read_byte, &old[0]);
	await_waiting(old[0], 1);
	MUST(dup2(fresh[0], old[0]) == old[0]);
	peer_start(&second, false, read_byte, &old[0]);
	MUST((intptr_t)peer_finish(&first) == -EBADF);
	await_waiting(old[0], 1);
	MUST(go_write(fresh[1], "n", 1) == 1);
	MUST((intptr_t)peer_finish(&second) == 'n');
	MUST(close(old[0]) == 0 && close(old[1]) == 0);
	MUST(close(fresh[0]) == 0 && close(fresh[1]) == 0);
	return NULL;
}

Test(foreign, left_behind, .timeout = 20)
{
	run_everywhere(left_behind, NULL);
}

/*
 * The same for one that was adopted, where another direction finds it out.  The
 * next file has something to read, for whoever took it for the first.
 */
static void *write_on(void *arg)
{
	static char data[300000];

	return GO_INT(go_write_all(*(int *)arg, data, sizeof data, NULL));
}

static void *left_behind_adopted(void *unused)
{
	struct peer reader, writer;
	int old[2], fresh[2];
	char c = 0;

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	MUST(write(fresh[1], "n", 1) == 1);
	/* An own one's first try does not ask for the mode. */
	MUST(fcntl(fresh[0], F_SETFL, O_NONBLOCK) == 0);
	MUST(go_fd_adopt(old[0], 0) == 0);
	peer_start(&reader, false, read_byte, &old[0]);
	await_waiting(old[0], 1);
	MUST(dup2(fresh[0], old[0]) == old[0]);
	peer_start(&writer, false, write_on, &old[0]);
	MUST((intptr_t)peer_finish(&reader) == -EBADF);
	MUST(go_read(old[0], &c, 1) == 1 && c == 'n');
	await_waiting(old[0], 1);
	MUST(go_close(old[0]) == 0);
	MUST(GO_TO_INT(peer_finish(&writer)) == -EBADF);
	MUST(close(old[1]) == 0);
	close_both(fresh);
	return NULL;
}

Test(foreign, left_behind_adopted, .timeout = 20)
{
	run_everywhere(left_behind_adopted, NULL);
}

/*
 * A number that one runtime knows is reused, and another runtime is the first
 * to wait for the new file: what the first finds out later must not end that.
 */
static void *read_there(void *arg)
{
	MAKE(go_runtime_options, o, .flavour = GO_MULTI_THREAD, .workers = 1);
	void *result = GO_INT(-EIO);

	INSIST(go_run_with(&o, read_byte, arg, &result) == 0);
	return result;
}

static void *known_elsewhere(void *unused)
{
	struct peer first, here, there;
	int old[2], fresh[2];

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	peer_start(&first, false, read_byte, &old[0]);
	await_waiting(old[0], 1);
	MUST(go_write(old[1], "o", 1) == 1);
	MUST((intptr_t)peer_finish(&first) == 'o');
	MUST(dup2(fresh[0], old[0]) == old[0]);
	peer_start(&there, true, read_there, &old[0]);
	await_waiting(old[0], 1);
	peer_start(&here, false, read_byte, &old[0]);
	await_waiting(old[0], 2);
	MUST(write(fresh[1], "nn", 2) == 2);
	MUST((intptr_t)peer_finish(&here) == 'n');
	MUST((intptr_t)peer_finish(&there) == 'n');
	MUST(close(old[0]) == 0 && close(old[1]) == 0);
	close_both(fresh);
	return NULL;
}

/* And who waits in the first runtime for the old file learns it at once. */
static void *left_behind_elsewhere(void *unused)
{
	struct peer here, there;
	int old[2], fresh[2];

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	peer_start(&here, false, read_byte, &old[0]);
	await_waiting(old[0], 1);
	MUST(dup2(fresh[0], old[0]) == old[0]);
	peer_start(&there, true, read_there, &old[0]);
	MUST((intptr_t)peer_finish(&here) == -EBADF);
	await_waiting(old[0], 1);
	MUST(write(fresh[1], "n", 1) == 1);
	MUST((intptr_t)peer_finish(&there) == 'n');
	MUST(close(old[0]) == 0 && close(old[1]) == 0);
	close_both(fresh);
	return NULL;
}

Test(foreign, two_runtimes, .timeout = 20)
{
	run_everywhere(known_elsewhere, NULL);
	run_everywhere(left_behind_elsewhere, NULL);
}

/* Those who only look have a new file to look at then. */
static void *poll_it(void *arg)
{
	MAKE(struct pollfd, p, .fd = *(int *)arg, .events = POLLIN);

	return GO_INT(go_poll(&p, 1, -1) == 1 && p.revents == POLLIN);
}

static void *select_it(void *arg)
{
	go_case k[] = {GO_AT(GO_NEVER), GO_READABLE(*(int *)arg)};

	return GO_INT(go_select(k, 2) == 1 && k[1].result == 0);
}

static void *looking_on(void *unused)
{
	struct peer poller, selector, reader;
	int old[2], fresh[2];

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
	peer_start(&poller, false, poll_it, &old[0]);
	peer_start(&selector, false, select_it, &old[0]);
	await_waiting(old[0], 2);
	MUST(dup2(fresh[0], old[0]) == old[0]);
	peer_start(&reader, false, read_byte, &old[0]);
	await_waiting(old[0], 3);
	MUST(go_write(fresh[1], "nn", 2) == 2);
	MUST((intptr_t)peer_finish(&reader) == 'n');
	MUST(GO_TO_INT(peer_finish(&poller)) == 1);
	MUST(GO_TO_INT(peer_finish(&selector)) == 1);
	MUST(close(old[0]) == 0 && close(old[1]) == 0);
	MUST(close(fresh[0]) == 0 && close(fresh[1]) == 0);
	return NULL;
}

Test(foreign, looking_on_at_the_next, .timeout = 20)
{
	run_everywhere(looking_on, NULL);
}

/*
 * Nobody uses the number any more, so nobody but those who wait can find out.
 * The second file would be ready at once, for whoever took it for the first.
 */
enum vanishing {
	CLOSED,
	REPLACED,     /* By the same kind of file, with something to read, */
	REPLACED_ODD, /* and by one that no poller takes; */
	KEPT,         /* the old file lives on, with another number. */
	ADOPTED,
	VANISHINGS,
};

/* Without tiny constants each look is a second away. */
#ifdef GO_TEST_SMALL
#define run_now        run_everywhere
#define ALL_VANISHINGS VANISHINGS
#else
#define run_now(body, arg) run_in(GO_MULTI_THREAD, 2, body, arg)
#define ALL_VANISHINGS     REPLACED_ODD
#endif

static void vanish(int fd, enum vanishing how, const int next[2])
{
	int odd;

	switch (how) {
	case REPLACED_ODD:
		odd = open("/proc/self/status", O_RDONLY);
		INSIST(odd >= 0 && dup2(odd, fd) == fd && close(odd) == 0);
		break;
	case CLOSED:
		INSIST(close(fd) == 0);
		break;
	default:
		INSIST(dup2(next[0], fd) == fd);
	}
}

static void *accept_one(void *arg)
{
	return (void *)(intptr_t)go_accept(*(int *)arg, NULL, NULL);
}

static void *copy_it(void *arg)
{
	int *fds = (int *)arg;

	return GO_INT(go_copy(fds[0], fds[1], -1, NULL));
}

static void *accept_it(void *arg)
{
	struct peer peer;
	struct sockaddr_in a;
	int fd = test_listen(&a);

	(void)arg;
	peer_start(&peer, false, accept_one, &fd);
	await_waiting(fd, 1);
	MUST(close(fd) == 0);
	MUST((intptr_t)peer_finish(&peer) == -EBADF);
	return NULL;
}

static void *vanishes(void *arg)
{
	enum vanishing how = (enum vanishing)GO_TO_INT(arg);
	struct peer readers[2], writer, copier;
	int old[2], next[2], sink[2], both[2], keep = -1;
	char c = 0;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, next) == 0);
	MUST(go_pipe(sink) == 0);
	if (how == KEPT)
		keep = dup(old[0]);
	if (how == ADOPTED)
		MUST(go_fd_adopt(old[0], 0) == 0);
	MUST(write(next[1], "n", 1) == 1);
	for (int i = 0; i < 2; i++)
		peer_start(&readers[i], false, read_byte, &old[0]);
	await_waiting(old[0], 2);
	peer_start(&writer, false, write_on, &old[0]);
	await_waiting(old[0], 3);
	both[0] = old[0];
	both[1] = sink[1];
	peer_start(&copier, false, copy_it, both);
	await_waiting(old[0], 4);

	vanish(old[0], how, next);
	for (int i = 0; i < 2; i++)
		MUST((intptr_t)peer_finish(&readers[i]) == -EBADF);
	MUST(GO_TO_INT(peer_finish(&writer)) == -EBADF);
	MUST(GO_TO_INT(peer_finish(&copier)) == -EBADF);
	/* Whoever comes now has the new file, with all that was in it. */
	if (how == CLOSED)
		MUST(go_read(old[0], &c, 1) == -EBADF);
	else
		MUST(go_read(old[0], &c, 1) == 1);
	MUST(how == CLOSED || how == REPLACED_ODD || c == 'n');
	MUST(keep < 0 || close(keep) == 0);
	MUST(how == CLOSED || close(old[0]) == 0);
	MUST(close(old[1]) == 0);
	close_both(next);
	close_both(sink);
	return NULL;
}

/* Alone, so nobody else finds out for it. */
static void *copies(void *unused)
{
	struct peer copier;
	int old[2], next[2], sink[2], both[2];
	char c = 0;

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, next) == 0);
	MUST(go_pipe(sink) == 0);
	MUST(write(next[1], "n", 1) == 1);
	both[0] = old[0];
	both[1] = sink[1];
	peer_start(&copier, false, copy_it, both);
	await_waiting(old[0], 1);
	vanish(old[0], REPLACED, next);
	MUST(GO_TO_INT(peer_finish(&copier)) == -EBADF);
	MUST(go_read(old[0], &c, 1) == 1 && c == 'n');
	MUST(close(old[0]) == 0 && close(old[1]) == 0);
	close_both(next);
	close_both(sink);
	return NULL;
}

Test(foreign, vanishes_under_those_who_wait, .timeout = 120)
{
	for (int how = CLOSED; how < ALL_VANISHINGS; how++)
		run_now(vanishes, GO_INT(how));
	run_now(accept_it, NULL);
	run_now(copies, NULL);
}

/* What was there is gone, and one who looks is told, or looks at the next. */
static void *poll_gone(void *arg)
{
	MAKE(struct pollfd, p, .fd = *(int *)arg, .events = POLLIN);

	return GO_INT(go_poll(&p, 1, -1) == 1 && p.revents == POLLNVAL);
}

static void *select_gone(void *arg)
{
	go_case k[] = {GO_AT(GO_NEVER), GO_READABLE(*(int *)arg)};

	return GO_INT(go_select(k, 2) == 1 && k[1].result == -EBADF);
}

static void *look_on(void *arg)
{
	bool replaced = arg != NULL;
	struct peer poller, selector;
	int old[2], next[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, next) == 0);
	if (replaced)
		MUST(go_fd_adopt(old[0], 0) == 0);
	peer_start(&poller, false, replaced ? poll_it : poll_gone, &old[0]);
	peer_start(&selector, false, replaced ? select_it : select_gone,
		   &old[0]);
	await_waiting(old[0], 2);
	vanish(old[0], replaced ? REPLACED : CLOSED, next);
	if (replaced)
		MUST(write(next[1], "n", 1) == 1);
	MUST(GO_TO_INT(peer_finish(&poller)) == 1);
	MUST(GO_TO_INT(peer_finish(&selector)) == 1);
	MUST(!replaced || close(old[0]) == 0);
	MUST(close(old[1]) == 0);
	close_both(next);
	return NULL;
}

Test(foreign, vanishes_under_those_who_look, .timeout = 60)
{
	run_now(look_on, NULL);
	run_now(look_on, (char *)"replaced");
}

/* Looking changes nothing for a descriptor that stays, nor for deadlines. */
static void *stays(void *arg)
{
	int64_t before = go_now(), ms = GO_TO_INT(arg);
	struct peer reader;
	int fds[2];
	char c;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	peer_start(&reader, false, read_byte, &fds[0]);
	{
		GO_TIMEOUT(ms * GO_MILLISECOND);
		MUST(go_read(fds[1], &c, 1) == -ETIMEDOUT);
	}
	MUST(go_now() - before >= ms * GO_MILLISECOND);
	await_waiting(fds[0], 1);
	MUST(go_write(fds[1], "s", 1) == 1);
	MUST((intptr_t)peer_finish(&reader) == 's');
	close_both(fds);
	return NULL;
}

Test(foreign, stays, .timeout = 60)
{
#ifdef GO_TEST_SMALL
	run_now(stays, GO_INT(150));
#else
	run_now(stays, GO_INT(1500));
#endif
}

/* A number of ours, closed by us, may be anybody's next. */
static void *ours_before(void *unused)
{
	int fds[2], fd;
	char c = 0;

	(void)unused;
	MUST(go_pipe(fds) == 0);
	MUST(go_close(fds[0]) == 0);
	MUST(go_close(fds[1]) == 0);
	fd = open("/dev/zero", O_RDONLY);
	MUST(fd >= 0);
	MUST(go_read(fd, &c, 1) == 1);
	MUST(close(fd) == 0);
	MUST(go_read(fd, &c, 1) == -EBADF);
	return NULL;
}

Test(foreign, number_was_ours, .timeout = 20)
{
	run_both(ours_before, NULL);
}

/* ---- sockets ---- */

static void *listener(void *in_thread)
{
	struct sockaddr_in a;
	int fd = test_listen(&a), flags = fcntl(fd, F_GETFL), fds[2];
	struct peer peers[3];

	for (int i = 0; i < 3; i++)
		peer_start(&peers[i], in_thread != NULL, accept_one, &fd);
	await_waiting(fd, 3);
	for (int i = 0; i < 3; i++) {
		int client = go_socket(AF_INET, SOCK_STREAM, 0);

		MUST(go_connect(client, (struct sockaddr *)&a, sizeof(a)) == 0);
		MUST(go_close(client) == 0);
	}
	for (int i = 0; i < 3; i++) {
		fds[0] = (int)(intptr_t)peer_finish(&peers[i]);
		MUST(fds[0] >= 0);
		MUST(test_fd_is_tcp(fds[0]));
		MUST(go_close(fds[0]) == 0);
	}
	MUST(fcntl(fd, F_GETFL) == flags && go_close(fd) == 0);
	return NULL;
}

Test(foreign, listeners, .timeout = 20)
{
	run_everywhere(listener, NULL);
	run_both(listener, (void *)"in a thread");
}

static void *connecting(void *unused)
{
	struct sockaddr_in a;
	int server = listener_at(&a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool in_task = go_runtime_current() != NULL;

	(void)unused;
	MUST(go_connect(fd, (struct sockaddr *)&a, sizeof(a)) ==
	     (in_task ? -EOPNOTSUPP : 0));
	MUST(close(fd) == 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	MUST(go_connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	MUST(go_connect(fd, (struct sockaddr *)&a, sizeof(a)) == -EISCONN);
	MUST(close(fd) == 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(go_connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	MUST(close(fd) == 0);
	MUST(go_close(server) == 0);
	return NULL;
}

Test(foreign, connecting, .timeout = 20)
{
	run_both(connecting, NULL);
}
