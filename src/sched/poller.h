/* SPDX-License-Identifier: MIT */
/*
 * What an operating system's readiness interface must provide to a runtime.
 *
 * This is the one place where the scheduler calls upwards: it owns pollers and
 * decides who sleeps in them; io/poller.c implements this header, and contains
 * no scheduling.
 */
#ifndef GO_SCHED_POLLER_H
#define GO_SCHED_POLLER_H

#include <stdint.h>

/* One poller, and those of a runtime, of which each descriptor has one. */
struct go__poller;
struct go__pollers;
struct go__wake_list;

/* Of a runtime. */
#define GO__POLLERS_MOST 16

/*
 * `count` is from 1 to GO__POLLERS_MOST.  Returns 0, or -errno (-EMFILE,
 * -ENFILE, -ENOMEM, -EAGAIN) with nothing left.
 */
int go__pollers_create(struct go__pollers **pollers, unsigned count);

/*
 * Forget all registrations and free them.  Nobody may be inside another
 * function of these pollers.
 */
void go__pollers_destroy(struct go__pollers *pollers);

/* The one with this number, below count. */
struct go__poller *go__pollers_get(struct go__pollers *pollers, unsigned i);

/*
 * Wait up to timeout_ns (0: just look, -1: no limit) for descriptors to become
 * ready, and add every waiter that this ends the wait of to `ready`; look at no
 * more than `most` descriptors.  Returns early after go__poller_break().  One
 * caller at a time.  Returns 0 or more, or -errno, which the caller treats as
 * "nothing happened".
 */
int go__poller_wait(struct go__poller *poller, int64_t timeout_ns,
		    unsigned most, struct go__wake_list *ready);

/*
 * Sleep as in go__poller_wait(all[0], ...), timeout_ns not 0, but return as
 * well when a look would find something in one of all[1] to all[n - 1].  For
 * these the caller need not be the only one, and it looks itself.
 */
int go__poller_wait_over(struct go__poller *const *all, unsigned n,
			 int64_t timeout_ns, unsigned most,
			 struct go__wake_list *ready);

/*
 * Make the go__poller_wait() that sleeps, or is about to, return.  Any thread.
 * Called only for a caller that has said it is going to sleep, so a look with
 * time-out 0 by somebody else must not use the break up.
 */
void go__poller_break(struct go__poller *poller);

/*
 * For a loop of the program's own that does the sleeping (guest.c): from
 * go__poller_doze() on, the poller's descriptor is readable whenever a look
 * would find something, and after a break, which counts as for a caller inside
 * go__poller_wait(), until the next look.  go__poller_rise() ends that.
 */
int go__poller_fd(const struct go__poller *poller);
void go__poller_doze(struct go__poller *poller);
void go__poller_rise(struct go__poller *poller);

#endif
