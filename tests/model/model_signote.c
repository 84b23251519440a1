/* SPDX-License-Identifier: MIT */
/*
 * The note of signal handlers: those who count, and those who collect.
 *
 * Runs io/signote.h, with the loops of io/helper.c and io/signals.c around it.
 * Replaced is the eventfd, by a counter of its own that who reads it empties.
 *
 * Shows, in all schedules within the bound and under C11's memory: every signal
 * that a handler has counted is collected, whether another handler tells of it,
 * another thread collects meanwhile, or the helper's look is just over; and
 * none is collected twice.
 *
 * Bounds: three handlers of two numbers, in threads of their own (one that
 * interrupts another is a schedule of that); the helper, and one who collects
 * once beside it.
 */
#include "model.h"

#include <string.h>

#include "io/signote.h"
#include "model_lock.h"

enum {
	ONE = 1,
	TWO = 2
};

static struct go__signote note;
static struct go__lock lock; /* Of the subscriptions. */
static unsigned collected[GO__SIGNALS];
static _Atomic uint32_t event; /* The eventfd's counter. */
static _Atomic uint32_t total;

static void setup(void)
{
	memset(&note, 0, sizeof(note));
	memset(collected, 0, sizeof(collected));
	atomic_init(&note.any, 0);
	for (int i = 0; i < GO__SIGNALS; i++)
		atomic_init(&note.count[i], 0);
	go__lock_init(&lock);
	atomic_init(&event, 0);
	atomic_init(&total, 0);
}

/* ---- Threads ------------------------------------------------------------- */

static void handler(int sig)
{
	if (!go__signote_add(&note, sig))
		return;
	/* acq_rel: the kernel locks. */
	atomic_exchange_explicit(&event, 1, memory_order_acq_rel);
	model_wake(&event, 1);
}

static void collect(void)
{
	uint32_t n = 0;

	go__lock_acquire(&lock);
	if (go__signote_collect(&note))
		for (int sig = ONE; sig <= TWO; sig++) {
			uint32_t k = go__signote_take(&note, sig);

			collected[sig - 1] += k;
			n += k;
		}
	/* relaxed: the model's own. */
	atomic_fetch_add_explicit(&total, n, memory_order_relaxed);
	go__lock_release(&lock);
}

static void collector(int unused)
{
	(void)unused;
	collect();
}

/* Sleeps for ever, and so fails the model, if one is lost. */
static void helper(int signals)
{
	/* relaxed: the model's own. */
	while (atomic_load_explicit(&total, memory_order_relaxed) !=
	       (uint32_t)signals) {
		/* acq_rel: the kernel locks. */
		if (!atomic_exchange_explicit(&event, 0, memory_order_acq_rel))
			model_park(&event, 0);
		else
			collect();
	}
}

static void two_and_one(void)
{
	model_assert(collected[ONE - 1] == 2 && collected[TWO - 1] == 1);
}

static void one_each(void)
{
	model_assert(collected[ONE - 1] == 1 && collected[TWO - 1] == 1);
}

static const struct model models[] = {
	{
		.name = "three-handlers",
		.setup = setup,
		.finish = two_and_one,
		.preemptions = 3,
		.thread = {MODEL_THREAD("helper", helper, 3),
			   MODEL_THREAD("handler", handler, ONE),
			   MODEL_THREAD("handler2", handler, TWO),
			   MODEL_THREAD("handler3", handler, ONE)},
	},
	{
		.name = "two-collectors",
		.setup = setup,
		.finish = one_each,
		.preemptions = 3,
		.thread = {MODEL_THREAD("helper", helper, 2),
			   MODEL_THREAD("handler", handler, ONE),
			   MODEL_THREAD("handler2", handler, TWO),
			   MODEL_THREAD("collector", collector, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
