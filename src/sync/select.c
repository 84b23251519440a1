/* SPDX-License-Identifier: MIT */
/*
 * Select: one wait, linked to many channels.
 *
 * The channels are locked together, in the order of their addresses.  Under all
 * the locks each case is tried, beginning anywhere; if none can be done, the
 * wait is begun and a node of it linked to each channel.  So no send or receive
 * falls between looking and linking.  All nodes belong to one wait: who claims
 * one of them has claimed them all, and the others lose it.
 *
 * The claimer unlinks its node and leaves its address in waiter.value
 * (chan.c); the others stay linked until their owner, woken, unlinks them, each
 * under its lock.  That one node's channel may be gone by then; it is not
 * touched again, unless another case is on it.
 */
#include <gofer/select.h>

#include <limits.h>

#include "arch/sys.h"
#include "sync/chan.h"

/* So many cases need no memory from the heap. */
#ifdef GO_TEST_SMALL
#define FEW 2
#else
#define FEW 8
#endif

struct part {
	struct go__chan_wait wait;
	struct go_chan *locked; /* Of all parts: the channels, sorted. */
};

struct choice {
	go_case *cases;
	size_t count, channels; /* Different ones. */
	size_t soonest;         /* The first time case; count: none. */
	struct part *part;
	struct part few[FEW];
};

static bool on_channel(const go_case *k)
{
	return (k->kind == GO_CASE_SEND || k->kind == GO_CASE_RECV) && k->chan;
}

/* ---- locks ---- */

/* Enter a channel into the sorted list, if it is not there yet. */
static void note_channel(struct choice *s, struct go_chan *c)
{
	size_t i = s->channels;

	while (i > 0 && (uintptr_t)s->part[i - 1].locked > (uintptr_t)c)
		i--;
	if (i > 0 && s->part[i - 1].locked == c)
		return;
	for (size_t j = s->channels++; j > i; j--)
		s->part[j].locked = s->part[j - 1].locked;
	s->part[i].locked = c;
}

static void lock_all(struct choice *s)
{
	for (size_t i = 0; i < s->channels; i++)
		go__lock_acquire(&s->part[i].locked->lock);
}

static void unlock_all(struct choice *s)
{
	for (size_t i = s->channels; i-- > 0;)
		go__lock_release(&s->part[i].locked->lock);
}

/* ---- looking ---- */

static int try_case(go_case *k, struct go__claimed *woken)
{
	if (k->kind == GO_CASE_TIME)
		return k->when_ns != GO_NEVER && k->when_ns <= go_now()
			       ? 0
			       : -EAGAIN;
	if (!on_channel(k))
		return -EAGAIN;
	if (k->kind == GO_CASE_SEND)
		return go__chan_put(k->chan, k->value, woken);
	return go__chan_take(k->chan, k->value, woken);
}

/* Where to begin, so that every ready case has its turn.  Under the locks. */
static size_t begin_at(struct choice *s)
{
	uint32_t *turn;

	if (s->channels == 0)
		return 0;
	turn = &s->part[0].locked->turn;
	*turn = *turn * 1664525U + 1013904223U;
	return (*turn >> 8) % s->count;
}

/* Returns the index of the case done; -EAGAIN. */
static int look(struct choice *s, struct go__claimed *woken)
{
	size_t start = begin_at(s);

	for (size_t n = 0; n < s->count; n++) {
		size_t i =
			start + n < s->count ? start + n : start + n - s->count;
		int r = try_case(&s->cases[i], woken);

		if (r == -EAGAIN)
			continue;
		s->cases[i].result = r;
		return (int)i;
	}
	return -EAGAIN;
}

/* An unbounded channel that must grow before it takes our value, or NULL. */
static struct go_chan *too_small(struct choice *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const go_case *k = &s->cases[i];

		if (k->kind == GO_CASE_SEND && k->chan &&
		    go__chan_must_grow(k->chan))
			return k->chan;
	}
	return NULL;
}

/* ---- waiting ---- */

static uint64_t end_of(const struct choice *s)
{
	if (s->soonest == s->count || s->cases[s->soonest].when_ns == GO_NEVER)
		return GO__NO_DEADLINE;
	return (uint64_t)s->cases[s->soonest].when_ns;
}

/* Begin the wait, and link it to every channel.  Under all locks. */
static void link_all(struct choice *s, struct go__waiter *w)
{
	go__wait_begin(w, end_of(s), GO__WAIT_SELECT, s->cases);
	for (size_t i = 0; i < s->count; i++) {
		const go_case *k = &s->cases[i];
		struct go__chan_wait *p = &s->part[i].wait;

		go__wait_node_init(&p->node, w);
		p->value = k->value;
		if (on_channel(k))
			go__list_push_back(k->kind == GO_CASE_SEND
						   ? &k->chan->senders
						   : &k->chan->receivers,
					   &p->node.link);
	}
}

/* Unlink all but one: its channel may be gone. */
static void unlink_all(struct choice *s, size_t but)
{
	for (size_t i = 0; i < s->count; i++) {
		const go_case *k = &s->cases[i];

		if (i != but && on_channel(k))
			go__wait_unlink(&s->part[i].wait.node, &k->chan->lock);
	}
}

static int wait_for_one(struct choice *s, struct go__waiter *w)
{
	int r = go__wait(w);
	size_t i = s->count;

	if (r == 0 || r == -EPIPE) {
		struct go__wait_node *n = w->value;

		i = (size_t)(go__container_of(n, struct part, wait.node) -
			     s->part);
	}
	unlink_all(s, i);
	if (i < s->count) {
		s->cases[i].result = r;
		return (int)i;
	}
	if (r == -ETIMEDOUT && go__sys_now() >= end_of(s)) {
		s->cases[s->soonest].result = 0;
		return (int)s->soonest;
	}
	return r;
}

/* ---- calls ---- */

static int check(const go_case *cases, size_t count)
{
	if ((!cases && count) || count > INT_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		const go_case *k = &cases[i];

		if (k->kind < GO_CASE_NEVER || k->kind > GO_CASE_TIME)
			return -EINVAL;
		if (k->kind == GO_CASE_SEND && k->chan && !k->value &&
		    k->chan->element_bytes)
			return -EINVAL;
	}
	return 0;
}

static int prepare(struct choice *s)
{
	s->part = s->few;
	if (s->count > FEW)
		s->part = go__sys_calloc(s->count, sizeof(*s->part));
	if (!s->part)
		return -ENOMEM;
	s->soonest = s->count;
	for (size_t i = 0; i < s->count; i++) {
		const go_case *k = &s->cases[i];

		if (on_channel(k))
			note_channel(s, k->chan);
		else if (k->kind == GO_CASE_TIME &&
			 (s->soonest == s->count ||
			  k->when_ns < s->cases[s->soonest].when_ns))
			s->soonest = i;
	}
	return 0;
}

static int choose(struct choice *s, struct go__waiter *w)
{
	struct go__claimed woken;
	struct go_chan *grow;
	int r;

	go__claimed_init(&woken);
	do {
		lock_all(s);
		r = look(s, &woken);
		grow = r == -EAGAIN ? too_small(s) : NULL;
		if (r == -EAGAIN && !grow && w) {
			link_all(s, w);
			unlock_all(s);
			return wait_for_one(s, w);
		}
		unlock_all(s);
		if (grow)
			r = go__chan_grow(grow);
	} while (grow && r == 0);
	go__claimed_deliver(&woken);
	return r;
}

static int run(go_case *cases, size_t count, struct go__waiter *w)
{
	struct choice s;
	int r;

	s.cases = cases;
	s.count = count;
	s.channels = 0;
	r = prepare(&s);
	if (r < 0)
		return r;
	r = choose(&s, w);
	if (s.part != s.few)
		go__sys_free(s.part);
	return r;
}

int go_select(go_case *cases, size_t count)
{
	struct go__waiter *w;
	int r = check(cases, count);

	if (r < 0)
		return r;
	r = go__wait_enter(&w);
	return r < 0 ? r : run(cases, count, w);
}

int go_select_try(go_case *cases, size_t count)
{
	int r = check(cases, count);

	return r < 0 ? r : run(cases, count, NULL);
}
