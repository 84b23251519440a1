/* SPDX-License-Identifier: MIT */
/* Looks at descriptors: see fdlook.h. */
#include "io/fdlook.h"

#include "arch/sys.h"

int go__fd_look_enter(struct go__fd_look *k, int fd)
{
	int r = go__fd_enter(fd, &k->entry);

	if (r < 0)
		k->entry = NULL;
	return r;
}

void go__fd_look_leave(struct go__fd_look *k)
{
	if (k->entry)
		(void)go__fd_leave(k->entry);
}

void go__fd_look_load(struct go__fd_look *k)
{
	k->wait.node.link.next = NULL;
	if (!k->entry)
		return;
	k->seen = go__ready_load(&k->entry->ready);
	k->wait.generation = go__ready_generation(k->seen);
}

int go__fd_look_now(struct pollfd *fds, nfds_t count)
{
	int r;

	do
		r = go__sys_poll(fds, count, 0);
	while (r == -EINTR);
	return r;
}

/*
 * Which edges may change the answer; errors and hang-ups come as both.  No
 * more than that: registering a foreign descriptor raises an edge for what is
 * ready there already, and whoever is woken by that registers it again.
 */
static unsigned ways_of(short events)
{
	short room = POLLOUT | POLLWRNORM | POLLWRBAND;
	bool out = events & room, in = events & ~room;

	return (in || !out ? GO__WAYS_IN : 0) | (out ? GO__WAYS_OUT : 0);
}

/* L4.  Under the lock. */
static int link_locked(struct go__fd_look *k, struct go__waiter *w,
		       short events, struct go__wake_list *woken)
{
	struct go__fd *e = k->entry;
	int r = 0;

	if (go__fduse_closing(&e->use))
		return -EBADF;
	k->wait.ways = GO__WAYS_NONE;
	k->wait.shared = true;
	if (w->is_task) {
		k->wait.ways = ways_of(events);
		r = go__fd_watch(e, w, k->wait.ways, woken);
		if (r < 0 || !go__ready_unchanged(&e->ready, k->seen))
			return r;
	}
	k->wait.generation = go__ready_generation(go__ready_load(&e->ready));
	go__wait_node_init(&k->wait.node, w);
	go__list_push_front(&e->waiters, &k->wait.node.link);
	return 1;
}

int go__fd_look_link(struct go__fd_look *k, struct go__waiter *w, short events)
{
	struct go__wake_list woken;
	int r;

	if (!k->entry)
		return 1;
	go__wake_list_init(&woken);
	go__lock_acquire(&k->entry->lock);
	r = link_locked(k, w, events, &woken);
	go__lock_release(&k->entry->lock);
	go__wake_list_flush(&woken);
	return r;
}

int go__fd_look_link_closing(struct go__fd_look *k, struct go__waiter *w)
{
	struct go__fd *e = k->entry;
	int r = -EBADF;

	go__lock_acquire(&e->lock);
	if (!go__fduse_closing(&e->use)) {
		k->wait.ways = GO__WAYS_NONE;
		k->wait.shared = true;
		go__wait_node_init(&k->wait.node, w);
		go__list_push_front(&e->waiters, &k->wait.node.link);
		r = 1;
	}
	go__lock_release(&e->lock);
	return r;
}

void go__fd_look_unlink(struct go__fd_look *k)
{
	if (k->entry)
		go__wait_unlink(&k->wait.node, &k->entry->lock);
}

int go__fd_look_recheck(struct go__fd_look *k, struct go__waiter *w)
{
	struct go__wake_list woken;
	int r;

	if (!k->entry)
		return 0;
	go__wake_list_init(&woken);
	go__lock_acquire(&k->entry->lock);
	r = go__fd_recheck(k->entry, w, k->wait.generation, &woken);
	go__lock_release(&k->entry->lock);
	go__wake_list_flush(&woken);
	return r;
}

bool go__fd_look_closing(struct go__fd_look *k)
{
	bool closing;

	go__lock_acquire(&k->entry->lock);
	closing = go__fduse_closing(&k->entry->use);
	go__lock_release(&k->entry->lock);
	return closing;
}
