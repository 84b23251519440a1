/* SPDX-License-Identifier: MIT */
/*
 * go_close() against calls that wait, and calls under way.
 *
 * Whoever waits for a descriptor is evicted, in tasks and in threads, and no
 * call that began before the close reaches the file that gets the number next.
 */
#include "support_io.h"

#include <poll.h>

/* ---- eviction ---- */

static void *do_read(void *arg)
{
	char c;

	return (void *)go_read(*(int *)arg, &c, 1);
}

static void *do_recv(void *arg)
{
	char c;

	return (void *)go_recv(*(int *)arg, &c, 1, 0);
}

static void *do_write(void *arg)
{
	static char data[1 << 20];
	int r;

	/* Buffers may grow meanwhile. */
	do
		r = go_write_all(*(int *)arg, data, sizeof(data), NULL);
	while (r == 0);
	return (void *)(intptr_t)r;
}

static void *do_accept(void *arg)
{
	return (void *)(intptr_t)go_accept(*(int *)arg, NULL, NULL);
}

static void *do_poll(void *arg)
{
	MAKE(struct pollfd, p, .fd = *(int *)arg, .events = POLLIN);
	int r = go_poll(&p, 1, -1);

	if (r != 1 || p.revents != POLLNVAL)
		return (void *)(intptr_t)-1;
	return (void *)(intptr_t)-EBADF;
}

enum {
	EACH = 3,
};

/* Close fd under several waiters of one kind. */
static void *evict(void *in_thread, int fd, go_fn *waiter)
{
	struct peer peers[EACH];

	for (int i = 0; i < EACH; i++)
		peer_start(&peers[i], in_thread != NULL, waiter, &fd);
	await_waiting(fd, EACH);
	MUST(go_close(fd) == 0);
	for (int i = 0; i < EACH; i++)
		MUST((intptr_t)peer_finish(&peers[i]) == -EBADF);
	MUST(test_fd_waiting(fd) == 0);
	MUST(fcntl(fd, F_GETFD) == -1);
	MUST(go_close(fd) == -EBADF);
	MUST((intptr_t)waiter(&fd) == -EBADF);
	return NULL;
}

static void *evict_all_kinds(void *in_thread)
{
	struct sockaddr_in a;
	void *wrong;
	int fds[2];

	MUST(go_pipe(fds) == 0);
	wrong = evict(in_thread, fds[0], do_read);
	MUST(go_close(fds[1]) == 0);
	if (wrong)
		return wrong;
	MUST(go_pipe(fds) == 0);
	wrong = evict(in_thread, fds[1], do_write);
	MUST(go_close(fds[0]) == 0);
	if (wrong)
		return wrong;
	tcp_pair(fds);
	wrong = evict(in_thread, fds[0], do_recv);
	MUST(go_close(fds[1]) == 0);
	if (wrong)
		return wrong;
	MUST(go_pipe(fds) == 0);
	wrong = evict(in_thread, fds[0], do_poll);
	MUST(go_close(fds[1]) == 0);
	if (wrong)
		return wrong;
	return evict(in_thread, listener_at(&a), do_accept);
}

Test(close, evicts_waiters, .timeout = 30)
{
	run_sides(evict_all_kinds);
}

/* Tasks and threads, readers and writers and pollers, all at once. */
static void *evict_a_mixture(void *unused)
{
	go_fn *const kinds[] = {do_read, do_write, do_poll};
	struct peer peers[12];
	int fds[2];

	(void)unused;
	tcp_pair(fds);
	for (int i = 0; i < 12; i++)
		peer_start(&peers[i], i % 2, kinds[i % 3], &fds[0]);
	await_waiting(fds[0], 12);
	MUST(go_close(fds[0]) == 0);
	for (int i = 0; i < 12; i++)
		MUST((intptr_t)peer_finish(&peers[i]) == -EBADF);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(close, evicts_a_mixture, .timeout = 30)
{
	run_everywhere(evict_a_mixture, NULL);
}

/* ---- calls under way ---- */

static void *in_flight(void *unused)
{
	char c;
	int fds[2];

	(void)unused;
	MUST(go_pipe(fds) == 0);
	/* A call that is between its system calls. */
	MUST(test_fd_enter(fds[0]) == 0);
	MUST(go_close(fds[0]) == 0);
	MUST(fcntl(fds[0], F_GETFD) >= 0);
	MUST(go_read(fds[0], &c, 1) == -EBADF);
	MUST(go_close(fds[0]) == -EBADF);
	MUST(test_fd_leave(fds[0]) == 0);
	MUST(fcntl(fds[0], F_GETFD) == -1);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(close, waits_for_calls_in_flight, .timeout = 20)
{
	run_both(in_flight, NULL);
}

static void *close_when_told(void *arg)
{
	int *fds = (int *)arg;
	char c;

	/* Cancelled while it waits here; then it cleans up. */
	INSIST(go_read(fds[0], &c, 1) == -ECANCELED);
	INSIST(go_read(fds[0], &c, 1) == -ECANCELED);
	return (void *)(intptr_t)(go_close(fds[0]) + go_close(fds[1]));
}

static void *deaf(void *unused)
{
	struct peer peer;
	int fds[2];

	(void)unused;
	MUST(go_pipe(fds) == 0);
	peer_start(&peer, false, close_when_told, fds);
	await_waiting(fds[0], 1);
	MUST(go_task_cancel(peer.task) == 0);
	MUST((intptr_t)peer_finish(&peer) == 0);
	return NULL;
}

Test(close, is_deaf_to_cancellation, .timeout = 20)
{
	run_everywhere(deaf, NULL);
}

/*
 * An open file that somebody else holds too goes on existing after the close,
 * and must not be reported any more.
 */
static void *inherited(void *unused)
{
	struct peer peer;
	int fds[2], copy, again;

	(void)unused;
	MUST(go_pipe(fds) == 0);
	copy = dup(fds[0]);
	peer_start(&peer, false, do_read, &fds[0]);
	await_waiting(fds[0], 1);
	MUST(go_close(fds[0]) == 0);
	MUST((intptr_t)peer_finish(&peer) == -EBADF);
	/* The same number for another file; the old one has an edge. */
	again = go_socket(AF_INET, SOCK_STREAM, 0);
	MUST(again >= 0);
	MUST(go_write(fds[1], "x", 1) == 1);
	MUST(go_write(fds[1], "x", 1) == 1);
	MUST(close(copy) == 0);
	MUST(go_close(again) == 0);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(close, inherited_files, .timeout = 20)
{
	run_everywhere(inherited, NULL);
}

/* ---- reuse ---- */

enum {
	STORMERS = 6,
	FULL = 70000, /* More than a pipe holds. */
};

struct victim {
	int fd;
	uint32_t tag;
	ssize_t result;
	uint32_t got;
};

/* One call, begun before the number is closed. */
static void *read_tag(void *arg)
{
	struct victim *v = (struct victim *)arg;

	v->result = go_read(v->fd, &v->got, sizeof(v->got));
	return NULL;
}

static void *write_tags(void *arg)
{
	struct victim *v = (struct victim *)arg;
	uint32_t *data = (uint32_t *)malloc(FULL);

	INSIST(data);
	for (int i = 0; i < FULL / 4; i++)
		data[i] = v->tag;
	v->result = go_write(v->fd, data, FULL);
	if (v->result > 0) /* Full now: this one waits. */
		v->result = go_write(v->fd, data, FULL);
	free(data);
	return NULL;
}

/* A waiting reader, perhaps its tag, and the end of its descriptor. */
static void *storm_reader(uint32_t tag)
{
	MAKE(struct victim, v, .tag = tag);
	struct peer peer;
	int fds[2];

	MUST(go_pipe(fds) == 0);
	v.fd = fds[0];
	peer_start(&peer, test_random(4) == 0, read_tag, &v);
	await_waiting(fds[0], 1);
	if (test_random(2))
		MUST(go_write(fds[1], &tag, sizeof(tag)) == sizeof(tag));
	MUST(go_close(fds[0]) == 0);
	MUST(go_close(fds[1]) == 0);
	peer_finish(&peer);
	MUST(v.result == -EBADF || (v.result == 4 && v.got == tag));
	return NULL;
}

/* A waiting writer whose descriptor is closed: all that arrives is its. */
static void *storm_writer(uint32_t tag)
{
	MAKE(struct victim, v, .tag = tag);
	uint32_t data[256];
	struct peer peer;
	ssize_t n;
	int fds[2];

	MUST(go_pipe(fds) == 0);
	v.fd = fds[1];
	peer_start(&peer, test_random(4) == 0, write_tags, &v);
	await_waiting(fds[1], 1);
	if (test_random(2))
		MUST(go_read_full(fds[0], data, sizeof(data), NULL) == 0);
	MUST(go_close(fds[1]) == 0);
	do {
		size_t done;

		n = go_read_full(fds[0], data, sizeof(data), &done);
		for (size_t i = 0; i < done / 4; i++)
			MUST(data[i] == tag);
	} while (n == 0);
	MUST(n == -ENODATA);
	peer_finish(&peer);
	MUST(v.result == -EBADF || v.result > 0);
	MUST(go_close(fds[0]) == 0);
	return NULL;
}

static void *storm(void *arg)
{
	uint32_t tag = (uint32_t)(uintptr_t)arg << 24;
	void *wrong = NULL;

	for (uint64_t i = 0; i < test_rounds(300) && !wrong; i++)
		wrong = test_random(2) ? storm_reader(tag + (uint32_t)i)
				       : storm_writer(tag + (uint32_t)i);
	return wrong;
}

static void *reuse_storm(void *unused)
{
	struct peer peers[STORMERS];

	(void)unused;
	for (int i = 0; i < STORMERS; i++)
		peer_start(&peers[i], false, storm, (void *)(intptr_t)(i + 1));
	for (int i = 0; i < STORMERS; i++) {
		void *wrong = peer_finish(&peers[i]);

		if (wrong)
			return wrong;
	}
	return NULL;
}

Test(close, reuse_storm, .timeout = 120)
{
	run_everywhere(reuse_storm, NULL);
}

#ifdef GO_TEST_HOOKS
#include "io/fdtable.h"

/* ---- one call from the first byte to the last ---- */

static int in_small_pieces(enum go__sys_call call)
{
	/* A foreign pipe is then written PIPE_BUF bytes at a time. */
	return call == GO__SYS_pwritev2 ? -ENOSYS : 0;
}

static void *write_all_of_it(void *arg)
{
	static char data[1 << 20];

	return GO_INT(go_write_all(*(int *)arg, data, sizeof(data), NULL));
}

/*
 * A write of many pieces lets others run now and then, and keeps the number
 * all the same: or else it could be closed, and another file get the rest.
 */
static void *keeps_its_number(void *unused)
{
	unsigned seen = 0;
	struct peer peer;
	struct go__fd *e;
	int fds[2];

	(void)unused;
	MUST(pipe(fds) == 0);
	if (fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) < 0)
		return NULL; /* The user's share of pipes is used up. */
	MUST(go__fd_enter(fds[1], &e) == 0 && go__fd_leave(e) == 0);
	atomic_store(&go__sys_hook, in_small_pieces);
	peer_start(&peer, false, write_all_of_it, &fds[1]);
	while (!atomic_load(&peer.done)) {
		go_yield();
		if (atomic_load(&peer.done))
			break;
		MUST(atomic_load(&e->use.word) == 1);
		seen++;
	}
	(void)test_fail_stop();
	MUST(GO_TO_INT(peer_finish(&peer)) == 0);
	MUST(seen > 0);
	close_both(fds);
	return NULL;
}

Test(close, a_long_write_keeps_its_number, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, keeps_its_number, NULL);
}
#endif
