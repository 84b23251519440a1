/* SPDX-License-Identifier: MIT */
/*
 * When workers sleep, and who wakes them.
 *
 * A worker without a task should sleep, and a task that becomes runnable
 * should find a worker awake.  Both sides decide without a common lock, from
 * state that the other side is changing.  The whole protocol is in this file.
 *
 * THE RACE
 *
 *     a submitter queues a task         a worker runs dry
 *     R1  put the task on a queue       W1  look at every queue: empty
 *     R2  is anyone asleep?  no         W2  note "I am asleep"
 *                                       W3  sleep
 *
 * Run W1, R1, R2, W2, W3: the task is queued, everybody sleeps, and nothing
 * will ever change that.
 *
 * THE RULE
 *
 *     submit  queue the task (seq_cst); read `state` (seq_cst).
 *     park    join the sleepers (seq_cst RMW of `state`); look at every queue
 *             again (seq_cst); only then sleep.
 *
 * Each side writes and then reads what the other one writes, all four in the
 * one order of sequentially consistent operations, so they cannot both miss
 * the other.  If both act, one wake-up is wasted; that price is small.
 *
 * NOT ALL AT ONCE.  A wake-up crosses CPUs and costs more than a hundred
 * switches.  So a submit wakes nobody while a worker is already `searching`,
 * and in return the last worker that stops searching because it found a task
 * looks at every queue once more, after it has said that it searches no more
 * (again write, then read), and wakes another if enough lies somewhere (below).
 * The look replaces the wake-up that submitters left out.
 *
 * DEFERRAL.  A submit from inside a worker wakes nobody either while its own
 * queues hold fewer than `enough` tasks: the worker will very likely run them
 * itself before anybody could have been woken.  What is left so is found by
 * workers that run dry and by the watchdog, which ticks whenever some but not
 * all workers sleep (watchdog.c): a lone task behind one that does not end, and
 * two tasks in one worker's queues, or one in the injection queue, whatever
 * that worker does.  From a foreign thread a submit never defers.
 *
 * ENOUGH.  Two, at first: a wake-up is worth its price if tasks run for as long
 * as it takes.  With tasks of a tenth of a microsecond whoever is woken comes
 * when all is over, over and over again: a thousand of them, spawned and
 * joined, cost nine wake-ups, half of the time.  So workers say what their
 * tasks are like.  One that was picked, when it searches or falls asleep again:
 *
 *     its tasks were long                              two are enough
 *     they were short, but it had many                 half as many
 *     it had few, and who woke it gets on briskly      twice as many
 *
 * and one that does not get on briskly, at its fair turn (pick.c), or because
 * the watchdog sees it run one task from a tick to the next: two are enough,
 * and two of its own are, whatever the number is by then.  (It may be held up
 * by a long task each time that it has made short ones; who takes those need
 * not have much to do.)  At most it is what takes as long as three wake-ups
 * do, at a twentieth of a microsecond each.  The number may be stale, and two
 * who change it at once may undo each other's: it decides when others are
 * woken, never whether; that is the watchdog's part.
 *
 * The list of sleepers has a lock: going to sleep and being woken cost a
 * system call each, so the lock does not show, and it keeps list and counts
 * in step.  A woken worker starts out as a searcher; its waker counts it.
 *
 * WHY NOT hand the task straight to the sleeper?  It would move away from the
 * cache that has just written its arguments, and a busy worker would have to
 * know the sleeper's queues.
 *
 * INVARIANTS
 *
 *   I1  `idle` in state is the length of the list; both change under lock.
 *   I2  searching + idle <= active.
 *   I3  If all workers sleep and no wake-up is under way, all queues are empty.
 *
 * ACTIVE  Workers that have a host.  All are asleep if idle == active, and then
 * things are done that would be wrong while one could still make a task
 * runnable: a starved task is given up, a deadlock is declared.  So the three
 * counts are read as one.  Most workers are active from the start to the end of
 * their runtime; those that are lent (lend.c) become so and cease to be so
 * here, under lock, too.  One that enters has nothing in its hands yet.  One
 * that quits has left nothing in its queues; it may have been the last that was
 * awake, without the looks that the last one to fall asleep takes, and so it
 * wakes another, who falls asleep anew (go__worker_quit() in sleep.c).
 *
 * TESTS  model_idle.c: two and three workers, one and two submitters, with
 *        and without deferral; model_lend.c: workers that come and go, and
 *        what is deferred until a tick.  test_stress.c looks for lost
 *        wake-ups; test_enough.c: what moves `enough`.
 */
#ifndef GO_SCHED_IDLE_H
#define GO_SCHED_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"
#include "arch/list.h"
#include "arch/lock.h"

/* Counts in `state`. */
#define GO__IDLE_ONE       UINT64_C(1)
#define GO__IDLE_ACTIVE    (UINT64_C(1) << 16)
#define GO__IDLE_SEARCHING (UINT64_C(1) << 32)

enum {
	GO__ENOUGH_LEAST = 2,
	GO__ENOUGH_MOST = 1024,
	/* Tasks are long if they take so much on average. */
	GO__LONG_TASK_NS = 1000,
};

struct go__idle {
	/* Any thread.  From below: 16 bits sleepers, 16 active workers, 32
	 * searching ones. */
	_Atomic uint64_t state;
	/* Any thread: so many tasks in its own queues are enough for a worker
	 * to wake another. */
	_Atomic uint32_t enough;
	struct go__lock lock;
	struct go__link sleepers; /* Under lock.  Sentries are last. */
};

/* A worker's place in the list. */
struct go__sleeper {
	struct go__link link; /* Under idle.lock. */
	bool sentry;          /* Under idle.lock: sleeps in a poller. */
};

struct go__worker;

/* What a worker has been woken for: ENOUGH. */
struct go__stint {
	/* Who has picked it, or NULL; written before it is roused.  The rest is
	 * the owner's: since when it is awake, how often tasks had left it by
	 * then, and whether it is to be judged yet. */
	struct go__worker *waker;
	uint64_t since, runs;
	bool open;
};

/* Its owner judges: when it searches, and when it falls asleep (sleep.c). */
void go__stint_judge(struct go__worker *w, uint64_t now, bool falls_asleep);

/* How a worker gets on: ENOUGH. */
struct go__pace {
	/* Its tasks are short.  The owner writes, and the watchdog "no". */
	_Atomic bool brisk;
	/* The owner only: picks and tasks made when it last saw, and when. */
	uint64_t made, seen_at;
};

static inline uint32_t go__idle_count(uint64_t state)
{
	return (uint32_t)state & 0xffffu;
}

static inline uint32_t go__idle_active(uint64_t state)
{
	return (uint32_t)state >> 16;
}

static inline bool go__idle_all_asleep(uint64_t state)
{
	return go__idle_count(state) == go__idle_active(state);
}

static inline uint32_t go__idle_searching(uint64_t state)
{
	return (uint32_t)(state >> 32);
}

static inline void go__idle_init(struct go__idle *idle, uint32_t active)
{
	atomic_init(&idle->state, active * GO__IDLE_ACTIVE);
	atomic_init(&idle->enough, GO__ENOUGH_LEAST);
	go__lock_init(&idle->lock);
	go__list_init(&idle->sleepers);
}

/* The state, as a submitter must read it after it has queued a task. */
static inline uint64_t go__idle_state(struct go__idle *idle)
{
	/* [look] seq_cst <-> [join], [stop]: after the push (see THE RULE). */
	return atomic_load_explicit(&idle->state, memory_order_seq_cst);
}

static inline uint32_t go__idle_enough(const struct go__idle *idle)
{
	/* relaxed: see ENOUGH. */
	return atomic_load_explicit(&idle->enough, memory_order_relaxed);
}

static inline void go__idle_set_enough(struct go__idle *idle, uint32_t enough)
{
	if (enough < GO__ENOUGH_LEAST)
		enough = GO__ENOUGH_LEAST;
	if (enough > GO__ENOUGH_MOST)
		enough = GO__ENOUGH_MOST;
	/* Others read the line: no store in vain. */
	if (enough != go__idle_enough(idle))
		/* relaxed: see ENOUGH. */
		atomic_store_explicit(&idle->enough, enough,
				      memory_order_relaxed);
}

/* A worker has got a host. */
static inline void go__idle_enter(struct go__idle *idle)
{
	go__lock_acquire(&idle->lock);
	/* seq_cst: as [join]. */
	atomic_fetch_add_explicit(&idle->state, GO__IDLE_ACTIVE,
				  memory_order_seq_cst);
	go__lock_release(&idle->lock);
}

/*
 * It has none any more.  It neither sleeps nor searches.  Returns whether all
 * others sleep.
 */
static inline bool go__idle_quit(struct go__idle *idle)
{
	uint64_t old;

	go__lock_acquire(&idle->lock);
	/* [quit] seq_cst <-> [join]: whichever of the two comes second sees
	 * that all sleep. */
	old = atomic_fetch_sub_explicit(&idle->state, GO__IDLE_ACTIVE,
					memory_order_seq_cst);
	go__lock_release(&idle->lock);
	return go__idle_all_asleep(old - GO__IDLE_ACTIVE);
}

/*
 * Join the sleepers.  The caller then looks at every queue once more and
 * either sleeps or calls go__idle_leave().  `searching` says that it was
 * counted as a searcher until now.
 */
static inline void go__idle_join(struct go__idle *idle, struct go__sleeper *s,
				 bool sentry, bool searching)
{
	go__lock_acquire(&idle->lock);
	s->sentry = sentry;
	if (sentry)
		go__list_push_back(&idle->sleepers, &s->link);
	else
		go__list_push_front(&idle->sleepers, &s->link);
	/* [join] seq_cst <-> [look]: before the last look at the queues. */
	atomic_fetch_add_explicit(&idle->state,
				  GO__IDLE_ONE -
					  (searching ? GO__IDLE_SEARCHING : 0),
				  memory_order_seq_cst);
	go__lock_release(&idle->lock);
}

/*
 * Leave the sleepers unasked; with `search`, as a searcher: a worker that has
 * seen a task in its last look must take it, and not be refused to search.
 * Returns false if somebody has picked us meanwhile; then we are counted as
 * searching in any case, and a signal is on its way.
 */
static inline bool go__idle_leave(struct go__idle *idle, struct go__sleeper *s,
				  bool search)
{
	bool listed;

	go__lock_acquire(&idle->lock);
	listed = go__link_is_linked(&s->link);
	if (listed) {
		go__list_remove(&s->link);
		/* seq_cst: as [join]. */
		atomic_fetch_add_explicit(&idle->state,
					  (search ? GO__IDLE_SEARCHING : 0) -
						  GO__IDLE_ONE,
					  memory_order_seq_cst);
	}
	go__lock_release(&idle->lock);
	return listed;
}

/* With the lock held: unlist s and count it as a searcher. */
static inline void go__idle_take(struct go__idle *idle, struct go__sleeper *s)
{
	go__list_remove(&s->link);
	/* seq_cst: submitters that read this state rely on a searcher. */
	atomic_fetch_add_explicit(&idle->state,
				  GO__IDLE_SEARCHING - GO__IDLE_ONE,
				  memory_order_seq_cst);
}

/*
 * Pick a sleeper to wake, if one is needed: if some sleep and none searches.
 * The caller rouses it (futex or poller break, by *sentry).  Any thread.
 */
static inline struct go__sleeper *go__idle_pick(struct go__idle *idle,
						bool *sentry)
{
	uint64_t state = go__idle_state(idle);
	struct go__sleeper *s = NULL;

	if (go__idle_count(state) == 0 || go__idle_searching(state) != 0)
		return NULL;
	go__lock_acquire(&idle->lock);
	state = go__idle_state(idle);
	if (go__idle_count(state) != 0 && go__idle_searching(state) == 0) {
		s = go__container_of(idle->sleepers.next, struct go__sleeper,
				     link);
		*sentry = s->sentry;
		go__idle_take(idle, s);
	}
	go__lock_release(&idle->lock);
	return s;
}

/*
 * Pick one particular sleeper, whose inbox has just been filled.  Returns
 * false if it does not sleep.  Any thread.
 */
static inline bool go__idle_pick_this(struct go__idle *idle,
				      struct go__sleeper *s, bool *sentry)
{
	bool listed;

	go__lock_acquire(&idle->lock);
	listed = go__link_is_linked(&s->link);
	if (listed) {
		*sentry = s->sentry;
		go__idle_take(idle, s);
	}
	go__lock_release(&idle->lock);
	return listed;
}

/* Become a searcher, unless half of the waking workers search already. */
static inline bool go__idle_search(struct go__idle *idle)
{
	uint64_t state = go__idle_state(idle);

	if (2 * go__idle_searching(state) >=
	    go__idle_active(state) - go__idle_count(state))
		return false;
	/* seq_cst: submitters that read this state rely on a searcher. */
	atomic_fetch_add_explicit(&idle->state, GO__IDLE_SEARCHING,
				  memory_order_seq_cst);
	return true;
}

/*
 * Stop searching, having found a task.  Returns true if we were the last: the
 * caller then looks at every queue and calls go__idle_pick() if enough lies
 * somewhere.
 */
static inline bool go__idle_stop_search(struct go__idle *idle)
{
	/* [stop] seq_cst <-> [look]: before that look at the queues. */
	uint64_t old = atomic_fetch_sub_explicit(
		&idle->state, GO__IDLE_SEARCHING, memory_order_seq_cst);

	return go__idle_searching(old) == 1;
}

#endif
