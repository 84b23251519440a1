/* SPDX-License-Identifier: MIT */
/*
 * The wait word: wake against time-out against cancellation.
 *
 * Shows, in all schedules and under C11's memory: a wait ends exactly once and
 * its owner is resumed exactly once, not before its context is saved and with
 * the winner's result; a cancellation that comes at any moment ends the wait
 * that is open, or the next one; a late waker of an earlier wait changes
 * nothing in the next; a time-out reads the deadline of the wait that it ends.
 *
 * Cannot show: what the callers in the library do beside the word.  The parts
 * of park.c and timer.c that belong to the protocol are repeated here, in the
 * same order: go__wait(), after_park(), fire().
 *
 * Bounds: one owner, up to two waits, one of each kind of waker.
 */
#include "model.h"

#include <errno.h>

#include "arch/lock.h"
#include "sched/taskword.h"
#include "sched/waitword.h"

enum {
	DUE = 5,
	NOW = 10,
	NOT_DUE = 20
};

/* What is waited for: an event that may have come already. */
struct source {
	struct go__lock lock;
	bool ready, linked; /* Under lock. */
	uint64_t epoch;     /* Under lock: of the node that is linked. */
};

static struct go__wait_word word;
static struct go__task_word task; /* For its CANCELLED flag. */
static _Atomic uint64_t deadline;
static struct source source[2];

/* Plain memory, watched for races. */
static int context; /* Written by a switch away, read by a resume. */
static int result;  /* Written by the claimer, read by the owner. */

static int ended[2]; /* What each wait returned; 1: nothing yet. */
static bool deaf, event_only;

enum {
	TASK_ID = 7,
	RESUMED_1 = 4,
	RESUMED_2 = 5
};

static void setup(void)
{
	go__wait_word_init(&word, 0);
	atomic_init(&task.bits, 0);
	go__task_word_begin(&task, TASK_ID, GO__TASK_LIVE);
	atomic_init(&deadline, 0);
	for (int i = 0; i < 2; i++) {
		atomic_init(&source[i].lock.word, 0);
		source[i].ready = source[i].linked = false;
		source[i].epoch = 0;
		ended[i] = 1;
	}
	context = 0;
	result = 0;
	deaf = event_only = false;
}

static void setup_deaf(void)
{
	setup();
	deaf = true;
}

/* ---- The owner ----------------------------------------------------------- */

static unsigned wait_number; /* Of the wait that is open, or was last. */

static void resume(void)
{
	(void)MODEL_READ(context);
	model_start(wait_number == 0 ? RESUMED_1 : RESUMED_2);
}

/* After the claim `c` of the wait, as go__wait_deliver(). */
static void deliver(enum go__claim c, int value)
{
	MODEL_WRITE(result) = value;
	if (c == GO__CLAIM_SAVED || go__wait_word_deliver(&word))
		resume();
}

/* As after_park(): by the owner's successor. */
static void after_park(uint64_t epoch)
{
	enum go__claim c;

	if (go__wait_word_save(&word)) {
		resume();
		return;
	}
	if (!go__task_word_cancelled(&task) ||
	    go__wait_word_peek(&word, false) != epoch)
		return;
	c = go__wait_word_claim(&word, epoch);
	if (c != GO__CLAIM_LOST)
		deliver(c, -ECANCELED);
}

static void begin(unsigned number, uint64_t when)
{
	struct source *s = &source[number];

	wait_number = number;
	go__lock_acquire(&s->lock);
	if (s->ready) {
		go__lock_release(&s->lock);
		ended[number] = 0;
		return;
	}
	/* relaxed: published by the opening. */
	atomic_store_explicit(&deadline, when, memory_order_relaxed);
	s->epoch = go__wait_word_open(&word, deaf);
	s->linked = true;
	go__lock_release(&s->lock);
}

/* The wait is over, on whatever thread. */
static void end(unsigned number)
{
	struct source *s = &source[number];

	ended[number] = MODEL_READ(result);
	if (ended[number] == 0)
		return;
	go__lock_acquire(&s->lock);
	s->linked = false;
	go__lock_release(&s->lock);
}

/* Wait for a source.  True: it is over already, on this very stack. */
static bool wait(unsigned number, uint64_t when)
{
	uint64_t epoch;

	begin(number, when);
	if (ended[number] == 0)
		return true;
	if (go__wait_word_delivered(&word)) {
		end(number);
		return true;
	}
	epoch = go__wait_word_epoch(&word);
	MODEL_WRITE(context) = 1; /* The switch. */
	after_park(epoch);
	return false;
}

static void owner_once(int when)
{
	(void)wait(0, (uint64_t)when);
}

static void resumed_once(int unused)
{
	(void)unused;
	end(0);
}

static void second_wait(int unused)
{
	(void)unused;
	if (ended[0] == 1)
		end(0);
	(void)wait(1, NOT_DUE);
}

static void owner_twice(int when)
{
	if (wait(0, (uint64_t)when))
		second_wait(0);
}

static void resumed_at_last(int unused)
{
	(void)unused;
	end(1);
}

/* ---- Those who end waits ------------------------------------------------- */

static void waker(int number)
{
	struct source *s = &source[number];
	enum go__claim c = GO__CLAIM_LOST;

	go__lock_acquire(&s->lock);
	s->ready = true;
	if (s->linked)
		c = go__wait_word_claim(&word, s->epoch);
	if (c != GO__CLAIM_LOST)
		s->linked = false;
	go__lock_release(&s->lock);
	if (c != GO__CLAIM_LOST)
		deliver(c, 0);
}

/* Both events, one after the other. */
static void waker_of_two(int unused)
{
	(void)unused;
	waker(0);
	waker(1);
}

/* As fire() in timer.c. */
static void timer(int unused)
{
	uint64_t epoch = go__wait_word_peek(&word, true);
	enum go__claim c;

	(void)unused;
	/* relaxed: as in fire(). */
	if (epoch == 0 ||
	    atomic_load_explicit(&deadline, memory_order_relaxed) > NOW)
		return;
	c = go__wait_word_claim(&word, epoch);
	if (c == GO__CLAIM_LOST)
		return;
	model_assert(epoch == 1); /* Only the first wait had that deadline. */
	deliver(c, -ETIMEDOUT);
}

/* As go__task_cancel(). */
static void canceller(int unused)
{
	enum go__claim c;
	uint64_t epoch;

	(void)unused;
	if (!go__task_word_cancel(&task, TASK_ID))
		return;
	epoch = go__wait_word_peek(&word, false);
	if (epoch == 0 || !go__task_word_is(&task, TASK_ID))
		return;
	c = go__wait_word_claim(&word, epoch);
	if (c != GO__CLAIM_LOST)
		deliver(c, -ECANCELED);
}

/* A waker that has read the node of the first wait, and comes late with it. */
static void late(int unused)
{
	enum go__claim c;
	uint64_t epoch;

	(void)unused;
	go__lock_acquire(&source[0].lock);
	epoch = source[0].epoch;
	go__lock_release(&source[0].lock);
	if (epoch == 0)
		return;
	c = go__wait_word_claim(&word, epoch);
	if (c != GO__CLAIM_LOST)
		deliver(c, -EPIPE);
}

/* ---- The end ------------------------------------------------------------- */

static void once(void)
{
	model_assert(ended[0] <= 0);
}

static void once_by_cancellation(void)
{
	model_assert(ended[0] == -ECANCELED);
}

static void once_by_event(void)
{
	model_assert(ended[0] == 0);
}

static void twice(void)
{
	model_assert(ended[0] <= 0);
	model_assert(ended[1] == 0);
}

static void twice_or_cancelled(void)
{
	model_assert(ended[0] <= 0);
	model_assert(ended[1] == 0 || ended[1] == -ECANCELED);
	model_assert(ended[0] == -ECANCELED || ended[1] == -ECANCELED ||
		     (ended[0] == 0 && ended[1] == 0));
}

#define HELD_ONE                                                               \
	{                                                                      \
		"resumed", resumed_once, 0, false, true                        \
	}
#define NOBODY                                                                 \
	{                                                                      \
		"nobody", resumed_once, 0, false, true                         \
	}

static const struct model models[] = {
	{
		.name = "wake-timeout-cancel",
		.setup = setup,
		.finish = once,
		.preemptions = 3,
		.thread = {MODEL_THREAD("owner", owner_once, DUE),
			   MODEL_THREAD("waker", waker, 0),
			   MODEL_THREAD("timer", timer, 0),
			   MODEL_THREAD("canceller", canceller, 0), HELD_ONE},
	},
	{
		.name = "cancel",
		.setup = setup,
		.finish = once_by_cancellation,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", owner_once, NOT_DUE),
			   MODEL_THREAD("canceller", canceller, 0), NOBODY,
			   NOBODY, HELD_ONE},
	},
	{
		.name = "two-cancels",
		.setup = setup,
		.finish = once_by_cancellation,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", owner_once, NOT_DUE),
			   MODEL_THREAD("canceller", canceller, 0),
			   MODEL_THREAD("other", canceller, 0), NOBODY,
			   HELD_ONE},
	},
	{
		.name = "deaf",
		.setup = setup_deaf,
		.finish = once_by_event,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", owner_once, NOT_DUE),
			   MODEL_THREAD("waker", waker, 0),
			   MODEL_THREAD("canceller", canceller, 0), NOBODY,
			   HELD_ONE},
	},
	{
		.name = "two-waits",
		.setup = setup,
		.finish = twice,
		.preemptions = 3,
		.thread = {MODEL_THREAD("owner", owner_twice, DUE),
			   MODEL_THREAD("waker", waker_of_two, 0),
			   MODEL_THREAD("timer", timer, 0),
			   MODEL_THREAD("late", late, 0),
			   MODEL_HELD("resumed", second_wait, 0),
			   MODEL_HELD("at last", resumed_at_last, 0)},
	},
	{
		.name = "two-waits-cancelled",
		.setup = setup,
		.finish = twice_or_cancelled,
		.preemptions = 3,
		.thread = {MODEL_THREAD("owner", owner_twice, NOT_DUE),
			   MODEL_THREAD("waker", waker_of_two, 0),
			   MODEL_THREAD("canceller", canceller, 0), NOBODY,
			   MODEL_HELD("resumed", second_wait, 0),
			   MODEL_HELD("at last", resumed_at_last, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
