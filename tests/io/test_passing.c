/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in messages: they arrive, are known as what they are, and none
 * is left open by those who do not want it, or have no room for it.
 */
#include "support_io.h"

#include <sys/resource.h>

#include "arch/sanitize.h"

/* How many numbers below 1000 are open. */
static int open_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct passing {
	int sockets[2];
	int fds[3];
	size_t count;
	ssize_t n;
	char data[8];
};

static void *receive(void *arg)
{
	struct passing *p = (struct passing *)arg;

	p->n = go_recv_fds(p->sockets[1], p->data, sizeof(p->data), p->fds,
			   &p->count);
	return NULL;
}

static void *pass_some(void *type)
{
	MAKE(struct passing, p, .count = 3);
	struct peer peer;
	int pipes[2], before = open_count();
	char c = 0;

	MUST(go_socketpair(AF_UNIX, GO_TO_INT(type), 0, p.sockets) == 0);
	MUST(go_pipe(pipes) == 0);
	peer_start(&peer, false, receive, &p);
	await_waiting(p.sockets[1], 1);
	MUST(go_send_fds(p.sockets[0], "ab", 2, pipes, 2) == 2);
	peer_finish(&peer);
	MUST(p.n == 2 && memcmp(p.data, "ab", 2) == 0 && p.count == 2);
	for (int i = 0; i < 2; i++) {
		MUST(p.fds[i] != pipes[i] && !test_fd_is_own(p.fds[i]));
		MUST(fcntl(p.fds[i], F_GETFD) & FD_CLOEXEC);
	}
	MUST(go_write(p.fds[1], "x", 1) == 1);
	MUST(go_read(pipes[0], &c, 1) == 1 && c == 'x');
	close_both(p.fds);

	/* Room for fewer, and for none. */
	for (size_t room = 0; room < 2; room++) {
		p.count = room;
		MUST(go_send_fds(p.sockets[0], "c", 1, pipes, 2) == 1);
		receive(&p);
		MUST(p.n == 1 && p.count == room);
		if (room)
			MUST(go_close(p.fds[0]) == 0);
	}
	/* Without descriptors it is an ordinary message. */
	p.count = 3;
	MUST(go_send_fds(p.sockets[0], "d", 1, NULL, 0) == 1);
	receive(&p);
	MUST(p.n == 1 && p.count == 0 && p.data[0] == 'd');
	close_both(pipes);
	MUST(go_send_fds(p.sockets[0], "e", 1, pipes, 2) == -EBADF);
	MUST(go_send_fds(p.sockets[0], "e", 0, pipes, 1) == -EINVAL);
	MUST(go_send_fds(p.sockets[0], "e", 1, pipes, 254) == -EINVAL);
	MUST(go_close(p.sockets[0]) == 0);
	p.count = 3;
	if (GO_TO_INT(type) == SOCK_STREAM) {
		receive(&p);
		MUST(p.n == 0 && p.count == 0);
	}
	MUST(go_close(p.sockets[1]) == 0);
	p.count = 3;
	receive(&p);
	MUST(p.n == -EBADF && p.count == 0);
	MUST(open_count() == before);
	return NULL;
}

Test(passing, streams, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, pass_some, GO_INT(SOCK_STREAM));
	run_in(GO_MULTI_THREAD, 2, pass_some, GO_INT(SOCK_STREAM));
}

Test(passing, datagrams, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, pass_some, GO_INT(SOCK_DGRAM));
	run_in(GO_CURRENT_THREAD, 0, pass_some, GO_INT(SOCK_SEQPACKET));
}

/* As many as a message takes; one of musl 1.2.3 takes one less. */
enum {
#ifdef __GLIBC__
	MANY = 253,
#else
	MANY = 252,
#endif
};

static void *pass_many(void *unused)
{
	int fds[MANY], got[MANY], sockets[2], before = open_count();
	size_t count = MANY;
	char c;

	(void)unused;
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	for (int i = 0; i < MANY; i++)
		fds[i] = sockets[i % 2];
	MUST(go_send_fds(sockets[0], "m", 1, fds, MANY) == 1);
	MUST(go_recv_fds(sockets[1], &c, 1, got, &count) == 1);
	MUST(count == MANY);
	for (int i = 0; i < MANY; i++)
		MUST(go_close(got[i]) == 0);
	close_both(sockets);
	MUST(open_count() == before);
	return NULL;
}

Test(passing, as_many_as_possible, .timeout = 20)
{
	run_both(pass_many, NULL);
}

/* No room in the process: an error, nothing leaks, and the socket lives on. */
static void *no_room(void *unused)
{
	MAKE(struct passing, p, .count = 3);
	struct rlimit old, few;
	int pipes[2], before = open_count(), gap;

	(void)unused;
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, p.sockets) == 0);
	MUST(go_pipe(pipes) == 0);
	MUST(go_send_fds(p.sockets[0], "a", 1, pipes, 2) == 1);
	gap = dup(0);
	MUST(gap >= 0 && close(gap) == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &old) == 0);
	few = old;
	few.rlim_cur = (rlim_t)gap + 1; /* One of the two. */
	MUST(setrlimit(RLIMIT_NOFILE, &few) == 0);
	receive(&p);
	MUST(setrlimit(RLIMIT_NOFILE, &old) == 0);
	MUST(p.n == -EMFILE && p.count == 0);
	p.count = 3;
	MUST(go_send_fds(p.sockets[0], "b", 1, pipes, 1) == 1);
	receive(&p);
	MUST(p.n == 1 && p.data[0] == 'b' && p.count == 1);
	MUST(go_close(p.fds[0]) == 0);
	close_both(pipes);
	close_both(p.sockets);
	MUST(open_count() == before);
	return NULL;
}

Test(passing, no_room, .timeout = 20)
{
	if (go__sanitize_on_valgrind())
		cr_skip_test("valgrind keeps the limit of descriptors itself");
	run_in(GO_CURRENT_THREAD, 0, no_room, NULL);
}

/*
 * A number that was ours, and was closed behind our back, comes again in a
 * message: the table must not take it for the old file.
 */
static void *a_number_again(void *whole)
{
	MAKE(struct passing, p, .count = 3);
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec v = {&c, 1};
	MAKE(struct mmsghdr, mm, .msg_hdr.msg_iov = &v, .msg_hdr.msg_iovlen = 1,
	     .msg_hdr.msg_control = control,
	     .msg_hdr.msg_controllen = sizeof(control));
	int pipes[2], old, got;

	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, p.sockets) == 0);
	MUST(pipe(pipes) == 0);
	old = go_socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(old >= 0 && test_fd_is_own(old));
	MUST(close(old) == 0);
	MUST(go_send_fds(p.sockets[0], "a", 1, pipes, 1) == 1);
	if (whole)
		MUST(go_recvmmsg(p.sockets[1], &mm, 1, 0) == 1);
	else
		MUST(go_recvmsg(p.sockets[1], &mm.msg_hdr, 0) == 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&mm.msg_hdr)), sizeof(got));
	MUST(got == old && !test_fd_is_own(got));
	MUST(fcntl(got, F_GETFD) & FD_CLOEXEC);
	MUST(go_write(pipes[1], "x", 1) == 1);
	MUST(go_read(got, &c, 1) == 1 && c == 'x');
	MUST(go_close(got) == 0);
	close_both(pipes);
	close_both(p.sockets);
	return NULL;
}

Test(passing, a_number_again, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, a_number_again, NULL);
	run_in(GO_CURRENT_THREAD, 0, a_number_again, (void *)"recvmmsg");
}
