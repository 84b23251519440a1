/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks are reported, and end.  How long one has to last is an option; here
 * it is short, and nothing depends on how short.
 */
#include "deadlock.h"

static void wait_until(ATOMIC(int) * value, int at_least)
{
	while (*value < at_least)
		go_yield();
}
/* ---- what is one: the main task alone ---- */

Test(deadlock, receive_what_nobody_sends, .timeout = 60)
{
	if (skipped())
		return;
	run_all(receive, 1);
	cr_assert(strstr(text, "gofer: deadlock: nothing can ever wake") ==
		  text);
	cr_assert(strstr(text, ": waiting for a message from channel 0x"));
	cr_assert(strstr(text, "deadlock.h:"));
}

static void *every_kind(void *arg)
{
	go_mutex mutex = GO_MUTEX_INIT;
	go_cond cond = GO_COND_INIT;
	go_semaphore semaphore = GO_SEMAPHORE_INIT(0);
	go_event event = GO_EVENT_INIT;
	go_barrier barrier = GO_BARRIER_INIT(2);
	go_wait_group group = GO_WAIT_GROUP_INIT;
	go_rwlock rwlock = GO_RWLOCK_INIT;
	go_chan *c;
	MAKE(go_case, k, .kind = GO_CASE_RECV);
	int v = 1;

	(void)arg;
	MUST(go_chan_create(&c, sizeof(v), 0) == 0);
	MUST(go_chan_send(c, &v) == -EDEADLK);
	k.chan = c;
	k.value = &v;
	MUST(go_select(&k, 1) == -EDEADLK);
	MUST(go_select(NULL, 0) == -EDEADLK);
	MUST(go_chan_destroy(c) == 0);
	MUST(go_mutex_lock(&mutex) == 0);
	MUST(go_cond_wait(&cond, &mutex) == -EDEADLK);
	MUST(go_mutex_unlock(&mutex) == 0);
	MUST(go_semaphore_acquire(&semaphore) == -EDEADLK);
	MUST(go_event_wait(&event) == -EDEADLK);
	MUST(go_barrier_wait(&barrier) == -EDEADLK);
	MUST(go_wait_group_add(&group, 1) == 0);
	MUST(go_wait_group_wait(&group) == -EDEADLK);
	MUST(go_rwlock_rdlock(&rwlock) == 0);
	MUST(go_rwlock_wrlock(&rwlock) == -EDEADLK);
	MUST(go_rwlock_unlock(&rwlock) == 0);
	/* Nothing is left behind by all that. */
	MUST(go_cond_destroy(&cond) == 0);
	MUST(go_semaphore_destroy(&semaphore) == 0);
	MUST(go_event_destroy(&event) == 0);
	MUST(go_barrier_destroy(&barrier) == 0);
	MUST(go_wait_group_destroy(&group) == 0);
	MUST(go_rwlock_destroy(&rwlock) == 0);
	return NULL;
}

Test(deadlock, of_every_kind, .timeout = 60)
{
	reported(every_kind, 9);
}

/* ---- what is one: several tasks ---- */

static go_mutex first = GO_MUTEX_INIT, second = GO_MUTEX_INIT;
static ATOMIC(int) ready;

static void *lock_second_then_first(void *arg)
{
	int r;

	(void)arg;
	MUST(go_mutex_lock(&second) == 0);
	ready++;
	r = go_mutex_lock(&first);
	MUST(r == 0 || r == -EDEADLK);
	if (r == 0)
		MUST(go_mutex_unlock(&first) == 0);
	MUST(go_mutex_unlock(&second) == 0);
	return NULL;
}

/* The one that gets an error gives up, and so the other one goes on. */
static void *two_mutexes(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	ready = 0;
	MUST(go_mutex_lock(&first) == 0);
	MUST(go_task_spawn(&t, lock_second_then_first, NULL) == 0);
	wait_until(&ready, 1);
	MUST(go_mutex_lock(&second) == -EDEADLK);
	MUST(go_mutex_unlock(&second) == -EPERM);
	MUST(go_mutex_unlock(&first) == 0);
	MUST(go_task_join(t, &result) == 0 && result == NULL);
	MUST(go_mutex_destroy(&first) == 0);
	MUST(go_mutex_destroy(&second) == 0);
	return NULL;
}

Test(deadlock, two_mutexes, .timeout = 60)
{
	reported(two_mutexes, 1);
}

static void *lock_first(void *arg)
{
	(void)arg;
	MUST(go_mutex_lock(&first) == 0);
	MUST(go_mutex_unlock(&first) == 0);
	return NULL;
}

static void *join_while_holding(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	MUST(go_mutex_lock(&first) == 0);
	MUST(go_task_spawn(&t, lock_first, NULL) == 0);
	MUST(go_task_join(t, &result) == -EDEADLK);
	MUST(go_mutex_unlock(&first) == 0);
	MUST(go_task_join(t, &result) == 0 && result == NULL);
	return NULL;
}

Test(deadlock, join_of_one_that_wants_our_mutex, .timeout = 60)
{
	reported(join_while_holding, 1);
}

static void *lock_first_then_second(void *arg)
{
	int r;

	(void)arg;
	MUST(go_mutex_lock(&first) == 0);
	ready++;
	wait_until(&ready, 2);
	r = go_mutex_lock(&second);
	if (r == 0)
		MUST(go_mutex_unlock(&second) == 0);
	MUST(go_mutex_unlock(&first) == 0);
	return NULL;
}

/* Deaf tasks in a circle: a shutdown that cancels them is not enough. */
static void *leave_a_circle(void *arg)
{
	go_task t, u;

	(void)arg;
	ready = 0;
	MUST(go_task_spawn(&t, lock_first_then_second, NULL) == 0);
	wait_until(&ready, 1);
	MUST(go_task_spawn(&u, lock_second_then_first, NULL) == 0);
	MUST(go_task_join(t, NULL) == -EDEADLK);
	MUST(go_task_detach(t) == 0);
	MUST(go_task_detach(u) == 0);
	return NULL;
}

Test(deadlock, a_circle_that_the_main_task_waits_for, .timeout = 60)
{
	if (skipped())
		return;
	run_all(leave_a_circle, 2);
	cr_assert(strstr(text, "nothing can ever wake the cancelled tasks"));
}

static void *group_of_receivers(void *arg)
{
	go_group group;
	go_chan *c;

	(void)arg;
	MUST(go_chan_create(&c, sizeof(int), 0) == 0);
	MUST(go_group_init(&group, NULL) == 0);
	for (int i = 0; i < 3; i++)
		MUST(go_group_spawn(&group, receive_cancelled, c) == 0);
	MUST(go_group_wait(&group) == -EDEADLK);
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

Test(deadlock, group, .timeout = 60)
{
	reported(group_of_receivers, 1);
}

/* Children that are deaf, and that must not be left behind. */
static void *end_of_a_deaf_group(void *arg)
{
	(void)arg;
	ready = 0;
	{
		GO_GROUP(group);

		MUST(go_group_spawn(&group, lock_first_then_second, NULL) == 0);
		wait_until(&ready, 1);
		MUST(go_group_spawn(&group, lock_second_then_first, NULL) == 0);
	}
	MUST(go_mutex_destroy(&first) == 0);
	MUST(go_mutex_destroy(&second) == 0);
	return NULL;
}

Test(deadlock, end_of_a_group, .timeout = 60)
{
	reported(end_of_a_deaf_group, 1);
}

static go_cond cond = GO_COND_INIT;

static void *signal_and_keep(void *arg)
{
	go_chan *c = (go_chan *)arg;
	int v;

	MUST(go_mutex_lock(&first) == 0);
	MUST(go_cond_signal(&cond) == 0);
	MUST(go_chan_recv(c, &v) == -EPIPE);
	MUST(go_mutex_unlock(&first) == 0);
	return NULL;
}

/* The mutex does not come back with the wait. */
static void *relock(void *arg)
{
	go_chan *c;
	go_task t;
	void *result;

	(void)arg;
	MUST(go_chan_create(&c, sizeof(int), 0) == 0);
	MUST(go_mutex_lock(&first) == 0);
	MUST(go_task_spawn(&t, signal_and_keep, c) == 0);
	MUST(go_cond_wait(&cond, &first) == -EDEADLK);
	MUST(go_mutex_unlock(&first) == -EPERM);
	MUST(go_chan_close(c) == 0);
	MUST(go_task_join(t, &result) == 0 && result == NULL);
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

Test(deadlock, of_a_wait_that_locks_again, .timeout = 60)
{
	reported(relock, 1);
}

/* ---- what becomes one later ---- */

/* The sentry looks in vain while we run, and then is not the last to sleep. */
static void *late(void *arg)
{
	int64_t end = go_now() + 10 * SHORT;

	while (go_now() < end)
		;
	return receive(arg);
}

Test(deadlock, after_looks_in_vain, .timeout = 60)
{
	reported(late, 1);
}

static void *do_nothing_long(void *arg)
{
	usleep(10 * (useconds_t)(SHORT / 1000));
	return arg;
}

static void *with_a_thread_that_ends(void *arg)
{
	pthread_t thread;
	void *result;

	MUST(pthread_create(&thread, NULL, do_nothing_long, NULL) == 0);
	result = receive(arg);
	MUST(pthread_join(thread, NULL) == 0);
	return result;
}

/* The sentry, who saw a task in a section, looks again when that is over. */
static void *leave_a_section(void *arg)
{
	if (go_blocking_begin() < 0) /* On the current thread. */
		return arg;
	usleep(50 * 1000);
	return GO_INT(go_blocking_end());
}

static void *receive_beside_a_section(void *arg)
{
	MUST(go_spawn(leave_a_section, NULL) == 0);
	return receive(arg);
}

Test(deadlock, after_a_section, .timeout = 60)
{
	reported(receive_beside_a_section, 1);
}

Test(deadlock, when_another_thread_has_ended, .timeout = 60)
{
	reported(with_a_thread_that_ends, 1);
}

/* ---- a runtime made by hand ---- */

static void *lock_second_or_give_up(void *arg)
{
	int r;

	(void)arg;
	MUST(go_mutex_lock(&first) == 0);
	ready++;
	wait_until(&ready, 2);
	r = go_mutex_lock(&second);
	MUST(r == -EDEADLK || r == 0);
	if (r == 0)
		MUST(go_mutex_unlock(&second) == 0);
	MUST(go_mutex_unlock(&first) == 0);
	return NULL;
}

static void *block_on_one(void *arg)
{
	void *result = NULL;

	if (go_runtime_block_on((go_runtime *)arg, lock_second_or_give_up, NULL,
				&result) < 0)
		return GO_INT(1);
	return result;
}

/* Two threads, each of which waits for its own main task. */
static void two_main_tasks(void *arg)
{
	MAKE(go_runtime_options, o, .workers = 2, .deadlock_after_ns = SHORT);
	go_runtime *rt;
	pthread_t thread;
	void *one, *two;

	(void)arg;
	if (go_runtime_create(&rt, &o) < 0 ||
	    pthread_create(&thread, NULL, block_on_one, rt) != 0)
		return;
	while (ready < 1)
		usleep(100);
	outcome->r =
		go_runtime_block_on(rt, lock_second_then_first, NULL, &one);
	pthread_join(thread, &two);
	outcome->result = (const char *)(one ? one : two);
	if (go_runtime_shutdown(rt, GO_NEVER) < 0 || go_runtime_destroy(rt) < 0)
		abort();
}

Test(deadlock, by_option_for_two_main_tasks, .timeout = 60)
{
	if (skipped())
		return;
	cr_assert_eq(in_a_process(two_main_tasks, NULL), 0);
	cr_assert_eq(outcome->r, 0);
	cr_assert_null(outcome->result, "%s", outcome->result);
	cr_assert_eq(count("gofer: deadlock: "), 1, "%s", text);
}

Test(deadlock, options, .timeout = 60)
{
	MAKE(go_runtime_options, o, .deadlock_after_ns = -1);
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &o), -EINVAL);
	cr_assert_eq(go_run_with(&o, receive, NULL, NULL), -EINVAL);
}
