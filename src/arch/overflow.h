/* SPDX-License-Identifier: MIT */
/* Reporting stack overflows; overflow.c has the essay. */
#ifndef GO_ARCH_OVERFLOW_H
#define GO_ARCH_OVERFLOW_H

#include "arch/atomic.h"

#include <stdbool.h>
#include <stddef.h>

struct go__context;
struct go__text;

/* A thread's alternate signal stack, if it is ours.  Owner: the thread. */
struct go__altstack {
	char *base; /* NULL: none, or the thread had one already. */
	size_t bytes;
};

/*
 * Give the calling thread an alternate signal stack, unless it has one.
 * Returns 0 or -ENOMEM.
 */
int go__altstack_install(struct go__altstack *stack);

/* On the same thread; not from a signal handler. */
void go__altstack_remove(struct go__altstack *stack);

/*
 * The same, but keep the memory for go__altstack_install() to use again, on
 * any thread; go__altstack_remove(), on any thread, then frees it.
 */
void go__altstack_rest(struct go__altstack *stack);

/*
 * Install the handlers of SIGSEGV and SIGBUS, at the first call; they stay.
 * Returns 0 or what sigaction says.  Any thread.
 */
int go__overflow_install(void);

/* What a report says about whoever runs.  Strings may be NULL. */
struct go__overflow {
	const char *kind;    /* "task" */
	const char *name;    /* What the user calls it. */
	const char *site;    /* Where it was made: "file.c:12". */
	const char *setting; /* What to enlarge. */
};

/*
 * Set by the scheduler: fill in what it knows about a context.  Called in a
 * signal handler, on the context's thread, for a context that runs.
 */
extern void (*_Atomic go__overflow_describe)(const struct go__context *c,
					     struct go__overflow *out);

/* Write whose stack c runs on, in those words, but for the setting. */
void go__overflow_who(struct go__text *t, const struct go__context *c);

#endif
