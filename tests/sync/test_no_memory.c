/* SPDX-License-Identifier: MIT */
/*
 * What waits without memory.  A plain thread needs a record to wait with, made
 * at its first wait: when that fails, each call says -ENOMEM and has changed
 * nothing, so that everything works as soon as there is memory again.  And the
 * n-th allocation of what groups, races and selects do, for n = 1, 2, 3 until
 * they pass.
 *
 * Exit handlers, keys and inherited values: test_local.c.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../sched/everywhere.h"
#include "support.h"

/* The call, by a thread that has no record and gets none. */
#define FAILS(call)                                                            \
	do {                                                                   \
		test_fail_nth(GO__SYS_calloc, 1);                              \
		fails((call), #call);                                          \
	} while (0)

static void fails(int r, const char *call)
{
	cr_assert_eq(r, -ENOMEM, "%s: %d", call, r);
	cr_assert(test_fail_stop(), "%s asked for nothing", call);
}

static void on_new_thread(void *(*fn)(void *))
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, fn, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

/* ---- locks ---- */

static void mark(void *arg)
{
	++*(int *)arg;
}

static void *try_locks(void *unused)
{
	go_mutex m = GO_MUTEX_INIT;
	go_rwlock l = GO_RWLOCK_INIT;
	go_once_flag once = GO_ONCE_INIT;
	int calls = 0;

	FAILS(go_mutex_lock(&m));
	FAILS(go_mutex_lock_cancellable(&m));
	FAILS(go_mutex_trylock(&m));
	cr_assert_eq(go_mutex_destroy(&m), 0);
	FAILS(go_rwlock_rdlock(&l));
	FAILS(go_rwlock_wrlock(&l));
	FAILS(go_rwlock_rdlock_cancellable(&l));
	FAILS(go_rwlock_wrlock_cancellable(&l));
	FAILS(go_rwlock_tryrdlock(&l));
	FAILS(go_rwlock_trywrlock(&l));
	cr_assert_eq(go_rwlock_destroy(&l), 0);
	FAILS(go_once(&once, mark, &calls));
	cr_assert_eq(calls, 0);

	cr_assert_eq(go_mutex_lock(&m), 0);
	cr_assert_eq(go_mutex_unlock(&m), 0);
	cr_assert_eq(go_rwlock_wrlock(&l), 0);
	cr_assert_eq(go_rwlock_unlock(&l), 0);
	cr_assert_eq(go_once(&once, mark, &calls), 0);
	cr_assert_eq(calls, 1);
	return unused;
}

Test(no_memory, locks, .timeout = 60)
{
	on_new_thread(try_locks);
}

static void *try_lines(void *unused)
{
	go_semaphore s = GO_SEMAPHORE_INIT(1);
	go_event e = GO_EVENT_AUTO_INIT;
	go_wait_group g = GO_WAIT_GROUP_INIT;
	go_barrier b = GO_BARRIER_INIT(1);

	cr_assert_eq(go_event_set(&e), 0);
	FAILS(go_semaphore_acquire(&s));
	FAILS(go_event_wait(&e));
	FAILS(go_wait_group_wait(&g));
	FAILS(go_barrier_wait(&b));
	/* These wait for nothing, and need no memory. */
	test_fail_nth(GO__SYS_calloc, 1);
	cr_assert_eq(go_semaphore_value(&s), 1);
	cr_assert_eq(go_semaphore_try(&s), 0);
	cr_assert_eq(go_semaphore_post(&s), 0);
	cr_assert_eq(go_event_try(&e), 0);
	cr_assert_eq(go_event_set(&e), 0);
	cr_assert_not(test_fail_stop());

	cr_assert_eq(go_semaphore_acquire(&s), 0);
	cr_assert_eq(go_event_wait(&e), 0);
	cr_assert_eq(go_wait_group_wait(&g), 0);
	cr_assert_eq(go_barrier_wait(&b), 1);
	return unused;
}

Test(no_memory, lines, .timeout = 60)
{
	on_new_thread(try_lines);
}

/* ---- channels and select ---- */

static void *try_channels(void *unused)
{
	uint64_t n = 5;
	go_chan *c;

	cr_assert_eq(go_chan_create(&c, sizeof n, 1), 0);
	go_case k[] = {GO_SEND(c, &n), GO_RECV(c, &n)};

	FAILS(go_chan_send(c, &n));
	FAILS(go_chan_recv(c, &n));
	FAILS(go_select(k, 2));
	cr_assert_eq(go_chan_length(c), 0);
	test_fail_nth(GO__SYS_calloc, 1);
	cr_assert_eq(go_chan_try_recv(c, &n), -EAGAIN);
	cr_assert_eq(go_select_try(k, 2), 0);
	cr_assert_eq(go_chan_length(c), 1);
	cr_assert_eq(go_chan_try_send(c, &n), -EAGAIN);
	cr_assert_not(test_fail_stop());

	cr_assert_eq(go_chan_recv(c, &n), 0);
	cr_assert_eq(n, 5);
	cr_assert_eq(go_chan_send(c, &n), 0);
	cr_assert_eq(go_select(k, 2), 1);
	cr_assert_eq(go_chan_destroy(c), 0);
	return unused;
}

Test(no_memory, channels, .timeout = 60)
{
	on_new_thread(try_channels);
}

/* More cases than have room on the stack. */
static void *many_cases(void *unused)
{
	uint64_t in = 0, out = 7;
	go_case k[40];
	go_chan *c;

	MUST(go_chan_create(&c, sizeof in, 1) == 0);
	for (int i = 0; i < 40; i++)
		k[i] = i < 20 ? GO_RECV(c, &in) : GO_AT(GO_NEVER);
	MUST(go_chan_send(c, &out) == 0);
	test_fail_nth(GO__SYS_calloc, 1);
	MUST(go_select(k, 40) == -ENOMEM && test_fail_stop());
	test_fail_nth(GO__SYS_calloc, 1);
	MUST(go_select_try(k, 40) == -ENOMEM && test_fail_stop());
	MUST(go_chan_length(c) == 1 && in == 0);
	MUST(go_select(k, 40) < 20 && in == 7);
	MUST(go_chan_destroy(c) == 0);
	return unused;
}

Test(no_memory, select_of_many, .timeout = 60)
{
	run_everywhere(many_cases, NULL);
}

/* ---- deadlines, handlers, time ---- */

static void *try_scopes(void *unused)
{
	go_deadline d;
	go_shield s;

	FAILS(go_sleep(GO_SECOND));
	FAILS(go_deadline_begin(&d, go_now()));
	FAILS((go_deadline_end(&d), go_timeout_begin(&d, 0)));
	FAILS((go_deadline_end(&d), go_shield_begin(&s)));
	{
		test_fail_nth(GO__SYS_calloc, 1);
		go_shield_end(&s);
		GO_TIMEOUT(0);
		cr_assert(test_fail_stop());
		/* No scope was begun: this one has all the time it needs. */
		cr_assert_eq(go_sleep(GO_MICROSECOND), 0);
	}
	cr_assert_eq(go_timeout_begin(&d, 0), 0);
	cr_assert_eq(go_sleep(GO_NEVER), -ETIMEDOUT);
	go_deadline_end(&d);
	cr_assert_eq(go_deadline_current(), GO_NEVER);
	return unused;
}

Test(no_memory, scopes, .timeout = 60)
{
	on_new_thread(try_scopes);
}

static int ended;

static void *try_handlers(void *unused)
{
	static go_key key;

	cr_assert_eq(go_key_create(&key, NULL), 0);
	FAILS(go_at_exit(mark, &ended));
	FAILS(go_local_set(key, &key));
	cr_assert_null(go_local_get(key));
	cr_assert_eq(go_at_exit(mark, &ended), 0);
	/* One that was not taken does not unhinge the one before it. */
	test_fail_nth(GO__SYS_malloc, 1);
	cr_assert_eq(go_at_exit(mark, &ended), -ENOMEM);
	cr_assert(test_fail_stop());
	cr_assert_eq(go_local_set(key, &key), 0);
	cr_assert_eq(go_local_get(key), &key);
	return unused;
}

Test(no_memory, handlers, .timeout = 60)
{
	on_new_thread(try_handlers);
	cr_assert_eq(ended, 1);
}

/* ---- joins and groups of a plain thread ---- */

static void *three(void *unused)
{
	(void)unused;
	return GO_INT(3);
}

static void *sleep_for_ever(void *unused)
{
	(void)unused;
	return GO_INT(go_sleep(GO_NEVER));
}

static go_runtime *rt;

static void *try_joins(void *unused)
{
	void *result[2] = {&rt, &rt};
	go_task t[2];

	for (int i = 0; i < 2; i++) {
		go_spawn_options o = {.runtime = rt, .task = &t[i]};

		cr_assert_eq(go_spawn_with(&o, three, NULL), 0);
	}
	FAILS(go_task_join(t[0], &result[0]));
	cr_assert_eq(result[0], &rt);
	FAILS(go_join_all(t, 1, result));
	cr_assert_eq(go_join_all(t, 2, result), 0);
	cr_assert_eq(GO_TO_INT(result[0]) + GO_TO_INT(result[1]), 6);
	return unused;
}

/* Made by the main thread, for go_group_init() asks for the deadline. */
static go_group group;

static void *try_groups(void *unused)
{
	FAILS(go_group_spawn(&group, three, NULL));
	cr_assert_eq(go_group_spawn(&group, three, NULL), 0);
	cr_assert_eq(go_group_wait(&group), 0);
	return unused;
}

static void *wait_for_group(void *unused)
{
	FAILS(go_group_wait(&group));
	/* It waits for memory rather than leave somebody behind. */
	test_fail_nth(GO__SYS_calloc, 1);
	go_group_end(&group);
	cr_assert(test_fail_stop());
	return unused;
}

static void with_runtime(void *(*fn)(void *))
{
	go_group_options limited = {.limit = 1};

	cr_assert_eq(go_runtime_create(&rt, NULL), 0);
	limited.runtime = rt;
	cr_assert_eq(go_group_init(&group, &limited), 0);
	if (fn == wait_for_group)
		cr_assert_eq(go_group_spawn(&group, sleep_for_ever, NULL), 0);
	on_new_thread(fn);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

Test(no_memory, joins, .timeout = 60)
{
	with_runtime(try_joins);
}

Test(no_memory, groups, .timeout = 60)
{
	with_runtime(try_groups);
}

Test(no_memory, ends_of_groups, .timeout = 60)
{
	with_runtime(wait_for_group);
}

/* ---- the n-th allocation in a task ---- */

static const enum go__sys_call calls[] = {
	GO__SYS_calloc,          GO__SYS_mmap,
	GO__SYS_mprotect,        GO__SYS_madvise,
	GO__SYS_process_madvise,
};

enum {
	KINDS = sizeof(calls) / sizeof(calls[0]),
	MOST = 700
};

/* Tasks at a time: more with each attempt, so that each needs new memory. */
static int crowd = 20;

static _Atomic int alive;

static void *come_and_go(void *unused)
{
	int r;

	(void)unused;
	atomic_fetch_add(&alive, 1);
	r = go_sleep(GO_MICROSECOND);
	atomic_fetch_sub(&alive, 1);
	return GO_INT(r);
}

/* A spawn, or a child that found no stack, says -ENOMEM, and nothing else. */
static void *fill_group(go_group *g)
{
	for (int i = 0; i < 2 * crowd; i++) {
		int r = go_group_spawn(g, come_and_go, NULL);

		MUST(r == 0 || r == -ENOMEM);
	}
	return NULL;
}

static void *group_with_fault(enum go__sys_call call, unsigned n, bool *failed)
{
	go_group_options o = {.limit = (uint32_t)(crowd += 9)};
	void *wrong;
	go_group g;
	int r;

	MUST(crowd < MOST);
	MUST(go_group_init(&g, &o) == 0);
	test_fail_nth(call, n);
	wrong = fill_group(&g);
	r = go_group_wait(&g);
	*failed = test_fail_stop();
	MUST(!wrong && (r == 0 || (r == -ENOMEM && *failed)));
	MUST(atomic_load(&alive) == 0);
	/* No place was lost: as many as ever find one without waiting. */
	for (int i = 0; i < crowd; i++) {
		GO_TIMEOUT(0);
		MUST(go_group_spawn(&g, sleep_for_ever, NULL) == 0);
	}
	go_group_end(&g);
	return NULL;
}

static void *groups_with_faults(void *unused)
{
	void *wrong = NULL;

	crowd = 20;
	for (int i = 0; i < KINDS && !wrong; i++) {
		bool failed = true;

		for (unsigned n = 1; failed && !wrong && n < 50; n++)
			wrong = group_with_fault(calls[i], n, &failed);
	}
	(void)unused;
	return wrong;
}

Test(no_memory, groups_give_places_back, .timeout = 60)
{
	run_everywhere(groups_with_faults, NULL);
}

static void *race_with_fault(enum go__sys_call call, unsigned n, bool *failed)
{
	static go_fn *fn[MOST];
	size_t winner = MOST;
	void *result = &rt;
	int r;

	crowd += 9;
	MUST(crowd < MOST);
	for (int i = 0; i < crowd; i++)
		fn[i] = sleep_for_ever;
	fn[crowd / 2] = three;
	test_fail_nth(call, n);
	r = go_race((size_t)crowd, fn, NULL, &winner, &result);
	*failed = test_fail_stop();
	if (r == 0) {
		MUST(winner == (size_t)crowd / 2 && GO_TO_INT(result) == 3);
	} else {
		MUST(*failed && (r == -ENOMEM || r == -ECANCELED));
		MUST(winner == MOST && result == &rt);
	}
	return NULL;
}

static void *races_with_faults(void *unused)
{
	void *wrong = NULL;

	crowd = 20;
	for (int i = 0; i < KINDS && !wrong; i++) {
		bool failed = true;

		for (unsigned n = 1; failed && !wrong && n < 50; n++)
			wrong = race_with_fault(calls[i], n, &failed);
	}
	(void)unused;
	return wrong;
}

Test(no_memory, races, .timeout = 60)
{
	run_everywhere(races_with_faults, NULL);
}
