/* SPDX-License-Identifier: MIT */
/*
 * The system's queue of events, of which each poller has one: what epoll.c and
 * kqueue.c are to poller.c.  Exactly one of the two is compiled.
 *
 * Registrations and their results are those of watch.h; poller.c hands them on.
 * An event is of one descriptor, with the generation that it was registered
 * with, or it is the queue's own, which go__eventq_trigger() causes: a break.
 *
 * Which bits of the readiness word an event means, epoll.c and kqueue.c say.
 */
#ifndef GO_IO_EVENTQ_H
#define GO_IO_EVENTQ_H

#include <stdbool.h>
#include <stdint.h>

#include "io/ready.h"

#ifdef GO_KQUEUE
#include <sys/event.h>

struct go__eventq {
	int fd;
};

typedef struct kevent go__event;

static inline bool go__event_is_break(const go__event *e)
{
	return e->filter == EVFILT_USER;
}

static inline int go__event_fd(const go__event *e)
{
	return (int)e->ident;
}

static inline uint32_t go__event_generation(const go__event *e)
{
	return (uint32_t)(uintptr_t)e->udata;
}

static inline uint64_t go__event_bits(const go__event *e)
{
	bool end = e->flags & EV_EOF;

	if (e->filter == EVFILT_WRITE)
		return end ? GO__READY_BITS : GO__READY_OUT;
	return GO__READY_IN | (end ? GO__HUNG_IN : 0);
}
#else
#include <sys/epoll.h>

/* Marks the eventfd's event; no descriptor has the number -1. */
#define GO__EVENT_BREAK UINT64_MAX

struct go__eventq {
	int fd;
	int event; /* An eventfd, in the set. */
};

typedef struct epoll_event go__event;

static inline bool go__event_is_break(const go__event *e)
{
	return e->data.u64 == GO__EVENT_BREAK;
}

static inline int go__event_fd(const go__event *e)
{
	return (int)(uint32_t)e->data.u64;
}

static inline uint32_t go__event_generation(const go__event *e)
{
	return (uint32_t)(e->data.u64 >> 32);
}

static inline uint64_t go__event_bits(const go__event *e)
{
	uint64_t bits = 0;

	if (e->events & EPOLLIN)
		bits |= GO__READY_IN;
	if (e->events & EPOLLOUT)
		bits |= GO__READY_OUT;
	if (e->events & (EPOLLRDHUP | EPOLLPRI))
		bits |= GO__READY_IN | GO__HUNG_IN;
	if (e->events & (EPOLLHUP | EPOLLERR))
		bits |= GO__READY_BITS;
	return bits;
}
#endif

/* 0, or -errno, and nothing is open. */
int go__eventq_open(struct go__eventq *q);
void go__eventq_close(const struct go__eventq *q);

/* In the child of a fork: close what it has inherited. */
void go__eventq_forked(const struct go__eventq *q);

/* See go__poller_add(), go__poller_change() and go__poller_remove(). */
int go__eventq_add(const struct go__eventq *q, int fd, uint32_t generation,
		   bool out);
int go__eventq_change(const struct go__eventq *q, int fd, uint32_t generation,
		      bool out);
void go__eventq_remove(const struct go__eventq *q, int fd);

/*
 * Up to `most` events, after at most timeout_ns (less than 0: for ever) if
 * there are none.  Returns how many, or -errno; -EINTR if a signal came.
 */
int go__eventq_fetch(const struct go__eventq *q, go__event *events,
		     unsigned most, int64_t timeout_ns);

/* Cause an event of the queue's own; several may become one.  Cannot fail. */
void go__eventq_trigger(const struct go__eventq *q);

#endif
