/* SPDX-License-Identifier: MIT */
/* The event: the line behind the word of event.h. */
#include "sync/event.h"

static void set_slow(go_event *e)
{
	struct go__line *l = go__line_lock(&e->line);
	struct go__claimed k;
	bool set = true;
	/* relaxed: this bit is constant. */
	uint32_t bits = atomic_load_explicit(&l->word, memory_order_relaxed);

	go__claimed_init(&k);
	if (bits & GO__EVENT_AUTO)
		set = !go__claimed_take_first(&k, &l->list, 0);
	else
		go__claimed_take_all(&k, &l->list, 0);
	go__event_give(l, set);
	go__line_flush(l, &k);
}

int go_event_set(go_event *e)
{
	if (!e)
		return -EINVAL;
	if (!go__event_set(go__line(&e->line)))
		set_slow(e);
	return 0;
}

int go_event_reset(go_event *e)
{
	if (!e)
		return -EINVAL;
	go__event_reset(go__line(&e->line));
	return 0;
}

int go_event_wait(go_event *e)
{
	struct go__waiter *w;
	struct go__line *l;
	int r;

	if (!e)
		return -EINVAL;
	r = go__quick_enter(&w);
	if (r < 0)
		return r;
	if (go__event_pass(go__line(&e->line)))
		return 0;
	l = go__line_lock(&e->line);
	if (!go__event_look(l, true))
		return go__line_wait(l, w, GO__WAIT_EVENT, e);
	go__line_unlock(l);
	return 0;
}

int go_event_try(go_event *e)
{
	if (!e)
		return -EINVAL;
	return go__event_pass(go__line(&e->line)) ? 0 : -EAGAIN;
}

int go_event_destroy(go_event *e)
{
	if (!e)
		return -EINVAL;
	return go__line_destroy(&e->line);
}
