/* SPDX-License-Identifier: MIT */
/*
 * A broken pipe says so by its result, and kills nobody.
 *
 * For sockets MSG_NOSIGNAL asks for that; for pipes there is no such flag, so
 * the signal is blocked around the write, and taken away if the write has
 * raised it.  SIGPIPE goes to the thread that wrote, so nobody else's is taken,
 * unless it was pending before: then ours has merged with it, and both stay.
 *
 * The worker threads of a runtime have it blocked for good, which saves two
 * system calls; but it is taken away there too, for it would stay pending.
 */
#include "io/quiet.h"

#include <errno.h>
#include <signal.h>

#include "arch/sys.h"
#include "sched/worker.h"

static ssize_t write_now(int fd, const struct iovec *v, int n, bool nowait)
{
	if (nowait)
		return go__sys_pwritev2(fd, v, n, -1, RWF_NOWAIT);
	return go__sys_writev(fd, v, n);
}

/* Whether we are on a worker thread, and not on one that is lent to tasks. */
static bool is_blocked(void)
{
	struct go__task *t = go__task_self();

	return t && t->worker->runtime->flavour != GO_CURRENT_THREAD;
}

static bool is_pending(void)
{
	sigset_t set;

	return go__sys_sigpending(&set) == 0 && sigismember(&set, SIGPIPE) == 1;
}

void go__quiet_begin(struct go__quiet *q)
{
	sigset_t pipe;

	q->blocked = is_blocked();
	if (q->blocked)
		return;
	q->before = is_pending();
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	go__sys_sigmask(SIG_BLOCK, &pipe, &q->mask);
}

ssize_t go__quiet_end(const struct go__quiet *q, ssize_t r)
{
	static const struct timespec at_once;
	sigset_t pipe;

	if (r == -EPIPE && (q->blocked || !q->before)) {
		sigemptyset(&pipe);
		sigaddset(&pipe, SIGPIPE);
		(void)go__sys_sigtimedwait(&pipe, NULL, &at_once);
	}
	if (!q->blocked)
		go__sys_sigmask(SIG_SETMASK, &q->mask, NULL);
	return r;
}

ssize_t go__quiet_writev(int fd, const struct iovec *v, int n, bool nowait)
{
	struct go__quiet q;

	go__quiet_begin(&q);
	return go__quiet_end(&q, write_now(fd, v, n, nowait));
}
