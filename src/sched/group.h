/* SPDX-License-Identifier: MIT */
/*
 * Groups from the inside.
 *
 * A group is a count, a list of children and two lists of waits, in memory of
 * the caller's that is gone as soon as a wait has said that no child is left.
 * All of it is under one lock:
 *
 *     spawner           child's end              waiter        canceller
 *     -------           -----------              ------        ---------
 *     lock              lock                     lock          lock
 *     places + 1        unlink itself            places == 0?  CANCELLED
 *     unlock            places - 1, or hand it   begin, link   each child:
 *     make the task       to a waiting spawner   unlock          its flag,
 *     lock              places == 0: claim the   wait            claim its
 *     link it             waits                                  wait
 *     unlock            unlock                                 unlock
 *     queue it          deliver                                deliver
 *
 * NO CHILD TOUCHES A FREED GROUP.  A place is counted before its child exists,
 * and given back in the last critical section of that child; what follows the
 * unlock (deliver) touches waiters only, which are type-stable, and whose
 * claimed waits cannot go on before.  So whoever sees places == 0 under the
 * lock is the last to touch the group, and no other child ever will.  (The
 * unlock itself may still wake a sleeper of the lock, by its address; it reads
 * nothing there.)
 *
 * NO CHILD IS FREED UNDER A CANCELLER.  A child is linked from before it is
 * queued until its end, and its block is given up after that; so each child on
 * the list is a live task.  Its flag is raised before its wait is looked at,
 * as taskword.h demands.
 *
 * A CHILD SPAWNED INTO A CANCELLED GROUP finds the flag when it is linked, and
 * begins cancelled; so a canceller and a spawner miss each other in no order.
 *
 * A HANDED-OVER PLACE stays counted: between two children of a limited group
 * no third one slips in, and places == 0 is not seen while a spawner that has
 * won a place is on its way.  A spawner whose wait ends by cancellation has
 * won none, since one claim decides.
 *
 * LOCK ORDER  the group's lock is a leaf: only claims are made under it.
 *
 * TESTS  model_group.c; test_group.c; test_group_stress.c counts places and
 *        children.
 */
#ifndef GO_SCHED_GROUP_H
#define GO_SCHED_GROUP_H

#include <gofer/group.h>

#include "arch/lock.h"
#include "sched/task.h"

/* The caller's go_group.  All of it under lock, but for the constants. */
struct go__group {
	struct go__lock lock;
	int error;      /* The first of a child. */
	uint32_t limit; /* Constant; 0: none. */
	bool cancelled;
	bool cancel_on_error;       /* Constant. */
	uint64_t places;            /* Taken, with or without a child yet. */
	uint64_t deadline;          /* Constant: of each child. */
	struct go_runtime *runtime; /* Constant: NULL, the spawner's. */
	/* Lists that stand for themselves are made at first use, since a group
	 * may be copied by its declaration: NULL until then. */
	struct go__link children; /* task.link */
	struct go__link waiters;  /* Waits for places == 0. */
	struct go__link spawners; /* Waits for a place. */
} __attribute__((may_alias));

_Static_assert(sizeof(struct go__group) <= sizeof(go_group),
	       "a group fits into what the caller provides");

/* A child that is about to be queued: link it, and let it inherit. */
void go__group_enter(struct go__group *g, struct go__task *t);

/* A child's last act but one: leave, with the result it has come to. */
void go__group_leave(struct go__task *t);

/* As go_spawn_with_at(), for options that name a group. */
int go__group_spawn(const go_spawn_options *options,
		    const struct go__start *start);

#endif
