/* SPDX-License-Identifier: MIT */
/*
 * Looking whether a foreign descriptor is still there does not become a habit:
 * a task whose doubt was about another file, or another descriptor, waits like
 * all others, and does not spin.
 */
#include "support_io.h"

#include <poll.h>

enum {
	A_WHILE = 60, /* Milliseconds; the first look is after 10. */
	FEW = 500,    /* Calls; one that spins makes ten times as many. */
};

static _Atomic unsigned calls;

static int count_calls(enum go__sys_call call)
{
	(void)call;
	atomic_fetch_add(&calls, 1);
	return 0;
}

/* How many system calls are made in a while. */
static unsigned calls_in_a_while(void)
{
	atomic_store(&calls, 0);
	atomic_store(&go__sys_hook, count_calls);
	go_sleep(A_WHILE * GO_MILLISECOND);
	(void)test_fail_stop();
	return atomic_load(&calls);
}

static void *poll_it(void *arg)
{
	struct pollfd p = {.fd = *(int *)arg, .events = POLLIN};

	return GO_INT(go_poll(&p, 1, -1) == 1 && p.revents == POLLIN);
}

/* One that polls goes on with the next file, which needs no doubt. */
static void *poll_goes_on(void *unused)
{
	int old[2], new[2];
	struct peer poller;

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, old) == 0);
	peer_start(&poller, false, poll_it, &old[0]);
	await_waiting(old[0], 1);
	go_sleep(A_WHILE * GO_MILLISECOND);
	MUST(close(old[0]) == 0);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, new) == 0);
	MUST(new[0] == old[0]);
	MUST(calls_in_a_while() < FEW);
	MUST(!atomic_load(&poller.done));
	MUST(go_write(new[1], "x", 1) == 1);
	MUST(GO_TO_INT(peer_finish(&poller)) == 1);
	MUST(close(old[1]) == 0);
	close_both(new);
	return NULL;
}

Test(doubt, poll_goes_on, .timeout = 60)
{
	run_everywhere(poll_goes_on, NULL);
}

static void *copy_it(void *arg)
{
	int *fds = arg;

	return GO_INT(go_copy(fds[0], fds[1], -1, NULL));
}

/* One that copies waits for a foreign one first, and then for one of ours. */
static void *copy_goes_on(void *unused)
{
	static char data[300000];
	int from[2], to[2], both[2];
	struct pollfd p = {.events = POLLIN};
	struct peer copier;

	(void)unused;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, from) == 0);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, to) == 0);
	while (go_send(to[0], data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	both[0] = from[0];
	both[1] = to[0];
	peer_start(&copier, false, copy_it, both);
	await_waiting(from[0], 1);
	go_sleep(A_WHILE * GO_MILLISECOND);
	MUST(write(from[1], "x", 1) == 1);
	/* It stands in the lines of both, but waits for room. */
	p.fd = from[0];
	while (go_poll(&p, 1, 0) != 0)
		go_sleep(SOON);
	MUST(calls_in_a_while() < FEW);
	MUST(!atomic_load(&copier.done));
	MUST(go_close(to[0]) == 0);
	MUST(GO_TO_INT(peer_finish(&copier)) == -EBADF);
	MUST(close(from[0]) == 0 && close(from[1]) == 0);
	MUST(go_close(to[1]) == 0);
	return NULL;
}

Test(doubt, copy_goes_on, .timeout = 60)
{
	run_everywhere(copy_goes_on, NULL);
}
