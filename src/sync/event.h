/* SPDX-License-Identifier: MIT */
/*
 * The event word: whether it is set, and whether somebody may be in line.
 *
 *     bit 2   WAITERS   the line need not be empty
 *     bit 1   AUTO      constant: who passes resets it
 *     bit 0   SET
 *
 * It is the state of the event's line.  Without waiters each call is one
 * exchange on it, and to pass a manual event one load:
 *
 *     passer   pass     SET is there; an automatic one: clear it
 *     waiter   look     under the lock: the same, or set WAITERS
 *     setter   set      without WAITERS: set SET
 *     setter   give     under the lock, after taking out of line whom it lets
 *                       pass: set SET unless an automatic event has let one
 *                       pass; clear WAITERS if the line is empty
 *     anybody  reset    clear SET
 *
 * NO WAKE-UP IS LOST.  The looks and the sets are exchanges on one word: a
 * setter comes before the look, which then passes, or finds WAITERS, waits for
 * the lock, and finds in line whoever looked.  WAITERS may be set with nobody
 * in line (the waiter has given up, or waits for something else after all, see
 * below): then the next setter takes the lock for nothing, and clears it.
 *
 * SETTING ALWAYS WRITES, also if the event is set already: who passes reads
 * what the last setter wrote, and so sees what he did before.
 *
 * The look is what others use who wait for several things at once:
 *
 *     l = go__line_lock(&e->line)
 *     if go__event_look(l, true): it was set (an automatic one no longer is)
 *     else begin the wait, go__list_push_back(&l->list, &node.link)
 *     go__line_unlock(l)
 *
 * Who sets the event claims the node, unlinks it and delivers 0; the waiter's
 * `value` is the node.  An automatic event is used up by that.  A node whose
 * wait was ended by somebody else is still linked, and is to be removed under
 * the lock.
 *
 * TESTS  model_event.c.
 */
#ifndef GO_SYNC_EVENT_H
#define GO_SYNC_EVENT_H

#include "sync/line.h"

enum {
	GO__EVENT_SET = 1,
	GO__EVENT_AUTO = 2,
	GO__EVENT_WAITERS = 4,
};

/* Pass if it is set. */
static inline bool go__event_pass(struct go__line *l)
{
	/* [pass] acquire <- [set], [give]: what the setter did. */
	uint32_t bits = atomic_load_explicit(&l->word, memory_order_acquire);

	do {
		if (!(bits & GO__EVENT_SET))
			return false;
		if (!(bits & GO__EVENT_AUTO))
			break;
		/* [pass] acquire <- [set], [give]: the same. */
	} while (!atomic_compare_exchange_weak_explicit(
		&l->word, &bits, bits & ~(uint32_t)GO__EVENT_SET,
		memory_order_acquire, memory_order_relaxed));
	go__line_see_out(l);
	return true;
}

/* Under the lock: pass if it is set; if not, and with `join`, say so. */
static inline bool go__event_look(struct go__line *l, bool join)
{
	uint32_t to;
	/* relaxed: the exchange below decides. */
	uint32_t bits = atomic_load_explicit(&l->word, memory_order_relaxed);

	do {
		if (!(bits & GO__EVENT_SET))
			to = bits | (join ? GO__EVENT_WAITERS : 0);
		else if (bits & GO__EVENT_AUTO)
			to = bits & ~(uint32_t)GO__EVENT_SET;
		else
			to = bits;
		/* [look] acquire <- [set], [give], if we pass. */
	} while (!atomic_compare_exchange_weak_explicit(&l->word, &bits, to,
							memory_order_acquire,
							memory_order_relaxed));
	return bits & GO__EVENT_SET;
}

/* Set it, unless somebody may be in line.  The last access to the event. */
static inline bool go__event_set(struct go__line *l)
{
	/* relaxed: the exchange below decides. */
	uint32_t bits = atomic_load_explicit(&l->word, memory_order_relaxed);

	do {
		if (bits & GO__EVENT_WAITERS)
			return false;
		/* [set] release -> [pass], [look]. */
	} while (!atomic_compare_exchange_weak_explicit(
		&l->word, &bits, bits | GO__EVENT_SET, memory_order_release,
		memory_order_relaxed));
	return true;
}

/* Under the lock: the last step of a setter who has looked at the line. */
static inline void go__event_give(struct go__line *l, bool set)
{
	uint32_t on = set ? GO__EVENT_SET : 0;
	uint32_t off = go__list_empty(&l->list) ? GO__EVENT_WAITERS : 0;
	/* relaxed: the exchange below decides. */
	uint32_t bits = atomic_load_explicit(&l->word, memory_order_relaxed);

	/* [give] release -> [pass], [look]; and so the lock is seen held. */
	while (!atomic_compare_exchange_weak_explicit(
		&l->word, &bits, (bits | on) & ~off, memory_order_release,
		memory_order_relaxed))
		;
}

static inline void go__event_reset(struct go__line *l)
{
	/* acquire <- [set], [give]: who resets it and looks at what it stands
	 * for sees what was done before it was set. */
	atomic_fetch_and_explicit(&l->word, ~(uint32_t)GO__EVENT_SET,
				  memory_order_acquire);
}

#endif
