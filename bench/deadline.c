/* SPDX-License-Identifier: MIT */
/*
 * What a deadline costs, in nanoseconds: a scope around nothing, one around an
 * operation that is ready, and one around a wait, whose timer is armed and then
 * cancelled because the wait ends in time.
 *
 * The yardstick of each is the same without a scope, in the same round.  In the
 * last one the deadline is an absolute one around all waits: what it adds to a
 * wait is arming and cancelling a timer, and no clock is read.
 *
 * usage: deadline [RUNS]
 */
#include "bench.h"

#include <gofer/chan.h>
#include <gofer/deadline.h>
#include <gofer/runtime.h>

enum {
	TURNS = 1000000
};

static go_chan *ready, *there, *back;

static uint64_t clocks(bool scope)
{
	uint64_t began = bench_now();

	for (unsigned i = 0; i < TURNS; i++) {
		if (scope) {
			GO_TIMEOUT(GO_SECOND);
		} else {
			go_now();
		}
	}
	return bench_now() - began;
}

/* A value into a buffer and out again. */
static void touch(void)
{
	int n = 1;

	bench_must(go_chan_send(ready, &n), "send");
	bench_must(go_chan_recv(ready, &n), "receive");
}

static uint64_t touches(bool scope)
{
	uint64_t began = bench_now();

	for (unsigned i = 0; i < TURNS; i++) {
		if (scope) {
			GO_TIMEOUT(GO_SECOND);
			touch();
		} else {
			touch();
		}
	}
	return bench_now() - began;
}

static void *answer(void *unused)
{
	int n;

	while (go_chan_recv(there, &n) == 0)
		bench_must(go_chan_send(back, &n), "answer");
	return unused;
}

static void ask(void)
{
	int n = 1;

	bench_must(go_chan_send(there, &n), "send");
	bench_must(go_chan_recv(back, &n), "receive");
}

static uint64_t asks(bool scope)
{
	uint64_t began = bench_now();

	for (unsigned i = 0; i < TURNS; i++) {
		if (scope) {
			GO_TIMEOUT(GO_SECOND);
			ask();
		} else {
			ask();
		}
	}
	return bench_now() - began;
}

/* Within one deadline: to arm a timer and cancel it is left in each turn. */
static uint64_t armed(void)
{
	GO_DEADLINE(go_now() + 3600 * GO_SECOND);
	return asks(false);
}

static uint64_t (*const kinds[])(bool scope) = {clocks, touches, asks};

enum {
	KINDS = 3
};

static struct bench_series bare[KINDS] = {
	BENCH_SERIES("reading the clock", "ns"),
	BENCH_SERIES("ready channel, no deadline", "ns"),
	BENCH_SERIES("there and back, no deadline", "ns"),
};
static struct bench_series scoped[KINDS] = {
	BENCH_SERIES("GO_TIMEOUT around nothing", "ns"),
	BENCH_SERIES("ready channel, GO_TIMEOUT", "ns"),
	BENCH_SERIES("there and back, GO_TIMEOUT", "ns"),
};

static struct bench_series arming =
	BENCH_SERIES("arm and cancel a timer", "ns");

static void *measure(void *unused)
{
	go_task t;

	bench_must(go_chan_create(&ready, sizeof(int), 1), "channel");
	bench_must(go_chan_create(&there, sizeof(int), 0), "channel");
	bench_must(go_chan_create(&back, sizeof(int), 0), "channel");
	bench_must(go_task_spawn(&t, answer, NULL), "spawn");
	for (int i = 0; i < KINDS; i++) {
		bench_add(&bare[i], (double)kinds[i](false) / TURNS);
		bench_add(&scoped[i], (double)kinds[i](true) / TURNS);
	}
	bench_add(&arming, ((double)armed() - (double)asks(false)) / TURNS);
	go_chan_close(there);
	bench_must(go_task_join(t, NULL), "join");
	go_chan_destroy(ready);
	go_chan_destroy(there);
	go_chan_destroy(back);
	return unused;
}

int main(int argc, char **argv)
{
	go_runtime_options options = {.workers = 1};
	int runs = bench_runs(argc, argv, 9);

	bench_pin(0);
	for (int i = 0; i < runs; i++)
		bench_must(go_run_with(&options, measure, NULL, NULL), "run");
	bench_head("deadlines, one worker");
	for (int i = 0; i < KINDS; i++) {
		bench_row(&bare[i], NULL);
		bench_row(&scoped[i], &bare[i]);
	}
	bench_row(&arming, NULL);
	bench_figure("timer.arm", 1, &arming, NULL);
	return 0;
}
