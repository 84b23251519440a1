/* SPDX-License-Identifier: MIT */
/* A worker's host: the stack it stands on between tasks, and its thread. */
#include "sched/worker.h"

#include "arch/sys.h"

void go__worker_init(struct go__worker *w, struct go_runtime *rt,
		     unsigned index)
{
	w->runtime = rt;
	w->index = index;
	w->alone = rt->worker_count == 1;
	w->fairness = rt->fairness;
	w->fair_at = w->fairness;
	w->seed = go__mix(rt->seed + index) | 1; /* Never 0: pick.c. */
	w->limit = GO__NO_DEADLINE;
	go__queue_init(&w->inbox);
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
	w->host = go__self();
	w->host->flags |= GO__CONTEXT_WORKER;
	w->errno_location = go__sys_errno();
	w->grave.flags = GO__CONTEXT_WORKER | GO__CONTEXT_DYING;
	if (thread)
		thread->worker = w;
	if (w->dozing)
		go__worker_rise(w);
}

static void leave_host(struct go__worker *w, struct go__thread *thread)
{
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

int go__worker_host(struct go__worker *w, bool (*done)(void *), void *arg)
{
	struct go__thread *thread = go__task_self() ? NULL : go__thread_self();
	/* A guest's is kept, or each turn would map and unmap one. */
	bool guest = w->runtime->guest;
	struct go__altstack own = {0}, *altstack = guest ? &w->altstack : &own;
	struct go__task *t;

	if (!thread && !go__task_self())
		return -ENOMEM;
	/* Without one an overflow ends the process all the same, unreported. */
	(void)go__altstack_install(altstack);
	take_host(w, thread);
	while ((t = go__pick(w, done, arg))) {
		t->worker = w;
		go__runs(w, t);
		go__context_switch(w->host, &t->context);
		go__after_switch(w);
	}
	leave_host(w, thread);
	if (guest)
		go__altstack_rest(altstack);
	else
		go__altstack_remove(altstack);
	return 0;
}
