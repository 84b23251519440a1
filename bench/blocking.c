/* SPDX-License-Identifier: MIT */
/*
 * What it costs to have an empty function run where it may block.
 *
 * go_blocking() from tasks, beside a hand-written pool: a queue with a mutex
 * and a condition variable, four threads that take from it, and a semaphore for
 * each caller, who is a thread.  With one caller at a time, and with 64.
 *
 * And go_blocking_begin() with go_blocking_end(): a worker goes to a spare
 * thread, and the task comes back to it.  Beside it, what that is made of: a
 * thread wakes another one and waits to be woken.
 *
 * usage: blocking [RUNS]
 */
#include "bench.h"

#include <gofer.h>
#include <pthread.h>
#include <semaphore.h>

enum {
	TURNS = 20000, /* In a run, of all callers. */
	CALLERS = 64,
	THREADS = 4,
	STACK = 64 * 1024,
};

static void *nothing(void *arg)
{
	return arg;
}

/* ---- a pool written by hand ---------------------------------------------- */

struct job {
	void *(*fn)(void *);
	void *arg;
	sem_t done;
	struct job *next;
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct job *first, **last;
	bool stop;
} pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL,
	  &pool.first, false};

static void *serve(void *unused)
{
	struct job *job;

	pthread_mutex_lock(&pool.mutex);
	for (;;) {
		while (!pool.first && !pool.stop)
			pthread_cond_wait(&pool.more, &pool.mutex);
		job = pool.first;
		if (!job)
			break;
		pool.first = job->next;
		if (!pool.first)
			pool.last = &pool.first;
		pthread_mutex_unlock(&pool.mutex);
		job->arg = job->fn(job->arg);
		sem_post(&job->done);
		pthread_mutex_lock(&pool.mutex);
	}
	pthread_mutex_unlock(&pool.mutex);
	return unused;
}

static void call(struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&pool.mutex);
	*pool.last = job;
	pool.last = &job->next;
	pthread_mutex_unlock(&pool.mutex);
	pthread_cond_signal(&pool.more);
	while (sem_wait(&job->done) < 0)
		;
}

static void *call_often(void *turns)
{
	struct job job = {.fn = nothing};

	sem_init(&job.done, 0, 0);
	for (int i = 0; i < *(int *)turns; i++)
		call(&job);
	sem_destroy(&job.done);
	return NULL;
}

/* Nanoseconds for each of TURNS calls by so many threads. */
static double by_hand(int callers)
{
	pthread_t server[THREADS], caller[CALLERS];
	int turns = TURNS / callers;
	pthread_attr_t attr;
	uint64_t start;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pool.stop = false;
	for (int i = 0; i < THREADS; i++)
		bench_must(-pthread_create(&server[i], &attr, serve, NULL),
			   "thread");
	start = bench_now();
	for (int i = 0; i < callers; i++)
		bench_must(
			-pthread_create(&caller[i], &attr, call_often, &turns),
			"thread");
	for (int i = 0; i < callers; i++)
		pthread_join(caller[i], NULL);
	start = bench_now() - start;
	pthread_mutex_lock(&pool.mutex);
	pool.stop = true;
	pthread_mutex_unlock(&pool.mutex);
	pthread_cond_broadcast(&pool.more);
	for (int i = 0; i < THREADS; i++)
		pthread_join(server[i], NULL);
	pthread_attr_destroy(&attr);
	return (double)start / (turns * callers);
}

/* ---- gofer --------------------------------------------------------------- */

static void *blocking_often(void *turns)
{
	for (int i = 0; i < *(int *)turns; i++)
		bench_must(go_blocking(nothing, NULL, NULL), "go_blocking");
	return NULL;
}

static void *sections_often(void *turns)
{
	for (int i = 0; i < *(int *)turns; i++) {
		bench_must(go_blocking_begin(), "go_blocking_begin");
		bench_must(go_blocking_end(), "go_blocking_end");
	}
	return NULL;
}

struct plan {
	go_fn *fn;
	int callers, turns;
	uint64_t ns;
};

static void *run_callers(void *arg)
{
	struct plan *p = arg;
	go_task task[CALLERS];

	p->ns = bench_now();
	for (int i = 0; i < p->callers; i++)
		bench_must(go_task_spawn(&task[i], p->fn, &p->turns), "spawn");
	for (int i = 0; i < p->callers; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	p->ns = bench_now() - p->ns;
	return NULL;
}

static double by_tasks(go_fn *fn, int callers)
{
	go_runtime_options o = {.max_blocking_threads = THREADS};
	struct plan p = {fn, callers, TURNS / callers, 0};

	bench_must(go_run_with(&o, run_callers, &p, NULL), "run");
	return (double)p.ns / (p.turns * callers);
}

/* ---- what a section is made of ------------------------------------------- */

static sem_t there, back;

static void *answer(void *unused)
{
	for (int i = 0; i < TURNS; i++) {
		while (sem_wait(&there) < 0)
			;
		sem_post(&back);
	}
	return unused;
}

static double wakes(void)
{
	pthread_t thread;
	uint64_t start;

	sem_init(&there, 0, 0);
	sem_init(&back, 0, 0);
	bench_must(-pthread_create(&thread, NULL, answer, NULL), "thread");
	start = bench_now();
	for (int i = 0; i < TURNS; i++) {
		sem_post(&there);
		while (sem_wait(&back) < 0)
			;
	}
	start = bench_now() - start;
	pthread_join(thread, NULL);
	return (double)start / TURNS;
}

/* ---- the table ----------------------------------------------------------- */

static void calls(const char *key, const char *title, int callers, int runs)
{
	struct bench_series hand = BENCH_SERIES("a pool by hand", "us");
	struct bench_series task = BENCH_SERIES("go_blocking", "us");

	for (int i = 0; i < runs; i++) {
		bench_add(&hand, by_hand(callers) / 1e3);
		bench_add(&task, by_tasks(blocking_often, callers) / 1e3);
	}
	bench_head(title);
	bench_row(&hand, NULL);
	bench_row(&task, &hand);
	bench_figure(key, 1, &task, &hand);
}

static void sections(int runs)
{
	struct bench_series limit = BENCH_SERIES("two wake-ups", "us");
	struct bench_series task = BENCH_SERIES("begin, end", "us");

	for (int i = 0; i < runs; i++) {
		bench_add(&limit, wakes() / 1e3);
		bench_add(&task, by_tasks(sections_often, 1) / 1e3);
	}
	bench_head("a section around nothing");
	bench_row(&limit, NULL);
	bench_row(&task, &limit);
	bench_figure("blocking.section", 1, &task, &limit);
}

int main(int argc, char **argv)
{
	int runs = bench_runs(argc, argv, 5);

	calls("blocking.one", "calls, one after the other", 1, runs);
	calls("blocking.many", "calls, 64 at a time, four threads", CALLERS,
	      runs);
	sections(runs);
	return 0;
}
