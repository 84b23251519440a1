/* SPDX-License-Identifier: MIT */
/* System calls that block: see offload.h. */
#include "io/offload.h"

#include <gofer/blocking.h>

#include "io/fdwait.h"

static void *run_job(void *arg)
{
	struct go__offload *self = arg;

	self->result = self->run(self);
	return NULL;
}

int64_t go__offload(struct go__offload *self)
{
	int r = go_blocking(run_job, self, NULL);

	return r < 0 ? r : self->result;
}

int64_t go__offload_on(int fd, struct go__offload *self)
{
	struct go__fd_call c;
	int64_t r = go__fd_begin(&c, fd);

	if (r < 0)
		return r;
	r = go__offload(self);
	go__fd_end(&c, GO__WAY_IN);
	return r;
}
