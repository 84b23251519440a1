/* SPDX-License-Identifier: MIT */
/*
 * The library's own lock: four bytes, zero is free, no destructor.
 *
 * Held for a few dozen instructions and never across a switch: the holder is a
 * thread, not a task, and a task that parked with it could come back on
 * another thread while the first one spins for the lock.  So it must not be
 * held over any call marked "may suspend", and it is never public.
 *
 *     word  meaning                          who changes it
 *     ----  -------------------------------  -------------------------------
 *     0     free                             acquire -> 1 or 2
 *     1     held, nobody sleeps              release -> 0; a waiter -> 2
 *     2     held, somebody may sleep         release -> 0 and wakes one
 *
 * A waiter that has slept takes the lock as 2, because it cannot know whether
 * it was the last sleeper; the price is at most one needless wake per burst.
 *
 * RELEASE  looks at the word and then stores to it, which costs a third of an
 *          exchange.  It may miss a waiter that writes its 2 in between, and
 *          wake nobody: such a waiter sleeps until another release, or for
 *          NAP_NS (lock.c) at most, and looks again.  It takes a holder that
 *          loses its processor between the two instructions.
 */
#ifndef GO_ARCH_LOCK_H
#define GO_ARCH_LOCK_H

#ifdef GO_MODEL
#include "model_lock.h"
#else

#include "arch/atomic.h"

#include <stdbool.h>
#include <stdint.h>

struct go__lock {
	_Atomic uint32_t word;
};

#define GO__LOCK_INIT                                                          \
	{                                                                      \
		0                                                              \
	}

static inline void go__lock_init(struct go__lock *lock)
{
	atomic_init(&lock->word, 0);
}

void go__lock_acquire_slow(struct go__lock *lock);
void go__lock_wake(struct go__lock *lock);

static inline bool go__lock_try(struct go__lock *lock)
{
	uint32_t free = 0;

	/* acquire <- [release]: we see what the last holder wrote. */
	return atomic_compare_exchange_strong_explicit(&lock->word, &free, 1,
						       memory_order_acquire,
						       memory_order_relaxed);
}

/* Is it held, by whoever took it before something that we have read? */
static inline bool go__lock_held(const struct go__lock *lock)
{
	/* acquire <- [release], if it is free again. */
	return atomic_load_explicit(&lock->word, memory_order_acquire) != 0;
}

static inline void go__lock_acquire(struct go__lock *lock)
{
	if (!go__lock_try(lock))
		go__lock_acquire_slow(lock);
}

static inline void go__lock_release(struct go__lock *lock)
{
	/* relaxed: see RELEASE above.  [release] pairs with the acquire of
	 * whoever takes it next. */
	uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);

	atomic_store_explicit(&lock->word, 0, memory_order_release);
	if (word == 2)
		go__lock_wake(lock);
}

#endif
#endif
