/* SPDX-License-Identifier: MIT */
/*
 * The ways in which an edge-triggered poller loses wake-ups: what comes behind
 * a short read, what one edge stands for, who is woken by it.
 *
 * Each case is run with the other side in a task and in a plain thread, under
 * every kind of runtime.  What is lost shows as a hang, that is, a time-out.
 */
#include "support_io.h"
#include "io/watch.h"

#include <poll.h>

/* ---- behind a short read ---- */

struct reader {
	int fd;
	size_t total;
	ssize_t last;
};

/* Read with a buffer that is larger than anything sent, until the end. */
static void *read_to_end(void *arg)
{
	struct reader *r = (struct reader *)arg;
	char buffer[4096];

	do {
		r->last = go_read(r->fd, buffer, sizeof(buffer));
		r->total += r->last > 0 ? (size_t)r->last : 0;
	} while (r->last > 0);
	return NULL;
}

static void *end_behind_data(void *in_thread)
{
	for (uint64_t i = 0; i < test_rounds(50); i++) {
		struct reader r = ALL_ZERO;
		struct peer peer;
		int fds[2];

		tcp_pair(fds);
		r.fd = fds[1];
		peer_start(&peer, in_thread != NULL, read_to_end, &r);
		if (i % 2)
			await_waiting(fds[1], 1);
		MUST(go_write(fds[0], "last words", 10) == 10);
		MUST(go_close(fds[0]) == 0);
		peer_finish(&peer);
		MUST(r.total == 10 && r.last == 0);
		MUST(go_close(fds[1]) == 0);
	}
	return NULL;
}

Test(edges, end_behind_data, .timeout = 60)
{
	run_sides(end_behind_data);
}

static void *half_close(void *in_thread)
{
	struct reader r = ALL_ZERO;
	struct peer peer;
	char text[8];
	int fds[2];

	tcp_pair(fds);
	r.fd = fds[1];
	peer_start(&peer, in_thread != NULL, read_to_end, &r);
	await_waiting(fds[1], 1);
	MUST(go_write(fds[0], "question", 8) == 8);
	MUST(go_shutdown(fds[0], SHUT_WR) == 0);
	peer_finish(&peer);
	MUST(r.total == 8 && r.last == 0);
	/* The other half goes on. */
	MUST(go_write(fds[1], "answer", 6) == 6);
	MUST(go_read(fds[0], text, sizeof(text)) == 6);
	MUST(go_write(fds[0], "x", 1) == -EPIPE);
	close_both(fds);
	return NULL;
}

Test(edges, half_close, .timeout = 20)
{
	run_sides(half_close);
}

static void *own_shutdown(void *in_thread)
{
	struct reader r = ALL_ZERO;
	struct peer peer;
	int fds[2];

	/* Our own shutdown wakes our own reader. */
	tcp_pair(fds);
	r.fd = fds[1];
	peer_start(&peer, in_thread != NULL, read_to_end, &r);
	await_waiting(fds[1], 1);
	MUST(go_shutdown(fds[1], SHUT_RD) == 0);
	peer_finish(&peer);
	MUST(r.total == 0 && r.last == 0);
	close_both(fds);
	return NULL;
}

Test(edges, own_shutdown, .timeout = 20)
{
	run_sides(own_shutdown);
}

static void *reset(void *in_thread)
{
	struct linger linger = {1, 0};
	struct reader r = ALL_ZERO;
	struct peer peer;
	int fds[2];

	tcp_pair(fds);
	r.fd = fds[1];
	peer_start(&peer, in_thread != NULL, read_to_end, &r);
	await_waiting(fds[1], 1);
	MUST(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger,
			sizeof(linger)) == 0);
	MUST(go_close(fds[0]) == 0);
	peer_finish(&peer);
	MUST(r.last == -ECONNRESET);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(edges, reset, .timeout = 20)
{
	run_sides(reset);
}

/*
 * A read stops before urgent data; what follows is already there, and no edge
 * will tell of it.
 */
static void *urgent_data(void *in_thread)
{
	struct reader r = ALL_ZERO;
	struct peer peer;
	char c;
	int fds[2];

	tcp_pair(fds);
	r.fd = fds[1];
	peer_start(&peer, in_thread != NULL, read_to_end, &r);
	await_waiting(fds[1], 1);
	MUST(go_send(fds[0], "ab!", 3, MSG_OOB) == 3);
	MUST(go_send(fds[0], "cd", 2, 0) == 2);
	MUST(go_shutdown(fds[0], SHUT_WR) == 0);
	peer_finish(&peer);
	MUST(r.total == 4 && r.last == 0);
	/* The reads have passed over it. */
	MUST(go_recv(fds[1], &c, 1, MSG_OOB) == -EINVAL);
	close_both(fds);
	return NULL;
}

Test(edges, urgent_data, .timeout = 20)
{
	run_sides(urgent_data);
}

/* Without an end, which would be an edge by itself, and with counts. */
static void *urgent_data_between(void *unused)
{
	char data[16];
	int fds[2];

	(void)unused;
	tcp_pair(fds);
	MUST(go_write(fds[0], "x", 1) == 1);
	MUST(go_read(fds[1], data, sizeof(data)) == 1);
	for (int i = 0; i < 3; i++) {
		MUST(go_send(fds[0], "ab!", 3, MSG_OOB) == 3);
		MUST(go_write(fds[0], "cd", 2) == 2);
		MUST(go_read(fds[1], data, sizeof(data)) == 2);
		MUST(data[0] == 'a' && data[1] == 'b');
		MUST(go_read(fds[1], data, sizeof(data)) == 2);
		MUST(data[0] == 'c' && data[1] == 'd');
	}
	close_both(fds);
	return NULL;
}

Test(edges, urgent_data_between, .timeout = 20)
{
	run_everywhere(urgent_data_between, NULL);
	run_both(urgent_data_between, NULL);
}

/* The same when the urgent byte has been taken before the reader comes. */
static void *urgent_data_taken(void *unused)
{
	struct reader r = ALL_ZERO;
	MAKE(struct pollfd, p, .events = POLLPRI);
	char c;
	int fds[2];

	(void)unused;
	tcp_pair(fds);
	r.fd = fds[1];
	p.fd = fds[1];
	MUST(go_send(fds[0], "ab!", 3, MSG_OOB) == 3);
	MUST(go_send(fds[0], "cd", 2, 0) == 2);
	MUST(go_poll(&p, 1, -1) == 1);
	MUST(go_recv(fds[1], &c, 1, MSG_OOB) == 1 && c == '!');
	MUST(go_shutdown(fds[0], SHUT_WR) == 0);
	read_to_end(&r);
	MUST(r.total == 4 && r.last == 0);
	close_both(fds);
	return NULL;
}

Test(edges, urgent_data_taken, .timeout = 20)
{
	run_both(urgent_data_taken, NULL);
}

static void *poll_urgent(void *arg)
{
	MAKE(struct pollfd, p, .fd = *(int *)arg, .events = POLLPRI);
	char c;

	MUST(go_poll(&p, 1, -1) == 1);
	MUST(p.revents == POLLPRI);
	MUST(go_recv(p.fd, &c, 1, MSG_OOB) == 1 && c == '!');
	return NULL;
}

/* Ordinary data before it is an edge too, but not what was asked for. */
static void *urgent_data_polled(void *in_thread)
{
	struct peer peer;
	int fds[2];

	tcp_pair(fds);
	peer_start(&peer, in_thread != NULL, poll_urgent, &fds[1]);
	await_waiting(fds[1], 1);
	MUST(go_send(fds[0], "ab", 2, 0) == 2);
	MUST(go_send(fds[0], "!", 1, MSG_OOB) == 1);
	MUST(peer_finish(&peer) == NULL);
	close_both(fds);
	return NULL;
}

Test(edges, urgent_data_polled, .timeout = 20)
{
	run_sides(urgent_data_polled);
}

/* ---- much through little ---- */

enum {
	MUCH = 1000000,
};

static void *write_much(void *arg)
{
	int fd = *(int *)arg;
	uint32_t *data = (uint32_t *)malloc(MUCH);
	size_t done = 0;

	MUST(data);
	for (uint32_t i = 0; i < MUCH / 4; i++)
		data[i] = i * 2654435761U;
	MUST(go_write_all(fd, data, MUCH, &done) == 0 && done == MUCH);
	MUST(go_shutdown(fd, SHUT_WR) == 0);
	free(data);
	return NULL;
}

static void *read_much(void *arg)
{
	int fd = *(int *)arg;
	uint32_t *data = (uint32_t *)malloc(MUCH);

	MUST(data);
	MUST(go_read_full(fd, data, MUCH, NULL) == 0);
	for (uint32_t i = 0; i < MUCH / 4; i++)
		MUST(data[i] == i * 2654435761U);
	MUST(go_read(fd, data, 1) == 0);
	free(data);
	return NULL;
}

/* Both ways at once, through a few kilobytes of room for the writer. */
static void *small_buffers(void *in_thread)
{
	struct peer peers[4];
	int fds[2], bytes = 4096;

	tcp_pair(fds);
	for (int i = 0; i < 2; i++) {
		MUST(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes,
				sizeof(bytes)) == 0);
	}
	for (int i = 0; i < 2; i++) {
		peer_start(&peers[i], in_thread != NULL, write_much, &fds[i]);
		peer_start(&peers[2 + i], false, read_much, &fds[i]);
	}
	for (int i = 0; i < 4; i++)
		MUST(peer_finish(&peers[i]) == NULL);
	close_both(fds);
	return NULL;
}

Test(edges, small_buffers, .timeout = 60)
{
	run_everywhere(small_buffers, NULL);
	run_everywhere(small_buffers, (void *)"writers in threads");
}

/* ---- many waiters ---- */

enum {
	WAITERS = 16,
};

struct crowd {
	int fd;
	ATOMIC(int) accepted;
};

static void *accept_one(void *arg)
{
	struct crowd *c = (struct crowd *)arg;
	int fd = go_accept(c->fd, NULL, NULL);

	MUST(fd >= 0);
	MUST(go_close(fd) == 0);
	atomic_fetch_add(&c->accepted, 1);
	return NULL;
}

/* Connections that arrive in one burst, for as many acceptors. */
static void *many_acceptors(void *in_thread)
{
	struct peer peers[WAITERS];
	struct sockaddr_in a;
	MAKE(struct crowd, c, .fd = listener_at(&a));
	int fds[WAITERS];

	for (int i = 0; i < WAITERS; i++)
		peer_start(&peers[i], in_thread != NULL, accept_one, &c);
	await_waiting(c.fd, WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		fds[i] = go_socket(AF_INET, SOCK_STREAM, 0);
		MUST(go_connect(fds[i], (struct sockaddr *)&a, sizeof(a)) == 0);
	}
	for (int i = 0; i < WAITERS; i++)
		MUST(peer_finish(&peers[i]) == NULL);
	MUST(atomic_load(&c.accepted) == WAITERS);
	for (int i = 0; i < WAITERS; i++)
		MUST(go_close(fds[i]) == 0);
	MUST(go_close(c.fd) == 0);
	return NULL;
}

Test(edges, many_acceptors, .timeout = 30)
{
	run_sides(many_acceptors);
}

static void *read_byte(void *arg)
{
	char c = 0;

	MUST(go_read(*(int *)arg, &c, 1) == 1);
	return (void *)(intptr_t)(c == 'x' ? 0 : 1);
}

/* One edge, with a byte for each of the readers. */
static void *many_readers(void *in_thread)
{
	for (uint64_t round = 0; round < test_rounds(20); round++) {
		struct peer peers[WAITERS];
		char text[WAITERS];
		int fds[2];

		memset(text, 'x', sizeof(text));
		if (round % 2)
			MUST(go_pipe(fds) == 0);
		else
			MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		for (int i = 0; i < WAITERS; i++)
			peer_start(&peers[i], in_thread != NULL && i % 2,
				   read_byte, &fds[0]);
		await_waiting(fds[0], WAITERS);
		MUST(go_write(fds[1], text, WAITERS) == WAITERS);
		for (int i = 0; i < WAITERS; i++)
			MUST(peer_finish(&peers[i]) == NULL);
		close_both(fds);
	}
	return NULL;
}

Test(edges, many_readers, .timeout = 60)
{
	run_everywhere(many_readers, NULL);
	run_everywhere(many_readers, (void *)"half of them in threads");
}

/*
 * The reader that the edge has woken is cancelled before it runs, or does not
 * take all: the others must get their bytes.
 */
static void *cancelled_among_many(void *unused)
{
	(void)unused;
	for (uint64_t round = 0; round < test_rounds(50); round++) {
		struct peer peers[WAITERS];
		char text[WAITERS];
		int fds[2], got = 0, cancelled = 0;

		memset(text, 'x', sizeof(text));
		MUST(go_pipe(fds) == 0);
		for (int i = 0; i < WAITERS; i++)
			peer_start(&peers[i], false, read_byte, &fds[0]);
		await_waiting(fds[0], WAITERS);
		MUST(go_write(fds[1], text, WAITERS / 2) == WAITERS / 2);
		for (int i = 0; i < WAITERS; i += 2)
			(void)go_task_cancel(peers[i].task);
		for (int i = 0; i < WAITERS; i += 2)
			cancelled += peer_finish(&peers[i]) != NULL;
		got = WAITERS / 2 - cancelled;
		/* As many as were not used up by the cancelled ones. */
		MUST(go_write(fds[1], text, (size_t)(got + 1)) == got + 1);
		for (int i = 1; i < WAITERS; i += 2)
			MUST(peer_finish(&peers[i]) == NULL);
		close_both(fds);
	}
	return NULL;
}

Test(edges, cancelled_among_many, .timeout = 60)
{
	run_everywhere(cancelled_among_many, NULL);
}

/* A poll stands in front of readers, and takes nothing from them. */
static void *poll_before_readers(void *unused)
{
	struct peer readers[2], poller;
	int fds[2];

	(void)unused;
	tcp_pair(fds);
	peer_start(&readers[0], false, read_byte, &fds[0]);
	peer_start(&poller, false, poll_urgent, &fds[0]);
	peer_start(&readers[1], false, read_byte, &fds[0]);
	await_waiting(fds[0], 3);
	MUST(go_write(fds[1], "xx", 2) == 2);
	MUST(peer_finish(&readers[0]) == NULL);
	MUST(peer_finish(&readers[1]) == NULL);
	MUST(go_send(fds[1], "!", 1, MSG_OOB) == 1);
	if (!GO__POLLER_TELLS_URGENT)
		MUST(go_write(fds[1], "x", 1) == 1);
	MUST(peer_finish(&poller) == NULL);
	close_both(fds);
	return NULL;
}

Test(edges, poll_before_readers, .timeout = 20)
{
	run_everywhere(poll_before_readers, NULL);
}

/* ---- several runtimes wait for one descriptor ---- */

static void *crowd_main(void *arg)
{
	return accept_one(arg);
}

static void *run_other(void *arg)
{
	void *result = (void *)"not run";

	if (go_run_with(NULL, crowd_main, arg, &result) < 0)
		return (void *)"go_run_with";
	return result;
}

static void *two_runtimes(void *unused)
{
	struct sockaddr_in a;
	MAKE(struct crowd, c, .fd = listener_at(&a));
	struct peer other, own;
	int fds[2];

	(void)unused;
	peer_start(&other, true, run_other, &c);
	peer_start(&own, false, accept_one, &c);
	await_waiting(c.fd, 2);
	for (int i = 0; i < 2; i++) {
		fds[i] = go_socket(AF_INET, SOCK_STREAM, 0);
		MUST(go_connect(fds[i], (struct sockaddr *)&a, sizeof(a)) == 0);
	}
	MUST(peer_finish(&own) == NULL);
	MUST(peer_finish(&other) == NULL);
	close_both(fds);
	/* The other runtime is gone; its poller must not be remembered. */
	peer_start(&own, false, accept_one, &c);
	await_waiting(c.fd, 1);
	fds[0] = go_socket(AF_INET, SOCK_STREAM, 0);
	MUST(go_connect(fds[0], (struct sockaddr *)&a, sizeof(a)) == 0);
	MUST(peer_finish(&own) == NULL);
	MUST(go_close(fds[0]) == 0);
	MUST(go_close(c.fd) == 0);
	return NULL;
}

Test(edges, two_runtimes, .timeout = 30)
{
	run_everywhere(two_runtimes, NULL);
}
