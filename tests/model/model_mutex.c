/* SPDX-License-Identifier: MIT */
/*
 * The mutex word: lock, unlock, hand-off and a waiter that gives up.
 *
 * Shows: one owner at a time, which sees what the last one did; every locker
 * gets the mutex or is cancelled, and no wake-up is lost; one that has been
 * passed over gets the mutex by its next wake-up; the word is zero at the end.
 *
 * Cannot show: how waits are parked.  A wait is one atomic here, claimed by
 * a compare and swap; model_waitword.c is about the real one.  The callers of
 * the word in mutex.c are repeated here, in the same order: attempt(), pass(),
 * give_up().
 *
 * Bounds: three lockers, once or twice each, one of them cancelled.
 */
#include "model.h"

#include "arch/lock.h"
#include "sync/mutex.h"

enum {
	LOCKERS = 3,

	ASLEEP = 0, /* What a waiter is told. */
	AGAIN = 1,
	YOURS = 2,
	CANCELLED = 3,
	AWAKE = 4,   /* No wait is open. */
	CLAIMED = 5, /* The waiter is about to be told. */
};

static struct go__mutex_word word;
static struct go__lock lock;
static _Atomic uint32_t wait[LOCKERS];

/* Under lock: the waiters, the first one first, and who was passed over. */
static int line[LOCKERS], length;
static bool passed_over[LOCKERS];

static int data; /* Under the mutex; plain memory, watched for races. */
static int done;

static void setup(void)
{
	atomic_init(&word.bits, 0);
	atomic_init(&lock.word, 0);
	for (int i = 0; i < LOCKERS; i++) {
		atomic_init(&wait[i], AWAKE);
		passed_over[i] = false;
	}
	length = 0;
	data = 0;
	done = 0;
}

static uint64_t name_of(int i)
{
	return (uint64_t)(i + 1) * 8;
}

static bool claim(int i, uint32_t to)
{
	uint32_t asleep = ASLEEP;

	/* relaxed: what is told with it is ordered by the word. */
	return atomic_compare_exchange_strong_explicit(&wait[i], &asleep, to,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

/* ---- As mutex.c ---------------------------------------------------------- */

static void join(int self)
{
	int at = passed_over[self] ? 0 : length;

	for (int i = length++; i > at; i--)
		line[i] = line[i - 1];
	line[at] = self;
}

static void part(int self)
{
	int at = 0;

	while (line[at] != self)
		at++;
	for (length--; at < length; at++)
		line[at] = line[at + 1];
}

static void give_up(int self)
{
	go__lock_acquire(&lock);
	part(self);
	if (length == 0)
		go__mutex_leave(&word);
	go__lock_release(&lock);
}

static uint32_t attempt(int self, bool woken)
{
	uint32_t how;

	go__lock_acquire(&lock);
	if (go__mutex_queue(&word, name_of(self), woken)) {
		go__lock_release(&lock);
		return YOURS;
	}
	passed_over[self] = woken;
	/* relaxed: published by the lock. */
	atomic_store_explicit(&wait[self], ASLEEP, memory_order_relaxed);
	join(self);
	go__lock_release(&lock);
	/* acquire: as the owner of the real wait. */
	while ((how = atomic_load_explicit(&wait[self],
					   memory_order_acquire)) == ASLEEP ||
	       how == CLAIMED)
		model_yield();
	if (how == CANCELLED)
		give_up(self);
	return how;
}

static void pass(void)
{
	int next = -1;
	bool yours = false;

	go__lock_acquire(&lock);
	for (int i = 0; i < length && next < 0; i++)
		if (claim(line[i], CLAIMED))
			next = line[i];
	if (next >= 0) {
		yours = passed_over[next];
		part(next);
	}
	go__mutex_pass(&word, yours ? name_of(next) : 0, next >= 0 && !yours,
		       length > 0);
	go__lock_release(&lock);
	if (next >= 0)
		/* release: as the delivery of the real wait. */
		atomic_store_explicit(&wait[next], yours ? YOURS : AGAIN,
				      memory_order_release);
}

/* ---- Threads ------------------------------------------------------------- */

static void critical(int self)
{
	model_assert(go__mutex_owner(&word) == name_of(self));
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	switch (go__mutex_release(&word, name_of(self))) {
	case GO__MUTEX_RELEASED:
		break;
	case GO__MUTEX_CONTENDED:
		pass();
		break;
	case GO__MUTEX_STRANGER:
		model_assert(false && "the owner is a stranger");
	}
}

/* Lock, unlock.  A second wake-up brings the mutex. */
static void locker(int self)
{
	uint32_t how = YOURS;
	int woken = 0;

	if (!go__mutex_take(&word, name_of(self)))
		how = attempt(self, false);
	while (how == AGAIN) {
		model_assert(++woken < 2);
		how = attempt(self, true);
	}
	if (how == YOURS)
		critical(self);
	done++;
}

static void locker_twice(int self)
{
	locker(self);
	locker(self);
}

static void canceller(int whom)
{
	(void)claim(whom, CANCELLED);
}

static void stranger(int self)
{
	model_assert(go__mutex_release(&word, name_of(self)) ==
		     GO__MUTEX_STRANGER);
}

static void finish(void)
{
	/* relaxed: the threads have ended. */
	model_assert(atomic_load_explicit(&word.bits, memory_order_relaxed) ==
		     0);
	model_assert(length == 0);
}

static void finish_three(void)
{
	finish();
	model_assert(data == 3 && done == 3);
}

static void finish_four(void)
{
	finish();
	model_assert(data == 4 && done == 4);
}

static void finish_cancelled(void)
{
	finish();
	model_assert(data >= 2 && done == 3);
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
		.preemptions = 2,
		.thread = {MODEL_THREAD("first", locker_twice, 0),
			   MODEL_THREAD("second", locker, 1),
			   MODEL_THREAD("third", locker, 2)},
	},
	{
		.name = "cancel",
		.setup = setup,
		.finish = finish_cancelled,
		.preemptions = 2,
		.thread = {MODEL_THREAD("first", locker, 0),
			   MODEL_THREAD("second", locker, 1),
			   MODEL_THREAD("third", locker, 2),
			   MODEL_THREAD("canceller", canceller, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
