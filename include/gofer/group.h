/* SPDX-License-Identifier: MIT */
/*
 * Groups: tasks that are waited for together, and never left behind.
 *
 *     static int fetch_all(struct page *pages, int n)
 *     {
 *             go_group_options options = {.cancel_on_error = true};
 *             GO_GROUP_WITH(group, &options);
 *             int r = 0, error;
 *
 *             for (int i = 0; i < n && r == 0; i++)
 *                     r = go_group_spawn(&group, fetch, &pages[i]);
 *             error = go_group_wait(&group);
 *             return error ? error : r;
 *     }
 *
 * (examples/groups.c; GO_GROUP(group) declares one without options.)  A spawn
 * fails with -ECANCELED when a child's error has cancelled the group; which one
 * that was, the wait tells.
 *
 * However the block is left, no task of the group outlives it: at its end
 * those that still run are cancelled and waited for.  So what they use may live
 * in the frame around them.
 *
 * A child reports an error by returning GO_INT(-errno), a value from -4095 to
 * -1; anything else it returns is dropped.  Groups nest: a child that is
 * cancelled while it waits for a group of its own cancels that one, too.
 */
#ifndef GOFER_GROUP_H
#define GOFER_GROUP_H

#include <gofer/base.h>
#include <gofer/deadline.h>
#include <gofer/task.h>

GO_BEGIN_DECLS

/* What a group is like; all zero means the defaults, and so does NULL. */
typedef struct go_group_options {
	/* The first error of a child cancels the others. */
	bool cancel_on_error;
	/* Children at a time; a spawn waits for a free place.  0: no limit. */
	uint32_t limit;
	/* Children wait no longer than until then.  0: the deadline in force
	 * where the group is made, which holds in any case if earlier. */
	int64_t deadline_ns;
	/* Where the children run.  NULL: the runtime of whoever spawns. */
	struct go_runtime *runtime;
	/* Must be zero. */
	uint64_t reserved[8];
} go_group_options;

/*
 * A group, in the caller's memory; its content is private.  It may be given up
 * when no child is left: after go_group_end(), or after a go_group_wait() that
 * is followed by no spawn.
 */
typedef struct go_group {
	uint64_t content[12];
} go_group;

/*
 * Make a group in *group.
 *
 * Returns  0; -EINVAL (group is null, reserved is not zero, deadline_ns is
 *          negative).
 * Context  any.
 * Parks    never.
 */
GO_API int go_group_init(go_group *group, const go_group_options *options);

/*
 * Run fn(arg) in a new task of the group.  With a limit it waits until a child
 * has ended if there are that many.  Children may spawn into their own group
 * (but with a limit, all of them may come to wait for each other).
 *
 * Returns  as go_spawn(); -EINVAL also if group is null; -ECANCELED also if
 *          the group has been cancelled; -ENOMEM also if a plain thread found
 *          no memory to wait with.
 * Context  task, or plain thread that has entered a runtime; with
 *          options.runtime, any thread.
 * Parks    while the group is at its limit.
 */
GO_API int go_group_spawn_at(go_group *group, go_fn *fn, void *arg,
			     const char *site);
#define go_group_spawn(group, fn, arg)                                         \
	go_group_spawn_at(group, fn, arg, GO_SITE)

/*
 * Wait until no child is left.  If the caller is cancelled meanwhile, or a
 * deadline passes, it cancels the children, and waits for them all the same; so
 * it does in a deadlock (runtime.h), and returns -EDEADLK.
 *
 * Returns  the first error that a child has returned (a child that found no
 *          stack: -ENOMEM); if none has, 0.  If the wait was ended early, by
 *          -ECANCELED or -ETIMEDOUT, that, unless a child had returned an error
 *          before; what the children that it cancels return does not count.
 *          (Children have the group's deadline, too: if they end by it without
 *          an error, before the wait does, they have completed.)
 *          -EINVAL (group is null); -EDEADLK (called by one of its children);
 *          -ENOMEM (a plain thread found no memory to wait with, and has not
 *          waited).
 * Context  task or plain thread; several may wait.
 * Parks    until the last child has ended.
 */
GO_API int go_group_wait(go_group *group);

/*
 * Cancel all children, and refuse new ones.
 *
 * Returns  0; -EINVAL (group is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_group_cancel(go_group *group);

/*
 * Cancel the children and wait until none is left.  Deaf.  GO_GROUP() does it
 * at the end of a block; this is for a group in an object (examples/service.c).
 *
 * Returns  nothing.
 * Context  task or plain thread, but no child of the group.
 * Parks    until the last child has ended.
 */
GO_API void go_group_end(go_group *group);

/*
 * Part of GO_GROUP(); not to be called otherwise.
 *
 * Returns  what go_group_end() takes.
 * Context  any.
 * Parks    never.
 */
static inline go_group go_group_make(const go_group_options *options)
{
	go_group group;

	(void)go_group_init(&group, options);
	return group;
}

/*
 * Declarations: a group that ends with the enclosing block; nothing may jump
 * forward over one into its block (GO_DEADLINE() in deadline.h tells why).
 * With wrong options GO_GROUP_WITH() makes a group that has been cancelled.
 */
#define GO_GROUP(name) GO_GROUP_WITH(name, NULL)
#define GO_GROUP_WITH(name, options)                                           \
	GO_AT_END(go_group_end) go_group name = go_group_make(options)

/*
 * Join n tasks, all of them even if one fails.  results (if not null) takes
 * what they returned; NULL for one whose join failed.  But a join that ends
 * with -ECANCELED, -ETIMEDOUT or -EDEADLK is the last one: the tasks behind it
 * are left as they are, and their results are not written.
 *
 * Returns  0; -EINVAL (tasks is null); else the first error of a join.
 * Context  as go_task_join().
 * Parks    until the last task has ended.
 */
GO_API int go_join_all(const go_task *tasks, size_t n, void **results);

/*
 * Run fn[i](arg[i]) for all i below n, side by side; the first to return wins,
 * and the others are cancelled and waited for.  An error (as for a group's
 * child) does not win.  winner, result and arg may be null (then each function
 * gets a null pointer).
 *
 *     go_fn *ways[] = {ask_mirror, ask_mirror};
 *     void *arguments[] = {&slow, &fast};
 *     void *answer;
 *     size_t winner;
 *     int r = go_race(2, ways, arguments, &winner, &answer);
 *
 * Returns  0 (*winner and *result are set); -EINVAL (n is zero, fn or one of
 *          the functions is null); -ENOMEM; the first error if all failed; or
 *          as go_spawn().
 * Context  task.
 * Parks    until all have ended.
 */
GO_API int go_race_at(size_t n, go_fn *const *fn, void *const *arg,
		      size_t *winner, void **result, const char *site);
#define go_race(n, fn, arg, winner, result)                                    \
	go_race_at(n, fn, arg, winner, result, GO_SITE)

GO_END_DECLS

#endif
