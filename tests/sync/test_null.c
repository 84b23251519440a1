/* SPDX-License-Identifier: MIT */
/* A null object is refused by each call that takes one. */
#include <errno.h>

#include <gofer.h>
#include "test.h"

static void no_call(void *unused)
{
	(void)unused;
	cr_assert_fail("run for a null flag");
}

Test(null, is_no_mutex)
{
	cr_assert_eq(go_mutex_lock(NULL), -EINVAL);
	cr_assert_eq(go_mutex_lock_cancellable(NULL), -EINVAL);
	cr_assert_eq(go_mutex_trylock(NULL), -EINVAL);
	cr_assert_eq(go_mutex_unlock(NULL), -EINVAL);
	cr_assert_eq(go_mutex_destroy(NULL), -EINVAL);
}

Test(null, is_no_rwlock)
{
	cr_assert_eq(go_rwlock_rdlock(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_wrlock(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_rdlock_cancellable(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_wrlock_cancellable(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_tryrdlock(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_trywrlock(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_unlock(NULL), -EINVAL);
	cr_assert_eq(go_rwlock_destroy(NULL), -EINVAL);
}

Test(null, is_no_condition)
{
	go_mutex m = GO_MUTEX_INIT;
	go_cond c = GO_COND_INIT;

	cr_assert_eq(go_mutex_lock(&m), 0);
	cr_assert_eq(go_cond_wait(NULL, &m), -EINVAL);
	cr_assert_eq(go_cond_wait(&c, NULL), -EINVAL);
	/* The mutex is as it was. */
	cr_assert_eq(go_mutex_unlock(&m), 0);
	cr_assert_eq(go_cond_signal(NULL), -EINVAL);
	cr_assert_eq(go_cond_broadcast(NULL), -EINVAL);
	cr_assert_eq(go_cond_destroy(NULL), -EINVAL);
}

Test(null, is_no_semaphore)
{
	cr_assert_eq(go_semaphore_acquire(NULL), -EINVAL);
	cr_assert_eq(go_semaphore_try(NULL), -EINVAL);
	cr_assert_eq(go_semaphore_post(NULL), -EINVAL);
	cr_assert_eq(go_semaphore_value(NULL), -EINVAL);
	cr_assert_eq(go_semaphore_destroy(NULL), -EINVAL);
}

Test(null, is_no_event)
{
	cr_assert_eq(go_event_set(NULL), -EINVAL);
	cr_assert_eq(go_event_reset(NULL), -EINVAL);
	cr_assert_eq(go_event_wait(NULL), -EINVAL);
	cr_assert_eq(go_event_try(NULL), -EINVAL);
	cr_assert_eq(go_event_destroy(NULL), -EINVAL);
}

Test(null, is_no_wait_group)
{
	cr_assert_eq(go_wait_group_add(NULL, 1), -EINVAL);
	cr_assert_eq(go_wait_group_done(NULL), -EINVAL);
	cr_assert_eq(go_wait_group_wait(NULL), -EINVAL);
	cr_assert_eq(go_wait_group_destroy(NULL), -EINVAL);
}

Test(null, is_no_barrier_nor_once)
{
	go_once_flag once = GO_ONCE_INIT;

	cr_assert_eq(go_barrier_wait(NULL), -EINVAL);
	cr_assert_eq(go_barrier_destroy(NULL), -EINVAL);
	cr_assert_eq(go_once(NULL, no_call, NULL), -EINVAL);
	cr_assert_eq(go_once(&once, NULL, NULL), -EINVAL);
}
