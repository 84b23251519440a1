/* SPDX-License-Identifier: MIT */
/*
 * The semaphore: permits are conserved, whose deadline ever passes when, and
 * who is ever cancelled.
 *
 * Runs sync/semaphore.c with its word and its line, on the waits of
 * model_wait.h.
 *
 * Shows: what was posted was taken or is there at the end; nobody sleeps while
 * there is a permit; who was given one has it, though the deadline came, or the
 * cancellation; the taker sees what the giver did; the line is empty at the
 * end.
 *
 * Bounds: two takers, one of which may have a deadline or be cancelled, or both
 * cancelled, and two permits.
 */
#include "model_wait.h"

#include "sync/line.c"
#include "sync/semaphore.c"

static go_semaphore semaphore;
static int data; /* Given with the one permit. */
static int taken, gave_up;

static void setup(void)
{
	model_setup_tasks();
	memset(&semaphore, 0, sizeof(semaphore));
	model_name(&semaphore.word, "semaphore.word");
	data = 0;
	taken = 0;
	gave_up = 0;
}

static void setup_cancelled(void)
{
	setup();
	model_cancels = true;
}

static bool acquire(void)
{
	int r = go_semaphore_acquire(&semaphore);

	model_assert(r == 0 || r == -ETIMEDOUT || r == -ECANCELED);
	taken += r == 0;
	gave_up += r != 0;
	return r == 0;
}

static void post(void)
{
	model_assert(go_semaphore_post(&semaphore) == 0);
}

/* ---- Threads ------------------------------------------------------------- */

static void taker(int unused)
{
	(void)unused;
	(void)acquire();
}

static void poster(int n)
{
	while (n--)
		post();
}

/* One permit at a time: what it guards is not raced for. */
static void user(int unused)
{
	(void)unused;
	if (!acquire())
		return;
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	post();
}

/* ---- After --------------------------------------------------------------- */

static int left(void)
{
	const struct go__permits *p = permits_of(&semaphore);

	model_assert(go_semaphore_destroy(&semaphore) == 0);
	/* relaxed: the threads have ended. */
	model_assert(!(atomic_load_explicit(&p->bits, memory_order_relaxed) &
		       GO__PERMIT_WAITERS));
	return (int)go_semaphore_value(&semaphore);
}

static void conserved(void)
{
	model_assert(taken + gave_up == 2);
	model_assert(taken + left() == 2);
}

static void guarded(void)
{
	model_assert(data == taken && taken == 2);
	model_assert(left() == 1);
}

static const struct model models[] = {
	{
		.name = "expire",
		.setup = setup,
		.finish = conserved,
		.preemptions = 3,
		.thread = {MODEL_THREAD("first", taker, 0),
			   MODEL_THREAD("second", taker, 0),
			   MODEL_THREAD("giver", poster, 2),
			   MODEL_THREAD("timer", model_expire, 0)},
	},
	{
		.name = "cancel",
		.setup = setup_cancelled,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("first", taker, 0),
			   MODEL_THREAD("second", taker, 0),
			   MODEL_THREAD("giver", poster, 2),
			   MODEL_THREAD("canceller", model_cancel, 0)},
	},
	{
		.name = "cancel-both",
		.setup = setup_cancelled,
		.finish = conserved,
		.preemptions = 1,
		.thread = {MODEL_THREAD("first", taker, 0),
			   MODEL_THREAD("second", taker, 0),
			   MODEL_THREAD("giver", poster, 2),
			   MODEL_THREAD("canceller", model_cancel, 0),
			   MODEL_THREAD("other", model_cancel, 1)},
	},
	{
		.name = "guard",
		.setup = setup,
		.finish = guarded,
		.preemptions = 3,
		.thread = {MODEL_THREAD("first", user, 0),
			   MODEL_THREAD("second", user, 0),
			   MODEL_THREAD("giver", poster, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
