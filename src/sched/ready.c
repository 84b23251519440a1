/* SPDX-License-Identifier: MIT */
/*
 * Making tasks runnable: which queue, and who is to be woken.
 *
 *     the task                      goes to
 *     ----------------------------  ------------------------------------------
 *     woken by what runs here       the worker's `next`; what was there before
 *                                   joins the ring of woken tasks
 *     woken in passing, yielded     the ring of woken tasks
 *     new                           the ring of fresh tasks
 *     from another thread or        the runtime's injection queue
 *       runtime, or no room
 *     pinned, and not here          its worker's inbox
 *
 * Where tasks stay (home.c) those that have run are like pinned ones; but as
 * nobody takes from a ring of woken tasks there, at home they queue in it.
 *
 * The handshake with workers that fall asleep is in idle.h.
 */
#include "arch/sys.h"
#include "sched/local.h"
#include "sched/quick.h"

enum {
	OVERFLOW_MOST = 32
}; /* Tasks that leave a full ring at a time. */

static void rouse(struct go__worker *w, bool sentry, struct go__worker *by)
{
	/* Before it is roused: then it may sleep somewhere else. */
	struct go__post *post = sentry ? w->post : NULL;

	w->stint.waker = by;
	/* [roused] release -> the sleeper's acquire: it sees our tasks,
	 * and us. */
	atomic_store_explicit(&w->roused, 1, memory_order_release);
	if (post)
		go__poller_break(post->poller);
	/* A sentry, too: it may have left the poller for another reason, and
	 * wait for this signal. */
	go__sys_futex_wake(&w->roused, 1);
}

static void notify(struct go_runtime *rt, struct go__worker *by)
{
	bool sentry;
	struct go__sleeper *s = go__idle_pick(&rt->idle, &sentry);

	if (s)
		rouse(go__container_of(s, struct go__worker, sleeper), sentry,
		      by);
}

void go__notify(struct go_runtime *rt)
{
	notify(rt, NULL);
}

/* The same by a worker for what lies in its queues: so many tasks. */
static void notify_if_enough(struct go__worker *self, unsigned tasks)
{
	if (tasks >= go__enough(self))
		notify(self->runtime, self);
}

void go__notify_worker(struct go__worker *w)
{
	bool sentry;

	if (go__idle_pick_this(&w->runtime->idle, &w->sleeper, &sentry))
		rouse(w, sentry, NULL);
}

void go__notify_all(struct go_runtime *rt)
{
	for (unsigned i = 0; i < go__slots(rt); i++)
		go__notify_worker(&rt->worker[i]);
}

void go__submit_shared(struct go__worker *self)
{
	unsigned n = go__ring_count(self);

	/* relaxed: only a count of our own. */
	if (atomic_load_explicit(&self->next, memory_order_relaxed))
		n++;
	if (!self->home || go__may_be_taken(self))
		notify_if_enough(self, n);
}

static void inject(struct go_runtime *rt, struct go__task *t)
{
	go__queue_push(&rt->injection, &t, 1);
	go__notify(rt);
}

static void into_inbox(struct go__worker *w, struct go__task *t)
{
	go__queue_push(&w->inbox, &t, 1);
	go__notify_worker(w);
}

/*
 * A caller that is no worker of the task's runtime hands the task over.  From
 * then on only its being counted keeps the runtime: the task may run and end,
 * and be the last one, before a sleeper has been looked for.
 */
static void from_outside(struct go_runtime *rt, struct go__task *t)
{
	if (rt->dead)
		return; /* Nobody is going to run it; locks may be held. */
	/* The task keeps the runtime until it is queued, and who takes it from
	 * there acquires this as well. */
	go__visit(rt);
	if (go__task_stays(rt, t))
		into_inbox(t->worker, t);
	else
		inject(rt, t);
	go__depart(rt);
}

void go__overflow_ring(struct go__worker *self, struct go__task *t)
{
	struct go__task *batch[OVERFLOW_MOST + 1];
	unsigned n = 0;

	if (go__task_stays(self->runtime, t)) {
		go__queue_push(&self->inbox, &t, 1);
		return;
	}
	if (!t->slot)
		n = go__fresh_take(&self->fresh, batch, OVERFLOW_MOST);
	batch[n++] = t;
	go__queue_push(&self->runtime->injection, batch, n);
	notify_if_enough(self,
			 GO__FRESH_CAPACITY +
				 go__queue_count(&self->runtime->injection));
}

/* The worker after this one, past those that do not look at their inboxes. */
static struct go__worker *after(struct go_runtime *rt, unsigned index)
{
	for (unsigned i = 1; i <= rt->worker_count; i++) {
		struct go__worker *w =
			&rt->worker[(index + i) % rt->worker_count];

		/* relaxed: as good as it gets. */
		if (!atomic_load_explicit(&w->stuck, memory_order_relaxed))
			return w;
	}
	return NULL;
}

/* Where a task must go that may not simply stay here; NULL: it may. */
GO__ALWAYS_INLINE struct go__worker *elsewhere(struct go__worker *self,
					       struct go__task *t)
{
	struct go_runtime *rt = self->runtime;

	if (go__task_stays(rt, t))
		return t->worker == self ? NULL : t->worker;
	if (rt->migrate && rt->worker_count > 1)
		return after(rt, t->worker->index);
	return NULL;
}

GO__ALWAYS_INLINE void make_ready(struct go__worker *self, struct go__task *t,
				  bool soon)
{
	/* relaxed: constant while the task lives. */
	struct go_runtime *rt =
		atomic_load_explicit(&t->runtime, memory_order_relaxed);
	struct go__worker *other;
	bool was;

	if (!self || self->runtime != rt) {
		from_outside(rt, t);
		return;
	}
	if (GO__UNLIKELY(t->pinned || rt->home || rt->migrate) &&
	    (other = elsewhere(self, t))) {
		into_inbox(other, t);
		return;
	}
	if (soon) {
		was = go__worker_close_if_open(self);
		t = go__swap_next(self, t, go__alone(self));
		go__worker_reopen(self, was);
		if (!t) {
			go__submit(self);
			return;
		}
	}
	if (t->pinned && !rt->home)
		go__queue_push(&self->inbox, &t, 1);
	else
		go__enqueue(self, t);
	go__submit(self);
}

void go__ready(struct go__worker *self, struct go__task *t, bool soon)
{
	make_ready(self, t, soon);
}

void go__ready_fresh(struct go__worker *self, struct go__task *t)
{
	/* relaxed: constant while the task lives. */
	struct go_runtime *rt =
		atomic_load_explicit(&t->runtime, memory_order_relaxed);
	struct go__worker *other;

	if (!self || self->runtime != rt) {
		from_outside(rt, t);
	} else if (rt->home && (other = go__emptier(self))) {
		t->worker = other;
		into_inbox(other, t);
	} else if (t->pinned) {
		into_inbox(t->worker, t);
	} else {
		go__enqueue(self, t);
		go__submit(self);
	}
}

/* ---- delivering ---- */

static struct go__thread *thread_of(struct go__waiter *w)
{
	return go__container_of(w, struct go__thread, waiter);
}

void go__wake_list_add(struct go__wake_list *l, struct go__waiter *w,
		       int result)
{
	w->result = result;
	if (!w->is_task) {
		go__thread_deliver(thread_of(w));
		return;
	}
	if (w->claim == GO__CLAIM_RUNNING && !go__wait_word_deliver(&w->word))
		return; /* Its own successor will make it runnable. */
	w->next = NULL;
	*l->last = w;
	l->last = &w->next;
	l->count++;
}

void go__wake_list_deliver(struct go__wake_list *l)
{
	struct go__worker *self = go__worker_self();
	struct go__waiter *w = l->first, *next;

	for (; w; w = next) {
		next = w->next;
		make_ready(self, go__task_of_waiter(w), false);
	}
	go__wake_list_init(l);
}

static void deliver_chain(struct go__waiter *w)
{
	struct go__waiter *next;
	struct go__wake_list wakes;

	go__wake_list_init(&wakes);
	for (; w; w = next) {
		next = w->next;
		go__wake_list_add(&wakes, w, w->result);
	}
	go__wake_list_flush(&wakes);
}

void go__claimed_deliver(const struct go__claimed *k)
{
	struct go__waiter *w = k->first;

	if (!w)
		return;
	if (w->next)
		deliver_chain(w);
	else
		go__wait_deliver(w, w->result);
}

void go__wait_deliver_from(struct go__worker *self, struct go__waiter *w,
			   int result)
{
	w->result = result;
	if (GO__UNLIKELY(!w->is_task))
		go__thread_deliver(thread_of(w));
	else if (w->claim != GO__CLAIM_RUNNING ||
		 go__wait_word_deliver(&w->word))
		make_ready(self, go__task_of_waiter(w), true);
}

void go__wait_deliver(struct go__waiter *w, int result)
{
	go__wait_deliver_from(go__worker_self(), w, result);
}
