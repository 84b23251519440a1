/* SPDX-License-Identifier: MIT */
/*
 * go_poll: waiting for many descriptors at once.
 *
 * What is ready now, the kernel's poll(2) knows, asked with time-out zero.  The
 * rest is to wait until that answer may have changed: an edge on any of the
 * descriptors.  The readiness bits are no help, for they may be set in vain,
 * and clearing them is the business of calls that read and write; what counts
 * is whether an edge was noted since the word was loaded, before the look:
 *
 *     load each word; poll(2) says nothing is ready; for each descriptor,
 *     under its lock: register; if its word has changed, look again; link.
 *
 * It is linked as a shared waiter, which every edge wakes (fdwait.c).
 *
 * A plain thread hands the whole array to poll(2), with its eventfd at the end;
 * its links serve go_close() only.
 */
#include <gofer/io.h>

#include <errno.h>
#include <limits.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"

/* So many descriptors need no memory from the heap. */
#ifdef GO_TEST_SMALL
#define FEW 1
#else
#define FEW 4
#endif

struct look {
	struct go__fd_wait wait;
	struct go__fd *entry; /* NULL: passed over. */
	uint64_t seen;
};

struct looks {
	struct go__waiter *waiter;
	struct pollfd *fds;
	nfds_t count;
	uint64_t deadline;
	struct look *look;
	struct look few[FEW];
};

static int look_now(struct looks *l)
{
	int r;

	do
		r = go__sys_poll(l->fds, l->count, 0);
	while (r == -EINTR);
	return r;
}

/* ---- entering all, and leaving ---- */

static void leave_all(struct looks *l)
{
	for (nfds_t i = 0; i < l->count; i++)
		if (l->look[i].entry)
			go__fd_leave(l->look[i].entry);
	if (l->look != l->few)
		go__sys_free(l->look);
}

/* Report the descriptors that are being closed; returns how many. */
static int report_closing(struct looks *l)
{
	int n = 0;

	for (nfds_t i = 0; i < l->count; i++) {
		struct go__fd *e = l->look[i].entry;
		bool closing;

		l->fds[i].revents = 0;
		if (!e)
			continue;
		go__lock_acquire(&e->lock);
		closing = go__fduse_closing(&e->use);
		go__lock_release(&e->lock);
		if (closing) {
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
			r = go__fd_enter(l->fds[i].fd, &l->look[i].entry);
		if (r == 0)
			continue;
		l->look[i].entry = NULL;
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

static unsigned ways_of(const struct pollfd *p)
{
	bool out = p->events & (POLLOUT | POLLWRNORM | POLLWRBAND);

	return GO__WAYS_IN | (out ? GO__WAYS_OUT : 0);
}

/* Link one.  Returns 1 (linked), 0 (look again) or an error. */
static int link_one(struct looks *l, nfds_t i, struct go__wake_list *woken)
{
	struct look *k = &l->look[i];
	struct go__fd *e = k->entry;
	int r = 0;

	if (go__fduse_closing(&e->use))
		return -EBADF;
	k->wait.ways = GO__WAYS_NONE;
	k->wait.shared = true;
	if (l->waiter->is_task) {
		k->wait.ways = ways_of(&l->fds[i]);
		r = go__fd_watch(e, l->waiter, k->wait.ways, woken);
		if (r < 0 || !go__ready_unchanged(&e->ready, k->seen))
			return r;
	}
	go__wait_node_init(&k->wait.node, l->waiter);
	go__list_push_front(&e->waiters, &k->wait.node.link);
	return 1;
}

/* Link all; the wait has begun.  Result as for one. */
static int link_all(struct looks *l)
{
	struct go__wake_list woken;
	int r = 1;

	go__wake_list_init(&woken);
	for (nfds_t i = 0; i < l->count; i++)
		l->look[i].wait.node.link.next = NULL;
	for (nfds_t i = 0; i < l->count && r > 0; i++) {
		struct go__fd *e = l->look[i].entry;

		if (!e)
			continue;
		go__lock_acquire(&e->lock);
		r = link_one(l, i, &woken);
		go__lock_release(&e->lock);
	}
	go__wake_list_flush(&woken);
	return r;
}

static void unlink_all(struct looks *l)
{
	for (nfds_t i = 0; i < l->count; i++) {
		struct look *k = &l->look[i];

		if (k->entry)
			go__wait_unlink(&k->wait.node, &k->entry->lock);
	}
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

/* Wait once.  Returns 0 (look again), more (that many), or an error. */
static int wait_once(struct looks *l)
{
	int r, ended;

	go__wait_begin(l->waiter, l->deadline, GO__WAIT_POLL, l->fds);
	r = link_all(l);
	if (r > 0)
		return l->waiter->is_task ? wait_task(l) : wait_thread(l);
	unlink_all(l);
	ended = go__wait_abandon(l->waiter);
	return r < 0 ? r : ended;
}

static void load_words(struct looks *l)
{
	for (nfds_t i = 0; i < l->count; i++) {
		struct look *k = &l->look[i];

		if (k->entry)
			k->seen = go__ready_load(&k->entry->ready);
	}
}

static int wait_for_some(struct looks *l)
{
	int r;

	for (;;) {
		load_words(l);
		r = look_now(l);
		if (r == 0 && go__sys_now() >= l->deadline)
			return 0;
		if (r == 0)
			r = wait_once(l);
		if (r == -ETIMEDOUT && go__sys_now() >= l->deadline)
			r = 0; /* One more look. */
		else if (r == -EBADF)
			return report_closing(l);
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
	r = look_now(&l);
	if (r != 0 || timeout_ms == 0)
		return r;
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
