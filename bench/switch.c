/* SPDX-License-Identifier: MIT */
/*
 * What a switch costs, in nanoseconds per switch (a resume and a yield are
 * two), beside hand-written ones that save the same registers and do nothing
 * else.
 *
 * The processor predicts returns by a stack of its own, which a switch leaves
 * behind.  So four shapes are measured: different code on the two sides (a
 * generator and its consumer) or the same (tasks that park in one place), and a
 * switch one frame or three frames below the loop.  The limit is the better one
 * of a switch that ends in `ret` and one that ends in a jump.
 *
 * usage: switch [RUNS]
 */
#include "bench.h"

#include "arch/context.h"

#include <gofer/fiber.h>

#define FRAME __attribute__((noinline)) static void
/* Not a tail call: the frame stays. */
#define KEEP  __asm__ volatile("")

enum {
	ROUNDS = 1000000,
	STACK = 65536
};

void limit_by_ret(void **save_sp, void *load_sp);
void limit_by_jump(void **save_sp, void *load_sp);

static void *here_sp, *there_sp;
static struct go__context *here, there;
static char stack[STACK] __attribute__((aligned(64)));
static fiber *f;

/*
 * What is measured: `name` goes there, `name_back` comes back, each as a
 * function, so that all pay for one call.
 */
#define DEPTHS(name, call)                                                     \
	FRAME name##_1(void)                                                   \
	{                                                                      \
		call;                                                          \
		KEEP;                                                          \
	}                                                                      \
	FRAME name##_2(void)                                                   \
	{                                                                      \
		name##_1();                                                    \
		KEEP;                                                          \
	}                                                                      \
	FRAME name##_3(void)                                                   \
	{                                                                      \
		name##_2();                                                    \
		KEEP;                                                          \
	}

DEPTHS(ret_go, limit_by_ret(&here_sp, there_sp))
DEPTHS(ret_back, limit_by_ret(&there_sp, here_sp))
DEPTHS(jump_go, limit_by_jump(&here_sp, there_sp))
DEPTHS(jump_back, limit_by_jump(&there_sp, here_sp))
DEPTHS(fiber_go, fiber_resume(f, NULL, NULL))
DEPTHS(fiber_back, fiber_yield(NULL))

/* The same code on both sides: which one it is lies in memory. */
static void **save[2] = {&here_sp, &there_sp},
	    **load[2] = {&there_sp, &here_sp};
static struct go__context *side[2];
static unsigned turn;

DEPTHS(ret_same, turn ^= 1; limit_by_ret(save[turn ^ 1], *load[turn ^ 1]))
DEPTHS(jump_same, turn ^= 1; limit_by_jump(save[turn ^ 1], *load[turn ^ 1]))
DEPTHS(context_same, turn ^= 1; go__context_switch(side[turn ^ 1], side[turn]))

#define FOR_EVER(name, call)                                                   \
	static void name##_loop(void)                                          \
	{                                                                      \
		for (;;)                                                       \
			call;                                                  \
	}
#define LOOPS(name)                                                            \
	FOR_EVER(name##_1, name##_1()) FOR_EVER(name##_3, name##_3())

LOOPS(ret_back)
LOOPS(jump_back)
LOOPS(ret_same)
LOOPS(jump_same)
LOOPS(context_same)

/* A loop of `go` against a stack that runs `loop` for ever. */
static double measure(void (*go)(void), void (*loop)(void))
{
	uint64_t start;

	here = go__self();
	side[0] = here;
	side[1] = &there;
	turn = 0;
	go__context_prepare(&there, stack, stack + STACK, loop);
	there_sp = there.sp;
	start = bench_now();
	for (int i = 0; i < ROUNDS; i++)
		go();
	start = bench_now() - start;
	go__context_release(&there);
	return (double)start / ROUNDS / 2;
}

static void *yield_1(void *unused, void *in)
{
	(void)unused, (void)in;
	for (;;)
		fiber_back_1();
	return NULL;
}

static void *yield_3(void *unused, void *in)
{
	(void)unused, (void)in;
	for (;;)
		fiber_back_3();
	return NULL;
}

static double measure_fiber(void (*go)(void), fiber_fn *fn)
{
	uint64_t start;

	bench_must(fiber_create(&f, fn, NULL, NULL), "fiber_create");
	start = bench_now();
	for (int i = 0; i < ROUNDS; i++)
		go();
	start = bench_now() - start;
	fiber_destroy(f);
	return (double)start / ROUNDS / 2;
}

/* ---- The table ----------------------------------------------------------- */

static void print(const char *key, const char *title, struct bench_series *ret,
		  struct bench_series *jump, struct bench_series *ours)
{
	struct bench_series *best =
		bench_median(ret) < bench_median(jump) ? ret : jump;

	bench_head(title);
	bench_row(ret, NULL);
	bench_row(jump, NULL);
	bench_row(ours, best);
	bench_figure(key, 1, ours, best);
}

#define SERIES(name, what) struct bench_series name = BENCH_SERIES(what, "ns")

static void compare_fibers(int runs, bool deep)
{
	SERIES(ret, "hand-written, ret");
	SERIES(jump, "hand-written, jump");
	SERIES(ours, "fiber_resume, fiber_yield");

	for (int i = 0; i < runs; i++) {
		bench_add(&ret, deep ? measure(ret_go_3, ret_back_3_loop)
				     : measure(ret_go_1, ret_back_1_loop));
		bench_add(&jump, deep ? measure(jump_go_3, jump_back_3_loop)
				      : measure(jump_go_1, jump_back_1_loop));
		bench_add(&ours, deep ? measure_fiber(fiber_go_3, yield_3)
				      : measure_fiber(fiber_go_1, yield_1));
	}
	print(deep ? "switch.other.3" : "switch.other.1",
	      deep ? "different code, three frames deep"
		   : "different code, one frame deep",
	      &ret, &jump, &ours);
}

static void compare_contexts(int runs, bool deep)
{
	SERIES(ret, "hand-written, ret");
	SERIES(jump, "hand-written, jump");
	SERIES(ours, "go__context_switch");

	for (int i = 0; i < runs; i++) {
		bench_add(&ret, deep ? measure(ret_same_3, ret_same_3_loop)
				     : measure(ret_same_1, ret_same_1_loop));
		bench_add(&jump, deep ? measure(jump_same_3, jump_same_3_loop)
				      : measure(jump_same_1, jump_same_1_loop));
		bench_add(&ours,
			  deep ? measure(context_same_3, context_same_3_loop)
			       : measure(context_same_1, context_same_1_loop));
	}
	print(deep ? "switch.same.3" : "switch.same.1",
	      deep ? "same code, three frames deep"
		   : "same code, one frame deep",
	      &ret, &jump, &ours);
}

int main(int argc, char **argv)
{
	int runs = bench_runs(argc, argv, 15);

	bench_pin(0);
	compare_fibers(runs, false);
	compare_fibers(runs, true);
	compare_contexts(runs, false);
	compare_contexts(runs, true);
	return 0;
}
