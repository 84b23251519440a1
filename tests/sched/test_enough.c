/* SPDX-License-Identifier: MIT */
/*
 * How many tasks are enough to wake a worker for: what moves the number up and
 * down.
 *
 * That a tick makes up for what is left out, model_lend.c shows; what that is
 * worth, bench/spawn.
 */
#include <gofer/runtime.h>
#include <gofer/task.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sched/worker.h"
#include "support.h"
#include "test.h"

/* ---- Judging ------------------------------------------------------------ */

enum {
	ENOUGH = 16,
	WOKEN_AT = 1000000,
};

/* Two workers, of which the second has been woken by the first. */
static struct go_runtime *make(bool brisk)
{
	struct go_runtime *rt =
		aligned_alloc(64, sizeof(*rt) + 2 * sizeof(rt->worker[0]));
	struct go__worker *w;

	cr_assert_not_null(rt);
	memset(rt, 0, sizeof(*rt) + 2 * sizeof(rt->worker[0]));
	w = &rt->worker[1];
	w->runtime = rt;
	w->stint = (struct go__stint){
		.waker = &rt->worker[0],
		.since = WOKEN_AT,
		.open = true,
	};
	atomic_store(&rt->worker[0].pace.brisk, brisk);
	go__idle_set_enough(&rt->idle, ENOUGH);
	return rt;
}

/* What is enough after it has run so many tasks in so many nanoseconds. */
static unsigned after(struct go_runtime *rt, unsigned runs, uint64_t ns,
		      bool falls_asleep)
{
	struct go__worker *w = &rt->worker[1];

	w->runs += runs;
	go__stint_judge(w, WOKEN_AT + ns, falls_asleep);
	return go__idle_enough(&rt->idle);
}

Test(enough, more_after_a_wake_up_for_little)
{
	struct go_runtime *rt = make(true);

	/* While it searches that may change. */
	cr_assert_eq(after(rt, 2, 1000, false), ENOUGH);
	cr_assert_eq(after(rt, 0, 1000, true), 2 * ENOUGH);
	/* Once for each wake-up. */
	cr_assert_eq(after(rt, 0, 1000, true), 2 * ENOUGH);
	free(rt);
}

Test(enough, the_same_if_the_waker_is_slow)
{
	struct go_runtime *rt = make(false);

	cr_assert_eq(after(rt, 2, 1000, true), ENOUGH);
	free(rt);
}

Test(enough, the_same_if_it_was_woken_from_outside)
{
	struct go_runtime *rt = make(true);

	rt->worker[1].stint.waker = NULL;
	cr_assert_eq(after(rt, 2, 1000, true), ENOUGH);
	free(rt);
}

Test(enough, fewer_after_many_short_tasks)
{
	struct go_runtime *rt = make(true);

	cr_assert_eq(after(rt, 1000, 60000, false), ENOUGH / 2);
	free(rt);
}

Test(enough, two_after_long_tasks)
{
	struct go_runtime *rt = make(true);

	cr_assert_eq(after(rt, 2, 20000, false), GO__ENOUGH_LEAST);
	free(rt);
}

Test(enough, bounds)
{
	struct go__idle idle;

	go__idle_init(&idle, 1);
	cr_assert_eq(go__idle_enough(&idle), GO__ENOUGH_LEAST);
	go__idle_set_enough(&idle, 2 * GO__ENOUGH_MOST);
	cr_assert_eq(go__idle_enough(&idle), GO__ENOUGH_MOST);
	go__idle_set_enough(&idle, GO__ENOUGH_LEAST / 2);
	cr_assert_eq(go__idle_enough(&idle), GO__ENOUGH_LEAST);
}
