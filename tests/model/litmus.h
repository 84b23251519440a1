/* SPDX-License-Identifier: MIT */
/*
 * What the two tests of the checker share: short names for operations, three
 * variables, four registers, and a table of models with what must come of them.
 */
#ifndef MODEL_LITMUS_H
#define MODEL_LITMUS_H

#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RLX                   memory_order_relaxed
#define ACQ                   memory_order_acquire
#define REL                   memory_order_release
#define AR                    memory_order_acq_rel
#define SC                    memory_order_seq_cst

#define ST(v, value, order)   atomic_store_explicit(&(v), value, order)
#define LD(v, order)          atomic_load_explicit(&(v), order)
#define ADD(v, value, order)  atomic_fetch_add_explicit(&(v), value, order)
#define SWAP(v, value, order) atomic_exchange_explicit(&(v), value, order)
#define FENCE(order)          atomic_thread_fence(order)

static _Atomic uint32_t x, y, z;
static unsigned r[4];

static void setup(void)
{
	atomic_init(&x, 0);
	atomic_init(&y, 0);
	atomic_init(&z, 0);
	memset(r, 0, sizeof(r));
}

/* Two registers with values up to 3, or four with values up to 1. */
static void outcome(void)
{
	if (r[2] || r[3])
		model_outcome(32 | (r[0] | r[1] << 1 | r[2] << 2 | r[3] << 3));
	else
		model_outcome(r[0] << 2 | r[1]);
}

#define OUT(a, b) (UINT64_C(1) << ((a) << 2 | (b)))
#define OUT4(a, b, c, d)                                                       \
	(UINT64_C(1) << (32 | (a) | (b) << 1 | (c) << 2 | (d) << 3))

/* Define the body of a thread. */
#define THREAD(name) static void name(int me __attribute__((unused)))

/* ---- Tests --------------------------------------------------------------- */

struct litmus {
	struct model model;
	uint64_t reached, forbidden; /* Sets of outcomes. */
	enum model_failure failure;
};

#define TWO_THREADS(a, b)                                                      \
	.thread = {MODEL_THREAD(#a, a, 0), MODEL_THREAD(#b, b, 1)}

static bool run(const struct litmus *l)
{
	struct model_result got;
	bool good;

	/* The bound is for the two tests that set one. */
	model_check(&l->model, l->model.preemptions ? -1 : MODEL_UNBOUNDED,
		    &got);
	good = got.failure == l->failure &&
	       (got.outcomes & l->forbidden) == 0 &&
	       (got.outcomes & l->reached) == l->reached;
	printf("%-34s %s  runs %6" PRIu64 "\n", l->model.name,
	       good ? "as expected" : "WRONG", got.runs);
	if (good)
		return true;
	printf("  outcomes %#" PRIx64 ", to be reached %#" PRIx64
	       ", forbidden %#" PRIx64 "\n",
	       got.outcomes, l->reached, l->forbidden);
	if (got.failure)
		model_print(&l->model, &got);
	return false;
}

static int run_all(const struct litmus *tests, size_t count)
{
	int wrong = 0;

	for (size_t i = 0; i < count; i++)
		wrong += !run(&tests[i]);
	printf("%d wrong\n", wrong);
	return wrong ? 1 : 0;
}

#define MAIN                                                                   \
	int main(void)                                                         \
	{                                                                      \
		return run_all(tests, sizeof(tests) / sizeof(tests[0]));       \
	}

#endif
