/* SPDX-License-Identifier: MIT */
/*
 * Datagrams, over UDP and over Unix sockets: each arrives whole, from whom it
 * was sent, one at a time and many at once.
 */
#include "support_io.h"

#include <sys/un.h>

enum {
	MANY = 20,
};

static int bound(struct sockaddr_in *a)
{
	socklen_t length = sizeof(*a);
	int fd = go_socket(AF_INET, SOCK_DGRAM, 0);

	INSIST(fd >= 0);
	memset(a, 0, sizeof(*a));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	INSIST(go_bind(fd, (struct sockaddr *)a, sizeof(*a)) == 0);
	INSIST(getsockname(fd, (struct sockaddr *)a, &length) == 0);
	return fd;
}

/* Answers whoever asks, until an empty question. */
static void *answer(void *arg)
{
	int fd = *(int *)arg;
	struct sockaddr_in from;
	char data[64];
	ssize_t n;

	do {
		socklen_t length = sizeof(from);

		n = go_recvfrom(fd, data, sizeof(data), 0,
				(struct sockaddr *)&from, &length);
		if (n > 0)
			n = go_sendto(fd, data, (size_t)n, 0,
				      (struct sockaddr *)&from, length);
	} while (n > 0);
	return (void *)n;
}

static void *questions(void *in_thread)
{
	struct sockaddr_in server, client, from;
	int fd = bound(&server), ask = bound(&client);
	socklen_t length = sizeof(from);
	struct peer peer;
	char data[64] = "";

	peer_start(&peer, in_thread != NULL, answer, &fd);
	for (int i = 1; i <= MANY; i++) {
		MUST(go_sendto(ask, "0123456789012345678901", (size_t)i, 0,
			       (struct sockaddr *)&server,
			       sizeof(server)) == i);
		MUST(go_recvfrom(ask, data, sizeof(data), 0,
				 (struct sockaddr *)&from, &length) == i);
		MUST(from.sin_port == server.sin_port);
	}
	/* Connected, it needs no address; what does not fit is cut off. */
	MUST(go_connect(ask, (struct sockaddr *)&server, sizeof(server)) == 0);
	MUST(go_send(ask, "longer", 6, 0) == 6);
	MUST(go_recv(ask, data, 3, MSG_TRUNC) == 6);
	MUST(go_send(ask, "", 0, 0) == 0);
	MUST((intptr_t)peer_finish(&peer) == 0);
	MUST(go_close(fd) == 0);
	/* Nobody is there any more. */
	MUST(go_send(ask, "x", 1, 0) == 1);
	MUST(go_recv(ask, data, 1, 0) == -ECONNREFUSED);
	MUST(go_close(ask) == 0);
	return NULL;
}

Test(datagrams, questions_and_answers, .timeout = 20)
{
	run_everywhere(questions, NULL);
	run_both(questions, (void *)"in a thread");
}

/* ---- many at once ---- */

struct batch {
	struct mmsghdr m[MANY];
	struct iovec v[MANY];
	uint32_t number[MANY];
};

static void make_batch(struct batch *b, uint32_t first)
{
	memset(b, 0, sizeof(*b));
	for (uint32_t i = 0; i < MANY; i++) {
		b->number[i] = first + i;
		ASSIGN(struct iovec, b->v[i],
		       {&b->number[i], sizeof(uint32_t)});
		b->m[i].msg_hdr.msg_iov = &b->v[i];
		b->m[i].msg_hdr.msg_iovlen = 1;
	}
}

struct receiver {
	int fd;
	uint32_t want;
};

/* Numbers come in order: these are Unix sockets. */
static void *receive_all(void *arg)
{
	struct receiver *r = (struct receiver *)arg;
	uint32_t have = 0;
	struct batch b;

	while (have < r->want) {
		int n;

		make_batch(&b, 0);
		n = go_recvmmsg(r->fd, b.m, MANY, 0);
		MUST(n > 0 && n <= MANY);
		for (int i = 0; i < n; i++) {
			MUST(b.m[i].msg_len == sizeof(uint32_t));
			MUST(b.number[i] == have++);
		}
	}
	return NULL;
}

static void *many_at_once(void *in_thread)
{
	MAKE(struct receiver, r, .want = 50 * MANY);
	uint32_t sent = 0;
	struct batch b;
	struct peer peer;
	int fds[2];
	void *wrong;

	MUST(go_socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
	r.fd = fds[1];
	peer_start(&peer, in_thread != NULL, receive_all, &r);
	await_waiting(fds[1], 1);
	while (sent < r.want) {
		uint32_t most = r.want - sent, many = MANY;
		int n;

		most = most < many ? most : many;
		make_batch(&b, sent);
		n = go_sendmmsg(fds[0], b.m, most, 0);
		MUST(n > 0 && n <= MANY);
		sent += (uint32_t)n;
	}
	wrong = peer_finish(&peer);
	if (wrong)
		return wrong;
	MUST(go_recvmmsg(fds[1], b.m, MANY, MSG_DONTWAIT) == -EAGAIN);
	MUST(go_recvmmsg(fds[1], b.m, 0, 0) == 0);
	MUST(go_sendmmsg(fds[0], b.m, 0, 0) == 0);
	MUST(go_recvmmsg(fds[1], b.m, 1, MSG_WAITALL) == -EOPNOTSUPP);
	MUST(go_recvmmsg(-1, b.m, 1, 0) == -EBADF);
	MUST(go_sendmmsg(-1, b.m, 1, 0) == -EBADF);
	/* Full, and it says so if it is not to wait. */
	make_batch(&b, 0);
	while (go_sendmmsg(fds[0], b.m, MANY, MSG_DONTWAIT) > 0)
		;
	MUST(go_sendmmsg(fds[0], b.m, MANY, MSG_DONTWAIT) == -EAGAIN);
	MUST(go_close(fds[1]) == 0);
	MUST(go_sendmmsg(fds[0], b.m, MANY, 0) == -ECONNREFUSED);
	MUST(go_close(fds[0]) == 0);
	return NULL;
}

Test(datagrams, many_at_once, .timeout = 20)
{
	run_everywhere(many_at_once, NULL);
	run_both(many_at_once, (void *)"in a thread");
}

/* ---- one port, several listeners ---- */

struct acceptor {
	int fd;
	ATOMIC(unsigned) * left;
	unsigned got;
};

static void *accept_some(void *arg)
{
	struct acceptor *a = (struct acceptor *)arg;
	int fd;

	while ((fd = go_accept(a->fd, NULL, NULL)) >= 0) {
		a->got++;
		atomic_fetch_sub(a->left, 1);
		INSIST(go_close(fd) == 0);
	}
	return GO_INT(fd);
}

/* SO_REUSEPORT: the kernel spreads the connections over the listeners. */
static void *shared_port(void *unused)
{
	MAKE(struct sockaddr_in, a, .sin_family = AF_INET);
	socklen_t length = sizeof(a);
	ATOMIC(unsigned) left = 40;
	struct acceptor s[3];
	struct peer peers[3];
	unsigned sum = 0;
	int on = 1;

	(void)unused;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 3; i++) {
		ASSIGN(struct acceptor, s[i], {-1, &left, 0});
		s[i].fd = go_socket(AF_INET, SOCK_STREAM, 0);
		MUST(s[i].fd >= 0);
		MUST(setsockopt(s[i].fd, SOL_SOCKET, SO_REUSEPORT, &on,
				sizeof(on)) == 0);
		MUST(go_bind(s[i].fd, (struct sockaddr *)&a, length) == 0);
		MUST(go_listen(s[i].fd, 64) == 0);
		MUST(getsockname(s[i].fd, (struct sockaddr *)&a, &length) == 0);
		peer_start(&peers[i], false, accept_some, &s[i]);
	}
	for (int i = 0; i < 40; i++) {
		int fd = go_socket(AF_INET, SOCK_STREAM, 0);

		MUST(go_connect(fd, (struct sockaddr *)&a, length) == 0);
		MUST(go_close(fd) == 0);
	}
	while (atomic_load(&left) > 0)
		go_sleep(SOON);
	for (int i = 0; i < 3; i++) {
		MUST(go_close(s[i].fd) == 0);
		MUST(GO_TO_INT(peer_finish(&peers[i])) == -EBADF);
		sum += s[i].got;
	}
	MUST(sum == 40);
	return NULL;
}

Test(datagrams, listeners_share_a_port, .timeout = 20)
{
	run_everywhere(shared_port, NULL);
}
