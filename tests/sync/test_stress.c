/* SPDX-License-Identifier: MIT */
/*
 * Tasks and plain threads use every object at once, on 1, 2, 4 and 16 workers,
 * while tasks are cancelled.  Conserved are: exclusion (plain counters under
 * the locks), permits, tokens behind a condition variable.  A lost wake-up
 * shows as a time-out.
 */
#include <errno.h>
#include <stdatomic.h>

#include "everywhere.h"
#include "support.h"

enum {
	PERMITS = 3,
	TASKS = 12,
	THREADS = 3
};

static go_mutex mutex;
static go_rwlock rwlock;
static go_cond cond;
static go_semaphore semaphore;
static go_wait_group group;

static uint64_t count, pairs[2], tokens; /* Under mutex, rwlock, mutex. */
static uint64_t taken;                   /* Under mutex. */
static _Atomic uint64_t locked, given, inside, wrong;
static uint64_t rounds;

static void check(bool good)
{
	if (!good)
		atomic_fetch_add(&wrong, 1);
}

static void use_mutex(void)
{
	int r = test_random(2) ? go_mutex_lock(&mutex)
			       : go_mutex_lock_cancellable(&mutex);

	if (r == -ECANCELED)
		return;
	check(r == 0);
	count++;
	if (test_random(8) == 0)
		go_yield();
	atomic_fetch_add(&locked, 1);
	check(go_mutex_unlock(&mutex) == 0);
}

static void use_semaphore(void)
{
	int r = go_semaphore_acquire(&semaphore);

	if (r == -ECANCELED)
		return;
	check(r == 0);
	check(atomic_fetch_add(&inside, 1) < PERMITS);
	if (test_random(4) == 0)
		go_yield();
	atomic_fetch_sub(&inside, 1);
	check(go_semaphore_post(&semaphore) == 0);
}

static void use_rwlock(void)
{
	bool writes = test_random(3) == 0;
	int r = writes ? go_rwlock_wrlock_cancellable(&rwlock)
		       : go_rwlock_rdlock_cancellable(&rwlock);

	if (r == -ECANCELED)
		return;
	check(r == 0);
	check(pairs[0] == pairs[1]);
	if (writes)
		pairs[0]++;
	if (test_random(8) == 0)
		go_yield();
	if (writes)
		pairs[1]++;
	check(go_rwlock_unlock(&rwlock) == 0);
}

/* Each takes as many tokens as it has given, unless it is cancelled. */
static void use_cond(void)
{
	int r = 0;

	check(go_mutex_lock(&mutex) == 0);
	tokens++;
	atomic_fetch_add(&given, 1);
	check(go_cond_signal(&cond) == 0);
	check(go_mutex_unlock(&mutex) == 0);
	if (test_random(4) == 0)
		go_yield();
	check(go_mutex_lock(&mutex) == 0);
	while (tokens == 0 && r == 0)
		r = go_cond_wait(&cond, &mutex);
	check(r == 0 || r == -ECANCELED);
	if (r == 0) {
		tokens--;
		taken++;
	}
	check(go_mutex_unlock(&mutex) == 0);
}

static void use_all(void)
{
	for (uint64_t i = 0; i < rounds; i++) {
		use_mutex();
		use_semaphore();
		use_rwlock();
		use_cond();
	}
	check(go_wait_group_done(&group) == 0);
}

static void *task(void *unused)
{
	(void)unused;
	use_all();
	return NULL;
}

static void thread(void *unused)
{
	(void)unused;
	use_all();
}

static void *body(void *unused)
{
	go_task t[TASKS];

	(void)unused;
	for (int i = 0; i < TASKS; i++)
		MUST(go_task_spawn(&t[i], task, NULL) == 0);
	for (int i = 0; i < TASKS; i += 3) {
		go_sleep(test_random(3000) * GO_MICROSECOND);
		(void)go_task_cancel(t[i]);
	}
	for (int i = 0; i < TASKS; i++)
		MUST(go_task_join(t[i], NULL) == 0);
	MUST(go_wait_group_wait(&group) == 0);
	return NULL;
}

static void stress(unsigned workers)
{
	rounds = test_rounds(4000);
	count = taken = tokens = 0;
	atomic_store(&locked, 0);
	atomic_store(&given, 0);
	semaphore = (go_semaphore)GO_SEMAPHORE_INIT(PERMITS);
	cr_assert_eq(go_wait_group_add(&group, TASKS + THREADS), 0);
	test_start_threads(THREADS, thread, NULL);
	run_in(GO_MULTI_THREAD, workers, body, NULL);
	test_join_threads();
	cr_assert_eq(atomic_load(&wrong), 0);
	cr_assert_eq(count, atomic_load(&locked));
	cr_assert_eq(taken + tokens, atomic_load(&given));
	cr_assert_eq(go_semaphore_value(&semaphore), PERMITS);
	cr_assert_eq(go_mutex_destroy(&mutex), 0);
	cr_assert_eq(go_rwlock_destroy(&rwlock), 0);
	cr_assert_eq(go_cond_destroy(&cond), 0);
	cr_assert_eq(go_semaphore_destroy(&semaphore), 0);
}

Test(sync_stress, one_worker, .timeout = 250)
{
	stress(1);
}

Test(sync_stress, two_workers, .timeout = 250)
{
	stress(2);
}

Test(sync_stress, four_workers, .timeout = 250)
{
	stress(4);
}

Test(sync_stress, sixteen_workers, .timeout = 250)
{
	stress(16);
}

/* ---- parties that give up while their round is completed ---- */

enum {
	PARTIES = 3, /* Of so many tasks and one thread. */
};

static go_barrier barrier = GO_BARRIER_INIT(PARTIES);
static _Atomic uint64_t leaders, followers;

/* Meets others, for a moment at a time; -ECANCELED, or 0 when it is over. */
static int meet(void)
{
	int r = 0;

	while (r != -ECANCELED && atomic_load(&leaders) < rounds) {
		GO_TIMEOUT(test_random(100) * GO_MICROSECOND);

		r = go_barrier_wait(&barrier);
		if (r == 1)
			atomic_fetch_add(&leaders, 1);
		else if (r == 0)
			atomic_fetch_add(&followers, 1);
		else
			check(r == -ETIMEDOUT || r == -ECANCELED);
	}
	return r == -ECANCELED ? r : 0;
}

static void meet_in_thread(void *unused)
{
	(void)unused;
	check(meet() == 0);
}

static void *meet_in_task(void *unused)
{
	(void)unused;
	return GO_INT(meet());
}

static void *cancel_parties(void *unused)
{
	go_task t[PARTIES];

	(void)unused;
	for (int i = 0; i < PARTIES; i++)
		MUST(go_task_spawn(&t[i], meet_in_task, NULL) == 0);
	while (atomic_load(&leaders) < rounds) {
		int i = (int)test_random(PARTIES);

		go_sleep(test_random(100) * GO_MICROSECOND);
		(void)go_task_cancel(t[i]);
		MUST(go_task_join(t[i], NULL) == 0);
		MUST(go_task_spawn(&t[i], meet_in_task, NULL) == 0);
	}
	for (int i = 0; i < PARTIES; i++)
		MUST(go_task_join(t[i], NULL) == 0);
	return NULL;
}

/* Each round has let go as many as it had parties, and no party is left. */
static void meet_on(unsigned workers)
{
	rounds = test_rounds(20000);
	atomic_store(&leaders, 0);
	atomic_store(&followers, 0);
	test_start_threads(1, meet_in_thread, NULL);
	run_in(GO_MULTI_THREAD, workers, cancel_parties, NULL);
	test_join_threads();
	cr_assert_eq(atomic_load(&wrong), 0);
	cr_assert_eq(atomic_load(&followers),
		     atomic_load(&leaders) * (PARTIES - 1));
	cr_assert_eq(barrier.arrived, 0);
	cr_assert_eq(go_barrier_destroy(&barrier), 0);
}

Test(sync_stress, parties_give_up, .timeout = 250)
{
	meet_on(1);
	meet_on(2);
	meet_on(4);
	meet_on(16);
}
