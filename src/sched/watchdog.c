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
 *   - a timer that is overdue,
 *   - nobody in the poller since the last tick.
 *
 * The woken one searches, finds it, or becomes the sentry.
 *
 * While no worker sleeps there is nobody to wake, while all sleep there is
 * nothing to find: then the watchdog sleeps without a time-out.  The number of
 * sleepers changes in go__worker_sleep() only, which kicks it afterwards:
 *
 *     worker    change idle.state; read watch; if ASLEEP: wake it
 *     watchdog  watch = ASLEEP; read idle.state; if some sleep: stay awake
 *
 * All sequentially consistent, so one of them sees the other.  With a single
 * worker there is no watchdog.
 *
 * TESTS  model_watchdog.c: its sleep.
 */
#include "sched/worker.h"

#include <signal.h>

#include "arch/sys.h"

enum {
	ASLEEP,
	TICKING,
	ENDING
};

static const uint64_t TICK = 1000 * 1000;

static bool some_sleep(struct go_runtime *rt)
{
	uint32_t idle = go__idle_count(go__idle_state(&rt->idle));

	return idle != 0 && idle != rt->worker_count;
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

	if (!rt->watched || !some_sleep(rt))
		return;
	/* seq_cst: as [watch]; a failure finds it awake, or ending. */
	if (atomic_load_explicit(&rt->watch, memory_order_seq_cst) == ASLEEP &&
	    atomic_compare_exchange_strong_explicit(
		    &rt->watch, &asleep, TICKING, memory_order_seq_cst,
		    memory_order_seq_cst))
		go__sys_futex_wake(&rt->watch, 1);
}

/* Has this worker made no pick since `picks`, with tasks waiting? */
static bool is_stuck(struct go__worker *w, uint64_t *picks)
{
	/* relaxed: a guess, once per tick. */
	uint64_t now = atomic_load_explicit(&w->picks, memory_order_relaxed);
	bool still = now == *picks;

	*picks = now;
	if (!still)
		return false;
	if (go__stealable(w))
		return true;
	/* relaxed: as above. */
	return !w->runtime->home &&
	       atomic_load_explicit(&w->next, memory_order_relaxed);
}

struct watch {
	uint64_t picks[256]; /* Of each worker, at the last tick. */
	bool unpolled;       /* At the last tick nobody was in the poller. */
};

static void tick(struct go_runtime *rt, struct watch *watch)
{
	uint64_t now = go__sys_now();
	bool wake = false, unpolled;

	for (unsigned i = 0; i < rt->worker_count; i++) {
		struct go__worker *w = &rt->worker[i];
		bool stuck = is_stuck(w, &watch->picks[i]);

		/* relaxed: thieves may read it a round late. */
		atomic_store_explicit(&w->stuck, stuck, memory_order_relaxed);
		wake = wake || stuck || go__wheel_next(&w->wheel) <= now;
	}
	/* relaxed: a guess. */
	unpolled = !atomic_load_explicit(&rt->poll_owner, memory_order_relaxed);
	if (wake || (unpolled && watch->unpolled))
		go__notify(rt);
	watch->unpolled = unpolled;
}

static void *run(void *arg)
{
	struct go_runtime *rt = arg;
	struct watch watch = {{0}, false};
	uint32_t state;
	sigset_t all;

	/* The program's handlers belong on the program's threads. */
	sigfillset(&all);
	(void)go__sys_sigmask(SIG_BLOCK, &all, NULL);
	/* seq_cst: as [watch]. */
	while ((state = atomic_load_explicit(&rt->watch,
					     memory_order_seq_cst)) != ENDING) {
		if (state == ASLEEP) {
			(void)go__sys_futex_wait(&rt->watch, ASLEEP,
						 GO__NO_DEADLINE);
			continue;
		}
		(void)go__sys_futex_wait(&rt->watch, TICKING,
					 go__sys_now() + TICK);
		if (some_sleep(rt)) {
			tick(rt, &watch);
			continue;
		}
		state = TICKING;
		/* seq_cst: as [watch]; a failure is ENDING. */
		if (atomic_compare_exchange_strong_explicit(
			    &rt->watch, &state, ASLEEP, memory_order_seq_cst,
			    memory_order_seq_cst))
			go__watchdog_kick(rt);
	}
	return NULL;
}

int go__watchdog_start(struct go_runtime *rt)
{
	int r;

	if (rt->worker_count == 1)
		return 0;
	r = go__sys_thread_create(&rt->watchdog, 0, run, rt);
	rt->watched = r == 0;
	return r;
}

void go__watchdog_stop(struct go_runtime *rt)
{
	if (!rt->watched)
		return;
	set(rt, ENDING);
	(void)go__sys_thread_join(rt->watchdog);
	rt->watched = false;
}
