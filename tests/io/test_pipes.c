/* SPDX-License-Identifier: MIT */
/*
 * The end of a pipe that nobody reads any more, told to who waits at its way
 * in: for room, or for nothing but that; while it is being registered, too.
 */
#include "support_io.h"
#include "poller.h"

#include <poll.h>

/* What a peer waits for, and what has become of it. */
struct wait {
	int fd;
	short events;
	int result;
	short told;
};

static void *poll_it(void *arg)
{
	struct wait *w = (struct wait *)arg;
	MAKE(struct pollfd, p, .fd = w->fd, .events = w->events);

	w->result = go_poll(&p, 1, -1);
	w->told = p.revents;
	return NULL;
}

static void *fill_it(void *arg)
{
	static char data[300000];
	struct wait *w = (struct wait *)arg;
	size_t done;

	w->result = go_write_all(w->fd, data, sizeof(data), &done);
	return NULL;
}

/* One of ours, or a foreign one. */
static int open_pipe(bool own, int fds[2])
{
	return own ? go_pipe(fds) : pipe(fds);
}

static void *the_end_alone(void *in_thread)
{
	static const short events[] = {0, POLLIN, POLLPRI, POLLIN | POLLOUT};

	for (int i = 0; i < 8; i++) {
		struct wait fill;
		MAKE(struct wait, end, .events = events[i / 2]);
		struct peer filler, poller;
		int fds[2];

		MUST(open_pipe(i % 2, fds) == 0);
		fill.fd = end.fd = fds[1];
		/* Full, so that nobody is told of room. */
		peer_start(&filler, in_thread != NULL, fill_it, &fill);
		await_waiting(fds[1], 1);
		peer_start(&poller, in_thread != NULL, poll_it, &end);
		await_waiting(fds[1], 2);
		MUST(go_close(fds[0]) == 0);
		peer_finish(&poller);
		peer_finish(&filler);
		MUST(end.result == 1 && (end.told & POLLERR));
		MUST(fill.result == -EPIPE);
		/* And who comes later. */
		MUST(go_write(fds[1], "x", 1) == -EPIPE);
		poll_it(&end);
		MUST(end.result == 1 && (end.told & POLLERR));
		MUST(go_close(fds[1]) == 0);
	}
	return NULL;
}

Test(pipes, the_end_alone, .timeout = 60)
{
	run_sides(the_end_alone);
}

/* Nobody waits for room there: it may not have been registered for that. */
static void *an_empty_one(void *in_thread)
{
	for (int own = 0; own < 2; own++) {
		MAKE(struct wait, end, .events = 0);
		struct peer peer;
		int fds[2];

		MUST(open_pipe(own, fds) == 0);
		end.fd = fds[1];
		peer_start(&peer, in_thread != NULL, poll_it, &end);
		await_waiting(fds[1], 1);
		MUST(go_close(fds[0]) == 0);
		peer_finish(&peer);
		MUST(end.result == 1 && (end.told & POLLERR));
		MUST(go_close(fds[1]) == 0);
	}
	return NULL;
}

Test(pipes, an_empty_one, .timeout = 20)
{
	run_sides(an_empty_one);
}

#ifdef GO_TEST_HOOKS
static ATOMIC(int) to_close;

/* It has been found full, and is not registered yet. */
static int close_meanwhile(enum go__sys_call call)
{
	int fd;

	if (call != POLLER_CHANGE)
		return 0;
	fd = atomic_exchange(&to_close, -1);
	if (fd >= 0)
		close(fd);
	return 0;
}

static void *while_registering(void *unused)
{
	static go_fn *const waits[] = {fill_it, poll_it};

	(void)unused;
	for (int i = 0; i < 4; i++) {
		struct wait w = {.events = i < 2 ? POLLOUT : 0};
		struct pollfd room;
		int fds[2];

		MUST(open_pipe(i % 2, fds) == 0);
		w.fd = fds[1];
		MUST(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
		while (write(fds[1], "xxxxxxxx", 8) > 0)
			;
		room = (struct pollfd){.fd = fds[1], .events = POLLOUT};
		MUST(go_poll(&room, 1, 0) == 0);
		for (int k = 0; k < 2; k++) {
			atomic_store(&to_close, k == 0 ? fds[0] : -1);
			go__sys_hook = close_meanwhile;
			(void)waits[(i / 2 + k) % 2](&w);
			test_fail_stop();
			MUST(waits[(i / 2 + k) % 2] == poll_it
				     ? w.result == 1 && (w.told & POLLERR)
				     : w.result == -EPIPE);
		}
		MUST(atomic_load(&to_close) == -1);
		MUST(go_close(fds[1]) == 0);
	}
	return NULL;
}

Test(pipes, while_registering, .timeout = 20)
{
	run_everywhere(while_registering, NULL);
}
#endif
