/* SPDX-License-Identifier: MIT */
/* A worker's host: the stack it stands on between tasks, and its thread. */
#include "arch/exceptions.h"
#include "arch/sys.h"
#include "sched/local.h"

void go__worker_init(struct go__worker *w, struct go_runtime *rt,
		     unsigned index)
{
	w->runtime = rt;
	w->index = index;
	/* relaxed: shown to nobody yet. */
	atomic_store_explicit(&w->alone, rt->can_be_alone && index == 0,
			      memory_order_relaxed);
	w->home = rt->home;
	w->first_function = go__first_function(rt);
	w->fairness = rt->fairness;
	w->fair_at = w->fairness;
	w->seed = go__mix(rt->seed + index) | 1; /* Never 0: pick.c. */
	w->limit = GO__NO_DEADLINE;
	go__queue_init(&w->inbox);
	go__lock_init(&w->thread.lock);
	go__wheel_init(&w->wheel, go__note_time(w, go__sys_now()));
}

/*
 * The caller runs the worker from now on: a thread, or (thread is NULL) a task
 * of another runtime.  That one is and stays its own runtime's, so what it
 * makes runnable as a host is injected.  Out of line, because where errno is
 * must not be known to a function that switches.
 */
__attribute__((noinline)) static void take_host(struct go__worker *w,
						struct go__thread *thread)
{
	/* Where it comes from, a task's own code may have run. */
	go__worker_close(w);
	w->host = go__self();
	w->host->flags |= GO__CONTEXT_WORKER;
	w->errno_location = go__sys_errno();
	w->exceptions = NULL;
	w->grave.flags = GO__CONTEXT_WORKER | GO__CONTEXT_DYING;
	if (thread)
		thread->worker = w;
	go__host_is_here(w, true);
	if (w->dozing)
		go__worker_rise(w);
}

static void leave_host(struct go__worker *w, struct go__thread *thread)
{
	go__host_is_here(w, false);
	if (w->runtime->guest) {
		go__worker_doze(w, !w->turning);
	} else {
		go__worker_retire(w);
	}
	w->host->flags &= ~(uint32_t)GO__CONTEXT_WORKER;
	if (thread)
		thread->worker = NULL;
}

void go__worker_retire(struct go__worker *w)
{
	go__stack_flush(&w->stacks, 0);
	go__block_drain(w);
	go__altstack_remove(&w->altstack);
}

/*
 * Run tasks until there is no more to do: true.  False: a section has taken the
 * thread from the worker, which is another's now.
 */
static bool run(struct go__worker *w, struct go__thread *thread,
		bool (*done)(void *), void *arg)
{
	struct go__task *t;

	while ((t = go__pick(w, done, arg))) {
		t->worker = w;
		go__runs(w, t);
		go__context_switch(w->host, &t->context);
		if (thread && go__section_over(thread, w))
			return false;
		go__after_switch(w);
	}
	return true;
}

static bool recalled(void *arg)
{
	return go__loan_of((struct go__worker *)arg) == GO__LOAN_RECALLED;
}

int go__worker_host(struct go__worker *w, bool (*done)(void *), void *arg)
{
	struct go__thread *thread = go__task_self() ? NULL : go__thread_self();
	bool lent = go__loan_of(w) != GO__LOAN_HOME;
	/* A guest's is kept, or each turn would map and unmap one. */
	bool guest = w->runtime->guest, ours;
	struct go__exceptions held;
	struct go__altstack own = {0}, *altstack = guest ? &w->altstack : &own;

	if (!thread && !go__task_self())
		return -ENOMEM;
	/* Without one an overflow ends the process all the same, unreported. */
	(void)go__altstack_install(altstack);
	held = go__exceptions_leave();
	take_host(w, thread);
	if (lent) {
		go__lend_enter(w);
		done = recalled;
		arg = w;
	}
	ours = run(w, thread, done, arg);
	if (ours && lent)
		go__lend_quit(w);
	if (ours)
		leave_host(w, thread);
	go__exceptions_arrive(&held);
	if (guest)
		go__altstack_rest(altstack);
	else
		go__altstack_remove(altstack);
	if (ours && lent)
		go__lend_over(w);
	return 0;
}
