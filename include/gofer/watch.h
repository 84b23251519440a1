/* SPDX-License-Identifier: MIT */
/*
 * Watched values: the latest one, and to be told when there is a newer.
 *
 *     static struct setting first = {.limit = 10};
 *     static go_watch setting = GO_WATCH_INIT(&first, sizeof first);
 *
 *     static void *follow(void *unused)
 *     {
 *             struct setting now;
 *             uint64_t seen = 0;
 *
 *             (void)unused;
 *             while (go_watch_wait(&setting, &now, &seen) == 0)
 *                     printf("limit %d\n", now.limit);
 *             return NULL;
 *     }
 *
 * That is one side, and this is the other one (examples/watch.c):
 *
 *     struct setting next = {.limit = limit};
 *
 *     go_watch_send(&setting, &next);
 *
 * Each value has a version, from 1 on.  Who waits says which version it has
 * seen, and gets the latest one as soon as that is another; it may miss those
 * in between.  Tasks of any runtime and plain threads may send and wait in any
 * mix.
 *
 * A watched value is a plain structure with a static initialiser, set up in
 * memory from malloc as sync.h says; it allocates nothing and needs no
 * destructor.  The value itself lies in memory of the caller, where the first
 * one is put before the others begin; from then on only these calls may touch
 * it.  Neither must be moved or freed while it is in use.
 *
 * What a sender did before its send happens before a get or a wait that returns
 * that value, or a later one.
 */
#ifndef GOFER_WATCH_H
#define GOFER_WATCH_H

#include <gofer/sync.h>

GO_BEGIN_DECLS

typedef struct go_watch {
	void *value;
	size_t bytes;
	uint64_t changes;
	go_line line;
} go_watch;

/* The memory, and the size, of a value; NULL, 0: only the versions count. */
#define GO_WATCH_INIT(value, bytes)                                            \
	{                                                                      \
		value, (size_t)(bytes), 0,                                     \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Replace the value by a copy of *value.  Costs time for each one that waits.
 *
 * Returns  0; -EPIPE (it is closed); -EINVAL (a null pointer; value may be one
 *          if the size is 0).
 * Context  any.
 * Parks    never.
 */
GO_API int go_watch_send(go_watch *w, const void *value);

/*
 * Copy the latest value into *value and its version into *seen; either may be
 * null.  Works also when it is closed.
 *
 * Returns  0; -EINVAL (w is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_watch_get(go_watch *w, void *value, uint64_t *seen);

/*
 * Wait until there is another version than *seen; copy that value into *value
 * (null: do not) and its version into *seen.  With 0, any version is another.
 *
 * Returns  0; -EPIPE (it is closed, and *seen is the last version);
 *          -ETIMEDOUT; -EINVAL (w or seen is null); -ENOMEM (a plain thread
 *          found no memory to wait with).  *value and *seen are written only
 *          on 0.
 * Context  task or plain thread.
 * Parks    while *seen is the latest version.
 */
GO_API int go_watch_wait(go_watch *w, void *value, uint64_t *seen);

/*
 * As go_watch_wait(), if that is possible at once.
 *
 * Returns  as go_watch_wait(); -EAGAIN (*seen is the latest version).  Never
 *          -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_watch_try(go_watch *w, void *value, uint64_t *seen);

/*
 * Take no more values: sends fail with -EPIPE from now on, and so do waits by
 * those who have seen the last one.
 *
 * Returns  0; -EPIPE (it is closed already); -EINVAL (w is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_watch_close(go_watch *w);

/*
 * Make sure that nobody waits for a watched value.
 *
 * Returns  0; -EBUSY (somebody does); -EINVAL (w is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_watch_destroy(go_watch *w);

GO_END_DECLS

#endif
