/* SPDX-License-Identifier: MIT */
/*
 * What the objects of sync.h cost while nobody waits, in nanoseconds per turn.
 *
 * The yardstick is what pthreads have for the purpose, in the same round, or
 * where they have nothing a condition variable and a mutex around a flag.  All
 * of it in one task on one worker.
 *
 * usage: sync [RUNS]
 */
#include "bench.h"

#include <gofer/runtime.h>
#include <gofer/sync.h>
#include <pthread.h>
#include <semaphore.h>

enum {
	TURNS = 1000000
};

static go_rwlock our_lock = GO_RWLOCK_INIT;
static pthread_rwlock_t their_lock = PTHREAD_RWLOCK_INITIALIZER;
static go_semaphore our_semaphore = GO_SEMAPHORE_INIT(1);
static sem_t their_semaphore;
static go_cond our_cond = GO_COND_INIT;
static go_event event = GO_EVENT_INIT, automatic = GO_EVENT_AUTO_INIT;
static go_wait_group group = GO_WAIT_GROUP_INIT;
static go_once_flag our_once = GO_ONCE_INIT;
static pthread_once_t their_once = PTHREAD_ONCE_INIT;
static go_barrier our_barrier = GO_BARRIER_INIT(1);
static pthread_barrier_t their_barrier;

/* The yardstick of events and wait groups. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int flag;

static void our_reads(void)
{
	go_rwlock_rdlock(&our_lock);
	go_rwlock_unlock(&our_lock);
}

static void their_reads(void)
{
	pthread_rwlock_rdlock(&their_lock);
	pthread_rwlock_unlock(&their_lock);
}

static void our_writes(void)
{
	go_rwlock_wrlock(&our_lock);
	go_rwlock_unlock(&our_lock);
}

static void their_writes(void)
{
	pthread_rwlock_wrlock(&their_lock);
	pthread_rwlock_unlock(&their_lock);
}

static void our_permit(void)
{
	go_semaphore_acquire(&our_semaphore);
	go_semaphore_post(&our_semaphore);
}

static void their_permit(void)
{
	sem_wait(&their_semaphore);
	sem_post(&their_semaphore);
}

static void our_signal(void)
{
	go_cond_signal(&our_cond);
}

static void their_signal(void)
{
	pthread_cond_signal(&cond);
}

static void set_to(int value)
{
	pthread_mutex_lock(&mutex);
	flag = value;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
}

static void pass_flag(void)
{
	pthread_mutex_lock(&mutex);
	while (!flag)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void our_pass(void)
{
	go_event_wait(&event);
}

static void our_set(void)
{
	go_event_set(&event);
}

static void their_set(void)
{
	set_to(1);
}

static void our_hand_over(void)
{
	go_event_set(&automatic);
	go_event_wait(&automatic);
}

static void their_hand_over(void)
{
	set_to(1);
	pass_flag();
}

static void our_group(void)
{
	go_wait_group_add(&group, 1);
	go_wait_group_done(&group);
	go_wait_group_wait(&group);
}

static void their_group(void)
{
	set_to(0);
	set_to(1);
	pass_flag();
}

static void nothing(void *unused)
{
	(void)unused;
}

static void nothing_at_all(void)
{
}

static void our_once_more(void)
{
	go_once(&our_once, nothing, NULL);
}

static void their_once_more(void)
{
	pthread_once(&their_once, nothing_at_all);
}

static void our_meeting(void)
{
	go_barrier_wait(&our_barrier);
}

static void their_meeting(void)
{
	pthread_barrier_wait(&their_barrier);
}

static double measure(void (*turn)(void))
{
	uint64_t from = bench_now();

	for (int i = 0; i < TURNS; i++)
		turn();
	return (double)(bench_now() - from) / TURNS;
}

static void compare(const char *title, void (*ours)(void), void (*theirs)(void),
		    int runs)
{
	struct bench_series pthread = BENCH_SERIES("pthreads", "ns");
	struct bench_series gofer = BENCH_SERIES("gofer", "ns");

	for (int i = 0; i < runs; i++) {
		bench_add(&pthread, measure(theirs));
		bench_add(&gofer, measure(ours));
	}
	bench_head(title);
	bench_row(&pthread, NULL);
	bench_row(&gofer, &pthread);
}

static void *all(void *arg)
{
	int runs = *(int *)arg;

	flag = 1;
	go_event_set(&event);
	compare("rwlock: lock for reading, unlock", our_reads, their_reads,
		runs);
	compare("rwlock: lock for writing, unlock", our_writes, their_writes,
		runs);
	compare("semaphore: acquire, post", our_permit, their_permit, runs);
	compare("condition variable: signal nobody", our_signal, their_signal,
		runs);
	compare("event, set: wait", our_pass, pass_flag, runs);
	compare("event: set for nobody", our_set, their_set, runs);
	compare("automatic event: set, wait", our_hand_over, their_hand_over,
		runs);
	compare("wait group: add, done, wait", our_group, their_group, runs);
	compare("once: again", our_once_more, their_once_more, runs);
	compare("barrier for one", our_meeting, their_meeting, runs);
	return NULL;
}

int main(int argc, char **argv)
{
	go_runtime_options options = {.workers = 1};
	int runs = bench_runs(argc, argv, 5);

	bench_must(sem_init(&their_semaphore, 0, 1), "sem_init");
	bench_must(-pthread_barrier_init(&their_barrier, NULL, 1), "barrier");
	bench_must(go_run_with(&options, all, &runs, NULL), "run");
	return 0;
}
