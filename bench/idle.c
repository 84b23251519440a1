/* SPDX-License-Identifier: MIT */
/*
 * An idle runtime uses no CPU: its workers and its watchdog sleep in the
 * kernel, and nothing wakes them.
 *
 * A runtime with all its workers, in which tasks have run and a thousand are
 * parked, is left alone for some seconds, two by default.  The limit is the
 * same process, as long, without a runtime: what remains there is the measuring
 * itself.
 *
 * usage: idle [RUNS [SECONDS]]
 */
#include "bench.h"

#include <gofer/runtime.h>
#include <gofer/time.h>
#include <sys/resource.h>

enum {
	PARKED = 1000
};

static double seconds = 2;

struct window {
	double cpu_us;
	double switches;
};

static double switches_so_far(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return (double)(usage.ru_nvcsw + usage.ru_nivcsw);
}

static void do_nothing(double how_long)
{
	struct timespec t = {.tv_sec = (time_t)how_long};

	t.tv_nsec = (long)((how_long - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

static struct window look(void)
{
	struct window w;
	double switches;
	uint64_t cpu;

	do_nothing(0.2); /* for the caches to give back, the workers to sleep */
	switches = switches_so_far();
	cpu = bench_cpu();
	do_nothing(seconds);
	w.cpu_us = (double)(bench_cpu() - cpu) / 1e3;
	w.switches = switches_so_far() - switches;
	return w;
}

static void *sleeper(void *unused)
{
	(void)unused;
	go_sleep(GO_MILLISECOND);
	go_sleep_until(GO_NEVER);
	return NULL;
}

static void *spawn_sleepers(void *unused)
{
	(void)unused;
	for (int i = 0; i < PARKED; i++)
		bench_must(go_spawn(sleeper, NULL), "spawn");
	go_sleep(10 * GO_MILLISECOND);
	return NULL;
}

static struct window look_at_runtime(void)
{
	go_runtime *runtime;
	struct window w;

	bench_must(go_runtime_create(&runtime, NULL), "runtime");
	bench_must(go_runtime_block_on(runtime, spawn_sleepers, NULL, NULL),
		   "tasks");
	w = look();
	bench_must(go_runtime_shutdown(runtime, GO_NEVER), "shutdown");
	bench_must(go_runtime_destroy(runtime), "destroy");
	return w;
}

int main(int argc, char **argv)
{
	struct bench_series bare_cpu = BENCH_SERIES("no runtime", "us of CPU");
	struct bench_series bare_switches =
		BENCH_SERIES("no runtime", "context switches");
	struct bench_series cpu = BENCH_SERIES("idle runtime", "us of CPU");
	struct bench_series switches =
		BENCH_SERIES("idle runtime", "context switches");
	int runs = bench_runs(argc, argv, 5);

	if (argc > 2)
		seconds = atof(argv[2]);
	for (int i = 0; i < runs; i++) {
		struct window w = look();

		bench_add(&bare_cpu, w.cpu_us);
		bench_add(&bare_switches, w.switches);
		w = look_at_runtime();
		bench_add(&cpu, w.cpu_us);
		bench_add(&switches, w.switches);
	}
	printf("%g seconds of doing nothing, %d parked tasks\n", seconds,
	       PARKED);
	bench_head("");
	bench_row(&bare_cpu, NULL);
	bench_row(&cpu, NULL);
	bench_row(&bare_switches, NULL);
	bench_row(&switches, NULL);
	return 0;
}
