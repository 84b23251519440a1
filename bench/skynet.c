/* SPDX-License-Identifier: MIT */
/*
 * Skynet: a task starts ten, each of them ten more, six levels deep; a million
 * leaves return their number, and every level adds up what its ten return.
 *
 * In nanoseconds per task, and megabytes at the peak of a process of its own.
 * The yardstick is the same tree of plain calls
 * through a pointer, on one thread.  (As many threads of the system are no
 * yardstick: they do not fit into it.)
 *
 * usage: skynet [RUNS [LEAVES]]
 */
#include "bench.h"

#include <gofer/runtime.h>

enum {
	BRANCHES = 10
};

struct node {
	int64_t first, leaves, sum;
};

static go_fn *volatile call; /* A call, not what the compiler makes of it. */

/* Ask for each branch's sum by `call`. */
static void *add_by_calls(void *arg)
{
	struct node *n = arg;

	if (n->leaves == 1) {
		n->sum = n->first;
		return NULL;
	}
	n->sum = 0;
	for (int i = 0; i < BRANCHES; i++) {
		struct node b = {.leaves = n->leaves / BRANCHES};

		b.first = n->first + i * b.leaves;
		call(&b);
		n->sum += b.sum;
	}
	return NULL;
}

static void *add_by_tasks(void *arg)
{
	struct node *n = arg, branch[BRANCHES];
	go_task task[BRANCHES];

	if (n->leaves == 1) {
		n->sum = n->first;
		return NULL;
	}
	for (int i = 0; i < BRANCHES; i++) {
		branch[i].leaves = n->leaves / BRANCHES;
		branch[i].first = n->first + i * branch[i].leaves;
		bench_must(go_task_spawn(&task[i], add_by_tasks, &branch[i]),
			   "spawn");
	}
	n->sum = 0;
	for (int i = 0; i < BRANCHES; i++) {
		bench_must(go_task_join(task[i], NULL), "join");
		n->sum += branch[i].sum;
	}
	return NULL;
}

static int64_t leaves = 1000000;

/* How long fn takes for the whole tree, per task. */
static void *measure(void *arg)
{
	go_fn *fn = *(go_fn **)arg;
	struct node root = {.leaves = leaves};
	uint64_t began = bench_now();

	(void)fn(&root);
	began = bench_now() - began;
	if (root.sum != leaves * (leaves - 1) / 2) {
		fprintf(stderr, "skynet: the sum is wrong\n");
		exit(1);
	}
	return (void *)(uintptr_t)began;
}

/* A leaf is a task too, and so are the nodes above it. */
static double nodes(void)
{
	double n = 0;

	for (int64_t level = leaves; level > 0; level /= BRANCHES)
		n += (double)level;
	return n;
}

static double by_calls(void)
{
	go_fn *fn = add_by_calls;

	call = add_by_calls;
	return (double)(uintptr_t)measure(&fn) / nodes();
}

/* In nanoseconds per task, and megabytes. */
struct cost {
	unsigned workers;
	double ns, mb;
};

static void by_tasks(void *arg)
{
	struct cost *cost = arg;
	go_runtime_options options = {.workers = cost->workers};
	go_fn *fn = add_by_tasks;
	void *ns = NULL;

	bench_must(go_run_with(&options, measure, &fn, &ns), "run");
	cost->ns = (double)(uintptr_t)ns / nodes();
	cost->mb = bench_peak_mb();
}

static void add(struct bench_series *ns, struct bench_series *mb, unsigned n)
{
	struct cost cost = {.workers = n};

	bench_in_process(by_tasks, &cost, sizeof cost);
	bench_add(ns, cost.ns);
	bench_add(mb, cost.mb);
}

int main(int argc, char **argv)
{
	struct bench_series calls = BENCH_SERIES("calls, one thread", "ns");
	struct bench_series one = BENCH_SERIES("tasks, one worker", "ns");
	struct bench_series two = BENCH_SERIES("tasks, two workers", "ns");
	struct bench_series one_mb = BENCH_SERIES("tasks, one worker", "MB");
	struct bench_series two_mb = BENCH_SERIES("tasks, two workers", "MB");
	int runs = bench_runs(argc, argv, 9);
	int64_t asked = argc > 2 ? atoll(argv[2]) : leaves;

	for (leaves = 1; leaves < asked; leaves *= BRANCHES)
		;
	for (int i = 0; i < runs; i++) {
		bench_add(&calls, by_calls());
		add(&one, &one_mb, 1);
		add(&two, &two_mb, 2);
	}
	printf("skynet, %lld leaves, per task\n", (long long)leaves);
	bench_head("");
	bench_row(&calls, NULL);
	bench_row(&one, &calls);
	bench_row(&two, &calls);
	bench_row(&one_mb, NULL);
	bench_row(&two_mb, NULL);
	bench_figure("skynet.1", nodes() / 1e6, &one, &calls);
	bench_figure("skynet.2", nodes() / 1e6, &two, &calls);
	bench_figure("skynet.mb.1", 1, &one_mb, NULL);
	bench_figure("skynet.mb.2", 1, &two_mb, NULL);
	return 0;
}
