/* SPDX-License-Identifier: MIT */
/*
 * The checker on programs with one defect each, which it must name, and on
 * their sound twins, which must pass; then its rules and its bound.
 */
#include "litmus.h"
#include "model_lock.h"

static int data;
static struct go__lock lock_a, lock_b;

static void setup_all(void)
{
	setup();
	atomic_init(&lock_a.word, 0);
	atomic_init(&lock_b.word, 0);
	data = 0;
}

/* ---- Release sequences --------------------------------------------------- */

THREAD(publish)
{
	MODEL_WRITE(data) = 1;
	ST(x, 1, REL);
}
THREAD(publish_then_store)
{
	MODEL_WRITE(data) = 1;
	ST(x, 1, REL);
	ST(x, 2, RLX);
}
THREAD(publish_relaxed)
{
	MODEL_WRITE(data) = 1;
	ST(x, 1, RLX);
}
THREAD(continue_by_add)
{
	ADD(x, 1, RLX);
}
THREAD(break_by_store)
{
	if (LD(x, RLX) == 1)
		ST(x, 2, RLX);
}
THREAD(receive_2)
{
	if (LD(x, ACQ) == 2)
		r[0] = (unsigned)MODEL_READ(data);
}
THREAD(receive_1)
{
	if (LD(x, ACQ) == 1)
		r[0] = (unsigned)MODEL_READ(data);
}

/* ---- Read-modify-write --------------------------------------------------- */

THREAD(increment_by_cas)
{
	uint32_t old = LD(x, RLX);

	while (!atomic_compare_exchange_weak_explicit(&x, &old, old + 1, RLX,
						      RLX))
		;
}
THREAD(increment_by_store)
{
	ST(x, LD(x, SC) + 1, SC);
}
THREAD(add_one)
{
	r[me] = ADD(x, 1, RLX);
}
static void x_is_2(void)
{
	model_assert(LD(x, RLX) == 2);
}
static void distinct(void)
{
	model_assert(r[0] != r[1] && r[1] != r[2] && r[0] != r[2]);
}

/* ---- Mutual exclusion ---------------------------------------------------- */

#define DEKKER(name, store, load)                                              \
	THREAD(name##_1)                                                       \
	{                                                                      \
		ST(x, 1, store);                                               \
		if (LD(y, load) == 0)                                          \
			MODEL_WRITE(data) = 1;                                 \
	}                                                                      \
	THREAD(name##_2)                                                       \
	{                                                                      \
		ST(y, 1, store);                                               \
		if (LD(x, load) == 0)                                          \
			MODEL_WRITE(data) = 2;                                 \
	}

DEKKER(dekker_sc, SC, SC)
DEKKER(dekker_acq_rel, REL, ACQ)

THREAD(peterson)
{
	_Atomic uint32_t *mine = me ? &y : &x, *other = me ? &x : &y;

	ST(*mine, 1, SC);
	ST(z, (uint32_t)me, SC);
	while (LD(*other, SC) && LD(z, SC) == (uint32_t)me)
		model_yield();
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	ST(*mine, 0, REL);
}
THREAD(peterson_weak)
{
	_Atomic uint32_t *mine = me ? &y : &x, *other = me ? &x : &y;

	ST(*mine, 1, REL);
	ST(z, (uint32_t)me, REL);
	while (LD(*other, ACQ) && LD(z, ACQ) == (uint32_t)me)
		model_yield();
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	ST(*mine, 0, REL);
}
static void data_is_2(void)
{
	model_assert(MODEL_READ(data) == 2);
}
THREAD(increment_locked)
{
	go__lock_acquire(&lock_a);
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	go__lock_release(&lock_a);
}
THREAD(increment_try)
{
	while (!go__lock_try(&lock_a))
		model_yield();
	MODEL_WRITE(data) = MODEL_READ(data) + 1;
	go__lock_release(&lock_a);
}
THREAD(lock_a_b)
{
	go__lock_acquire(me ? &lock_b : &lock_a);
	go__lock_acquire(me ? &lock_a : &lock_b);
	go__lock_release(me ? &lock_a : &lock_b);
	go__lock_release(me ? &lock_b : &lock_a);
}

/* ---- Sleeping and spinning ----------------------------------------------- */

THREAD(sleep_checked)
{
	while (!LD(x, ACQ))
		model_park(&x, 0);
	model_assert(MODEL_READ(data) == 1);
}
THREAD(sleep_unchecked)
{
	/* The wake may come between the look and the sleep. */
	if (!LD(x, ACQ))
		model_park(&y, 0);
}
THREAD(sleep_once)
{
	model_park(&z, 0);
}
THREAD(sleep_with_deadline)
{
	r[0] = 1 + model_park_timed(&x, 0);
}
THREAD(publish_and_wake)
{
	MODEL_WRITE(data) = 1;
	ST(x, 1, REL);
	model_wake(&x, 1);
	model_wake(&y, 1);
}
THREAD(spin)
{
	while (!LD(x, ACQ))
		model_yield();
	model_assert(MODEL_READ(data) == 1);
}
THREAD(spin_busily)
{
	while (!LD(y, RLX))
		ADD(z, 1, RLX);
}
THREAD(wake_one_of_two)
{
	r[0] = model_wake(&z, 1);
}

/* ---- Misuse, and the bound ----------------------------------------------- */

THREAD(write_plainly)
{
	ST(x, 1, RLX);
	*(volatile uint32_t *)&x = 7;
	ST(x, 2, RLX);
}
static _Atomic uint32_t late;
static _Atomic(_Atomic uint32_t *) late_at;
static void setup_late(void)
{
	setup();
	atomic_init(&late_at, NULL);
	*(volatile uint32_t *)&late = 0;
}
THREAD(make_late)
{
	atomic_init(&late, 5);
	ST(late_at, &late, (memory_order)me);
}
THREAD(use_late)
{
	_Atomic uint32_t *p = LD(late_at, ACQ);

	if (p)
		model_assert(LD(*p, RLX) == 5);
}
THREAD(choose_three)
{
	r[0] = model_choose(3);
}

/* Wrong only if the other thread moves in the right three places. */
THREAD(needs_three_preemptions)
{
	ST(x, 1, SC);
	if (LD(y, SC) == 1) {
		ST(x, 2, SC);
		model_assert(LD(y, SC) != 2);
	}
}
THREAD(follows)
{
	if (LD(x, SC) == 1)
		ST(y, 1, SC);
	if (LD(x, SC) == 2)
		ST(y, 2, SC);
}

/* Two threads and what must come of it. */
#define FAILS(title, a, b, end, how)                                           \
	{                                                                      \
		.model = {.name = title,                                       \
			  .setup = setup_all,                                  \
			  .finish = end,                                       \
			  .spurious = 1,                                       \
			  TWO_THREADS(a, b)},                                  \
		.failure = how,                                                \
	}

#define THREE(title, a, b, c, end, how)                                        \
	{                                                                      \
		.model = {.name = title,                                       \
			  .setup = setup_all,                                  \
			  .finish = end,                                       \
			  .thread = {MODEL_THREAD(#a, a, 0),                   \
				     MODEL_THREAD(#b, b, 1),                   \
				     MODEL_THREAD(#c, c, 2)}},                 \
		.failure = how,                                                \
	}

static const struct litmus tests[] = {
	THREE("release sequence through rmw", publish, continue_by_add,
	      receive_2, NULL, MODEL_PASSED),
	THREE("broken by another's store", publish, break_by_store, receive_2,
	      NULL, MODEL_RACE),
	FAILS("not continued by own store", publish_then_store, receive_2, NULL,
	      MODEL_RACE),
	FAILS("publication, release", publish, receive_1, NULL, MODEL_PASSED),
	FAILS("publication, relaxed", publish_relaxed, receive_1, NULL,
	      MODEL_RACE),
	FAILS("weak cas loops", increment_by_cas, increment_by_cas, x_is_2,
	      MODEL_PASSED),
	FAILS("lost update", increment_by_store, increment_by_store, x_is_2,
	      MODEL_ASSERTION),
	THREE("fetch_add gives all numbers", add_one, add_one, add_one,
	      distinct, MODEL_PASSED),

	FAILS("Dekker, sc", dekker_sc_1, dekker_sc_2, NULL, MODEL_PASSED),
	FAILS("Dekker, acq/rel", dekker_acq_rel_1, dekker_acq_rel_2, NULL,
	      MODEL_RACE),
	FAILS("Peterson, sc", peterson, peterson, data_is_2, MODEL_PASSED),
	FAILS("Peterson, acq/rel", peterson_weak, peterson_weak, data_is_2,
	      MODEL_RACE),
	FAILS("lock", increment_locked, increment_locked, data_is_2,
	      MODEL_PASSED),
	FAILS("lock against trylock", increment_try, increment_locked,
	      data_is_2, MODEL_PASSED),
	FAILS("locks in two orders", lock_a_b, lock_a_b, NULL, MODEL_DEADLOCK),

	FAILS("futex, rechecked", publish_and_wake, sleep_checked, NULL,
	      MODEL_PASSED),
	FAILS("futex, lost wake", publish_and_wake, sleep_unchecked, NULL,
	      MODEL_DEADLOCK),
	FAILS("spinning", publish, spin, NULL, MODEL_PASSED),
	FAILS("spinning, relaxed", publish_relaxed, spin, NULL, MODEL_RACE),
	FAILS("spinning for ever", increment_locked, spin, NULL,
	      MODEL_LIVELOCK),
	FAILS("a run without end", add_one, spin_busily, NULL, MODEL_LIVELOCK),
	{.model = {.name = "deadline of a sleeper",
		   .setup = setup_all,
		   .finish = outcome,
		   TWO_THREADS(publish_and_wake, sleep_with_deadline)},
	 .reached = OUT(1, 0) | OUT(2, 0)},
	{.model = {.name = "wake one of two",
		   .setup = setup_all,
		   .finish = outcome,
		   .thread = {MODEL_THREAD("waker", wake_one_of_two, 0),
			      MODEL_DAEMON("s1", sleep_once, 1),
			      MODEL_DAEMON("s2", sleep_once, 2)}},
	 .reached = OUT(0, 0) | OUT(1, 0)},

	FAILS("atomic written as plain", write_plainly, add_one, NULL,
	      MODEL_MISUSE),
	{.model = {.name = "late variable, release",
		   .setup = setup_late,
		   .thread = {MODEL_THREAD("make", make_late, (int)REL),
			      MODEL_THREAD("use", use_late, 0)}}},
	{.model = {.name = "late variable, relaxed",
		   .setup = setup_late,
		   .thread = {MODEL_THREAD("make", make_late, (int)RLX),
			      MODEL_THREAD("use", use_late, 0)}},
	 .failure = MODEL_RACE},
	{.model = {.name = "every choice",
		   .setup = setup_all,
		   .finish = outcome,
		   .thread = {MODEL_THREAD("one", choose_three, 0)}},
	 .reached = OUT(0, 0) | OUT(1, 0) | OUT(2, 0)},
	{.model = {.name = "bound too low",
		   .setup = setup_all,
		   .preemptions = 2,
		   TWO_THREADS(needs_three_preemptions, follows)}},
	{.model = {.name = "bound high enough",
		   .setup = setup_all,
		   .preemptions = 3,
		   TWO_THREADS(needs_three_preemptions, follows)},
	 .failure = MODEL_ASSERTION},
};

MAIN
