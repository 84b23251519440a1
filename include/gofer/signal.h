/* SPDX-License-Identifier: MIT */
/*
 * Signals, as something to wait for.
 *
 *     sigemptyset(&set);
 *     sigaddset(&set, SIGHUP);
 *     sigaddset(&set, SIGTERM);
 *     r = go_signals_create(&signals, &set);
 *     ...
 *     while ((sig = go_signals_recv(signals, NULL)) > 0) {
 *             printf("%s\n", strsignal(sig));
 *             if (sig == SIGTERM)
 *                     break;
 *     }
 *     ...
 *     go_signals_destroy(signals);
 *
 * (examples/signals.c; examples/echo_server.c shuts down by one, and in
 * examples/progress.c work goes on meanwhile.)
 *
 * A subscription receives the signals of its set that the process, or one of
 * its threads, gets from its creation on.  There may be any number of them, of
 * any tasks and plain threads, with or without a runtime; EACH gets every
 * signal.  If several receive from the same one, each signal reaches one of
 * them.
 *
 * Like the kernel's own standard signals, those that come faster than they are
 * received merge: a subscription keeps, per number, how many have come, and a
 * receive takes all of one number.  No number that came is ever left out, and
 * numbers take turns, so that a storm of one does not keep another waiting.
 * What came with a signal (siginfo_t) is not kept.
 *
 * HANDLERS are the process's, so this is what happens there.  The first
 * subscription to a number installs a handler for it, and when the last one is
 * destroyed, what was there before is put back (unless somebody else has
 * replaced the handler since, whose business it is then).  In between the
 * default action, to terminate for instance, does not take place, nor is the
 * signal ignored if it was; a handler of the program's is still called, after
 * the library's.  For SIGCHLD the kernel is still told that children are not
 * waited for, if it was.  Other threads' signal masks are left alone, and need
 * no care: the library has a thread, started for the first subscription, in
 * which the signals that are subscribed to are not blocked.
 *
 * Of the child of a fork() the subscriptions are no part: what was there before
 * is put back in it, and its calls fail with -ECHILD.  It may make new ones.
 */
#ifndef GOFER_SIGNAL_H
#define GOFER_SIGNAL_H

#include <gofer/base.h>

#include <signal.h>
#include <sys/select.h> /* sigset_t, in strict C, too */

GO_BEGIN_DECLS

typedef struct go_signals go_signals;

/*
 * Subscribe to the signals of a set.
 *
 * Refused are those that no program can wait for (SIGKILL, SIGSTOP), and those
 * by which a thread is told of its own fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL,
 * SIGTRAP, SIGABRT, SIGSYS).
 *
 * Returns  0; -EINVAL (a null pointer, the set is empty, one is refused);
 *          -ENOMEM; -EAGAIN (no thread); -EMFILE, -ENFILE (no descriptor).
 *          Nothing has changed if it fails.
 * Context  any.
 * Parks    never.
 */
GO_API int go_signals_create(go_signals **s, const sigset_t *set);

/*
 * Receive: take one number of those that have come; wait for one.  *count (if
 * not null) says how many of it have come since it was last received.
 *
 * Returns  the number, above 0; -EPIPE (it is closed, and all of it received);
 *          -ETIMEDOUT; -EINVAL (s is null); -ECHILD (it was made before a
 *          fork, in the parent); -ENOMEM (a plain thread found no memory to
 *          wait with).  *count is written only on success, and nothing is lost
 *          on failure.
 * Context  task or plain thread.
 * Parks    until a signal comes.
 */
GO_API int go_signals_recv(go_signals *s, uint32_t *count);

/*
 * Receive if that is possible at once.
 *
 * Returns  as go_signals_recv(); -EAGAIN (none has come).  Never -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_signals_try_recv(go_signals *s, uint32_t *count);

/*
 * Take no more: who waits gets -EPIPE, and so do receives after what has come
 * by now.  The process's handlers stay until the subscription is destroyed.
 *
 * Returns  0; -EPIPE (it is closed already); -EINVAL (s is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_signals_close(go_signals *s);

/*
 * Free a subscription, and put back what was there before if it is the last
 * one to a number; what has come and was not received is dropped.  Nobody may
 * begin to use it any more.
 *
 * Returns  0, also if s is null; -EBUSY (somebody waits for it).
 * Context  any.
 * Parks    never, though its thread may wait for another one for some
 *          microseconds.
 */
GO_API int go_signals_destroy(go_signals *s);

/*
 * Wait once, as sigwait(3): *sig is a signal of the set that came during the
 * call, or, if all threads of the program have it blocked, before.  Others that
 * came during the call are raised again at its end, and are for the next one,
 * if they are blocked.  So who does not have them blocked should rather keep a
 * subscription, which leaves no gap between two receives.
 *
 * Returns  0; -ETIMEDOUT; as go_signals_create(), and as go_signals_recv().
 * Context  task or plain thread.
 * Parks    until a signal comes.
 */
GO_API int go_sigwait(const sigset_t *set, int *sig);

GO_END_DECLS

#endif
