/* SPDX-License-Identifier: MIT */
/*
 * Deadlines and shields: every call of the ground that waits is ended by a
 * deadline scope around it, in tasks and in plain threads; scopes nest and only
 * tighten; shields hold both deadlines and cancellation off.
 *
 * What it cannot show: how late a deadline is noticed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "everywhere.h"
#include "support.h"

#define SHORT (2 * GO_MILLISECOND)

/* The body in tasks of all kinds, and in a plain thread. */
static void run_both(go_fn *body)
{
	const char *wrong = (const char *)body(NULL);

	cr_assert_null(wrong, "plain thread: %s", wrong);
	run_everywhere(body, NULL);
}

/* ---- scopes ---- */

static int leave_early(bool early)
{
	GO_TIMEOUT(50 * GO_SECOND);
	if (early)
		return 1;
	GO_TIMEOUT(20 * GO_SECOND);
	return go_deadline_current() < go_now() + 21 * GO_SECOND ? 2 : -1;
}

static void *scopes_nest(void *arg)
{
	int64_t far = go_now() + 100 * GO_SECOND;
	go_deadline d;

	(void)arg;
	MUST(go_deadline_current() == GO_NEVER);
	MUST(go_deadline_begin(NULL, 5) == -EINVAL);
	MUST(go_timeout_begin(NULL, 5) == -EINVAL);
	MUST(go_shield_begin(NULL) == -EINVAL);
	go_deadline_end(NULL);
	go_shield_end(NULL);
	{
		GO_DEADLINE(far);
		MUST(go_deadline_current() == far);
		MUST(go_deadline_begin(&d, far + 1) == 0);
		MUST(go_deadline_current() == far);
		go_deadline_end(&d);
		MUST(go_deadline_begin(&d, far - 1) == 0);
		MUST(go_deadline_current() == far - 1);
		{
			GO_DEADLINE(GO_NEVER);
			GO_TIMEOUT(GO_NEVER);
			MUST(go_deadline_current() == far - 1);
		}
		go_deadline_end(&d);
		go_deadline_end(&d);
		MUST(leave_early(true) == 1 && leave_early(false) == 2);
		MUST(go_deadline_current() == far);
		{
			GO_SHIELD();
			MUST(go_deadline_current() == GO_NEVER);
			GO_DEADLINE(far + 5);
			MUST(go_deadline_current() == far + 5);
		}
		MUST(go_deadline_current() == far);
	}
	MUST(go_deadline_begin(&d, INT64_MIN) == 0);
	MUST(go_deadline_current() == 0);
	go_deadline_end(&d);
	MUST(go_deadline_current() == GO_NEVER);
	return NULL;
}

Test(deadline, scopes_nest, .timeout = 60)
{
	run_both(scopes_nest);
}

static void *ask_deadline(void *arg)
{
	*(int64_t *)arg = go_deadline_current();
	return NULL;
}

static void *tasks_inherit_nothing(void *arg)
{
	GO_TIMEOUT(100 * GO_SECOND);
	int64_t seen = 0;
	go_task t;

	(void)arg;
	MUST(go_task_spawn(&t, ask_deadline, &seen) == 0);
	MUST(go_task_join(t, NULL) == 0);
	MUST(seen == GO_NEVER);
	return NULL;
}

Test(deadline, tasks_inherit_nothing, .timeout = 60)
{
	run_everywhere(tasks_inherit_nothing, NULL);
}

/* ---- every call that waits ---- */

static void *sleeps(void *arg)
{
	int64_t until = go_now() + SHORT;

	(void)arg;
	{
		GO_DEADLINE(until);
		MUST(go_sleep(3600 * GO_SECOND) == -ETIMEDOUT);
		MUST(go_now() >= until);
		MUST(go_sleep(GO_NEVER) == -ETIMEDOUT);
		MUST(go_sleep_until(GO_NEVER) == -ETIMEDOUT);
		/* Nothing to wait for: no failure. */
		MUST(go_sleep(0) == 0 && go_yield() == 0);
	}
	{
		GO_TIMEOUT(3600 * GO_SECOND);
		MUST(go_sleep(1000) == 0);
	}
	MUST(go_sleep(1000) == 0);
	return NULL;
}

Test(deadline, sleeps, .timeout = 60)
{
	run_both(sleeps);
}

/* A pair whose way out is full, so that writing has to wait, too. */
static int full_pair(int pair[2])
{
	static char block[65536];
	ssize_t r;

	if (go_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	do
		r = send(pair[0], block, sizeof(block), MSG_DONTWAIT);
	while (r > 0);
	return 0;
}

static void *reads_and_writes(void *arg)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char byte = 0, *space = &byte;
	struct iovec v = {space, 1};
	MAKE(struct msghdr, m, .msg_iov = &v, .msg_iovlen = 1);
	MAKE(struct pollfd, p, .events = POLLIN);
	size_t done = 5;
	int pair[2];

	(void)arg;
	MUST(full_pair(pair) == 0);
	p.fd = pair[0];
	{
		GO_TIMEOUT(SHORT);
		MUST(go_read(pair[0], &byte, 1) == -ETIMEDOUT);
		MUST(go_readv(pair[0], &v, 1) == -ETIMEDOUT);
		MUST(go_recv(pair[0], &byte, 1, 0) == -ETIMEDOUT);
		MUST(go_recvfrom(pair[0], &byte, 1, 0, (struct sockaddr *)&from,
				 &length) == -ETIMEDOUT);
		MUST(go_recvmsg(pair[0], &m, 0) == -ETIMEDOUT);
		MUST(go_write(pair[0], "x", 1) == -ETIMEDOUT);
		MUST(go_writev(pair[0], &v, 1) == -ETIMEDOUT);
		MUST(go_send(pair[0], "x", 1, 0) == -ETIMEDOUT);
		MUST(go_sendmsg(pair[0], &m, 0) == -ETIMEDOUT);
		MUST(go_write_all(pair[0], "x", 1, &done) == -ETIMEDOUT);
		MUST(done == 0);
		MUST(go_poll(&p, 1, -1) == -ETIMEDOUT);
		MUST(go_poll(&p, 1, 3600 * 1000) == -ETIMEDOUT);
		MUST(go_poll(&p, 1, 0) == 0);
		/* What is there is read, however late. */
		MUST(go_read(pair[1], &byte, 1) == 1);
	}
	{
		GO_TIMEOUT(3600 * GO_SECOND);
		MUST(go_poll(&p, 1, 1) == 0);
	}
	go_close(pair[0]);
	go_close(pair[1]);
	return NULL;
}

Test(deadline, reads_and_writes, .timeout = 60)
{
	run_both(reads_and_writes);
}

static void *accepts(void *arg)
{
	struct sockaddr_in address;
	int foreign = test_listen(&address);
	int own = go_tcp_listen("127.0.0.1:0");

	(void)arg;
	MUST(foreign >= 0 && own >= 0);
	GO_TIMEOUT(SHORT);
	MUST(go_accept(own, NULL, NULL) == -ETIMEDOUT);
	MUST(go_accept(foreign, NULL, NULL) == -ETIMEDOUT);
	go_close(own);
	go_close(foreign);
	return NULL;
}

Test(deadline, accepts, .timeout = 60)
{
	run_both(accepts);
}

/* A listener whose backlog is full: connecting has to wait. */
static void *connects(void *arg)
{
	MAKE(struct sockaddr_un, a, .sun_family = AF_UNIX);
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 16;
	int listener = go_socket(AF_UNIX, SOCK_STREAM, 0);
	int fd[8], n, r = 0;

	(void)arg;
	/* An abstract name. */
	snprintf(a.sun_path + 1, 16, "g%08x%06x", (unsigned)getpid(),
		 (unsigned)test_random(1 << 24));
	MUST(go_bind(listener, (struct sockaddr *)&a, length) == 0);
	MUST(go_listen(listener, 0) == 0);
	for (n = 0; n < 8 && r == 0; n++) {
		GO_TIMEOUT(SHORT);
		fd[n] = go_socket(AF_UNIX, SOCK_STREAM, 0);
		MUST(fd[n] >= 0);
		r = go_connect(fd[n], (struct sockaddr *)&a, length);
	}
	MUST(n > 1 && r == -ETIMEDOUT);
	while (n > 0)
		go_close(fd[--n]);
	go_close(listener);
	return NULL;
}

Test(deadline, connects, .timeout = 60)
{
	run_both(connects);
}

static void *sleep_for_ever(void *arg)
{
	(void)arg;
	return GO_INT(go_sleep(GO_NEVER));
}

static void *joins(void *arg)
{
	void *result;
	go_task t;

	(void)arg;
	MUST(go_task_spawn(&t, sleep_for_ever, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		GO_TIMEOUT(SHORT / 4);
		MUST(go_task_join(t, &result) == -ETIMEDOUT);
	}
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(GO_TO_INT(result) == -ECANCELED);
	return NULL;
}

Test(deadline, joins, .timeout = 60)
{
	run_everywhere(joins, NULL);
}

/* A plain thread's deadline does not leave its task behind. */
static void *sleep_a_little(void *arg)
{
	*(int *)arg = go_sleep(3 * SHORT);
	return NULL;
}

Test(deadline, block_on_is_deaf, .timeout = 60)
{
	int slept = -1;

	GO_TIMEOUT(SHORT);
	cr_assert_eq(go_run(sleep_a_little, &slept), 0);
	cr_assert_eq(slept, 0);
	cr_assert_eq(go_sleep(GO_NEVER), -ETIMEDOUT);
}

/* ---- shields ---- */

static void *shielded(void *arg)
{
	ATOMIC(int) *stage = (ATOMIC(int) *)arg;
	int r = go_sleep(GO_NEVER);

	if (r != -ECANCELED || !go_cancelled())
		return GO_INT(1);
	{
		GO_SHIELD();
		if (go_cancelled() || go_sleep(1000) != 0)
			return GO_INT(2);
		{
			GO_SHIELD();
			GO_TIMEOUT(1000);
			if (go_sleep(GO_NEVER) != -ETIMEDOUT)
				return GO_INT(3);
		}
		atomic_fetch_add(stage, 1);
		if (go_sleep(1000) != 0)
			return GO_INT(4);
	}
	return GO_INT(go_sleep(1000) == -ECANCELED ? 0 : 5);
}

static void *shields_hide_cancellation(void *arg)
{
	ATOMIC(int) stage = 0;
	void *result;
	go_task t;

	(void)arg;
	MUST(go_task_spawn(&t, shielded, &stage) == 0);
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(GO_TO_INT(result) == 0 && atomic_load(&stage) == 1);
	return NULL;
}

Test(deadline, shields_hide_cancellation, .timeout = 60)
{
	run_everywhere(shields_hide_cancellation, NULL);
}

static void *wait_shielded(void *arg)
{
	ATOMIC(int) *stage = (ATOMIC(int) *)arg;

	{
		GO_SHIELD();
		atomic_store(stage, 1);
		while (atomic_load(stage) != 2)
			if (go_sleep(100000) != 0)
				return GO_INT(1);
	}
	return GO_INT(go_sleep(GO_NEVER) == -ECANCELED ? 0 : 2);
}

/* Cancelled inside the shield: felt after it, and not before. */
static void *cancel_inside(void *arg)
{
	ATOMIC(int) stage = 0;
	void *result;
	go_task t;

	(void)arg;
	MUST(go_task_spawn(&t, wait_shielded, &stage) == 0);
	while (atomic_load(&stage) == 0)
		go_sleep(10000);
	MUST(go_task_cancel(t) == 0);
	MUST(go_sleep(SHORT / 4) == 0);
	atomic_store(&stage, 2);
	MUST(go_task_join(t, &result) == 0);
	MUST(GO_TO_INT(result) == 0);
	return NULL;
}

Test(deadline, cancel_inside_a_shield, .timeout = 60)
{
	run_everywhere(cancel_inside, NULL);
}

static void *shield_holds_deadlines(void *arg)
{
	(void)arg;
	GO_TIMEOUT(0);
	MUST(go_sleep(3600 * GO_SECOND) == -ETIMEDOUT);
	{
		GO_SHIELD();
		MUST(go_sleep(1000) == 0);
	}
	MUST(go_sleep(3600 * GO_SECOND) == -ETIMEDOUT);
	return NULL;
}

Test(deadline, shield_holds_deadlines, .timeout = 60)
{
	run_both(shield_holds_deadlines);
}
