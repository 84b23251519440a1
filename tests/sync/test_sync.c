/* SPDX-License-Identifier: MIT */
/* What each object of sync.h promises, on every kind of runtime. */
#include <errno.h>

#include "../sched/everywhere.h"
#include "support.h"
#include "waiting.h"

/* A task that makes one call with an object and returns its result. */
#define CALLER(name, type, call)                                               \
	static void *name(void *arg)                                           \
	{                                                                      \
		return GO_INT(call((type *)arg));                              \
	}
CALLER(lock, go_mutex, go_mutex_lock)
CALLER(lock_cancellable, go_mutex, go_mutex_lock_cancellable)
CALLER(trylock, go_mutex, go_mutex_trylock)
CALLER(unlock, go_mutex, go_mutex_unlock)
CALLER(acquire, go_semaphore, go_semaphore_acquire)
CALLER(wait_event, go_event, go_event_wait)
CALLER(wait_group, go_wait_group, go_wait_group_wait)
CALLER(wrlock_cancellable, go_rwlock, go_rwlock_wrlock_cancellable)
CALLER(rdlock_cancellable, go_rwlock, go_rwlock_rdlock_cancellable)
CALLER(unlock_rw, go_rwlock, go_rwlock_unlock)
CALLER(come, go_barrier, go_barrier_wait)

static int call(go_fn *fn, void *arg)
{
	go_task t;
	int r = go_task_spawn(&t, fn, arg);

	return r < 0 ? r : result_of(t);
}

/* ---- mutex ---- */

static void *mutex_rules(void *unused)
{
	go_mutex m = GO_MUTEX_INIT;
	go_task a, b;

	(void)unused;
	MUST(sizeof(go_mutex) <= 16);
	MUST(go_mutex_unlock(&m) == -EPERM);
	MUST(go_mutex_lock(&m) == 0);
	MUST(go_mutex_lock(&m) == -EDEADLK);
	MUST(go_mutex_lock_cancellable(&m) == -EDEADLK);
	MUST(go_mutex_trylock(&m) == -EBUSY);
	MUST(call(trylock, &m) == -EBUSY);
	MUST(call(unlock, &m) == -EPERM);
	MUST(go_mutex_destroy(&m) == -EBUSY);

	MUST(go_task_spawn(&a, lock_cancellable, &m) == 0);
	MUST(go_task_spawn(&b, lock, &m) == 0);
	test_await_waiters(&m, 2);
	MUST(go_task_cancel(a) == 0);
	MUST(go_task_cancel(b) == 0);
	MUST(result_of(a) == -ECANCELED);
	MUST(go_mutex_unlock(&m) == 0);
	MUST(result_of(b) == 0);
	MUST(go_mutex_destroy(&m) == -EBUSY);
	return NULL;
}

Test(sync, mutex_rules, .timeout = 60)
{
	run_everywhere(mutex_rules, NULL);
}

static void *lock_unlock(void *arg)
{
	go_mutex *m = (go_mutex *)arg;
	int r = go_mutex_lock(m);

	return GO_INT(r < 0 ? r : go_mutex_unlock(m));
}

/* One that always locks again before it lets others run must not win always. */
static void *mutex_is_not_hogged(void *unused)
{
	go_mutex m = GO_MUTEX_INIT;
	go_task t[3];

	(void)unused;
	MUST(go_mutex_lock(&m) == 0);
	for (int i = 0; i < 3; i++)
		MUST(go_task_spawn(&t[i], lock_unlock, &m) == 0);
	test_await_waiters(&m, 3);
	for (int i = 0; i < 100 || m.waiters; i++) {
		MUST(i < 100000);
		MUST(go_mutex_unlock(&m) == 0);
		MUST(go_mutex_lock(&m) == 0);
		go_yield();
	}
	MUST(go_mutex_unlock(&m) == 0);
	for (int i = 0; i < 3; i++)
		MUST(result_of(t[i]) == 0);
	MUST(go_mutex_destroy(&m) == 0);
	return NULL;
}

Test(sync, mutex_is_not_hogged, .timeout = 60)
{
	run_everywhere(mutex_is_not_hogged, NULL);
}

/* ---- semaphore ---- */

static void *semaphore_rules(void *unused)
{
	go_semaphore s = GO_SEMAPHORE_INIT(1), full = GO_SEMAPHORE_INIT(-1);
	go_task a, b;

	(void)unused;
	MUST(go_semaphore_post(&full) == -EOVERFLOW);
	MUST(go_semaphore_value(&full) == UINT32_MAX);
	MUST(go_semaphore_acquire(&s) == 0);
	MUST(go_semaphore_try(&s) == -EAGAIN);
	MUST(go_task_spawn(&a, acquire, &s) == 0);
	test_await_waiters(&s, 1);
	MUST(go_task_spawn(&b, acquire, &s) == 0);
	test_await_waiters(&s, 2);
	MUST(go_semaphore_destroy(&s) == -EBUSY);
	MUST(go_task_cancel(a) == 0);
	MUST(go_semaphore_post(&s) == 0);
	MUST(result_of(a) == -ECANCELED);
	MUST(result_of(b) == 0);
	MUST(go_semaphore_value(&s) == 0);
	MUST(go_semaphore_post(&s) == 0);
	MUST(go_semaphore_try(&s) == 0);
	MUST(go_semaphore_destroy(&s) == 0);
	return NULL;
}

Test(sync, semaphore_rules, .timeout = 60)
{
	run_everywhere(semaphore_rules, NULL);
}

/* ---- condition variable ---- */

static struct {
	go_mutex m;
	go_cond c;
	int tokens;
} box;

static void *take_token(void *unused)
{
	int r = go_mutex_lock(&box.m);

	(void)unused;
	while (r == 0 && box.tokens == 0)
		r = go_cond_wait(&box.c, &box.m);
	if (r == 0)
		box.tokens--;
	if (go_mutex_unlock(&box.m) != 0)
		return GO_INT(-EPERM);
	return GO_INT(r);
}

static void *cond_rules(void *unused)
{
	go_task a, b;

	(void)unused;
	MUST(go_cond_wait(&box.c, &box.m) == -EPERM);
	MUST(go_cond_signal(&box.c) == 0);
	MUST(go_task_spawn(&a, take_token, NULL) == 0);
	test_await_waiters(&box.c, 1);
	MUST(go_task_spawn(&b, take_token, NULL) == 0);
	test_await_waiters(&box.c, 2);
	MUST(go_cond_destroy(&box.c) == -EBUSY);
	/* The one that waits longest is cancelled: the signal is b's. */
	MUST(go_mutex_lock(&box.m) == 0);
	MUST(go_task_cancel(a) == 0);
	box.tokens = 1;
	MUST(go_cond_signal(&box.c) == 0);
	MUST(go_mutex_unlock(&box.m) == 0);
	MUST(result_of(a) == -ECANCELED);
	MUST(result_of(b) == 0);

	MUST(go_task_spawn(&a, take_token, NULL) == 0);
	MUST(go_task_spawn(&b, take_token, NULL) == 0);
	test_await_waiters(&box.c, 2);
	MUST(go_mutex_lock(&box.m) == 0);
	box.tokens = 2;
	MUST(go_cond_broadcast(&box.c) == 0);
	MUST(go_mutex_unlock(&box.m) == 0);
	MUST(result_of(a) == 0 && result_of(b) == 0);
	MUST(go_cond_destroy(&box.c) == 0);
	return NULL;
}

Test(sync, cond_rules, .timeout = 60)
{
	run_everywhere(cond_rules, NULL);
}

/* ---- event ---- */

static void *event_rules(void *unused)
{
	go_event manual = GO_EVENT_INIT, automatic = GO_EVENT_AUTO_INIT;
	go_task a, b;

	(void)unused;
	MUST(go_event_try(&manual) == -EAGAIN);
	MUST(go_task_spawn(&a, wait_event, &manual) == 0);
	MUST(go_task_spawn(&b, wait_event, &manual) == 0);
	test_await_waiters(&manual, 2);
	MUST(go_event_destroy(&manual) == -EBUSY);
	MUST(go_event_set(&manual) == 0);
	MUST(result_of(a) == 0 && result_of(b) == 0);
	MUST(go_event_wait(&manual) == 0 && go_event_try(&manual) == 0);
	MUST(go_event_reset(&manual) == 0);
	MUST(go_event_try(&manual) == -EAGAIN);

	MUST(go_task_spawn(&a, wait_event, &automatic) == 0);
	test_await_waiters(&automatic, 1);
	MUST(go_event_set(&automatic) == 0);
	MUST(go_event_try(&automatic) == -EAGAIN);
	MUST(result_of(a) == 0);
	MUST(go_event_set(&automatic) == 0);
	MUST(go_event_wait(&automatic) == 0);
	MUST(go_event_try(&automatic) == -EAGAIN);
	MUST(go_task_spawn(&a, wait_event, &automatic) == 0);
	test_await_waiters(&automatic, 1);
	MUST(go_task_cancel(a) == 0);
	MUST(go_event_set(&automatic) == 0);
	MUST(result_of(a) == -ECANCELED);
	MUST(go_event_try(&automatic) == 0);
	MUST(go_event_destroy(&automatic) == 0);
	return NULL;
}

Test(sync, event_rules, .timeout = 60)
{
	run_everywhere(event_rules, NULL);
}

/* ---- wait group, once, barrier ---- */

static void *wait_group_rules(void *unused)
{
	go_wait_group g = GO_WAIT_GROUP_INIT;
	go_task a;

	(void)unused;
	MUST(go_wait_group_wait(&g) == 0);
	MUST(go_wait_group_done(&g) == -EINVAL);
	MUST(go_wait_group_add(&g, 2) == 0);
	MUST(go_wait_group_add(&g, INT64_MAX) == -EINVAL);
	MUST(go_wait_group_add(&g, -3) == -EINVAL);
	MUST(go_task_spawn(&a, wait_group, &g) == 0);
	test_await_waiters(&g, 1);
	MUST(go_wait_group_destroy(&g) == -EBUSY);
	MUST(go_wait_group_done(&g) == 0);
	MUST(go_wait_group_done(&g) == 0);
	MUST(result_of(a) == 0);
	MUST(go_wait_group_destroy(&g) == 0);
	return NULL;
}

Test(sync, wait_group_rules, .timeout = 60)
{
	run_everywhere(wait_group_rules, NULL);
}

struct once {
	go_once_flag flag;
	int calls, inner;
};

static void slowly(void *arg)
{
	struct once *o = (struct once *)arg;

	o->inner = go_once(&o->flag, slowly, o);
	go_sleep(GO_MILLISECOND);
	o->calls++;
}

static void *do_once(void *arg)
{
	struct once *o = (struct once *)arg;
	int r = go_once(&o->flag, slowly, o);

	return GO_INT(r < 0 ? r : o->calls);
}

static void *once_rules(void *unused)
{
	struct once o = {GO_ONCE_INIT, 0, 0};
	go_task t[4];

	(void)unused;
	MUST(go_once(&o.flag, NULL, NULL) == -EINVAL);
	for (int i = 0; i < 4; i++)
		MUST(go_task_spawn(&t[i], do_once, &o) == 0);
	for (int i = 0; i < 4; i++)
		MUST(result_of(t[i]) == 1);
	MUST(o.inner == -EDEADLK);
	return NULL;
}

Test(sync, once_rules, .timeout = 60)
{
	run_everywhere(once_rules, NULL);
}

static void *barrier_rules(void *unused)
{
	go_barrier none = GO_BARRIER_INIT(0), b = GO_BARRIER_INIT(3);
	go_task t[2], gone;

	(void)unused;
	MUST(go_barrier_wait(&none) == -EINVAL);
	for (int round = 0; round < 3; round++) {
		MUST(go_task_spawn(&gone, come, &b) == 0);
		test_await_waiters(&b, 1);
		MUST(go_barrier_destroy(&b) == -EBUSY);
		MUST(go_task_cancel(gone) == 0);
		MUST(result_of(gone) == -ECANCELED);
		for (int i = 0; i < 2; i++)
			MUST(go_task_spawn(&t[i], come, &b) == 0);
		test_await_waiters(&b, 2);
		MUST(go_barrier_wait(&b) == 1);
		MUST(result_of(t[0]) == 0 && result_of(t[1]) == 0);
	}
	MUST(go_barrier_destroy(&b) == 0);
	return NULL;
}

Test(sync, barrier_rules, .timeout = 60)
{
	run_everywhere(barrier_rules, NULL);
}

/* ---- rwlock ---- */

static void *rwlock_rules(void *unused)
{
	go_rwlock l = GO_RWLOCK_INIT;
	go_task w, r;

	(void)unused;
	MUST(go_rwlock_unlock(&l) == -EPERM);
	MUST(go_rwlock_rdlock(&l) == 0 && go_rwlock_tryrdlock(&l) == 0);
	MUST(go_rwlock_trywrlock(&l) == -EBUSY);
	MUST(go_rwlock_unlock(&l) == 0);
	/* A writer in line keeps readers out; when it leaves, they get in. */
	MUST(go_task_spawn(&w, wrlock_cancellable, &l) == 0);
	test_await_waiters(&l, 1);
	MUST(go_rwlock_tryrdlock(&l) == -EBUSY);
	MUST(go_task_spawn(&r, rdlock_cancellable, &l) == 0);
	test_await_waiters(&l, 2);
	MUST(go_task_cancel(w) == 0);
	MUST(result_of(w) == -ECANCELED && result_of(r) == 0);
	MUST(go_rwlock_destroy(&l) == -EBUSY);
	MUST(go_rwlock_unlock(&l) == 0 && go_rwlock_unlock(&l) == 0);

	MUST(go_rwlock_wrlock(&l) == 0);
	MUST(go_rwlock_wrlock(&l) == -EDEADLK);
	MUST(go_rwlock_rdlock(&l) == -EDEADLK);
	MUST(call(unlock_rw, &l) == -EPERM);
	MUST(go_task_spawn(&r, rdlock_cancellable, &l) == 0);
	test_await_waiters(&l, 1);
	MUST(go_rwlock_unlock(&l) == 0);
	MUST(result_of(r) == 0);
	MUST(go_rwlock_unlock(&l) == 0);
	MUST(go_rwlock_trywrlock(&l) == 0);
	MUST(go_rwlock_unlock(&l) == 0);
	MUST(go_rwlock_destroy(&l) == 0);
	return NULL;
}

Test(sync, rwlock_rules, .timeout = 60)
{
	run_everywhere(rwlock_rules, NULL);
}

/* ---- deadlines ---- */

static ATOMIC(int) gate; /* 1: all is held; 2: it may be given back. */

/* Holds what the body is to wait for. */
static go_mutex held_mutex;
static go_rwlock held_lock;

static void hold(void *unused)
{
	(void)unused;
	cr_assert_eq(go_mutex_lock(&held_mutex), 0);
	cr_assert_eq(go_rwlock_wrlock(&held_lock), 0);
	atomic_store(&gate, 1);
	while (atomic_load(&gate) == 1)
		go_sleep(50 * GO_MICROSECOND);
	cr_assert_eq(go_rwlock_unlock(&held_lock), 0);
	cr_assert_eq(go_mutex_unlock(&held_mutex), 0);
}

/* Every call that waits ends in time, and leaves its object as it was. */
static void *time_out(void *unused)
{
	go_semaphore s = GO_SEMAPHORE_INIT(0);
	go_event manual = GO_EVENT_INIT, automatic = GO_EVENT_AUTO_INIT;
	go_wait_group g = GO_WAIT_GROUP_INIT;
	go_barrier b = GO_BARRIER_INIT(2);
	go_mutex m = GO_MUTEX_INIT;
	go_cond c = GO_COND_INIT;
	GO_TIMEOUT(GO_MILLISECOND);

	(void)unused;
	MUST(go_mutex_lock_cancellable(&held_mutex) == -ETIMEDOUT);
	MUST(go_rwlock_rdlock_cancellable(&held_lock) == -ETIMEDOUT);
	MUST(go_rwlock_wrlock_cancellable(&held_lock) == -ETIMEDOUT);
	MUST(go_semaphore_acquire(&s) == -ETIMEDOUT);
	MUST(go_event_wait(&manual) == -ETIMEDOUT);
	MUST(go_event_wait(&automatic) == -ETIMEDOUT);
	MUST(go_wait_group_add(&g, 1) == 0);
	MUST(go_wait_group_wait(&g) == -ETIMEDOUT);
	MUST(go_barrier_wait(&b) == -ETIMEDOUT);
	MUST(go_mutex_lock(&m) == 0);
	MUST(go_cond_wait(&c, &m) == -ETIMEDOUT);
	MUST(go_mutex_unlock(&m) == 0);

	MUST(go_semaphore_post(&s) == 0 && go_semaphore_acquire(&s) == 0);
	MUST(go_event_set(&manual) == 0 && go_event_wait(&manual) == 0);
	MUST(go_event_set(&automatic) == 0 && go_event_wait(&automatic) == 0);
	MUST(go_event_wait(&automatic) == -ETIMEDOUT);
	MUST(go_wait_group_done(&g) == 0 && go_wait_group_wait(&g) == 0);
	MUST(go_barrier_wait(&b) == -ETIMEDOUT);
	MUST(go_mutex_destroy(&m) == 0 && go_cond_destroy(&c) == 0);
	MUST(go_semaphore_destroy(&s) == 0 && go_barrier_destroy(&b) == 0);
	MUST(go_event_destroy(&manual) == 0);
	MUST(go_event_destroy(&automatic) == 0);
	MUST(go_wait_group_destroy(&g) == 0);
	return NULL;
}

Test(sync, deadlines, .timeout = 60)
{
	test_start_threads(1, hold, NULL);
	while (atomic_load(&gate) == 0)
		go_sleep(50 * GO_MICROSECOND);
	cr_assert_null(time_out(NULL));
	run_everywhere(time_out, NULL);
	atomic_store(&gate, 2);
	test_join_threads();
	cr_assert_eq(go_mutex_destroy(&held_mutex), 0);
	cr_assert_eq(go_rwlock_destroy(&held_lock), 0);
}
