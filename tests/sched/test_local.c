/* SPDX-License-Identifier: MIT */
/*
 * Clean-up handlers run in reverse order, shielded; task-local values belong to
 * their task, are destroyed with it, and are inherited on request.
 */
#include <errno.h>
#include <pthread.h>

#include "everywhere.h"
#include "support.h"

static go_key plain, owned;
static ATOMIC(int) destroyed;

static void destroy(void *value)
{
	atomic_fetch_add(&destroyed, *(int *)value);
}

static void make_keys(void)
{
	cr_assert_eq(go_key_create(&plain, NULL), 0);
	cr_assert_eq(go_key_create(&owned, destroy), 0);
}

struct trail {
	int order[4], n, slept;
};

static void leave_trail(void *arg)
{
	struct trail *trail = (struct trail *)arg;

	trail->slept |= go_sleep(1000);
	trail->order[trail->n] = trail->n;
	trail->n++;
}

static void leave_last(void *arg)
{
	struct trail *trail = (struct trail *)arg;

	if (trail->n == 2)
		trail->order[3] = 33;
}

static void *with_handlers(void *arg)
{
	static const int ten = 10;

	if (go_at_exit(leave_last, arg) || go_at_exit(leave_trail, arg) ||
	    go_at_exit(leave_trail, arg) || go_at_exit(NULL, arg) != -EINVAL)
		return GO_INT(1);
	if (go_local_get(owned) || go_local_set(owned, (void *)(uintptr_t)&ten))
		return GO_INT(2);
	return GO_INT(go_sleep(GO_NEVER));
}

static void *handlers_run(void *arg)
{
	void *result;
	go_task t;

	(void)arg;
	for (int i = 0; i < 10; i++) {
		MAKE(struct trail, trail, .n = 0);

		atomic_store(&destroyed, 0);
		MUST(go_task_spawn(&t, with_handlers, &trail) == 0);
		MUST(go_task_cancel(t) == 0);
		MUST(go_task_join(t, &result) == 0);
		MUST(GO_TO_INT(result) == -ECANCELED);
		MUST(trail.n == 2 && trail.slept == 0);
		MUST(trail.order[3] == 33);
		MUST(atomic_load(&destroyed) == 10);
	}
	return NULL;
}

Test(local, handlers_run_in_reverse, .init = make_keys, .timeout = 60)
{
	run_everywhere(handlers_run, NULL);
}

static void *thread_with_handlers(void *arg)
{
	static const int ten = 10;

	cr_assert_eq(go_at_exit(leave_last, arg), 0);
	cr_assert_eq(go_at_exit(leave_trail, arg), 0);
	cr_assert_eq(go_at_exit(leave_trail, arg), 0);
	cr_assert_eq(go_local_set(owned, (void *)(uintptr_t)&ten), 0);
	return NULL;
}

Test(local, plain_threads_have_them_too, .init = make_keys, .timeout = 60)
{
	MAKE(struct trail, trail, .n = 0);
	pthread_t thread;

	cr_assert_eq(
		pthread_create(&thread, NULL, thread_with_handlers, &trail), 0);
	pthread_join(thread, NULL);
	cr_assert_eq(trail.n, 2);
	cr_assert_eq(trail.order[3], 33);
	cr_assert_eq(atomic_load(&destroyed), 10);
}

static void *what_is_set(void *arg)
{
	(void)arg;
	return GO_INT(GO_TO_INT(go_local_get(plain)) +
		      (go_local_get(owned) ? 1000 : 0));
}

static void *inheritance(void *arg)
{
	static int one = 1;
	go_task t;
	MAKE(go_spawn_options, o, .task = &t, .inherit_locals = true);
	void *result;

	(void)arg;
	MUST(go_spawn_with(&o, what_is_set, NULL) == 0);
	MUST(go_task_join(t, &result) == 0 && !result);
	MUST(go_local_set(plain, GO_INT(7)) == 0);
	MUST(go_local_set(owned, &one) == 0);
	MUST(go_local_get(plain) == GO_INT(7));
	MUST(go_spawn_with(&o, what_is_set, NULL) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(GO_TO_INT(result) == 7);
	MUST(go_task_spawn(&t, what_is_set, NULL) == 0);
	MUST(go_task_join(t, &result) == 0 && !result);
	MUST(go_spawn_with(&o, NULL, NULL) == -EINVAL);
	return NULL;
}

Test(local, inherited_on_request, .init = make_keys, .timeout = 60)
{
	run_everywhere(inheritance, NULL);
}

Test(local, bad_keys)
{
	go_key none = {0}, far = {1000}, key;

	cr_assert_eq(go_key_create(NULL, NULL), -EINVAL);
	cr_assert_eq(go_local_set(none, &far), -EINVAL);
	cr_assert_eq(go_local_set(far, &far), -EINVAL);
	cr_assert_null(go_local_get(none));
	cr_assert_null(go_local_get(far));
	for (int i = 0; i < GO_KEYS_MOST; i++)
		cr_assert_eq(go_key_create(&key, NULL), 0);
	cr_assert_eq(go_key_create(&key, NULL), -EAGAIN);
}

#ifdef GO_TEST_HOOKS
static void *no_memory(void *arg)
{
	(void)arg;
	test_fail_nth(GO__SYS_calloc, 1);
	MUST(go_local_set(plain, GO_INT(1)) == -ENOMEM);
	MUST(test_fail_stop() && !go_local_get(plain));
	test_fail_nth(GO__SYS_calloc, 1);
	MUST(go_at_exit(destroy, arg) == -ENOMEM);
	MUST(test_fail_stop());
	test_fail_nth(GO__SYS_malloc, 1);
	MUST(go_at_exit(destroy, arg) == -ENOMEM);
	MUST(test_fail_stop());
	MUST(go_local_set(plain, GO_INT(1)) == 0);
	for (unsigned n = 1;; n++) {
		go_task t;
		MAKE(go_spawn_options, o, .task = &t, .inherit_locals = true);
		int r;

		test_fail_nth(GO__SYS_calloc, n);
		r = go_spawn_with(&o, what_is_set, NULL);
		if (!test_fail_stop()) {
			MUST(r == 0 && go_task_join(t, NULL) == 0);
			return NULL;
		}
		MUST(r == -ENOMEM);
	}
}

Test(local, no_memory, .init = make_keys, .timeout = 60)
{
	run_everywhere(no_memory, NULL);
}
#endif
