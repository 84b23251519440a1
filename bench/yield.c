/* SPDX-License-Identifier: MIT */
/*
 * What a turn through the scheduler costs: tasks that do nothing but go_yield()
 * on one worker, in nanoseconds per yield.
 *
 * The limit is the same round on the same number of stacks without a
 * scheduler: each context switches to its neighbour.  Two stacks show the code,
 * a thousand show what the caches add.
 *
 * usage: yield [RUNS]
 */
#include "bench.h"

#include "arch/context.h"

#include <gofer/runtime.h>
#include <sys/mman.h>

enum {
	TURNS = 4000000,
	MOST = 1000,
	STACK = 65536
};

static unsigned tasks;
static uint64_t took_ns;

/* ---- gofer ------------------------------------------------------------- */

static void *yielder(void *unused)
{
	unsigned rounds = TURNS / tasks;

	(void)unused;
	while (rounds-- > 0)
		go_yield();
	return NULL;
}

static void *spawn_yielders(void *unused)
{
	static go_task task[MOST];

	(void)unused;
	for (unsigned i = 0; i < tasks; i++)
		bench_must(go_task_spawn(&task[i], yielder, NULL), "spawn");
	took_ns = bench_now();
	for (unsigned i = 0; i < tasks; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	took_ns = bench_now() - took_ns;
	return NULL;
}

static double measure_yield(enum go_flavour flavour)
{
	go_runtime_options options = {.flavour = (int)flavour, .workers = 1};

	bench_must(go_run_with(&options, spawn_yielders, NULL, NULL), "run");
	return (double)took_ns / TURNS;
}

/* ---- The limit --------------------------------------------------------- */

static struct go__context ring[MOST];
static unsigned running; /* index of the context that runs */
static unsigned turns;
static struct go__context *caller;

__attribute__((noinline)) static void to_neighbour(void)
{
	struct go__context *from = &ring[running];

	running = running + 1 < tasks ? running + 1 : 0;
	if (++turns == TURNS)
		go__context_switch(from, caller);
	go__context_switch(from, &ring[running]);
}

static void turn_for_ever(void)
{
	for (;;)
		to_neighbour();
}

static double measure_ring(void)
{
	size_t bytes = (size_t)tasks * STACK;
	char *stacks = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		bench_must(-1, "stacks");
	/* Not all tops in the same cache set: as the library does it. */
	for (unsigned i = 0; i < tasks; i++) {
		char *low = stacks + (size_t)i * STACK;

		go__context_prepare(&ring[i], low, low + STACK - i % 16 * 64,
				    turn_for_ever);
	}
	caller = go__self();
	running = 0;
	turns = 0;
	took_ns = bench_now();
	go__context_switch(caller, &ring[0]);
	took_ns = bench_now() - took_ns;
	for (unsigned i = 0; i < tasks; i++)
		go__context_release(&ring[i]);
	munmap(stacks, bytes);
	return (double)took_ns / TURNS;
}

/* ------------------------------------------------------------------------ */

static void compare(unsigned n, int runs)
{
	struct bench_series limit =
		BENCH_SERIES("bare switches in a ring", "ns");
	struct bench_series multi =
		BENCH_SERIES("go_yield, one worker of many", "ns");
	struct bench_series current =
		BENCH_SERIES("go_yield, current thread", "ns");
	char title[64];

	tasks = n;
	for (int i = 0; i < runs; i++) {
		bench_add(&limit, measure_ring());
		bench_add(&multi, measure_yield(GO_MULTI_THREAD));
		bench_add(&current, measure_yield(GO_CURRENT_THREAD));
	}
	snprintf(title, sizeof title, "yield, %u tasks", n);
	bench_head(title);
	bench_row(&limit, NULL);
	bench_row(&multi, &limit);
	bench_row(&current, &limit);
	snprintf(title, sizeof title, "yield.%u", n);
	bench_figure(title, 1, &multi, &limit);
}

int main(int argc, char **argv)
{
	int runs = bench_runs(argc, argv, 9);

	bench_pin(0);
	compare(2, runs);
	compare(MOST, runs);
	return 0;
}
