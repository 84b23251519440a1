/* SPDX-License-Identifier: MIT */
/* Broadcasts: every result of every call, from tasks and from plain threads. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../sched/everywhere.h"
#include "support.h"
#include "waiting.h"

/* ---- without waiting ---- */

Test(broadcast, bad_arguments)
{
	go_subscriber never = {NULL, 0}, ahead;
	go_broadcast *b = NULL;
	int n = 0;

	cr_assert_eq(go_broadcast_create(NULL, 4, 1), -EINVAL);
	cr_assert_eq(go_broadcast_create(&b, 4, 0), -EINVAL);
	cr_assert_eq(go_broadcast_create(&b, SIZE_MAX / 2, 3), -ENOMEM);
	cr_assert_eq(go_broadcast_create(&b, SIZE_MAX, 1), -ENOMEM);
	cr_assert_eq(go_broadcast_create(&b, 1, SIZE_MAX), -ENOMEM);
	cr_assert_eq(go_broadcast_create(&b, 0, SIZE_MAX), -ENOMEM);
	cr_assert_null(b);
	cr_assert_eq(go_broadcast_send(NULL, &n), -EINVAL);
	cr_assert_eq(go_broadcast_close(NULL), -EINVAL);
	cr_assert_eq(go_broadcast_destroy(NULL), 0);
	cr_assert_eq(go_broadcast_subscribe(NULL, &never), -EINVAL);
	cr_assert_eq(go_broadcast_recv(NULL, &n), -EINVAL);
	cr_assert_eq(go_broadcast_try_recv(NULL, &n), -EINVAL);
	cr_assert_eq(go_broadcast_recv(&never, &n), -EINVAL);
	cr_assert_eq(go_broadcast_try_recv(&never, &n), -EINVAL);

	cr_assert_eq(go_broadcast_create(&b, sizeof(n), 1), 0);
	cr_assert_eq(go_broadcast_subscribe(b, NULL), -EINVAL);
	cr_assert_eq(go_broadcast_send(b, NULL), -EINVAL);
	ASSIGN(go_subscriber, ahead, {b, 1});
	cr_assert_eq(go_broadcast_try_recv(&ahead, &n), -EINVAL);
	cr_assert_eq(go_broadcast_destroy(b), 0);
}

/* Two at different places, messages of `bytes`, in a ring that wraps. */
static void two_places(size_t bytes, size_t capacity)
{
	unsigned char out[24], in[24];
	go_subscriber first, second;
	go_broadcast *b;
	unsigned sent = 0;

	cr_assert_eq(go_broadcast_create(&b, bytes, capacity), 0);
	cr_assert_eq(go_broadcast_subscribe(b, &first), 0);
	second = first;
	for (unsigned round = 0; round < 9; round++) {
		memset(out, (int)(sent++ & 0xff), sizeof(out));
		cr_assert_eq(go_broadcast_send(b, out), 0);
		cr_assert_eq(go_broadcast_recv(&first, in), 0);
		cr_assert_eq(memcmp(in, out, bytes), 0);
		cr_assert_eq(go_broadcast_try_recv(&first, in), -EAGAIN);
	}
	/* The second has lost all but the last ones, and is told once. */
	for (size_t i = capacity; i > 0; i--) {
		memset(out, (int)((sent - i) & 0xff), sizeof(out));
		cr_assert_eq(go_broadcast_try_recv(&second, in),
			     i == capacity ? (int64_t)(9 - capacity) : 0);
		cr_assert_eq(memcmp(in, out, bytes), 0);
	}
	cr_assert_eq(go_broadcast_try_recv(&second, in), -EAGAIN);
	/* One more than it holds, whatever the ring could. */
	for (size_t i = 0; i <= capacity; i++)
		cr_assert_eq(go_broadcast_send(b, out), 0);
	cr_assert_eq(go_broadcast_try_recv(&second, in), 1);
	cr_assert_eq(go_broadcast_destroy(b), 0);
}

Test(broadcast, order_and_exact_lag)
{
	two_places(8, 1);
	two_places(8, 3);
	two_places(1, 8);
	two_places(24, 5);
	two_places(0, 4);
}

Test(broadcast, closing_drains)
{
	go_subscriber s, late;
	go_broadcast *b;
	int n = 1;

	cr_assert_eq(go_broadcast_create(&b, sizeof(n), 2), 0);
	cr_assert_eq(go_broadcast_send(b, &n), 0);
	cr_assert_eq(go_broadcast_subscribe(b, &s), 0);
	for (n = 2; n < 6; n++)
		cr_assert_eq(go_broadcast_send(b, &n), 0);
	cr_assert_eq(go_broadcast_close(b), 0);
	cr_assert_eq(go_broadcast_close(b), -EPIPE);
	cr_assert_eq(go_broadcast_send(b, &n), -EPIPE);
	cr_assert_eq(go_broadcast_subscribe(b, &late), 0);
	cr_assert_eq(go_broadcast_recv(&late, &n), -EPIPE);
	cr_assert_eq(go_broadcast_recv(&s, &n), 2);
	cr_assert_eq(n, 4);
	cr_assert_eq(go_broadcast_recv(&s, NULL), 0);
	cr_assert_eq(go_broadcast_recv(&s, &n), -EPIPE);
	cr_assert_eq(go_broadcast_try_recv(&s, &n), -EPIPE);
	cr_assert_eq(n, 4);
	cr_assert_eq(go_broadcast_destroy(b), 0);
}

/* ---- waiting ---- */

enum {
	LISTENERS = 3
};

struct listener {
	go_subscriber *s;
	int value;
	int64_t result;
};

static void *receive_one(void *arg)
{
	struct listener *p = (struct listener *)arg;

	p->result = go_broadcast_recv(p->s, &p->value);
	return NULL;
}

/* All wait; one is cancelled together with the message; none loses it. */
static void *send_to_all(void *unused)
{
	struct listener p[LISTENERS];
	go_subscriber s[LISTENERS];
	go_task t[LISTENERS];
	go_broadcast *b;
	int n = 7, m = 0;

	(void)unused;
	MUST(go_broadcast_create(&b, sizeof(int), 2) == 0);
	for (int i = 0; i < LISTENERS; i++) {
		ASSIGN(struct listener, p[i], {&s[i], 0, 1});
		MUST(go_broadcast_subscribe(b, &s[i]) == 0);
		MUST(go_task_spawn(&t[i], receive_one, &p[i]) == 0);
	}
	test_await_waiters(b, LISTENERS);
	MUST(go_broadcast_destroy(b) == -EBUSY);
	MUST(go_task_cancel(t[1]) == 0);
	MUST(go_broadcast_send(b, &n) == 0);
	for (int i = 0; i < LISTENERS; i++) {
		MUST(go_task_join(t[i], NULL) == 0);
		MUST(p[i].result == (i == 1 ? -ECANCELED : 0));
		MUST(p[i].value == (i == 1 ? 0 : 7));
	}
	MUST(go_broadcast_try_recv(&s[0], &m) == -EAGAIN);
	MUST(go_broadcast_try_recv(&s[1], &m) == 0 && m == 7);
	MUST(go_broadcast_try_recv(&s[2], &m) == -EAGAIN);
	MUST(go_broadcast_destroy(b) == 0);
	return NULL;
}

Test(broadcast, those_that_wait, .timeout = 60)
{
	run_everywhere(send_to_all, NULL);
}

static void *close_on_all(void *unused)
{
	struct listener p[LISTENERS];
	go_subscriber s[LISTENERS];
	go_task t[LISTENERS];
	go_broadcast *b;

	(void)unused;
	MUST(go_broadcast_create(&b, sizeof(int), 2) == 0);
	for (int i = 0; i < LISTENERS; i++) {
		ASSIGN(struct listener, p[i], {&s[i], 0, 1});
		MUST(go_broadcast_subscribe(b, &s[i]) == 0);
		MUST(go_task_spawn(&t[i], receive_one, &p[i]) == 0);
	}
	test_await_waiters(b, LISTENERS);
	MUST(go_broadcast_close(b) == 0);
	/* Nobody touches it any more, also if they have not run since. */
	MUST(go_broadcast_destroy(b) == 0);
	for (int i = 0; i < LISTENERS; i++)
		MUST(go_task_join(t[i], NULL) == 0 && p[i].result == -EPIPE);
	return NULL;
}

Test(broadcast, closing_ends_waits, .timeout = 60)
{
	run_everywhere(close_on_all, NULL);
}

/* With one subscriber for all, a message is one receiver's. */
static void *share_one(void *unused)
{
	struct listener p[LISTENERS];
	go_task t[LISTENERS];
	go_subscriber s;
	go_broadcast *b;
	int sum = 0;

	(void)unused;
	MUST(go_broadcast_create(&b, sizeof(int), 8) == 0);
	MUST(go_broadcast_subscribe(b, &s) == 0);
	for (int i = 0; i < LISTENERS; i++) {
		ASSIGN(struct listener, p[i], {&s, 0, 1});
		MUST(go_task_spawn(&t[i], receive_one, &p[i]) == 0);
	}
	test_await_waiters(b, LISTENERS);
	for (int n = 1; n < 1 << (LISTENERS + 1); n *= 2)
		MUST(go_broadcast_send(b, &n) == 0);
	for (int i = 0; i < LISTENERS; i++) {
		MUST(go_task_join(t[i], NULL) == 0 && p[i].result == 0);
		sum += p[i].value;
	}
	MUST(sum == (1 << LISTENERS) - 1);
	MUST(go_broadcast_try_recv(&s, &sum) == 0 && sum == 1 << LISTENERS);
	MUST(go_broadcast_destroy(b) == 0);
	return NULL;
}

Test(broadcast, a_shared_subscriber, .timeout = 60)
{
	run_everywhere(share_one, NULL);
}

static void *time_out(void *unused)
{
	go_subscriber s;
	go_broadcast *b;
	int n = 3, m = 0;

	(void)unused;
	MUST(go_broadcast_create(&b, sizeof(int), 1) == 0);
	MUST(go_broadcast_subscribe(b, &s) == 0);
	{
		GO_TIMEOUT(GO_MILLISECOND);

		MUST(go_broadcast_recv(&s, &m) == -ETIMEDOUT);
		MUST(go_broadcast_send(b, &n) == 0);
		MUST(go_broadcast_recv(&s, &m) == 0 && m == 3);
		MUST(go_broadcast_recv(&s, &m) == -ETIMEDOUT);
	}
	MUST(go_broadcast_destroy(b) == 0);
	return NULL;
}

Test(broadcast, deadlines, .timeout = 60)
{
	cr_assert_null(time_out(NULL));
	run_everywhere(time_out, NULL);
}

/* ---- tasks and threads ---- */

enum {
	MIXED = 2000
};

static go_broadcast *there, *back;
static go_subscriber at_there, at_back;

static void *echo(void *unused)
{
	uint64_t n;

	(void)unused;
	while (go_broadcast_recv(&at_there, &n) == 0)
		if (go_broadcast_send(back, &n) < 0)
			break;
	return NULL;
}

static void *ask(void *unused)
{
	uint64_t rounds = test_rounds(MIXED), n;

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		MUST(go_broadcast_send(there, &i) == 0);
		MUST(go_broadcast_recv(&at_back, &n) == 0 && n == i);
	}
	MUST(go_broadcast_close(there) == 0);
	return NULL;
}

Test(broadcast, a_task_asks_a_thread, .timeout = 60)
{
	pthread_t thread;

	for (unsigned workers = 0; workers <= 2; workers++) {
		cr_assert_eq(go_broadcast_create(&there, 8, 1), 0);
		cr_assert_eq(go_broadcast_create(&back, 8, 1), 0);
		cr_assert_eq(go_broadcast_subscribe(there, &at_there), 0);
		cr_assert_eq(go_broadcast_subscribe(back, &at_back), 0);
		pthread_create(&thread, NULL, echo, NULL);
		if (workers)
			run_in(GO_MULTI_THREAD, workers, ask, NULL);
		else
			cr_assert_null(ask(NULL));
		pthread_join(thread, NULL);
		cr_assert_eq(go_broadcast_destroy(there), 0);
		cr_assert_eq(go_broadcast_destroy(back), 0);
	}
}

/* ---- faults ---- */

#ifdef GO_TEST_HOOKS
static void *without_memory(void *arg)
{
	*(int64_t *)arg = go_broadcast_recv(&at_there, NULL);
	return NULL;
}

Test(broadcast, no_memory_and_nothing_half_made)
{
	int64_t result = 0;
	pthread_t thread;

	test_fail_nth(GO__SYS_calloc, 1);
	cr_assert_eq(go_broadcast_create(&there, 8, 4), -ENOMEM);
	cr_assert(test_fail_stop());
	cr_assert_null(there);
	cr_assert_eq(go_broadcast_create(&there, 8, 4), 0);
	cr_assert_eq(go_broadcast_subscribe(there, &at_there), 0);
	/* A thread that has never waited needs memory for that. */
	test_fail_nth(GO__SYS_calloc, 1);
	pthread_create(&thread, NULL, without_memory, &result);
	pthread_join(thread, NULL);
	cr_assert(test_fail_stop());
	cr_assert_eq(result, -ENOMEM);
	cr_assert_eq(go_broadcast_destroy(there), 0);
}
#endif
