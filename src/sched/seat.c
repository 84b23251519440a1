/* SPDX-License-Identifier: MIT */
/*
 * Who runs a runtime that has no threads.
 *
 * The worker of a GO_CURRENT_THREAD runtime has one SEAT, and whoever has taken
 * it, under go_runtime.lock, hosts the worker: somebody in block_on, until his
 * task is over; somebody in a shutdown, until all are; a guest's host, for a
 * turn.  The others in block_on wait for two things at once, with one wait: the
 * end of their task, which whoever sits runs meanwhile, and the seat.
 *
 *     one who comes                        the one who sits
 *     -------------                        ----------------
 *     S1  spawn the task                   H1  run tasks until his own is over;
 *     S2  lock; if the seat is free            others that end wake who joins
 *         take it, unlock: H1                  them
 *     S3  begin the wait: as the task's    H2  lock; claim the wait of the
 *         joiner, and in rt->seats             first of rt->seats that can be
 *     S4  unlock; wait                         claimed, unlink it
 *     S5  the task is over: lock, unlink   H3  none: the seat is free
 *         the node, unlock                 H4  unlock; deliver "seated" to the
 *     S6  or seated: give the join up,         one who was found: it is his
 *         H1
 *
 * NO SEAT IS LOST.  It is handed on while it counts as taken, so nobody can
 * slip in between; and it is free only if nobody could be claimed, under the
 * lock behind which S3 begins waits.  Who could not be claimed has been woken
 * by the end of his task, and needs no seat.  Who is claimed has nothing else
 * that could end his wait, so the seat is his, and he gives it away by H2 like
 * everybody.
 *
 * So whenever somebody waits, somebody sits, or is on his way to.
 *
 * A TASK THAT IS OVER when its joiner is seated cannot be: tasks end under
 * somebody's hosting, before that one's H2, and the end claims the joiner's
 * wait.  It is looked at all the same, as it costs nothing, and the seat is
 * handed on then.
 *
 * THE LOCK ORDER is go_runtime.lock before all others.  Under it a wait begins
 * and is claimed, and nothing is delivered.
 *
 * WHO IS IN HERE counts as a visitor of the runtime (ready.c): one who has been
 * woken by the end of his task has still to unlink his node, when the shutdown
 * that has cancelled that task may be over already, and the runtime be freed.
 *
 * GUESTS are not waited for: their host takes its turns when it likes, and what
 * their tasks use may be that thread's own.  Who finds one's seat taken gets
 * -EBUSY.  If a runtime becomes a guest while somebody has spawned his task and
 * is about to wait, he waits, and is seated when that turn is over.
 *
 * WHY NOT a condition that all wait for?  Each would wake at each hand-over,
 * and the end of a task would have to wake them, too.
 *
 * TESTS  test_seat.c.  No model runs it yet.
 */
#include "sched/seat.h"

#include "sched/worker.h"

/* Under rt->lock. */
static bool try_seat(struct go_runtime *rt)
{
	if (rt->hosted)
		return false;
	rt->hosted = true;
	return true;
}

int go__runtime_host(struct go_runtime *rt)
{
	bool mine;

	go__lock_acquire(&rt->lock);
	mine = try_seat(rt);
	go__lock_release(&rt->lock);
	return mine ? 0 : -EBUSY;
}

void go__runtime_unhost(struct go_runtime *rt)
{
	struct go__claimed next;

	go__claimed_init(&next);
	go__lock_acquire(&rt->lock);
	rt->hosted = go__claimed_take_first(&next, &rt->seats, GO__SEATED);
	if (rt->asked && !rt->hosted) {
		/* As after a sleep: a guest's worker dozes. */
		go__notify_worker(&rt->worker[0]);
		rt->asked = false;
	}
	go__lock_release(&rt->lock);
	go__claimed_deliver(&next);
	/* Who hosts now may shut it down. */
	go__perturb_long();
}

int go__seat_ask(struct go_runtime *rt)
{
	int r = GO__SEATED;

	go__lock_acquire(&rt->lock);
	if (!try_seat(rt))
		r = rt->guest ? -EBUSY : 0;
	go__lock_release(&rt->lock);
	return r;
}

bool go__seat_take(struct go_runtime *rt)
{
	bool mine;

	go__lock_acquire(&rt->lock);
	mine = try_seat(rt);
	if (mine)
		go__lock_release(&rt->lock);
	return mine;
}

void go__seat_queue(struct go_runtime *rt, struct go__wait_node *node,
		    struct go__waiter *w)
{
	go__wait_node_init(node, w);
	go__list_push_back(&rt->seats, &node->link);
	go__lock_release(&rt->lock);
}

int go__seat_wait(struct go_runtime *rt, uint64_t deadline)
{
	struct go__waiter *w = go__waiter_self();
	struct go__wait_node node;
	int r;

	if (!w)
		return -ENOMEM;
	if (go__seat_take(rt))
		return GO__SEATED;
	go__wait_begin(w, deadline, GO__WAIT_OTHER | GO__WAIT_IS_DEAF, rt);
	go__seat_queue(rt, &node, w);
	r = go__wait(w);
	go__wait_unlink(&node, &rt->lock);
	return r;
}
