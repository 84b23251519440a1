/* SPDX-License-Identifier: MIT */
/* Between stack.c, slab.c and guard.c.  The slab's lock guards both others. */
#ifndef GO_ARCH_SLAB_H
#define GO_ARCH_SLAB_H

#include "arch/stack.h"

/*
 * Make up to n new slots of a class, guarded, and store them.  Returns how
 * many, at least 1, or -ENOMEM.  Any thread; takes the slab's lock.
 */
int go__slab_fresh(unsigned class, char **slots, unsigned n);

/*
 * The word that belongs to a slot, outside of it: whoever owns the slot may use
 * it.  Any thread.
 */
char **go__slab_word(char *slot);

/* Around fork. */
void go__slab_lock(void);
void go__slab_unlock(void);

/*
 * Guard n slots, `stride` bytes apart from `base`.  Returns how many of them,
 * in order and at least 1, may be used now, or -ENOMEM.  Under the slab's lock.
 */
int go__guard_install(char *base, size_t stride, unsigned n);

void go__guard_allow_none(bool allow);
void go__guard_stats(struct go__stack_stats *stats);

/*
 * madvise(MADV_DONTNEED) on up to GO__STACK_BATCH ranges at once if the system
 * can.  Any thread.
 */
struct iovec;
void go__guard_dontneed(const struct iovec *v, unsigned n);

#endif
