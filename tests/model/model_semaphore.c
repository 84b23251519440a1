/* SPDX-License-Identifier: MIT */
/*
 * The semaphore word: permits are conserved, whoever is cancelled when.
 *
 * Shows: what was posted was taken or is there at the end; nobody sleeps while
 * there is a permit; who was given one has it, though a cancellation came; the
 * taker sees what the giver did.
 *
 * Cannot show: how waits are parked; a wait is one atomic here.  The callers in
 * semaphore.c are repeated in the same order.
 *
 * Bounds: two takers, one of which may be cancelled, and two permits.
 */
#include "model.h"

#include "arch/lock.h"
#include "sync/semaphore.h"

enum {
	TAKERS = 2,

	ASLEEP = 0,
	GIVEN = 1,
	CANCELLED = 2,
	AWAKE = 3,
	CLAIMED = 4,
};

static struct go__permits word;
static struct go__lock lock;
static _Atomic uint32_t wait[TAKERS];
static int line[TAKERS], length; /* Under lock. */
static int data;                 /* Given with the one permit. */
static int taken, cancelled;

static void setup(void)
{
	atomic_init(&word.bits, 0);
	atomic_init(&lock.word, 0);
	for (int i = 0; i < TAKERS; i++)
		atomic_init(&wait[i], AWAKE);
	length = 0;
	data = 0;
	taken = 0;
	cancelled = 0;
}

static bool claim(int i, uint32_t to)
{
	uint32_t asleep = ASLEEP;

	/* relaxed: what is told with it is ordered by the delivery. */
	return atomic_compare_exchange_strong_explicit(&wait[i], &asleep, to,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

static void part(int self)
{
	int at = 0;

	while (line[at] != self)
		at++;
	for (length--; at < length; at++)
		line[at] = line[at + 1];
	if (length == 0)
		go__permits_settle(&word);
}

static bool acquire(int self)
{
	uint32_t how;

	if (go__permits_take(&word) == 1)
		return true;
	go__lock_acquire(&lock);
	if (go__permits_queue(&word, true)) {
		go__lock_release(&lock);
		return true;
	}
	/* relaxed: published by the lock. */
	atomic_store_explicit(&wait[self], ASLEEP, memory_order_relaxed);
	line[length++] = self;
	go__lock_release(&lock);
	/* acquire: as the owner of the real wait. */
	while ((how = atomic_load_explicit(&wait[self],
					   memory_order_acquire)) == ASLEEP ||
	       how == CLAIMED)
		model_yield();
	if (how == GIVEN)
		return true;
	go__lock_acquire(&lock);
	part(self);
	go__lock_release(&lock);
	return false;
}

static void post(void)
{
	int next = -1;

	if (go__permits_give(&word, false) >= 0)
		return;
	go__lock_acquire(&lock);
	for (int i = 0; i < length && next < 0; i++)
		if (claim(line[i], CLAIMED))
			next = line[i];
	if (next >= 0)
		part(next);
	else
		(void)go__permits_give(&word, true);
	go__lock_release(&lock);
	if (next >= 0)
		/* release: as the delivery of the real wait. */
		atomic_store_explicit(&wait[next], GIVEN, memory_order_release);
}

static void taker(int self)
{
	if (acquire(self))
		taken++;
	else
		cancelled++;
}

static void giver(int unused)
{
	(void)unused;
	post();
	post();
}

static void poster(int unused)
{
	(void)unused;
	post();
}

/* One permit at a time: what it guards is not raced for. */
static void user(int self)
{
	if (!acquire(self))
		return;
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	taken++;
	post();
}

static void canceller(int whom)
{
	(void)claim(whom, CANCELLED);
}

static int left(void)
{
	/* relaxed: the threads have ended. */
	uint64_t bits = atomic_load_explicit(&word.bits, memory_order_relaxed);

	model_assert(length == 0 && !(bits & GO__PERMIT_WAITERS));
	return (int)(bits / GO__PERMIT);
}

static void conserved(void)
{
	model_assert(taken + cancelled == 2);
	model_assert(taken + left() == 2);
}

static void guarded(void)
{
	model_assert(data == taken && taken == 2);
	model_assert(left() == 1);
}

static const struct model models[] = {
	{
		.name = "cancel",
		.setup = setup,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("first", taker, 0),
			   MODEL_THREAD("second", taker, 1),
			   MODEL_THREAD("giver", giver, 0),
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "guard",
		.setup = setup,
		.finish = guarded,
		.preemptions = 3,
		.thread = {MODEL_THREAD("first", user, 0),
			   MODEL_THREAD("second", user, 1),
			   MODEL_THREAD("giver", poster, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
