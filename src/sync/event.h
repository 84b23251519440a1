/* SPDX-License-Identifier: MIT */
/*
 * The event from the inside, for those who wait for several things.
 *
 *     l = go__line_lock(&e->line)
 *     if go__event_pass(l): it was set (an automatic one no longer is)
 *     else begin the wait, go__list_push_back(&l->list, &node.link)
 *     go__line_unlock(l)
 *
 * Who sets the event claims the node, unlinks it and delivers 0; the waiter's
 * `value` is the node.  An automatic event is used up by that.  A node whose
 * wait was ended by somebody else is still linked, and is to be removed under
 * the lock.
 */
#ifndef GO_SYNC_EVENT_H
#define GO_SYNC_EVENT_H

#include "sync/line.h"

/* The state of the line. */
enum {
	GO__EVENT_SET = 1,
	GO__EVENT_AUTO = 2,
};

/* Locked: pass if it is set. */
static inline bool go__event_pass(struct go__line *l)
{
	if (!(l->state & GO__EVENT_SET))
		return false;
	if (l->state & GO__EVENT_AUTO)
		l->state = GO__EVENT_AUTO;
	return true;
}

#endif
