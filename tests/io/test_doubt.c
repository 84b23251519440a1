/* SPDX-License-Identifier: MIT */
/*
 * Looking whether a foreign descriptor is still there does not become a habit:
 * a task whose doubt was about another file, or another descriptor, waits like
 * all others, and does not spin.
 */
#include "support_io.h"

#include <poll.h>

#include "poller.h"

enum {
	A_WHILE = 60, /* Milliseconds: room for thousands. */
	FEW = 20,     /* However long the while becomes. */
};

/* Calls that such a look is made of, and that nobody makes who waits. */
static _Atomic unsigned looks;

static int count_looks(enum go__sys_call call)
{
	atomic_fetch_add(&looks, call == GO__SYS_poll || call == POLLER_CHANGE);
	return 0;
}

static unsigned looks_in_a_while(void)
{
	atomic_store(&looks, 0);
	atomic_store(&go__sys_hook, count_looks);
	go_sleep(A_WHILE * GO_MILLISECOND);
	(void)test_fail_stop();
	return atomic_load(&looks);
}

/* The first is 10 ms after a task has begun to wait. */
static void await_looks(void)
{
	atomic_store(&looks, 0);
	atomic_store(&go__sys_hook, count_looks);
	while (atomic_load(&looks) < 2)
		go_sleep(SOON);
	(void)test_fail_stop();
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
	await_looks();
	MUST(close(old[0]) == 0);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, new) == 0);
	MUST(new[0] == old[0]);
	MUST(looks_in_a_while() < FEW);
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
	await_looks();
	MUST(write(from[1], "x", 1) == 1);
	/* It stands in the lines of both, but waits for room. */
	p.fd = from[0];
	while (go_poll(&p, 1, 0) != 0)
		go_sleep(SOON);
	MUST(looks_in_a_while() < FEW);
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
