/* SPDX-License-Identifier: MIT */
/*
 * What an operating system's poller must provide to the descriptor table.
 *
 * Exactly one of the pollers (epoll.c) is compiled; it implements this header
 * towards io/ and sched/poller.h towards the scheduler, and contains neither
 * scheduling nor waiting.
 *
 * Registrations are edge-triggered and for the life of the descriptor.  Their
 * events carry the descriptor's number and the generation given here, and go
 * to go__fd_event() (fdwait.h).
 *
 * Common to the functions: called under the lock of the descriptor's entry,
 * which keeps the poller from being destroyed while the entry's bit for it is
 * set; results are 0 or -errno.
 */
#ifndef GO_IO_WATCH_H
#define GO_IO_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/poller.h"

/* Pollers of the process are numbered, so that an entry can list its own. */
#define GO__POLLERS 64

/* What every struct go__poller begins with. */
struct go__poller_base {
	/* Constant: below GO__POLLERS; its own until it is destroyed. */
	unsigned index;
};

static inline unsigned go__poller_index(const struct go__poller *p)
{
	return ((const struct go__poller_base *)(const void *)p)->index;
}

/*
 * Register a descriptor for reading, and with `out` for writing too.  If it is
 * ready already, that is an edge.  -EEXIST: it is registered; -EPERM: it is of
 * a kind that is always ready (a regular file).
 */
int go__poller_add(struct go__poller *p, int fd, uint32_t generation, bool out);

/*
 * Change a registration, and look again: readiness there is now is an edge.
 * -ENOENT: it is not registered.
 */
int go__poller_change(struct go__poller *p, int fd, uint32_t generation,
		      bool out);

/* The poller with this number, for which the entry has a bit. */
struct go__poller *go__poller_at(unsigned index);

/* Remove the descriptor from the poller with this number. */
void go__poller_remove(unsigned index, int fd);

/* In the child of a fork: close what is the child's of the parent's pollers. */
void go__pollers_forked(void);

#endif
