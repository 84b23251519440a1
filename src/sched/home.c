/* SPDX-License-Identifier: MIT */
/*
 * GO_HOME_THREAD: many workers, and no migration.
 *
 * A task's HOME is the worker that has first run it.  There it stays: only that
 * worker resumes it, so that tasks with one home never run at the same time,
 * and run on one thread, as long as none of them begins a blocking section,
 * which moves the worker to another thread (below).  It is what a pinned
 * task is promised, for all, with one difference: a task that has not run yet
 * has no home, and goes to whoever has time for it.
 *
 * THE RULE  go__task_stays() says of a task that can be resumed whether it may
 * go on in one place only.  Whoever makes it runnable, and is not there, puts
 * it into that worker's inbox.
 *
 *     where it lies        who may take it
 *     -------------------  ------------------------------------------
 *     the inbox            its worker; another one's tasks come by it
 *     `next`               its worker, stuck or not
 *     the woken ring       its worker
 *     the fresh ring       anybody: new tasks have no home
 *     the injection queue  anybody: there is none in it that stays
 *
 * So thieves keep their hands off the woken ring and `next`, whatever lies in
 * them (go__may_be_taken()), and a full woken ring overflows into the inbox.
 *
 * THE INBOX is the way of most tasks that are woken here, not of few as in the
 * other flavours.  If they went first, tasks of other workers that wake ours
 * all the time would keep out what is woken at home.  So they join the woken
 * ring, behind those that wait there.  A ring full of tasks that yield all the
 * time stays full, and what overflows from it is in the inbox, too; so while it
 * is full the two take turns.
 *
 * HOW TASKS SPREAD  Nobody moves them later, so their first place counts.
 * Thieves take new tasks if they have nothing to do, but that is not enough: a
 * task that accepts connections spawns one task for each, which runs at once
 * where it was spawned, and waits.  All would live there.  So a worker counts
 * its residents, those that have begun there and have not ended, and a new task
 * goes to another one that has clearly fewer; each is asked in turn.  Not to
 * one that is stuck: there it could wait for long, and nobody may fetch it.
 * What is counted are stacks, since a stack is used up and left less often than
 * tasks begin and end on it.
 * A pinned task goes the same way; from outside, each goes to another worker.
 *
 * HOGS  While a task keeps its worker, all who live there wait for it.  It
 * cannot be otherwise: to run one of them would be to move it.  Nor is a worker
 * lent (lend.c): it could not run them, and must not become a home, since it is
 * recalled.  It could look after timers and pollers; but whom it wakes is a
 * task that waits for its hog then, and plain threads look after descriptors
 * and deadlines of their own.  So if all workers are hogged, all tasks wait,
 * those that have not run among them; the hogs are reported as elsewhere.
 *
 * SECTIONS  A task in a blocking section (section.c) is a plain thread beside
 * its home, which goes on without it on another thread: with its timers, its
 * turns at the poller and all who live there.  At the end it comes back by the
 * inbox.
 *
 * MIGRATE, which is against all that, is off in this flavour.
 *
 * WHY NOT home at spawn?  Then each spawn of a short task from a busy worker
 * would wait for it, or be sent away, and both cost more than to let idle ones
 * come for it.  WHY NOT only pinned tasks?  They wait in the inbox, which is a
 * locked list, at each step, and go first, each of them; that is meant for few.
 *
 * INVARIANT  A task with a stack lies in queues of its home only, or in none.
 *
 * TESTS  model_home.c; test_home.c.
 */
#include "sched/local.h"

enum {
	LOPSIDED = 8, /* So many more residents here than there. */
};

static uint32_t residents(const struct go__worker *w)
{
	/* relaxed: a hint. */
	return atomic_load_explicit(&w->residents, memory_order_relaxed);
}

static bool is_stuck(const struct go__worker *w)
{
	/* relaxed: as good as it gets. */
	return atomic_load_explicit(&w->stuck, memory_order_relaxed);
}

struct go__worker *go__emptier(struct go__worker *self)
{
	struct go_runtime *rt = self->runtime;
	/* relaxed: our own counter. */
	uint64_t turn =
		atomic_load_explicit(&self->spawned, memory_order_relaxed);
	struct go__worker *other = &rt->worker[turn % rt->worker_count];

	if (residents(other) + LOPSIDED >= residents(self) || is_stuck(other))
		return NULL;
	return other;
}

struct go__worker *go__home_for(struct go_runtime *rt)
{
	/* relaxed: each takes another one, more or less. */
	uint64_t turn =
		atomic_load_explicit(&rt->spawned, memory_order_relaxed);

	for (unsigned i = 0; i < rt->worker_count; i++) {
		struct go__worker *w =
			&rt->worker[(turn + i) % rt->worker_count];

		if (!is_stuck(w))
			return w;
	}
	return &rt->worker[turn % rt->worker_count];
}
