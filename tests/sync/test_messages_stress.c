/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts, watched values and one-shots under load, on 1, 2, 4 and 16
 * workers with plain threads beside them, while receivers are cancelled and run
 * out of time.  Conserved are: every message of a broadcast is received in
 * order or counted as missed, once by each subscriber; nobody misses the last
 * value of a watch; a one-shot's value arrives or its sender knows that it does
 * not, and exactly one side is the last one.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../sched/everywhere.h"
#include "support.h"

enum {
	TASKS = 4,
	THREADS = 2,
	RECEIVERS = TASKS + THREADS,
};

static _Atomic uint64_t wrong;

static void check(bool good)
{
	if (!good)
		atomic_fetch_add(&wrong, 1);
}

static void on_all_workers(void (*stress)(unsigned workers))
{
	stress(1);
	stress(2);
	stress(4);
	stress(16);
	cr_assert_eq(atomic_load(&wrong), 0);
}

/*
 * Threads take the receivers behind those of the tasks.  A task whose receive
 * is cancelled ends; another one goes on with the same receiver.
 */
static _Atomic int next_of_threads;

static void *receive_in_tasks(go_fn *receive)
{
	go_task t[TASKS];
	void *result;
	int left = TASKS;

	for (int i = 0; i < TASKS; i++)
		MUST(go_task_spawn(&t[i], receive, GO_INT(i)) == 0);
	for (int i = 0; left > 0; i = (i + 1) % TASKS) {
		if (!t[i].block)
			continue;
		if (left > TASKS / 2) {
			go_sleep(test_random(200) * GO_MICROSECOND);
			(void)go_task_cancel(t[i]);
		}
		MUST(go_task_join(t[i], &result) == 0);
		t[i].block = NULL;
		if (GO_TO_INT(result) == -ECANCELED)
			MUST(go_task_spawn(&t[i], receive, GO_INT(i)) == 0);
		else
			left--;
	}
	return NULL;
}

/* ---- broadcast ---- */

enum {
	SENDERS = 2,
};

struct message {
	unsigned sender;
	uint64_t n;
};

static go_broadcast *b;
static uint64_t share;
static unsigned senders;

static struct listener {
	go_subscriber s;
	uint64_t received, missed, next[SENDERS];
} listener[RECEIVERS];

static void note(struct listener *p, const struct message *m, int64_t missed)
{
	p->received++;
	p->missed += (uint64_t)missed;
	check(m->n >= p->next[m->sender]);
	if (senders == 1)
		check(m->n == p->next[0] + (uint64_t)missed);
	p->next[m->sender] = m->n + 1;
}

static void *listen_to(void *arg)
{
	struct listener *p = &listener[GO_TO_INT(arg)];
	struct message m;
	int64_t r = 0;

	while (r >= 0 || r == -ETIMEDOUT) {
		GO_TIMEOUT(test_random(64) ? GO_SECOND : 0);

		r = go_broadcast_recv(&p->s, &m);
		if (r >= 0)
			note(p, &m, r);
	}
	return GO_INT(r);
}

static void listen_in_thread(void *unused)
{
	(void)unused;
	check(GO_TO_INT(listen_to(GO_INT(
		      atomic_fetch_add(&next_of_threads, 1)))) == -EPIPE);
}

static void *send_all(void *arg)
{
	struct message m = {(unsigned)GO_TO_INT(arg), 0};

	for (; m.n < share; m.n++) {
		check(go_broadcast_send(b, &m) == 0);
		if (test_random(8) == 0)
			go_yield();
	}
	return NULL;
}

static void *send_and_close(void *unused)
{
	go_task t[SENDERS];

	(void)unused;
	for (unsigned i = 0; i < senders; i++)
		MUST(go_task_spawn(&t[i], send_all, GO_INT((int)i)) == 0);
	for (unsigned i = 0; i < senders; i++)
		MUST(go_task_join(t[i], NULL) == 0);
	MUST(go_broadcast_close(b) == 0);
	return NULL;
}

static void *broadcast_body(void *unused)
{
	go_task all;
	void *result;

	(void)unused;
	MUST(go_task_spawn(&all, send_and_close, NULL) == 0);
	result = receive_in_tasks(listen_to);
	if (result)
		return result;
	MUST(go_task_join(all, &result) == 0);
	return result;
}

static void broadcast(unsigned workers)
{
	share = test_rounds(60000);
	cr_assert_eq(go_broadcast_create(&b, sizeof(struct message), 16), 0);
	for (int i = 0; i < RECEIVERS; i++) {
		listener[i] = (struct listener){.received = 0};
		cr_assert_eq(go_broadcast_subscribe(b, &listener[i].s), 0);
	}
	atomic_store(&next_of_threads, TASKS);
	test_start_threads(THREADS, listen_in_thread, NULL);
	run_in(GO_MULTI_THREAD, workers, broadcast_body, NULL);
	test_join_threads();
	for (int i = 0; i < RECEIVERS; i++)
		cr_assert_eq(listener[i].received + listener[i].missed,
			     share * senders);
	cr_assert_eq(go_broadcast_destroy(b), 0);
}

Test(messages_stress, one_sender_broadcasts, .timeout = 250)
{
	senders = 1;
	on_all_workers(broadcast);
}

Test(messages_stress, senders_broadcast, .timeout = 250)
{
	senders = SENDERS;
	on_all_workers(broadcast);
}

/* ---- watch ---- */

static struct pair {
	uint64_t n, inverse;
} storage;
static go_watch watched;
static uint64_t seen[RECEIVERS];

static void *watch(void *arg)
{
	uint64_t *mine = &seen[GO_TO_INT(arg)], before;
	struct pair p;
	int r = 0;

	while (r == 0 || r == -ETIMEDOUT) {
		GO_TIMEOUT(test_random(64) ? GO_SECOND : 0);

		before = *mine;
		r = go_watch_wait(&watched, &p, mine);
		if (r == 0)
			check(*mine > before && p.n == *mine - 1 &&
			      p.inverse == ~p.n);
		else
			check(*mine == before);
	}
	return GO_INT(r);
}

static void watch_in_thread(void *unused)
{
	(void)unused;
	check(GO_TO_INT(watch(GO_INT(atomic_fetch_add(&next_of_threads, 1)))) ==
	      -EPIPE);
}

static void *change(void *unused)
{
	(void)unused;
	for (uint64_t n = 1; n <= share; n++) {
		struct pair p = {n, ~n};

		check(go_watch_send(&watched, &p) == 0);
		if (test_random(4) == 0)
			go_yield();
	}
	check(go_watch_close(&watched) == 0);
	return NULL;
}

static void *watch_body(void *unused)
{
	go_task t;
	void *result;

	(void)unused;
	MUST(go_task_spawn(&t, change, NULL) == 0);
	result = receive_in_tasks(watch);
	MUST(go_task_join(t, NULL) == 0);
	return result;
}

static void watched_value(unsigned workers)
{
	share = test_rounds(60000);
	storage = (struct pair){0, ~UINT64_C(0)};
	watched = (go_watch)GO_WATCH_INIT(&storage, sizeof(storage));
	for (int i = 0; i < RECEIVERS; i++)
		seen[i] = 0;
	atomic_store(&next_of_threads, TASKS);
	test_start_threads(THREADS, watch_in_thread, NULL);
	run_in(GO_MULTI_THREAD, workers, watch_body, NULL);
	test_join_threads();
	for (int i = 0; i < RECEIVERS; i++)
		cr_assert_eq(seen[i], share + 1);
	cr_assert_eq(go_watch_destroy(&watched), 0);
}

Test(messages_stress, nobody_misses_the_last_value, .timeout = 250)
{
	on_all_workers(watched_value);
}

/* ---- one-shot ---- */

struct letter {
	go_oneshot o;
	uint64_t slot;
};

static go_chan *letters;
static _Atomic uint64_t made, freed, sent, received;
static uint64_t rounds_left[TASKS];

static void last_one(struct letter *p)
{
	free(p);
	atomic_fetch_add(&freed, 1);
}

/* The value is where the letter is, so that the receiver can tell. */
static void answer(struct letter *p)
{
	bool sends = test_random(4) != 0;
	uint64_t n = (uintptr_t)p;
	int r;

	if (test_random(4) == 0) {
		GO_TIMEOUT(test_random(50) * GO_MICROSECOND);

		r = go_oneshot_wait_closed(&p->o);
		check(r == 0 || r == -ETIMEDOUT);
	}
	r = sends ? go_oneshot_send(&p->o, &n) : go_oneshot_drop(&p->o);
	check(r == 0 || r == -EPIPE);
	if (sends && r == 0)
		atomic_fetch_add(&sent, 1);
	if (r == -EPIPE)
		last_one(p);
}

static void answer_in_thread(void *unused)
{
	struct letter *p;

	(void)unused;
	while (go_chan_recv(letters, &p) == 0)
		answer(p);
}

static void *answer_in_task(void *unused)
{
	answer_in_thread(unused);
	return NULL;
}

static int ask(void)
{
	struct letter *p = malloc(sizeof(*p));
	uint64_t n = 0;
	int r, first;

	atomic_fetch_add(&made, 1);
	p->o = (go_oneshot)GO_ONESHOT_INIT(&p->slot, sizeof(p->slot));
	first = go_chan_send(letters, &p);
	if (first < 0) {
		last_one(p);
		return first;
	}
	{
		GO_TIMEOUT(test_random(2) ? test_random(50) * GO_MICROSECOND
					  : GO_SECOND);

		first = r = go_oneshot_recv(&p->o, &n);
	}
	if (r == -ETIMEDOUT || r == -ECANCELED) {
		r = go_oneshot_close(&p->o);
		if (r == 0)
			return first;
		check(r == -EALREADY);
		r = go_oneshot_try_recv(&p->o, &n);
	}
	check(r == 0 ? n == (uintptr_t)p : r == -EPIPE);
	if (r == 0)
		atomic_fetch_add(&received, 1);
	last_one(p);
	return first;
}

static void *ask_often(void *arg)
{
	uint64_t *n = &rounds_left[GO_TO_INT(arg)];

	while (*n > 0) {
		--*n;
		if (ask() == -ECANCELED)
			return GO_INT(-ECANCELED);
	}
	return NULL;
}

static void *oneshot_body(void *unused)
{
	go_task t;
	void *result;

	(void)unused;
	MUST(go_task_spawn(&t, answer_in_task, NULL) == 0);
	result = receive_in_tasks(ask_often);
	MUST(go_chan_close(letters) == 0);
	MUST(go_task_join(t, NULL) == 0);
	return result;
}

static void oneshots(unsigned workers)
{
	for (int i = 0; i < TASKS; i++)
		rounds_left[i] = test_rounds(4000);
	cr_assert_eq(go_chan_create(&letters, sizeof(void *), 4), 0);
	test_start_threads(THREADS, answer_in_thread, NULL);
	run_in(GO_MULTI_THREAD, workers, oneshot_body, NULL);
	test_join_threads();
	cr_assert_eq(atomic_load(&made), atomic_load(&freed));
	cr_assert_eq(atomic_load(&sent), atomic_load(&received));
	cr_assert_eq(go_chan_destroy(letters), 0);
}

Test(messages_stress, one_side_is_the_last, .timeout = 250)
{
	on_all_workers(oneshots);
}
