/* SPDX-License-Identifier: MIT */
/*
 * What a task costs from spawn to join, in nanoseconds: an empty one, in
 * batches of a thousand on one worker and on two, and one by one.
 *
 * The limit is what a program without tasks would do with the same work: take a
 * block from a free list, queue it, call its function through the pointer,
 * hand over the result, give the block back.
 *
 * usage: spawn [RUNS]
 */
#include "bench.h"

#include <gofer/runtime.h>

enum {
	BATCH = 1000,
	BATCHES = 1000,
	TOTAL = BATCH * BATCHES
};

static uint64_t took_ns;

static void *empty(void *arg)
{
	return arg;
}

/* ---- gofer ------------------------------------------------------------- */

static void *in_batches(void *unused)
{
	static go_task task[BATCH];

	(void)unused;
	took_ns = bench_now();
	for (int b = 0; b < BATCHES; b++) {
		for (int i = 0; i < BATCH; i++)
			bench_must(go_task_spawn(&task[i], empty, NULL),
				   "spawn");
		for (int i = 0; i < BATCH; i++)
			bench_must(go_task_join(task[i], NULL), "join");
	}
	took_ns = bench_now() - took_ns;
	return NULL;
}

static void *one_by_one(void *unused)
{
	go_task task;

	(void)unused;
	took_ns = bench_now();
	for (int i = 0; i < TOTAL; i++) {
		bench_must(go_task_spawn(&task, empty, NULL), "spawn");
		bench_must(go_task_join(task, NULL), "join");
	}
	took_ns = bench_now() - took_ns;
	return NULL;
}

/* Nobody waits for them: the batch is over when its last task has run. */
static unsigned ran;

static void *count(void *unused)
{
	(void)unused;
	ran++; /* one worker: no two at a time */
	return NULL;
}

static void *detached(void *unused)
{
	(void)unused;
	took_ns = bench_now();
	for (int b = 0; b < BATCHES; b++) {
		ran = 0;
		for (int i = 0; i < BATCH; i++)
			bench_must(go_spawn(count, NULL), "spawn");
		while (ran < BATCH)
			go_yield();
	}
	took_ns = bench_now() - took_ns;
	return NULL;
}

static double measure(go_fn *fn, unsigned workers)
{
	go_runtime_options options = {.workers = workers};

	bench_must(go_run_with(&options, fn, NULL, NULL), "run");
	return (double)took_ns / TOTAL;
}

/* ---- The limit --------------------------------------------------------- */

struct job {
	struct job *next;
	go_fn *fn;
	void *arg, *result;
};

static struct job *unused_jobs;

static struct job *job_spawn(struct job **queue, go_fn *fn)
{
	struct job *job = unused_jobs;

	unused_jobs = job->next;
	job->fn = fn;
	job->arg = NULL;
	job->next = *queue;
	*queue = job;
	return job;
}

static void job_run_all(struct job **queue)
{
	for (struct job *job = *queue; job; job = job->next)
		job->result = job->fn(job->arg);
	*queue = NULL;
}

static void *job_join(struct job *job)
{
	job->next = unused_jobs;
	unused_jobs = job;
	return job->result;
}

static double measure_calls(void)
{
	static struct job jobs[BATCH], *job[BATCH];
	go_fn *volatile fn =
		empty; /* a call, not what the compiler makes of it */
	struct job *queue = NULL;

	unused_jobs = NULL;
	for (int i = 0; i < BATCH; i++)
		job_join(&jobs[i]);
	took_ns = bench_now();
	for (int b = 0; b < BATCHES; b++) {
		for (int i = 0; i < BATCH; i++)
			job[i] = job_spawn(&queue, fn);
		job_run_all(&queue);
		for (int i = 0; i < BATCH; i++)
			job_join(job[i]);
	}
	took_ns = bench_now() - took_ns;
	return (double)took_ns / TOTAL;
}

/* ------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
	struct bench_series calls =
		BENCH_SERIES("queued calls, no tasks", "ns");
	struct bench_series batches =
		BENCH_SERIES("spawn + run + join, batches", "ns");
	struct bench_series single =
		BENCH_SERIES("spawn + run + join, one by one", "ns");
	struct bench_series alone =
		BENCH_SERIES("spawn + run, nobody joins", "ns");
	struct bench_series two =
		BENCH_SERIES("spawn + run + join, batches", "ns");
	int runs = bench_runs(argc, argv, 9);

	for (int i = 0; i < runs; i++)
		bench_add(&two, measure(in_batches, 2));
	bench_pin(0);
	for (int i = 0; i < runs; i++) {
		bench_add(&calls, measure_calls());
		bench_add(&batches, measure(in_batches, 1));
		bench_add(&single, measure(one_by_one, 1));
		bench_add(&alone, measure(detached, 1));
	}
	bench_head("empty tasks, one worker");
	bench_row(&calls, NULL);
	bench_row(&batches, &calls);
	bench_row(&single, &calls);
	bench_row(&alone, &calls);
	bench_head("empty tasks, two workers");
	bench_row(&two, &calls);
	bench_figure("spawn.batch.1", 1, &batches, &calls);
	bench_figure("spawn.batch.2", 1, &two, &calls);
	bench_figure("spawn.one", 1, &single, &calls);
	return 0;
}
