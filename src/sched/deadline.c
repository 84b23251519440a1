/* SPDX-License-Identifier: MIT */
/*
 * Scopes of deadlines and shields.
 *
 * A task, and the record of a plain thread, holds one number: the earliest
 * deadline of all its open scopes.  A scope keeps what was there before and
 * puts it back, so nothing is allocated and scopes nest to any depth.
 * go__wait_begin() takes the number into account; nobody else looks at it, and
 * no timer is armed before something really waits (timer.h, LAZY TIMERS).
 *
 * A shield replaces the number by "none", and counts itself: the waits of a
 * shielded task are deaf.
 */
#include <gofer/deadline.h>

#include "arch/sys.h"
#include "sched/worker.h"

/* Where the caller's deadline stands, or NULL: no memory. */
static uint64_t *place(void)
{
	struct go__waiter *w = go__waiter_self();

	return w ? go__waiter_scope(w) : NULL;
}

/* GO_NEVER is the same "never" as inside. */
static uint64_t inside(int64_t when_ns)
{
	if (when_ns == GO_NEVER)
		return GO__NO_DEADLINE;
	return when_ns > 0 ? (uint64_t)when_ns : 0;
}

static int64_t outside(uint64_t deadline)
{
	return deadline < INT64_MAX ? (int64_t)deadline : GO_NEVER;
}

int go_deadline_begin(go_deadline *scope, int64_t when_ns)
{
	uint64_t *deadline, when = inside(when_ns);

	if (!scope)
		return -EINVAL;
	*scope = (go_deadline){GO_NEVER, false};
	deadline = place();
	if (!deadline)
		return -ENOMEM;
	*scope = (go_deadline){outside(*deadline), true};
	if (when < *deadline)
		*deadline = when;
	return 0;
}

int go_timeout_begin(go_deadline *scope, int64_t ns)
{
	int64_t now = go_now();

	if (ns < 0)
		ns = 0;
	return go_deadline_begin(scope,
				 ns < GO_NEVER - now ? now + ns : GO_NEVER);
}

void go_deadline_end(go_deadline *scope)
{
	uint64_t *deadline;

	if (!scope || !scope->open)
		return;
	scope->open = false;
	deadline = place();
	if (deadline)
		*deadline = inside(scope->outer_ns);
}

int64_t go_deadline_current(void)
{
	uint64_t *deadline = place();

	return deadline ? outside(*deadline) : GO_NEVER;
}

int go_shield_begin(go_shield *shield)
{
	struct go__task *t = go__task_inside();
	uint64_t *deadline;

	if (!shield)
		return -EINVAL;
	*shield = (go_shield){GO_NEVER, false};
	deadline = place();
	if (!deadline)
		return -ENOMEM;
	if (t && t->shield == UINT16_MAX)
		return -EAGAIN;
	*shield = (go_shield){outside(*deadline), true};
	*deadline = GO__NO_DEADLINE;
	if (t)
		t->shield++;
	return 0;
}

void go_shield_end(go_shield *shield)
{
	struct go__task *t = go__task_inside();
	uint64_t *deadline;

	if (!shield || !shield->open)
		return;
	shield->open = false;
	deadline = place();
	if (deadline)
		*deadline = inside(shield->outer_ns);
	if (t)
		t->shield--;
}
