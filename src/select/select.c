/* SPDX-License-Identifier: MIT */
/*
 * Select: one wait, linked to many things.
 *
 * Channels, events, the lines of tasks' ends (sched/ending.h) and all the
 * subscriptions to signals together have a lock under which they are looked at
 * and linked to.  A select takes all of these locks together, in the order of
 * their addresses.  Under all the locks each case is tried, in random order; if
 * none can be done, the wait is begun and a node of it linked to each of them.
 * So nothing falls between looking and linking.
 *
 * Descriptors are not like that: to look at one, or to register it, is a system
 * call, and a channel's lock must not be held over it.  They are looked at
 * before the locks are taken, and linked after the locks have been released,
 * one after the other, each under its own:
 *
 *     S1  descriptors: load the words, then poll(2)     (fdlook.h, L1, L2)
 *     S2  lock all
 *     S3  try each case; of descriptors, S1's answer
 *     S4  none: begin the wait, link the others
 *     S5  unlock all
 *     S6  descriptors: link each, or see that it has changed since S1 (L4)
 *     S7  nothing has changed: wait
 *         something has: try to end the wait ourselves
 *     S8  unlink what is still linked
 *     S9  ended by one of the others, by time or cancellation: that is the
 *         result; ended by ourselves or by a descriptor: again from S1
 *
 * NO WAKE-UP IS LOST.  What is locked at S2 changes before S2, and S3 sees it,
 * or after S5, and finds the link of S4.  A descriptor that becomes ready
 * before S1's poll(2) is seen by S3, and one that does later raises an edge,
 * which comes before its turn in S6, and is seen there, or finds its link.
 *
 * EXACTLY ONE CASE IS DONE.  All nodes belong to one wait: who claims one of
 * them has claimed them all, and the others lose it (waitword.h).  From S5 on a
 * waker may claim it while we are still at S6; a sender, for instance, has then
 * written into our memory, and its channel may be gone.  So at S7 we do not
 * just turn back.  go__wait_abandon() claims our own wait like any waker: if it
 * wins, nobody else has done anything, and nobody can; if it loses, it waits
 * for the winner's result, which is ours, whatever the descriptor says.
 *
 * A descriptor's waker takes nothing from it and gives nothing, so nothing is
 * lost either if its wake only leads to another round.  In that round the other
 * cases have left their lines and queue up at the end; that costs turns, never
 * values.
 *
 * WHO IT WAS.  Whoever claims the node of a channel, event, end or descriptor
 * unlinks it and leaves its address in waiter.value, which is cleared before
 * the wait is begun; time and cancellation leave it alone.  The other nodes
 * stay linked until their owner, woken, unlinks them, each under its lock.  The
 * one node's channel or event may be gone by then; it is not touched again,
 * unless another case is on it.
 *
 * TIME.  The wait's deadline is the earlier one of the first time case and of
 * the caller's deadline scope.  Which of them it was that ended the wait needs
 * no clock: the time case, if the deadline is its time.
 *
 * WHY NOT descriptors under the locks as well?  A registration takes a
 * microsecond or more, and all users of all channels would wait for it.  WHY
 * NOT link one after the other and look again for all kinds?  Then each of n
 * links is one more point at which we may have to turn back, and each look is
 * made twice; with all locks held there is one look, and no way back.
 *
 * TESTS  model_select.c: channels and events, select against select, close and
 *        cancellation; model_select_fd.c: S1 to S9 with a descriptor.
 */
#include <gofer/select.h>

#include <limits.h>

#include "arch/sys.h"
#include "io/fdlook.h"
#include "io/signals.h"
#include "sched/ending.h"
#include "sched/worker.h"
#include "sync/chan.h"
#include "sync/event.h"

/* So many cases need no memory from the heap. */
#ifdef GO_TEST_SMALL
#define FEW 2
#else
#define FEW 4
#endif

enum {
	AGAIN = INT_MIN, /* A result: make another round. */
};

struct part {
	/* Each begins with the node. */
	union {
		struct go__wait_node node;
		struct go__chan_wait chan;
		struct go__end_wait end;
		struct go__signals_wait signal;
		struct go__fd_look look;
	};
	uint32_t slot; /* Of a descriptor: its place in `polled`. */
	/* These two are arrays of their own: see struct choice. */
	uint32_t order;
	struct go__lock *locked;
};

struct choice {
	go_case *cases;
	struct go__waiter *waiter; /* NULL: do not wait. */
	size_t count;
	size_t locks;   /* part[0 ..].locked: different ones, sorted. */
	nfds_t fds;     /* Used of polled. */
	size_t soonest; /* The first time case; count: none. */
	int64_t now;
	uint64_t chance;  /* A new one in each round. */
	bool outside;     /* The outside may make a case ready. */
	bool has_eventfd; /* Of a plain thread that waits for descriptors. */
	struct go__fd_doubt doubt;
	struct part *part;
	struct pollfd *polled; /* One more than descriptors. */
	struct part few[FEW];
	struct pollfd few_polled[FEW + 1];
};

static bool is_fd(const go_case *k)
{
	return (k->kind == GO_CASE_READABLE || k->kind == GO_CASE_WRITABLE) &&
	       k->fd >= 0;
}

static struct go__task *task_of(const go_case *k)
{
	return k->task.block;
}

/* The lock of what the case is about, or NULL: it has none, or is null. */
static struct go__lock *lock_of(const go_case *k)
{
	switch (k->kind) {
	case GO_CASE_SEND:
	case GO_CASE_RECV:
		return k->chan ? &k->chan->lock : NULL;
	case GO_CASE_EVENT:
		return k->event ? &go__line(&k->event->line)->lock : NULL;
	case GO_CASE_ENDED:
		return k->task.block ? &go__ending_of(k->task.id)->lock : NULL;
	case GO_CASE_SIGNAL:
		return k->signals ? &go__signals_lock : NULL;
	default:
		return NULL;
	}
}

/* ---- locks ---- */

/* Enter a lock into the sorted list, if it is not there yet. */
static void note_lock(struct choice *s, struct go__lock *lock)
{
	size_t i = s->locks;

	while (i > 0 && (uintptr_t)s->part[i - 1].locked > (uintptr_t)lock)
		i--;
	if (i > 0 && s->part[i - 1].locked == lock)
		return;
	for (size_t j = s->locks++; j > i; j--)
		s->part[j].locked = s->part[j - 1].locked;
	s->part[i].locked = lock;
}

static void lock_all(struct choice *s)
{
	for (size_t i = 0; i < s->locks; i++)
		go__lock_acquire(s->part[i].locked);
}

static void unlock_all(struct choice *s)
{
	for (size_t i = s->locks; i-- > 0;)
		go__lock_release(s->part[i].locked);
}

/* ---- looking ---- */

/* S1.  Returns 0 or -errno. */
static int look_at_fds(struct choice *s)
{
	bool doubted = !s->waiter;
	int r;

	for (size_t i = 0; i < s->count; i++)
		if (is_fd(&s->cases[i]))
			go__fd_look_load(&s->part[i].look);
	r = go__fd_look_now(s->polled, s->fds);
	if (r < 0)
		return r;
	/* What is being closed is still open for the kernel. */
	for (size_t i = 0; i < s->count; i++) {
		struct part *p = &s->part[i];

		if (is_fd(&s->cases[i]) &&
		    (!p->look.entry || go__fd_look_closing(&p->look)))
			s->polled[p->slot].revents = POLLNVAL;
		else if (is_fd(&s->cases[i]) && !doubted)
			doubted = go__fd_doubt(&s->doubt, p->look.entry,
					       s->waiter);
	}
	return 0;
}

static int try_fd(const struct choice *s, size_t i)
{
	short revents = s->polled[s->part[i].slot].revents;

	if (revents & POLLNVAL)
		return -EBADF;
	return revents ? 0 : -EAGAIN;
}

/* Has the task ended?  If not, and we may wait: see that its end looks. */
static bool has_ended(const struct choice *s, const go_case *k)
{
	struct go__task_word *word = &task_of(k)->word;

	return !(s->waiter ? go__task_word_watch(word, k->task.id)
			   : go__task_word_is(word, k->task.id));
}

/* Do a case, if that is possible.  Returns its result, or -EAGAIN. */
static int try_case(struct choice *s, size_t i, struct go__claimed *woken)
{
	go_case *k = &s->cases[i];
	bool ready = false;

	if (is_fd(k))
		return try_fd(s, i);
	if (k->kind == GO_CASE_TIME)
		ready = k->when_ns != GO_NEVER && k->when_ns <= s->now;
	else if (!lock_of(k))
		ready = false;
	else if (k->kind == GO_CASE_SEND)
		return go__chan_put(k->chan, k->value, woken);
	else if (k->kind == GO_CASE_RECV)
		return go__chan_take(k->chan, k->value, woken);
	else if (k->kind == GO_CASE_SIGNAL)
		return go__signals_take(k->signals, k->value);
	else if (k->kind == GO_CASE_EVENT)
		ready = go__event_look(go__line(&k->event->line),
				       s->waiter != NULL);
	else
		ready = has_ended(s, k);
	return ready ? 0 : -EAGAIN;
}

/*
 * S3: try all in an order in which each ready one is the first with the same
 * chance.  Returns the index of the case done, or -EAGAIN.
 */
static int look(struct choice *s, struct go__claimed *woken)
{
	uint64_t chance = s->chance;
	struct part *p = s->part;

	for (uint32_t n = 0; n < s->count; n++) {
		uint32_t left = (uint32_t)s->count - n;
		uint32_t other = n + (uint32_t)((chance >> 32) * left >> 32);
		uint32_t i = p[other].order;
		int r = try_case(s, i, woken);

		if (r != -EAGAIN) {
			s->cases[i].result = r;
			return (int)i;
		}
		p[other].order = p[n].order;
		p[n].order = i;
		/* Knuth's MMIX; its upper half is good enough. */
		chance = chance * 6364136223846793005U + 1442695040888963407U;
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

static void link_part(const go_case *k, struct part *p, struct go__waiter *w)
{
	struct go__line *l;

	go__wait_node_init(&p->node, w);
	if (!lock_of(k))
		return;
	switch (k->kind) {
	case GO_CASE_SEND:
		p->chan.value = k->value;
		go__list_push_back(&k->chan->senders, &p->node.link);
		break;
	case GO_CASE_RECV:
		p->chan.value = k->value;
		go__list_push_back(&k->chan->receivers, &p->node.link);
		break;
	case GO_CASE_EVENT:
		l = go__line(&k->event->line);
		go__line_prepare(l);
		go__list_push_back(&l->list, &p->node.link);
		break;
	case GO_CASE_SIGNAL:
		p->signal.count = k->value;
		go__list_push_back(&k->signals->waiters, &p->node.link);
		break;
	default:
		p->end.id = k->task.id;
		go__ending_link(&p->end);
		break;
	}
}

/* S4: under all locks. */
static void link_all(struct choice *s)
{
	struct go__waiter *w = s->waiter;
	uint64_t end = end_of(s);

	w->value = NULL;
	go__wait_begin(w, end < s->doubt.at ? end : s->doubt.at,
		       s->outside ? GO__WAIT_SELECT_FDS : GO__WAIT_SELECT,
		       s->cases);
	for (size_t i = 0; i < s->count; i++)
		if (!is_fd(&s->cases[i]))
			link_part(&s->cases[i], &s->part[i], w);
}

/* S6.  Returns 1 (wait), 0 (something has changed) or -errno. */
static int link_fds(struct choice *s)
{
	int r = 1;

	for (size_t i = 0; i < s->count && r > 0; i++)
		if (is_fd(&s->cases[i]))
			r = go__fd_look_link(&s->part[i].look, s->waiter,
					     s->polled[s->part[i].slot].events);
	/* Being closed: the next look will say so. */
	return r == -EBADF ? 0 : r;
}

/* If one is another file by now, the next look is at that one. */
static void recheck_fds(struct choice *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_fd(&s->cases[i]))
			(void)go__fd_look_recheck(&s->part[i].look, s->waiter);
}

/* S8: unlink all but one, whose lock may be gone. */
static void unlink_all(struct choice *s, size_t but)
{
	for (size_t i = 0; i < s->count; i++) {
		struct part *p = &s->part[i];
		struct go__lock *lock;

		if (i == but)
			continue;
		if (is_fd(&s->cases[i]))
			go__fd_look_unlink(&p->look);
		lock = lock_of(&s->cases[i]);
		if (lock)
			go__wait_unlink(&p->node, lock);
	}
}

/* S6, and for a plain thread the waiting for descriptors; result as S6. */
static int wait_for_fds(struct choice *s)
{
	int r = link_fds(s);

	if (r <= 0 || s->fds == 0 || s->waiter->is_task)
		return r;
	r = go__fd_poll_thread(s->waiter, s->polled, s->fds);
	if (r < 0)
		return r;
	return r == 0 ? 1 : 0;
}

/* S6 to S9.  Returns an index, AGAIN or -errno. */
static int wait_for_one(struct choice *s)
{
	struct go__waiter *w = s->waiter;
	int r = wait_for_fds(s);
	int ended = r > 0 ? go__wait(w) : go__wait_abandon(w);
	struct go__wait_node *node = w->value;
	size_t i = s->count;

	if (node)
		i = (size_t)(go__container_of(node, struct part, node) -
			     s->part);
	unlink_all(s, i);
	if (node && !is_fd(&s->cases[i])) {
		s->cases[i].result = ended;
		return (int)i;
	}
	if (node)
		return AGAIN;
	/* Ended by time or cancellation, or else by ourselves. */
	if (ended < 0)
		r = ended;
	/* relaxed: our own, as go__wait_begin() has settled it. */
	if (r == -ETIMEDOUT &&
	    atomic_load_explicit(&w->deadline, memory_order_relaxed) ==
		    end_of(s)) {
		s->cases[s->soonest].result = 0;
		return (int)s->soonest;
	}
	if (r == -ETIMEDOUT && go__fd_doubt_due(&s->doubt, w)) {
		recheck_fds(s);
		return AGAIN;
	}
	return r < 0 ? r : AGAIN;
}

/* ---- calls ---- */

static int check(const go_case *cases, size_t count)
{
	if ((!cases && count) || count > INT_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		const go_case *k = &cases[i];

		if (k->kind < GO_CASE_NEVER || k->kind > GO_CASE_SIGNAL)
			return -EINVAL;
		if (k->kind == GO_CASE_SEND && k->chan && !k->value &&
		    k->chan->element_bytes)
			return -EINVAL;
	}
	return 0;
}

static int enter_fd(struct choice *s, size_t i)
{
	const go_case *k = &s->cases[i];
	struct pollfd *v = &s->polled[s->fds];
	int r = go__fd_look_enter(&s->part[i].look, k->fd);

	if (r < 0 && r != -EBADF)
		return r;
	s->part[i].slot = (uint32_t)s->fds++;
	v->fd = k->fd;
	v->events = k->kind == GO_CASE_READABLE ? POLLIN : POLLOUT;
	v->revents = 0;
	return 0;
}

static bool is_sooner(const struct choice *s, size_t i)
{
	return s->soonest == s->count ||
	       s->cases[i].when_ns < s->cases[s->soonest].when_ns;
}

/* Returns 0 or -errno; go__fd_look_leave() is due for the first *entered. */
static int enter_all(struct choice *s, size_t *entered)
{
	int r = 0;

	for (size_t i = 0; i < s->count && r == 0; i++) {
		struct go__lock *lock = lock_of(&s->cases[i]);

		s->part[i].order = (uint32_t)i;
		if (is_fd(&s->cases[i]) || s->cases[i].kind == GO_CASE_SIGNAL)
			s->outside = true;
		if (lock)
			note_lock(s, lock);
		else if (is_fd(&s->cases[i]))
			r = enter_fd(s, i);
		else if (s->cases[i].kind == GO_CASE_TIME && is_sooner(s, i))
			s->soonest = i;
		*entered = i + 1;
	}
	return r;
}

/* S2 to S9.  Returns an index, AGAIN or -errno. */
static int make_round(struct choice *s)
{
	struct go__claimed woken;
	struct go_chan *grow = NULL;
	bool eventfd, wait;
	int r;

	go__claimed_init(&woken);
	lock_all(s);
	r = look(s, &woken);
	if (r == -EAGAIN)
		grow = too_small(s);
	wait = r == -EAGAIN && !grow && s->waiter;
	eventfd = wait && s->fds && !s->waiter->is_task && !s->has_eventfd;
	if (wait && !eventfd)
		link_all(s);
	unlock_all(s);
	go__claimed_deliver(&woken);
	if (eventfd) {
		r = go__waiter_eventfd(s->waiter);
		s->has_eventfd = true;
	} else if (wait) {
		return wait_for_one(s);
	} else if (grow) {
		r = go__chan_grow(grow);
	} else {
		return r;
	}
	return r < 0 ? r : AGAIN;
}

static int choose(struct choice *s)
{
	int r = 0;

	for (;;) {
		if (s->fds)
			r = look_at_fds(s);
		if (r < 0)
			return r;
		if (s->soonest < s->count)
			s->now = go_now();
		s->chance = go__random();
		r = make_round(s);
		if (r != AGAIN)
			return r;
		r = s->waiter ? go__wait_check(s->waiter) : 0;
		if (r < 0)
			return r;
	}
}

static int run(go_case *cases, size_t count, struct go__waiter *w)
{
	struct choice s;
	size_t entered = 0;
	int r;

	s.cases = cases;
	s.waiter = w;
	s.count = s.soonest = count;
	s.locks = s.fds = 0;
	s.has_eventfd = s.outside = false;
	go__fd_doubt_init(&s.doubt);
	s.part = s.few;
	s.polled = s.few_polled;
	if (count > FEW) {
		s.part = go__sys_calloc(count + 1,
					sizeof(*s.part) + sizeof(*s.polled));
		if (!s.part)
			return -ENOMEM;
		s.polled = (struct pollfd *)(void *)(s.part + count);
	}
	r = enter_all(&s, &entered);
	if (r == 0)
		r = choose(&s);
	while (entered-- > 0)
		if (is_fd(&cases[entered]))
			go__fd_look_leave(&s.part[entered].look);
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
