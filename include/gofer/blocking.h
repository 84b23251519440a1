/* SPDX-License-Identifier: MIT */
/*
 * Blocking work: what would hold up a worker, and all the tasks behind it.
 *
 * A call that waits without this library's knowledge (a database client's, a
 * file system's, getaddrinfo(3)), or that computes for long, belongs on a
 * thread of its own.  Each runtime has a pool of such threads: they are made
 * when they are needed, up to max_blocking_threads, and leave when they have
 * had nothing to do for blocking_keep_alive_ns (runtime.h).  What comes when
 * all are busy waits for its turn, in the order in which it came.
 *
 * On a pool thread a function counts as in a plain thread: calls that wait
 * block that thread, it has no deadline, and is not cancelled.  It is inside of
 * its runtime all the same: it may spawn, and go_runtime_block_on() the runtime
 * that go_runtime_current() names.  What it registers with go_at_exit() runs,
 * and its local values end, when it returns.
 *
 * A job that never returns keeps go_runtime_shutdown() from completing, but not
 * from returning: it is among what was left.
 */
#ifndef GOFER_BLOCKING_H
#define GOFER_BLOCKING_H

#include <gofer/task.h>

GO_BEGIN_DECLS

/*
 * Run fn(arg) on a thread of the pool, while the calling task waits and its
 * worker runs others.  In a plain thread, or on a pool thread, fn is run in
 * place.
 *
 * As long as fn has not started, the wait ends with the caller's deadline or
 * cancellation, and then fn is certain never to run.  Once it has started it
 * is waited for, deaf to both, since it uses *arg; so give fn a way to be told
 * if it may take long.
 *
 * Returns  0, with what fn returned in *result, unless result is null;
 *          -ECANCELED, -ETIMEDOUT (fn did not run, nor will it); -EAGAIN,
 *          -ENOMEM (the pool has no thread, and none is to be had); -EINVAL
 *          (fn is null).
 * Context  any.
 * Parks    until fn has returned.
 */
GO_API int go_blocking(go_fn *fn, void *arg, void **result);

/*
 * Have fn(arg) run on a thread of the pool, and forget it.  It counts as a task
 * of the runtime, which a shutdown waits for.  One that has not started when
 * the runtime shuts down never runs: where *arg would be lost with it, use
 * go_blocking_task() and look at the join's result.
 *
 * Returns  0; -EAGAIN (the pool has no thread, and none is to be had); -ENOMEM;
 *          -ESHUTDOWN (the runtime is shutting down); -EINVAL (fn is null);
 *          -ESRCH (the caller belongs to no runtime).
 * Context  task, or thread of the pool.
 * Parks    never.
 */
GO_API int go_blocking_spawn_at(go_fn *fn, void *arg, const char *site);
#define go_blocking_spawn(fn, arg) go_blocking_spawn_at(fn, arg, GO_SITE)

/*
 * The same with a handle, for go_task_join(), go_task_detach(), go_join_all(),
 * select and go_task_cancel().  A cancellation withdraws the job, if it has not
 * started, and does nothing to it otherwise.  The join of a job that was
 * withdrawn, by that or by a shutdown, says -ENODATA: there is no result.
 *
 * Returns  as go_blocking_spawn(); -EINVAL also if task is null.  On failure
 *          *task is as it was.
 * Context  task, or thread of the pool.
 * Parks    never.
 */
GO_API int go_blocking_task_at(go_task *task, go_fn *fn, void *arg,
			       const char *site);
#define go_blocking_task(task, fn, arg)                                        \
	go_blocking_task_at(task, fn, arg, GO_SITE)

/*
 * Begin a section in which the calling task may block its thread: for code that
 * cannot be made a function of its own.  The task's worker moves on to another
 * thread, idle or new (max_blocking_threads does not count these), and the
 * other tasks go on, there; so do those that must stay with the worker, pinned
 * (task.h) or in a GO_HOME_THREAD runtime, which change their thread by that.
 *
 *     r = go_blocking_begin();
 *     if (r == 0) {
 *             rows = db_query(connection, text);
 *             go_blocking_end();
 *     }
 *
 * (examples/blocking.c is the whole program.)
 *
 * Up to go_blocking_end() the caller counts as a plain thread: calls that wait
 * block the thread, thread-local data and the system's locks are safe,
 * go_task_self() names nobody.  No wait is cancelled; go_cancelled() tells that
 * the task is.  Its deadline scopes, shields and local values hold on.  Mutexes
 * and locks of this library belong to whom locks them: what is locked in a
 * section is unlocked in it, and what was locked before, after.  What is
 * entered with go_runtime_enter() is left at the end.
 *
 * It all runs on the task's stack: a library with a great appetite for that
 * wants go_spawn_options.stack_bytes, or go_blocking().
 *
 * Begin and end may nest; what counts is the outermost pair.  A task that
 * returns in a section ends it.  A shutdown waits for the task, or leaves it
 * behind, as for any other.  errno stays as it is over both calls (go_errno()).
 *
 * Returns  0; -EAGAIN, -ENOMEM (no other thread is to be had; nothing has
 *          changed); -ENOTSUP (a GO_CURRENT_THREAD runtime: its tasks have no
 *          other thread.  Use go_blocking()).  In a plain thread it does
 *          nothing, and returns 0.
 * Context  any.
 * Parks    never.
 */
GO_API int go_blocking_begin(void);

/*
 * End the section: wait for a worker, and be a task again.  A pinned task, and
 * any of a GO_HOME_THREAD runtime, comes back to its own worker.  Deaf to
 * deadlines and cancellation.
 *
 * Returns  0; -EINVAL (a task that has begun none).  In a plain thread it does
 *          nothing, and returns 0.
 * Context  any.
 * Parks    until a worker is free.
 */
GO_API int go_blocking_end(void);

GO_END_DECLS

#endif
