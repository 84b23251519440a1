/* SPDX-License-Identifier: MIT */
/*
 * A runtime as the guest of an event loop that the program has already.
 *
 * A GO_CURRENT_THREAD runtime can live inside of another loop (libuv, GLib, Qt,
 * a poll() of one's own): the loop watches one descriptor and one deadline, and
 * gives the runtime a turn when either says so.  Tasks run in these turns, on
 * the loop's thread, so they may call whatever else belongs to that thread, and
 * nothing needs a lock between the two.
 *
 *     int guest = go_runtime_fd(rt);
 *     ...
 *     struct pollfd fds[] = {
 *             {.fd = guest, .events = POLLIN},
 *             {.fd = button, .events = POLLIN},
 *     };
 *     ...
 *     for (;;) {
 *             (void)go_runtime_turn(rt, 0, 0);
 *             if (done)
 *                     break;
 *             poll(fds, 2, go_runtime_timeout_ms(rt));
 *             ...
 *     }
 *
 * (examples/guest_poll.c is the whole program; examples/guest_epoll.c,
 * examples/guest_uv.c and examples/guest_glib.c do the same in epoll, libuv and
 * GLib.  docs/guest.md has the rules for the host in one place.)
 *
 * Between turns the loop's thread is a plain thread.  It may spawn tasks, send
 * to channels, set events: that makes the descriptor readable, as it does from
 * any other thread; after go_runtime_enter() it may use go_spawn(), too.  It
 * should not wait for a task of the guest, which cannot run meanwhile;
 * go_runtime_block_on() waits and runs them.  And a task must not run the loop.
 *
 * Timers and descriptors of tasks, cancellation, channels to and from other
 * threads and runtimes, go_blocking(): all work as elsewhere.  What does not
 * is the search for deadlocks (runtime.h), since the loop may do anything.
 *
 * TO END IT  Take the descriptor out of the loop and shut the runtime down,
 * which runs its cancelled tasks to their ends.  Where the loop must not be
 * held up, shut it down with a time-out of 0, go on giving it turns, and ask
 * again until nothing is left.
 */
#ifndef GOFER_GUEST_H
#define GOFER_GUEST_H

#include <gofer/runtime.h>

GO_BEGIN_DECLS

/*
 * Name the descriptor to watch: it is readable whenever a turn would find
 * something to do, but for timers: a task's descriptor is ready, somebody has
 * made a task runnable, or the last turn has left some.
 *
 * It stays the same for the life of the runtime, and is the runtime's: do not
 * read, close or otherwise change it.  Watch it level-triggered, or take turns
 * until next_deadline is not 0.
 *
 * Returns  the descriptor; -EINVAL (runtime is null); -ENOTSUP (not a
 *          GO_CURRENT_THREAD runtime); -EDEADLK (called by a task), -EBUSY
 *          (another thread is running it), -ENOMEM; -ESHUTDOWN (it has been
 *          shut down); -ECHILD (it is the parent's: runtime.h, FORK).
 * Context  plain thread.
 * Parks    never.
 */
GO_API int go_runtime_fd(go_runtime *runtime);

/*
 * Take a turn: look at timers and descriptors, and run tasks until none can
 * go on, or until tasks have run most_tasks times (0: 256), or until most_ns
 * have passed (0 or GO_NEVER: no limit).  Never sleeps.  A task runs from one
 * park to the next: the limits are looked at in between, and that of time only
 * every few tasks, and not before one has run.
 *
 * Any thread may take a turn, one at a time.
 *
 * Returns  how many times a task has run, so 0: there was nothing to do;
 *          -EINVAL (runtime is null, most_ns negative); -ENOTSUP (not a
 *          GO_CURRENT_THREAD runtime); -EDEADLK (called by a task: tasks run in
 *          a turn, and cannot take one); -EBUSY (another thread is running it,
 *          also in block_on or a shutdown); -ENOMEM (in a thread's first turn);
 *          -ESHUTDOWN (it has been shut down); -ECHILD (it is the parent's).
 * Context  plain thread.
 * Parks    never.
 */
GO_API int go_runtime_turn(go_runtime *runtime, unsigned most_tasks,
			   int64_t most_ns);

/*
 * Say when the next turn is due at the latest, if the descriptor does not get
 * readable before.  Ask after each turn: nothing else changes it.  The time may
 * be earlier than the first timer, never later.
 *
 * Returns  a time as of go_now(); 0: now, the descriptor is readable; GO_NEVER
 *          (nothing is waiting for time; or another thread runs it, and then
 *          the descriptor is readable when that is over); -EINVAL (runtime is
 *          null); -ENOTSUP (not a GO_CURRENT_THREAD runtime); -ECHILD (it is
 *          the parent's).
 * Context  any.
 * Parks    never.
 */
GO_API int64_t go_runtime_next_deadline_ns(go_runtime *runtime);

/*
 * The same as a time-out for poll(2), epoll_wait(2) and their like.
 *
 * Returns  milliseconds from now, rounded up; 0: now; -1: without a limit;
 *          -EINVAL, -ENOTSUP, -ECHILD as above (poll(2) takes any of these for
 *          no limit).
 * Context  any.
 * Parks    never.
 */
GO_API int go_runtime_timeout_ms(go_runtime *runtime);

GO_END_DECLS

#endif
