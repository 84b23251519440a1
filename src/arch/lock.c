/* SPDX-License-Identifier: MIT */
/* The slow half of the lock: spin for a moment, then sleep in the kernel. */
#include "arch/lock.h"

#include "arch/cpu.h"
#include "arch/sys.h"

enum {
	/* Pauses between two looks, doubled each time.  While we do not look,
	 * the holder keeps the line, and what it guards, in its own cache. */
	FIRST_PAUSES = 8,
	MOST_PAUSES = 256,
	LOOKS = 7,
	NAP_NS = 1000000,
};

void go__lock_acquire_slow(struct go__lock *lock)
{
	for (int look = 0, pauses = FIRST_PAUSES; look < LOOKS; look++) {
		for (int i = 0; i < pauses; i++)
			go__cpu_relax();
		if (pauses < MOST_PAUSES)
			pauses *= 2;
		/* relaxed: only a hint; go__lock_try decides. */
		if (atomic_load_explicit(&lock->word, memory_order_relaxed) ==
			    0 &&
		    go__lock_try(lock))
			return;
	}
	/* acquire <- [release]; 2 tells that holder that we sleep. */
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire))
		go__sys_futex_wait(&lock->word, 2, go__sys_now() + NAP_NS);
}

void go__lock_wake(struct go__lock *lock)
{
	go__sys_futex_wake(&lock->word, 1);
}
