/* SPDX-License-Identifier: MIT */
/*
 * Errands: questions to the pool whose asker may leave before the answer.
 *
 * A job of offload.h uses its caller's memory, so it is waited for.  Where that
 * may take half a minute (a name server that is silent), the question has
 * memory of its own instead, with copies of all arguments, and the answer goes
 * in there, too.  Two use it, a task that asks and the pool's job:
 *
 *     word   set by                     the memory then belongs to
 *     -----  -------------------------  ----------------------------------
 *     ASKED  the asker, at first        the asker; the job may come for it
 *     RUNS   the job, from ASKED        both, until one sets DONE or LEFT
 *     DONE   the job, at its end        the asker
 *     LEFT   the asker, early,
 *            - from ASKED               the asker: the job does nothing
 *            - from RUNS                the job, which frees it at its end
 *
 * Each step is one exchange, so an asker that is cancelled or late while the
 * answer comes in finds either RUNS, and the job finds LEFT, or DONE, and takes
 * the answer.
 *
 * An asker that leaves from ASKED withdraws the job, and waits for the end of
 * it, which is near: either it was still in the queue, or it begins, finds LEFT
 * and returns.  Left in the queue, it would hold the memory until its turn, and
 * for ever if a shutdown came first.
 *
 * TESTS  model_errand.c; test_names.c: leaving before, while and after the job
 *        runs.
 */
#ifndef GO_IO_ERRAND_H
#define GO_IO_ERRAND_H

#include <stdint.h>

#include "arch/atomic.h"

struct go__errand {
	/* Find the answer. */
	void (*run)(struct go__errand *self);
	/* Free all of it, the answer included. */
	void (*destroy)(struct go__errand *self);
	_Atomic uint32_t word;
};

/*
 * Run an errand, which is from the heap: a task has it run in the pool, others
 * in place.  Returns 0: it has been run, and is the caller's; else an error,
 * and it is no longer the caller's.  Suspends.
 */
int go__errand_run(struct go__errand *self);

#endif
