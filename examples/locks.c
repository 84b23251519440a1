/* SPDX-License-Identifier: MIT */
/*
 * Locks between tasks and plain threads: a thread puts things on a pile, tasks
 * take them, two at a time.
 *
 * Run it:    locks
 * Expect:    3 taken, 0 left
 */
#include <gofer.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
	THINGS = 3
};

static go_mutex lock = GO_MUTEX_INIT;
static go_cond filled = GO_COND_INIT;
static int count; /* Under the lock. */

static go_semaphore slots = GO_SEMAPHORE_INIT(2);

static void *put(void *unused)
{
	for (int i = 0; i < THINGS; i++) {
		if (go_mutex_lock(&lock) < 0)
			break; /* no memory: go_run finds the deadlock */
		count++;
		go_mutex_unlock(&lock);
		go_cond_signal(&filled);
	}
	return unused;
}

/* Wait for a thing.  Returns 0 if it got one. */
static int take(void)
{
	int r = go_mutex_lock(&lock);

	if (r < 0)
		return r;
	while (r == 0 && count == 0)
		r = go_cond_wait(&filled, &lock);
	if (r == 0)
		count--;
	go_mutex_unlock(&lock);
	return r;
}

static void *use_one(void *unused)
{
	int r = go_semaphore_acquire(&slots);

	(void)unused;
	if (r == 0) {
		r = take();
		go_semaphore_post(&slots);
	}
	return GO_INT(r);
}

static void *use_all(void *unused)
{
	GO_GROUP(users);
	int r = 0;

	(void)unused;
	for (int i = 0; i < THINGS && r == 0; i++)
		r = go_group_spawn(&users, use_one, NULL);
	if (r == 0)
		r = go_group_wait(&users);
	if (r == 0)
		printf("%d taken, %d left\n", THINGS, count);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	pthread_t thread;
	int r = -pthread_create(&thread, NULL, put, NULL);

	if (r == 0) {
		r = go_run_with(NULL, use_all, NULL, &result);
		pthread_join(thread, NULL);
	}
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "locks: %s\n", strerror(-r));
	return r < 0;
}
