/* SPDX-License-Identifier: MIT */
/*
 * Blocking sections: a task keeps its thread, and its worker goes on without.
 *
 * A worker is an object, so another thread can host it.  What happens to the
 * thread T, the worker W and the task X that runs there:
 *
 *     begin    T: X ceases to be a task (below); nothing of W is touched from
 *                 here on; have a thread S of the pool host W
 *     section  S: runs W's tasks
 *              T: runs X, on X's stack, as a plain thread
 *     end      T: X is a task again; switch to T's own stack, where T once
 *                 switched from, as W's host, to X or a task before it
 *              T: finds that it hosts W no more; X is saved now, so inject it;
 *                 return to the pool, where T is idle
 *              X: resumed by some worker, or by its own if it must stay there
 *
 * The hand-over of W is ordered by pool.lock: what T wrote before it called
 * go__pool_host(), S sees.  If no thread is to be had, W is still T's, and
 * everything is put back.
 *
 * AS A PLAIN THREAD  Everything in the library asks the running context what it
 * is: its flags, and its waiter.  In a section X's context is no task's by its
 * flags, and its waiter is T's.  So X waits as T, on T's futex, is in no
 * worker, and its waits are not cancelled, without a word about sections in
 * what waits.  X lends T's record two things and takes them back: its innermost
 * deadline, and its local values.  The few calls that ask for more than "who
 * waits?" (is the caller cancelled, shielded, a child of this group?) ask for
 * the task inside: go__task_inside().
 *
 * A LENT WORKER (lend.c) is handed over like any other: it stays active, and
 * the new host goes on lending it.  To the watchdog a worker on its way runs
 * nothing, and a task in a section runs on no worker: it keeps nobody from
 * anything, so it is neither a hog nor reported.
 *
 * THE WORKER'S `open` (lend.c) stays true on the way.  That is what it means:
 * nothing of the scheduler is at work on W.  S closes it before it touches a
 * queue, and if W has been shared meanwhile, S is behind the watchdog's
 * membarrier() then, as any thread is.
 *
 * FORK  In the child X is a plain thread in every respect (fork.c), and ends
 * the process when it returns.
 *
 * TESTS  model_section.c; test_section.c, test_blocking_stress.c.
 */
#include <gofer/blocking.h>

#include "arch/sys.h"
#include "sched/extra.h"
#include "sched/worker.h"

static struct go__thread *thread_of(const struct go__context *c)
{
	return go__container_of((struct go__waiter *)c->waiter,
				struct go__thread, waiter);
}

/* Told to people only. */
static void show(struct go__task *t, enum go__wait_kind kind)
{
	/* relaxed: no wait of this task is open. */
	atomic_store_explicit(&t->waiter.kind, (uint8_t)kind,
			      memory_order_relaxed);
}

/* From here on the caller is a plain thread. */
static void become_thread(struct go__task *t, struct go__thread *thread)
{
	thread->section = (struct go__section){
		.task = t,
		.host = t->worker->host,
		.extra = thread->extra,
		.depth = 1,
	};
	thread->extra = t->start.extra;
	thread->deadline = t->deadline;
	thread->worker = NULL;
	t->context.waiter = &thread->waiter;
	t->context.flags = GO__CONTEXT_SECTION;
	show(t, GO__WAIT_SECTION);
}

/* And a task again, though one that no worker runs. */
static void become_task(struct go__task *t, struct go__thread *thread)
{
	t->context.waiter = &t->waiter;
	t->context.flags = GO__CONTEXT_TASK;
	t->deadline = thread->deadline;
	t->start.extra = thread->extra;
	thread->deadline = GO__NO_DEADLINE;
	thread->extra = thread->section.extra;
	show(t, GO__WAIT_OTHER);
}

int go_blocking_begin(void)
{
	struct go__context *c = go__self();
	struct go__task *t = go__task_self();
	struct go__thread *thread;
	struct go__worker *w;
	int r, *error;

	if (c->flags & GO__CONTEXT_SECTION)
		thread_of(c)->section.depth++;
	if (!t)
		return 0;
	w = t->worker;
	if (w->runtime->flavour == GO_CURRENT_THREAD)
		return -ENOTSUP;
	thread = thread_of(w->host);
	error = w->errno_location;
	t->context.saved_errno = *error;
	become_thread(t, thread);
	go__runs(w, NULL);
	go__host_is_here(w, false);
	r = go__pool_host(w);
	*error = t->context.saved_errno;
	if (r < 0) {
		become_task(t, thread);
		thread->section.task = NULL;
		thread->worker = w;
		go__host_is_here(w, true);
		go__runs(w, t);
	}
	return r;
}

int go_blocking_end(void)
{
	struct go__context *c = go__self();
	struct go__thread *thread;

	if (c->flags & GO__CONTEXT_TASK)
		return -EINVAL;
	if (!(c->flags & GO__CONTEXT_SECTION))
		return 0;
	thread = thread_of(c);
	if (--thread->section.depth == 0)
		go__section_end(thread);
	return 0;
}

void go__section_close(struct go__context *c)
{
	if (c->flags & GO__CONTEXT_SECTION)
		go__section_end(thread_of(c));
}

/* Out of line: where errno is must not be known to what suspends. */
__attribute__((noinline)) static void save_errno(struct go__task *t)
{
	t->context.saved_errno = *go__sys_errno();
}

/* Park the caller, who is about to be injected by the stack it goes to. */
void go__section_end(struct go__thread *thread)
{
	struct go__task *t = thread->section.task;

	save_errno(t);
	go__leave_all(thread);
	become_task(t, thread);
	go__park_for_worker(t, thread->section.host);
}

bool go__section_over(struct go__thread *thread, struct go__worker *w)
{
	struct go__task *t;

	if (thread->worker == w)
		return false;
	t = thread->section.task;
	thread->section.task = NULL;
	thread->section.host->flags &= ~(uint32_t)GO__CONTEXT_WORKER;
	/* Its context is saved: whoever finds it may resume it. */
	go__ready(NULL, t, false);
	return true;
}
