/* SPDX-License-Identifier: MIT */
/*
 * go_poll: waiting for many descriptors at once.
 *
 * Look, link, wait, and look again, as fdlook.h says, until something is ready
 * or the time is over.
 */
#include <gofer/io.h>

#include <errno.h>
#include <limits.h>

#include "arch/sys.h"
#include "io/fdlook.h"

/* So many descriptors need no memory from the heap. */
#ifdef GO_TEST_SMALL
#define FEW 1
#else
#define FEW 4
#endif

struct looks {
	struct go__waiter *waiter;
	struct pollfd *fds;
	nfds_t count;
	uint64_t deadline;
	struct go__fd_doubt doubt;
	struct go__fd_look *look;
	struct go__fd_look few[FEW];
};

/* ---- entering all, and leaving ---- */

static void leave_all(struct looks *l)
{
	for (nfds_t i = 0; i < l->count; i++)
		go__fd_look_leave(&l->look[i]);
	if (l->look != l->few)
		go__sys_free(l->look);
}

/* Report the descriptors that are being closed; returns how many. */
static int report_closing(struct looks *l)
{
	int n = 0;

	for (nfds_t i = 0; i < l->count; i++) {
		struct go__fd_look *k = &l->look[i];

		l->fds[i].revents = 0;
		if (k->entry && go__fd_look_closing(k)) {
			l->fds[i].revents = POLLNVAL;
			n++;
		}
	}
	return n;
}

/* Returns 0; 1 (a descriptor is gone, and reported); -ENOMEM or the like. */
static int enter_all(struct looks *l)
{
	l->look = l->few;
	if (l->count > FEW)
		l->look = go__sys_calloc(l->count, sizeof(*l->look));
	if (!l->look)
		return -ENOMEM;
	for (nfds_t i = 0; i < l->count; i++)
		l->look[i].entry = NULL;
	for (nfds_t i = 0; i < l->count; i++) {
		int r = 0;

		if (l->fds[i].fd >= 0)
			r = go__fd_look_enter(&l->look[i], l->fds[i].fd);
		if (r == 0)
			continue;
		leave_all(l);
		if (r == -EBADF) {
			l->fds[i].revents = POLLNVAL;
			return 1;
		}
		return r;
	}
	return 0;
}

/* ---- waiting ---- */

/* Link all; the wait has begun.  Result as for one. */
static int link_all(struct looks *l)
{
	int r = 1;

	for (nfds_t i = 0; i < l->count && r > 0; i++)
		r = go__fd_look_link(&l->look[i], l->waiter, l->fds[i].events);
	return r;
}

static void unlink_all(struct looks *l)
{
	for (nfds_t i = 0; i < l->count; i++)
		go__fd_look_unlink(&l->look[i]);
}

/* Poll as a plain thread, with a copy that has room for the eventfd. */
static int poll_thread(struct looks *l)
{
	struct pollfd few[FEW + 1], *v = few;
	int r;

	if (l->count > FEW)
		v = go__sys_calloc(l->count + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (nfds_t i = 0; i < l->count; i++)
		v[i] = l->fds[i];
	r = go__fd_poll_thread(l->waiter, v, l->count);
	for (nfds_t i = 0; i < l->count; i++)
		l->fds[i].revents = v[i].revents;
	if (v != few)
		go__sys_free(v);
	return r;
}

static int wait_task(struct looks *l)
{
	int r = go__wait(l->waiter);

	unlink_all(l);
	return r;
}

static int wait_thread(struct looks *l)
{
	int n = poll_thread(l);
	int r;

	unlink_all(l);
	r = go__wait_abandon(l->waiter);
	return n != 0 ? n : r;
}

/* When to end a wait: in time, or to look whether the descriptors are there. */
static uint64_t wait_until(struct looks *l)
{
	bool doubted = false;

	for (nfds_t i = 0; i < l->count && !doubted; i++)
		if (l->look[i].entry)
			doubted = go__fd_doubt(&l->doubt, l->look[i].entry,
					       l->waiter);
	return l->deadline < l->doubt.at ? l->deadline : l->doubt.at;
}

/* If one is another file by now, the next look is at that one. */
static void recheck_all(struct looks *l)
{
	for (nfds_t i = 0; i < l->count; i++)
		(void)go__fd_look_recheck(&l->look[i], l->waiter);
}

/* Wait once.  Returns 0 (look again), more (that many), or an error. */
static int wait_once(struct looks *l)
{
	int r, ended;

	go__wait_begin(l->waiter, wait_until(l), GO__WAIT_POLL, l->fds);
	r = link_all(l);
	if (r > 0)
		return l->waiter->is_task ? wait_task(l) : wait_thread(l);
	unlink_all(l);
	ended = go__wait_abandon(l->waiter);
	return r < 0 ? r : ended;
}

static int wait_for_some(struct looks *l)
{
	int r;

	for (;;) {
		for (nfds_t i = 0; i < l->count; i++)
			go__fd_look_load(&l->look[i]);
		r = go__fd_look_now(l->fds, l->count);
		if (r == 0 && go__sys_now() >= l->deadline)
			return 0;
		if (r == 0)
			r = wait_once(l);
		if (r == -ETIMEDOUT && go__fd_doubt_due(&l->doubt, l->waiter)) {
			recheck_all(l);
			r = 0;
		} else if (r == -ETIMEDOUT && go__sys_now() >= l->deadline) {
			r = 0; /* One more look. */
		} else if (r == -EBADF) {
			r = report_closing(l); /* 0: another file has come. */
		}
		if (r != 0)
			return r;
	}
}

int go_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct looks l = {.fds = fds, .count = count};
	int r;

	/* As the kernel says, too, but a sanitizer reads the array first. */
	if (count > INT_MAX)
		return -EINVAL;
	l.waiter = go__waiter_self();
	if (!l.waiter)
		return -ENOMEM;
	r = go__wait_check(l.waiter);
	if (r < 0)
		return r;
	r = go__fd_look_now(fds, count);
	if (r != 0 || timeout_ms == 0)
		return r;
	go__fd_doubt_init(&l.doubt);
	l.deadline = GO__NO_DEADLINE;
	if (timeout_ms > 0)
		l.deadline = go__sys_now() + (uint64_t)timeout_ms * 1000000;
	if (!l.waiter->is_task)
		r = go__waiter_eventfd(l.waiter);
	if (r >= 0)
		r = enter_all(&l);
	if (r != 0)
		return r;
	r = wait_for_some(&l);
	leave_all(&l);
	return r;
}
