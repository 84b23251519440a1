/* SPDX-License-Identifier: MIT */
/* Channels: every result of every call, from tasks and from plain threads. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../sched/everywhere.h"
#include "support.h"
#include "waiting.h"

/* ---- without waiting ---- */

Test(chan, bad_arguments)
{
	int n = 0;

	cr_assert_eq(go_chan_create(NULL, 4, 1), -EINVAL);
	cr_assert_eq(go_chan_send(NULL, &n), -EINVAL);
	cr_assert_eq(go_chan_recv(NULL, &n), -EINVAL);
	cr_assert_eq(go_chan_try_send(NULL, &n), -EINVAL);
	cr_assert_eq(go_chan_try_recv(NULL, &n), -EINVAL);
	cr_assert_eq(go_chan_close(NULL), -EINVAL);
	cr_assert_eq(go_chan_length(NULL), 0);
	cr_assert_eq(go_chan_capacity(NULL), 0);
	cr_assert_eq(go_chan_destroy(NULL), 0);
}

Test(chan, sizes_that_overflow)
{
	go_chan *c = NULL;
	int n = 0;

	cr_assert_eq(go_chan_create(&c, SIZE_MAX / 2, 3), -ENOMEM);
	cr_assert_eq(go_chan_create(&c, 1, SIZE_MAX - 1), -ENOMEM);
	cr_assert_eq(go_chan_create(&c, 8, SIZE_MAX / 8), -ENOMEM);
	cr_assert_null(c);
	cr_assert_eq(go_chan_create(&c, SIZE_MAX / 4, GO_CHAN_UNBOUNDED), 0);
	cr_assert_eq(go_chan_send(c, &n), -ENOMEM);
	cr_assert_eq(go_chan_length(c), 0);
	cr_assert_eq(go_chan_destroy(c), 0);
}

/* Fill and drain a channel that holds `capacity`, so that the ring wraps. */
static void fill_and_drain(size_t bytes, size_t capacity)
{
	unsigned char out[24], in[24];
	unsigned put = 0, got = 0;
	go_chan *c;

	cr_assert_eq(go_chan_create(&c, bytes, capacity), 0);
	cr_assert_eq(go_chan_capacity(c), capacity);
	for (unsigned round = 0; round < 5; round++) {
		for (size_t i = 0; i < capacity; i++) {
			memset(out, (int)(put++ & 0xff), sizeof(out));
			cr_assert_eq(go_chan_send(c, out), 0);
			cr_assert_eq(go_chan_length(c), i + 1);
		}
		cr_assert_eq(go_chan_try_send(c, out), -EAGAIN);
		for (size_t i = 0; i < capacity; i++) {
			memset(out, (int)(got++ & 0xff), sizeof(out));
			cr_assert_eq(go_chan_recv(c, in), 0);
			cr_assert_eq(memcmp(in, out, bytes), 0);
		}
		cr_assert_eq(go_chan_try_recv(c, in), -EAGAIN);
	}
	cr_assert_eq(go_chan_destroy(c), 0);
}

Test(chan, a_ring_keeps_order)
{
	fill_and_drain(8, 1);
	fill_and_drain(8, 3);
	fill_and_drain(1, 8);
	fill_and_drain(24, 5);
	fill_and_drain(0, 4);
}

Test(chan, unbounded_grows_while_it_wraps)
{
	uint64_t put = 0, got = 0, n;
	go_chan *c;

	cr_assert_eq(go_chan_create(&c, 8, GO_CHAN_UNBOUNDED), 0);
	for (int round = 1; round < 40; round++) {
		for (int i = 0; i < 2 * round; i++, put++)
			cr_assert_eq(go_chan_try_send(c, &put), 0);
		for (int i = 0; i < round; i++, got++) {
			cr_assert_eq(go_chan_try_recv(c, &n), 0);
			cr_assert_eq(n, got);
		}
		cr_assert_eq(go_chan_length(c), put - got);
	}
	cr_assert_eq(go_chan_destroy(c), 0);
}

Test(chan, closing_drains)
{
	int n = 1;
	go_chan *c;

	cr_assert_eq(go_chan_create(&c, sizeof(n), 2), 0);
	cr_assert_eq(go_chan_send(c, &n), 0);
	cr_assert_eq(go_chan_send(c, NULL), -EINVAL);
	cr_assert_eq(go_chan_close(c), 0);
	cr_assert_eq(go_chan_close(c), -EPIPE);
	cr_assert_eq(go_chan_send(c, &n), -EPIPE);
	cr_assert_eq(go_chan_try_send(c, &n), -EPIPE);
	cr_assert_eq(go_chan_recv(c, NULL), 0);
	cr_assert_eq(go_chan_recv(c, &n), -EPIPE);
	cr_assert_eq(go_chan_try_recv(c, &n), -EPIPE);
	cr_assert_eq(go_chan_destroy(c), 0);
}

/* ---- waiting ---- */

struct pipe {
	go_chan *c;
	int value, result;
};

static void *sender(void *arg)
{
	struct pipe *p = (struct pipe *)arg;

	p->result = go_chan_send(p->c, &p->value);
	return NULL;
}

static void *receiver(void *arg)
{
	struct pipe *p = (struct pipe *)arg;

	p->result = go_chan_recv(p->c, &p->value);
	return NULL;
}

/* A task waits on the other side; then this one comes. */
static void *meet(void *unused)
{
	MAKE(struct pipe, p, .value = 7);
	int n = 0;
	go_task t;

	(void)unused;
	MUST(go_chan_create(&p.c, sizeof(int), 0) == 0);
	MUST(go_task_spawn(&t, sender, &p) == 0);
	test_await_waiters(p.c, 1);
	MUST(go_chan_length(p.c) == 0);
	MUST(go_chan_recv(p.c, &n) == 0 && n == 7);
	MUST(go_task_join(t, NULL) == 0 && p.result == 0);

	MUST(go_task_spawn(&t, receiver, &p) == 0);
	test_await_waiters(p.c, 1);
	n = 9;
	MUST(go_chan_send(p.c, &n) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == 0 && p.value == 9);
	MUST(go_chan_try_send(p.c, &n) == -EAGAIN);
	MUST(go_chan_try_recv(p.c, &n) == -EAGAIN);
	MUST(go_chan_destroy(p.c) == 0);
	return NULL;
}

Test(chan, rendezvous)
{
	run_everywhere(meet, NULL);
}

static void *cancel_wait(void *arg)
{
	MAKE(struct pipe, first, .result = 1);
	go_task t;

	MUST(go_chan_create(&first.c, sizeof(int), 0) == 0);
	MUST(go_task_spawn(&t, GO_TO_INT(arg) ? sender : receiver, &first) ==
	     0);
	test_await_waiters(first.c, 1);
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, NULL) == 0 && first.result == -ECANCELED);
	MUST(go_chan_destroy(first.c) == 0);
	return NULL;
}

static void *close_waits(void *arg)
{
	struct pipe p[3];
	go_task t[3];
	go_chan *c;

	MUST(go_chan_create(&c, sizeof(int), 0) == 0);
	for (int i = 0; i < 3; i++) {
		p[i].c = c;
		p[i].value = i;
		p[i].result = 1;
		MUST(go_task_spawn(&t[i], GO_TO_INT(arg) ? sender : receiver,
				   &p[i]) == 0);
	}
	test_await_waiters(c, 3);
	MUST(go_chan_close(c) == 0);
	for (int i = 0; i < 3; i++)
		MUST(go_task_join(t[i], NULL) == 0 && p[i].result == -EPIPE);
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

Test(chan, waits_end_with_closing_and_cancelling)
{
	for (int i = 0; i < 2; i++) {
		run_everywhere(cancel_wait, GO_INT(i));
		run_everywhere(close_waits, GO_INT(i));
	}
}

/* With one worker a task that was spawned waits when we run again. */
static void *destroy_too_early(void *unused)
{
	MAKE(struct pipe, p, .result = 1);
	go_task t;

	(void)unused;
	MUST(go_chan_create(&p.c, sizeof(int), 0) == 0);
	MUST(go_task_spawn(&t, receiver, &p) == 0);
	test_await_waiters(p.c, 1);
	MUST(go_chan_destroy(p.c) == -EBUSY);
	MUST(go_chan_close(p.c) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == -EPIPE);
	MUST(go_chan_destroy(p.c) == 0);
	return NULL;
}

Test(chan, no_destroying_while_waited_on)
{
	run_in(GO_CURRENT_THREAD, 0, destroy_too_early, NULL);
	run_in(GO_MULTI_THREAD, 1, destroy_too_early, NULL);
}

/* ---- tasks and threads ---- */

enum {
	MIXED = 2000
};

static go_chan *there, *back;

static void *echo(void *unused)
{
	uint64_t n;

	(void)unused;
	while (go_chan_recv(there, &n) == 0)
		if (go_chan_send(back, &n) < 0)
			break;
	return NULL;
}

static void *ask(void *unused)
{
	uint64_t rounds = test_rounds(MIXED), n;

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		MUST(go_chan_send(there, &i) == 0);
		MUST(go_chan_recv(back, &n) == 0 && n == i);
	}
	MUST(go_chan_close(there) == 0);
	return NULL;
}

static void open_both(void)
{
	cr_assert_eq(go_chan_create(&there, 8, 0), 0);
	cr_assert_eq(go_chan_create(&back, 8, 0), 0);
}

static void close_both(void)
{
	cr_assert_eq(go_chan_destroy(there), 0);
	cr_assert_eq(go_chan_destroy(back), 0);
}

Test(chan, a_task_asks_a_thread)
{
	pthread_t thread;

	for (unsigned workers = 1; workers <= 2; workers++) {
		open_both();
		pthread_create(&thread, NULL, echo, NULL);
		run_in(GO_MULTI_THREAD, workers, ask, NULL);
		pthread_join(thread, NULL);
		close_both();
	}
}

Test(chan, a_thread_asks_a_thread)
{
	pthread_t thread;

	open_both();
	pthread_create(&thread, NULL, echo, NULL);
	cr_assert_null(ask(NULL));
	pthread_join(thread, NULL);
	close_both();
}

/* ---- faults ---- */

#ifdef GO_TEST_HOOKS
Test(chan, no_memory_and_nothing_half_made)
{
	go_chan *c = NULL;
	uint64_t n = 5;

	test_fail_nth(GO__SYS_calloc, 1);
	cr_assert_eq(go_chan_create(&c, 8, 4), -ENOMEM);
	cr_assert(test_fail_stop());
	test_fail_nth(GO__SYS_malloc, 1);
	cr_assert_eq(go_chan_create(&c, 8, 4), -ENOMEM);
	cr_assert(test_fail_stop());
	cr_assert_null(c);
	cr_assert_eq(go_chan_create(&c, 8, GO_CHAN_UNBOUNDED), 0);
	test_fail_nth(GO__SYS_malloc, 1);
	cr_assert_eq(go_chan_send(c, &n), -ENOMEM);
	cr_assert(test_fail_stop());
	cr_assert_eq(go_chan_length(c), 0);
	cr_assert_eq(go_chan_send(c, &n), 0);
	n = 0;
	cr_assert_eq(go_chan_recv(c, &n), 0);
	cr_assert_eq(n, 5);
	cr_assert_eq(go_chan_destroy(c), 0);
}
#endif
