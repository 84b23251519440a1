/* SPDX-License-Identifier: MIT */
/* The semaphore: the line behind the word of semaphore.h. */
#include "sync/semaphore.h"

#include "sync/line.h"

static struct go__permits *permits_of(go_semaphore *s)
{
	return (struct go__permits *)(void *)&s->word;
}

static void settle(go_semaphore *s, struct go__line *l)
{
	if (go__list_empty(&l->list))
		go__permits_settle(permits_of(s));
}

static int acquire_slow(go_semaphore *s, struct go__waiter *w)
{
	struct go__line *l = go__line_lock(&s->line);
	struct go__wait_node node;
	int r;

	if (go__permits_queue(permits_of(s), true)) {
		go__line_unlock(l);
		return 0;
	}
	go__line_join(l, &node, w, GO__WAIT_SEMAPHORE, s);
	go__line_unlock(l);
	r = go__wait(w);
	if (go__wait_deserted(r)) {
		go__lock_acquire(&l->lock);
		go__list_remove(&node.link);
		settle(s, l);
		go__line_unlock(l);
	}
	return r;
}

int go_semaphore_acquire(go_semaphore *s)
{
	struct go__waiter *w;
	int r;

	if (!s)
		return -EINVAL;
	r = go__quick_enter(&w);
	if (r < 0)
		return r;
	if (go__permits_take(permits_of(s)) == 1)
		return 0;
	return acquire_slow(s, w);
}

int go_semaphore_try(go_semaphore *s)
{
	int r;
	struct go__line *l;

	if (!s)
		return -EINVAL;
	r = go__permits_take(permits_of(s));
	if (r < 0) {
		l = go__line_lock(&s->line);
		r = go__permits_queue(permits_of(s), false);
		go__line_unlock(l);
	}
	return r > 0 ? 0 : -EAGAIN;
}

int go_semaphore_post(go_semaphore *s)
{
	int r;
	struct go__line *l;
	struct go__claimed k;

	if (!s)
		return -EINVAL;
	r = go__permits_give(permits_of(s), false);
	if (r < 0) {
		go__claimed_init(&k);
		l = go__line_lock(&s->line);
		if (go__claimed_take_first(&k, &l->list, 0)) {
			settle(s, l);
			r = 1;
		} else {
			r = go__permits_give(permits_of(s), true);
		}
		go__line_flush(l, &k);
	}
	return r > 0 ? 0 : -EOVERFLOW;
}

int64_t go_semaphore_value(const go_semaphore *s)
{
	const struct go__permits *p;

	if (!s)
		return -EINVAL;
	p = (const void *)&s->word;
	/* relaxed: a number, and nothing else is concluded from it. */
	return (int64_t)(atomic_load_explicit(&p->bits, memory_order_relaxed) >>
			 1);
}

int go_semaphore_destroy(go_semaphore *s)
{
	if (!s)
		return -EINVAL;
	return go__line_destroy(&s->line);
}
