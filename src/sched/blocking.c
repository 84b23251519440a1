/* SPDX-License-Identifier: MIT */
/*
 * Blocking work: functions that are run on the pool's threads.
 *
 * A job is a wait node in the pool's queue, and its states are those of a wait.
 * That is all there is to withdrawing jobs:
 *
 *     the wait        the job                    who ends the wait
 *     --------------  -------------------------  ----------------------------
 *     open            lies in the queue          a pool thread, by its claim;
 *                                                a deadline; a cancellation
 *     claimed         runs, if a thread has      only who has claimed it, so
 *                     claimed it                 the job is waited for, deaf
 *     delivered       is over; or is withdrawn   -
 *
 * So a job runs if and only if a pool thread wins its wait, and then nothing
 * but its end lets the caller go on.
 *
 * A CALL (go_blocking) is the caller's own wait, with a node on its stack.
 *
 * A BLOCKING TASK is a task that is born waiting, its context "saved" before it
 * has one.  The claim of a pool thread means that the thread is its stack: it
 * runs the function, and ends the task.  Any other claim, which can only be a
 * cancellation, makes the task runnable as it would any other.  A worker then
 * runs it for the first time, and what it runs is go__blocking_withdrawn().
 * Hence handles, joins, selects, the dump and shutdown know nothing of
 * blocking tasks, and a queued one costs a block, no stack.
 *
 * TESTS  model_job.c; test_blocking.c, test_blocking_stress.c.
 */
#include "sched/blocking.h"

#include <gofer/blocking.h>

#include "arch/sys.h"
#include "sched/extra.h"
#include "sched/worker.h"

struct call {
	struct go__wait_node node;
	go_fn *fn;
	void *arg;
};

/* ---- on a pool thread ---- */

static void set_kind(struct go__waiter *w, enum go__wait_kind kind)
{
	/* relaxed: told to people; the wait is claimed, so it is ours. */
	atomic_store_explicit(&w->kind, (uint8_t)kind, memory_order_relaxed);
}

/* Call fn(arg) with nothing left over from, and nothing left for, others. */
static void *run(struct go__thread *self, struct go__waiter *w, go_fn *fn,
		 void *arg)
{
	set_kind(w, GO__WAIT_BLOCKING_RUNS);
	self->pool.serves = go__task_of_waiter(w);
	arg = go__context_call(fn, arg);
	self->pool.serves = NULL;
	go__exit_if_forked(self->pool.runtime);
	if (self->extra)
		go__extra_end(&self->extra);
	go__leave_all(self);
	self->deadline = GO__NO_DEADLINE;
	set_kind(w, GO__WAIT_BLOCKING);
	return arg;
}

static void run_task(struct go__thread *self, struct go__task *t)
{
	/* relaxed: the claim has shown us the spawn. */
	go_fn *fn = (go_fn *)(uintptr_t)atomic_load_explicit(
		&t->waiter.object, memory_order_relaxed);

	t->job = (struct go__wait_node){0};
	t->timer = (struct go__timer){0};
	t->start.arg = run(self, &t->waiter, fn, t->start.arg);
	go__task_end_outside(self->pool.runtime, t);
}

void go__blocking_run(struct go__thread *self, struct go__wait_node *job)
{
	struct go__waiter *w = job->waiter;
	struct call *call;

	if (job == &go__task_of_waiter(w)->job) {
		run_task(self, go__task_of_waiter(w));
		return;
	}
	call = go__container_of(job, struct call, node);
	call->arg = run(self, w, call->fn, call->arg);
	go__wait_deliver(w, 0);
}

/* ---- withdrawn ---- */

void go__blocking_forget(struct go__task *t)
{
	/* relaxed: constant while the task lives. */
	struct go_runtime *rt =
		atomic_load_explicit(&t->runtime, memory_order_relaxed);

	go__pool_withdraw(rt, &t->job);
	t->timer = (struct go__timer){0};
}

void *go__blocking_withdrawn(void *unused)
{
	struct go__task *t = go__task_of_context(go__self());

	(void)unused;
	go__blocking_forget(t);
	t->error = -ENODATA;
	return NULL;
}

/* ---- submitting ---- */

static int call_pool(struct go__waiter *w, struct call *call, void **result)
{
	struct go_runtime *rt = go__task_of_waiter(w)->worker->runtime;
	int r;

	go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_BLOCKING,
		       (const void *)(uintptr_t)call->fn);
	go__wait_node_init(&call->node, w);
	r = go__pool_submit(rt, &call->node, w, call->node.epoch);
	if (r < 0) {
		int ended = go__wait_abandon(w);

		return ended < 0 ? ended : r;
	}
	r = go__wait(w);
	if (go__wait_deserted(r))
		go__pool_withdraw(rt, &call->node);
	else if (result)
		*result = call->arg;
	return r;
}

int go_blocking(go_fn *fn, void *arg, void **result)
{
	struct call call = {.fn = fn, .arg = arg};
	struct go__waiter *w;
	int r;

	if (!fn)
		return -EINVAL;
	if (!go__task_self()) {
		arg = fn(arg);
		if (result)
			*result = arg;
		return 0;
	}
	r = go__wait_enter(&w);
	return r < 0 ? r : call_pool(w, &call, result);
}

/*
 * The task has been published: note that it is saved, which it always was, and
 * queue it.  0, -EAGAIN or -ENOMEM.
 */
static int launch(struct go_runtime *rt, struct go__worker *self,
		  struct go__task *t)
{
	uint64_t id = go__task_word_id(&t->word), epoch = t->job.epoch;
	int r;

	if (go__wait_word_save(&t->waiter.word)) {
		go__ready_fresh(self, t); /* Withdrawn already. */
		return 0;
	}
	/* As for one that parks: see after_park() in park.c. */
	if (go__phase(rt) != GO__OPEN)
		go__task_interrupt(t, id);
	r = go__pool_submit(rt, &t->job, &t->waiter, epoch);
	if (r == 0 || !go__wait_claim_epoch(&t->waiter, epoch))
		return 0;
	t->timer = (struct go__timer){0};
	go__spawn_undo(rt, self, t);
	return r;
}

static int spawn(const struct go__start *start, go_task *handle)
{
	struct go__worker *self = go__worker_self();
	struct go_runtime *rt = go__runtime_self();
	struct go__start born = *start;
	go_task before = handle ? *handle : (go_task){NULL, 0};
	struct go__task *t;
	int r;

	if (!start->fn)
		return -EINVAL;
	if (!rt)
		return -ESRCH;
	if (rt->dead)
		return -ECHILD;
	born.fn = go__blocking_withdrawn;
	if (!self)
		go__visit(rt); /* As in from_outside() of ready.c. */
	r = go__spawn_waiting(rt, self, &born,
			      (const void *)(uintptr_t)start->fn, &t, handle);
	if (r == 0)
		r = launch(rt, self, t);
	if (r < 0 && handle)
		*handle = before;
	if (!self)
		go__depart(rt);
	return r;
}

int go_blocking_spawn_at(go_fn *fn, void *arg, const char *site)
{
	return spawn(&(struct go__start){fn, arg, site, NULL}, NULL);
}

int go_blocking_task_at(go_task *task, go_fn *fn, void *arg, const char *site)
{
	return task ? spawn(&(struct go__start){fn, arg, site, NULL}, task)
		    : -EINVAL;
}
