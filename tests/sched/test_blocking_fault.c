/* SPDX-License-Identifier: MIT */
/*
 * No thread and no memory to be had: the n-th thread or allocation fails, for
 * n = 1, 2, 3 until all were made.  A job is refused, and then it never runs
 * and nothing has changed; or it runs, on another thread.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include <gofer.h>

#include "support.h"
#include "test.h"

static _Atomic int ran;

static void *count_run(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

static void one_call(enum go__sys_call call, unsigned n, int error,
		     bool *failed)
{
	int r;

	atomic_store(&ran, 0);
	test_fail_nth_with(call, n, error);
	r = go_blocking(count_run, NULL, NULL);
	*failed = test_fail_stop();
	cr_assert(r == 0 || (*failed && r == error), "%d", r);
	cr_assert_eq(atomic_load(&ran), r == 0);
}

static void one_task(enum go__sys_call call, unsigned n, int error,
		     bool *failed)
{
	go_task task = {NULL, 3};
	int r;

	atomic_store(&ran, 0);
	test_fail_nth_with(call, n, error);
	r = go_blocking_task(&task, count_run, NULL);
	*failed = test_fail_stop();
	if (r == 0) {
		cr_assert_eq(go_task_join(task, NULL), 0);
	} else {
		cr_assert(*failed && r == error, "%d", r);
		cr_assert(task.block == NULL && task.id == 3);
	}
	cr_assert_eq(atomic_load(&ran), r == 0);
}

static void one_section(enum go__sys_call call, unsigned n, int error,
			bool *failed)
{
	int r;

	test_fail_nth_with(call, n, error);
	r = go_blocking_begin();
	*failed = test_fail_stop();
	cr_assert(r == 0 || (*failed && r == error), "%d", r);
	cr_assert_eq(go_blocking_end(), r == 0 ? 0 : -EINVAL);
	cr_assert_eq(go_yield(), 0);
}

struct plan {
	void (*once)(enum go__sys_call call, unsigned n, int error,
		     bool *failed);
	enum go__sys_call call;
	int error;
};

static void *with_faults(void *arg)
{
	const struct plan *plan = arg;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		/* Until there is no thread left: they expire at once. */
		go_sleep(5 * GO_MILLISECOND);
		plan->once(plan->call, n, plan->error, &failed);
		cr_assert_lt(n, 50u);
	}
	return NULL;
}

static void try_all(void (*once)(enum go__sys_call, unsigned, int, bool *))
{
	static const struct {
		enum go__sys_call call;
		int error;
	} fault[] = {
		{GO__SYS_calloc, -ENOMEM},
		{GO__SYS_malloc, -ENOMEM},
		{GO__SYS_thread_create, -EAGAIN},
	};
	go_runtime_options o = {.workers = 2, .blocking_keep_alive_ns = 1};

	for (unsigned i = 0; i < sizeof(fault) / sizeof(fault[0]); i++) {
		struct plan plan = {once, fault[i].call, fault[i].error};

		cr_assert_eq(go_run_with(&o, with_faults, &plan, NULL), 0);
	}
}

Test(blocking_fault, call, .timeout = 30)
{
	try_all(one_call);
}

Test(blocking_fault, task, .timeout = 30)
{
	try_all(one_task);
}

Test(blocking_fault, section, .timeout = 30)
{
	try_all(one_section);
}

/* ---- no more threads, but some ---- */

static _Atomic bool go_on;

static void *spins(void *arg)
{
	atomic_fetch_add(&ran, 1);
	while (!atomic_load(&go_on))
		sched_yield();
	return arg;
}

static void *degrade_main(void *arg)
{
	go_task first, second;

	atomic_store(&ran, 0);
	atomic_store(&go_on, false);
	cr_assert_eq(go_blocking_task(&first, spins, NULL), 0);
	while (atomic_load(&ran) == 0)
		go_sleep(GO_MILLISECOND);
	test_fail_nth_with(GO__SYS_thread_create, 1, -EAGAIN);
	cr_assert_eq(go_blocking_task(&second, spins, NULL), 0);
	cr_assert(test_fail_stop());
	cr_assert_eq(atomic_load(&ran), 1);
	atomic_store(&go_on, true);
	cr_assert_eq(go_task_join(first, NULL), 0);
	cr_assert_eq(go_task_join(second, NULL), 0);
	cr_assert_eq(atomic_load(&ran), 2);
	return arg;
}

Test(blocking_fault, jobs_wait_for_the_threads_there_are, .timeout = 30)
{
	cr_assert_eq(go_run(degrade_main, NULL), 0);
}
