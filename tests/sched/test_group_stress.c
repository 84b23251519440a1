/* SPDX-License-Identifier: MIT */
/*
 * Cancellations in great numbers, and what they must conserve: every child of a
 * group that was spawned ends, before the group's memory is used for something
 * else; every cancelled sleeper wakes, once.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "everywhere.h"
#include "support.h"

enum {
	CHILDREN = 50,
	GROUPS = 20000, /* A million children, a million cancellations. */
	OWNERS = 8,
};

static _Atomic uint64_t begun, ended, cancelled;

static void *child(void *arg)
{
	int r = go_sleep((intptr_t)arg);

	if (r == -ECANCELED)
		atomic_fetch_add(&cancelled, 1);
	atomic_fetch_add(&ended, 1);
	return GO_INT(r);
}

/* A group in memory that is overwritten as soon as nobody is left. */
static const char *one_group(void)
{
	go_group_options o = {.cancel_on_error = test_random(2),
			      .limit = test_random(4) ? 0 : 60};
	go_group *g = malloc(sizeof(*g));
	int r;

	if (!g || go_group_init(g, &o) < 0)
		return "init";
	for (int i = 0; i < CHILDREN; i++) {
		int64_t ns = test_random(20) ? GO_NEVER : 1;

		if (i == 40 && test_random(8) == 0)
			go_group_cancel(g);
		r = go_group_spawn(g, child, (void *)(intptr_t)ns);
		if (r == 0)
			atomic_fetch_add(&begun, 1);
		else if (r != -ECANCELED)
			return "spawn";
	}
	if (test_random(2))
		go_yield();
	if (test_random(2))
		go_group_cancel(g);
	go_group_end(g);
	memset(g, 0xa5, sizeof(*g));
	free(g);
	return NULL;
}

static void *own_groups(void *arg)
{
	for (uint64_t i = 0; i < *(uint64_t *)arg; i++) {
		const char *wrong = one_group();

		if (wrong)
			return (void *)(uintptr_t)wrong;
	}
	return NULL;
}

static void *storm(void *arg)
{
	uint64_t rounds = test_rounds(GROUPS) / 4 / OWNERS + 1;
	go_task t[OWNERS];
	void *result;

	(void)arg;
	atomic_store(&begun, 0);
	atomic_store(&ended, 0);
	for (int i = 0; i < OWNERS; i++)
		MUST(go_task_spawn(&t[i], own_groups, &rounds) == 0);
	for (int i = 0; i < OWNERS; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		if (result)
			return result;
	}
	MUST(atomic_load(&begun) == atomic_load(&ended));
	return NULL;
}

Test(group_stress, a_million_cancellations, .timeout = 280)
{
	run_in(GO_MULTI_THREAD, 1, storm, NULL);
	run_in(GO_MULTI_THREAD, 2, storm, NULL);
	run_in(GO_MULTI_THREAD, 4, storm, NULL);
	run_in(GO_MULTI_THREAD, 16, storm, NULL);
	run_in(GO_HOME_THREAD, 4, storm, NULL);
	/* One in twenty may have slept its nanosecond, and groups that were
	 * cancelled early have fewer children. */
	cr_assert_geq(atomic_load(&cancelled),
		      test_rounds(GROUPS) * CHILDREN / 4 * 3);
}

/* ---- limits under cancellation: places are conserved ---- */

struct limited {
	go_group group;
	_Atomic uint64_t started, refused;
};

static void *brief(void *arg)
{
	(void)arg;
	go_yield();
	return NULL;
}

static void *spawn_limited(void *arg)
{
	struct limited *l = arg;

	for (int i = 0; i < 30; i++) {
		GO_TIMEOUT(test_random(20000));
		int r = go_group_spawn(&l->group, brief, NULL);

		if (r == 0)
			atomic_fetch_add(&l->started, 1);
		else if (r == -ETIMEDOUT || r == -ECANCELED)
			atomic_fetch_add(&l->refused, 1);
		else
			return GO_INT(1);
	}
	return NULL;
}

static void *limited_storm(void *arg)
{
	uint64_t rounds = test_rounds(400);

	(void)arg;
	for (uint64_t n = 0; n < rounds; n++) {
		go_group_options o = {.limit = 2};
		struct limited l = {.started = 0};
		go_task t[OWNERS];
		void *result;

		MUST(go_group_init(&l.group, &o) == 0);
		for (int i = 0; i < OWNERS; i++)
			MUST(go_task_spawn(&t[i], spawn_limited, &l) == 0);
		if (n % 2)
			go_task_cancel(t[n / 2 % OWNERS]);
		for (int i = 0; i < OWNERS; i++) {
			MUST(go_task_join(t[i], &result) == 0);
			MUST(!result);
		}
		MUST(atomic_load(&l.started) + atomic_load(&l.refused) ==
		     OWNERS * 30);
		/* Every place has come back: two more find room at once. */
		MUST(go_group_wait(&l.group) == 0);
		GO_TIMEOUT(0);
		MUST(go_group_spawn(&l.group, brief, NULL) == 0);
		MUST(go_group_spawn(&l.group, brief, NULL) == 0);
		go_group_end(&l.group);
	}
	return NULL;
}

Test(group_stress, places_are_conserved, .timeout = 280)
{
	run_everywhere(limited_storm, NULL);
}
