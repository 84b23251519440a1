/* SPDX-License-Identifier: MIT */
/*
 * The break: how a sleeper is got out of the kernel's poller, cheaply.
 *
 * To interrupt a thread in epoll_wait one writes to an eventfd that is
 * registered there.  Two things can go wrong.  The write costs a system call,
 * also when nobody sleeps; and whoever looks at the poller without sleeping
 * may fetch the event that was meant for the sleeper.  One word settles both:
 *
 *     state    meaning                               who moves on
 *     -------  ------------------------------------  -------------------------
 *     AWAKE    nobody sleeps                         sleeper, breaker
 *     ASLEEP   somebody sleeps, or is about to       sleeper, breaker
 *     BROKEN   the sleeper is to return, or the      the sleeper, as it
 *              next one is not to sleep              returns or does not sleep
 *
 * The eventfd is written only by the breaker that finds ASLEEP.  A break that
 * comes before the sleep is found there, in the state, and not in the eventfd:
 * so a look without sleep cannot use it up.  A look that does fetch the event
 * asks go__break_pass_on() and writes again if the sleeper is still inside.
 *
 * The eventfd is registered edge-triggered and never read; each write is an
 * edge.  An event left over from a sleep that ended for another reason ends a
 * later one early, which costs one turn of the sleeper's loop.
 *
 * INVARIANT  BROKEN lasts until a sleeper has returned, or has not slept, after
 *            the break.
 *
 * TESTS  model_break.c: a sleeper, a breaker, a look in between.
 */
#ifndef GO_IO_BREAK_H
#define GO_IO_BREAK_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

enum {
	GO__BREAK_AWAKE,
	GO__BREAK_ASLEEP,
	GO__BREAK_BROKEN,
};

struct go__break {
	_Atomic uint32_t state;
};

/*
 * The sleeper is about to sleep.  False: a break is waiting, look only.
 * Either way go__break_woke() follows.
 */
static inline bool go__break_sleep(struct go__break *b)
{
	uint32_t awake = GO__BREAK_AWAKE;

	/* [asleep] release -> [break]: the write comes after this; acquire <-
	 * [break] on failure: we see what the breaker did before. */
	return atomic_compare_exchange_strong_explicit(
		&b->state, &awake, GO__BREAK_ASLEEP, memory_order_acq_rel,
		memory_order_acquire);
}

/* The sleeper is back. */
static inline void go__break_woke(struct go__break *b)
{
	/* acquire <- [break]: what the breaker did before is visible.  An
	 * exchange, since a plain store could pass over a break unseen. */
	atomic_exchange_explicit(&b->state, GO__BREAK_AWAKE,
				 memory_order_acquire);
}

/* Break the sleep.  True: the caller writes to the eventfd.  Any thread. */
static inline bool go__break_raise(struct go__break *b)
{
	/* [break] release -> the sleeper; acquire <- [asleep]. */
	return atomic_exchange_explicit(&b->state, GO__BREAK_BROKEN,
					memory_order_acq_rel) ==
	       GO__BREAK_ASLEEP;
}

/* A look has fetched the eventfd's event.  True: write it again. */
static inline bool go__break_pass_on(const struct go__break *b)
{
	/* acquire <- [break]: the event that we fetched came after it. */
	return atomic_load_explicit(&b->state, memory_order_acquire) ==
	       GO__BREAK_BROKEN;
}

#endif
