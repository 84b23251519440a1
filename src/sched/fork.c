/* SPDX-License-Identifier: MIT */
/*
 * fork(): what the child is left with.
 *
 * The child has one thread, the one that forked, and a copy of all memory.  Its
 * copies of runtimes have no workers any more, and never will: they are marked
 * dead, in which calls answer -ECHILD.  What belongs to the process stays
 * usable, so the child may make runtimes of its own:
 *
 *     before    take the locks of what is shared by all (blocks, records of
 *               threads, the list of runtimes), so that none of it is copied
 *               half-changed
 *     parent    release them
 *     child     release them, mark the runtimes, turn the caller into a thread
 *
 * Each layer has a handler of its own: stacks (arch/stack.c), this one,
 * descriptors (io/fdtable.c), children and signals (io/helper.c).  All their
 * locks are leaves but those of io/helper.c, which takes its own in order, so
 * it does not matter in which order the handlers run.
 *
 * A TASK THAT FORKS goes on in the child as a plain thread, on the stack that
 * it has: it may do what a thread may do outside of runtimes, but when its
 * function returns there is nobody to return to, and the process ends as it
 * does when its last thread ends: exit(0).  The same holds for a job in the
 * pool, and for the program's hooks and its on_stuck: what called them is in
 * the middle of a protocol with threads that do not exist.
 *
 * An eventfd of the caller's is shared with the parent, who would miss what the
 * child reads from it: the child gets another one when it needs it.
 *
 * What other threads did with an object at that moment (a channel's lock that
 * was held) stays as it was, as with the locks of POSIX.
 *
 * TESTS  test_fork.c, test_ends.c.
 */
#include <stdlib.h>

#include "arch/sys.h"
#include "sched/dump.h"
#include "sched/ending.h"
#include "sched/extra.h"
#include "sched/worker.h"

static void before(void)
{
	go__keys_lock();
	go__runtimes_lock();
	go__block_lock();
	go__thread_lock();
}

static void in_parent(void)
{
	go__thread_unlock();
	go__block_unlock();
	go__runtimes_unlock();
	go__keys_unlock();
}

/* The only thread there is belongs to no runtime. */
static void become_thread(void)
{
	struct go__context *c = go__self();
	struct go__thread *t = NULL;

	if (c->flags & GO__CONTEXT_TASK)
		c->waiter = NULL;
	if (c->waiter)
		t = go__container_of((struct go__waiter *)c->waiter,
				     struct go__thread, waiter);
	go__thread_forked(t);
	c->flags = GO__CONTEXT_THREAD;
}

static void in_child(void)
{
	in_parent();
	go__runtimes_forked();
	go__spawn_forked();
	go__endings_forked();
	become_thread();
}

__attribute__((constructor)) static void watch_fork(void)
{
	go__sys_atfork(before, in_parent, in_child);
}

void go__exit_if_forked(const struct go_runtime *rt)
{
	if (rt->dead)
		exit(0);
}
