/* SPDX-License-Identifier: MIT */
/* Plain threads that enter runtimes: what is inside, and for how long. */
#include <errno.h>
#include <pthread.h>

#include "everywhere.h"
#include "support.h"

static go_runtime *one, *two;
static ATOMIC(int) ran;

static void make_both(void)
{
	MAKE(go_runtime_options, o, .workers = 2);

	atomic_store(&ran, 0);
	cr_assert_eq(go_runtime_create(&one, &o), 0);
	cr_assert_eq(go_runtime_create(&two, NULL), 0);
}

static void end_both(void)
{
	cr_assert_eq(go_runtime_shutdown(one, GO_NEVER), 0);
	cr_assert_eq(go_runtime_shutdown(two, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(one), 0);
	cr_assert_eq(go_runtime_destroy(two), 0);
}

/* arg: the runtime that it should be in.  Returns what is wrong. */
static void *check(void *arg)
{
	MUST(go_runtime_current() == arg);
	atomic_fetch_add(&ran, 1);
	return NULL;
}

static void spawn_and_join(go_runtime *in)
{
	MAKE(go_spawn_options, o, .name = "child");
	void *result;
	go_task t;

	cr_assert_eq(go_runtime_current(), in);
	cr_assert_eq(go_task_spawn(&t, check, in), 0);
	cr_assert_eq(go_task_join(t, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	o.task = &t;
	cr_assert_eq(go_spawn_with(&o, check, in), 0);
	cr_assert_eq(go_task_join(t, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	{
		GO_GROUP(group);

		cr_assert_eq(go_group_spawn(&group, check, in), 0);
		cr_assert_eq(go_group_wait(&group), 0);
	}
	cr_assert_eq(go_spawn(check, in), 0);
}

Test(enter, spawns_go_into_the_innermost, .timeout = 60)
{
	make_both();
	cr_assert_null(go_runtime_current());
	cr_assert_eq(go_spawn(check, NULL), -ESRCH);
	cr_assert_eq(go_runtime_enter(one), 0);
	spawn_and_join(one);
	cr_assert_eq(go_runtime_enter(two), 0);
	spawn_and_join(two);
	cr_assert_eq(go_runtime_enter(one), 0);
	cr_assert_eq(go_runtime_enter(one), 0);
	spawn_and_join(one);
	cr_assert_eq(go_runtime_leave(), 0);
	cr_assert_eq(go_runtime_leave(), 0);
	spawn_and_join(two);
	cr_assert_eq(go_runtime_leave(), 0);
	spawn_and_join(one);
	cr_assert_eq(go_runtime_leave(), 0);
	cr_assert_null(go_runtime_current());
	cr_assert_eq(go_runtime_leave(), -ESRCH);
	cr_assert_eq(go_spawn(check, NULL), -ESRCH);
	end_both();
	cr_assert_eq(atomic_load(&ran), 5 * 4);
}

Test(enter, a_thread_that_has_entered_may_block_on, .timeout = 60)
{
	void *result;

	make_both();
	cr_assert_eq(go_runtime_enter(one), 0);
	cr_assert_eq(go_runtime_block_on(one, check, one, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(go_runtime_block_on(two, check, two, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(go_run(check, NULL), 0);
	cr_assert_eq(go_runtime_leave(), 0);
	end_both();
}

Test(enter, what_is_entered_is_not_freed, .timeout = 60)
{
	make_both();
	cr_assert_eq(go_runtime_enter(one), 0);
	cr_assert_eq(go_runtime_shutdown(one, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(one), -EBUSY);
	cr_assert_eq(go_spawn(check, NULL), -ESHUTDOWN);
	cr_assert_eq(go_runtime_leave(), 0);
	end_both();
}

static void *enter_and_end(void *arg)
{
	cr_assert_eq(go_runtime_enter(one), 0);
	cr_assert_eq(go_runtime_enter(two), 0);
	return arg;
}

/* A record may serve another thread afterwards, which is in none. */
static void *look(void *arg)
{
	(void)arg;
	cr_assert_eq(go_sleep(1), 0);
	cr_assert_null(go_runtime_current());
	cr_assert_eq(go_runtime_leave(), -ESRCH);
	return NULL;
}

Test(enter, a_thread_that_ends_leaves, .timeout = 60)
{
	pthread_t thread;

	make_both();
	cr_assert_eq(pthread_create(&thread, NULL, enter_and_end, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(pthread_create(&thread, NULL, look, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	end_both();
}

static void *enter_in_a_task(void *arg)
{
	(void)arg;
	MUST(go_runtime_enter(go_runtime_current()) == -ENOTSUP);
	MUST(go_runtime_enter(NULL) == -EINVAL);
	MUST(go_runtime_leave() == -ENOTSUP);
	return NULL;
}

Test(enter, tasks_are_in_their_own, .timeout = 60)
{
	cr_assert_eq(go_runtime_enter(NULL), -EINVAL);
	run_everywhere(enter_in_a_task, NULL);
}

#ifdef GO_TEST_HOOKS
Test(enter, without_memory_nothing_changes, .timeout = 60)
{
	make_both();
	cr_assert_eq(go_runtime_enter(one), 0);
	test_fail_nth(GO__SYS_malloc, 1);
	cr_assert_eq(go_runtime_enter(two), -ENOMEM);
	cr_assert(test_fail_stop());
	cr_assert_eq(go_runtime_current(), one);
	cr_assert_eq(go_runtime_leave(), 0);
	cr_assert_eq(go_runtime_leave(), -ESRCH);
	end_both();
}
#endif
