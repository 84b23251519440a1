/* SPDX-License-Identifier: MIT */
/*
 * One attempt to move bytes, without waiting: see transfer.c.
 */
#ifndef GO_IO_TRANSFER_H
#define GO_IO_TRANSFER_H

#include <sys/uio.h>

#include "io/fdwait.h"

/* read, readv, write, writev: any kind of file. */
struct go__transfer {
	struct go__fd_op op;
	const struct iovec *v;
	int n;
};

ssize_t go__attempt_read(struct go__fd *e, struct go__fd_op *op);
ssize_t go__attempt_write(struct go__fd *e, struct go__fd_op *op);

#endif
