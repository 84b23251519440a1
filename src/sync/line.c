/* SPDX-License-Identifier: MIT */
/* Lines of waiters, for the objects of this layer. */
#include "sync/line.h"

int go__line_wait(struct go__line *l, struct go__waiter *w, unsigned kind,
		  const void *object)
{
	struct go__wait_node node;
	int r;

	go__line_join(l, &node, w, kind, object);
	go__line_unlock(l);
	r = go__wait(w);
	if (go__line_deserted(r)) {
		go__lock_acquire(&l->lock);
		go__list_remove(&node.link);
		go__line_unlock(l);
	}
	return r;
}

static struct go__wait_node *node_of(struct go__link *link)
{
	return go__container_of(link, struct go__wait_node, link);
}

bool go__line_take(struct go__wait_node *n, struct go__woken *k)
{
	struct go__waiter *w = n->waiter;

	if (!go__wait_claim(n))
		return false;
	go__list_remove(&n->link);
	w->value = n;
	w->next = NULL;
	*k->last = w;
	k->last = &w->next;
	return true;
}

bool go__line_pop(struct go__line *l, struct go__woken *k)
{
	struct go__link *link = l->list.next;

	while (link != &l->list && !go__line_take(node_of(link), k))
		link = link->next;
	return link != &l->list;
}

void go__line_pop_all(struct go__line *l, struct go__woken *k)
{
	struct go__link *link = l->list.next, *next;

	for (; link != &l->list; link = next) {
		next = link->next;
		(void)go__line_take(node_of(link), k);
	}
}

void go__line_flush(struct go__line *l, struct go__woken *k)
{
	struct go__waiter *w = k->first, *next;
	struct go__wake_list wakes;

	go__line_unlock(l);
	if (!w)
		return;
	go__wake_list_init(&wakes);
	for (; w; w = next) {
		next = w->next;
		go__wake_list_add(&wakes, w, 0);
	}
	go__wake_list_flush(&wakes);
}

int go__line_destroy(go_line *public_line)
{
	struct go__line *l = go__line_lock(public_line);
	bool empty = go__list_empty(&l->list);

	go__line_unlock(l);
	return empty ? 0 : -EBUSY;
}
