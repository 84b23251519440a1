/* SPDX-License-Identifier: MIT */
/* The event: a line whose state says whether it is set (event.h). */
#include "sync/event.h"

int go_event_set(go_event *e)
{
	struct go__line *l = go__line_lock(&e->line);
	struct go__claimed k;

	go__claimed_init(&k);
	if (!(l->state & GO__EVENT_AUTO)) {
		l->state |= GO__EVENT_SET;
		go__claimed_take_all(&k, &l->list, 0);
	} else if (!go__claimed_take_first(&k, &l->list, 0)) {
		l->state |= GO__EVENT_SET;
	}
	go__line_flush(l, &k);
	return 0;
}

int go_event_reset(go_event *e)
{
	struct go__line *l = go__line_lock(&e->line);

	l->state &= ~(uint32_t)GO__EVENT_SET;
	go__line_unlock(l);
	return 0;
}

int go_event_wait(go_event *e)
{
	struct go__waiter *w;
	struct go__line *l;
	int r = go__wait_enter(&w);

	if (r < 0)
		return r;
	l = go__line_lock(&e->line);
	if (!go__event_pass(l))
		return go__line_wait(l, w, GO__WAIT_EVENT, e);
	go__line_unlock(l);
	return 0;
}

int go_event_try(go_event *e)
{
	struct go__line *l = go__line_lock(&e->line);
	bool passed = go__event_pass(l);

	go__line_unlock(l);
	return passed ? 0 : -EAGAIN;
}

int go_event_destroy(go_event *e)
{
	return go__line_destroy(&e->line);
}
