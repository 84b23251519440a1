/* SPDX-License-Identifier: MIT */
/* Backtraces of hogs: backtrace.c. */
#ifndef GO_SCHED_BACKTRACE_H
#define GO_SCHED_BACKTRACE_H

#include <pthread.h>
#include <stdbool.h>

#include "arch/lock.h"
#include "sched/question.h"

/* A part of a runtime. */
struct go__backtrace {
	struct go__question question;
	int signal; /* Constant: hogs are asked by it; 0: they are not. */
};

/* A part of a worker: its host.  Under lock, where hogs are asked. */
struct go__host_thread {
	struct go__lock lock;
	bool there;
	pthread_t id;
};

/* Where hogs are asked, the calling thread hosts the worker from here on, or
 * nobody does. */
void go__host_is_here(struct go__worker *w, bool here);

/* Can hogs be asked for their backtraces here? */
bool go__backtrace_is_possible(void);
/* May they be asked by this signal? */
bool go__backtrace_signal_is_good(int sig);
/* Answer on this signal, from now on or still; 0 or -errno. */
int go__backtrace_on_signal(int sig);

/*
 * The watchdog only: ask a hog where it is.  Returns how many frames there are
 * now in the question of its runtime; they stay until the next one.
 */
unsigned go__backtrace_ask(const struct go__hog *hog);

#ifdef GO_TEST_HOOKS
#include "arch/atomic.h"

/* Not NULL: each signal walks the stack that it has interrupted, and calls
 * this, in the handler. */
extern void (*_Atomic go__backtrace_hook)(void *const *frame, unsigned n);
#endif

#endif
