/* SPDX-License-Identifier: MIT */
/*
 * A million cancellations, of tasks in every kind of wait, while what they wait
 * for is given away at the same time.
 *
 * Each task makes one wait, of a kind drawn at random, on objects that all of
 * them share.  It is given something or cancelled, or both at once.  At the end
 * the books must balance: what was given was taken by a call that succeeded, or
 * is still there, and no object believes that somebody waits for it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "../sched/everywhere.h"
#include "support.h"

enum {
	CANCELLATIONS = 1000000, /* Of all runs together. */
	RUNS = 4,
	OWNERS = 4,
	CROWD = 24, /* Tasks of an owner at a time. */
};

/* What everybody waits for, and what was given and taken of it. */
static struct {
	go_mutex mutex, cond_mutex;
	go_rwlock rwlock;
	go_semaphore semaphore;
	go_event event;
	go_event never;
	go_cond cond;
	go_wait_group pending;
	go_barrier barrier;
	go_chan *in, *out; /* Given by a send, and by a receive. */
	int pair[2];

	int tokens; /* Under cond_mutex, for those who wait for cond. */
	uint64_t inside, tokens_given, tokens_taken; /* Under a lock each. */
	_Atomic uint64_t posts, acquired, sets, passed;
	_Atomic uint64_t sent, received, bytes_sent, bytes_read;
	_Atomic uint64_t came, last;
} all;

static _Atomic uint64_t cancelled; /* Of all runs: in the wait, not before. */
static uint64_t goal;

/* Count a success. */
static int took(int r, _Atomic uint64_t *count)
{
	if (r == 0)
		atomic_fetch_add(count, 1);
	return r;
}

/* ---- one wait of each kind ---- */

static int in_sleep(void)
{
	return go_sleep(GO_NEVER);
}

static void *sleep_for_ever(void *unused)
{
	(void)unused;
	return GO_INT(go_sleep(GO_NEVER));
}

static int in_join(void)
{
	void *result = NULL;
	go_task t;
	int r = go_task_spawn(&t, sleep_for_ever, NULL);

	if (r < 0)
		return r;
	r = go_task_join(t, NULL);
	go_task_cancel(t);
	{
		GO_SHIELD();
		if (go_task_join(t, &result) < 0 ||
		    GO_TO_INT(result) != -ECANCELED)
			return -EPROTO;
	}
	return r;
}

static int in_group_wait(void)
{
	GO_GROUP(group);
	int r = go_group_spawn(&group, sleep_for_ever, NULL);

	/* Cancelled with it; the child's error is the group's. */
	return r < 0 ? r : go_group_wait(&group);
}

static int in_group_place(void)
{
	go_group_options options = {.limit = 1};
	GO_GROUP_WITH(group, &options);
	int r = go_group_spawn(&group, sleep_for_ever, NULL);

	return r < 0 ? r : go_group_spawn(&group, sleep_for_ever, NULL);
}

static int in_mutex(void)
{
	int r = go_mutex_lock_cancellable(&all.mutex);

	if (r < 0)
		return r;
	all.inside++;
	go_yield();
	all.inside--;
	return go_mutex_unlock(&all.mutex);
}

static int in_rwlock(void)
{
	int r = test_random(2) ? go_rwlock_rdlock_cancellable(&all.rwlock)
			       : go_rwlock_wrlock_cancellable(&all.rwlock);

	if (r < 0)
		return r;
	go_yield();
	return go_rwlock_unlock(&all.rwlock);
}

static int in_semaphore(void)
{
	return took(go_semaphore_acquire(&all.semaphore), &all.acquired);
}

static int in_event(void)
{
	return took(go_event_wait(&all.event), &all.passed);
}

static int in_manual_event(void)
{
	return go_event_wait(&all.never);
}

static int in_cond(void)
{
	int r = 0;

	go_mutex_lock(&all.cond_mutex);
	while (r == 0 && all.tokens == 0)
		r = go_cond_wait(&all.cond, &all.cond_mutex);
	if (r == 0) {
		all.tokens--;
		all.tokens_taken++;
	}
	go_mutex_unlock(&all.cond_mutex);
	return r;
}

static int in_wait_group(void)
{
	return go_wait_group_wait(&all.pending);
}

static int in_barrier(void)
{
	int r = go_barrier_wait(&all.barrier);

	if (r < 0)
		return r;
	atomic_fetch_add(&all.last, (uint64_t)r);
	return took(0, &all.came);
}

static int in_send(void)
{
	uint64_t value = 1;

	return took(go_chan_send(all.out, &value), &all.sent);
}

static int in_receive(void)
{
	uint64_t value;

	return took(go_chan_recv(all.in, &value), &all.received);
}

static int in_select(void)
{
	uint64_t in, out = 1;
	go_case k[] = {GO_SEND(all.out, &out), GO_RECV(all.in, &in),
		       GO_AT(GO_NEVER)};
	int r = go_select(k, 3);

	if (r < 0)
		return r;
	return took(k[r].result, r == 0 ? &all.sent : &all.received);
}

static int in_read(void)
{
	char byte;
	ssize_t r = go_read(all.pair[0], &byte, 1);

	return r < 0 ? (int)r : took(r == 1 ? 0 : -EPROTO, &all.bytes_read);
}

static int (*const waits[])(void) = {
	in_sleep, in_join,    in_group_wait, in_group_place,
	in_mutex, in_rwlock,  in_semaphore,  in_event,
	in_cond,  in_barrier, in_wait_group, in_manual_event,
	in_send,  in_receive, in_select,     in_read,
};

enum {
	KINDS = sizeof(waits) / sizeof(waits[0])
};

static void *wait_once(void *arg)
{
	bool early = go_cancelled();
	int r = waits[GO_TO_INT(arg)]();

	if (r == -ECANCELED && !early)
		atomic_fetch_add(&cancelled, 1);
	return GO_INT(r);
}

/* ---- those who give and cancel ---- */

static void give_token(void)
{
	go_mutex_lock(&all.cond_mutex);
	all.tokens++;
	all.tokens_given++;
	go_cond_signal(&all.cond);
	go_mutex_unlock(&all.cond_mutex);
}

/* Give one thing, without waiting for anything that may be cancelled. */
static void give(void)
{
	uint64_t value = 1;

	switch (test_random(6)) {
	case 0:
		took(go_semaphore_post(&all.semaphore), &all.posts);
		break;
	case 1:
		took(go_event_set(&all.event), &all.sets);
		break;
	case 2:
		took(go_chan_try_send(all.in, &value), &all.sent);
		break;
	case 3:
		took(go_chan_try_recv(all.out, &value), &all.received);
		break;
	case 4:
		if (send(all.pair[1], "x", 1, MSG_DONTWAIT) == 1)
			atomic_fetch_add(&all.bytes_sent, 1);
		break;
	default:
		give_token();
		break;
	}
}

/* Start a crowd, with the locks in strange hands now and then; end it. */
static void *one_crowd(void)
{
	bool locked = test_random(2) && go_mutex_trylock(&all.mutex) == 0;
	bool writes = test_random(2) && go_rwlock_trywrlock(&all.rwlock) == 0;
	void *result[CROWD];
	go_task t[CROWD];

	for (int i = 0; i < CROWD; i++)
		MUST(go_task_spawn(&t[i], wait_once,
				   GO_INT(test_random(KINDS))) == 0);
	for (uint32_t i = test_random(4); i > 0; i--)
		go_yield();
	for (int i = 0; i < CROWD; i++) {
		if (test_random(4) == 0)
			give();
		(void)go_task_cancel(t[i]);
		if (i == CROWD / 2 && locked)
			MUST(go_mutex_unlock(&all.mutex) == 0);
	}
	if (writes)
		MUST(go_rwlock_unlock(&all.rwlock) == 0);
	MUST(go_join_all(t, CROWD, result) == 0);
	for (int i = 0; i < CROWD; i++) {
		int r = GO_TO_INT(result[i]);

		MUST(r == 0 || r == -ECANCELED);
	}
	return NULL;
}

static void *cancel_crowds(void *unused)
{
	void *wrong = NULL;

	(void)unused;
	while (!wrong && atomic_load(&cancelled) < goal)
		wrong = one_crowd();
	return wrong;
}

static const char *open_all(void)
{
	memset(&all, 0, sizeof all);
	all.event = (go_event)GO_EVENT_AUTO_INIT;
	all.barrier = (go_barrier)GO_BARRIER_INIT(2);
	MUST(go_wait_group_add(&all.pending, 1) == 0);
	MUST(go_chan_create(&all.in, sizeof(uint64_t), 2) == 0);
	MUST(go_chan_create(&all.out, sizeof(uint64_t), 0) == 0);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, all.pair) == 0);
	return NULL;
}

/* Nobody is left: the books. */
static const char *balance(void)
{
	uint64_t value, left = 0;
	char byte;

	MUST(go_semaphore_value(&all.semaphore) >= 0);
	MUST(atomic_load(&all.posts) ==
	     atomic_load(&all.acquired) +
		     (uint64_t)go_semaphore_value(&all.semaphore));
	MUST(atomic_load(&all.passed) <= atomic_load(&all.sets));
	MUST(all.tokens_given == all.tokens_taken + (uint64_t)all.tokens);
	MUST(atomic_load(&all.came) == 2 * atomic_load(&all.last));
	while (go_chan_try_recv(all.in, &value) == 0)
		left++;
	MUST(go_chan_try_recv(all.out, &value) == -EAGAIN);
	MUST(atomic_load(&all.sent) == atomic_load(&all.received) + left);
	left = 0;
	while (recv(all.pair[0], &byte, 1, MSG_DONTWAIT) == 1)
		left++;
	MUST(atomic_load(&all.bytes_sent) ==
	     atomic_load(&all.bytes_read) + left);
	MUST(all.inside == 0);
	return NULL;
}

static const char *close_all(void)
{
	MUST(go_mutex_destroy(&all.mutex) == 0);
	MUST(go_mutex_destroy(&all.cond_mutex) == 0);
	MUST(go_rwlock_destroy(&all.rwlock) == 0);
	MUST(go_semaphore_destroy(&all.semaphore) == 0);
	MUST(go_event_destroy(&all.event) == 0);
	MUST(go_event_destroy(&all.never) == 0);
	MUST(go_cond_destroy(&all.cond) == 0);
	MUST(go_wait_group_destroy(&all.pending) == 0);
	MUST(go_barrier_destroy(&all.barrier) == 0);
	MUST(go_chan_destroy(all.in) == 0);
	MUST(go_chan_destroy(all.out) == 0);
	MUST(go_close(all.pair[0]) == 0 && go_close(all.pair[1]) == 0);
	return NULL;
}

static void *storm(void *unused)
{
	go_task owner[OWNERS];
	void *result[OWNERS];
	const char *wrong = open_all();

	(void)unused;
	for (int i = 0; i < OWNERS && !wrong; i++)
		MUST(go_task_spawn(&owner[i], cancel_crowds, NULL) == 0);
	MUST(!wrong && go_join_all(owner, OWNERS, result) == 0);
	for (int i = 0; i < OWNERS && !wrong; i++)
		wrong = result[i];
	if (!wrong)
		wrong = balance();
	if (!wrong)
		wrong = close_all();
	return (void *)(uintptr_t)wrong;
}

static void cancel_many(unsigned workers)
{
	goal = atomic_load(&cancelled) + test_rounds(CANCELLATIONS) / RUNS + 1;
	run_in(GO_MULTI_THREAD, workers, storm, NULL);
}

Test(cancel_stress, a_million_in_every_kind_of_wait, .timeout = 280)
{
	cancel_many(1);
	cancel_many(2);
	cancel_many(4);
	cancel_many(16);
	cr_assert_geq(atomic_load(&cancelled), test_rounds(CANCELLATIONS));
}
