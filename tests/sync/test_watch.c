/* SPDX-License-Identifier: MIT */
/* Watched values: every result of every call, tasks and plain threads. */
#include <errno.h>
#include <pthread.h>

#include "../sched/everywhere.h"
#include "support.h"
#include "waiting.h"

/* ---- without waiting ---- */

Test(watch, bad_arguments)
{
	int storage = 0;
	go_watch w = GO_WATCH_INIT(&storage, sizeof(storage));
	uint64_t seen = 0;

	cr_assert_eq(go_watch_send(NULL, &storage), -EINVAL);
	cr_assert_eq(go_watch_get(NULL, &storage, &seen), -EINVAL);
	cr_assert_eq(go_watch_wait(NULL, &storage, &seen), -EINVAL);
	cr_assert_eq(go_watch_try(NULL, &storage, &seen), -EINVAL);
	cr_assert_eq(go_watch_close(NULL), -EINVAL);
	cr_assert_eq(go_watch_destroy(NULL), -EINVAL);
	cr_assert_eq(go_watch_send(&w, NULL), -EINVAL);
	cr_assert_eq(go_watch_wait(&w, &storage, NULL), -EINVAL);
	cr_assert_eq(go_watch_try(&w, &storage, NULL), -EINVAL);
}

Test(watch, the_latest_and_its_version)
{
	int storage = 5, n = 0;
	go_watch w = GO_WATCH_INIT(&storage, sizeof(storage));
	uint64_t seen = 0;

	cr_assert_eq(go_watch_wait(&w, &n, &seen), 0);
	cr_assert(n == 5 && seen == 1);
	cr_assert_eq(go_watch_try(&w, &n, &seen), -EAGAIN);
	for (int i = 6; i < 9; i++)
		cr_assert_eq(go_watch_send(&w, &i), 0);
	cr_assert_eq(go_watch_get(&w, NULL, NULL), 0);
	cr_assert_eq(go_watch_get(&w, &n, NULL), 0);
	cr_assert(n == 8 && seen == 1);
	n = 0;
	cr_assert_eq(go_watch_wait(&w, &n, &seen), 0);
	cr_assert(n == 8 && seen == 4);
	cr_assert_eq(go_watch_send(&w, &n), 0);
	cr_assert_eq(go_watch_close(&w), 0);
	cr_assert_eq(go_watch_close(&w), -EPIPE);
	cr_assert_eq(go_watch_send(&w, &n), -EPIPE);
	cr_assert_eq(go_watch_try(&w, NULL, &seen), 0);
	cr_assert_eq(seen, 5);
	cr_assert_eq(go_watch_try(&w, &n, &seen), -EPIPE);
	cr_assert_eq(go_watch_wait(&w, &n, &seen), -EPIPE);
	cr_assert_eq(go_watch_get(&w, &n, &seen), 0);
	cr_assert(n == 8 && seen == 5);
	cr_assert_eq(go_watch_destroy(&w), 0);
}

Test(watch, versions_without_a_value)
{
	go_watch w = GO_WATCH_INIT(NULL, 0);
	uint64_t seen = 1;

	cr_assert_eq(go_watch_try(&w, NULL, &seen), -EAGAIN);
	cr_assert_eq(go_watch_send(&w, NULL), 0);
	cr_assert_eq(go_watch_try(&w, NULL, &seen), 0);
	cr_assert_eq(seen, 2);
}

/* ---- waiting ---- */

enum {
	WATCHERS = 3
};

struct watcher {
	go_watch *w;
	uint64_t seen;
	int value, result;
};

static void *watch(void *arg)
{
	struct watcher *p = (struct watcher *)arg;

	p->result = go_watch_wait(p->w, &p->value, &p->seen);
	return NULL;
}

/* All wait, one is cancelled together with the change; then it is closed. */
static void *change_and_close(void *unused)
{
	struct watcher p[WATCHERS];
	go_task t[WATCHERS];
	int storage = 0, n = 7;
	go_watch w = GO_WATCH_INIT(&storage, sizeof(storage));

	(void)unused;
	for (int i = 0; i < WATCHERS; i++) {
		ASSIGN(struct watcher, p[i], {&w, 1, 0, 1});
		MUST(go_task_spawn(&t[i], watch, &p[i]) == 0);
	}
	test_await_waiters(&w, WATCHERS);
	MUST(go_watch_destroy(&w) == -EBUSY);
	MUST(go_task_cancel(t[1]) == 0);
	MUST(go_watch_send(&w, &n) == 0);
	for (int i = 0; i < WATCHERS; i++) {
		MUST(go_task_join(t[i], NULL) == 0);
		MUST(p[i].result == (i == 1 ? -ECANCELED : 0));
		MUST(p[i].value == (i == 1 ? 0 : 7));
		MUST(p[i].seen == (i == 1 ? 1 : 2));
	}
	MUST(go_watch_try(&w, &n, &p[1].seen) == 0 && p[1].seen == 2);

	for (int i = 0; i < WATCHERS; i++)
		MUST(go_task_spawn(&t[i], watch, &p[i]) == 0);
	test_await_waiters(&w, WATCHERS);
	MUST(go_watch_close(&w) == 0);
	MUST(go_watch_destroy(&w) == 0);
	for (int i = 0; i < WATCHERS; i++)
		MUST(go_task_join(t[i], NULL) == 0 && p[i].result == -EPIPE &&
		     p[i].seen == 2);
	return NULL;
}

Test(watch, those_that_wait, .timeout = 60)
{
	run_everywhere(change_and_close, NULL);
}

static void *time_out(void *unused)
{
	int storage = 0, n = 3, m = 0;
	go_watch w = GO_WATCH_INIT(&storage, sizeof(storage));
	uint64_t seen = 1;
	GO_TIMEOUT(GO_MILLISECOND);

	(void)unused;
	MUST(go_watch_wait(&w, &m, &seen) == -ETIMEDOUT && seen == 1);
	MUST(go_watch_send(&w, &n) == 0);
	MUST(go_watch_wait(&w, &m, &seen) == 0 && seen == 2 && m == 3);
	MUST(go_watch_wait(&w, &m, &seen) == -ETIMEDOUT);
	MUST(go_watch_destroy(&w) == 0);
	return NULL;
}

Test(watch, deadlines, .timeout = 60)
{
	cr_assert_null(time_out(NULL));
	run_everywhere(time_out, NULL);
}

/* ---- tasks and threads ---- */

enum {
	MIXED = 2000
};

static uint64_t question, answer;
static go_watch asked = GO_WATCH_INIT(&question, sizeof(question));
static go_watch answered = GO_WATCH_INIT(&answer, sizeof(answer));

static void *reply(void *unused)
{
	uint64_t n, seen = 1;

	(void)unused;
	while (go_watch_wait(&asked, &n, &seen) == 0 && n != UINT64_MAX)
		if (go_watch_send(&answered, &n) < 0)
			break;
	return NULL;
}

static void *ask(void *unused)
{
	uint64_t rounds = test_rounds(MIXED), n, seen, stop = UINT64_MAX;

	(void)unused;
	MUST(go_watch_get(&answered, NULL, &seen) == 0);
	for (uint64_t i = 0; i < rounds; i++) {
		MUST(go_watch_send(&asked, &i) == 0);
		MUST(go_watch_wait(&answered, &n, &seen) == 0 && n == i);
	}
	MUST(go_watch_send(&asked, &stop) == 0);
	return NULL;
}

Test(watch, a_task_asks_a_thread, .timeout = 60)
{
	pthread_t thread;

	for (unsigned workers = 0; workers <= 2; workers++) {
		ASSIGN(go_watch, asked,
		       GO_WATCH_INIT(&question, sizeof(question)));
		pthread_create(&thread, NULL, reply, NULL);
		if (workers)
			run_in(GO_MULTI_THREAD, workers, ask, NULL);
		else
			cr_assert_null(ask(NULL));
		pthread_join(thread, NULL);
	}
}

/* ---- faults ---- */

#ifdef GO_TEST_HOOKS
static void *without_memory(void *arg)
{
	struct watcher *p = (struct watcher *)arg;

	test_fail_nth(GO__SYS_calloc, 1);
	p->result = go_watch_wait(p->w, &p->value, &p->seen);
	cr_expect(test_fail_stop());
	return NULL;
}

Test(watch, no_memory_to_wait_with)
{
	int storage = 9;
	go_watch w = GO_WATCH_INIT(&storage, sizeof(storage));
	struct watcher p = {&w, 0, 0, 1};
	pthread_t thread;

	pthread_create(&thread, NULL, without_memory, &p);
	pthread_join(thread, NULL);
	cr_assert(p.result == -ENOMEM && p.seen == 0 && p.value == 0);
	cr_assert_eq(go_watch_try(&w, &p.value, &p.seen), 0);
	cr_assert(p.seen == 1 && p.value == 9);
}
#endif
