/* SPDX-License-Identifier: MIT */
/*
 * The lock for readers and writers: exclusion, and nobody left behind.
 *
 * Runs sync/rwlock.c with its word and its line, on the waits of model_wait.h.
 *
 * Shows: a writer is alone, and sees what all before it did; readers see what
 * writers did; nobody sleeps at a lock that is free for it, whoever gives up;
 * the lock is free and its line empty at the end; who has the lock may free it
 * if nobody else comes, because the one before is out of it.
 *
 * Bounds: three parties, one of which may give up.
 */
#include "model_wait.h"

#include "sync/line.c"
#include "sync/rwlock.c"

enum {
	QUITTER = 0, /* The thread that may be made to give up. */
};

static go_rwlock rwlock;
static int data; /* Plain memory, watched for races. */
static int wrote, gave_up;

static void setup(void)
{
	model_setup_tasks();
	memset(&rwlock, 0, sizeof(rwlock));
	model_name(&rwlock.word, "rwlock.word");
	data = 0;
	wrote = 0;
	gave_up = 0;
}

/* ---- Threads ------------------------------------------------------------- */

static int lock(bool writes)
{
	int r = writes ? go_rwlock_wrlock_cancellable(&rwlock)
		       : go_rwlock_rdlock_cancellable(&rwlock);

	model_assert(r == 0 || r == -ETIMEDOUT);
	gave_up += r != 0;
	return r;
}

static void reader(int unused)
{
	int r = lock(false);

	(void)unused;
	if (r != 0)
		return;
	(void)MODEL_READ(data);
	model_assert(go_rwlock_unlock(&rwlock) == 0);
}

static void writer(int unused)
{
	int r = lock(true);

	(void)unused;
	if (r != 0)
		return;
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	wrote++;
	model_assert(go_rwlock_unlock(&rwlock) == 0);
}

/* One that must not wait. */
static void trier(int writes)
{
	int r = writes ? go_rwlock_trywrlock(&rwlock)
		       : go_rwlock_tryrdlock(&rwlock);

	model_assert(r == 0 || r == -EBUSY);
	if (r != 0)
		return;
	if (writes)
		MODEL_WRITE(data) = MODEL_READ(data) + 1;
	else
		(void)MODEL_READ(data);
	wrote += writes;
	model_assert(go_rwlock_unlock(&rwlock) == 0);
}

/*
 * Of two holders, the second one frees what the lock guards, and the lock: the
 * first one has to be out of it by then.  Either may wait, give up, and come
 * again.
 */
static void last_frees(int unused)
{
	(void)unused;
	while (lock(true) != 0)
		;
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	if (MODEL_READ(data) == 2)
		model_assert(!go__lock_held(&go__line(&rwlock.line)->lock));
	model_assert(go_rwlock_unlock(&rwlock) == 0);
}

/* ---- After --------------------------------------------------------------- */

static void all_out(void)
{
	model_assert(go_rwlock_destroy(&rwlock) == 0);
	model_assert(go__list_empty(&go__line(&rwlock.line)->list));
	model_assert(data == wrote);
}

static void freed(void)
{
	model_assert(data == 2);
}

static const struct model models[] = {
	{
		.name = "writers",
		.setup = setup,
		.finish = all_out,
		.preemptions = 3,
		.thread = {MODEL_THREAD("writer", writer, 0),
			   MODEL_THREAD("other", writer, 0),
			   MODEL_THREAD("trier", trier, true)},
	},
	{
		.name = "readers-and-writer",
		.setup = setup,
		.finish = all_out,
		.preemptions = 2,
		.thread = {MODEL_THREAD("reader", reader, 0),
			   MODEL_THREAD("other", reader, 0),
			   MODEL_THREAD("writer", writer, 0)},
	},
	{
		.name = "writer-expires",
		.setup = setup,
		.finish = all_out,
		.preemptions = 1,
		.thread = {MODEL_THREAD("quitter", writer, 0),
			   MODEL_THREAD("reader", reader, 0),
			   MODEL_THREAD("other", reader, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "reader-expires",
		.setup = setup,
		.finish = all_out,
		.preemptions = 1,
		.thread = {MODEL_THREAD("quitter", reader, 0),
			   MODEL_THREAD("writer", writer, 0),
			   MODEL_THREAD("other", writer, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "last-frees",
		.setup = setup,
		.finish = freed,
		.preemptions = 3,
		.thread = {MODEL_THREAD("quitter", last_frees, 0),
			   MODEL_THREAD("other", last_frees, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
