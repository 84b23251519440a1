/* SPDX-License-Identifier: MIT */
/*
 * Contexts: something that runs on a stack, and the switch between them.
 *
 * Each task and each plain thread embeds one context.  go__self() answers the
 * one that runs, and the answer never changes for a running function: when a
 * task parks and comes back on another thread, it is still the same task.  So
 * it does no harm when a compiler keeps the answer, and everything else about
 * "the current ..." is an ordinary load through it.
 *
 * The thread-local pointer behind go__self() is read and written by assembly
 * only.  Compilers keep the addresses of thread-local objects over calls, in
 * more ways than noinline and empty asm statements prevent; a function that
 * they cannot see into is the one thing that no optimisation, and no whole-
 * program one either, turns into a stale address.
 *
 * LIFE OF A CONTEXT
 *
 *     go__context_prepare     a stack, an entry function: it may be resumed
 *     go__context_switch      it runs, is parked, runs ...
 *     go__context_become      its stack goes on as another context
 *     go__context_release     nobody stands on its stack any more
 *
 * prepare and release are cheap and pair up; between two such pairs, stack
 * and context may both be reused, together or not.
 */
#ifndef GO_ARCH_CONTEXT_H
#define GO_ARCH_CONTEXT_H

#include "arch/sanitize.h"

#include <stddef.h>
#include <stdint.h>

struct fiber;

enum {
	GO__CONTEXT_THREAD = 1 << 0, /* A plain thread, on its own stack. */
	GO__CONTEXT_TASK = 1 << 1,
	GO__CONTEXT_WORKER = 1 << 2, /* A worker's own stack. */
	GO__CONTEXT_DYING = 1 << 3,  /* Its next switch away is its last. */
	/* A task that counts as the thread it is on: section.c. */
	GO__CONTEXT_SECTION = 1 << 4,
};

/*
 * Whoever runs on the context owns it all; while it is parked, whoever may
 * resume it.  A plain thread's lives as long as the thread does.
 */
struct go__context {
	/* Known to the .S files by their offsets, 0 and 8. */
	void *sp;            /* Where it is parked. */
	struct fiber *fiber; /* The innermost raw fiber on it, or NULL. */
	/*
	 * Its own stack, NULL and NULL for a plain thread.  While a raw fiber
	 * runs it stands on that one's: see go__context_bounds.
	 */
	char *stack_low, *stack_high;
	uint32_t flags;
	int saved_errno; /* The scheduler's. */
	void *waiter;    /* The scheduler's: struct go__waiter, or NULL. */
	struct go__sanitize sanitize; /* Empty in most builds. */
#if GO__SANITIZE
	struct go__sanitize *active; /* Of the stack that it stands on. */
#endif
};

/*
 * The running context.  Never NULL: a plain thread that asks for the first
 * time is given one.  Does not fail, suspend or allocate.
 */
struct go__context *go__self(void);

/* As go__self, but NULL for a thread that has not asked yet. */
struct go__context *go__self_or_null(void);

/*
 * Make c resumable: its first switch calls entry() on [low, high) with default
 * floating-point control words.  entry never returns.  high is a multiple of
 * 16; only the top 64 bytes below it are written.
 */
void go__context_prepare(struct go__context *c, char *low, char *high,
			 void (*entry)(void));

/*
 * Write the frame that a switch to a stack that has never run pops: it leads to
 * entry(value), where a raw fiber gets a value.  Returns where to park it.
 */
void *go__context_first_frame(char *high, void (*entry)(void *value));

/* The bounds of the stack that c stands on; NULL and NULL: a thread's own. */
void go__context_bounds(const struct go__context *c, char **low, char **high);

/* Give back what prepare made.  Not from the stack of c. */
void go__context_release(struct go__context *c);

/* Assembly.  Use go__context_switch. */
void go__context_switch_asm(struct go__context *from, struct go__context *to);
/* Assembly.  Use go__context_enter and go__context_exit. */
void go__context_enter_asm(struct go__context *from, struct go__context *to);
void go__context_exit_asm(struct go__context *to);
/* Assembly.  Set what go__self answers. */
void go__context_set(struct go__context *c);
/*
 * Assembly.  Call fn(arg), as a frame that tells if it is left by an exception,
 * as the first frames of stacks do (exceptions.c).
 */
void *go__context_call(void *(*fn)(void *arg), void *arg);
/* Assembly.  Put mxcsr and the x87 control word, or FPCR, to the defaults. */
void go__context_reset_fp(void);

/*
 * The caller, which is `from`, continues on its stack as `to`, which has none.
 * The stack's bounds move over with it; floating-point control words stay
 * (go__context_reset_fp).  Afterwards the former context is as one that was
 * never prepared.
 */
GO__ALWAYS_INLINE void go__context_become(struct go__context *from,
					  struct go__context *to)
{
	go__sanitize_become(&from->sanitize, &to->sanitize);
#if GO__SANITIZE
	to->active = &to->sanitize;
#endif
	to->fiber = NULL;
	to->stack_low = from->stack_low;
	to->stack_high = from->stack_high;
	from->stack_low = NULL;
	from->stack_high = NULL;
	go__context_set(to);
}

/*
 * Park the caller, which is `from`, and resume `to`; from here on go__self()
 * is `to`.  Returns when somebody resumes `from`, perhaps on another thread.
 * May suspend, as the one function through which everything suspends.
 */
__attribute__((always_inline)) static inline void
go__context_switch(struct go__context *from, struct go__context *to)
{
#if GO__SANITIZE
	go__sanitize_leave(from->active, to->active,
			   from->flags & GO__CONTEXT_DYING);
	go__context_switch_asm(from, to);
	go__sanitize_arrive(from->active);
#else
	go__context_switch_asm(from, to);
#endif
}

/* The same, to a context that has been prepared and has not run yet. */
GO__ALWAYS_INLINE void go__context_enter(struct go__context *from,
					 struct go__context *to)
{
#if GO__SANITIZE
	go__context_switch(from, to);
#else
	go__context_enter_asm(from, to);
#endif
}

/*
 * Resume `to` and leave the stack of `from` for good; `from` is DYING.  Whoever
 * runs next may reuse the stack once it has released `from`.  Never returns,
 * but does not say so: as the last call of a function it must become a jump
 * (see the assembly).
 */
GO__ALWAYS_INLINE void go__context_exit(struct go__context *from,
					struct go__context *to)
{
#if GO__SANITIZE
	go__context_switch(from, to);
#else
	(void)from;
	go__context_exit_asm(to);
#endif
}

#endif
