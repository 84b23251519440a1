/* SPDX-License-Identifier: MIT */
/*
 * The wait group, which is the line behind the word of counter.h, and the
 * barrier, a line with a counter under its lock.
 *
 * WHY the barrier has no way around the lock: all but the last one to come join
 * the line, and the last one takes them out of it.
 */
#include "sync/counter.h"

#include "sync/line.h"

static struct go__count *count_of(go_wait_group *g)
{
	return (struct go__count *)(void *)&g->word;
}

int go_wait_group_add(go_wait_group *g, int64_t n)
{
	int r;
	struct go__line *l;
	struct go__claimed k;

	if (!g)
		return -EINVAL;
	r = go__count_add(count_of(g), n, false);
	if (r != -EAGAIN)
		return r;
	go__claimed_init(&k);
	l = go__line_lock(&g->line);
	r = go__count_add(count_of(g), n, true);
	if (r > 0)
		go__claimed_take_all(&k, &l->list, 0);
	go__line_flush(l, &k);
	return r < 0 ? r : 0;
}

int go_wait_group_done(go_wait_group *g)
{
	if (!g)
		return -EINVAL;
	return go_wait_group_add(g, -1);
}

int go_wait_group_wait(go_wait_group *g)
{
	struct go__line *l;
	struct go__waiter *w;
	int r;

	if (!g)
		return -EINVAL;
	r = go__wait_enter(&w);
	if (r < 0)
		return r;
	l = go__line(&g->line);
	if (go__count_is_zero(count_of(g))) {
		go__line_see_out(l);
		return 0;
	}
	(void)go__line_lock(&g->line);
	if (go__count_queue(count_of(g)))
		return go__line_wait(l, w, GO__WAIT_COUNTER, g);
	go__line_unlock(l);
	return 0;
}

int go_wait_group_destroy(go_wait_group *g)
{
	if (!g)
		return -EINVAL;
	return go__line_destroy(&g->line);
}

/*
 * The state of a barrier's line is the number of the round.  A cancellation
 * that has claimed a wait may find, when it comes to leave, that the round was
 * completed meanwhile: then the caller was one of the parties, and succeeds.
 */
static int come(go_barrier *b, struct go__line *l, struct go__waiter *w)
{
	uint32_t round = l->state;
	struct go__wait_node node;
	int r;

	b->arrived++;
	go__line_join(l, &node, w, GO__WAIT_BARRIER, b);
	go__line_unlock(l);
	r = go__wait(w);
	if (go__wait_deserted(r)) {
		go__lock_acquire(&l->lock);
		go__list_remove(&node.link);
		if (l->state == round)
			b->arrived--;
		else
			r = 0;
		go__line_unlock(l);
	}
	return r;
}

int go_barrier_wait(go_barrier *b)
{
	struct go__waiter *w;
	struct go__claimed k;
	struct go__line *l;
	int r;

	if (!b)
		return -EINVAL;
	r = go__wait_enter(&w);
	if (r < 0)
		return r;
	go__claimed_init(&k);
	l = go__line_lock(&b->line);
	if (b->parties != 0 && b->arrived + 1 < b->parties)
		return come(b, l, w);
	if (b->parties != 0) {
		go__claimed_take_all(&k, &l->list, 0);
		b->arrived = 0;
		l->state++;
	}
	go__line_flush(l, &k);
	return b->parties != 0 ? 1 : -EINVAL;
}

int go_barrier_destroy(go_barrier *b)
{
	if (!b)
		return -EINVAL;
	return go__line_destroy(&b->line);
}
