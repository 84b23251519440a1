/* SPDX-License-Identifier: MIT */
/*
 * A question to a hog, which a signal handler answers.
 *
 * The watchdog wants to know where a task is that has kept its worker.  Only
 * the task's own thread can walk its stack while it runs.  So the watchdog
 * writes down whom it means, sends that thread a signal, and waits for the
 * answer, but not for ever: the thread may block the signal, or be stopped.
 *
 *     state  the frames are            set by     goes on to
 *     -----  ------------------------  ---------  ---------------------------
 *     IDLE   the watchdog's            both       ASKED
 *     ASKED  nobody's                  watchdog   TAKEN, by a handler; IDLE,
 *                                                 when the watchdog gives up
 *     TAKEN  the handler's             handler    DONE; LATE, when the
 *                                                 watchdog gives up
 *     LATE   the handler's             watchdog   IDLE, by the handler
 *     DONE   the watchdog's            handler    ASKED
 *
 * WHO MAY ANSWER  Signals come late, from other questions and from outside, so
 * a handler that runs says nothing about who is meant.  It answers if all three
 * hold, of the thread that it has interrupted: it is in the task that is asked
 * for; that task's worker is, too; and this one has made no pick since the
 * watchdog's look.  Picks are never counted twice, so a worker and a pick are
 * one run of one task, even where blocks are reused.  (The task is asked for
 * since a worker may be a task's that it does not run: backtrace.c.)
 *
 * A QUESTION HAS A NUMBER, in the same word as the state.  A handler compares
 * before it takes, and takes by a compare-and-exchange from the word that it
 * has read first: it fails if the question has been given up meanwhile, even if
 * another one stands by then; and if it does not, the one that was compared
 * stands, and what was read is of that one.  (So the three are atomics: they
 * may be read while the next question is being written.)
 *
 * GIVING UP  Both who gives up and who takes go from ASKED on by an exchange,
 * so one of them does.  A watchdog that finds TAKEN makes it LATE, and does not
 * touch the frames until the handler has said that it is over: a walk may take
 * any time.  Until then there is no other question; reports go out without
 * frames.
 *
 * NOBODY IS WOKEN by an answer: the watchdog looks again and again.  A handler
 * may interrupt anything, and not every system has a futex that it may wake
 * (arch/sys_posix.c).
 *
 * LIFE  It is a part of its runtime.  A handler reaches it through the task
 * that it has interrupted, from a thread that hosts one of the runtime's
 * workers, and that thread cannot leave the runtime while the handler runs. So
 * a runtime that is destroyed has no handler in it; one that comes later finds
 * no task of it.
 *
 * TESTS  model_question.c; test_backtrace.c.
 */
#ifndef GO_SCHED_QUESTION_H
#define GO_SCHED_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

struct go__worker;
struct go__task;

enum go__question_state {
	GO__QUESTION_IDLE,
	GO__QUESTION_ASKED,
	GO__QUESTION_TAKEN,
	GO__QUESTION_LATE,
	GO__QUESTION_DONE,
	GO__QUESTION_STATES = 8, /* The number is what lies above. */
};

#ifdef GO_MODEL
#define GO__FRAMES 2
#else
#define GO__FRAMES 32
#endif

/* Who runs where; what a question is about, and what a handler finds. */
struct go__hog {
	struct go__worker *worker;
	struct go__task *task;
	uint64_t picks;
};

struct go__question {
	/* The state, and the question's number. */
	_Atomic uint32_t word;
	/* The watchdog writes, while nothing is asked: see struct go__hog. */
	_Atomic(struct go__worker *) worker;
	_Atomic(struct go__task *) task;
	_Atomic uint64_t picks;
	/* The answer: whose it is says the table. */
	unsigned count;
	void *frame[GO__FRAMES];
};

static inline enum go__question_state go__question_state(uint32_t word)
{
	return (enum go__question_state)(word % GO__QUESTION_STATES);
}

/* The same question in another state. */
static inline uint32_t go__question_as(uint32_t word,
				       enum go__question_state state)
{
	return word - word % GO__QUESTION_STATES + state;
}

/* ---- the watchdog ---- */

/*
 * Ask.  Returns the word of the question; 0: not now, a handler is late.  The
 * signal is sent afterwards.
 */
static inline uint32_t go__question_ask(struct go__question *q,
					const struct go__hog *hog)
{
	/* acquire <- [over]: a late handler has left the frames. */
	uint32_t word = atomic_load_explicit(&q->word, memory_order_acquire);

	if (go__question_state(word) == GO__QUESTION_LATE)
		return 0;
	word = go__question_as(word + GO__QUESTION_STATES, GO__QUESTION_ASKED);
	/* relaxed, all: published by [ask]. */
	atomic_store_explicit(&q->worker, hog->worker, memory_order_relaxed);
	atomic_store_explicit(&q->task, hog->task, memory_order_relaxed);
	atomic_store_explicit(&q->picks, hog->picks, memory_order_relaxed);
	/* [ask] release -> go__question_take(): the three, and the frames. */
	atomic_store_explicit(&q->word, word, memory_order_release);
	return word;
}

static inline enum go__question_state go__question_look(struct go__question *q)
{
	/* acquire <- [done]: the frames. */
	return go__question_state(
		atomic_load_explicit(&q->word, memory_order_acquire));
}

/* Wait no longer.  Returns true if the answer has come after all. */
static inline bool go__question_drop(struct go__question *q, uint32_t asked)
{
	uint32_t word = asked;

	/* relaxed, both: nothing was written, and a failure is looked at. */
	if (atomic_compare_exchange_strong_explicit(
		    &q->word, &word, go__question_as(asked, GO__QUESTION_IDLE),
		    memory_order_relaxed, memory_order_relaxed))
		return false;
	word = go__question_as(asked, GO__QUESTION_TAKEN);
	/* acquire <- [done], by a failure.  (Of success nothing is asked: the
	 * frames stay the handler's.) */
	return !atomic_compare_exchange_strong_explicit(
		&q->word, &word, go__question_as(asked, GO__QUESTION_LATE),
		memory_order_acquire, memory_order_acquire);
}

/* ---- a handler ---- */

/*
 * Is this what is asked?  Then the frames are the caller's, until
 * go__question_answer().
 */
static inline bool go__question_take(struct go__question *q,
				     const struct go__hog *here)
{
	/* acquire <- [ask]: the three are this question's, or a later one's. */
	uint32_t word = atomic_load_explicit(&q->word, memory_order_acquire);

	if (go__question_state(word) != GO__QUESTION_ASKED)
		return false;
	/* relaxed, all: of this question, if the exchange goes well. */
	if (atomic_load_explicit(&q->worker, memory_order_relaxed) !=
		    here->worker ||
	    atomic_load_explicit(&q->task, memory_order_relaxed) !=
		    here->task ||
	    atomic_load_explicit(&q->picks, memory_order_relaxed) !=
		    here->picks)
		return false;
	/* acquire: what is written into the frames comes after it. */
	return atomic_compare_exchange_strong_explicit(
		&q->word, &word, go__question_as(word, GO__QUESTION_TAKEN),
		memory_order_acquire, memory_order_relaxed);
}

/* The frames are written. */
static inline void go__question_answer(struct go__question *q)
{
	/* relaxed: ours, or LATE, which nobody else leaves. */
	uint32_t word = atomic_load_explicit(&q->word, memory_order_relaxed);

	/* [done] release -> go__question_look(), go__question_drop(): the
	 * frames. */
	if (go__question_state(word) == GO__QUESTION_TAKEN &&
	    atomic_compare_exchange_strong_explicit(
		    &q->word, &word, go__question_as(word, GO__QUESTION_DONE),
		    memory_order_release, memory_order_relaxed))
		return;
	/* [over] release -> go__question_ask(): we have left the frames. */
	atomic_store_explicit(&q->word,
			      go__question_as(word, GO__QUESTION_IDLE),
			      memory_order_release);
}

#endif
