/* SPDX-License-Identifier: MIT */
/*
 * Looking at descriptors, and waiting until another look may be worth it: what
 * go_poll() is made of, and select's part that is about descriptors.
 *
 * What is ready now, the kernel's poll(2) knows, asked with time-out zero.  The
 * rest is to wait until that answer may have changed: an edge on any of the
 * descriptors.  The readiness bits are no help, for they may be set in vain,
 * and clearing them is the business of calls that read and write; what counts
 * is whether an edge was noted since the word was loaded, before the look:
 *
 *     L1  load each word
 *     L2  poll(2) says that nothing is ready
 *     L3  begin the wait
 *     L4  for each descriptor, under its lock: register; if its word has
 *         changed since L1, look again; link
 *     L5  wait; unlink what is still linked
 *
 * An edge that is noted before L4 finds the word changed; the poller of a later
 * one takes the lock after L4, and finds the link.  What was ready before the
 * registration is seen by L2, or reported by the registration as an edge.
 *
 * It is linked as a shared waiter, which every edge wakes (fdwait.c).
 *
 * A plain thread sleeps in poll(2) itself, on the descriptors and its eventfd;
 * its links serve go_close() only.
 *
 * From L3 on others may end the wait.  Whoever finds at L4 that he must look
 * again therefore asks go__wait_abandon() whether it was still his to end.
 */
#ifndef GO_IO_FDLOOK_H
#define GO_IO_FDLOOK_H

#include "io/fdwait.h"

/* One descriptor that is looked at; on the caller's stack. */
struct go__fd_look {
	struct go__fd_wait wait;
	struct go__fd *entry; /* NULL: passed over. */
	uint64_t seen;
};

/* Begin and end: as go__fd_enter(), go__fd_leave().  entry is set, or NULL. */
int go__fd_look_enter(struct go__fd_look *k, int fd);
void go__fd_look_leave(struct go__fd_look *k);

/* L1. */
void go__fd_look_load(struct go__fd_look *k);

/* L2: as poll(2) with time-out zero, and never -EINTR. */
int go__fd_look_now(struct pollfd *fds, nfds_t count);

/*
 * L4, for the caller's wait that has begun.  Returns 1 (linked), 0 (look
 * again), -EBADF (it is being closed), or what registering it says.
 */
int go__fd_look_link(struct go__fd_look *k, struct go__waiter *w, short events);

/* The same, to be told of nothing but the closing of the descriptor. */
int go__fd_look_link_closing(struct go__fd_look *k, struct go__waiter *w);

/* Unlink it, if it is linked. */
void go__fd_look_unlink(struct go__fd_look *k);

/*
 * A task's wait has ended because of a doubt: go__fd_recheck() for a look that
 * was linked.
 */
int go__fd_look_recheck(struct go__fd_look *k, struct go__waiter *w);

/* Whether it is being closed. */
bool go__fd_look_closing(struct go__fd_look *k);

#endif
