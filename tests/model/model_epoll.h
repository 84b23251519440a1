/* SPDX-License-Identifier: MIT */
/*
 * The kernel below io/poller.c, for models that run it: an epoll set with one
 * edge-triggered eventfd in it, whose edge whoever looks first fetches.
 *
 * Included once by a program, after the other sources that it runs.
 */
#ifndef MODEL_EPOLL_H
#define MODEL_EPOLL_H

#include "model.h"
#include "model_poll.h"

#include "io/poller.c"

#include "io/epoll.c"

/* The kernel's side.  Its own locks order everything: acq_rel exchanges. */
static _Atomic uint32_t edge;
static unsigned endings; /* Descriptors' events, which end a sleep, too. */

static void setup_epoll(struct go__poller *p)
{
	memset(p, 0, sizeof(*p));
	atomic_init(&p->sleep.state, GO__BREAK_AWAKE);
	atomic_init(&coarse, true);
	atomic_init(&edge, 0);
	endings = 0;
}

/* What the set's own descriptor tells a foreign loop: level-triggered. */
static inline void await_readable(void)
{
	/* acquire: the kernel locks. */
	while (!atomic_load_explicit(&edge, memory_order_acquire))
		model_park(&edge, 0);
}

int go__sys_epoll_wait(int epoll, struct epoll_event *e, int n, int timeout)
{
	(void)epoll;
	(void)n;
	for (;;) {
		/* acq_rel: the kernel locks. */
		if (atomic_exchange_explicit(&edge, 0, memory_order_acq_rel)) {
			e[0].events = EPOLLIN;
			e[0].data.u64 = GO__EVENT_BREAK;
			return 1;
		}
		if (timeout == 0)
			return 0;
		if (endings == 0) {
			model_park(&edge, 0);
		} else if (!model_park_timed(&edge, 0)) {
			endings--;
			return 0;
		}
	}
}

ssize_t go__sys_write(int fd, const void *p, size_t n)
{
	(void)fd;
	(void)p;
	/* acq_rel: the kernel locks. */
	atomic_exchange_explicit(&edge, 1, memory_order_acq_rel);
	model_wake(&edge, 1);
	return (ssize_t)n;
}

/* The rest of what these call, and the model does not. */

int go__sys_epoll_pwait2(int epoll, struct epoll_event *e, int n, int64_t ns)
{
	(void)epoll;
	(void)e;
	(void)n;
	(void)ns;
	model_not_called();
}

int go__sys_epoll_create1(int flags)
{
	(void)flags;
	model_not_called();
}

int go__sys_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
	(void)epoll;
	(void)op;
	(void)fd;
	(void)e;
	model_not_called();
}

int go__sys_eventfd(unsigned value, int flags)
{
	(void)value;
	(void)flags;
	model_not_called();
}

int go__sys_close(int fd)
{
	(void)fd;
	model_not_called();
}

void *go__sys_aligned_alloc(size_t alignment, size_t n)
{
	(void)alignment;
	(void)n;
	model_not_called();
}

void go__sys_free(void *p)
{
	(void)p;
	model_not_called();
}

void go__fd_event(int fd, uint32_t generation, uint64_t bits,
		  struct go__wake_list *woken)
{
	(void)fd;
	(void)generation;
	(void)bits;
	(void)woken;
	model_not_called();
}

void go__fd_forget_pollers(unsigned index)
{
	(void)index;
	model_not_called();
}

#endif
