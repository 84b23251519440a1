/* SPDX-License-Identifier: MIT */
/*
 * Errands: an asker that may leave against the pool's job.
 *
 * Runs io/errand.c.  Replaced are the pool and the join: the job is a thread of
 * the model that may be withdrawn before it begins, or cannot be had; a join is
 * ended by the job's end, or by a cancellation or a deadline at any moment.
 *
 * Shows: the memory is freed once, by one who is the last to use it; an answer
 * that is there is taken, and what the job wrote is seen; a job that was left
 * before it began does nothing.
 *
 * Cannot show: the claims of the pool's queue, which model_pool.c and
 * model_waitword.c stand for.
 *
 * Bounds: one errand, every schedule.
 */
#include "model.h"

#include <errno.h>
#include <string.h>

#include "io/errand.c"

enum {
	ANSWER = 42,
	JOB = 1, /* The thread that is the pool's. */
};

static struct go__errand errand;
static int answer;     /* Plain memory, watched for races. */
static int freed;      /* The same. */
static unsigned frees; /* Counted. */
static unsigned answers;
static int result;
/* Of the job: queued, begun, withdrawn; over. */
static _Atomic uint32_t queued, over;
static bool detached, refused;

enum {
	QUEUED = 1,
	BEGUN,
	WITHDRAWN,
};

static void answer_it(struct go__errand *e)
{
	model_assert(e == &errand);
	model_assert(MODEL_READ(freed) == 0);
	MODEL_WRITE(answer) = ANSWER;
	answers++;
}

static void free_it(struct go__errand *e)
{
	model_assert(e == &errand);
	model_assert(MODEL_READ(freed) == 0);
	(void)MODEL_READ(answer);
	MODEL_WRITE(freed) = 1;
	frees++;
}

/* ---- The pool ------------------------------------------------------------ */

int go_blocking_task_at(go_task *task, go_fn *fn, void *arg, const char *site)
{
	(void)site;
	model_assert(fn == job && arg == &errand);
	task->id = 1;
	if (refused)
		return -EAGAIN;
	model_start(JOB);
	return 0;
}

/* The claim of a thread, or of a cancellation. */
static bool claim(uint32_t how)
{
	uint32_t was = QUEUED;

	/* acq_rel: as that of a wait. */
	return atomic_compare_exchange_strong_explicit(
		&queued, &was, how, memory_order_acq_rel, memory_order_relaxed);
}

static void pool(int unused)
{
	(void)unused;
	if (!claim(BEGUN))
		return;
	/* It is about to be used. */
	model_assert(MODEL_READ(freed) == 0);
	(void)job(&errand);
	/* release -> go_task_join(). */
	atomic_store_explicit(&over, 1, memory_order_release);
	model_wake(&over, 1);
}

static bool deaf;

int go_shield_begin(go_shield *shield)
{
	(void)shield;
	deaf = true;
	return 0;
}

void go_shield_end(go_shield *shield)
{
	(void)shield;
	deaf = false;
}

int go_task_join(go_task task, void **value)
{
	(void)task;
	(void)value;
	/* acquire <- pool(), cancel. */
	while (!atomic_load_explicit(&over, memory_order_acquire)) {
		if (deaf)
			model_park(&over, 0);
		else if (!model_park_timed(&over, 0) &&
			 /* acquire: as above. */
			 !atomic_load_explicit(&over, memory_order_acquire))
			return model_choose(2) ? -ECANCELED : -ETIMEDOUT;
	}
	/* relaxed: our own, or seen with `over`. */
	return atomic_load_explicit(&queued, memory_order_relaxed) == WITHDRAWN
		       ? -ENODATA
		       : 0;
}

int go_task_cancel(go_task task)
{
	(void)task;
	if (claim(WITHDRAWN))
		/* release: as in pool(). */
		atomic_store_explicit(&over, 1, memory_order_release);
	return 0;
}

int go_task_detach(go_task task)
{
	(void)task;
	model_assert(!detached);
	detached = true;
	return 0;
}

/* ---- Before, threads, after ---------------------------------------------- */

static void setup(void)
{
	memset(&errand, 0, sizeof(errand));
	errand.run = answer_it;
	errand.destroy = free_it;
	answer = freed = result = 0;
	frees = answers = 0;
	atomic_init(&queued, QUEUED);
	atomic_init(&over, 0);
	detached = deaf = refused = false;
	model_name(&errand.word, "word");
}

static void setup_refused(void)
{
	setup();
	refused = true;
}

static void asker(int unused)
{
	(void)unused;
	result = run_apart(&errand);
	if (result == 0) {
		model_assert(MODEL_READ(answer) == ANSWER);
		free_it(&errand);
	}
}

static void shut_down(int unused)
{
	(void)unused;
	if (claim(WITHDRAWN)) {
		/* release: as in pool(). */
		atomic_store_explicit(&over, 1, memory_order_release);
		model_wake(&over, 1);
	}
}

static void finish(void)
{
	model_assert(frees == 1);
	model_assert(answers <= 1);
	model_assert(result == 0 ? answers == 1 : result < 0);
	model_assert(result != -ENODATA);
}

static const struct model models[] = {
	{
		.name = "ask",
		.setup = setup,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("asker", asker, 0),
			   MODEL_HELD("job", pool, 0)},
	},
	{
		.name = "ask-and-shutdown",
		.setup = setup,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("asker", asker, 0),
			   MODEL_HELD("job", pool, 0),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
	{
		.name = "no-thread",
		.setup = setup_refused,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("asker", asker, 0),
			   MODEL_HELD("job", pool, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
