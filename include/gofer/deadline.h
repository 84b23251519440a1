/* SPDX-License-Identifier: MIT */
/*
 * Deadlines and shields: how long the calls in a block of code may wait, and
 * what may end them early.
 *
 * A deadline is ambient: calls take no time-out (but go_poll(), as in POSIX,
 * and go_runtime_shutdown()), for a scope around them says when all of them
 * have to be done.
 *
 *     static int ask(int fd, int64_t limit_ns, char *answer, size_t size)
 *     {
 *             GO_TIMEOUT(limit_ns);
 *             ssize_t r = go_write_all(fd, "?", 1, NULL);
 *
 *             if (r >= 0)
 *                     r = go_read(fd, answer, size);
 *             return (int)r;
 *     }
 *
 * Here both calls together take limit_ns at most; past that, the one that
 * waits fails with -ETIMEDOUT.  The scope ends with the block, however it is
 * left.  Scopes nest, and an inner one can only make the time shorter.
 * (examples/deadlines.c is the whole program.)
 *
 * A call that need not wait succeeds past the deadline too: data that is there
 * is read, a task that is over is joined.  Only waiting has an end.
 *
 * A shield lets clean-up wait although the task has been cancelled and its
 * deadlines have passed.  Give it a time-out of its own:
 *
 *     static void take_leave(int fd)
 *     {
 *             GO_SHIELD();
 *             GO_TIMEOUT(60 * GO_SECOND);
 *             go_write_all(fd, "bye\n", 4, NULL);
 *     }
 *
 * (In examples/cancel.c a task that has been cancelled calls it.)
 *
 * Each task and each plain thread has its own scopes; a task that it spawns
 * inherits none, but the children of a group keep to the deadline that was in
 * force where the group was made.  Scopes must be left in the reverse order, by
 * who began them.
 */
#ifndef GOFER_DEADLINE_H
#define GOFER_DEADLINE_H

#include <gofer/base.h>
#include <gofer/time.h>

GO_BEGIN_DECLS

/* An open deadline scope, for go_deadline_end().  Its content is private. */
typedef struct go_deadline {
	int64_t outer_ns;
	bool open;
} go_deadline;

/* An open shield, for go_shield_end().  Its content is private. */
typedef struct go_shield {
	int64_t outer_ns;
	bool open;
} go_shield;

/*
 * Begin a scope in which no call waits longer than until when_ns, a time of
 * go_now().  Changes nothing if a scope around it ends earlier, or if when_ns
 * is GO_NEVER; a time that has passed is fine.
 *
 * Returns  0; -EINVAL (scope is null); -ENOMEM (plain thread only, and then
 *          there is no scope; *scope may be ended all the same).
 * Context  any.
 * Parks    never.
 */
GO_API int go_deadline_begin(go_deadline *scope, int64_t when_ns);

/*
 * Begin a scope whose calls together wait no longer than ns.  GO_TIMEOUT() does
 * it for a block; this one may be ended by another function.
 * (examples/scopes.c)
 *
 * Returns  as go_deadline_begin().
 * Context  any.
 * Parks    never.
 */
GO_API int go_timeout_begin(go_deadline *scope, int64_t ns);

/*
 * End a scope: what held before it holds again.  Ending it twice does nothing.
 *
 * Returns  nothing.
 * Context  the task or thread that began it.
 * Parks    never.
 */
GO_API void go_deadline_end(go_deadline *scope);

/*
 * Ask until when the caller's waiting calls may wait.
 *
 * Returns  the earliest deadline of the open scopes, as a time of go_now();
 *          GO_NEVER if none.
 * Context  any.
 * Parks    never.
 */
GO_API int64_t go_deadline_current(void);

/*
 * Begin a shield: waiting calls are not ended by cancellation, go_cancelled()
 * answers false, and the deadlines of the scopes around it are suspended.
 * Cancellation is not lost: it is felt after the shield.  (examples/scopes.c)
 *
 * Returns  0; -EINVAL (shield is null); -ENOMEM (as go_deadline_begin());
 *          -EAGAIN (65,535 shields are open).
 * Context  any.
 * Parks    never.
 */
GO_API int go_shield_begin(go_shield *shield);

/*
 * End a shield.  Ending it twice does nothing.
 *
 * Returns  nothing.
 * Context  the task or thread that began it.
 * Parks    never.
 */
GO_API void go_shield_end(go_shield *shield);

/*
 * Part of GO_DEADLINE(); not to be called otherwise.
 *
 * Returns  what go_deadline_end() takes.
 * Context  any.
 * Parks    never.
 */
static inline go_deadline go_deadline_make(int64_t when_ns)
{
	go_deadline scope;

	(void)go_deadline_begin(&scope, when_ns);
	return scope;
}

/*
 * Part of GO_TIMEOUT(); not to be called otherwise.
 *
 * Returns  what go_deadline_end() takes.
 * Context  any.
 * Parks    never.
 */
static inline go_deadline go_timeout_make(int64_t ns)
{
	go_deadline scope;

	(void)go_timeout_begin(&scope, ns);
	return scope;
}

/*
 * Part of GO_SHIELD(); not to be called otherwise.
 *
 * Returns  what go_shield_end() takes.
 * Context  any.
 * Parks    never.
 */
static inline go_shield go_shield_make(void)
{
	go_shield shield;

	(void)go_shield_begin(&shield);
	return shield;
}

#define GO_SCOPE_JOIN(a, b) a##b
#define GO_SCOPE_NAME(line) GO_SCOPE_JOIN(go_scope_, line)
#define GO_AT_END(fn)       __attribute__((cleanup(fn), unused))

/*
 * Declarations: a deadline, a time-out or a shield from here to the end of the
 * enclosing block.  One per line.  (In a plain thread without memory they do
 * nothing; but then calls that would wait fail with -ENOMEM.)
 *
 * No goto and no switch may jump forward over one into its block: the end of
 * the block would end what has never begun.  gcc warns of that only with
 * -Wjump-misses-init.
 */
#define GO_DEADLINE(when_ns)                                                   \
	GO_AT_END(go_deadline_end)                                             \
	go_deadline GO_SCOPE_NAME(__LINE__) = go_deadline_make(when_ns)
#define GO_TIMEOUT(ns)                                                         \
	GO_AT_END(go_deadline_end)                                             \
	go_deadline GO_SCOPE_NAME(__LINE__) = go_timeout_make(ns)
#define GO_SHIELD()                                                            \
	GO_AT_END(go_shield_end)                                               \
	go_shield GO_SCOPE_NAME(__LINE__) = go_shield_make()

GO_END_DECLS

#endif
