/* SPDX-License-Identifier: MIT */
/*
 * Writing to what is no socket without ever raising SIGPIPE: see quiet.c.
 */
#ifndef GO_IO_QUIET_H
#define GO_IO_QUIET_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * writev(2), or with `nowait` pwritev2(2) with RWF_NOWAIT, whose failure with
 * -EPIPE raises no signal.
 */
ssize_t go__quiet_writev(int fd, const struct iovec *v, int n, bool nowait);

/* Around any other call that may raise it; end takes and returns its result. */
struct go__quiet {
	sigset_t mask;
	bool blocked; /* It is, for good, on this thread. */
	bool before;  /* It was pending. */
};

void go__quiet_begin(struct go__quiet *q);
ssize_t go__quiet_end(const struct go__quiet *q, ssize_t r);

#endif
