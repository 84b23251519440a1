/* SPDX-License-Identifier: MIT */
/*
 * What the diagnostics cost that are on unless they are switched off: the
 * watchdog for tasks that hog a worker, and the look for deadlocks.  Yields of
 * two tasks, and empty tasks spawned and joined one by one, with and without.
 *
 * What cannot be switched off (the list of tasks, where each was spawned, what
 * each waits for: all of it for the dump) is counted in instructions, by
 * profile.sh, with the operation that it is a part of.
 *
 * usage: diagnostics [RUNS]
 */
#include "bench.h"

#include <gofer/runtime.h>
#include <gofer/time.h>

enum {
	YIELDS = 4000000,
	SPAWNS = 1000000
};

static void *yielder(void *unused)
{
	for (int i = 0; i < YIELDS / 2; i++)
		go_yield();
	return unused;
}

static void *empty(void *unused)
{
	return unused;
}

struct cost {
	double yield_ns, spawn_ns;
};

static void *measure_both(void *arg)
{
	struct cost *cost = arg;
	uint64_t began = bench_now();
	go_task task[2];

	for (int i = 0; i < 2; i++)
		bench_must(go_task_spawn(&task[i], yielder, NULL), "spawn");
	for (int i = 0; i < 2; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	cost->yield_ns = (double)(bench_now() - began) / YIELDS;
	began = bench_now();
	for (int i = 0; i < SPAWNS; i++) {
		bench_must(go_task_spawn(&task[0], empty, NULL), "spawn");
		bench_must(go_task_join(task[0], NULL), "join");
	}
	cost->spawn_ns = (double)(bench_now() - began) / SPAWNS;
	return NULL;
}

static struct cost measure(int64_t after_ns)
{
	go_runtime_options options = {.workers = 1,
				      .deadlock_after_ns = after_ns,
				      .stuck_after_ns = after_ns};
	struct cost cost = {0};

	bench_must(go_run_with(&options, measure_both, &cost, NULL), "run");
	return cost;
}

int main(int argc, char **argv)
{
	struct bench_series yield[2] = {BENCH_SERIES("yield, without", "ns"),
					BENCH_SERIES("yield, with", "ns")};
	struct bench_series spawn[2] = {
		BENCH_SERIES("spawn and join, without", "ns"),
		BENCH_SERIES("spawn and join, with", "ns")};
	int runs = bench_runs(argc, argv, 9);

	bench_pin(0);
	for (int i = 0; i < runs; i++)
		for (int with = 0; with < 2; with++) {
			struct cost cost = measure(with ? 0 : GO_NEVER);

			bench_add(&yield[with], cost.yield_ns);
			bench_add(&spawn[with], cost.spawn_ns);
		}
	bench_head("watchdog and look for deadlocks");
	bench_row(&yield[0], NULL);
	bench_row(&yield[1], &yield[0]);
	bench_row(&spawn[0], NULL);
	bench_row(&spawn[1], &spawn[0]);
	bench_figure("diagnostics.yield", 1, &yield[1], &yield[0]);
	bench_figure("diagnostics.spawn", 1, &spawn[1], &spawn[0]);
	return 0;
}
