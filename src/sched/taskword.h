/* SPDX-License-Identifier: MIT */
/*
 * The task word: which task a block holds, and who still refers to it.
 *
 * A task's block is type-stable: when the task is over and nobody may ask for
 * it any more, another task takes the block.  So every question from outside
 * (join, detach, cancel) names the task by the id in its handle, and asks and
 * acts in one atomic step on one word that holds the id and these flags:
 *
 *     LIVE       the task has not ended
 *     HANDLE     a handle is out that has been neither joined nor detached
 *     RESERVED   a joiner has the handle to itself and is about to wait
 *     JOINING    it waits; block.joiner says who
 *     CANCELLED  the task has been cancelled (level-triggered, never cleared)
 *     WATCHED    others wait for its end, without the handle (ending.h)
 *
 *     flags                  meaning                       who moves on
 *     ---------------------  ----------------------------  -------------------
 *     LIVE                   runs, nobody will ask         end: free the block
 *     LIVE HANDLE            runs, may be joined           end, join, detach
 *     LIVE HANDLE RES.       a joiner prepares to wait     end, the joiner
 *     LIVE HANDLE RES. JOIN. the joiner waits              end; it gives up
 *     HANDLE                 over, result kept             join, detach: free
 *     HANDLE RES.            over, the joiner will see     the joiner: free
 *     HANDLE RES. JOIN.      being handed over             see END
 *
 * JOIN takes two steps, since block.joiner must be written by one thread only
 * and before JOINING is seen: reserve the handle, write joiner, set JOINING.
 *
 * END.  The task's last act clears LIVE.  If JOINING was set, the ender claims
 * the joiner's wait.  If it wins, it hands over the result, the joiner never
 * looks at the block again, and the ender frees it.  If it loses, the joiner's
 * deadline or cancellation came first, and the joiner is about to give up: it
 * tries to take back JOINING, finds LIVE gone, and so the join has succeeded
 * after all.  Then both need the block once more, and whoever is last frees
 * it: the ender clears JOINING, the joiner HANDLE, each sees the other's flag.
 *
 * Only the task itself knows whether anybody can hold a handle: a task spawned
 * without one never changes its word but to end, yet others may set CANCELLED
 * (a runtime that shuts down cancels blocks, not handles).  So all changes
 * are read-modify-writes.
 *
 * CANCELLED and WATCHED say nothing about the block, and may be set in each of
 * these states while the task lives.
 *
 * TESTS  model_taskword.c: end against join, detach, cancel, watchers and a
 *        join that gives up.
 */
#ifndef GO_SCHED_TASKWORD_H
#define GO_SCHED_TASKWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"

#define GO__TASK_LIVE      UINT64_C(1)
#define GO__TASK_HANDLE    UINT64_C(2)
#define GO__TASK_RESERVED  UINT64_C(4)
#define GO__TASK_JOINING   UINT64_C(8)
#define GO__TASK_CANCELLED UINT64_C(16)
#define GO__TASK_WATCHED   UINT64_C(32)
#define GO__TASK_FLAGS     UINT64_C(63)
#define GO__TASK_ID_SHIFT  6

struct go__task_word {
	_Atomic uint64_t bits;
};

/* A task begins in this block.  Owner only (the spawner). */
static inline void go__task_word_begin(struct go__task_word *w, uint64_t id,
				       uint64_t flags)
{
	/* [begin] release: who reads this id without having been given it (a
	 * walk over all blocks) sees the runtime it belongs to. */
	atomic_store_explicit(&w->bits, id << GO__TASK_ID_SHIFT | flags,
			      memory_order_release);
}

/* The id of the task.  By the task itself, or as a guess. */
static inline uint64_t go__task_word_id(const struct go__task_word *w)
{
	/* acquire <- [begin]. */
	return atomic_load_explicit(&w->bits, memory_order_acquire) >>
	       GO__TASK_ID_SHIFT;
}

/* True if the task has been cancelled.  By the task, or after [save]. */
static inline bool go__task_word_cancelled(const struct go__task_word *w)
{
	/* [cancelled?] seq_cst <-> [cancel]: behind the saving of a wait
	 * (waitword.h). */
	return atomic_load_explicit(&w->bits, memory_order_seq_cst) &
	       GO__TASK_CANCELLED;
}

/* Raise CANCELLED for the live task `id`.  False: that task is over. */
static inline bool go__task_word_cancel(struct go__task_word *w, uint64_t id)
{
	/* relaxed: the exchange decides. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_relaxed);

	do {
		if (bits >> GO__TASK_ID_SHIFT != id || !(bits & GO__TASK_LIVE))
			return false;
		/* [cancel] seq_cst <-> [cancelled?]: before the look at the
		 * wait word.  relaxed on failure: retried. */
	} while (!atomic_compare_exchange_weak_explicit(
		&w->bits, &bits, bits | GO__TASK_CANCELLED,
		memory_order_seq_cst, memory_order_relaxed));
	return true;
}

/* True if the block still holds the task `id`, alive. */
static inline bool go__task_word_is(const struct go__task_word *w, uint64_t id)
{
	/* seq_cst: a canceller asks after it has read the wait word. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_seq_cst);

	return bits >> GO__TASK_ID_SHIFT == id && (bits & GO__TASK_LIVE);
}

/* Raise WATCHED for the live task `id`.  False: that task is over. */
static inline bool go__task_word_watch(struct go__task_word *w, uint64_t id)
{
	/* acquire <- [end]: what the task did is visible if it is over. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_acquire);

	do {
		if (bits >> GO__TASK_ID_SHIFT != id || !(bits & GO__TASK_LIVE))
			return false;
		/* [watch] acquire <- [end] on failure.  On success nothing is
		 * ordered: the line's lock shows the end who waits. */
	} while (!atomic_compare_exchange_weak_explicit(
		&w->bits, &bits, bits | GO__TASK_WATCHED, memory_order_acquire,
		memory_order_acquire));
	return true;
}

enum go__end {
	GO__END_FREE, /* Nobody asks: the caller frees the block. */
	GO__END_KEEP, /* A handle is out: the block is no longer ours. */
	GO__END_JOIN, /* Claim block.joiner; if lost, go__task_word_lost(). */
};

/*
 * The task ends; its result has been stored.  Once, by the task itself.  With
 * *watched its line of watchers is to be woken (ending.h).
 */
static inline enum go__end go__task_word_end(struct go__task_word *w,
					     bool *watched)
{
	/* [end] release -> [join], [joined], [watch]: the result is visible;
	 * acquire <- [joining]: so is the joiner. */
	uint64_t old = atomic_fetch_sub_explicit(&w->bits, GO__TASK_LIVE,
						 memory_order_acq_rel);

	*watched = old & GO__TASK_WATCHED;
	if (old & GO__TASK_JOINING)
		return GO__END_JOIN;
	return old & GO__TASK_HANDLE ? GO__END_KEEP : GO__END_FREE;
}

/* The ender did not win the joiner's wait.  True: the caller frees. */
static inline bool go__task_word_lost(struct go__task_word *w)
{
	/* [lost] acq_rel <-> [reaped]: the last one sees the other done. */
	uint64_t old = atomic_fetch_sub_explicit(&w->bits, GO__TASK_JOINING,
						 memory_order_acq_rel);

	return !(old & GO__TASK_HANDLE);
}

enum go__join {
	GO__JOIN_STALE, /* No such task, or its handle is used up. */
	GO__JOIN_OVER,  /* It has ended: read the result, free the block. */
	GO__JOIN_LIVE,  /* It lives on. */
};

/*
 * Use up the handle of task `id`.  OVER: the task has ended, the block is the
 * caller's.  LIVE: with `join`, the handle is reserved for the caller; without,
 * the task is detached.
 */
static inline enum go__join go__task_word_handle(struct go__task_word *w,
						 uint64_t id, bool join)
{
	/* acquire <- [end]: if it is over we read its result. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_acquire);
	uint64_t next;

	do {
		if (bits >> GO__TASK_ID_SHIFT != id ||
		    !(bits & GO__TASK_HANDLE) || (bits & GO__TASK_RESERVED))
			return GO__JOIN_STALE;
		if (join && (bits & GO__TASK_LIVE))
			next = bits | GO__TASK_RESERVED;
		else
			next = bits & ~GO__TASK_HANDLE;
		/* [join] acquire <- [end]. */
	} while (!atomic_compare_exchange_weak_explicit(&w->bits, &bits, next,
							memory_order_acquire,
							memory_order_acquire));
	return bits & GO__TASK_LIVE ? GO__JOIN_LIVE : GO__JOIN_OVER;
}

/*
 * The handle is reserved and block.joiner written: wait for the end.  Returns
 * OVER (the result can be read, the block is the caller's) or LIVE.
 */
static inline enum go__join go__task_word_join(struct go__task_word *w)
{
	/* [joining] release -> [end]: joiner is written; acquire <- [end]. */
	uint64_t old = atomic_fetch_add_explicit(&w->bits, GO__TASK_JOINING,
						 memory_order_acq_rel);

	return old & GO__TASK_LIVE ? GO__JOIN_LIVE : GO__JOIN_OVER;
}

/*
 * The joiner's wait ended early.  LIVE: the handle is as before the join.
 * OVER: the task has ended meanwhile; the caller reads the result and then
 * calls go__task_word_reaped().
 */
static inline enum go__join go__task_word_give_up(struct go__task_word *w)
{
	/* acquire <- [end]: if it is over we read its result. */
	uint64_t bits = atomic_load_explicit(&w->bits, memory_order_acquire);
	uint64_t next;

	do {
		if (!(bits & GO__TASK_LIVE))
			return GO__JOIN_OVER;
		next = bits & ~(GO__TASK_JOINING | GO__TASK_RESERVED);
		/* [joined] acquire <- [end] on failure; on success release:
		 * the next joiner writes block.joiner after us. */
	} while (!atomic_compare_exchange_weak_explicit(&w->bits, &bits, next,
							memory_order_release,
							memory_order_acquire));
	return GO__JOIN_LIVE;
}

/* The joiner has read the result after giving up.  True: the caller frees. */
static inline bool go__task_word_reaped(struct go__task_word *w)
{
	/* [reaped] acq_rel <-> [lost]. */
	uint64_t old = atomic_fetch_sub_explicit(&w->bits, GO__TASK_HANDLE,
						 memory_order_acq_rel);

	return !(old & GO__TASK_JOINING);
}

#endif
