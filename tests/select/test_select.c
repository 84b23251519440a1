/* SPDX-License-Identifier: MIT */
/*
 * Select over channels and time, from tasks and from plain threads; and who is
 * chosen, and how waits end.
 */
#include <errno.h>

#include "selection.h"
#include "support.h"

static void *bad_and_trivial(void *unused)
{
	go_chan *a, *b;
	int n = 1, m = 0;

	(void)unused;
	MUST(go_chan_create(&a, sizeof(int), 1) == 0);
	MUST(go_chan_create(&b, sizeof(int), 1) == 0);
	go_case k[] = {GO_RECV(a, &m), GO_RECV(b, &m), GO_RECV(NULL, &m),
		       GO_AT(GO_NEVER)};

	MUST(go_select(NULL, 1) == -EINVAL);
	MUST(go_select_try(NULL, 0) == -EAGAIN);
	MUST(go_select_try(k, 4) == -EAGAIN);
	MUST(go_chan_send(b, &n) == 0);
	MUST(go_select(k, 4) == 1 && k[1].result == 0 && m == 1);
	go_case s[] = {GO_SEND(a, &n), GO_SEND(NULL, &n)};

	MUST(go_select(s, 2) == 0 && s[0].result == 0);
	MUST(go_select_try(s, 2) == -EAGAIN);
	MUST(go_chan_length(a) == 1);
	go_case t[] = {GO_RECV(b, &m), GO_AFTER(GO_MILLISECOND)};

	MUST(go_select(t, 2) == 1 && t[1].result == 0);
	MUST(go_chan_close(b) == 0);
	MUST(go_select(t, 1) == 0 && t[0].result == -EPIPE);
	MUST(go_chan_destroy(a) == 0 && go_chan_destroy(b) == 0);
	return NULL;
}

Test(select, ready_and_never)
{
	cr_assert_null(bad_and_trivial(NULL));
	run_everywhere(bad_and_trivial, NULL);
}

/* ---- conservation ---- */

static go_chan *left, *right;
static uint64_t rounds;

/* Sends each number once, wherever somebody takes it. */
static void *send_either(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		go_case k[] = {GO_SEND(left, &i), GO_SEND(right, &i),
			       GO_SEND(left, &i)};

		if (go_select(k, 3) < 0)
			return GO_INT(1);
	}
	return NULL;
}

static void *select_both(void *unused)
{
	uint64_t sum = 0, a = 0, b = 0;
	go_task t[2];

	(void)unused;
	rounds = test_rounds(20000);
	MUST(go_chan_create(&left, 8, 0) == 0);
	MUST(go_chan_create(&right, 8, 2) == 0);
	for (int i = 0; i < 2; i++)
		MUST(go_task_spawn(&t[i], send_either, NULL) == 0);
	for (uint64_t i = 0; i < 2 * rounds; i++) {
		go_case k[] = {GO_RECV(left, &a), GO_RECV(right, &b)};
		int r = go_select(k, 2);

		MUST(r >= 0 && k[r].result == 0);
		sum += r == 0 ? a : b;
	}
	for (int i = 0; i < 2; i++)
		MUST(go_task_join(t[i], NULL) == 0);
	MUST(sum == rounds * (rounds - 1));
	MUST(go_chan_destroy(left) == 0 && go_chan_destroy(right) == 0);
	return NULL;
}

Test(select, conserves)
{
	run_everywhere(select_both, NULL);
}

/* ---- who is chosen ---- */

enum {
	MANY = 8,
	SELECTS = 4000
};

/*
 * Ready cases between others that never are: each has the same chance, also
 * the one that stands behind a gap.
 */
static void *fair(void *unused)
{
	unsigned times[MANY] = {0}, least = SELECTS / 4 - 250;
	go_event set = GO_EVENT_INIT;
	go_chan *closed, *never;
	int fd[2];

	(void)unused;
	MUST(go_chan_create(&closed, 8, 0) == 0);
	MUST(go_chan_create(&never, 8, 0) == 0);
	MUST(go_chan_close(closed) == 0);
	MUST(go_event_set(&set) == 0);
	MUST(go_pipe(fd) == 0);
	go_case k[MANY] = {GO_RECV(closed, NULL), GO_RECV(never, NULL),
			   GO_RECV(NULL, NULL),   GO_AT(GO_NEVER),
			   GO_EVENT(&set),        GO_WRITABLE(fd[1]),
			   GO_READABLE(fd[0]),    GO_AT(0)};

	for (unsigned i = 0; i < SELECTS; i++) {
		int r = i % 2 ? go_select(k, MANY) : go_select_try(k, MANY);

		MUST(r >= 0);
		times[r]++;
	}
	/* 1000 times each; 250 is nine times the deviation. */
	for (int i = 0; i < MANY; i++)
		if (i == 0 || i == 4 || i == 5 || i == 7)
			MUST(times[i] > least);
		else
			MUST(times[i] == 0);
	MUST(go_chan_destroy(closed) == 0 && go_chan_destroy(never) == 0);
	MUST(go_close(fd[0]) == 0 && go_close(fd[1]) == 0);
	return NULL;
}

Test(select, each_ready_case_has_its_turn, .timeout = 60)
{
	cr_assert_null(fair(NULL));
	run_everywhere(fair, NULL);
}

/* ---- waits that end ---- */

/* Closed with a select waiting: for the sender and for the receiver in it. */
static void *closed(void *unused)
{
	uint64_t n = 1;

	(void)unused;
	for (int which = 0; which < 2; which++) {
		go_chan *c[2];
		go_task t;

		MUST(go_chan_create(&c[0], 8, 0) == 0);
		MUST(go_chan_create(&c[1], 8, 0) == 0);
		go_case k[] = {GO_RECV(c[0], &n), GO_SEND(c[1], &n),
			       GO_AT(GO_NEVER)};
		struct selection s = {k, 3};

		MUST(go_task_spawn(&t, select_them, &s) == 0);
		test_settle();
		MUST(go_chan_destroy(c[which]) == -EBUSY);
		MUST(go_chan_close(c[which]) == 0);
		MUST(result_of(t) == which && k[which].result == -EPIPE);
		/* What is closed stays ready, and the other is not touched. */
		MUST(go_select_try(k, 3) == which);
		MUST(go_chan_destroy(c[0]) == 0);
		MUST(go_chan_destroy(c[1]) == 0);
	}
	return NULL;
}

Test(select, closed, .timeout = 60)
{
	run_everywhere(closed, NULL);
}

static void *cancelled(void *unused)
{
	uint64_t n = 1;
	go_chan *c[2];
	go_task t;

	(void)unused;
	MUST(go_chan_create(&c[0], 8, 0) == 0);
	MUST(go_chan_create(&c[1], 8, 0) == 0);
	go_case k[] = {GO_RECV(c[0], &n), GO_SEND(c[1], &n), GO_RECV(c[0], &n)};
	struct selection s = {k, 3};

	for (int i = 0; i < 100; i++) {
		MUST(go_task_spawn(&t, select_them, &s) == 0);
		if (i % 10 == 0)
			test_settle();
		MUST(go_task_cancel(t) == 0);
		MUST(result_of(t) == -ECANCELED);
		MUST(go_chan_try_recv(c[1], NULL) == -EAGAIN);
		MUST(go_chan_try_send(c[0], &n) == -EAGAIN);
	}
	MUST(go_chan_destroy(c[0]) == 0 && go_chan_destroy(c[1]) == 0);
	return NULL;
}

Test(select, cancelled, .timeout = 60)
{
	run_everywhere(cancelled, NULL);
}

/* A select does not meet itself, but another one like it. */
static void *both_ways(void *unused)
{
	uint64_t sent = 5, got = 0, sent2 = 6, got2 = 0;
	go_chan *c;
	go_task t;
	int r, other;

	(void)unused;
	MUST(go_chan_create(&c, 8, 0) == 0);
	go_case k[] = {GO_SEND(c, &sent), GO_RECV(c, &got)};
	go_case k2[] = {GO_RECV(c, &got2), GO_SEND(c, &sent2)};
	struct selection s = {k2, 2};

	MUST(go_select_try(k, 2) == -EAGAIN);
	MUST(go_task_spawn(&t, select_them, &s) == 0);
	r = go_select(k, 2);
	other = result_of(t);
	MUST(r >= 0 && r == other);
	MUST(r == 0 ? got2 == 5 && got == 0 : got == 6 && got2 == 0);
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

Test(select, both_ways_of_one_channel, .timeout = 60)
{
	run_everywhere(both_ways, NULL);
}

/* ---- unbounded channels ---- */

static void *send_growing(void *chan)
{
	uint64_t most = test_rounds(3000);

	for (uint64_t i = 0; i < most; i++) {
		go_case k[] = {GO_RECV(NULL, NULL),
			       GO_SEND((go_chan *)chan, &i)};
		int r = i % 2 ? go_select(k, 2) : go_select_try(k, 2);

		if (r != 1 || k[1].result != 0)
			return GO_INT(1);
	}
	return NULL;
}

static void *growing(void *unused)
{
	uint64_t most = test_rounds(3000), sum = 0, n;
	go_task t[2];
	go_chan *c;

	(void)unused;
	MUST(go_chan_create(&c, 8, GO_CHAN_UNBOUNDED) == 0);
	for (int i = 0; i < 2; i++)
		MUST(go_task_spawn(&t[i], send_growing, c) == 0);
	for (int i = 0; i < 2; i++)
		MUST(result_of(t[i]) == 0);
	MUST(go_chan_length(c) == 2 * most);
	while (go_chan_try_recv(c, &n) == 0)
		sum += n;
	MUST(sum == most * (most - 1));
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

Test(select, unbounded_channels_grow, .timeout = 60)
{
	run_everywhere(growing, NULL);
}

/* ---- plain threads ---- */

static go_chan *to_threads, *from_threads;

/* Adds one to whatever comes, until it is closed. */
static void answer(void *unused)
{
	for (;;) {
		uint64_t n = 0;
		go_case in[] = {GO_RECV(NULL, NULL), GO_RECV(to_threads, &n)};
		go_case out[] = {GO_SEND(from_threads, &n), GO_AT(GO_NEVER)};

		(void)unused;
		if (go_select(in, 2) != 1 || in[1].result != 0)
			return;
		n++;
		if (go_select(out, 2) != 0)
			return;
	}
}

static void *ask_threads(void *unused)
{
	uint64_t most = test_rounds(2000), sum = 0, i = 0, n = 0;
	uint64_t answers = 0;

	(void)unused;
	MUST(go_chan_create(&to_threads, 8, 0) == 0);
	MUST(go_chan_create(&from_threads, 8, 1) == 0);
	test_start_threads(3, answer, NULL);
	while (answers < most) {
		go_case k[] = {GO_SEND(i < most ? to_threads : NULL, &i),
			       GO_RECV(from_threads, &n)};
		int r = go_select(k, 2);

		MUST(r >= 0 && k[r].result == 0);
		i += r == 0;
		answers += r == 1;
		sum += r == 1 ? n : 0;
	}
	MUST(go_chan_close(to_threads) == 0);
	test_join_threads();
	MUST(sum == most * (most + 1) / 2);
	MUST(go_chan_destroy(to_threads) == 0);
	MUST(go_chan_destroy(from_threads) == 0);
	return NULL;
}

Test(select, plain_threads, .timeout = 60)
{
	cr_assert_null(ask_threads(NULL));
	run_everywhere(ask_threads, NULL);
}

/* ---- no memory ---- */

#ifdef GO_TEST_HOOKS
/* More cases than fit on the stack, and a channel that has to grow. */
static void *faults(void *unused)
{
	static const enum go__sys_call calls[] = {GO__SYS_calloc,
						  GO__SYS_malloc};
	uint64_t n = 3, got;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		go_event e = GO_EVENT_AUTO_INIT;
		go_chan *c;
		int r;

		MUST(go_chan_create(&c, 8, GO_CHAN_UNBOUNDED) == 0);
		go_case k[MANY] = {GO_EVENT(&e),   GO_RECV(NULL, NULL),
				   GO_SEND(c, &n), GO_RECV(NULL, NULL),
				   GO_EVENT(&e),   GO_RECV(NULL, NULL),
				   GO_EVENT(NULL), GO_AT(GO_NEVER)};

		test_fail_nth(calls[i], 1);
		r = go_select(k, MANY);
		MUST(test_fail_stop());
		MUST(r == -ENOMEM);
		MUST(go_chan_length(c) == 0);
		MUST(go_event_destroy(&e) == 0);
		MUST(go_select(k, MANY) == 2 && k[2].result == 0);
		MUST(go_chan_recv(c, &got) == 0 && got == 3);
		MUST(go_chan_destroy(c) == 0);
	}
	return NULL;
}

Test(select, no_memory, .timeout = 60)
{
	run_everywhere(faults, NULL);
}
#endif
