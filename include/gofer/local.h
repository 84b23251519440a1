/* SPDX-License-Identifier: MIT */
/*
 * What belongs to a task, or to a plain thread, and goes with it: clean-up
 * handlers, and task-local values.
 *
 *     static go_key name_key;
 *     ...
 *     static void *serve(void *unused)
 *     {
 *             static char begins[] = "begins", ends[] = "ends";
 *             char *name = strdup("server");
 *             int r = go_local_set(name_key, name);
 *             ...
 *                     r = go_at_exit(say, ends);
 *             ...
 *             return GO_INT(r);
 *     }
 *     ...
 *     int r = go_key_create(&name_key, free);
 *
 * (examples/locals.c is the whole program.)
 *
 * When its function has returned, a task runs its handlers, the newest first,
 * and then the destructors of its values.  Both may wait: they run in a shield
 * (deadline.h).  A plain thread does the same when it ends, as for the keys of
 * pthreads; there they must not wait.  As for those, nothing of this happens
 * when the process ends: by exit(), or when main() returns.
 */
#ifndef GOFER_LOCAL_H
#define GOFER_LOCAL_H

#include <gofer/base.h>

GO_BEGIN_DECLS

enum {
	GO_KEYS_MOST = 64 /* Keys of a process. */
};

/* Names a task-local value in all tasks.  Lives as long as the process. */
typedef struct go_key {
	unsigned index;
} go_key;

/*
 * Call fn(arg) when the calling task or thread ends.
 *
 * Returns  0; -EINVAL (fn is null); -ENOMEM, and then fn will not be called.
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_at_exit(void (*fn)(void *arg), void *arg);

/*
 * Make a key.  The destructor (if not null) is called at the end of each task
 * whose value is not null, with that value.
 *
 * Returns  0; -EINVAL (key is null); -EAGAIN (GO_KEYS_MOST are made).
 * Context  any.
 * Parks    never.
 */
GO_API int go_key_create(go_key *key, void (*destructor)(void *value));

/*
 * Set the caller's value of a key.  The value before it is dropped as it is.
 *
 * Returns  0; -EINVAL (no such key); -ENOMEM.
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_local_set(go_key key, void *value);

/*
 * Read the caller's value of a key.
 *
 * Returns  the value; NULL if there is none, or no such key.
 * Context  any.
 * Parks    never.
 */
GO_API void *go_local_get(go_key key);

GO_END_DECLS

#endif
