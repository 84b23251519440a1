/* SPDX-License-Identifier: MIT */
/*
 * Calls on descriptors, and the one place where they wait: see fdwait.c.
 */
#ifndef GO_IO_FDWAIT_H
#define GO_IO_FDWAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/fdtable.h"
#include "sched/wait.h"

/* Directions as a set. */
enum {
	GO__WAYS_NONE = 0, /* Only the closing of the descriptor wakes. */
	GO__WAYS_IN = 1 << GO__WAY_IN,
	GO__WAYS_OUT = 1 << GO__WAY_OUT,
};

/* One waiter for one descriptor; on the waiter's stack. */
struct go__fd_wait {
	struct go__wait_node node; /* Its link is in go__fd.waiters. */
	unsigned ways;
	uint32_t generation; /* Of the file that is waited for. */
	bool shared;         /* A look, which takes nothing: see fdwait.c. */
};

/*
 * An operation that may have to wait, and how to try it once.  Operations
 * embed it as their first member, and add their arguments.
 */
struct go__fd_op {
	/* Returns what the call is to return, or -EAGAIN: it would block. */
	ssize_t (*attempt)(struct go__fd *e, struct go__fd_op *op);
	/* Or null.  After an attempt that moved `got` bytes: whether to try
	 * again, for the rest. */
	bool (*more)(struct go__fd_op *op, size_t got);
	enum go__way way;
	/* Try, whatever is known about readiness. */
	bool eager;
	/* Answer -EAGAIN instead of waiting. */
	bool once;
	/* Set by go__fd_run(): the file cannot be waited for, and now we are on
	 * a thread of the pool, which may block. */
	bool direct;
	/* A plain read of that many bytes: from TCP, fewer mean "empty". */
	size_t plain;
};

/*
 * When the waits of a task are to end, to look whether the descriptors are
 * still there: see DOUBT in fdwait.c.
 */
struct go__fd_doubt {
	uint64_t since; /* When the first wait began; 0: not yet. */
	uint64_t at;    /* GO__NO_DEADLINE: there is nothing to doubt. */
};

/* A call under way. */
struct go__fd_call {
	struct go__fd *entry;
	struct go__waiter *waiter;
	bool woken; /* It has been woken by an edge: see fdwait.c. */
};

/*
 * Begin and end a call that may wait.  begin returns 0, -ECANCELED, or what
 * go__fd_enter() says.  May suspend.
 */
int go__fd_begin(struct go__fd_call *c, int fd);
void go__fd_end(struct go__fd_call *c, enum go__way way);

/* Run an operation to its end: try, wait, try again.  Suspends. */
ssize_t go__fd_run(int fd, struct go__fd_op *op);
ssize_t go__fd_run_call(struct go__fd_call *c, struct go__fd_op *op);

/*
 * Whether the file is one that poll(2) always calls ready: on a disk, or in
 * memory, or of /proc.
 */
bool go__fd_is_disk(struct go__fd *e);

/*
 * Wait until a direction may be ready, that was not when `seen` was loaded.
 * Returns 0 (try again), -EPERM (cannot be waited for: always ready), or an
 * error to be returned.  Suspends.
 */
int go__fd_wait(struct go__fd_call *c, enum go__way way, uint64_t seen);

/*
 * Wait for time to pass.  Returns 0 when it has, -EBADF if the descriptor is
 * closed meanwhile, -ECANCELED.  Suspends.
 */
int go__fd_pause(struct go__fd_call *c, uint64_t ns);

/*
 * Register the descriptor with the poller of a task, for the ways it is going
 * to wait for.  Under the entry's lock.  Returns 0, -EPERM as above, or -errno.
 */
int go__fd_watch(struct go__fd *e, struct go__waiter *w, unsigned ways,
		 struct go__wake_list *woken);

/*
 * Whether a poller that was told of the number says that it stands for another
 * file by now.  False: for the same, or nobody knows.  Under the entry's lock.
 */
bool go__fd_is_another(struct go__fd *e);

static inline void go__fd_doubt_init(struct go__fd_doubt *d)
{
	d->since = 0;
	d->at = GO__NO_DEADLINE;
}

/*
 * Before a wait: set d->at, if the descriptor is one that may vanish while a
 * task waits.  Returns whether it is.  One of a wait's descriptors is enough.
 */
bool go__fd_doubt(struct go__fd_doubt *d, const struct go__fd *e,
		  const struct go__waiter *w);

/* A wait has ended with -ETIMEDOUT: because it is time to look? */
bool go__fd_doubt_due(const struct go__fd_doubt *d, const struct go__waiter *w);

/*
 * Look whether the number still stands for the file that it stood for when a
 * task registered it.  If not, all who wait for it are evicted, and the result
 * is -EBADF; else it is 0.  Under the entry's lock.
 */
int go__fd_recheck(struct go__fd *e, struct go__waiter *w, uint32_t generation,
		   struct go__wake_list *woken);

/*
 * A plain thread polls v[0] to v[n - 1], and through v[n], which is filled in
 * here, the wait that it has begun; its eventfd exists.  Returns how many of
 * the n are ready; 0 when the wait is over; -ETIMEDOUT past its deadline.
 */
int go__fd_poll_thread(struct go__waiter *w, struct pollfd *v, nfds_t n);

/* End the waits of all that wait for the descriptor.  Under its lock. */
void go__fd_evict(struct go__fd *e, int result, struct go__wake_list *woken);

/* The poller's side: an edge.  Waits that it ends are added to the list. */
void go__fd_event(int fd, uint32_t generation, uint64_t bits,
		  struct go__wake_list *woken);

#endif
