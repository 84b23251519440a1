/* SPDX-License-Identifier: MIT */
/* A worker's host: the stack it stands on between tasks, and its thread. */
#include "sched/worker.h"

#include <signal.h>

#include "arch/sys.h"

void go__worker_init(struct go__worker *w, struct go_runtime *rt,
		     unsigned index)
{
	w->runtime = rt;
	w->index = index;
	w->alone = rt->worker_count == 1;
	w->fair_at = rt->fairness;
	w->seed = index + 1;
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
}

static void leave_host(struct go__worker *w, struct go__thread *thread)
{
	go__stack_flush(&w->stacks, 0);
	go__block_drain(w);
	w->host->flags &= ~(uint32_t)GO__CONTEXT_WORKER;
	if (thread)
		thread->worker = NULL;
}

int go__worker_host(struct go__worker *w, bool (*done)(void *), void *arg)
{
	struct go__thread *thread = go__task_self() ? NULL : go__thread_self();
	struct go__task *t;

	if (!thread && !go__task_self())
		return -ENOMEM;
	/* Without one an overflow ends the process all the same, unreported. */
	(void)go__altstack_install(&w->altstack);
	take_host(w, thread);
	while ((t = go__pick(w, done, arg))) {
		t->worker = w;
		go__runs(w, t);
		go__context_switch(w->host, &t->context);
		go__after_switch(w);
	}
	leave_host(w, thread);
	go__altstack_remove(&w->altstack);
	return 0;
}

/*
 * Block SIGPIPE, whose news a write returns, and every signal that the program
 * handles itself: its handlers belong on its own threads.  Signals at their
 * default stay: a child of a task must not inherit a blocked SIGINT.
 */
static void mask_signals(void)
{
	sigset_t set;
	struct sigaction old;

	sigemptyset(&set);
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
		    sig == SIGILL || sig == SIGTRAP || sig == SIGABRT ||
		    sig == SIGSYS || sig == SIGPROF)
			continue;
		if (go__sys_sigaction(sig, NULL, &old) == 0 &&
		    old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN)
			sigaddset(&set, sig);
	}
	sigaddset(&set, SIGPIPE);
	(void)go__sys_sigmask(SIG_BLOCK, &set, NULL);
}

/* Tell go__worker_start() how it went. */
static void report(struct go__worker *w, int r)
{
	/* [started] release -> go__worker_start(). */
	atomic_store_explicit(&w->started, r < 0 ? (uint32_t)-r + 1 : 1,
			      memory_order_release);
	go__sys_futex_wake(&w->started, 1);
}

static void *thread_main(void *arg)
{
	struct go__worker *w = arg;
	int r;

	go__sys_thread_name(w->runtime->thread_name);
	mask_signals();
	r = go__thread_self() ? 0 : -ENOMEM;
	report(w, r);
	if (r < 0)
		return NULL;
	(void)go__worker_host(w, NULL, NULL);
	return NULL;
}

int go__worker_start(struct go__worker *w)
{
	uint32_t started;
	int r = go__sys_thread_create(
		&w->thread, w->runtime->worker_stack_bytes, thread_main, w);

	if (r < 0)
		return r;
	/* acquire <- [started]. */
	while (!(started = atomic_load_explicit(&w->started,
						memory_order_acquire)))
		(void)go__sys_futex_wait(&w->started, 0, GO__NO_DEADLINE);
	if (started == 1)
		return 0;
	(void)go__sys_thread_join(w->thread);
	return -(int)(started - 1);
}
