/* SPDX-License-Identifier: MIT */
/*
 * A worker's own queues, from the owner's side: what a parking task does to
 * find its successor, and a waking one to queue whom it woke.
 *
 * Inline, and used in few places: these are the steps of every switch, and a
 * shallow call chain down to the switch matters as much as few instructions,
 * since each return on the way up whose call was made before the switch may be
 * mispredicted.  The order of the queues is explained in pick.c.
 */
#ifndef GO_SCHED_LOCAL_H
#define GO_SCHED_LOCAL_H

#include "sched/worker.h"

enum {
	GO__STREAK_MOST = 3, /* Times in a row that `next` goes first. */
	GO__WOKEN_FIRST = 8, /* Picks of which one prefers woken tasks. */
};

#define GO__LIKELY(x)   __builtin_expect(!!(x), 1)
#define GO__UNLIKELY(x) __builtin_expect(!!(x), 0)

/* True if its waits are to fail: cancelled itself, or with its runtime. */
static inline bool go__task_cancelled(const struct go__task *t)
{
	if (go__task_word_cancelled(&t->word))
		return true;
	/* relaxed: constant while the task lives. */
	return go__phase(atomic_load_explicit(
		       &t->runtime, memory_order_relaxed)) != GO__OPEN;
}

/*
 * Whether nobody else touches our queues, until go__worker_open(): then they
 * need no locked instruction.  It ceases to be so only while the worker is
 * open; see lend.c.
 */
static inline bool go__alone(const struct go__worker *w)
{
	/* acquire <- [alone] in lend.c: the last thief has left. */
	return atomic_load_explicit(&w->alone, memory_order_acquire);
}

/* The scheduler is at work on this worker, from now on ... */
static inline void go__worker_close(struct go__worker *w)
{
	/* [close] relaxed: the barrier does it. */
	atomic_store_explicit(&w->open, false, memory_order_relaxed);
	go__light_barrier();
}

/* ... until here: the task's own code runs. */
static inline void go__worker_open(struct go__worker *w)
{
	/* [opened] release -> share() in lend.c: what we have done to the
	 * queues, and that the contexts of those in them are saved. */
	atomic_store_explicit(&w->open, true, memory_order_release);
}

/* The same, where the caller may be the scheduler itself or a task. */
static inline bool go__worker_close_if_open(struct go__worker *w)
{
	/* relaxed: our own. */
	bool was = atomic_load_explicit(&w->open, memory_order_relaxed);

	go__worker_close(w);
	return was;
}

static inline void go__worker_reopen(struct go__worker *w, bool was)
{
	/* release: as [opened]. */
	atomic_store_explicit(&w->open, was, memory_order_release);
}

/*
 * Put a task into one of our rings; what they cannot hold is injected.  The
 * worker is closed, and is alone or is not.
 */
static inline void go__enqueue_as(struct go__worker *w, struct go__task *t,
				  bool alone)
{
	bool room;

	if (alone)
		room = t->slot ? go__woken_push_alone(&w->woken, t)
			       : go__fresh_push_alone(&w->fresh, t);
	else
		room = t->slot ? go__woken_push(&w->woken, t)
			       : go__fresh_push(&w->fresh, t);
	if (GO__UNLIKELY(!room))
		go__overflow_ring(w, t);
}

/* The same, closed or open. */
GO__ALWAYS_INLINE void go__enqueue(struct go__worker *w, struct go__task *t)
{
	bool was = go__worker_close_if_open(w);

	go__enqueue_as(w, t, go__alone(w));
	go__worker_reopen(w, was);
}

/* So many tasks in this worker's queues are enough to wake another. */
static inline unsigned go__enough(const struct go__worker *w)
{
	/* relaxed: ENOUGH in idle.h. */
	return atomic_load_explicit(&w->pace.brisk, memory_order_relaxed)
		       ? go__idle_enough(&w->runtime->idle)
		       : GO__ENOUGH_LEAST;
}

/* Its tasks are long, says its owner or the watchdog. */
static inline void go__pace_slow(struct go__worker *w)
{
	go__idle_set_enough(&w->runtime->idle, GO__ENOUGH_LEAST);
	/* relaxed: a guess for others. */
	atomic_store_explicit(&w->pace.brisk, false, memory_order_relaxed);
}

/* Tasks lie in our queues: wake a worker if the rule of idle.h says so. */
static inline void go__submit(struct go__worker *w)
{
	if (!go__alone(w))
		go__submit_shared(w);
}

/* Make t the next task; returns the one that was, or NULL.  Closed. */
static inline struct go__task *go__swap_next(struct go__worker *w,
					     struct go__task *t, bool alone)
{
	struct go__task *old;

	if (alone) {
		/* relaxed, both: one thread. */
		old = atomic_load_explicit(&w->next, memory_order_relaxed);
		atomic_store_explicit(&w->next, t, memory_order_relaxed);
		return old;
	}
	/* [next] release -> whoever takes it, acquire <- whoever put it;
	 * seq_cst: before the look at the idle state (idle.h). */
	return atomic_exchange_explicit(&w->next, t, memory_order_seq_cst);
}

static inline struct go__task *go__take_next(struct go__worker *w, bool alone)
{
	/* relaxed: a look; NULL stays NULL unless we change it ourselves. */
	struct go__task *t =
		atomic_load_explicit(&w->next, memory_order_relaxed);

	if (!t)
		return NULL;
	if (!alone)
		return go__swap_next(w, NULL, false);
	/* relaxed: one thread. */
	atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
	return t;
}

static inline struct go__task *go__pop_woken(struct go__worker *w, bool alone)
{
	return alone ? go__woken_pop_alone(&w->woken)
		     : go__woken_pop(&w->woken);
}

static inline struct go__task *go__pop_fresh(struct go__worker *w, bool alone)
{
	return alone ? go__fresh_pop_alone(&w->fresh)
		     : go__fresh_pop(&w->fresh);
}

/* How many picks this worker has made: at least one for each run of a task. */
static inline uint64_t go__picks(const struct go__worker *w)
{
	/* relaxed: our own counter. */
	return atomic_load_explicit(&w->picks, memory_order_relaxed);
}

static inline uint64_t go__count_pick(struct go__worker *w)
{
	uint64_t picks = go__picks(w) + 1;

	/* relaxed: the watchdog looks for change, no more. */
	atomic_store_explicit(&w->picks, picks, memory_order_relaxed);
	return picks;
}

/* How many picks it has made, and tasks begun. */
static inline uint64_t go__picks_and_spawns(const struct go__worker *w)
{
	/* relaxed: as above. */
	return go__picks(w) +
	       atomic_load_explicit(&w->spawned, memory_order_relaxed);
}

/* Its pace is to be seen anew; a sleep, say, tells nothing of its tasks. */
static inline void go__pace_begin(struct go__worker *w, uint64_t now)
{
	w->pace.made = go__picks_and_spawns(w);
	w->pace.seen_at = now;
}

/* True if it is the host's turn to look at what our tasks could starve. */
static inline bool go__fair_turn(const struct go__worker *w)
{
	return go__picks(w) >= w->fair_at;
}

/* The steps of go__pick_local(), for a worker that is alone or is not. */
GO__ALWAYS_INLINE struct go__task *go__pick_as(struct go__worker *w,
					       bool have_stack, bool alone)
{
	uint64_t picks = go__count_pick(w);
	struct go__task *t;

	if (GO__UNLIKELY(picks % GO__WOKEN_FIRST == 0) &&
	    (t = go__pick_woken(w)))
		return t;
	if (GO__UNLIKELY(go__queue_count(&w->inbox)) && (t = go__pick_inbox(w)))
		return t;
	t = go__take_next(w, alone);
	if (t) {
		if (++w->streak <= GO__STREAK_MOST || t->pinned)
			return t;
		go__enqueue_as(w, t, alone);
	}
	w->streak = 0;
	if ((have_stack || w->stacks.n) && (t = go__pop_fresh(w, alone)))
		return t;
	return go__pop_woken(w, alone);
}

/*
 * The next task from the worker's own queues; NULL: there is none, or it is
 * the host's turn to look further.  The worker is closed.  A new task comes
 * without a stack, and only if the cache has one for it or `have_stack` is set.
 */
GO__ALWAYS_INLINE struct go__task *go__pick_local(struct go__worker *w,
						  bool have_stack)
{
	if (GO__UNLIKELY(go__fair_turn(w)))
		return NULL;
	return go__alone(w) ? go__pick_as(w, have_stack, true)
			    : go__pick_as(w, have_stack, false);
}

#endif
