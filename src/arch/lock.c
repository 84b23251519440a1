/* SPDX-License-Identifier: MIT */
/* The slow half of the lock: spin for a moment, then sleep in the kernel. */
#include "arch/lock.h"

#include "arch/cpu.h"
#include "arch/sys.h"

enum {
	SPINS = 100
}; /* About as long as a wake-up by the kernel costs. */

void go__lock_acquire_slow(struct go__lock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		/* relaxed: only a hint; go__lock_try decides. */
		if (atomic_load_explicit(&lock->word, memory_order_relaxed) ==
			    0 &&
		    go__lock_try(lock))
			return;
		go__cpu_relax();
	}
	/* acquire <- [release]; 2 tells that holder that we sleep. */
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire))
		go__sys_futex_wait(&lock->word, 2, UINT64_MAX);
}

void go__lock_wake(struct go__lock *lock)
{
	go__sys_futex_wake(&lock->word, 1);
}
