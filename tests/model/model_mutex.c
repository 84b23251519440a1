/* SPDX-License-Identifier: MIT */
/*
 * The mutex: lock, unlock, hand-off and a waiter that gives up.
 *
 * Runs sync/mutex.c with its word, on the waits of model_wait.h.
 *
 * Shows: one owner at a time, which sees what the last one did; every locker
 * gets the mutex or its deadline passes, and no wake-up is lost; one that has
 * been passed over gets the mutex by its next wake-up; the word is zero and the
 * list empty at the end.
 *
 * Bounds: three lockers, once or twice each, one of them with a deadline.
 */
#include "model_wait.h"

#include "sync/mutex.c"

static go_mutex mutex;
static int data; /* Under the mutex; plain memory, watched for races. */
static int done;

static void setup(void)
{
	model_setup_tasks();
	memset(&mutex, 0, sizeof(mutex));
	memset(&table, 0, sizeof(table));
	model_name(&mutex.word, "mutex.word");
	data = 0;
	done = 0;
}

/* ---- Threads ------------------------------------------------------------- */

/* Lock, unlock.  A second wake-up brings the mutex. */
static void locker(int self)
{
	unsigned before = model_waits[self];
	int r = go_mutex_lock_cancellable(&mutex);

	model_assert(r == 0 || r == -ETIMEDOUT);
	model_assert(model_waits[self] - before <= 2);
	if (r == 0) {
		model_assert(go_mutex_trylock(&mutex) == -EBUSY);
		MODEL_WRITE(data) = MODEL_READ(data) + 1;
		model_assert(go_mutex_unlock(&mutex) == 0);
	}
	done++;
}

static void locker_twice(int self)
{
	locker(self);
	locker(self);
}

static void stranger(int unused)
{
	(void)unused;
	model_assert(go_mutex_unlock(&mutex) == -EPERM);
}

/* ---- After --------------------------------------------------------------- */

static void finish(int lockers)
{
	model_assert(done == lockers);
	model_assert(go_mutex_destroy(&mutex) == 0);
	model_assert(mutex.waiters == NULL);
}

static void finish_three(void)
{
	finish(3);
	model_assert(data == 3);
}

static void finish_four(void)
{
	finish(4);
	model_assert(data == 4);
}

static void finish_expired(void)
{
	finish(3);
	model_assert(data >= 2);
}

static const struct model models[] = {
	{
		.name = "three",
		.setup = setup,
		.finish = finish_three,
		.preemptions = 3,
		.thread = {MODEL_THREAD("first", locker, 0),
			   MODEL_THREAD("second", locker, 1),
			   MODEL_THREAD("third", locker, 2)},
	},
	{
		.name = "barging",
		.setup = setup,
		.finish = finish_four,
		.preemptions = 2,
		.spurious = 1,
		.thread = {MODEL_THREAD("first", locker_twice, 0),
			   MODEL_THREAD("second", locker_twice, 1),
			   MODEL_THREAD("stranger", stranger, 2)},
	},
	{
		.name = "three-barging",
		.setup = setup,
		.finish = finish_four,
		.preemptions = 3,
		.thread = {MODEL_THREAD("first", locker_twice, 0),
			   MODEL_THREAD("second", locker, 1),
			   MODEL_THREAD("third", locker, 2)},
	},
	{
		.name = "expire",
		.setup = setup,
		.finish = finish_expired,
		.preemptions = 2,
		.thread = {MODEL_THREAD("first", locker, 0),
			   MODEL_THREAD("second", locker, 1),
			   MODEL_THREAD("third", locker, 2),
			   MODEL_THREAD("timer", model_expire, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
