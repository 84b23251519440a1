/* SPDX-License-Identifier: MIT */
/*
 * The watched value: a line with a value and a count under its lock.
 *
 * Who waits has seen the latest version.  So whoever sends the next one copies
 * it into the memory of all whose wait he can claim, under the lock; woken,
 * they do not touch the watch again, which may be gone.  One whose wait was
 * ended by time or a cancellation has seen nothing, and its version is as it
 * was.
 */
#include <gofer/watch.h>

#include "sync/line.h"
#include "sync/value.h"

/* The state of the line. */
enum {
	CLOSED = 1,
};

struct watcher {
	struct go__wait_node node;
	void *value; /* Its memory; may be NULL. */
	uint64_t *seen;
};

/* Locked: copy the latest value. */
static void show(const go_watch *w, void *value, uint64_t *seen)
{
	go__value_copy(value, w->value, w->bytes);
	if (seen)
		*seen = w->changes + 1;
}

static void show_all(const go_watch *w, struct go__line *l,
		     struct go__claimed *k)
{
	struct go__link *link, *next;

	for (link = l->list.next; link != &l->list; link = next) {
		struct watcher *p =
			go__container_of(link, struct watcher, node.link);

		next = link->next;
		if (go__claimed_take(k, &p->node, 0))
			show(w, p->value, p->seen);
	}
}

int go_watch_send(go_watch *w, const void *value)
{
	struct go__claimed k;
	struct go__line *l;
	int r = 0;

	if (!w || (!value && w->bytes))
		return -EINVAL;
	go__claimed_init(&k);
	l = go__line_lock(&w->line);
	if (l->state & CLOSED) {
		r = -EPIPE;
	} else {
		go__value_copy(w->value, value, w->bytes);
		w->changes++;
		show_all(w, l, &k);
	}
	go__line_flush(l, &k);
	return r;
}

int go_watch_get(go_watch *w, void *value, uint64_t *seen)
{
	struct go__line *l;

	if (!w)
		return -EINVAL;
	l = go__line_lock(&w->line);
	show(w, value, seen);
	go__line_unlock(l);
	return 0;
}

static int look(go_watch *w, void *value, uint64_t *seen,
		struct go__waiter *waiter)
{
	struct go__line *l = go__line_lock(&w->line);
	struct watcher self = {.value = value, .seen = seen};
	int r = 0;

	if (*seen != w->changes + 1) {
		show(w, value, seen);
	} else if (l->state & CLOSED) {
		r = -EPIPE;
	} else if (!waiter) {
		r = -EAGAIN;
	} else {
		go__line_join(l, &self.node, waiter, GO__WAIT_WATCH, w);
		go__line_unlock(l);
		r = go__wait(waiter);
		if (go__wait_deserted(r))
			go__wait_unlink(&self.node, &l->lock);
		return r;
	}
	go__line_unlock(l);
	return r;
}

int go_watch_wait(go_watch *w, void *value, uint64_t *seen)
{
	struct go__waiter *waiter;
	int r;

	if (!w || !seen)
		return -EINVAL;
	r = go__wait_enter(&waiter);
	return r < 0 ? r : look(w, value, seen, waiter);
}

int go_watch_try(go_watch *w, void *value, uint64_t *seen)
{
	return w && seen ? look(w, value, seen, NULL) : -EINVAL;
}

int go_watch_close(go_watch *w)
{
	struct go__claimed k;
	struct go__line *l;
	int r;

	if (!w)
		return -EINVAL;
	go__claimed_init(&k);
	l = go__line_lock(&w->line);
	r = l->state & CLOSED ? -EPIPE : 0;
	l->state |= CLOSED;
	go__claimed_take_all(&k, &l->list, -EPIPE);
	go__line_flush(l, &k);
	return r;
}

int go_watch_destroy(go_watch *w)
{
	return w ? go__line_destroy(&w->line) : -EINVAL;
}
