/* SPDX-License-Identifier: MIT */
/*
 * The condition variable: waits against signals, deadlines and cancellation.
 *
 * Runs sync/cond.c with the line and the mutex below it, on the waits of
 * model_wait.h.
 *
 * Shows: who looks under the mutex and waits is in line before the mutex is
 * free, so no signal is missed; a waiter that gives up uses up no signal; a
 * wait ends with the mutex held, also for one that was cancelled; a broadcast
 * gets all out; nobody stays in line.
 *
 * Bounds: two waiters, one of which may give up, and one signal.
 */
#include "model_wait.h"

#include "sync/cond.c"
#include "sync/line.c"
#include "sync/mutex.c"

enum {
	QUITTER = 0, /* The thread that may be made to give up. */
};

static go_mutex mutex;
static go_cond cond;
static int tokens; /* Under the mutex; plain memory, watched for races. */
static int ended;  /* The same. */
static bool alone; /* Nobody tells the next one: the signal is for all. */

static void setup(void)
{
	model_setup_tasks();
	memset(&mutex, 0, sizeof(mutex));
	memset(&table, 0, sizeof(table));
	memset(&cond, 0, sizeof(cond));
	model_name(&mutex.word, "mutex.word");
	tokens = 0;
	ended = 0;
	alone = false;
}

static void setup_broadcast(void)
{
	setup();
	alone = true;
}

static void setup_cancelled(void)
{
	setup();
	model_cancels = true;
}

/* ---- Threads ------------------------------------------------------------- */

/* Wait for a token.  The mutex is held afterwards, whatever came. */
static int await(void)
{
	int r = 0;

	model_assert(go_mutex_lock(&mutex) == 0);
	while (r == 0 && MODEL_READ(tokens) == 0)
		r = go_cond_wait(&cond, &mutex);
	model_assert(go_mutex_trylock(&mutex) == -EBUSY);
	return r;
}

/* Leaves the token to the other one, and tells it so, unless it gives up. */
static void waiter(int unused)
{
	int r = await();

	(void)unused;
	model_assert(r == 0 || r == -ETIMEDOUT || r == -ECANCELED);
	MODEL_WRITE(ended) = MODEL_READ(ended) + 1;
	model_assert(go_mutex_unlock(&mutex) == 0);
	if (r == 0 && !alone)
		model_assert(go_cond_signal(&cond) == 0);
}

static void signaller(int broadcast)
{
	model_assert(go_mutex_lock(&mutex) == 0);
	MODEL_WRITE(tokens) = 1;
	model_assert(go_mutex_unlock(&mutex) == 0);
	if (broadcast)
		model_assert(go_cond_broadcast(&cond) == 0);
	else
		model_assert(go_cond_signal(&cond) == 0);
}

/* ---- After --------------------------------------------------------------- */

static void finish(int waiters)
{
	model_assert(ended == waiters);
	model_assert(go_cond_destroy(&cond) == 0);
	model_assert(go_mutex_destroy(&mutex) == 0);
}

static void finish_one(void)
{
	finish(1);
}

static void finish_two(void)
{
	finish(2);
}

static const struct model models[] = {
	{
		.name = "signal",
		.setup = setup,
		.finish = finish_one,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("signaller", signaller, false)},
	},
	{
		.name = "expire",
		.setup = setup,
		.finish = finish_two,
		.preemptions = 1,
		.thread = {MODEL_THREAD("quitter", waiter, 0),
			   MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("signaller", signaller, false),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "cancel",
		.setup = setup_cancelled,
		.finish = finish_one,
		.preemptions = 3,
		.thread = {MODEL_THREAD("quitter", waiter, 0),
			   MODEL_THREAD("signaller", signaller, false),
			   MODEL_THREAD("canceller", model_cancel, QUITTER)},
	},
	{
		.name = "broadcast",
		.setup = setup_broadcast,
		.finish = finish_two,
		.preemptions = 2,
		.thread = {MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("other", waiter, 0),
			   MODEL_THREAD("signaller", signaller, true)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
