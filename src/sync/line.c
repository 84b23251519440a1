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
	if (go__wait_deserted(r))
		go__wait_unlink(&node, &l->lock);
	return r;
}

int go__line_destroy(go_line *public_line)
{
	struct go__line *l = go__line_lock(public_line);
	bool empty = go__list_empty(&l->list);

	go__line_unlock(l);
	return empty ? 0 : -EBUSY;
}
