/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts: a ring that is overwritten, and positions in it.
 *
 * Messages are numbered from 0 on.  Those from sent - capacity to sent - 1 are
 * in the ring; a subscriber is nothing but the number of the one it wants next.
 *
 *     subscriber.next                  a receive
 *     -------------------------------  -----------------------------------
 *     equal to sent                    waits, or is told that it is closed
 *     within the ring                  copies it, and goes on to the next
 *     older                            goes on to the oldest one that is
 *                                      there, and says how many it passed
 *
 * HAND-OFF.  Who waits wants the message that is sent next: so the sender
 * copies it into his memory and moves his position on, under the lock, when it
 * claims his wait.  Woken, he has nothing left to do and does not touch the
 * broadcast again, which may be gone.  Of those that wait with one subscriber
 * the first that can be claimed moves it on, and the others go on waiting for
 * the message after it.
 *
 * CONSERVATION.  A position moves together with the copy, or not at all: a wait
 * that time or a cancellation has claimed leaves it where it is, and the
 * message is in the ring for the next receive.
 *
 * WHY NOT a lock per slot, for many receivers at once?  The lock is held for
 * one copy; a closing, a hand-off to many and an exact count of what is missed
 * need one point at which a send happens.
 */
#include <gofer/broadcast.h>

#include "arch/lock.h"
#include "arch/sys.h"
#include "sched/wait.h"
#include "sync/value.h"

/* One who waits; on its stack. */
struct listener {
	struct go__wait_node node;
	go_subscriber *subscriber;
	void *value; /* Its memory; may be NULL. */
};

struct go_broadcast {
	struct go__lock lock;
	bool closed;                    /* Under lock. */
	size_t element_bytes, capacity; /* Constant, as slots. */
	size_t slots;                   /* A power of two. */
	uint64_t sent;                  /* Under lock, as all that follows. */
	struct go__link listeners;
	char ring[];
};

static char *slot(struct go_broadcast *b, uint64_t i)
{
	return b->ring + ((size_t)i & (b->slots - 1)) * b->element_bytes;
}

/* ---- sending: under the lock ---- */

/* Give the message to all who wait, before it is counted as sent. */
static void hand_over(struct go_broadcast *b, const void *value,
		      struct go__claimed *woken)
{
	struct go__link *l, *next;

	for (l = b->listeners.next; l != &b->listeners; l = next) {
		struct listener *p =
			go__container_of(l, struct listener, node.link);

		next = l->next;
		if (p->subscriber->next != b->sent ||
		    !go__claimed_take(woken, &p->node, 0))
			continue;
		go__value_copy(p->value, value, b->element_bytes);
		p->subscriber->next++;
	}
}

int go_broadcast_send(go_broadcast *b, const void *value)
{
	struct go__claimed woken;
	int r = 0;

	if (!b || (!value && b->element_bytes))
		return -EINVAL;
	go__claimed_init(&woken);
	go__lock_acquire(&b->lock);
	if (b->closed) {
		r = -EPIPE;
	} else {
		hand_over(b, value, &woken);
		go__value_copy(slot(b, b->sent++), value, b->element_bytes);
	}
	go__lock_release(&b->lock);
	go__claimed_deliver(&woken);
	return r;
}

int go_broadcast_close(go_broadcast *b)
{
	struct go__claimed woken;
	int r = 0;

	if (!b)
		return -EINVAL;
	go__claimed_init(&woken);
	go__lock_acquire(&b->lock);
	if (b->closed)
		r = -EPIPE;
	b->closed = true;
	go__claimed_take_all(&woken, &b->listeners, -EPIPE);
	go__lock_release(&b->lock);
	go__claimed_deliver(&woken);
	return r;
}

/* ---- receiving ---- */

int go_broadcast_subscribe(go_broadcast *b, go_subscriber *s)
{
	if (!b || !s)
		return -EINVAL;
	s->from = b;
	go__lock_acquire(&b->lock);
	s->next = b->sent;
	go__lock_release(&b->lock);
	return 0;
}

/* Under the lock: how many were missed, -EPIPE, -EAGAIN or -EINVAL. */
static int64_t take(struct go_broadcast *b, go_subscriber *s, void *value)
{
	uint64_t behind = b->sent - s->next, missed = 0;

	if (s->next > b->sent)
		return -EINVAL;
	if (behind == 0)
		return b->closed ? -EPIPE : -EAGAIN;
	if (behind > b->capacity)
		missed = behind - b->capacity;
	s->next += missed;
	go__value_copy(value, slot(b, s->next++), b->element_bytes);
	return (int64_t)missed;
}

/* Under the lock, which it releases. */
static int wait_for_next(struct go_broadcast *b, go_subscriber *s, void *value,
			 struct go__waiter *w)
{
	struct listener self = {.subscriber = s, .value = value};
	int r;

	go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_BROADCAST, b);
	go__wait_node_init(&self.node, w);
	go__list_push_back(&b->listeners, &self.node.link);
	go__lock_release(&b->lock);
	r = go__wait(w);
	/* Otherwise it is unlinked, and the broadcast may be gone. */
	if (go__wait_deserted(r))
		go__wait_unlink(&self.node, &b->lock);
	return r;
}

static int64_t receive(go_subscriber *s, void *value, struct go__waiter *w)
{
	struct go_broadcast *b = s->from;
	int64_t r;

	go__lock_acquire(&b->lock);
	r = take(b, s, value);
	if (r == -EAGAIN && w)
		return wait_for_next(b, s, value, w);
	go__lock_release(&b->lock);
	return r;
}

int64_t go_broadcast_recv(go_subscriber *s, void *value)
{
	struct go__waiter *w;
	int r;

	if (!s || !s->from)
		return -EINVAL;
	r = go__wait_enter(&w);
	return r < 0 ? r : receive(s, value, w);
}

int64_t go_broadcast_try_recv(go_subscriber *s, void *value)
{
	return s && s->from ? receive(s, value, NULL) : -EINVAL;
}

/* ---- making and freeing ---- */

/* The bytes of the ring, or 0 if there are too many to count. */
static size_t ring_bytes(size_t slots, size_t element_bytes)
{
	size_t most = SIZE_MAX / 2 - sizeof(struct go_broadcast);

	if (element_bytes > most / slots)
		return 0;
	return element_bytes ? slots * element_bytes : 1;
}

int go_broadcast_create(go_broadcast **out, size_t element_bytes,
			size_t capacity)
{
	struct go_broadcast *b;
	size_t slots = 1, bytes;

	if (!out || capacity == 0)
		return -EINVAL;
	while (slots < capacity && slots <= SIZE_MAX / 4)
		slots *= 2;
	bytes = slots < capacity ? 0 : ring_bytes(slots, element_bytes);
	b = bytes ? go__sys_calloc(1, sizeof(*b) + bytes) : NULL;
	if (!b)
		return -ENOMEM;
	go__lock_init(&b->lock);
	go__list_init(&b->listeners);
	b->element_bytes = element_bytes;
	b->capacity = capacity;
	b->slots = slots;
	*out = b;
	return 0;
}

int go_broadcast_destroy(go_broadcast *b)
{
	bool busy;

	if (!b)
		return 0;
	go__lock_acquire(&b->lock);
	busy = !go__list_empty(&b->listeners);
	go__lock_release(&b->lock);
	if (busy)
		return -EBUSY;
	go__sys_free(b);
	return 0;
}
