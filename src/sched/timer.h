/* SPDX-License-Identifier: MIT */
/*
 * Timers: a wheel per worker, exact to the nanosecond.
 *
 * THE WHEEL is a radix tree over deadlines, without the tree.  A deadline and
 * the wheel's base differ first in some group of six bits; that group is the
 * level, its value in the deadline the slot.  Arming and cancelling touch one
 * slot, whatever the number of timers.  As time passes, the slots that it has
 * reached are emptied: what is due fires, the rest finds a new slot, each time
 * on a lower level, so at most eleven times in a life, and for most timers
 * never, as they are cancelled before.
 *
 * No allocation: a timer is part of its task.  Each slot knows a lower bound
 * of its deadlines, so that a sleeper need not wake to cascade.
 *
 * LAZY TIMERS.  A task has one timer and may lower or raise its deadline at
 * each wait.  An armed timer that would fire too early is left alone: when it
 * fires, it looks at the deadline of the wait that is open then, and either
 * ends the wait or arms itself again.  So a wait that ends in time leaves its
 * timer armed, and the next wait with a later deadline arms nothing.
 *
 * Nothing gets lost by that: the waiter opens its wait and then looks, under
 * the wheel's lock, whether its timer is armed; a timer that fires disarms
 * itself and then, under the same lock, looks whether a wait is open.
 *
 * Others may run a worker's timers: all functions take the wheel's lock.
 *
 * TESTS  test_timer.c compares with a sorted list; model_timer.c: lazy timers
 *        against wakes and looks at the time.
 */
#ifndef GO_SCHED_TIMER_H
#define GO_SCHED_TIMER_H

#include <stdint.h>

#include "arch/atomic.h"
#include "arch/list.h"
#include "arch/lock.h"

#define GO__WHEEL_BITS   6u
#define GO__WHEEL_SLOTS  64u
#define GO__WHEEL_LEVELS 11u

struct go__waiter;
struct go__wake_list;

struct go__wheel_slot {
	struct go__link timers;
	uint64_t earliest; /* No later than any deadline in this slot. */
};

struct go__wheel {
	struct go__lock lock;
	/* Any thread reads, under lock it is written: no later than the
	 * first deadline; GO__NO_DEADLINE if there is none. */
	_Atomic uint64_t next;

	/* Under lock. */
	uint64_t base;                   /* No armed timer is due before it. */
	uint64_t used[GO__WHEEL_LEVELS]; /* A bit per slot with timers. */
	struct go__wheel_slot slot[GO__WHEEL_LEVELS][GO__WHEEL_SLOTS];
};

struct go__timer {
	/* Under the wheel's lock. */
	struct go__link link;
	uint64_t deadline; /* Meaningful while linked. */

	/* The owner only: the wheel it was armed in last, or NULL. */
	struct go__wheel *wheel;
};

void go__wheel_init(struct go__wheel *wheel, uint64_t now);

/*
 * See to it that the timer fires at `deadline` or earlier.  For the owner of
 * the timer, while its wait is open.  `own` is the wheel of its worker.
 */
void go__timer_arm(struct go__timer *timer, struct go__wheel *own,
		   uint64_t deadline);

/* Disarm it and forget its wheel.  For the owner, at the end of its life. */
void go__timer_close(struct go__timer *timer);

/*
 * Fire what is due: end the waits whose deadline has come, and add their
 * waiters to `ready`.  Any thread.
 */
void go__wheel_run(struct go__wheel *wheel, uint64_t now,
		   struct go__wake_list *ready);

/* A time not later than the first deadline; GO__NO_DEADLINE: none. */
static inline uint64_t go__wheel_next(const struct go__wheel *wheel)
{
	/* [next] seq_cst <-> [sleep_until] in worker.c. */
	return atomic_load_explicit(&wheel->next, memory_order_seq_cst);
}

#endif
