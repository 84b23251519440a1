/* SPDX-License-Identifier: MIT */
/*
 * Which task runs next.
 *
 * From the worker's own queues, by the parking task itself:
 *
 *     the inbox             tasks that can run nowhere else
 *     `next`                woken by what ran before: hot, but at most three
 *                           times in a row, or a pair of tasks that wake each
 *                           other would keep everybody else out
 *     the fresh ring        newest first: depth first, on a hot stack
 *     the woken ring        oldest first
 *
 * One pick in eight looks at the woken ring first, so neither pinned tasks nor
 * one that spawns for ever can keep woken ones out.  After `fairness` picks it
 * is the host's turn, which looks at what the worker's own tasks could starve:
 * due timers, descriptors, the injection queue, and each fourth time the oldest
 * fresh task.  So a runnable task runs after a bounded number of other tasks'
 * turns.
 *
 * When the worker's own queues are dry the host looks, in this order, at the
 * injection queue, the starved, its timers, the other workers' queues and
 * timers, and then sleeps (idle.h has the protocol, sleep.c the sleeping).  It
 * needs no look at the poller before: the sentry's sleep is one.
 */
#include "arch/sys.h"
#include "sched/local.h"

enum {
	BATCH = 32,       /* Tasks moved from elsewhere at a time. */
	OLD_MOST = 2,     /* New tasks from the injection queue, in between. */
	EVENTS_LEAST = 8, /* Fetched from the poller, even if all is full. */
};

/* ---- own queues, the rarer cases ---- */

/*
 * One pick in eight: a woken task, which the inbox, `next` and the new ones
 * could keep out.  What lies in `next` queues with the others, lest a full
 * inbox keep that out.
 */
struct go__task *go__pick_woken(struct go__worker *w)
{
	bool alone = go__alone(w);
	struct go__task *t = go__take_next(w, alone);

	if (t && t->pinned && !w->runtime->home)
		go__queue_push(&w->inbox, &t, 1);
	else if (t)
		go__enqueue_as(w, t, alone);
	return go__pop_woken(w, alone);
}

/*
 * Where tasks stay (home.c) those that were woken from elsewhere queue with the
 * others, as far as the ring has room: new ones among them, which have been
 * sent here to live.  While it is full the two take turns.
 */
static struct go__task *empty_inbox(struct go__worker *w)
{
	struct go__task *batch[BATCH];
	unsigned room = GO__RING_CAPACITY - go__woken_count(&w->woken), n;
	bool alone = go__alone(w);

	if (room == 0)
		return go__picks(w) % 2 ? go__queue_pop(&w->inbox) : NULL;
	n = go__queue_take(&w->inbox, batch, room < BATCH ? room : BATCH);
	for (unsigned i = 0; i < n; i++)
		/* There is room, and we are the only one to add to it. */
		(void)(alone ? go__woken_push_alone(&w->woken, batch[i])
			     : go__woken_push(&w->woken, batch[i]));
	return NULL;
}

struct go__task *go__pick_inbox(struct go__worker *w)
{
	return GO__UNLIKELY(w->runtime->home) ? empty_inbox(w)
					      : go__queue_pop(&w->inbox);
}

/* ---- shared queues ---- */

/* Put tasks from elsewhere into our rings; the first is returned instead. */
static struct go__task *adopt(struct go__worker *w, struct go__task **batch,
			      unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		go__enqueue(w, batch[i]);
	return n ? batch[0] : NULL;
}

/*
 * A fair share of the injection queue, at most `fresh` new tasks among it, but
 * no more than our rings have room for: what went back to the queue would lose
 * its place in it.
 */
static struct go__task *from_injection(struct go__worker *w, unsigned fresh)
{
	struct go__task *batch[BATCH];
	unsigned count = go__queue_count(&w->runtime->injection);
	unsigned room = GO__RING_CAPACITY - go__woken_count(&w->woken);
	unsigned share;

	if (count == 0)
		return NULL;
	if (room > GO__FRESH_CAPACITY - go__fresh_count(&w->fresh))
		room = GO__FRESH_CAPACITY - go__fresh_count(&w->fresh);
	share = count / w->runtime->worker_count + 1;
	if (share > room + 1)
		share = room + 1;
	if (share > BATCH)
		share = BATCH;
	return adopt(w, batch,
		     go__queue_take_some(&w->runtime->injection, batch, share,
					 fresh));
}

/* A pinned task that is another worker's goes home. */
static struct go__task *unless_pinned(struct go__worker *w, struct go__task *t)
{
	if (t && t->pinned && t->worker != w) {
		go__ready(w, t, false);
		return NULL;
	}
	return t;
}

/* A starved task, if there is a stack for it now.  It goes home with that. */
static struct go__task *from_starved(struct go__worker *w)
{
	struct go__queue *starved = &w->runtime->starved;
	struct go__task *t, *ours = NULL;

	while (!ours && (t = go__queue_pop(starved))) {
		if (!go__task_bind_slow(w, t)) {
			go__queue_push(starved, &t, 1);
			break;
		}
		ours = unless_pinned(w, t);
	}
	return ours;
}

static void run_timers(struct go__wheel *wheel, uint64_t now)
{
	struct go__wake_list ready;

	go__wake_list_init(&ready);
	go__wheel_run(wheel, now, &ready);
	go__wake_list_flush(&ready);
}

/* Own timers; false: there are none. */
static bool own_timers(struct go__worker *w)
{
	if (go__wheel_next(&w->wheel) == GO__NO_DEADLINE)
		return false;
	run_timers(&w->wheel, go__sys_now());
	return true;
}

/*
 * How many events to fetch: as many as the ring has room for.  The others stay
 * in the kernel, which keeps them in order; here they would overflow.
 */
static unsigned room(struct go__worker *w)
{
	unsigned used = go__woken_count(&w->woken);

	return used + EVENTS_LEAST < GO__RING_CAPACITY
		       ? GO__RING_CAPACITY - used
		       : EVENTS_LEAST;
}

void go__look_at_poller(struct go__worker *w, uint64_t now)
{
	/* In turns, each from another one on: that of a sentry who hogs its
	 * worker, too. */
	struct go__post *post = go__post_acquire(w, w->post_turn++);
	struct go__wake_list ready;

	if (!post)
		return;
	w->polled_at = now;
	go__wake_list_init(&ready);
	(void)go__poller_wait(post->poller, 0, room(w), &ready);
	go__post_release(post);
	go__wake_list_flush(&ready);
}

/*
 * At every second look, a new task that waits for long, and runs although the
 * newest ones are not over: our oldest, or some from elsewhere, in turns.  Each
 * of them begins a branch on top of those that have been begun, so what a tree
 * of tasks holds at once grows with their number; unless we have none of our
 * own.  Those that have run go to the ring's end, and may come in any number.
 */
static struct go__task *look_for_old(struct go__worker *w)
{
	struct go__task *t = NULL;

	if (w->fair_turn % 2)
		return from_injection(w, 0);
	if (w->fair_turn % 4)
		t = go__fresh_take_one(&w->fresh);
	return t ? t
		 : from_injection(w, go__fresh_count(&w->fresh) ? OLD_MOST
								: BATCH);
}

/* ---- how it gets on: ENOUGH in idle.h ---- */

static void note_pace(struct go__worker *w, uint64_t now)
{
	uint64_t made = go__picks_and_spawns(w) - w->pace.made;

	if (now - w->pace.seen_at < made * GO__LONG_TASK_NS)
		/* relaxed: a guess for others. */
		atomic_store_explicit(&w->pace.brisk, true,
				      memory_order_relaxed);
	else
		go__pace_slow(w);
	go__pace_begin(w, now);
}

/* What the worker's own tasks could starve. */
static struct go__task *fair_look(struct go__worker *w)
{
	uint64_t now = go__note_time(w, go__sys_now());
	unsigned other = w->fair_turn++ % go__slots(w->runtime);
	struct go__task *t;

	note_pace(w, now);
	w->fair_at = go__picks(w) + w->fairness;
	run_timers(&w->wheel, now);
	/* One other's, too: it may be held up by a long task while nobody is
	 * asleep whom the watchdog could send. */
	run_timers(&w->runtime->worker[other].wheel, now);
	if (now - w->polled_at >= w->runtime->poll_interval)
		go__look_at_poller(w, now);
	/* Each pick may be such a look: then our rings have their turn here. */
	if (w->fair_turn % 4 == 3)
		return NULL;
	if (go__queue_count(&w->runtime->starved) && (t = from_starved(w)))
		return t;
	return look_for_old(w);
}

/* ---- other workers ---- */

static struct go__task *steal(struct go__worker *w, struct go__worker *victim)
{
	struct go__task *batch[BATCH], *t;
	bool home = w->runtime->home;
	unsigned n = 0;

	if (!home)
		n = go__woken_take(&victim->woken, batch, BATCH, true);
	if (n == 0)
		n = go__fresh_take(&victim->fresh, batch, BATCH);
	if (n)
		return adopt(w, batch, n);
	/* relaxed: the watchdog's word for it; a second chance comes. */
	if (home || !atomic_load_explicit(&victim->stuck, memory_order_relaxed))
		return NULL;
	t = unless_pinned(w, go__take_next(victim, false));
	/* What has been sent there to migrate may as well migrate on. */
	if (!t && w->runtime->migrate)
		t = unless_pinned(w, go__queue_pop(&victim->inbox));
	return t;
}

static uint64_t random_next(struct go__worker *w)
{
	/* Marsaglia, Xorshift RNGs, 2003. */
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

uint64_t go__random(void)
{
	static _Atomic uint64_t threads; /* Drawn by plain threads. */
	struct go__worker *w = go__worker_self();
	/* relaxed: only has to be different each time. */
	uint64_t n = w ? random_next(w)
		       : atomic_fetch_add_explicit(&threads, 1,
						   memory_order_relaxed);

	return go__mix(n);
}

static struct go__task *from_others(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	unsigned slots = go__slots(rt);
	unsigned first = (unsigned)(random_next(w) % slots);
	uint64_t now = go__sys_now();
	struct go__task *t;

	go__stint_judge(w, now, false);
	for (unsigned i = 0; i < slots; i++) {
		struct go__worker *victim = &rt->worker[(first + i) % slots];

		if (victim == w)
			continue;
		t = steal(w, victim);
		if (t)
			return t;
		run_timers(&victim->wheel, now);
	}
	return go__pick_local(w, false);
}

bool go__work_anywhere(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;

	if (go__queue_count(&rt->injection) || go__queue_count(&w->inbox) ||
	    go__woken_count(&w->woken))
		return true;
	for (unsigned i = 0; i < go__slots(rt); i++)
		if (go__may_be_taken(&rt->worker[i]))
			return true;
	return false;
}

/* True if more lies somewhere than its worker had better run itself. */
static bool surplus(struct go_runtime *rt)
{
	if (go__queue_count(&rt->injection))
		return true;
	for (unsigned i = 0; i < go__slots(rt); i++)
		if (go__ring_count(&rt->worker[i]) >=
			    go__enough(&rt->worker[i]) &&
		    go__may_be_taken(&rt->worker[i]))
			return true;
	return false;
}

/* ---- the host's pick ---- */

/* Without other workers' queues, and without waiting. */
static struct go__task *look(struct go__worker *w)
{
	struct go__task *t = w->handoff;

	w->handoff = NULL;
	if (!t && go__fair_turn(w))
		t = fair_look(w);
	if (t)
		(void)go__count_pick(w);
	else
		t = go__pick_local(w, true);
	if (!t)
		t = from_injection(w, BATCH);
	if (!t && go__queue_count(&w->runtime->starved))
		t = from_starved(w);
	if (!t && own_timers(w))
		t = go__pick_local(w, true);
	return t;
}

/* With a stack; a task that finds none joins the starved. */
static bool ready_to_run(struct go__worker *w, struct go__task *t)
{
	if (t->slot || go__task_bind_slow(w, t))
		return true;
	go__queue_push(&w->runtime->starved, &t, 1);
	return false;
}

/*
 * A search is over, but not because there is nothing.  The last searcher makes
 * up for the wake-ups that were left out while it searched (idle.h).
 */
static void search_is_over(struct go_runtime *rt)
{
	if (go__idle_stop_search(&rt->idle) && surplus(rt))
		go__notify(rt);
}

struct go__task *go__pick(struct go__worker *w, bool (*done)(void *), void *arg)
{
	struct go_runtime *rt = w->runtime;
	bool searching = false;
	struct go__task *t;

	for (;;) {
		if (go__phase(rt) == GO__STOPPED || (done && done(arg))) {
			if (searching)
				search_is_over(rt);
			return NULL;
		}
		t = look(w);
		if (!t && !go__alone(w)) {
			if (!searching)
				searching = go__idle_search(&rt->idle);
			if (searching)
				t = from_others(w);
		}
		if (t && ready_to_run(w, t)) {
			if (searching)
				search_is_over(rt);
			return t;
		}
		if (t)
			continue;
		if (w->turning)
			return NULL;
		searching = go__worker_sleep(w, searching);
	}
}
