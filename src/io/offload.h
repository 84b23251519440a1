/* SPDX-License-Identifier: MIT */
/*
 * System calls that block: the one door from io to the blocking pool.
 *
 * What a call needs is a struct that begins with a go__offload, on the caller's
 * stack; run() makes the system call with it, on a thread of the pool, or in
 * place if the caller is no task.  What it returns is the call's result.
 *
 * While run() has not begun, cancellation and deadlines withdraw it, and
 * nothing has happened.  Once it has, it is waited for, since it uses the
 * caller's memory, and its result is the call's whatever comes meanwhile:
 * a descriptor that was opened is never lost.
 */
#ifndef GO_IO_OFFLOAD_H
#define GO_IO_OFFLOAD_H

#include <stdint.h>

struct go__offload {
	int64_t (*run)(struct go__offload *self);
	int64_t result;
};

/*
 * Returns what run() returned, or what go_blocking() says if it has not run.
 * Suspends.
 */
int64_t go__offload(struct go__offload *self);

/*
 * The same for a call on a descriptor, which is entered meanwhile, so that it
 * is not closed (fduse.h).  -EBADF: it is not open, or is being closed.
 */
int64_t go__offload_on(int fd, struct go__offload *self);

#endif
