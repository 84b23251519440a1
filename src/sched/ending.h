/* SPDX-License-Identifier: MIT */
/*
 * Waiting for tasks to end, without joining them.
 *
 * A handle is used up by one joiner, for whom the task's block has a place
 * (taskword.h).  Whoever only wants to know that the task is over, a select
 * above all, leaves the handle alone: any number of them may wait, and the
 * block has no room for that.  So they stand in lines of the process's own,
 * found by the task's id:
 *
 *     a watcher                            the task's end
 *     ---------                            --------------
 *     E1  lock the line                    T1  clear LIVE (one step; answers
 *     E2  in one step: is the task alive?      whether WATCHED was set)
 *         then set WATCHED                 T2  if so: lock the line
 *     E3  begin the wait, link it          T3  claim and unlink the waits of
 *     E4  unlock                               this id
 *                                          T4  unlock; deliver
 *
 * E2 and T1 are read-modify-writes of one word.  If E2 comes first, T1 sees
 * WATCHED, and T2 comes after E4, since E2 is within the lock: the end finds
 * the wait.  If T1 comes first, E2 finds the task over, and nobody waits.
 *
 * WATCHED stays until the end, also if the watcher has gone: then the end looks
 * at a line for nothing.  A task that nobody watches pays for one test.
 *
 * IDS never come again, so a handle of a task that is over long since says just
 * that, whatever its block holds today; and a wait that is still linked, since
 * its owner has not got to unlinking it, stands for no other task.
 *
 * WHY NOT lists in the blocks?  256 MB per million tasks, most of which nobody
 * ever watches.  WHY NOT the joiner's place?  It is for one.
 *
 * LOCK ORDER  a line's lock is a leaf, but for select, which locks several
 *             sources in the order of their addresses.
 *
 * TESTS  model_taskword.c: end against two watchers and a joiner.
 *        test_select.c.
 */
#ifndef GO_SCHED_ENDING_H
#define GO_SCHED_ENDING_H

#include "arch/lock.h"
#include "sched/wait.h"

/* One who waits for a task's end; on its stack. */
struct go__end_wait {
	struct go__wait_node node; /* Its link is in go__ending.waits. */
	uint64_t id;
};

/* A line: those who wait for the tasks of some ids. */
struct go__ending {
	_Alignas(64) struct go__lock lock;
	struct go__link waits; /* Under lock; made at first use. */
};

/* The line of the task with this id. */
struct go__ending *go__ending_of(uint64_t id);

/* Link a wait that has begun to the line of its id, which is locked. */
void go__ending_link(struct go__end_wait *wait);

/* T2 to T4: a task that was watched has ended. */
void go__ending_wake(uint64_t id);

/* In the child of a fork. */
void go__endings_forked(void);

#endif
