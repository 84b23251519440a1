/* SPDX-License-Identifier: MIT */
/*
 * The condition variable: a line whose word says that somebody may be in it.
 *
 * A waiter is in line before it unlocks the mutex, so a signal by whoever locks
 * it next finds it.  A signal goes to the first one that can be claimed: one
 * whose wait has been cancelled or has timed out does not use it up.
 *
 * A signal for nobody is one load.  That it is a relaxed one is enough: who has
 * to find a waiter has locked the mutex after that one unlocked it, and so sees
 * the word that was set before.  The word is cleared under the lock, by who
 * finds the line empty.
 */
#include "sync/line.h"

int go_cond_wait(go_cond *c, go_mutex *m)
{
	struct go__waiter *w;
	struct go__wait_node node;
	struct go__line *l;
	int r, locked;

	if (!c || !m)
		return -EINVAL;
	r = go__quick_enter(&w);
	if (!w || !go__mutex_is_mine(m, w))
		return -EPERM;
	if (r < 0)
		return r;
	l = go__line_lock(&c->line);
	/* relaxed: shown to signals by the mutex. */
	atomic_store_explicit(&l->word, 1, memory_order_relaxed);
	go__line_join(l, &node, w, GO__WAIT_COND, c);
	go__line_unlock(l);
	(void)go_mutex_unlock(m);
	r = go__wait(w);
	if (go__wait_deserted(r))
		go__wait_unlink(&node, &l->lock);
	locked = go_mutex_lock(m);
	return locked < 0 ? locked : r;
}

static bool nobody_waits(go_cond *c)
{
	/* relaxed: see the head. */
	return !atomic_load_explicit(&go__line(&c->line)->word,
				     memory_order_relaxed);
}

/* Unlock the line, and wake those taken out of it. */
static void let_go(struct go__line *l, const struct go__claimed *k)
{
	if (go__list_empty(&l->list))
		/* relaxed: only a signal under the mutex must see it set. */
		atomic_store_explicit(&l->word, 0, memory_order_relaxed);
	go__line_flush(l, k);
}

int go_cond_signal(go_cond *c)
{
	struct go__line *l;
	struct go__claimed k;

	if (!c)
		return -EINVAL;
	if (nobody_waits(c))
		return 0;
	l = go__line_lock(&c->line);
	go__claimed_init(&k);
	(void)go__claimed_take_first(&k, &l->list, 0);
	let_go(l, &k);
	return 0;
}

int go_cond_broadcast(go_cond *c)
{
	struct go__line *l;
	struct go__claimed k;

	if (!c)
		return -EINVAL;
	if (nobody_waits(c))
		return 0;
	l = go__line_lock(&c->line);
	go__claimed_init(&k);
	go__claimed_take_all(&k, &l->list, 0);
	let_go(l, &k);
	return 0;
}

int go_cond_destroy(go_cond *c)
{
	if (!c)
		return -EINVAL;
	return go__line_destroy(&c->line);
}
