/* SPDX-License-Identifier: MIT */
/*
 * What a poller provides to the descriptor table.
 *
 * poller.c implements this header towards io/ and sched/poller.h towards the
 * scheduler, and contains neither scheduling nor waiting.  Below it is what the
 * operating system has: eventq.h.
 *
 * Registrations are edge-triggered and for the life of the descriptor.  Their
 * events carry the descriptor's number and the generation given here, and go
 * to go__fd_event() (fdwait.h).
 *
 * WHICH POLLER  An entry notes for each set of pollers, that is, for each
 * runtime, whether it is registered there.  Which poller of the set that is
 * follows from its number.  So there is nothing to be noted, and nothing that
 * could be out of date: a number that is closed and handed out again belongs to
 * the same poller, where a registration of the file before is found.
 *
 * WHY NOT the poller of the worker that first waits, so that its tasks' events
 * come to it?  Tasks move, and a connection lives for longer than its task
 * stays; what makes tasks stay together is that who fetches an event runs the
 * task, whatever the poller.
 *
 * Common to the functions: called under the lock of the descriptor's entry,
 * which keeps the set from being destroyed while the entry's bit for it is set;
 * results are 0 or -errno.
 */
#ifndef GO_IO_WATCH_H
#define GO_IO_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/poller.h"

/*
 * Whether events tell of urgent data.  If not, a short count shows nothing: it
 * may end at the mark, with bytes behind it that are no edge.
 */
#ifdef GO_KQUEUE
#define GO__POLLER_TELLS_URGENT 0
#else
#define GO__POLLER_TELLS_URGENT 1
#endif

/* Sets of pollers are numbered, so that an entry can list its own. */
#define GO__POLLERS 64

/* What every struct go__pollers begins with. */
struct go__pollers_base {
	/* Constant: below GO__POLLERS; its own until it is destroyed. */
	unsigned index;
	unsigned count; /* Constant. */
};

static inline const struct go__pollers_base *
go__pollers_base(const struct go__pollers *p)
{
	return (const struct go__pollers_base *)(const void *)p;
}

static inline unsigned go__pollers_index(const struct go__pollers *p)
{
	return go__pollers_base(p)->index;
}

/*
 * Which poller of a set a descriptor belongs to: always the same one.  Numbers
 * in a row are spread evenly, and so is every second or every third.
 */
static inline unsigned go__pollers_which(const struct go__pollers *p, int fd)
{
	/* Knuth, Sorting and Searching: multiply by the golden ratio. */
	uint32_t mixed = (uint32_t)fd * UINT32_C(2654435769) >> 16;

	return mixed * go__pollers_base(p)->count >> 16;
}

/*
 * Register a descriptor for reading, and with `out` for writing too.  If it is
 * ready already, that is an edge.  -EEXIST: it is registered (or 0, and it has
 * been changed); -EPERM: it is of a kind that is always ready (a regular file).
 */
int go__poller_add(struct go__pollers *p, int fd, uint32_t generation,
		   bool out);

/*
 * Change a registration, and look again: readiness there is now is an edge.
 * -ENOENT: it is not registered.
 */
int go__poller_change(struct go__pollers *p, int fd, uint32_t generation,
		      bool out);

/* The set with this number, for which the entry has a bit. */
struct go__pollers *go__pollers_at(unsigned index);

/* Remove the descriptor from its poller in the set with this number. */
void go__poller_remove(unsigned index, int fd);

/* In the child of a fork: close what is the child's of the parent's pollers. */
void go__pollers_forked(void);

#endif
