/* SPDX-License-Identifier: MIT */
/* Select over channels and time, from tasks and from plain threads. */
#include <errno.h>

#include "../sched/everywhere.h"
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
