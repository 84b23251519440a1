/* SPDX-License-Identifier: MIT */
/*
 * The one-shot: a line whose state says who is done.
 *
 *     state     set by the                 then
 *     --------  -------------------------  ----------------------------------
 *     SENT      sender, with the value     the receiver takes it
 *     DROPPED   sender, without            the receiver gets -EPIPE
 *     TAKEN     receiver, after SENT       all is over
 *     CLOSED    receiver, before SENT and  the sender gets -EPIPE
 *               DROPPED
 *
 * A receiver that waits looks again when it is woken: the sender, who is done
 * then, does not touch it after the lock, so the receiver may free it.  Others
 * that wait until it is closed are told all by the wait's result, and do not
 * touch it again.  The value stays in its memory until it is taken; a wait that
 * was ended by time or a cancellation leaves it there.
 */
#include <gofer/oneshot.h>

#include "sync/line.h"
#include "sync/value.h"

enum {
	SENT = 1,
	DROPPED = 2,
	TAKEN = 4,
	CLOSED = 8,
};

/* ---- the sender ---- */

static int be_done(go_oneshot *o, const void *value, uint32_t how)
{
	struct go__line *l = go__line_lock(&o->line);
	struct go__claimed k;
	int r = 0;

	go__claimed_init(&k);
	if (l->state & (SENT | DROPPED)) {
		r = -EALREADY;
	} else if (l->state & CLOSED) {
		l->state |= DROPPED;
		r = -EPIPE;
	} else {
		if (how == SENT)
			go__value_copy(o->value, value, o->bytes);
		l->state |= how;
		go__claimed_take_all(&k, &l->list, -EALREADY);
	}
	go__line_flush(l, &k);
	return r;
}

int go_oneshot_send(go_oneshot *o, const void *value)
{
	if (!o || (!value && o->bytes))
		return -EINVAL;
	return be_done(o, value, SENT);
}

int go_oneshot_drop(go_oneshot *o)
{
	return o ? be_done(o, NULL, DROPPED) : -EINVAL;
}

int go_oneshot_wait_closed(go_oneshot *o)
{
	struct go__waiter *w;
	struct go__line *l;
	int r;

	if (!o)
		return -EINVAL;
	r = go__wait_enter(&w);
	if (r < 0)
		return r;
	l = go__line_lock(&o->line);
	if (!l->state)
		return go__line_wait(l, w, GO__WAIT_CLOSED, o);
	r = l->state & (SENT | DROPPED) ? -EALREADY : 0;
	go__line_unlock(l);
	return r;
}

/* ---- the receiver ---- */

/* Locked. */
static int take(go_oneshot *o, struct go__line *l, void *value)
{
	if (l->state != SENT)
		return l->state ? -EPIPE : -EAGAIN;
	l->state |= TAKEN;
	if (value != o->value)
		go__value_copy(value, o->value, o->bytes);
	return 0;
}

int go_oneshot_recv(go_oneshot *o, void *value)
{
	struct go__waiter *w;
	struct go__line *l;
	int r;

	if (!o)
		return -EINVAL;
	r = go__wait_enter(&w);
	if (r < 0)
		return r;
	do {
		l = go__line_lock(&o->line);
		r = take(o, l, value);
		if (r != -EAGAIN) {
			go__line_unlock(l);
			return r;
		}
		r = go__line_wait(l, w, GO__WAIT_ONESHOT, o);
	} while (!go__wait_deserted(r));
	return r;
}

int go_oneshot_try_recv(go_oneshot *o, void *value)
{
	struct go__line *l;
	int r;

	if (!o)
		return -EINVAL;
	l = go__line_lock(&o->line);
	r = take(o, l, value);
	go__line_unlock(l);
	return r;
}

int go_oneshot_close(go_oneshot *o)
{
	struct go__claimed k;
	struct go__line *l;
	int r = 0;

	if (!o)
		return -EINVAL;
	go__claimed_init(&k);
	l = go__line_lock(&o->line);
	if (l->state & CLOSED) {
		r = -EPIPE;
	} else if (l->state) {
		r = -EALREADY;
	} else {
		l->state = CLOSED;
		go__claimed_take_all(&k, &l->list, 0);
	}
	go__line_flush(l, &k);
	return r;
}

int go_oneshot_destroy(go_oneshot *o)
{
	return o ? go__line_destroy(&o->line) : -EINVAL;
}
