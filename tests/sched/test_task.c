/* SPDX-License-Identifier: MIT */
/*
 * Tasks begin, end, are joined, detached and cancelled, in every flavour.
 *
 * That these protocols hold in every interleaving is shown by the models; here
 * the whole library is run, with real threads.
 */
#include <errno.h>
#include <string.h>
#include <fenv.h>

#include "everywhere.h"
#include "support.h"

static ATOMIC(int) count;

static void *add_one(void *arg)
{
	atomic_fetch_add(&count, 1);
	return arg;
}

static void *wait_for_cancel(void *arg)
{
	int r = go_sleep(GO_NEVER);

	(void)arg;
	return GO_INT(r);
}

/* ---- results and handles ---- */

static void *join_returns_the_result(void *arg)
{
	go_task t;
	void *result = NULL;

	(void)arg;
	MUST(go_task_spawn(&t, add_one, &t) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(result == &t);
	MUST(go_task_join(t, &result) == -ESRCH);
	MUST(go_task_detach(t) == -ESRCH);
	MUST(go_task_cancel(t) == -ESRCH);
	return NULL;
}

Test(task, join_returns_the_result, .timeout = 60)
{
	run_everywhere(join_returns_the_result, NULL);
}

static void *join_after_the_end(void *arg)
{
	go_task t;
	int before = atomic_load(&count);

	(void)arg;
	MUST(go_task_spawn(&t, add_one, NULL) == 0);
	while (atomic_load(&count) == before)
		go_yield();
	for (int i = 0; i < 100; i++)
		go_yield();
	MUST(go_task_join(t, NULL) == 0);
	return NULL;
}

Test(task, join_after_the_end, .timeout = 60)
{
	run_everywhere(join_after_the_end, NULL);
}

static void *join_itself(void *arg)
{
	go_task *self = (go_task *)arg;

	while (!self->block)
		go_yield();
	return GO_INT(go_task_join(go_task_self(), NULL));
}

static void *bad_arguments(void *arg)
{
	MAKE(go_spawn_options, bad, .reserved[0] = 1);
	MAKE(go_spawn_options, huge, .stack_bytes = SIZE_MAX / 2);
	go_task zero = {NULL, 0}, t;
	void *result;

	(void)arg;
	MUST(go_spawn(NULL, NULL) == -EINVAL);
	MUST(go_task_spawn(NULL, add_one, NULL) == -EINVAL);
	MUST(go_task_spawn(&t, NULL, NULL) == -EINVAL);
	MUST(go_spawn_with(&bad, add_one, NULL) == -EINVAL);
	MUST(go_spawn_with(&huge, add_one, NULL) == -EINVAL);
	MUST(go_task_join(zero, NULL) == -ESRCH);
	MUST(go_task_detach(zero) == -ESRCH);
	MUST(go_task_cancel(zero) == -ESRCH);
	MUST(go_task_spawn(&t, join_itself, &t) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(GO_TO_INT(result) == -EDEADLK);
	return NULL;
}

Test(task, bad_arguments_are_refused, .timeout = 60)
{
	run_everywhere(bad_arguments, NULL);
	cr_assert_eq(go_spawn(add_one, NULL), -ESRCH);
	cr_assert_eq(go_yield(), 0);
	cr_assert_not(go_cancelled());
	cr_assert_eq(go_stack_used(NULL), -ESRCH);
	cr_assert_null(go_task_self().block);
	cr_assert_null(go_runtime_current());
}

static void *detached_tasks_end(void *arg)
{
	int before = atomic_load(&count);
	go_task t;

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		MUST(go_task_spawn(&t, add_one, NULL) == 0);
		if (i % 3 == 0)
			go_yield();
		MUST(go_task_detach(t) == 0);
		MUST(go_task_join(t, NULL) == -ESRCH);
	}
	while (atomic_load(&count) != before + 1000)
		go_yield();
	return NULL;
}

Test(task, detached_tasks_end, .timeout = 60)
{
	run_everywhere(detached_tasks_end, NULL);
}

/* ---- cancellation ---- */

static void *cancel_ends_waits(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	for (int i = 0; i < 200; i++) {
		MUST(go_task_spawn(&t, wait_for_cancel, NULL) == 0);
		for (int n = i % 4; n > 0; n--)
			go_yield();
		MUST(go_task_cancel(t) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST(GO_TO_INT(result) == -ECANCELED);
	}
	return NULL;
}

Test(task, cancel_ends_waits, .timeout = 60)
{
	run_everywhere(cancel_ends_waits, NULL);
}

static void *sees_cancel(void *arg)
{
	(void)arg;
	while (!go_cancelled())
		go_yield();
	/* It stays cancelled: each waiting call says so at once. */
	if (go_sleep(1) != -ECANCELED || go_sleep(GO_NEVER) != -ECANCELED)
		return GO_INT(1);
	return NULL;
}

static void *joins(void *arg)
{
	go_task *t = (go_task *)arg;

	return GO_INT(go_task_join(*t, NULL));
}

static void *cancel_is_level_triggered(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	MUST(go_task_spawn(&t, sees_cancel, NULL) == 0);
	go_yield();
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(!result);
	return NULL;
}

Test(task, cancel_is_level_triggered, .timeout = 60)
{
	run_everywhere(cancel_is_level_triggered, NULL);
}

/* A join that is cancelled leaves the handle as it was. */
static void *cancelled_join(void *arg)
{
	go_task sleeper, joiner;
	void *result;

	(void)arg;
	for (int i = 0; i < 100; i++) {
		MUST(go_task_spawn(&sleeper, wait_for_cancel, NULL) == 0);
		MUST(go_task_spawn(&joiner, joins, &sleeper) == 0);
		for (int n = i % 5; n > 0; n--)
			go_yield();
		MUST(go_task_cancel(joiner) == 0);
		MUST(go_task_join(joiner, &result) == 0);
		MUST(GO_TO_INT(result) == -ECANCELED);
		MUST(go_task_cancel(sleeper) == 0);
		MUST(go_task_join(sleeper, &result) == 0);
		MUST(GO_TO_INT(result) == -ECANCELED);
	}
	return NULL;
}

Test(task, a_cancelled_join_keeps_the_handle, .timeout = 60)
{
	run_everywhere(cancelled_join, NULL);
}

/* ---- what a task keeps ---- */

/* Not inlined, so that the address is computed anew after each park. */
__attribute__((noinline)) static void set_errno(int value)
{
	errno = value;
}

static void *keep_errno(void *arg)
{
	for (int i = 0; i < 50; i++) {
		set_errno(GO_TO_INT(arg));
		go_sleep(1000);
		if (go_errno() != GO_TO_INT(arg))
			return GO_INT(1);
		go_yield();
	}
	return NULL;
}

static void *errno_is_kept(void *arg)
{
	go_task t[20];
	void *result;

	(void)arg;
	for (int i = 0; i < 20; i++)
		MUST(go_task_spawn(&t[i], keep_errno, GO_INT(i + 1)) == 0);
	for (int i = 0; i < 20; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(!result);
	}
	return NULL;
}

Test(task, errno_is_kept_across_parks, .timeout = 60)
{
	run_everywhere(errno_is_kept, NULL);
}

static void *keep_rounding(void *arg)
{
	static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
	int mode = modes[GO_TO_INT(arg) % 3];

	if (fegetround() != FE_TONEAREST)
		return GO_INT(1); /* A new task begins with the default. */
	fesetround(mode);
	for (int i = 0; i < 50; i++) {
		go_yield();
		if (fegetround() != mode)
			return GO_INT(2);
	}
	return NULL;
}

static void *rounding_is_kept(void *arg)
{
	go_task t[9];
	void *result;

	(void)arg;
	for (int i = 0; i < 9; i++)
		MUST(go_task_spawn(&t[i], keep_rounding, GO_INT(i)) == 0);
	for (int i = 0; i < 9; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(!result);
	}
	return NULL;
}

Test(task, floating_point_mode_is_kept, .timeout = 60)
{
	run_everywhere(rounding_is_kept, NULL);
}

static __thread int thread_mark;

/* Not inlined, so that the address is computed anew after each park. */
__attribute__((noinline)) static int *mark(void)
{
	int *p = &thread_mark;

	__asm__ volatile("" : "+r"(p)::"memory");
	return p;
}

static void *stay(void *arg)
{
	int *first = mark();

	(void)arg;
	for (int i = 0; i < 100; i++) {
		go_sleep(1000);
		if (mark() != first)
			return GO_INT(1);
		go_yield();
		if (mark() != first)
			return GO_INT(2);
	}
	return NULL;
}

static void *pinned_tasks_stay(void *arg)
{
	go_task t[8];
	MAKE(go_spawn_options, o, .pinned = true, .name = "pinned");
	void *result;

	(void)arg;
	for (int i = 0; i < 8; i++) {
		o.task = &t[i];
		MUST(go_spawn_with(&o, stay, NULL) == 0);
		go_sleep(1000);
	}
	for (int i = 0; i < 8; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(!result);
	}
	return NULL;
}

Test(task, pinned_tasks_stay_on_their_thread, .timeout = 60)
{
	run_everywhere(pinned_tasks_stay, NULL);
}

/* ---- stacks ---- */

static int use_stack(size_t bytes)
{
	char buffer[4096];
	int below = 0;

	memset(buffer, 1, sizeof(buffer));
	/* For all the compiler knows, all of it is read here and below. */
	__asm__ volatile("" ::"r"(buffer) : "memory");
	if (bytes > sizeof(buffer))
		below = use_stack(bytes - sizeof(buffer));
	__asm__ volatile("" ::"r"(buffer) : "memory");
	return below + 1;
}

static void *use_much(void *arg)
{
	size_t reserved;

	use_stack((size_t)(uintptr_t)arg);
	if (go_stack_used(&reserved) < (int64_t)(uintptr_t)arg)
		return GO_INT(1);
	return reserved < (size_t)(uintptr_t)arg ? GO_INT(2) : NULL;
}

static void *stacks_of_all_sizes(void *arg)
{
	static const size_t sizes[] = {1, 64 << 10, 128 << 10, 1 << 20,
				       8 << 20};
	go_task t;
	void *result;

	(void)arg;
	for (int i = 0; i < 5; i++) {
		MAKE(go_spawn_options, o, .stack_bytes = sizes[i], .task = &t);
		size_t use = sizes[i] / 2;

		MUST(go_spawn_with(&o, use_much, (void *)use) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST(!result);
	}
	return NULL;
}

Test(task, stacks_of_all_sizes, .timeout = 60)
{
	run_everywhere(stacks_of_all_sizes, NULL);
}

/* ---- order ---- */

static ATOMIC(int) turns;
static ATOMIC(bool) stop;

static void *take_turns(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		atomic_fetch_add(&turns, 1);
		go_yield();
	}
	return NULL;
}

static void *spawn_for_ever(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		if (go_spawn(add_one, NULL) < 0)
			return GO_INT(1);
		go_yield();
	}
	return NULL;
}

/* Yielding tasks and a flood of new ones do not starve timers or each other. */
static void *nobody_starves(void *arg)
{
	go_task t[6];
	void *result;

	(void)arg;
	atomic_store(&stop, false);
	for (int i = 0; i < 6; i++)
		MUST(go_task_spawn(&t[i], i < 3 ? take_turns : spawn_for_ever,
				   NULL) == 0);
	for (int i = 0; i < 20; i++)
		MUST(go_sleep(100 * GO_MICROSECOND) == 0);
	atomic_store(&turns, 0);
	while (atomic_load(&turns) < 1000)
		MUST(go_sleep(100 * GO_MICROSECOND) == 0);
	atomic_store(&stop, true);
	for (int i = 0; i < 6; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(!result);
	}
	return NULL;
}

Test(task, nobody_starves, .timeout = 60)
{
	run_everywhere(nobody_starves, NULL);
}

static void *tree(void *arg)
{
	go_task t[4];
	intptr_t depth = (intptr_t)arg, sum = 1;
	void *result;

	for (int i = 0; depth > 0 && i < 4; i++)
		if (go_task_spawn(&t[i], tree, (void *)(depth - 1)) < 0)
			return GO_INT(-1);
	for (int i = 0; depth > 0 && i < 4; i++) {
		if (go_task_join(t[i], &result) < 0)
			return GO_INT(-1);
		sum += (intptr_t)result;
	}
	return (void *)sum;
}

static void *trees_add_up(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	MUST(go_task_spawn(&t, tree, GO_INT(6)) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST((intptr_t)result == (4 * 4 * 4 * 4 * 4 * 4 * 4 - 1) / 3);
	return NULL;
}

Test(task, trees_of_tasks_add_up, .timeout = 60)
{
	run_everywhere(trees_add_up, NULL);
}
