/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: finds what deferral and long-running tasks leave lying.
 *
 * A worker that runs one task for long does not look at its own queues, its
 * timers or the poller.  Others that sleep could, but nobody has woken them: a
 * lone task wakes nobody (idle.h), a timer armed on a busy worker does not
 * either, and a sentry that left the poller to run a task leaves it empty.
 * So while some, but not all, workers sleep, a thread ticks every millisecond
 * and wakes one worker where it finds
 *
 *   - a task in the queues of a worker that has made no pick since the last
 *     tick (the thief may then take its `next` as well),
 *   - two tasks in the queues of a worker, or one in the injection queue,
 *     whatever is made of picks: who has queued them may have found that they
 *     are not enough to wake somebody (idle.h), and no other may be to come,
 *   - a timer that is overdue,
 *   - nobody in a poller since the last tick.
 *
 * The woken one searches, finds it, or becomes the sentry, or sleeps over that
 * poller, too (COVER in sleep.c).
 *
 * HOGS  While no worker sleeps there is nobody to wake.  Others look at timers,
 * the poller and the injection queue then, between two tasks.  But a worker
 * that has run one task for longer than rt->stuck_after is hogged: what lies in
 * its queues may wait until another worker runs dry; and if all are, everything
 * waits.  Then a worker is lent (lend.c), one for each that is hogged at most,
 * and the hog is reported (stuck.c).  The threshold is seen at a tick, the
 * beginning at the tick after it; four ticks in the threshold make it late by
 * half of it at most, and a busy runtime pays for 400 ticks a second.
 *
 * Where tasks stay (home.c) nobody is lent; what waits at home is a reason to
 * report the hog, but none to wake anybody.
 *
 * When there are more workers lent than hogged ones for as long as the
 * threshold, so that a task that hogs again and again does not start a thread
 * each time, one is recalled.
 *
 * SLEEP  While all active workers sleep there is nothing to find: then, with
 * nobody lent, the watchdog sleeps without a time-out.  A worker that has left
 * the sleepers kicks it:
 *
 *     worker    change idle.state; read watch; if ASLEEP: wake it
 *     watchdog  watch = ASLEEP; read idle.state; if not all sleep: stay awake
 *
 * All sequentially consistent, so one of them sees the other.
 *
 * There is none in a GO_CURRENT_THREAD runtime, which has no threads by its
 * contract; nor with a single worker, where nobody is lent, nor told.
 *
 * TESTS  model_watchdog.c: its sleep; model_lend.c: hogs; test_stuck.c.
 */
#include <limits.h>
#include <signal.h>

#include "arch/sys.h"
#include "sched/local.h"
#include "sched/stuck.h"

enum {
	ASLEEP,
	TICKING,
	ENDING, /* It is to end ... */
	ENDED,  /* ... and has. */
};

static const uint64_t TICK = 1000 * 1000;
static const uint64_t BUSY_TICK = 2500 * 1000;   /* While no worker sleeps. */
static const uint64_t RETRY = 100 * 1000 * 1000; /* If none can be lent. */

static bool all_sleep(struct go_runtime *rt)
{
	return go__idle_all_asleep(go__idle_state(&rt->idle));
}

static void set(struct go_runtime *rt, uint32_t value)
{
	/* [watch] seq_cst: the handshake of the head. */
	go__store_seq_cst(&rt->watch, value);
	go__sys_futex_wake(&rt->watch, 1);
}

void go__watchdog_kick(struct go_runtime *rt)
{
	uint32_t asleep = ASLEEP;

	if (!rt->watched || all_sleep(rt))
		return;
	/* seq_cst: as [watch]; a failure finds it awake, or ending. */
	if (atomic_load_explicit(&rt->watch, memory_order_seq_cst) == ASLEEP &&
	    atomic_compare_exchange_strong_explicit(
		    &rt->watch, &asleep, TICKING, memory_order_seq_cst,
		    memory_order_seq_cst))
		go__sys_futex_wake(&rt->watch, 1);
}

/* ---- one tick ---- */

/* What it knows from one tick to the next. */
struct remembered {
	uint64_t surplus;  /* Since when more are lent than hogged; 0: not. */
	uint64_t retry_at; /* When to lend again. */
};

/* What it finds. */
struct findings {
	uint64_t now;
	unsigned hogs;
	bool left;    /* Tasks that were not enough, or behind a long one, */
	bool kept;    /* or in the queues of a worker that is hogged. */
	bool overdue; /* A timer. */
	bool unpolled;
};

static bool has_tasks(struct go__worker *w)
{
	/* relaxed: a guess, once per tick. */
	return atomic_load_explicit(&w->next, memory_order_relaxed) ||
	       go__woken_count(&w->woken) || go__fresh_count(&w->fresh);
}

/* Some that another worker may take: steal() in pick.c. */
static bool has_tasks_for_others(struct go__worker *w)
{
	if (w->runtime->home)
		return go__may_be_taken(w) != 0;
	return has_tasks(w) ||
	       (w->runtime->migrate && go__queue_count(&w->inbox) != 0);
}

/* What go__submit_shared() has left for us, if it was not enough for that. */
static bool has_deferred(struct go__worker *w)
{
	unsigned n = go__ring_count(w);

	/* relaxed: a guess, once per tick. */
	if (atomic_load_explicit(&w->next, memory_order_relaxed))
		n++;
	return n >= GO__ENOUGH_LEAST && go__may_be_taken(w);
}

static void look_at(struct go__worker *w, struct findings *f)
{
	struct go__watched *seen = &w->watched;
	/* relaxed, both: a guess, once per tick. */
	uint64_t picks = go__picks(w);
	bool stuck = picks == seen->picks &&
		     atomic_load_explicit(&w->current, memory_order_relaxed);

	f->overdue = f->overdue || go__wheel_next(&w->wheel) <= f->now;
	if (!stuck) {
		seen->picks = picks;
		seen->since = f->now;
		seen->awaited = false;
	}
	seen->hogged = stuck && f->now - seen->since >= w->runtime->stuck_after;
	/* Whoever is lent at this tick may run them before we report it. */
	if (seen->hogged && (has_tasks(w) || go__queue_count(&w->inbox) != 0))
		seen->awaited = true;
	/* relaxed: thieves may read it a round late. */
	atomic_store_explicit(&w->stuck, stuck, memory_order_relaxed);
	f->hogs += seen->hogged;
	if (stuck)
		go__pace_slow(w);
	f->left = f->left || (stuck && has_tasks_for_others(w)) ||
		  has_deferred(w);
	f->kept = f->kept || (seen->hogged && has_tasks_for_others(w));
}

/* Nobody has been there at this tick, and at the last one. */
static bool note_orphan(struct go__post *post)
{
	/* relaxed, both: a guess. */
	bool nobody =
		!atomic_load_explicit(&post->owner, memory_order_relaxed) &&
		!atomic_load_explicit(&post->covered, memory_order_relaxed);
	bool orphan = nobody && post->unattended;

	post->unattended = nobody;
	if (orphan)
		/* relaxed: who misses it is woken at another tick. */
		atomic_store_explicit(&post->orphan, true,
				      memory_order_relaxed);
	return orphan;
}

static void look_around(struct go_runtime *rt, struct findings *f)
{
	*f = (struct findings){.now = go__sys_now(),
			       .left = go__queue_count(&rt->injection) != 0};
	for (unsigned i = 0; i < go__slots(rt); i++)
		look_at(&rt->worker[i], f);
	for (unsigned i = 0; i < rt->posts; i++)
		f->unpolled |= note_orphan(&rt->post[i]);
}

/* Everybody is hogged, and there is something to do. */
static bool all_wait(struct go_runtime *rt, const struct findings *f,
		     unsigned awake)
{
	if (f->hogs < awake)
		return false;
	return f->overdue || go__queue_count(&rt->injection) != 0 ||
	       (f->unpolled && go__runtime_live(rt) > f->hogs);
}

static void lend(struct go_runtime *rt, struct remembered *watch,
		 const struct findings *f)
{
	int r;

	if (go__lent(rt) >= f->hogs || f->now < watch->retry_at)
		return;
	r = go__lend(rt);
	/* Too late by a moment, or for longer. */
	if (r < 0 && r != -EBUSY)
		watch->retry_at = f->now + RETRY;
}

/* The watchdog waits for a hog that is asked, and others for it: so it asks one
 * at a tick.  Those that are left are not known yet, and found again. */
static void report(struct go_runtime *rt, const struct findings *f, bool all)
{
	for (unsigned i = 0; i < go__slots(rt); i++) {
		struct go__worker *w = &rt->worker[i];

		if (w->watched.hogged && (all || w->watched.awaited) &&
		    go__stuck_report(w, f->now - w->watched.since))
			return;
	}
}

/* Are more lent than are needed, and have been for long? */
static bool too_many(struct go_runtime *rt, struct remembered *watch,
		     const struct findings *f)
{
	if (go__lent(rt) <= f->hogs) {
		watch->surplus = 0;
		return false;
	}
	if (watch->surplus == 0)
		watch->surplus = f->now;
	return all_sleep(rt) || f->now - watch->surplus >= rt->stuck_after;
}

static void tick(struct go_runtime *rt, struct remembered *watch)
{
	uint64_t state = go__idle_state(&rt->idle);
	unsigned awake = go__idle_active(state) - go__idle_count(state);
	struct findings f;
	bool all;

	look_around(rt, &f);
	if (f.left || f.overdue || f.unpolled)
		go__notify(rt);
	all = go__idle_count(state) == 0 && all_wait(rt, &f, awake);
	if (all || (f.kept && go__idle_count(state) == 0))
		lend(rt, watch, &f);
	if (f.hogs != 0 && rt->on_stuck)
		report(rt, &f, all);
	if (too_many(rt, watch, &f))
		go__recall(rt);
	go__lend_settle(rt);
}

/* ---- its thread ---- */

static uint64_t pause_of(struct go_runtime *rt)
{
	uint64_t quarter = rt->stuck_after / 4;

	if (go__idle_count(go__idle_state(&rt->idle)) != 0 ||
	    go__lent(rt) != 0 || quarter < TICK)
		return TICK;
	return quarter < BUSY_TICK ? quarter : BUSY_TICK;
}

/* The last thing that it does with the runtime; it is joined yet. */
static void say_ended(struct go_runtime *rt)
{
	/* [ended] release -> go__watchdog_wait(). */
	atomic_store_explicit(&rt->watch, ENDED, memory_order_release);
	go__sys_futex_wake(&rt->watch, INT_MAX);
}

static void *run(void *arg)
{
	struct go_runtime *rt = arg;
	struct remembered watch = {0};
	uint32_t state;
	sigset_t all;

	/* The program's handlers belong on the program's threads. */
	sigfillset(&all);
	(void)go__sys_sigmask(SIG_BLOCK, &all, NULL);
	go__lend_begin(rt);
	/* seq_cst: as [watch]. */
	while ((state = atomic_load_explicit(&rt->watch,
					     memory_order_seq_cst)) != ENDING) {
		if (state == ASLEEP) {
			(void)go__sys_futex_wait(&rt->watch, ASLEEP,
						 GO__NO_DEADLINE);
			continue;
		}
		(void)go__sys_futex_wait(&rt->watch, TICKING,
					 go__sys_now() + pause_of(rt));
		tick(rt, &watch);
		if (!all_sleep(rt) || go__lent(rt) != 0)
			continue;
		/* The last lent one may have gone since the tick. */
		go__lend_settle(rt);
		state = TICKING;
		/* seq_cst: as [watch]; a failure is ENDING. */
		if (atomic_compare_exchange_strong_explicit(
			    &rt->watch, &state, ASLEEP, memory_order_seq_cst,
			    memory_order_seq_cst))
			go__watchdog_kick(rt);
	}
	say_ended(rt);
	return NULL;
}

/* One worker, nobody to be lent, and nothing to be reported. */
static bool is_needless(const struct go_runtime *rt)
{
	return rt->worker_count == 1 && rt->spares == 0 &&
	       (!rt->on_stuck || rt->stuck_after == GO__NO_DEADLINE);
}

int go__watchdog_start(struct go_runtime *rt)
{
	int r;

	if (rt->flavour == GO_CURRENT_THREAD || is_needless(rt))
		return 0;
	/* relaxed: it does not run yet.  The workers are awake. */
	atomic_store_explicit(&rt->watch, TICKING, memory_order_relaxed);
	r = go__sys_thread_create(&rt->watchdog, 0, run, rt);
	rt->watched = r == 0;
	return r;
}

void go__watchdog_stop(struct go_runtime *rt)
{
	/* Workers still read `watched`, so it stays.  relaxed: written before,
	 * by this thread or under the runtime's lock. */
	if (!rt->watched ||
	    atomic_load_explicit(&rt->watch, memory_order_relaxed) >= ENDING)
		return;
	set(rt, ENDING);
}

bool go__watchdog_wait(struct go_runtime *rt, uint64_t deadline)
{
	int r = 0;

	/* acquire <- [ended]. */
	while (r != -ETIMEDOUT &&
	       atomic_load_explicit(&rt->watch, memory_order_acquire) == ENDING)
		r = go__sys_futex_wait(&rt->watch, ENDING, deadline);
	/* acquire: as above. */
	return !rt->watched ||
	       atomic_load_explicit(&rt->watch, memory_order_acquire) == ENDED;
}

bool go__watchdog_join(struct go_runtime *rt, uint64_t deadline)
{
	int r = 0;

	if (rt->watched && !rt->watchdog_joined)
		r = go__sys_thread_join_until(rt->watchdog, deadline);
	/* -EDEADLK: it is the caller, in a destructor of the program's. */
	if (r == -ETIMEDOUT || r == -EDEADLK)
		return false;
	rt->watchdog_joined = true;
	return true;
}
