/* SPDX-License-Identifier: MIT */
/*
 * Channels: see chan.h for how it works.
 */
#include "arch/sys.h"
#include "sched/quick.h"
#include "sync/chan.h"
#include "sync/value.h"

enum {
	FIRST_SLOTS = 8, /* Of an unbounded ring. */
};

/* ---- values ---- */

static void copy(const struct go_chan *c, void *to, const void *from)
{
	go__value_copy(to, from, c->element_bytes);
}

static char *slot(const struct go_chan *c, size_t i)
{
	return c->ring + (i & (c->slots - 1)) * c->element_bytes;
}

static bool has_room(const struct go_chan *c)
{
	size_t limit = c->capacity < c->slots ? c->capacity : c->slots;

	return c->tail - c->head < limit;
}

static void push(struct go_chan *c, const void *value)
{
	copy(c, slot(c, c->tail), value);
	c->tail++;
}

static void pop(struct go_chan *c, void *value)
{
	copy(c, value, slot(c, c->head));
	c->head++;
}

/* ---- peers ---- */

/* The oldest wait of the queue that can be claimed; it is unlinked. */
static inline struct go__chan_wait *claim(struct go__link *queue,
					  struct go__waiter **woken)
{
	struct go__wait_node *n = go__wait_take_first(queue);

	if (!n)
		return NULL;
	*woken = n->waiter;
	return go__container_of(n, struct go__chan_wait, node);
}

/* As go__chan_put(), inline: *woken is set if there is a peer to deliver. */
GO__ALWAYS_INLINE int put_value(struct go_chan *c, const void *value,
				struct go__waiter **woken)
{
	struct go__chan_wait *peer;

	if (c->closed)
		return -EPIPE;
	peer = claim(&c->receivers, woken);
	if (peer) {
		copy(c, peer->value, value);
		return 0;
	}
	if (!has_room(c))
		return -EAGAIN;
	push(c, value);
	return 0;
}

/* As go__chan_take(); the same. */
GO__ALWAYS_INLINE int take_value(struct go_chan *c, void *value,
				 struct go__waiter **woken)
{
	bool stored = c->head != c->tail;
	struct go__chan_wait *peer;

	if (stored)
		pop(c, value);
	peer = claim(&c->senders, woken);
	if (peer) {
		if (stored)
			push(c, peer->value);
		else
			copy(c, value, peer->value);
		return 0;
	}
	if (stored)
		return 0;
	return c->closed ? -EPIPE : -EAGAIN;
}

int go__chan_put(struct go_chan *c, const void *value,
		 struct go__claimed *woken)
{
	struct go__waiter *peer = NULL;
	int r = put_value(c, value, &peer);

	if (peer)
		go__claimed_add(woken, peer, 0);
	return r;
}

int go__chan_take(struct go_chan *c, void *value, struct go__claimed *woken)
{
	struct go__waiter *peer = NULL;
	int r = take_value(c, value, &peer);

	if (peer)
		go__claimed_add(woken, peer, 0);
	return r;
}

/* ---- an unbounded ring ---- */

/* Replace the ring by a larger one.  Under the lock; returns the old one. */
static char *install(struct go_chan *c, char *ring, size_t slots)
{
	char *old = c->ring;
	size_t n = c->tail - c->head;

	for (size_t i = 0; i < n; i++)
		copy(c, ring + i * c->element_bytes, slot(c, c->head + i));
	c->ring = ring;
	c->slots = slots;
	c->head = 0;
	c->tail = n;
	return old;
}

/* At least one byte, so that NULL always means failure. */
static char *ring_alloc(size_t slots, size_t element_bytes)
{
	if (element_bytes == 0)
		return go__sys_malloc(1);
	if (slots > SIZE_MAX / 2 / element_bytes)
		return NULL;
	return go__sys_malloc(slots * element_bytes);
}

int go__chan_grow(struct go_chan *c)
{
	size_t slots;
	char *ring;

	go__lock_acquire(&c->lock);
	slots = c->slots ? c->slots * 2 : FIRST_SLOTS;
	go__lock_release(&c->lock);
	ring = ring_alloc(slots, c->element_bytes);
	if (!ring)
		return -ENOMEM;
	go__lock_acquire(&c->lock);
	if (c->slots < slots)
		ring = install(c, ring, slots);
	go__lock_release(&c->lock);
	go__sys_free(ring);
	return 0;
}

/* ---- waiting ---- */

/* Queue up behind the others.  Under the lock, which it releases. */
static int wait_in(struct go_chan *c, struct go__link *queue, unsigned kind,
		   struct go__waiter *w, void *value)
{
	struct go__chan_wait wait;
	int r;

	wait.value = value;
	go__quick_begin(w, kind, c, &wait.node);
	go__list_push_back(queue, &wait.node.link);
	go__lock_release(&c->lock);
	r = go__wait(w);
	/* After 0 and -EPIPE it is unlinked, and the channel may be gone. */
	if (go__wait_deserted(r))
		go__wait_unlink(&wait.node, &c->lock);
	return r;
}

/* Let the lock go, and then the peer that was claimed under it, if any. */
static inline void finish(struct go_chan *c, struct go__waiter *peer,
			  struct go__waiter *w)
{
	go__lock_release(&c->lock);
	if (peer)
		go__quick_deliver(peer, 0, w);
}

/* A put was refused with -EAGAIN.  Under the lock, which it releases. */
__attribute__((noinline)) static int
send_later(struct go_chan *c, const void *value, struct go__waiter *w)
{
	struct go__waiter *peer = NULL;
	int r = -EAGAIN;

	while (r == -EAGAIN && go__chan_must_grow(c)) {
		go__lock_release(&c->lock);
		r = go__chan_grow(c);
		if (r < 0)
			return r;
		go__lock_acquire(&c->lock);
		r = put_value(c, value, &peer);
	}
	if (r == -EAGAIN && w)
		return wait_in(c, &c->senders, GO__WAIT_SEND, w, (void *)value);
	finish(c, peer, w);
	return r;
}

GO__ALWAYS_INLINE int send_value(struct go_chan *c, const void *value,
				 struct go__waiter *w)
{
	struct go__waiter *peer = NULL;
	int r;

	go__lock_acquire(&c->lock);
	r = put_value(c, value, &peer);
	if (r == -EAGAIN)
		return send_later(c, value, w);
	finish(c, peer, w);
	return r;
}

GO__ALWAYS_INLINE int receive_value(struct go_chan *c, void *value,
				    struct go__waiter *w)
{
	struct go__waiter *peer = NULL;
	int r;

	go__lock_acquire(&c->lock);
	r = take_value(c, value, &peer);
	if (r == -EAGAIN && w)
		return wait_in(c, &c->receivers, GO__WAIT_RECEIVE, w, value);
	finish(c, peer, w);
	return r;
}

/* ---- calls ---- */

static bool good_send(const struct go_chan *c, const void *value)
{
	return c && (value || c->element_bytes == 0);
}

int go_chan_send(go_chan *c, const void *value)
{
	struct go__waiter *w;
	int r;

	if (!good_send(c, value))
		return -EINVAL;
	r = go__quick_enter(&w);
	return r < 0 ? r : send_value(c, value, w);
}

int go_chan_recv(go_chan *c, void *value)
{
	struct go__waiter *w;
	int r;

	if (!c)
		return -EINVAL;
	r = go__quick_enter(&w);
	return r < 0 ? r : receive_value(c, value, w);
}

int go_chan_try_send(go_chan *c, const void *value)
{
	return good_send(c, value) ? send_value(c, value, NULL) : -EINVAL;
}

int go_chan_try_recv(go_chan *c, void *value)
{
	return c ? receive_value(c, value, NULL) : -EINVAL;
}

int go_chan_close(go_chan *c)
{
	struct go__claimed woken;

	if (!c)
		return -EINVAL;
	go__claimed_init(&woken);
	go__lock_acquire(&c->lock);
	if (c->closed) {
		go__lock_release(&c->lock);
		return -EPIPE;
	}
	c->closed = true;
	go__claimed_take_all(&woken, &c->senders, -EPIPE);
	go__claimed_take_all(&woken, &c->receivers, -EPIPE);
	go__lock_release(&c->lock);
	go__claimed_deliver(&woken);
	return 0;
}

size_t go_chan_length(go_chan *c)
{
	size_t n;

	if (!c)
		return 0;
	go__lock_acquire(&c->lock);
	n = c->tail - c->head;
	go__lock_release(&c->lock);
	return n;
}

size_t go_chan_capacity(const go_chan *c)
{
	return c ? c->capacity : 0;
}

/* ---- making and freeing ---- */

/* The ring of a bounded channel: as many slots as hold the capacity. */
static int first_ring(struct go_chan *c)
{
	size_t slots = 1;

	if (c->capacity == 0 || c->capacity == GO_CHAN_UNBOUNDED)
		return 0;
	if (c->capacity > SIZE_MAX / 2)
		return -ENOMEM;
	while (slots < c->capacity)
		slots *= 2;
	c->ring = ring_alloc(slots, c->element_bytes);
	if (!c->ring)
		return -ENOMEM;
	c->slots = slots;
	return 0;
}

int go_chan_create(go_chan **out, size_t element_bytes, size_t capacity)
{
	struct go_chan *c;

	if (!out)
		return -EINVAL;
	c = go__sys_calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	go__lock_init(&c->lock);
	go__list_init(&c->senders);
	go__list_init(&c->receivers);
	c->element_bytes = element_bytes;
	c->capacity = capacity;
	if (first_ring(c) < 0) {
		go__sys_free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

int go_chan_destroy(go_chan *c)
{
	bool busy;

	if (!c)
		return 0;
	go__lock_acquire(&c->lock);
	busy = !go__list_empty(&c->senders) || !go__list_empty(&c->receivers);
	go__lock_release(&c->lock);
	if (busy)
		return -EBUSY;
	go__sys_free(c->ring);
	go__sys_free(c);
	return 0;
}
