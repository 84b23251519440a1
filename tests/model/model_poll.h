/* SPDX-License-Identifier: MIT */
/*
 * What sources that wait for descriptors name, and no model uses: poll(2), and
 * the root of the table, which stays empty unless the model fills it.
 */
#ifndef MODEL_POLL_H
#define MODEL_POLL_H

#include "model.h"

#include <poll.h>

#include "arch/sys.h"
#include "io/fdtable.h"

_Atomic(struct go__fd *) go__fd_root[GO__FD_CHUNKS];

int go__sys_ppoll(struct pollfd *v, nfds_t n, const struct timespec *timeout,
		  const sigset_t *mask)
{
	(void)v;
	(void)n;
	(void)timeout;
	(void)mask;
	model_not_called();
}

#endif
