/* SPDX-License-Identifier: MIT */
/* The library's own thread for what belongs to no runtime: see helper.c. */
#ifndef GO_IO_HELPER_H
#define GO_IO_HELPER_H

#include <stdint.h>

#include "arch/lock.h"

/*
 * Orders those who change what the helper does: start it, install handlers,
 * hand it a child.  Held over system calls, and never taken by the helper
 * itself.
 */
extern struct go__lock go__helper_lock;

/*
 * All of these under go__helper_lock.  Start it, unless it runs: 0, -EAGAIN,
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int go__helper_start(void);

/* Which signals it is not to block; the second one returns when it does. */
void go__helper_unblock(uint64_t signals);
void go__helper_block(uint64_t signals);

/* It is to call go__process_orphan(p) when the descriptor is readable. */
int go__helper_watch(int fd, void *p);

/*
 * The helper itself: before p goes, and not by closing the descriptor, which a
 * child that is just being started holds open, too, until its exec.
 */
void go__helper_forget(int fd);

/* It is to look at everything.  Without the lock, and in signal handlers. */
void go__helper_poke(void);

#endif
