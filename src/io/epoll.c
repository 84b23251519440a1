/* SPDX-License-Identifier: MIT */
/* The poller on Linux: for now the sleep and its break; no descriptors yet. */
#include <errno.h>
#include <sys/eventfd.h>

#include "arch/sys.h"
#include "sched/poller.h"

struct go__poller {
	int epoll, event;
};

int go__poller_create(struct go__poller **out)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	struct go__poller *p = go__sys_calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->epoll = go__sys_epoll_create1(EPOLL_CLOEXEC);
	p->event = go__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p->epoll < 0 ? p->epoll : p->event;
	if (r >= 0)
		r = go__sys_epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->event, &e);
	if (r < 0)
		go__poller_destroy(p);
	else
		*out = p;
	return r < 0 ? r : 0;
}

void go__poller_destroy(struct go__poller *p)
{
	if (p->epoll >= 0)
		(void)go__sys_close(p->epoll);
	if (p->event >= 0)
		(void)go__sys_close(p->event);
	go__sys_free(p);
}

int go__poller_wait(struct go__poller *p, int64_t timeout_ns,
		    struct go__wake_list *ready)
{
	struct epoll_event e[8];

	(void)ready;
	return go__sys_epoll_pwait2(p->epoll, e, 8, timeout_ns);
}

void go__poller_break(struct go__poller *p)
{
	uint64_t one = 1;

	(void)go__sys_write(p->event, &one, sizeof(one));
}
