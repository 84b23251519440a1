/* SPDX-License-Identifier: MIT */
/*
 * Events: waits against setting, resetting, deadlines and cancellation.
 *
 * Runs sync/event.c with its line, on the waits of model_wait.h.
 *
 * Shows: setting an automatic event lets one waiter pass, or stays for the next
 * one, and never both, whoever gives up meanwhile; setting a manual one lets
 * all pass; who sets happens before who passes, also if it was set already;
 * nobody stays in line; who passes may free the event, because who set it is
 * out of it.
 *
 * Bounds: two waiters, one of which may give up, and one that sets; or one
 * waiter and two that set.
 */
#include "model_wait.h"

#include "sync/event.c"
#include "sync/line.c"

enum {
	QUITTER = 0, /* The thread that may be made to give up. */
};

static go_event event;
static int data; /* Of who sets; plain memory, watched for races. */
static int passed, gave_up;
static _Atomic int work[2]; /* What is done before it is set. */

static void setup(void)
{
	model_setup_tasks();
	memset(&event, 0, sizeof(event));
	data = 0;
	passed = 0;
	gave_up = 0;
	atomic_init(&work[0], 0);
	atomic_init(&work[1], 0);
}

static void setup_auto(void)
{
	setup();
	event = (go_event)GO_EVENT_AUTO_INIT;
}

static void setup_auto_cancelled(void)
{
	setup_auto();
	model_cancels = true;
}

/* ---- Threads ------------------------------------------------------------- */

static int pass(void)
{
	int r = go_event_wait(&event);

	model_assert(r == 0 || r == -ETIMEDOUT || r == -ECANCELED);
	passed += r == 0;
	gave_up += r != 0;
	if (r == 0)
		model_assert(MODEL_READ(data) == 1);
	return r;
}

static void waiter(int unused)
{
	(void)unused;
	(void)pass();
}

/* Lets the next one pass, unless it gives up. */
static void chain(int unused)
{
	(void)unused;
	if (pass() == 0)
		model_assert(go_event_set(&event) == 0);
}

static void setter(int unused)
{
	(void)unused;
	MODEL_WRITE(data) = 1;
	model_assert(go_event_set(&event) == 0);
}

/* Whoever is not in line in time passes behind the last of them. */
static void pulse(int unused)
{
	setter(unused);
	model_assert(go_event_reset(&event) == 0);
	model_assert(go_event_set(&event) == 0);
}

/* Comes again until it passes; then it may free the event. */
static void last(int unused)
{
	(void)unused;
	while (pass() != 0)
		;
	model_assert(!go__lock_held(&go__line(&event.line)->lock));
}

static void worker(int i)
{
	/* relaxed: shown by the event. */
	atomic_store_explicit(&work[i], 1, memory_order_relaxed);
	model_assert(go_event_set(&event) == 0);
}

/* Looks each time it passes; when the last one has set it, must see both. */
static void collector(int resets)
{
	int found = 0;

	while (found < 2) {
		model_assert(go_event_wait(&event) == 0);
		if (resets)
			model_assert(go_event_reset(&event) == 0);
		found = 0;
		/* relaxed: shown by the event. */
		for (int i = 0; i < 2; i++)
			found += atomic_load_explicit(&work[i],
						      memory_order_relaxed);
	}
}

/* ---- After --------------------------------------------------------------- */

static bool is_set(void)
{
	model_assert(go_event_destroy(&event) == 0);
	return go_event_try(&event) == 0;
}

/* Each has set it again, so the last one has left it set. */
static void passed_on(void)
{
	model_assert(passed + gave_up == 2 && passed >= 1);
	model_assert(is_set());
	model_assert(!is_set());
}

static void one_or_set(void)
{
	model_assert(passed + gave_up == 2 && passed <= 1);
	model_assert(is_set() == (passed == 0));
	model_assert(!is_set());
}

static void both_passed(void)
{
	model_assert(passed == 2);
	model_assert(is_set() && is_set());
}

static void all_out(void)
{
	model_assert(passed + gave_up == 2 && passed >= 1);
	model_assert(is_set());
}

static const struct model models[] = {
	{
		.name = "auto-expire",
		.setup = setup_auto,
		.finish = passed_on,
		.preemptions = 2,
		.thread = {MODEL_THREAD("quitter", chain, 0),
			   MODEL_THREAD("waiter", chain, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "auto-cancel",
		.setup = setup_auto_cancelled,
		.finish = one_or_set,
		.preemptions = 1,
		.thread = {MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("other", waiter, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("canceller", model_cancel, 0),
			   MODEL_THREAD("second", model_cancel, 1)},
	},
	{
		.name = "manual",
		.setup = setup,
		.finish = both_passed,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("other", waiter, 0),
			   MODEL_THREAD("setter", pulse, 0)},
	},
	{
		.name = "manual-expire",
		.setup = setup,
		.finish = all_out,
		.preemptions = 3,
		.thread = {MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("other", waiter, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "auto-last",
		.setup = setup_auto,
		.preemptions = 3,
		.thread = {MODEL_THREAD("waiter", last, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "manual-last",
		.setup = setup,
		.preemptions = 3,
		.thread = {MODEL_THREAD("waiter", last, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "auto-work",
		.setup = setup_auto,
		.preemptions = 3,
		.thread = {MODEL_THREAD("collector", collector, false),
			   MODEL_THREAD("worker", worker, 0),
			   MODEL_THREAD("other", worker, 1)},
	},
	{
		.name = "manual-work",
		.setup = setup,
		.preemptions = 3,
		.thread = {MODEL_THREAD("collector", collector, true),
			   MODEL_THREAD("worker", worker, 0),
			   MODEL_THREAD("other", worker, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
