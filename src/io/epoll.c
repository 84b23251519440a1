/* SPDX-License-Identifier: MIT */
/*
 * The queue of events on Linux: epoll, edge-triggered.
 *
 * Each descriptor is registered once, for EPOLLIN, EPOLLRDHUP and EPOLLPRI;
 * EPOLLOUT joins when a call first finds the way out full, or connects, since
 * until then every registration would begin with an event that says nothing.
 * A request that is answered costs no epoll_ctl at all.
 *
 * The event's 64 bits carry {generation, number}, not a pointer: an event that
 * comes late, for a file that has been closed, differs in its generation.
 *
 *     kernel                          readiness word
 *     ------------------------------  ---------------------------------------
 *     EPOLLIN                         READY_IN
 *     EPOLLRDHUP, EPOLLPRI            READY_IN, HUNG_IN
 *     EPOLLOUT                        READY_OUT
 *     EPOLLHUP, EPOLLERR              all four
 *
 * A BREAK is an edge of an eventfd in the set, which is never read.
 *
 * Time-outs are exact to the nanosecond (epoll_pwait2); on a kernel without it
 * they are rounded up to milliseconds, so that a timer is never woken for
 * before its time.
 *
 * WHY NOT level-triggered, or EPOLLONESHOT?  Both cost an epoll_ctl per wait.
 * WHY NOT EPOLLEXCLUSIVE for listeners?  It cannot be modified, and our wakes
 * already go to one waiter per edge (fdwait.c).
 *
 * TESTS  test_poller.c.
 */
#include "io/eventq.h"

#include <limits.h>
#include <sys/eventfd.h>

#include "arch/sys.h"

/* Set once epoll_pwait2 has said that it does not exist. */
static _Atomic bool coarse;

int go__eventq_open(struct go__eventq *q)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET,
				.data.u64 = GO__EVENT_BREAK};
	int r;

	q->fd = go__sys_epoll_create1(EPOLL_CLOEXEC);
	if (q->fd < 0)
		return q->fd;
	q->event = go__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = q->event;
	if (r >= 0) {
		r = go__sys_epoll_ctl(q->fd, EPOLL_CTL_ADD, q->event, &e);
		if (r == 0)
			return 0;
		go__sys_close(q->event);
	}
	go__sys_close(q->fd);
	return r;
}

void go__eventq_close(const struct go__eventq *q)
{
	go__sys_close(q->event);
	go__sys_close(q->fd);
}

void go__eventq_forked(const struct go__eventq *q)
{
	go__eventq_close(q);
}

static int control(const struct go__eventq *q, int op, int fd,
		   uint32_t generation, bool out)
{
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET,
		.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
	};

	if (out)
		e.events |= EPOLLOUT;
	return go__sys_epoll_ctl(q->fd, op, fd, &e);
}

int go__eventq_add(const struct go__eventq *q, int fd, uint32_t generation,
		   bool out)
{
	return control(q, EPOLL_CTL_ADD, fd, generation, out);
}

int go__eventq_change(const struct go__eventq *q, int fd, uint32_t generation,
		      bool out)
{
	return control(q, EPOLL_CTL_MOD, fd, generation, out);
}

void go__eventq_remove(const struct go__eventq *q, int fd)
{
	/* Fails only if the number stands for another file by now; then there
	 * is nothing to remove. */
	(void)go__sys_epoll_ctl(q->fd, EPOLL_CTL_DEL, fd, NULL);
}

/* Milliseconds for a time-out in ns, rounded up; -1 stays. */
static int coarse_timeout(int64_t ns)
{
	int64_t ms;

	if (ns < 0)
		return -1;
	ms = ns / 1000000 + (ns % 1000000 != 0);
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int go__eventq_fetch(const struct go__eventq *q, go__event *events,
		     unsigned most, int64_t timeout_ns)
{
	int n;

	/* relaxed: a hint; whoever misses it finds out again. */
	if (timeout_ns > 0 &&
	    !atomic_load_explicit(&coarse, memory_order_relaxed)) {
		n = go__sys_epoll_pwait2(q->fd, events, (int)most, timeout_ns);
		if (!go__sys_is_missing(n))
			return n;
		/* relaxed: see above. */
		atomic_store_explicit(&coarse, true, memory_order_relaxed);
	}
	return go__sys_epoll_wait(q->fd, events, (int)most,
				  coarse_timeout(timeout_ns));
}

void go__eventq_trigger(const struct go__eventq *q)
{
	uint64_t one = 1;

	/* Cannot fail: the counter holds 2^64 - 2 writes. */
	(void)go__sys_write(q->event, &one, sizeof(one));
}
