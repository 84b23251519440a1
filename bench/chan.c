/* SPDX-License-Identifier: MIT */
/*
 * What a channel costs, in nanoseconds per value: handed over by turns, through
 * a buffer, and among four senders and four receivers.
 *
 * The yardstick in the same round is what a program of pthreads would use: a
 * ring with a mutex and two condition variables, between as many threads.  For
 * the hand-over that ring has one slot and there are two of them.
 *
 * Between two parties it is measured on one CPU as well, where nobody waits for
 * another CPU to wake up.
 *
 * usage: chan [RUNS]
 */
#include "bench.h"

#include <gofer/chan.h>
#include <gofer/runtime.h>
#include <pthread.h>

enum {
	SLOTS = 128,
	MANY = 4,
};

/* ---- A ring of pthreads ------------------------------------------------ */

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	unsigned head, tail, slots;
	uint64_t value[SLOTS];
};

static void ring_send(struct ring *r, uint64_t value)
{
	pthread_mutex_lock(&r->lock);
	while (r->tail - r->head == r->slots)
		pthread_cond_wait(&r->emptied, &r->lock);
	r->value[r->tail++ % SLOTS] = value;
	pthread_mutex_unlock(&r->lock);
	pthread_cond_signal(&r->filled);
}

static uint64_t ring_receive(struct ring *r)
{
	uint64_t value;

	pthread_mutex_lock(&r->lock);
	while (r->tail == r->head)
		pthread_cond_wait(&r->filled, &r->lock);
	value = r->value[r->head++ % SLOTS];
	pthread_mutex_unlock(&r->lock);
	pthread_cond_signal(&r->emptied);
	return value;
}

/* ---- The work ---------------------------------------------------------- */

static struct {
	go_chan *chan[2];
	struct ring ring[2];
	unsigned each; /* Values per sender. */
} work;

static void *send_ours(void *unused)
{
	for (uint64_t i = 0; i < work.each; i++)
		bench_must(go_chan_send(work.chan[0], &i), "send");
	return unused;
}

static void *receive_ours(void *unused)
{
	uint64_t value;

	for (unsigned i = 0; i < work.each; i++)
		bench_must(go_chan_recv(work.chan[0], &value), "receive");
	return unused;
}

/* What comes in through the one goes back through the other. */
static void *answer_ours(void *unused)
{
	uint64_t value;

	for (unsigned i = 0; i < work.each; i++) {
		bench_must(go_chan_recv(work.chan[0], &value), "receive");
		bench_must(go_chan_send(work.chan[1], &value), "send");
	}
	return unused;
}

static void *ask_ours(void *unused)
{
	for (uint64_t i = 0; i < work.each; i++) {
		bench_must(go_chan_send(work.chan[0], &i), "send");
		bench_must(go_chan_recv(work.chan[1], &i), "receive");
	}
	return unused;
}

static void *send_theirs(void *unused)
{
	for (uint64_t i = 0; i < work.each; i++)
		ring_send(&work.ring[0], i);
	return unused;
}

static void *receive_theirs(void *unused)
{
	for (unsigned i = 0; i < work.each; i++)
		ring_receive(&work.ring[0]);
	return unused;
}

static void *answer_theirs(void *unused)
{
	for (unsigned i = 0; i < work.each; i++)
		ring_send(&work.ring[1], ring_receive(&work.ring[0]));
	return unused;
}

static void *ask_theirs(void *unused)
{
	for (uint64_t i = 0; i < work.each; i++) {
		ring_send(&work.ring[0], i);
		ring_receive(&work.ring[1]);
	}
	return unused;
}

/* ---- Measuring --------------------------------------------------------- */

struct setup {
	const char *title, *key;
	unsigned pairs, workers; /* Senders, and as many receivers. */
	unsigned slots;  /* Of the channel; the ring has one at least. */
	unsigned each;   /* Values per sender, between tasks. */
	unsigned slower; /* Threads get so many times fewer. */
	go_fn *ours[2], *theirs[2];
	unsigned values; /* Handed over per turn of a sender. */
};

static void *tasks(void *arg)
{
	const struct setup *s = arg;
	go_task task[2 * MANY];
	uint64_t began = bench_now();

	for (unsigned i = 0; i < 2 * s->pairs; i++)
		bench_must(go_task_spawn(&task[i], s->ours[i % 2], NULL),
			   "spawn");
	for (unsigned i = 0; i < 2 * s->pairs; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	return (void *)(uintptr_t)(bench_now() - began);
}

static double per_value(const struct setup *s, uint64_t ns)
{
	return (double)ns / work.each / s->pairs / s->values;
}

static double measure_ours(struct setup *s)
{
	go_runtime_options options = {.workers = s->workers};
	void *took = NULL;

	work.each = s->each;
	for (int i = 0; i < 2; i++)
		bench_must(go_chan_create(&work.chan[i], sizeof(uint64_t),
					  s->slots),
			   "channel");
	bench_must(go_run_with(&options, tasks, s, &took), "run");
	for (int i = 0; i < 2; i++)
		bench_must(go_chan_destroy(work.chan[i]), "destroy");
	return per_value(s, (uintptr_t)took);
}

static double measure_theirs(const struct setup *s)
{
	pthread_t thread[2 * MANY];
	uint64_t began;

	work.each = s->each / s->slower;
	for (int i = 0; i < 2; i++)
		work.ring[i] = (struct ring){
			.lock = PTHREAD_MUTEX_INITIALIZER,
			.filled = PTHREAD_COND_INITIALIZER,
			.emptied = PTHREAD_COND_INITIALIZER,
			.slots = s->slots ? s->slots : 1,
		};
	began = bench_now();
	for (unsigned i = 0; i < 2 * s->pairs; i++)
		bench_must(-pthread_create(&thread[i], NULL, s->theirs[i % 2],
					   NULL),
			   "thread");
	for (unsigned i = 0; i < 2 * s->pairs; i++)
		pthread_join(thread[i], NULL);
	return per_value(s, bench_now() - began);
}

static void compare(struct setup *s, int runs)
{
	struct bench_series threads = BENCH_SERIES("threads, a ring", "ns");
	struct bench_series gofer = BENCH_SERIES("tasks, go_chan", "ns");

	for (int i = 0; i < runs; i++) {
		bench_add(&threads, measure_theirs(s));
		bench_add(&gofer, measure_ours(s));
	}
	bench_head(s->title);
	bench_row(&threads, NULL);
	bench_row(&gofer, &threads);
	bench_figure(s->key, s->values, &gofer, &threads);
}

/* There and back, or all in one direction. */
#define BY_TURNS                                                               \
	.pairs = 1, .each = 500000, .slower = 20, .values = 2,                 \
	.ours = {ask_ours, answer_ours}, .theirs = {ask_theirs, answer_theirs}
#define ONE_WAY                                                                \
	.slots = SLOTS, .slower = 2, .values = 1,                              \
	.ours = {send_ours, receive_ours},                                     \
	.theirs = {send_theirs, receive_theirs}

static struct setup two_workers[] = {
	{"channel of 128, 1 to 1, two workers", "chan.1to1.2", ONE_WAY,
	 .workers = 2, .pairs = 1, .each = 1000000},
	{"channel of 128, 4 to 4, two workers", "chan.4to4.2", ONE_WAY,
	 .workers = 2, .pairs = MANY, .each = 250000},
	{"channel, there and back, two workers", "chan.pingpong.2", BY_TURNS,
	 .workers = 2},
};
static struct setup one_cpu[] = {
	{"channel of 128, 1 to 1, one CPU", "chan.1to1.1", ONE_WAY,
	 .workers = 1, .pairs = 1, .each = 1000000},
	{"channel, there and back, one CPU", "chan.pingpong.1", BY_TURNS,
	 .workers = 1},
};

int main(int argc, char **argv)
{
	int runs = bench_runs(argc, argv, 5);

	for (size_t i = 0; i < sizeof two_workers / sizeof two_workers[0]; i++)
		compare(&two_workers[i], runs);
	bench_pin(0);
	for (size_t i = 0; i < sizeof one_cpu / sizeof one_cpu[0]; i++)
		compare(&one_cpu[i], runs);
	return 0;
}
