/* SPDX-License-Identifier: MIT */
/*
 * Tasks: start, wait for, cancel.
 *
 * A task runs ordinary blocking-style C on its own stack.  It leaves its
 * thread only inside a call marked "Parks", and may come back on a different
 * one: do not keep pointers to thread-local objects across such a call, and
 * read errno after one by go_errno() (base.h).  Between two such calls nothing
 * interrupts it.  An exception, a longjmp or pthread_exit must not leave a
 * task's function.
 *
 *     static void *serve(void *arg)
 *     {
 *             int fd = GO_TO_INT(arg);
 *             ...
 *             go_close(fd);
 *             return NULL;
 *     }
 *     ...
 *     while ((fd = go_accept(listener, NULL, NULL)) >= 0)
 *             if (go_spawn(serve, GO_INT(fd)) < 0)
 *                     go_close(fd);
 *
 * (examples/echo.c and examples/tasks.c are whole programs.)
 *
 * The call that spawns a task happens before the task's first instruction;
 * its last one happens before go_task_join() returns.
 */
#ifndef GOFER_TASK_H
#define GOFER_TASK_H

#include <gofer/base.h>

GO_BEGIN_DECLS

struct go_group;
struct go_runtime;

/*
 * Names a task: a value, to be copied freely.  It stays harmless for ever: when
 * the task is over and joined, calls with it say -ESRCH.  One that is detached
 * can be cancelled until it ends, but not joined.
 *
 *     go_task t;
 *     void *sum;
 *     ...
 *     r = go_task_spawn(&t, add_up, &low);
 *     if (r < 0)
 *             return GO_INT(r);
 *     mine = GO_TO_INT(add_up(&high));
 *     r = go_task_join(t, &sum);
 */
typedef struct go_task {
	void *block;
	uint64_t id;
} go_task;

/* How to spawn; all zero means the defaults, and so does NULL. */
typedef struct go_spawn_options {
	/* For people: dumps and overflow reports.  Not copied: a literal, or
	 * something that outlives the task.  NULL: none. */
	const char *name;
	/* Usable stack, rounded up.  0: the runtime's default.  Two sizes are
	 * cheap: the default, and none at all, which is what a queued task
	 * has. */
	size_t stack_bytes;
	/* Stay on one worker for life.  That is one thread, and thread-local
	 * storage stays valid, as long as no task of the runtime begins a
	 * blocking section (blocking.h), which moves its worker. */
	bool pinned;
	/* Where to run.  NULL: the caller's runtime, which for a plain thread
	 * is the one that it has entered (runtime.h). */
	struct go_runtime *runtime;
	/* If not NULL, receives a handle, to be joined or detached. */
	go_task *task;
	/* If not NULL, the group to be a child of (group.h); then no `task`. */
	struct go_group *group;
	/* Begin with the spawner's task-local values (local.h), but for keys
	 * with a destructor: a value has one owner. */
	bool inherit_locals;
	/* Must be zero. */
	uint64_t reserved[8];
} go_spawn_options;

/*
 * Run fn(arg) in a new task and forget it: its result is dropped, and all it
 * used is freed when it returns.  (Where stacks have run out since, it may end
 * without having run; only a handle can tell, by -ENOMEM of the join.)
 *
 * The task may start, and even finish, on another worker before go_spawn()
 * returns: *arg must be ready, and must outlive the task.
 *
 * Returns  0; -ENOMEM (no memory, or stacks are exhausted and tasks wait for
 *          one); -ESHUTDOWN (the runtime is shutting down);
 *          -EINVAL (fn is null); -ESRCH (the caller belongs to no runtime:
 *          name one with go_runtime_spawn(), or go_runtime_enter() one).
 * Context  task, or plain thread that has entered a runtime.
 * Parks    never.
 */
GO_API int go_spawn_at(go_fn *fn, void *arg, const char *site);
#define go_spawn(fn, arg) go_spawn_at(fn, arg, GO_SITE)

/*
 * Run fn(arg) in a new task and put a handle to it into *task.  The handle is
 * used up by one go_task_join() or go_task_detach(); until then the task's
 * result is kept.
 *
 * Returns  as go_spawn(); -EINVAL also if task is null.
 * Context  as go_spawn().
 * Parks    never.
 */
GO_API int go_task_spawn_at(go_task *task, go_fn *fn, void *arg,
			    const char *site);
#define go_task_spawn(task, fn, arg) go_task_spawn_at(task, fn, arg, GO_SITE)

/*
 * Run fn(arg) in a new task as the options say.
 *
 * Returns  as go_spawn(); -EINVAL also if reserved is not zero or stack_bytes
 *          is absurd (more than 1 TiB).
 * Context  as go_spawn(); with options->runtime, any thread.
 * Parks    never.
 */
GO_API int go_spawn_with_at(const go_spawn_options *options, go_fn *fn,
			    void *arg, const char *site);
#define go_spawn_with(options, fn, arg)                                        \
	go_spawn_with_at(options, fn, arg, GO_SITE)

/*
 * Wait until a task has ended, and take what its function returned.  When it
 * fails with -ECANCELED, -ETIMEDOUT or -EDEADLK the handle is as it was, and
 * can be joined again.
 *
 * Returns  0; -ESRCH (joined, detached or being joined already; a zero
 *          handle); -EDEADLK (a task joins itself); -ENOMEM (the task never
 *          ran, since no stack was to be had; or a plain thread found no
 *          memory to wait with); -ENODATA (a blocking task that was withdrawn:
 *          blocking.h).  *result (if not null) is set only on 0.
 * Context  task or plain thread, of this runtime or of any other.
 * Parks    until the task has ended.
 */
GO_API int go_task_join(go_task task, void **result);

/*
 * Give the handle up: nobody will join the task.
 *
 * Returns  0; -ESRCH (as for go_task_join()).
 * Context  any.
 * Parks    never.
 */
GO_API int go_task_detach(go_task task);

/*
 * Cancel a task, joinable or detached.  From now on its waiting calls fail with
 * -ECANCELED, the one it waits in among them; what it does about that is its
 * own business.  A call that has succeeded when the cancellation arrives stays
 * a success.
 *
 * Returns  0, also if it was cancelled before; -ESRCH (it has ended, or has
 *          been joined).
 * Context  any.
 * Parks    never.
 */
GO_API int go_task_cancel(go_task task);

/*
 * Name the calling task.
 *
 * Returns  its handle value, good for go_task_cancel(); it can be joined only
 *          if it was spawned with a handle.  Zero in a plain thread.
 * Context  any.
 * Parks    never.
 */
GO_API go_task go_task_self(void);

/*
 * Ask whether the calling task has been cancelled, for loops that do not wait.
 * (examples/search.c is the whole program.)
 *
 * Returns  true or false; false in a plain thread.
 * Context  any.
 * Parks    never.
 */
GO_API bool go_cancelled(void);

/*
 * Ask how much of its stack the calling task, or whoever had the same stack
 * before it, has ever touched.  (examples/stacks.c)
 *
 * Returns  bytes, a multiple of the page size; *reserved (if not null) is set
 *          to the usable size.  -ESRCH in a plain thread.
 * Context  task.
 * Parks    never.
 */
GO_API int64_t go_stack_used(size_t *reserved);

/*
 * Let others run.  The caller continues after the tasks that are waiting to
 * run now, in a bounded number of turns; at once if there are none.
 *
 * Returns  0, also when cancelled: it does not wait for anything.
 * Context  task; in a plain thread it does nothing.
 * Parks    if others are waiting to run.
 */
GO_API int go_yield(void);

GO_END_DECLS

#endif
