/* SPDX-License-Identifier: MIT */
/*
 * Channels under load: what is sent is received, once, and nothing else is.
 * Ten million operations in an ordinary run, which the test counts itself.
 */
#include <errno.h>
#include <stdatomic.h>

#include "../sched/everywhere.h"
#include "support.h"

enum {
	SIDES = 4,             /* Senders, and as many receivers. */
	OPERATIONS = 10000000, /* Of all runs together. */
	RUNS = 15,             /* 3 capacities, 5 kinds of runtimes. */
};

struct plan {
	size_t capacity;
	uint64_t rounds, each; /* Values per sender and round. */
	bool shoot;            /* Cancel everybody in the middle. */
};

static go_chan *c;
static uint64_t share;
static _Atomic uint64_t sent, received, sum_sent, sum_received;
static _Atomic uint64_t operations; /* Sends and receives of all runs. */

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

static void reset(uint64_t each)
{
	share = each;
	atomic_store(&sent, 0);
	atomic_store(&received, 0);
	atomic_store(&sum_sent, 0);
	atomic_store(&sum_received, 0);
}

/* Cancel all of them in turn, at any moment. */
static void *shoot_at(const go_task *in, const go_task *out)
{
	int r;

	for (unsigned i = test_random(50); i > 0; i--)
		go_yield();
	for (int i = 0; i < SIDES; i++) {
		MUST(go_task_cancel(in[i]) == 0);
		go_yield();
		r = go_task_cancel(out[i]);
		MUST(r == 0 || r == -ESRCH); /* It may have sent all. */
	}
	return NULL;
}

static void *exchange(const struct plan *plan)
{
	go_task in[SIDES], out[SIDES];
	uint64_t value, left = 0;
	void *wrong = NULL;

	reset(plan->each);
	MUST(go_chan_create(&c, sizeof value, plan->capacity) == 0);
	for (int i = 0; i < SIDES; i++) {
		MUST(go_task_spawn(&in[i], receive_all, NULL) == 0);
		MUST(go_task_spawn(&out[i], send_all, GO_INT(i)) == 0);
	}
	if (plan->shoot)
		wrong = shoot_at(in, out);
	MUST(!wrong);
	MUST(go_join_all(out, SIDES, NULL) == 0);
	MUST(plan->shoot || go_chan_close(c) == 0);
	MUST(go_join_all(in, SIDES, NULL) == 0);
	for (; go_chan_try_recv(c, &value) == 0; left++)
		atomic_fetch_add(&sum_received, value);
	MUST(plan->shoot || left == 0);
	MUST(plan->shoot || atomic_load(&sent) == share * SIDES);
	MUST(atomic_load(&sent) == atomic_load(&received) + left);
	MUST(atomic_load(&sum_sent) == atomic_load(&sum_received));
	MUST(go_chan_destroy(c) == 0);
	atomic_fetch_add(&operations, atomic_load(&sent));
	atomic_fetch_add(&operations, atomic_load(&received));
	return NULL;
}

static void *exchange_often(void *arg)
{
	const struct plan *plan = arg;
	void *wrong = NULL;

	for (uint64_t i = 0; i < plan->rounds && !wrong; i++)
		wrong = exchange(plan);
	return wrong;
}

static void on_all_workers(size_t capacity, uint64_t rounds, uint64_t each,
			   bool shoot)
{
	struct plan plan = {capacity, rounds, each, shoot};

	run_in(GO_MULTI_THREAD, 1, exchange_often, &plan);
	run_in(GO_MULTI_THREAD, 2, exchange_often, &plan);
	run_in(GO_MULTI_THREAD, 4, exchange_often, &plan);
	run_in(GO_MULTI_THREAD, 16, exchange_often, &plan);
	run_in(GO_HOME_THREAD, 4, exchange_often, &plan);
}

Test(chan_stress, ten_million_operations_conserve, .timeout = 280)
{
	uint64_t goal = test_rounds(OPERATIONS);
	uint64_t each = goal / (2 * SIDES * RUNS) + 1;

	on_all_workers(0, 1, each, false);
	on_all_workers(5, 1, each, false);
	on_all_workers(GO_CHAN_UNBOUNDED, 1, each, false);
	cr_assert_geq(atomic_load(&operations), goal);
}

Test(chan_stress, cancelling_conserves, .timeout = 280)
{
	on_all_workers(0, test_rounds(400), 1000000, true);
	on_all_workers(3, test_rounds(400), 1000000, true);
}
