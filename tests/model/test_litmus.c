/* SPDX-License-Identifier: MIT */
/*
 * The checker's memory, on programs whose outcomes are known.
 *
 * Litmus tests from the literature, each with outcomes that C11 allows and the
 * checker must reach, and outcomes that C11 forbids and it must not.  One that
 * reached too little would let the models of the library pass for the wrong
 * reason; one that reached too much would blame sound code.
 *
 * Where it is deliberately narrower than C11 (load buffering), a test pins
 * that down, too.
 */
#include "litmus.h"

/* ---- Store buffering: can both miss the other's store? ------------------- */

#define SB(name, store, load, between)                                         \
	THREAD(name##_1)                                                       \
	{                                                                      \
		ST(x, 1, store);                                               \
		between;                                                       \
		r[0] = LD(y, load);                                            \
	}                                                                      \
	THREAD(name##_2)                                                       \
	{                                                                      \
		ST(y, 1, store);                                               \
		between;                                                       \
		r[1] = LD(x, load);                                            \
	}

SB(sb_relaxed, RLX, RLX, (void)0)
SB(sb_acq_rel, REL, ACQ, (void)0)
SB(sb_sc, SC, SC, (void)0)
SB(sb_sc_acquire, SC, ACQ, (void)0)
SB(sb_fence, RLX, RLX, FENCE(SC))
SB(sb_weak_fence, REL, ACQ, FENCE(AR))
SB(sb_rmw, RLX, RLX, (void)ADD(z, 1, AR))
SB(sb_rmw_relaxed, RLX, RLX, (void)ADD(z, 1, RLX))

/* Exchanges order nothing but themselves: relaxed loads may pass them. */
THREAD(sb_swap_1)
{
	SWAP(x, 1, SC);
	r[0] = LD(y, RLX);
}
THREAD(sb_swap_2)
{
	SWAP(y, 1, SC);
	r[1] = LD(x, RLX);
}

/* ---- Message passing ----------------------------------------------------- */

#define MP(name, before, store, load, after)                                   \
	THREAD(name##_1)                                                       \
	{                                                                      \
		ST(x, 1, RLX);                                                 \
		before;                                                        \
		ST(y, 1, store);                                               \
	}                                                                      \
	THREAD(name##_2)                                                       \
	{                                                                      \
		r[0] = LD(y, load);                                            \
		after;                                                         \
		r[1] = LD(x, RLX);                                             \
	}

MP(mp_relaxed, (void)0, RLX, RLX, (void)0)
MP(mp_acq_rel, (void)0, REL, ACQ, (void)0)
MP(mp_no_release, (void)0, RLX, ACQ, (void)0)
MP(mp_no_acquire, (void)0, REL, RLX, (void)0)
MP(mp_fences, FENCE(REL), RLX, RLX, FENCE(ACQ))
MP(mp_one_fence, FENCE(REL), RLX, RLX, (void)0)

/* Causality through a third thread. */
#define WRC(name, store, load)                                                 \
	THREAD(name##_2)                                                       \
	{                                                                      \
		if (LD(x, load))                                               \
			ST(y, 1, store);                                       \
	}                                                                      \
	THREAD(name##_3)                                                       \
	{                                                                      \
		r[0] = LD(y, load);                                            \
		r[1] = LD(x, load);                                            \
	}

WRC(wrc_relaxed, RLX, RLX)
WRC(wrc_acq_rel, REL, ACQ)

THREAD(set_x_relaxed)
{
	ST(x, 1, RLX);
}

/* ---- Coherence ----------------------------------------------------------- */

THREAD(read_x_twice)
{
	r[0] = LD(x, RLX);
	r[1] = LD(x, RLX);
}
THREAD(set_x_2)
{
	ST(x, 2, RLX);
}
THREAD(set_x_1_read)
{
	ST(x, 1, RLX);
	r[0] = LD(x, RLX);
}
THREAD(observe_x)
{
	r[2 * me] = LD(x, RLX);
	r[2 * me + 1] = LD(x, RLX);
}
static void same_order_for_all(void)
{
	model_assert(!(r[0] == 1 && r[1] == 2 && r[2] == 2 && r[3] == 1));
	model_assert(!(r[0] == 2 && r[1] == 1 && r[2] == 1 && r[3] == 2));
}

/* ---- Independent reads of independent writes ----------------------------- */

#define IRIW(name, store, load, between)                                       \
	THREAD(name##_x)                                                       \
	{                                                                      \
		ST(x, 1, store);                                               \
	}                                                                      \
	THREAD(name##_y)                                                       \
	{                                                                      \
		ST(y, 1, store);                                               \
	}                                                                      \
	THREAD(name##_xy)                                                      \
	{                                                                      \
		r[0] = LD(x, load);                                            \
		between;                                                       \
		r[1] = LD(y, load);                                            \
	}                                                                      \
	THREAD(name##_yx)                                                      \
	{                                                                      \
		r[2] = LD(y, load);                                            \
		between;                                                       \
		r[3] = LD(x, load);                                            \
	}

IRIW(iriw_acq_rel, REL, ACQ, (void)0)
IRIW(iriw_sc, SC, SC, (void)0)
IRIW(iriw_fences, RLX, RLX, FENCE(SC))

/* ---- Two threads, two stores each ---------------------------------------- */

#define TWO(name, order)                                                       \
	THREAD(name##_1)                                                       \
	{                                                                      \
		ST(x, 1, order);                                               \
		ST(y, 2, order);                                               \
	}                                                                      \
	THREAD(name##_2)                                                       \
	{                                                                      \
		ST(y, 1, order);                                               \
		ST(x, 2, order);                                               \
	}

TWO(two_relaxed, RLX)
TWO(two_release, REL)
TWO(two_sc, SC)

static void final_x_y(void)
{
	r[0] = LD(x, RLX);
	r[1] = LD(y, RLX);
	outcome();
}

/* ---- Load buffering: C11 allows it, the checker does not show it --------- */

THREAD(lb_1)
{
	r[0] = LD(x, RLX);
	ST(y, 1, RLX);
}
THREAD(lb_2)
{
	r[1] = LD(y, RLX);
	ST(x, 1, RLX);
}

/* Both outcomes are reported by outcome(). */
#define PAIR(title, prefix, yes, no)                                           \
	{                                                                      \
		.model = {.name = title,                                       \
			  .setup = setup,                                      \
			  .finish = outcome,                                   \
			  TWO_THREADS(prefix##_1, prefix##_2)},                \
		.reached = yes, .forbidden = no,                               \
	}

#define READERS(title, prefix, yes, no)                                        \
	{                                                                      \
		.model = {.name = title,                                       \
			  .setup = setup,                                      \
			  .finish = outcome,                                   \
			  .thread = {MODEL_THREAD("x", prefix##_x, 0),         \
				     MODEL_THREAD("y", prefix##_y, 0),         \
				     MODEL_THREAD("xy", prefix##_xy, 0),       \
				     MODEL_THREAD("yx", prefix##_yx, 0)}},     \
		.reached = yes, .forbidden = no,                               \
	}

#define BOTH_MISS OUT(0, 0)
#define OTHERS    (OUT(0, 1) | OUT(1, 0) | OUT(1, 1))
#define MP_BAD    OUT(1, 0)
#define MP_GOOD   (OUT(0, 0) | OUT(0, 1) | OUT(1, 1))
#define DISAGREE  OUT4(1, 0, 1, 0)
#define AGREE     (OUT4(1, 0, 1, 1) | OUT4(1, 1, 1, 0) | OUT4(1, 1, 1, 1))
#define TWO_BAD   OUT(1, 1)
#define TWO_GOOD  (OUT(1, 2) | OUT(2, 1) | OUT(2, 2))

static const struct litmus tests[] = {
	PAIR("store buffering, relaxed", sb_relaxed, BOTH_MISS | OTHERS, 0),
	PAIR("store buffering, acq/rel", sb_acq_rel, BOTH_MISS | OTHERS, 0),
	PAIR("store buffering, sc", sb_sc, OTHERS, BOTH_MISS),
	PAIR("store buffering, sc store only", sb_sc_acquire,
	     BOTH_MISS | OTHERS, 0),
	PAIR("store buffering, sc fences", sb_fence, OTHERS, BOTH_MISS),
	PAIR("store buffering, acq_rel fences", sb_weak_fence,
	     BOTH_MISS | OTHERS, 0),
	PAIR("store buffering, rmw between", sb_rmw, OTHERS, BOTH_MISS),
	PAIR("store buffering, relaxed rmw", sb_rmw_relaxed, BOTH_MISS | OTHERS,
	     0),
	PAIR("store buffering, sc exchange", sb_swap, BOTH_MISS | OTHERS, 0),

	PAIR("message passing, relaxed", mp_relaxed, MP_GOOD | MP_BAD, 0),
	PAIR("message passing, acq/rel", mp_acq_rel, MP_GOOD, MP_BAD),
	PAIR("message passing, no release", mp_no_release, MP_GOOD | MP_BAD, 0),
	PAIR("message passing, no acquire", mp_no_acquire, MP_GOOD | MP_BAD, 0),
	PAIR("message passing, fences", mp_fences, MP_GOOD, MP_BAD),
	PAIR("message passing, one fence", mp_one_fence, MP_GOOD | MP_BAD, 0),

	{.model = {.name = "causality, relaxed",
		   .setup = setup,
		   .finish = outcome,
		   .thread = {MODEL_THREAD("1", set_x_relaxed, 0),
			      MODEL_THREAD("2", wrc_relaxed_2, 0),
			      MODEL_THREAD("3", wrc_relaxed_3, 0)}},
	 .reached = MP_GOOD | MP_BAD},
	{.model = {.name = "causality, acq/rel",
		   .setup = setup,
		   .finish = outcome,
		   .thread = {MODEL_THREAD("1", set_x_relaxed, 0),
			      MODEL_THREAD("2", wrc_acq_rel_2, 0),
			      MODEL_THREAD("3", wrc_acq_rel_3, 0)}},
	 .reached = MP_GOOD,
	 .forbidden = MP_BAD},

	{.model = {.name = "coherence, read-read",
		   .setup = setup,
		   .finish = outcome,
		   TWO_THREADS(set_x_relaxed, read_x_twice)},
	 .reached = MP_GOOD,
	 .forbidden = MP_BAD},
	{.model = {.name = "coherence, write-read",
		   .setup = setup,
		   .finish = outcome,
		   TWO_THREADS(set_x_1_read, set_x_2)},
	 .reached = OUT(1, 0) | OUT(2, 0),
	 .forbidden = OUT(0, 0)},
	{.model = {.name = "coherence, one order for all",
		   .setup = setup,
		   .finish = same_order_for_all,
		   .thread = {MODEL_THREAD("one", set_x_relaxed, 0),
			      MODEL_THREAD("two", set_x_2, 0),
			      MODEL_THREAD("r1", observe_x, 0),
			      MODEL_THREAD("r2", observe_x, 1)}}},

	READERS("independent reads, acq/rel", iriw_acq_rel, AGREE | DISAGREE,
		0),
	READERS("independent reads, sc", iriw_sc, AGREE, DISAGREE),
	READERS("independent reads, sc fences", iriw_fences, AGREE, DISAGREE),

	{.model = {.name = "two stores each, relaxed",
		   .setup = setup,
		   .finish = final_x_y,
		   TWO_THREADS(two_relaxed_1, two_relaxed_2)},
	 .reached = TWO_GOOD | TWO_BAD},
	{.model = {.name = "two stores each, release",
		   .setup = setup,
		   .finish = final_x_y,
		   TWO_THREADS(two_release_1, two_release_2)},
	 .reached = TWO_GOOD | TWO_BAD},
	{.model = {.name = "two stores each, sc",
		   .setup = setup,
		   .finish = final_x_y,
		   TWO_THREADS(two_sc_1, two_sc_2)},
	 .reached = TWO_GOOD,
	 .forbidden = TWO_BAD},
	PAIR("load buffering (not shown)", lb,
	     OUT(0, 0) | OUT(0, 1) | OUT(1, 0), OUT(1, 1)),
};

MAIN
