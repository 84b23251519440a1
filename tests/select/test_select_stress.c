/* SPDX-License-Identifier: MIT */
/*
 * Selects under load: what is sent is received, once, and nothing else is.
 * More than a million selects in an ordinary run, which the test counts itself.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "../sched/everywhere.h"
#include "support.h"

enum {
	CHANNELS = 4,
	SIDES = 4,         /* Senders, and as many receivers. */
	VALUES = 160000,   /* Of all senders together, in one run. */
	SELECTS = 1000000, /* At least so many in all runs. */
};

struct plan {
	bool shoot;       /* Cancel everybody in the middle. */
	unsigned threads; /* Of the receivers so many are plain threads. */
};

static go_chan *chan[CHANNELS];
static uint64_t share;
static _Atomic uint64_t sent, received, sum_sent, sum_received, selects;
static _Atomic int wrong;

/* ---- both sides ---- */

static void add(_Atomic uint64_t *to, uint64_t n)
{
	/* relaxed: read after all have been joined. */
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

/* Each value once, to any of them; the first one tried stands there twice. */
static void *send_all(void *arg)
{
	uint64_t from = (uint64_t)GO_TO_INT(arg) * share, sum = 0, n = 0;

	for (uint64_t i = from; i < from + share; i++) {
		go_case k[CHANNELS + 1];
		int r;

		for (unsigned c = 0; c <= CHANNELS; c++)
			k[c] = GO_SEND(chan[(i + c) % CHANNELS], &i);
		r = go_select(k, CHANNELS + 1);
		if (r < 0 || k[r].result != 0) {
			if (r != -ECANCELED)
				atomic_store(&wrong, 1);
			break;
		}
		sum += i;
		n++;
	}
	add(&sent, n);
	add(&sum_sent, sum);
	add(&selects, n);
	return NULL;
}

/* Until all are closed. */
static void *receive_all(void *unused)
{
	uint64_t v[CHANNELS], sum = 0, n = 0, calls = 0;
	go_chan *from[CHANNELS];
	unsigned open = CHANNELS;

	(void)unused;
	memcpy(from, chan, sizeof(from));
	while (open > 0) {
		go_case k[CHANNELS];
		int r;

		for (unsigned c = 0; c < CHANNELS; c++)
			k[c] = GO_RECV(from[c], &v[c]);
		r = go_select(k, CHANNELS);
		calls++;
		if (r == -ECANCELED)
			break;
		if (r >= 0 && k[r].result == 0) {
			sum += v[r];
			n++;
		} else if (r >= 0 && k[r].result == -EPIPE) {
			from[r] = NULL;
			open--;
		} else {
			atomic_store(&wrong, 1);
			break;
		}
	}
	add(&received, n);
	add(&sum_received, sum);
	add(&selects, calls);
	return NULL;
}

static void receive_in_thread(void *unused)
{
	receive_all(unused);
}

/* Those that are not shot at end when all is sent and closed. */
static void *shoot_at(const go_task *out, const go_task *in, unsigned inside)
{
	for (unsigned i = test_random(200); i > 0; i--)
		go_yield();
	for (unsigned i = 0; i < SIDES; i++) {
		int r = go_task_cancel(out[i]);

		MUST(r == 0 || r == -ESRCH);
		go_yield();
	}
	for (unsigned i = 0; i < inside; i++)
		MUST(go_task_cancel(in[i]) == 0);
	return NULL;
}

static void *drain(void)
{
	uint64_t v, sum = 0, n = 0;

	for (unsigned c = 0; c < CHANNELS; c++) {
		while (go_chan_try_recv(chan[c], &v) == 0) {
			sum += v;
			n++;
		}
		MUST(go_chan_destroy(chan[c]) == 0);
	}
	add(&received, n);
	add(&sum_received, sum);
	return NULL;
}

static void *one_round(const struct plan *plan, uint64_t values)
{
	static const size_t capacity[CHANNELS] = {0, 1, 0, 3};
	unsigned inside = SIDES - plan->threads;
	go_task out[SIDES], in[SIDES];
	const char *error = NULL;

	share = values / SIDES;
	for (unsigned c = 0; c < CHANNELS; c++)
		MUST(go_chan_create(&chan[c], 8, capacity[c]) == 0);
	if (plan->threads)
		test_start_threads(plan->threads, receive_in_thread, NULL);
	for (unsigned i = 0; i < SIDES; i++) {
		if (i < inside)
			MUST(go_task_spawn(&in[i], receive_all, NULL) == 0);
		MUST(go_task_spawn(&out[i], send_all, GO_INT(i)) == 0);
	}
	if (plan->shoot)
		error = shoot_at(out, in, inside);
	MUST(!error);
	for (unsigned i = 0; i < SIDES; i++)
		MUST(go_task_join(out[i], NULL) == 0);
	for (unsigned c = 0; c < CHANNELS; c++)
		MUST(go_chan_close(chan[c]) == 0);
	for (unsigned i = 0; i < inside; i++)
		MUST(go_task_join(in[i], NULL) == 0);
	if (plan->threads)
		test_join_threads();
	return drain();
}

static void *run_plan(void *arg)
{
	const struct plan *plan = arg;
	uint64_t rounds = plan->shoot ? test_rounds(300) : 1;
	uint64_t values = plan->shoot ? VALUES : test_rounds(VALUES);

	for (uint64_t i = 0; i < rounds; i++) {
		void *error = one_round(plan, values);

		MUST(!error);
		MUST(atomic_load(&wrong) == 0);
		MUST(atomic_load(&sent) == atomic_load(&received));
		MUST(atomic_load(&sum_sent) == atomic_load(&sum_received));
	}
	return NULL;
}

static void on_all_workers(go_fn *body, void *arg)
{
	static const unsigned workers[] = {1, 2, 4, 16};

	for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
		run_in(GO_MULTI_THREAD, workers[i], body, arg);
	run_in(GO_HOME_THREAD, 4, body, arg);
}

Test(select_stress, conserves, .timeout = 280)
{
	struct plan plan = {.shoot = false};

	on_all_workers(run_plan, &plan);
	cr_assert_geq(atomic_load(&selects),
		      test_rounds(SELECTS) / SIDES * SIDES);
}

Test(select_stress, cancelling_conserves, .timeout = 280)
{
	struct plan plan = {.shoot = true};

	on_all_workers(run_plan, &plan);
}

Test(select_stress, threads_conserve, .timeout = 280)
{
	struct plan plan = {.threads = 2};

	on_all_workers(run_plan, &plan);
}

/* ---- select against select, crosswise ---- */

struct cross {
	go_chan *mine, *yours;
	uint64_t number, given, got, sum_given, sum_got, rounds;
};

/* Sends into one and receives from the other, whichever comes first. */
static void *cross(void *arg)
{
	struct cross *c = arg;

	for (uint64_t i = 0; i < c->rounds; i++) {
		uint64_t v = c->number + i, w = 0;
		go_case k[] = {GO_SEND(c->mine, &v), GO_RECV(c->yours, &w)};
		int r = go_select(k, 2);

		if (r < 0 || k[r].result != 0)
			break;
		c->given += r == 0;
		c->sum_given += r == 0 ? v : 0;
		c->got += r == 1;
		c->sum_got += r == 1 ? w : 0;
	}
	return NULL;
}

/* Each meeting is a select of both, so both come to their end together. */
static void *cross_two(void *unused)
{
	struct cross c[2] = {{.number = 1000000}, {.number = 5000000}};
	go_task t[2];

	(void)unused;
	c[0].rounds = c[1].rounds = test_rounds(40000);
	MUST(go_chan_create(&c[0].mine, 8, 0) == 0);
	MUST(go_chan_create(&c[1].mine, 8, 0) == 0);
	for (int i = 0; i < 2; i++) {
		c[i].yours = c[!i].mine;
		MUST(go_task_spawn(&t[i], cross, &c[i]) == 0);
	}
	for (int i = 0; i < 2; i++)
		MUST(go_task_join(t[i], NULL) == 0);
	for (int i = 0; i < 2; i++) {
		MUST(c[i].given + c[i].got == c[i].rounds);
		MUST(c[i].given == c[!i].got);
		MUST(c[i].sum_given == c[!i].sum_got);
	}
	for (int i = 0; i < 2; i++)
		MUST(go_chan_destroy(c[i].mine) == 0);
	return NULL;
}

Test(select_stress, select_against_select, .timeout = 280)
{
	on_all_workers(cross_two, NULL);
}

/* ---- a descriptor and a channel ---- */

struct feed {
	go_chan *chan;
	int fd[2];
	uint64_t count;
	go_task task;
};

static void *feed_bytes(void *arg)
{
	const struct feed *f = arg;

	for (uint64_t i = 0; i < f->count; i++)
		if (go_write(f->fd[1], "x", 1) != 1)
			return GO_INT(1);
	return NULL;
}

static void *feed_values(void *arg)
{
	const struct feed *f = arg;

	for (uint64_t i = 0; i < f->count; i++)
		if (go_chan_send(f->chan, &i) != 0)
			return GO_INT(1);
	return NULL;
}

/* Reads each byte and value that is fed, and finds nothing that was not. */
static void *eat(void *arg)
{
	const struct feed *f = arg;
	uint64_t bytes = 0, values = 0, v = 0;

	while (bytes < f->count || values < f->count) {
		go_case k[] = {GO_READABLE(f->fd[0]), GO_RECV(f->chan, &v)};
		int r = go_select(k, 2);
		char b[4];

		if (r < 0 || k[r].result != 0)
			return GO_INT(1);
		if (r == 1 && v != values++)
			return GO_INT(2);
		if (r == 0)
			bytes += (uint64_t)go_read(f->fd[0], b, sizeof(b));
	}
	return bytes == values ? NULL : GO_INT(3);
}

static void *feed_and_eat(void *unused)
{
	static struct feed f[SIDES];
	static go_fn *const part[] = {eat, feed_bytes, feed_values};
	go_task t[SIDES][3];
	void *result;

	(void)unused;
	for (int i = 0; i < SIDES; i++) {
		f[i].count = test_rounds(5000);
		MUST(go_chan_create(&f[i].chan, 8, 0) == 0);
		MUST(go_pipe(f[i].fd) == 0);
		for (int p = 0; p < 3; p++)
			MUST(go_task_spawn(&t[i][p], part[p], &f[i]) == 0);
	}
	for (int i = 0; i < SIDES; i++) {
		for (int p = 0; p < 3; p++) {
			MUST(go_task_join(t[i][p], &result) == 0);
			MUST(result == NULL);
		}
		MUST(go_chan_destroy(f[i].chan) == 0);
		MUST(go_close(f[i].fd[0]) == 0 && go_close(f[i].fd[1]) == 0);
	}
	return NULL;
}

Test(select_stress, descriptors_and_channels, .timeout = 280)
{
	on_all_workers(feed_and_eat, NULL);
}
