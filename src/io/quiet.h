/* SPDX-License-Identifier: MIT */
/*
 * Writing to what is no socket without ever raising SIGPIPE: see quiet.c.
 */
#ifndef GO_IO_QUIET_H
#define GO_IO_QUIET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * writev(2), or with `nowait` pwritev2(2) with RWF_NOWAIT, whose failure with
 * -EPIPE raises no signal.
 */
ssize_t go__quiet_writev(int fd, const struct iovec *v, int n, bool nowait);

#endif
