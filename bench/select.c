/* SPDX-License-Identifier: MIT */
/*
 * What a select over four channels costs, in nanoseconds: when one of them is
 * ready, when all are, and when it has to wait.
 *
 * The yardstick in the same round is the same work with a plain receive from
 * one channel.  A turn is a receive and a send; of the blocked ones each parks
 * the receiver, on one worker.
 *
 * usage: select [RUNS]
 */
#include "bench.h"

#include <gofer/chan.h>
#include <gofer/runtime.h>
#include <gofer/select.h>

enum {
	TURNS = 1000000,
	CHANNELS = 4
};

static go_chan *chan[CHANNELS];
static uint64_t took_ns;

/* Receive by a select over all; returns from which. */
static int receive_any(void)
{
	uint64_t v[CHANNELS];
	go_case k[CHANNELS];
	int r;

	for (int i = 0; i < CHANNELS; i++)
		k[i] = GO_RECV(chan[i], &v[i]);
	r = go_select(k, CHANNELS);
	bench_must(r, "select");
	bench_must(k[r].result, "select");
	return r;
}

static int receive_one(void)
{
	uint64_t v;

	bench_must(go_chan_recv(chan[0], &v), "receive");
	return 0;
}

/* Each value that comes is sent back to where it came from. */
static void turn_ready(int (*receive)(void), int filled)
{
	uint64_t v = 1;

	for (int i = 0; i < filled; i++)
		bench_must(go_chan_send(chan[i], &v), "send");
	took_ns = bench_now();
	for (int i = 0; i < TURNS; i++)
		bench_must(go_chan_send(chan[receive()], &v), "send");
	took_ns = bench_now() - took_ns;
	for (int i = 0; i < filled; i++)
		bench_must(go_chan_recv(chan[i], &v), "receive");
}

static void *send_to_all(void *unused)
{
	for (uint64_t i = 0; i < TURNS; i++)
		bench_must(go_chan_send(chan[i % CHANNELS], &i), "send");
	return unused;
}

static void *send_to_one(void *unused)
{
	for (uint64_t i = 0; i < TURNS; i++)
		bench_must(go_chan_send(chan[0], &i), "send");
	return unused;
}

static void turn_blocked(int (*receive)(void), go_fn *sender)
{
	go_task task;

	bench_must(go_task_spawn(&task, sender, NULL), "spawn");
	took_ns = bench_now();
	for (int i = 0; i < TURNS; i++)
		(void)receive();
	took_ns = bench_now() - took_ns;
	bench_must(go_task_join(task, NULL), "join");
}

/* ---- Measurements -------------------------------------------------------- */

enum {
	ONE_READY,
	ALL_READY,
	BLOCKED,
	SELECT = 8 /* Added: by select. */
};

static void *measure_one(void *arg)
{
	int what = GO_TO_INT(arg);
	int (*receive)(void) = what & SELECT ? receive_any : receive_one;
	size_t capacity = what & BLOCKED ? 0 : 1;

	for (int i = 0; i < CHANNELS; i++)
		bench_must(go_chan_create(&chan[i], 8, capacity), "channel");
	if (what & BLOCKED)
		turn_blocked(receive,
			     what & SELECT ? send_to_all : send_to_one);
	else
		turn_ready(receive, what & ALL_READY ? CHANNELS : 1);
	for (int i = 0; i < CHANNELS; i++)
		bench_must(go_chan_destroy(chan[i]), "channel");
	return NULL;
}

static double measure(int what)
{
	go_runtime_options options = {.workers = 1};

	bench_must(go_run_with(&options, measure_one, GO_INT(what), NULL),
		   "run");
	return (double)took_ns / TURNS;
}

static void compare(const char *key, const char *title, int what, int runs)
{
	struct bench_series plain = BENCH_SERIES("go_chan_recv", "ns");
	struct bench_series select = BENCH_SERIES("go_select", "ns");

	for (int i = 0; i < runs; i++) {
		bench_add(&plain, measure(what));
		bench_add(&select, measure(what | SELECT));
	}
	bench_head(title);
	bench_row(&plain, NULL);
	bench_row(&select, &plain);
	bench_figure(key, 1, &select, &plain);
}

int main(int argc, char **argv)
{
	int runs = bench_runs(argc, argv, 5);

	bench_pin(0);
	compare("select.one", "select over four, one ready", ONE_READY, runs);
	compare("select.all", "select over four, all ready", ALL_READY, runs);
	compare("select.wait", "select over four, blocked", BLOCKED, runs);
	return 0;
}
