/* SPDX-License-Identifier: MIT */
/* The right to run a runtime that has no threads, and its hand-over: seat.c. */
#ifndef GO_SCHED_SEAT_H
#define GO_SCHED_SEAT_H

#include "sched/wait.h"

struct go_runtime;

enum {
	GO__SEATED = 2, /* Of a wait: the seat is the waiter's. */
};

/* The seat if it is free: 0 or -EBUSY. */
int go__runtime_host(struct go_runtime *rt);
/* Give it to the next who waits for it. */
void go__runtime_unhost(struct go_runtime *rt);

/* GO__SEATED; 0: somebody has it, and it may be waited for; -EBUSY: may not. */
int go__seat_ask(struct go_runtime *rt);

/*
 * The seat, or a place behind those who wait for it.  False: rt->lock is held,
 * for go__seat_queue() to release once a wait has been begun.
 */
bool go__seat_take(struct go_runtime *rt);
void go__seat_queue(struct go_runtime *rt, struct go__wait_node *node,
		    struct go__waiter *w);

/* Wait for the seat alone, deaf: GO__SEATED, -ETIMEDOUT or -ENOMEM. */
int go__seat_wait(struct go_runtime *rt, uint64_t deadline);

#endif
