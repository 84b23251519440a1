/* SPDX-License-Identifier: MIT */
/*
 * go_close() against each call that can wait, in tasks and in threads, on own
 * and on foreign descriptors: it ends with -EBADF, and neither reads from nor
 * writes to the file that gets the number next.
 */
#include "support_io.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

enum fixture {
	EMPTY_STREAM,
	EMPTY_DATAGRAMS,
	FULL_STREAM,
	FULL_DATAGRAMS,
	LISTENER,
	FULL_BACKLOG,
};

struct call {
	const char *name;
	enum fixture fixture;
	int64_t (*fn)(int fd);
	bool own; /* Foreign ones do not wait. */
};

static char data[200000];

/* ---- calls that read ---- */

static int64_t call_read(int fd)
{
	return go_read(fd, data, 1);
}

static int64_t call_readv(int fd)
{
	struct iovec v[2] = {{data, 1}, {data + 1, 1}};

	return go_readv(fd, v, 2);
}

static int64_t call_read_full(int fd)
{
	return go_read_full(fd, data, 10, NULL);
}

static int64_t call_recv(int fd)
{
	return go_recv(fd, data, 1, 0);
}

static int64_t call_recvfrom(int fd)
{
	struct sockaddr_storage a;
	socklen_t length = sizeof(a);

	return go_recvfrom(fd, data, 1, 0, (struct sockaddr *)&a, &length);
}

static int64_t call_recvmsg(int fd)
{
	struct iovec v = {data, 1};
	MAKE(struct msghdr, m, .msg_iov = &v, .msg_iovlen = 1);

	return go_recvmsg(fd, &m, 0);
}

static int64_t call_recvmmsg(int fd)
{
	struct iovec v = {data, 1};
	MAKE(struct mmsghdr, m, .msg_hdr.msg_iov = &v, .msg_hdr.msg_iovlen = 1);

	return go_recvmmsg(fd, &m, 1, 0);
}

static int64_t call_recv_fds(int fd)
{
	size_t count = 1;
	int got;

	return go_recv_fds(fd, data, 1, &got, &count);
}

static int64_t call_copy_from(int fd)
{
	int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int64_t r = go_copy(fd, sink, -1, NULL);

	INSIST(sink >= 0 && close(sink) == 0);
	return r;
}

static int64_t poll_for(int fd, short events)
{
	MAKE(struct pollfd, p, .fd = fd, .events = events);
	int r = go_poll(&p, 1, -1);

	return r == 1 && p.revents == POLLNVAL ? -EBADF : r;
}

static int64_t call_poll_in(int fd)
{
	return poll_for(fd, POLLIN);
}

static int64_t call_select_readable(int fd)
{
	go_case k[] = {GO_AT(GO_NEVER), GO_READABLE(fd)};

	return go_select(k, 2) == 1 ? k[1].result : -EIO;
}

static int64_t call_accept(int fd)
{
	return go_accept(fd, NULL, NULL);
}

/* ---- calls that write ---- */

static int64_t call_write(int fd)
{
	return go_write(fd, data, sizeof(data));
}

static int64_t call_writev(int fd)
{
	struct iovec v[2] = {{data, 1}, {data + 1, 1}};

	return go_writev(fd, v, 2);
}

static int64_t call_write_all(int fd)
{
	return go_write_all(fd, data, sizeof(data), NULL);
}

static int64_t call_send(int fd)
{
	return go_send(fd, data, 100, 0);
}

static int64_t call_sendto(int fd)
{
	return go_sendto(fd, data, 100, 0, NULL, 0);
}

static int64_t call_sendmsg(int fd)
{
	struct iovec v = {data, 100};
	MAKE(struct msghdr, m, .msg_iov = &v, .msg_iovlen = 1);

	return go_sendmsg(fd, &m, 0);
}

static int64_t call_sendmmsg(int fd)
{
	struct iovec v = {data, 100};
	MAKE(struct mmsghdr, m, .msg_hdr.msg_iov = &v, .msg_hdr.msg_iovlen = 1);

	return go_sendmmsg(fd, &m, 1, 0);
}

static int64_t call_send_fds(int fd)
{
	return go_send_fds(fd, data, 1, &fd, 1);
}

static int64_t call_copy_to(int fd)
{
	int source = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int64_t r = go_copy(source, fd, -1, NULL);

	INSIST(source >= 0 && close(source) == 0);
	return r;
}

static int64_t call_poll_out(int fd)
{
	return poll_for(fd, POLLOUT);
}

static int64_t call_select_writable(int fd)
{
	go_case k[] = {GO_AT(GO_NEVER), GO_WRITABLE(fd)};

	return go_select(k, 2) == 1 ? k[1].result : -EIO;
}

static struct sockaddr_un busy; /* A listener's with a full backlog. */
static socklen_t busy_length;

static int64_t call_connect(int fd)
{
	return go_connect(fd, (struct sockaddr *)&busy, busy_length);
}

static const struct call calls[] = {
	{"read", EMPTY_STREAM, call_read, false},
	{"readv", EMPTY_STREAM, call_readv, false},
	{"read_full", EMPTY_STREAM, call_read_full, false},
	{"recv", EMPTY_STREAM, call_recv, false},
	{"recvmsg", EMPTY_STREAM, call_recvmsg, false},
	{"recv_fds", EMPTY_STREAM, call_recv_fds, false},
	{"copy from", EMPTY_STREAM, call_copy_from, false},
	{"poll in", EMPTY_STREAM, call_poll_in, false},
	{"select readable", EMPTY_STREAM, call_select_readable, false},
	{"recvfrom", EMPTY_DATAGRAMS, call_recvfrom, false},
	{"recvmsg", EMPTY_DATAGRAMS, call_recvmsg, false},
	{"recvmmsg", EMPTY_DATAGRAMS, call_recvmmsg, false},
	{"write", FULL_STREAM, call_write, false},
	{"writev", FULL_STREAM, call_writev, false},
	{"write_all", FULL_STREAM, call_write_all, false},
	{"send", FULL_STREAM, call_send, false},
	{"sendmsg", FULL_STREAM, call_sendmsg, false},
	{"send_fds", FULL_STREAM, call_send_fds, false},
	{"copy to", FULL_STREAM, call_copy_to, false},
	{"poll out", FULL_STREAM, call_poll_out, false},
	{"select writable", FULL_STREAM, call_select_writable, false},
	{"sendto", FULL_DATAGRAMS, call_sendto, false},
	{"sendmmsg", FULL_DATAGRAMS, call_sendmmsg, false},
	{"accept", LISTENER, call_accept, false},
	{"poll a listener", LISTENER, call_poll_in, false},
	{"select a listener", LISTENER, call_select_readable, false},
	{"connect", FULL_BACKLOG, call_connect, true},
};

/* ---- what they wait for ---- */

static void make_pair(int type, bool own, int fds[2])
{
	if (own)
		INSIST(go_socketpair(AF_UNIX, type, 0, fds) == 0);
	else
		INSIST(socketpair(AF_UNIX, type, 0, fds) == 0);
}

static void fill(int fd)
{
	while (send(fd, data, 100, MSG_DONTWAIT) > 0)
		;
	INSIST(errno == EAGAIN);
}

/* Listens, and has all the clients that it can hold. */
static void make_busy(int fds[2])
{
	int client, r;

	memset(&busy, 0, sizeof(busy));
	busy.sun_family = AF_UNIX;
	busy_length = sizeof(busy);
	fds[1] = go_socket(AF_UNIX, SOCK_STREAM, 0);
	/* The kernel chooses an abstract name. */
	INSIST(go_bind(fds[1], (struct sockaddr *)&busy, sizeof(sa_family_t)) ==
	       0);
	INSIST(getsockname(fds[1], (struct sockaddr *)&busy, &busy_length) ==
	       0);
	INSIST(go_listen(fds[1], 0) == 0);
	do {
		client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		r = connect(client, (struct sockaddr *)&busy, busy_length);
		INSIST(close(client) == 0);
	} while (r == 0);
	fds[0] = go_socket(AF_UNIX, SOCK_STREAM, 0);
}

/* fds[0] is to be waited for; fds[1] may be -1. */
static void make_fixture(enum fixture f, bool own, int fds[2])
{
	struct sockaddr_in a;

	fds[0] = fds[1] = -1;
	switch (f) {
	case EMPTY_STREAM:
		make_pair(SOCK_STREAM, own, fds);
		break;
	case EMPTY_DATAGRAMS:
		make_pair(SOCK_DGRAM, own, fds);
		break;
	case FULL_STREAM:
		make_pair(SOCK_STREAM, own, fds);
		fill(fds[0]);
		break;
	case FULL_DATAGRAMS:
		make_pair(SOCK_DGRAM, own, fds);
		fill(fds[0]);
		break;
	case LISTENER:
		fds[0] = own ? listener_at(&a) : test_listen(&a);
		break;
	case FULL_BACKLOG:
		make_busy(fds);
	}
	INSIST(fds[0] >= 0);
}

/* ---- closing ---- */

enum {
	EACH = 2,
};

static struct {
	const struct call *call;
	bool own, in_thread;
} now;

static void *call_it(void *fd)
{
	return GO_INT(now.call->fn(*(int *)fd));
}

static bool is_quiet(int fd)
{
	MAKE(struct pollfd, p, .fd = fd, .events = POLLIN);

	return go_poll(&p, 1, 0) == 0;
}

static void *evict(void *unused)
{
	struct peer peers[EACH];
	int fds[2], next[2], results[EACH];

	(void)unused;
	make_fixture(now.call->fixture, now.own, fds);
	for (int i = 0; i < EACH; i++)
		peer_start(&peers[i], now.in_thread, call_it, &fds[0]);
	await_waiting(fds[0], EACH);
	MUST(go_close(fds[0]) == 0);
	/* One of these has the number now, or another one soon. */
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, next) == 0);
	for (int i = 0; i < EACH; i++)
		results[i] = GO_TO_INT(peer_finish(&peers[i]));
	for (int i = 0; i < EACH; i++)
		MUST(results[i] == -EBADF);
	MUST(is_quiet(next[0]) && is_quiet(next[1]));
	close_both(next);
	MUST(fds[1] < 0 || go_close(fds[1]) == 0);
	return NULL;
}

static void evict_all(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		now.call = &calls[i];
		if (now.call->own && !now.own)
			continue;
		printf("[----] %s%s%s\n", now.call->name,
		       now.own ? "" : ", foreign",
		       now.in_thread ? ", in threads" : "");
		fflush(stdout);
		run_everywhere(evict, NULL);
		if (now.in_thread)
			cr_assert_null(evict(NULL));
	}
}

Test(close_calls, own, .timeout = 60)
{
	now.own = true;
	evict_all();
	now.in_thread = true;
	evict_all();
}

Test(close_calls, foreign, .timeout = 60)
{
	evict_all();
	now.in_thread = true;
	evict_all();
}
