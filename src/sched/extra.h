/* SPDX-License-Identifier: MIT */
/* Clean-up handlers and task-local values: what only some tasks have. */
#ifndef GO_SCHED_EXTRA_H
#define GO_SCHED_EXTRA_H

struct go__extra;

/* Copy the caller's values for a new task; 0 or -ENOMEM.  *copy may be NULL. */
int go__extra_inherit(struct go__extra **copy);

/* Run the caller's handlers and destructors.  May suspend. */
void go__extra_end(struct go__extra **extra);

/* Free what a task that never ran has inherited. */
void go__extra_drop(struct go__extra *extra);

/* Around fork. */
void go__keys_lock(void);
void go__keys_unlock(void);

#endif
