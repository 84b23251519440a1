/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions to signals, for those who wait for several things at once, and
 * for the helper.  The protocol is in signals.c.
 */
#ifndef GO_IO_SIGNALS_H
#define GO_IO_SIGNALS_H

#include <gofer/signal.h>

#include <stdbool.h>
#include <stdint.h>

#include "arch/list.h"
#include "arch/lock.h"
#include "io/signote.h"
#include "sched/wait.h"

struct go_signals {
	/* Under go__helper_lock, and go__signals_lock: which there are. */
	struct go__link link;
	uint64_t set; /* Constant. */
	bool dead;    /* A parent's, in the child of a fork. */

	/* Under go__signals_lock. */
	bool closed;
	unsigned last;    /* The number that was taken last. */
	uint64_t pending; /* Numbers whose counts are not zero. */
	uint32_t count[GO__SIGNALS];
	struct go__link waiters; /* struct go__signals_wait. */
};

/* One who waits; on its stack. */
struct go__signals_wait {
	struct go__wait_node node;
	uint32_t *count; /* Where to store it; may be NULL. */
};

/* One for all subscriptions: held for a look, or while signals are told. */
extern struct go__lock go__signals_lock;

/*
 * Under the lock: the number that a receive takes, -EAGAIN, -EPIPE or -ECHILD.
 * After -EAGAIN: begin the wait, put the node on s->waiters.  Who tells a
 * signal claims it, unlinks it, and delivers the number; the waiter's `value`
 * is the node.
 */
int go__signals_take(go_signals *s, uint32_t *count);

/* For the helper: tell the subscribers what handlers have noted. */
void go__signals_collect(void);

/* Have a number caught for good, whoever subscribes: -errno.  With the lock of
 * the helper, which runs. */
int go__signals_catch(int sig);

void go__signals_lock_for_fork(void);
void go__signals_unlock_after_fork(bool child);

#endif
