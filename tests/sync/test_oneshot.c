/* SPDX-License-Identifier: MIT */
/* One-shots: every result of every call, from tasks and from plain threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../sched/everywhere.h"
#include "support.h"
#include "waiting.h"

/* ---- without waiting ---- */

Test(oneshot, bad_arguments)
{
	int slot = 0;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));

	cr_assert_eq(go_oneshot_send(NULL, &slot), -EINVAL);
	cr_assert_eq(go_oneshot_drop(NULL), -EINVAL);
	cr_assert_eq(go_oneshot_wait_closed(NULL), -EINVAL);
	cr_assert_eq(go_oneshot_recv(NULL, &slot), -EINVAL);
	cr_assert_eq(go_oneshot_try_recv(NULL, &slot), -EINVAL);
	cr_assert_eq(go_oneshot_close(NULL), -EINVAL);
	cr_assert_eq(go_oneshot_destroy(NULL), -EINVAL);
	cr_assert_eq(go_oneshot_send(&o, NULL), -EINVAL);
	cr_assert_eq(go_oneshot_try_recv(&o, NULL), -EAGAIN);
}

Test(oneshot, sent_then_received)
{
	int slot = 0, n = 7, m = 0;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));

	cr_assert_eq(go_oneshot_send(&o, &n), 0);
	cr_assert_eq(go_oneshot_send(&o, &n), -EALREADY);
	cr_assert_eq(go_oneshot_drop(&o), -EALREADY);
	cr_assert_eq(go_oneshot_wait_closed(&o), -EALREADY);
	/* Too late to close it: the value is there, and ours. */
	cr_assert_eq(go_oneshot_close(&o), -EALREADY);
	cr_assert_eq(go_oneshot_recv(&o, &m), 0);
	cr_assert_eq(m, 7);
	cr_assert_eq(go_oneshot_recv(&o, &m), -EPIPE);
	cr_assert_eq(go_oneshot_try_recv(&o, &m), -EPIPE);
	cr_assert_eq(go_oneshot_destroy(&o), 0);
}

Test(oneshot, received_in_place)
{
	int slot = 0, n = 7;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));
	go_oneshot bare = GO_ONESHOT_INIT(NULL, 0);

	cr_assert_eq(go_oneshot_send(&o, &n), 0);
	cr_assert_eq(go_oneshot_recv(&o, &slot), 0);
	cr_assert_eq(slot, 7);
	cr_assert_eq(go_oneshot_send(&bare, NULL), 0);
	cr_assert_eq(go_oneshot_try_recv(&bare, NULL), 0);
}

Test(oneshot, dropped)
{
	int slot = 0;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));

	cr_assert_eq(go_oneshot_drop(&o), 0);
	cr_assert_eq(go_oneshot_drop(&o), -EALREADY);
	cr_assert_eq(go_oneshot_send(&o, &slot), -EALREADY);
	cr_assert_eq(go_oneshot_try_recv(&o, &slot), -EPIPE);
	cr_assert_eq(go_oneshot_recv(&o, &slot), -EPIPE);
	cr_assert_eq(go_oneshot_close(&o), -EALREADY);
}

Test(oneshot, closed)
{
	int slot = 0, n = 7;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));

	cr_assert_eq(go_oneshot_close(&o), 0);
	cr_assert_eq(go_oneshot_close(&o), -EPIPE);
	cr_assert_eq(go_oneshot_recv(&o, &n), -EPIPE);
	cr_assert_eq(go_oneshot_wait_closed(&o), 0);
	cr_assert_eq(go_oneshot_send(&o, &n), -EPIPE);
	cr_assert_eq(go_oneshot_send(&o, &n), -EALREADY);
	cr_assert_eq(go_oneshot_wait_closed(&o), -EALREADY);
	cr_assert_eq(slot, 0);
}

/* ---- waiting ---- */

struct side {
	go_oneshot *o;
	int value, result;
};

static void *receiver(void *arg)
{
	struct side *p = (struct side *)arg;

	p->result = go_oneshot_recv(p->o, &p->value);
	return NULL;
}

static void *sender(void *arg)
{
	struct side *p = (struct side *)arg;

	p->result = go_oneshot_wait_closed(p->o);
	return NULL;
}

static void *ends_of_a_wait(void *unused)
{
	int slot = 0, n = 7;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));
	struct side p = {&o, 0, 1};
	go_task t;

	(void)unused;
	/* A cancelled receive has lost nothing. */
	MUST(go_task_spawn(&t, receiver, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_destroy(&o) == -EBUSY);
	MUST(go_task_cancel(t) == 0);
	MUST(go_oneshot_send(&o, &n) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == -ECANCELED);
	MUST(go_oneshot_recv(&o, &p.value) == 0 && p.value == 7);

	ASSIGN(go_oneshot, o, GO_ONESHOT_INIT(&slot, sizeof(slot)));
	p.value = 0;
	MUST(go_task_spawn(&t, receiver, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_send(&o, &n) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == 0 && p.value == 7);

	ASSIGN(go_oneshot, o, GO_ONESHOT_INIT(&slot, sizeof(slot)));
	MUST(go_task_spawn(&t, receiver, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_drop(&o) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == -EPIPE);

	ASSIGN(go_oneshot, o, GO_ONESHOT_INIT(&slot, sizeof(slot)));
	MUST(go_task_spawn(&t, receiver, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_close(&o) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == -EPIPE);
	return NULL;
}

Test(oneshot, receivers_that_wait, .timeout = 60)
{
	run_everywhere(ends_of_a_wait, NULL);
}

static void *senders(void *unused)
{
	int slot = 0, n = 7;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));
	struct side p = {&o, 0, 1};
	go_task t;

	(void)unused;
	MUST(go_task_spawn(&t, sender, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_destroy(&o) == -EBUSY);
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == -ECANCELED);

	MUST(go_task_spawn(&t, sender, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_close(&o) == 0);
	MUST(go_task_join(t, NULL) == 0 && p.result == 0);
	MUST(go_oneshot_send(&o, &n) == -EPIPE);
	MUST(go_oneshot_destroy(&o) == 0);

	/* Who waits while another one sends does not come back to look: the
	 * receiver is the last one, and may have freed it. */
	ASSIGN(go_oneshot, o, GO_ONESHOT_INIT(&slot, sizeof(slot)));
	MUST(go_task_spawn(&t, sender, &p) == 0);
	test_await_waiters(&o, 1);
	MUST(go_oneshot_send(&o, &n) == 0);
	MUST(go_oneshot_try_recv(&o, &p.value) == 0 && p.value == 7);
	memset(&o, 0xff, sizeof(o));
	MUST(go_task_join(t, NULL) == 0 && p.result == -EALREADY);
	return NULL;
}

Test(oneshot, senders_that_wait, .timeout = 60)
{
	run_everywhere(senders, NULL);
}

static void *time_out(void *unused)
{
	int slot = 0, n = 3, m = 0;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));
	GO_TIMEOUT(GO_MILLISECOND);

	(void)unused;
	MUST(go_oneshot_recv(&o, &m) == -ETIMEDOUT);
	MUST(go_oneshot_wait_closed(&o) == -ETIMEDOUT);
	MUST(go_oneshot_send(&o, &n) == 0);
	MUST(go_oneshot_recv(&o, &m) == 0 && m == 3);
	MUST(go_oneshot_destroy(&o) == 0);
	return NULL;
}

Test(oneshot, deadlines, .timeout = 60)
{
	cr_assert_null(time_out(NULL));
	run_everywhere(time_out, NULL);
}

/* ---- tasks and threads ---- */

static go_chan *requests;

static void *answer_all(void *unused)
{
	go_oneshot *reply;
	int n = 0;

	(void)unused;
	for (; go_chan_recv(requests, &reply) == 0; n++)
		if (go_oneshot_send(reply, &n) != 0)
			return GO_INT(1);
	return NULL;
}

/* Each on the stack of who asks, gone as soon as it is answered. */
static void *ask(void *unused)
{
	int rounds = (int)test_rounds(2000);

	(void)unused;
	for (int i = 0; i < rounds; i++) {
		int answer = -1;
		go_oneshot o = GO_ONESHOT_INIT(&answer, sizeof(answer));
		go_oneshot *reply = &o;

		MUST(go_chan_send(requests, &reply) == 0);
		MUST(go_oneshot_recv(reply, NULL) == 0 && answer == i);
	}
	MUST(go_chan_close(requests) == 0);
	return NULL;
}

Test(oneshot, a_task_asks_a_thread, .timeout = 60)
{
	pthread_t thread;
	void *result;

	for (unsigned workers = 0; workers <= 2; workers++) {
		cr_assert_eq(go_chan_create(&requests, sizeof(void *), 1), 0);
		pthread_create(&thread, NULL, answer_all, NULL);
		if (workers)
			run_in(GO_MULTI_THREAD, workers, ask, NULL);
		else
			cr_assert_null(ask(NULL));
		pthread_join(thread, &result);
		cr_assert_null(result);
		cr_assert_eq(go_chan_destroy(requests), 0);
	}
}

/* ---- faults ---- */

#ifdef GO_TEST_HOOKS
static void *without_memory(void *arg)
{
	struct side *p = (struct side *)arg;

	test_fail_nth(GO__SYS_calloc, 1);
	p->result = go_oneshot_recv(p->o, &p->value);
	cr_expect(test_fail_stop());
	test_fail_nth(GO__SYS_calloc, 1);
	p->value = go_oneshot_wait_closed(p->o);
	cr_expect(test_fail_stop());
	return NULL;
}

Test(oneshot, no_memory_to_wait_with)
{
	int slot = 9;
	go_oneshot o = GO_ONESHOT_INIT(&slot, sizeof(slot));
	struct side p = {&o, 0, 1};
	pthread_t thread;

	pthread_create(&thread, NULL, without_memory, &p);
	pthread_join(thread, NULL);
	cr_assert(p.result == -ENOMEM && p.value == -ENOMEM);
	cr_assert_eq(go_oneshot_send(&o, &slot), 0);
	cr_assert_eq(go_oneshot_recv(&o, NULL), 0);
}
#endif
