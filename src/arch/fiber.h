/* SPDX-License-Identifier: MIT */
/* The inside of a raw fiber, for fiber.c, the .S files and the dump. */
#ifndef GO_ARCH_FIBER_H
#define GO_ARCH_FIBER_H

#include "arch/exceptions.h"
#include "arch/sanitize.h"
#include "arch/stack.h"

#include <gofer/fiber.h>

/*
 * Life of a raw fiber.
 *
 *     state      who may use its stack         how it ends
 *     ---------  ----------------------------  -------------------------------
 *     SUSPENDED, nobody                        fiber_resume -> RUNNING
 *     KEEPING
 *     RUNNING    the context that resumed it,  fiber_yield -> SUSPENDED
 *                or a fiber that it resumed    or KEEPING
 *                                              its function returns -> DONE
 *     DONE       nobody                        fiber_destroy
 *
 * KEEPING is SUSPENDED for a fiber that has exceptions of C++ to look after
 * (exceptions.c): a resume of it is not left to the assembly.
 *
 * Not atomic: a fiber has one user at a time, who hands it on in the way that
 * any other object is handed on.
 */
enum {
	FIBER__SUSPENDED,
	FIBER__RUNNING,
	FIBER__DONE,
	FIBER__KEEPING,
};

struct fiber {
	/*
	 * The fields up to `state` are known to the .S files by their offsets,
	 * which fiber.c asserts.
	 */
	void *sp;            /* While SUSPENDED: where it is parked. */
	void *resumer_sp;    /* While RUNNING: where its resumer is. */
	struct fiber *outer; /* While RUNNING: its resumer, if a fiber. */
	void **out;          /* While RUNNING: for the next value, or NULL. */
	uint32_t state;

	/* Constant after fiber_create(). */
	fiber_fn *fn;
	void *arg;
	struct go__stack stack;
	char *stack_low, *stack_high;

	struct go__exceptions exceptions; /* While KEEPING. */
	struct go__sanitize sanitize;
};

/*
 * The hot paths of fiber_resume and fiber_yield, in assembly: they look at
 * state, change it, and switch in one piece.
 */
int fiber__resume(fiber *f, void *in, void **out);
void *fiber__yield(void *out);

/*
 * Park at *save_sp, resume load_sp, and let its call return `value`: what both
 * of the above end with.
 */
void *fiber__switch(void **save_sp, void *load_sp, void *value);

#endif
