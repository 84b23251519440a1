/* SPDX-License-Identifier: MIT */
/*
 * A runtime as the guest of a foreign event loop.
 *
 * In a GO_CURRENT_THREAD runtime the worker sleeps in the poller.  As a guest
 * it must not: the loop of the program sleeps, in a poll of its own, and gives
 * the runtime turns.  So a sleep is cut in two.  A turn ends as a sleep begins,
 * and the next turn begins as a sleep ends; in between the worker DOZES: to all
 * others it is the sentry, asleep in the poller, and those who make tasks
 * runnable wake it as they wake a sentry, by the protocols that are there
 * (idle.h, break.h).  Only the waiting itself happens elsewhere, on the
 * poller's descriptor.
 *
 *     the end of a turn                    a submitter, any thread
 *     E1  join the sleepers, as sentry     B1  queue the task
 *     E2  the break's word: ASLEEP         B2  asleep? take it off the list,
 *     E3  look at every queue again;           and break: write to the eventfd
 *         if there is a task: B2               if the word was ASLEEP
 *     E4  return; the host polls
 *
 * A SUBMIT BETWEEN THE LAST LOOK AND THE HOST'S POLL IS NOT LOST.  E1 and E3,
 * B1 and B2 are the handshake of idle.h: if E3 misses the task, then B2 comes
 * after E1 and finds the sleeper.  If it breaks before E2, E2 finds BROKEN in
 * the word and writes to the eventfd itself.  Either way the write comes before
 * or during the poll, and its edge stays in the epoll set, whose descriptor is
 * level-triggered towards the host, until a turn looks.
 *
 * Work that a turn leaves behind, because it has reached its limit, is treated
 * as if it had been submitted just then (B2 by the worker itself).  So hosts
 * have one rule: take a turn when the descriptor is readable, or when the next
 * deadline has come.  Nothing else is to be looked at, and what the host's own
 * thread submits from outside of turns counts as any other thread's.
 *
 * TIMERS are armed by tasks, hence in turns only, so what the host has asked
 * for after a turn stays true until the next.  When somebody else has hosted
 * the runtime meanwhile (block_on, a shutdown) it is left roused, for the host
 * to come and ask again.
 *
 * WHO MAY TURN  Whoever has the right to host the runtime: one thread at a
 * time, which need not be the same each time.  What a worker keeps is handed
 * on under go_runtime.lock.  While it dozes the thread that took the last turn
 * is a plain thread: it hosts nothing.
 *
 * A LIMIT of tasks is exact: a task's run is counted as it leaves its stack,
 * and the worker comes to its host after as many picks as there are runs left;
 * there is a pick, or more, for each run.  One of time is looked at every few
 * picks.
 *
 * WHY NOT a timerfd in the set, and so no deadlines?  A system call whenever
 * the earliest deadline changes, in a loop that has cheaper timers of its own.
 *
 * TESTS  model_guest.c: E1 to E4 against submitters; test_guest.c.
 */
#include <gofer/guest.h>
#include <limits.h>

#include "arch/sys.h"
#include "sched/local.h"
#include "sched/seat.h"

enum {
	MOST_TASKS = 256, /* In a turn, by default. */
	TIME_STEP = 8,    /* Picks between two looks at the time. */
};

struct turn {
	struct go__worker *worker;
	uint64_t begun; /* Runs there have been before. */
	uint64_t most;
	uint64_t until; /* GO__NO_DEADLINE: no limit of time. */
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Asked by the host before each pick. */
static bool has_had_its_turn(void *arg)
{
	struct turn *turn = arg;
	struct go__worker *w = turn->worker;
	uint64_t ran = w->runs - turn->begun;
	uint64_t left = turn->most > ran ? turn->most - ran : 0;

	/* However late it is, one task runs: who gives little time each turn
	 * would get nowhere else. */
	if (left == 0 || (ran > 0 && turn->until != GO__NO_DEADLINE &&
			  go__sys_now() >= turn->until)) {
		w->turning = false;
		return true;
	}
	if (turn->until != GO__NO_DEADLINE)
		left = smaller(left, TIME_STEP);
	w->fairness = (unsigned)smaller(left, w->runtime->fairness);
	w->fair_at = smaller(w->fair_at, go__picks(w) + w->fairness);
	return false;
}

/* 0 if the caller may use the runtime as a guest. */
static int check(const go_runtime *rt)
{
	if (!rt)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	if (rt->flavour != GO_CURRENT_THREAD)
		return -ENOTSUP;
	if (go__worker_self())
		return -EDEADLK;
	if (go__phase(rt) == GO__STOPPED)
		return -ESHUTDOWN;
	return 0;
}

static bool is_guest(go_runtime *rt)
{
	bool guest;

	go__lock_acquire(&rt->lock);
	guest = rt->guest;
	go__lock_release(&rt->lock);
	return guest;
}

/* For the host.  Returns whether that is new. */
static bool become_guest(go_runtime *rt, bool guest)
{
	bool changed;

	go__lock_acquire(&rt->lock);
	changed = rt->guest != guest;
	rt->guest = guest;
	go__lock_release(&rt->lock);
	return changed;
}

/* Host the runtime for one turn. */
static int take_turn(go_runtime *rt, uint64_t most, uint64_t until)
{
	struct go__worker *w = &rt->worker[0];
	struct turn turn = {w, 0, most, until};
	bool first;
	int r;

	go__visit(rt);
	r = go__runtime_host(rt);
	if (r < 0)
		goto out;
	first = become_guest(rt, true);
	turn.begun = w->runs;
	w->turning = true;
	r = go__worker_host(w, has_had_its_turn, &turn);
	if (r < 0 && first)
		(void)become_guest(rt, false);
	w->turning = false;
	w->fairness = rt->fairness;
	if (r == 0)
		r = (int)smaller(w->runs - turn.begun, INT_MAX);
	go__runtime_unhost(rt);
out:
	go__depart(rt);
	return r;
}

int go_runtime_turn(go_runtime *rt, unsigned most_tasks, int64_t most_ns)
{
	uint64_t until = GO__NO_DEADLINE;
	int r = check(rt);

	if (r < 0)
		return r;
	if (most_ns < 0)
		return -EINVAL;
	if (most_ns != 0 && most_ns != GO_NEVER)
		until = go__sys_now() + (uint64_t)most_ns;
	return take_turn(rt, most_tasks ? most_tasks : MOST_TASKS, until);
}

int go_runtime_fd(go_runtime *rt)
{
	int r = check(rt);

	/* An empty turn, so that it dozes from here on. */
	if (r == 0 && !is_guest(rt))
		r = take_turn(rt, 0, GO__NO_DEADLINE);
	return r < 0 ? r : go__poller_fd(rt->post[0].poller);
}

/* Under rt->lock. */
static int64_t next_deadline(go_runtime *rt)
{
	uint64_t trim = go__stack_trim_due(), next;

	if (go__phase(rt) == GO__STOPPED)
		return GO_NEVER;
	if (rt->hosted) {
		rt->asked = true; /* The descriptor tells when it is over. */
		return GO_NEVER;
	}
	if (!rt->guest || go__idle_count(go__idle_state(&rt->idle)) == 0)
		return 0;
	next = go__wheel_next(&rt->worker[0].wheel);
	/* 0: stacks of other runtimes, which have others to look after them. */
	if (trim != 0)
		next = smaller(next, trim);
	return next < (uint64_t)GO_NEVER ? (int64_t)next : GO_NEVER;
}

int64_t go_runtime_next_deadline_ns(go_runtime *rt)
{
	int64_t next;

	if (!rt)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	if (rt->flavour != GO_CURRENT_THREAD)
		return -ENOTSUP;
	go__lock_acquire(&rt->lock);
	next = next_deadline(rt);
	go__lock_release(&rt->lock);
	return next;
}

int go_runtime_timeout_ms(go_runtime *rt)
{
	int64_t next = go_runtime_next_deadline_ns(rt);
	uint64_t now, ms;

	if (next <= 0)
		return (int)next;
	if (next == GO_NEVER)
		return -1;
	now = go__sys_now();
	if ((uint64_t)next <= now)
		return 0;
	ms = ((uint64_t)next - now + 999999) / 1000000;
	return (int)smaller(ms, INT_MAX);
}
