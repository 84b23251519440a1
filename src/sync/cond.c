/* SPDX-License-Identifier: MIT */
/*
 * The condition variable: a line without state.
 *
 * A waiter is in line before it unlocks the mutex, so a signal by whoever locks
 * it next finds it.  A signal goes to the first one that can be claimed: one
 * whose wait has been cancelled or has timed out does not use it up.
 *
 * TESTS  model_cond.c.
 */
#include "sync/line.h"

int go_cond_wait(go_cond *c, go_mutex *m)
{
	struct go__waiter *w;
	struct go__wait_node node;
	struct go__line *l;
	int r = go__wait_enter(&w), locked;

	if (!w || !go__mutex_is_mine(m, w))
		return -EPERM;
	if (r < 0)
		return r;
	l = go__line_lock(&c->line);
	go__line_join(l, &node, w, GO__WAIT_COND, c);
	go__line_unlock(l);
	(void)go_mutex_unlock(m);
	r = go__wait(w);
	if (go__wait_deserted(r))
		go__wait_unlink(&node, &l->lock);
	locked = go_mutex_lock(m);
	return locked < 0 ? locked : r;
}

int go_cond_signal(go_cond *c)
{
	struct go__line *l = go__line_lock(&c->line);
	struct go__claimed k;

	go__claimed_init(&k);
	(void)go__claimed_take_first(&k, &l->list, 0);
	go__line_flush(l, &k);
	return 0;
}

int go_cond_broadcast(go_cond *c)
{
	struct go__line *l = go__line_lock(&c->line);
	struct go__claimed k;

	go__claimed_init(&k);
	go__claimed_take_all(&k, &l->list, 0);
	go__line_flush(l, &k);
	return 0;
}

int go_cond_destroy(go_cond *c)
{
	return go__line_destroy(&c->line);
}
