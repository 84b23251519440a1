/* SPDX-License-Identifier: MIT */
/*
 * Workers that are lent while others are stuck.
 *
 * A task that computes for long, or blocks its thread, keeps its worker from
 * its queues, its timers and the poller.  If that is so on all workers, all
 * other tasks stand still.  The watchdog then lends a worker: one of those that
 * wait in their slots behind the runtime's own gets a thread, steals, polls and
 * runs timers like any other, and is recalled when no more workers are stuck
 * than lent (watchdog.c decides; this file is how).
 *
 * RECALL  The lent one sees it between two tasks.  What it has queued moves to
 * the injection queue, and it ceases to be active (idle.h).  Its slot stays,
 * with its counters and its timers, and is looked at like all others for the
 * rest of the runtime's life.  No task is bound to it: pinned tasks that it
 * spawns belong to a worker that stays (go__worker_home()), and for those that
 * it finds among the starved it has a stack at most (pick.c).
 *
 * ALONE  The worker of a runtime that has but one uses no locked instruction on
 * its queues (ring.h), and none to acquire the poller.  So before another is
 * lent, `alone` must be false, and its owner must have seen that, and not be in
 * the middle of such an operation.  The owner may not be asked, as it does not
 * listen; and may not pay, as a locked instruction is what is to be saved.
 *
 *     the owner                          the watchdog
 *     P1  open = false                   Q1  alone = false
 *     P2  (compiler barrier)             Q2  membarrier()
 *     P3  read alone; use the queues     Q3  read open: if true, lend
 *     P4  open = true                        else alone = true, try later
 *
 * Q2 is a full barrier in the owner's thread, wherever that is.  If it is
 * behind P1 and before P4, then Q3 reads P1's false, or what a later P4 has
 * written.  If Q3 reads a P4, all that was done to the queues before comes
 * before whatever the lent worker does (release, acquire), and the next P3
 * comes behind Q2, and reads Q1's false.
 *
 * The owner is closed all the time but for the tasks' own code: a task that
 * yields enters the ring before its context is saved, and is opened by its
 * successor when that is over; a worker that looks for tasks, or sleeps, is
 * closed, and lends nothing.
 *
 * When the last lent worker has gone, `alone` is set again, and that needs
 * nothing: the owner reads it (acquire) some time later, with all that the lent
 * one has done.
 *
 * WHY NOT a signal to the stuck thread, whose handler would be the owner's own
 * barrier?  It would interrupt the program's system calls, and need a signal
 * that the program does not use.  Where there is no membarrier(), a lone worker
 * is never alone, and uses locked instructions.
 *
 * INVARIANT  alone implies that no worker is lent.  Only the watchdog's thread
 *            changes either.
 *
 * Where tasks stay nobody is lent (home.c).
 *
 * TESTS  model_lend.c; model_loan.c: the end of the runtime; test_stuck.c.
 */
#include <string.h>

#include "arch/sys.h"
#include "sched/local.h"

/* ---- sharing a lone worker's queues ---- */

static void set_alone(struct go__worker *w, bool alone)
{
	/* [alone] release -> go__alone(): what lent workers did; Q1. */
	atomic_store_explicit(&w->alone, alone, memory_order_release);
}

/* Let others into the queues of a lone worker.  False: not now. */
static bool share(struct go__worker *w)
{
	if (!go__alone(w))
		return true;
	set_alone(w, false);
	if (go__sys_membarrier() == 0 &&
	    /* acquire <- [opened]. */
	    atomic_load_explicit(&w->open, memory_order_acquire))
		return true;
	set_alone(w, true);
	return false;
}

void go__lend_init(struct go_runtime *rt)
{
	/* relaxed: nobody runs yet. */
	atomic_store_explicit(&rt->slots, rt->worker_count,
			      memory_order_relaxed);
	rt->can_be_alone = rt->worker_count == 1 && rt->spares == 0;
}

/* ---- slots ---- */

static void set_loan(struct go__worker *w, enum go__loan loan)
{
	/* [loan] release -> go__loan_of(): the worker as it was left. */
	atomic_store_explicit(&w->loan, loan, memory_order_release);
}

unsigned go__lent(const struct go_runtime *rt)
{
	unsigned n = 0;

	for (unsigned i = rt->worker_count; i < go__slots(rt); i++)
		n += go__loan_of(&rt->worker[i]) != GO__LOAN_FREE;
	return n;
}

/* A slot that is free, if need be a new one; NULL: all are lent. */
static struct go__worker *free_slot(struct go_runtime *rt)
{
	unsigned n = go__slots(rt);
	struct go__worker *w;

	for (unsigned i = rt->worker_count; i < n; i++) {
		w = &rt->worker[i];
		if (go__loan_of(w) == GO__LOAN_FREE)
			return w;
	}
	if (n == rt->worker_count + rt->spares)
		return NULL;
	w = &rt->worker[n];
	memset(w, 0, sizeof(*w));
	go__worker_init(w, rt, n);
	set_loan(w, GO__LOAN_FREE);
	/* [slots] release -> go__slots(): the worker is there. */
	atomic_store_explicit(&rt->slots, n + 1, memory_order_release);
	return w;
}

/* ---- lending ---- */

void go__lend_settle(struct go_runtime *rt)
{
	struct go__worker *w = &rt->worker[0];

	if (rt->can_be_alone && !go__alone(w) && go__lent(rt) == 0)
		set_alone(w, true);
}

void go__lend_begin(struct go_runtime *rt)
{
	if (rt->worker_count == 1 && go__sys_membarrier_begin() == 0)
		rt->can_be_alone = true;
	go__lend_settle(rt);
}

int go__lend(struct go_runtime *rt)
{
	struct go__worker *w = free_slot(rt);
	int r;

	if (!w)
		return -EAGAIN;
	if (rt->worker_count == 1 && !share(&rt->worker[0]))
		return -EBUSY;
	set_loan(w, GO__LOAN_LENT);
	r = go__pool_host(w);
	if (r < 0)
		set_loan(w, GO__LOAN_FREE);
	return r;
}

void go__recall(struct go_runtime *rt)
{
	for (unsigned i = rt->worker_count; i < go__slots(rt); i++) {
		struct go__worker *w = &rt->worker[i];

		if (go__loan_of(w) == GO__LOAN_LENT && !w->watched.hogged) {
			set_loan(w, GO__LOAN_RECALLED);
			/* Behind that: idle.lock has it read the loan after it
			 * has joined the sleepers, or it is found there. */
			go__notify_worker(w);
			return;
		}
	}
}

/* ---- the lent worker's host ---- */

/* It may change its host while it is lent. */
void go__lend_enter(struct go__worker *w)
{
	if (!w->active)
		go__idle_enter(&w->runtime->idle);
	w->active = true;
}

/* The next task in the worker's own queues, whoever it was for. */
static struct go__task *any(struct go__worker *w)
{
	struct go__task *t = w->handoff;

	w->handoff = NULL;
	if (!t)
		t = go__take_next(w, false);
	if (!t)
		t = go__pop_woken(w, false);
	return t ? t : go__fresh_take_one(&w->fresh);
}

void go__lend_quit(struct go__worker *w)
{
	struct go__task *t;

	while ((t = any(w)))
		go__queue_push(&w->runtime->injection, &t, 1);
	w->active = false;
	go__worker_quit(w);
}

void go__lend_over(struct go__worker *w)
{
	set_loan(w, GO__LOAN_FREE);
}
