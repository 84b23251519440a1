/* SPDX-License-Identifier: MIT */
/*
 * What io/fdwait.c calls, for models that run it: a table of descriptors that
 * is there from the start, and nothing of registering, foreign descriptors and
 * plain threads.
 *
 * Included once by a program, before the sources.
 */
#ifndef MODEL_FD_H
#define MODEL_FD_H

#include "model_poll.h"
#include "model_wait.h"

#include <poll.h>
#include <sys/stat.h>

#include "arch/sys.h"
#include "io/fdwait.h"
#include "io/offload.h"
#include "io/watch.h"

int go__fd_make(int fd, struct go__fd **e)
{
	(void)fd;
	(void)e;
	model_not_called();
}

int go__fd_close_now(struct go__fd *e)
{
	(void)e;
	return 0;
}

uint32_t go__fd_renew(struct go__fd *e, uint32_t kind)
{
	(void)e;
	(void)kind;
	model_not_called();
}

int go__poller_add(struct go__pollers *p, int fd, uint32_t generation, bool out)
{
	(void)p;
	(void)fd;
	(void)generation;
	(void)out;
	model_not_called();
}

int go__poller_change(struct go__pollers *p, int fd, uint32_t generation,
		      bool out)
{
	(void)p;
	(void)fd;
	(void)generation;
	(void)out;
	model_not_called();
}

struct go__pollers *go__pollers_at(unsigned index)
{
	(void)index;
	model_not_called();
}

int go__sys_fstat(int fd, struct stat *st)
{
	(void)fd;
	(void)st;
	model_not_called();
}

int go__fd_disk_kind(int fd, int flags)
{
	(void)fd;
	(void)flags;
	model_not_called();
}

int64_t go__offload(struct go__offload *self)
{
	(void)self;
	model_not_called();
}

uint64_t go__sys_now(void)
{
	model_not_called();
}

int go__waiter_eventfd(struct go__waiter *w)
{
	(void)w;
	model_not_called();
}

bool go__waiter_woken(struct go__waiter *w)
{
	(void)w;
	model_not_called();
}

#endif
