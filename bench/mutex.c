/* SPDX-License-Identifier: MIT */
/*
 * What a mutex costs, free and contended, in nanoseconds per lock and unlock.
 *
 * The yardstick is a pthread_mutex in the same round.  Contended: eight tasks
 * on one worker or on two, or as many threads as workers, that do nothing else.
 *
 * usage: mutex [RUNS]
 */
#include "bench.h"

#include <gofer/runtime.h>
#include <gofer/sync.h>
#include <pthread.h>

enum {
	TURNS = 2000000,
	TASKS = 8,
	THREADS = 2
};

static go_mutex ours = GO_MUTEX_INIT;
static pthread_mutex_t theirs = PTHREAD_MUTEX_INITIALIZER;
static unsigned parties;
static uint64_t took_ns;
static volatile uint64_t shared; /* Under the mutex. */

static void *use_ours(void *unused)
{
	(void)unused;
	for (unsigned n = TURNS / parties; n > 0; n--) {
		go_mutex_lock(&ours);
		shared = shared + 1;
		go_mutex_unlock(&ours);
	}
	return NULL;
}

static void *use_theirs(void *unused)
{
	(void)unused;
	for (unsigned n = TURNS / parties; n > 0; n--) {
		pthread_mutex_lock(&theirs);
		shared = shared + 1;
		pthread_mutex_unlock(&theirs);
	}
	return NULL;
}

static void *tasks(void *unused)
{
	go_task task[TASKS];

	(void)unused;
	took_ns = bench_now();
	for (unsigned i = 0; i < parties; i++)
		bench_must(go_task_spawn(&task[i], use_ours, NULL), "spawn");
	for (unsigned i = 0; i < parties; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	took_ns = bench_now() - took_ns;
	return NULL;
}

static double measure_ours(unsigned n, unsigned workers)
{
	go_runtime_options options = {.workers = workers};

	parties = n;
	bench_must(go_run_with(&options, tasks, NULL, NULL), "run");
	return (double)took_ns / TURNS;
}

static double measure_theirs(unsigned n)
{
	pthread_t thread[THREADS];

	parties = n;
	took_ns = bench_now();
	for (unsigned i = 0; i < n; i++)
		bench_must(-pthread_create(&thread[i], NULL, use_theirs, NULL),
			   "thread");
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	took_ns = bench_now() - took_ns;
	return (double)took_ns / TURNS;
}

static void compare(const char *key, const char *title, unsigned n,
		    unsigned threads, int runs)
{
	struct bench_series pthread = BENCH_SERIES("pthread_mutex", "ns");
	struct bench_series gofer = BENCH_SERIES("go_mutex", "ns");

	for (int i = 0; i < runs; i++) {
		bench_add(&pthread, measure_theirs(threads));
		bench_add(&gofer, measure_ours(n, threads));
	}
	bench_head(title);
	bench_row(&pthread, NULL);
	bench_row(&gofer, &pthread);
	bench_figure(key, 1, &gofer, &pthread);
}

int main(int argc, char **argv)
{
	int runs = bench_runs(argc, argv, 5);

	compare("mutex.2", "mutex, contended, two workers", TASKS, THREADS,
		runs);
	bench_pin(0);
	compare("mutex.free", "mutex, free", 1, 1, runs);
	compare("mutex.1", "mutex, contended, one CPU", TASKS, 1, runs);
	return 0;
}
