/* SPDX-License-Identifier: MIT */
/* Channels under load: what is sent is received, once, and nothing else is. */
#include <errno.h>
#include <stdatomic.h>

#include "../sched/everywhere.h"
#include "support.h"

enum {
	SIDES = 4,         /* Senders, and as many receivers. */
	MESSAGES = 700000, /* All senders together, in one run. */
};

static go_chan *c;
static _Atomic uint64_t sent, received, sum_sent, sum_received;
static uint64_t share;

static void *send_all(void *arg)
{
	uint64_t from = (uint64_t)GO_TO_INT(arg) * share, sum = 0, n = 0;

	for (uint64_t i = from; i < from + share; i++) {
		if (go_chan_send(c, &i) != 0)
			break;
		sum += i;
		n++;
	}
	/* relaxed, as below: read after all have been joined. */
	atomic_fetch_add_explicit(&sent, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&sum_sent, sum, memory_order_relaxed);
	return NULL;
}

static void *receive_all(void *unused)
{
	uint64_t value, sum = 0, n = 0;

	(void)unused;
	while (go_chan_recv(c, &value) == 0) {
		sum += value;
		n++;
	}
	/* relaxed: read after all have been joined. */
	atomic_fetch_add_explicit(&received, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&sum_received, sum, memory_order_relaxed);
	return NULL;
}

static void *many_to_many(void *arg)
{
	go_task in[SIDES], out[SIDES];
	size_t capacity = *(size_t *)arg, left = 0;
	uint64_t value;

	share = test_rounds(MESSAGES) / SIDES;
	atomic_store(&sent, 0);
	atomic_store(&received, 0);
	atomic_store(&sum_sent, 0);
	atomic_store(&sum_received, 0);
	MUST(go_chan_create(&c, 8, capacity) == 0);
	for (int i = 0; i < SIDES; i++) {
		MUST(go_task_spawn(&in[i], receive_all, NULL) == 0);
		MUST(go_task_spawn(&out[i], send_all, GO_INT(i)) == 0);
	}
	for (int i = 0; i < SIDES; i++)
		MUST(go_task_join(out[i], NULL) == 0);
	MUST(go_chan_close(c) == 0);
	for (int i = 0; i < SIDES; i++)
		MUST(go_task_join(in[i], NULL) == 0);
	while (go_chan_try_recv(c, &value) == 0)
		left++;
	MUST(left == 0);
	MUST(atomic_load(&sent) == share * SIDES);
	MUST(atomic_load(&sent) == atomic_load(&received));
	MUST(atomic_load(&sum_sent) == atomic_load(&sum_received));
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

/* With 3 capacities on 4 numbers of workers, and a send and a receive for each
 * message: 16 million operations. */
static void on_all_workers(go_fn *body, size_t capacity)
{
	run_in(GO_MULTI_THREAD, 1, body, &capacity);
	run_in(GO_MULTI_THREAD, 2, body, &capacity);
	run_in(GO_MULTI_THREAD, 4, body, &capacity);
	run_in(GO_MULTI_THREAD, 16, body, &capacity);
}

Test(chan_stress, rendezvous_conserves, .timeout = 280)
{
	on_all_workers(many_to_many, 0);
}

Test(chan_stress, bounded_conserves, .timeout = 280)
{
	on_all_workers(many_to_many, 5);
}

Test(chan_stress, unbounded_conserves, .timeout = 280)
{
	on_all_workers(many_to_many, GO_CHAN_UNBOUNDED);
}

/* ---- cancelled and closed in the middle ---- */

static void *shot_at(void *arg)
{
	go_task in[SIDES], out[SIDES];
	size_t capacity = *(size_t *)arg;
	uint64_t rounds = test_rounds(400), value;

	share = 1000000;
	for (uint64_t round = 0; round < rounds; round++) {
		atomic_store(&sent, 0);
		atomic_store(&received, 0);
		atomic_store(&sum_sent, 0);
		atomic_store(&sum_received, 0);
		MUST(go_chan_create(&c, 8, capacity) == 0);
		for (int i = 0; i < SIDES; i++) {
			MUST(go_task_spawn(&in[i], receive_all, NULL) == 0);
			MUST(go_task_spawn(&out[i], send_all, GO_INT(i)) == 0);
		}
		for (unsigned i = test_random(50); i > 0; i--)
			go_yield();
		for (int i = 0; i < SIDES; i++) {
			MUST(go_task_cancel(in[i]) == 0);
			go_yield();
			MUST(go_task_cancel(out[i]) == 0);
		}
		for (int i = 0; i < SIDES; i++) {
			MUST(go_task_join(in[i], NULL) == 0);
			MUST(go_task_join(out[i], NULL) == 0);
		}
		while (go_chan_try_recv(c, &value) == 0) {
			atomic_fetch_add(&received, 1);
			atomic_fetch_add(&sum_received, value);
		}
		MUST(atomic_load(&sent) == atomic_load(&received));
		MUST(atomic_load(&sum_sent) == atomic_load(&sum_received));
		MUST(go_chan_destroy(c) == 0);
	}
	return NULL;
}

Test(chan_stress, cancelling_conserves, .timeout = 280)
{
	on_all_workers(shot_at, 0);
	on_all_workers(shot_at, 3);
}
