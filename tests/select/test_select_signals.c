/* SPDX-License-Identifier: MIT */
/* Select over signals. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "selection.h"
#include "support.h"

static go_signals *subscribe(int sig)
{
	go_signals *s = NULL;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return go_signals_create(&s, &set) == 0 ? s : NULL;
}

static void *signals(void *unused)
{
	go_signals *s = subscribe(SIGUSR1), *t = subscribe(SIGUSR2);
	uint32_t n = 0;
	go_case k[] = {GO_SIGNAL(NULL, NULL), GO_SIGNAL(s, &n),
		       GO_SIGNAL(t, NULL), GO_SIGNAL(t, &n)};
	go_case own[] = {GO_SIGNAL(s, NULL)};
	struct selection all = {k, 4}, one = {own, 1};
	go_task task[2];
	int r;

	(void)unused;
	MUST(s && t);
	MUST(go_select_try(k, 4) == -EAGAIN);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(go_select(k, 4) == 1 && k[1].result == SIGUSR1 && n == 1);
	MUST(go_signals_try_recv(s, NULL) == -EAGAIN);
	MUST(kill(getpid(), SIGUSR2) == 0);
	r = go_select(k, 4);
	MUST((r == 2 || r == 3) && k[r].result == SIGUSR2);
	/* One signal lets one of two selects pass. */
	for (int i = 0; i < 2; i++)
		MUST(go_task_spawn(&task[i], select_them, i ? &one : &all) ==
		     0);
	test_settle();
	MUST(kill(getpid(), SIGUSR1) == 0);
	go_case first[] = {GO_ENDED(task[0]), GO_ENDED(task[1])};
	r = go_select(first, 2);
	MUST(r >= 0 && go_signals_try_recv(s, NULL) == -EAGAIN);
	test_settle();
	MUST(go_select_try(first + 1 - r, 1) == -EAGAIN);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(result_of(task[1]) == 0 && own[0].result == SIGUSR1);
	MUST(result_of(task[0]) == 1 && k[1].result == SIGUSR1);
	/* Closing is an answer, too. */
	MUST(go_task_spawn(&task[0], select_them, &all) == 0);
	test_settle();
	MUST(go_signals_close(s) == 0);
	MUST(result_of(task[0]) == 1 && k[1].result == -EPIPE);
	MUST(go_signals_destroy(s) == 0 && go_signals_destroy(t) == 0);
	return NULL;
}

Test(select_signals, signals, .timeout = 60)
{
	run_everywhere(signals, NULL);
}

/* A signal that meets a cancelled select is not lost. */
static void *signal_and_cancel(void *unused)
{
	go_signals *s = subscribe(SIGUSR1);
	go_event other = GO_EVENT_INIT;
	uint64_t rounds = test_rounds(1000);

	(void)unused;
	MUST(s);
	for (uint64_t i = 0; i < rounds; i++) {
		go_case k[] = {GO_EVENT(&other), GO_SIGNAL(s, NULL)};
		struct selection both = {k, 2};
		go_task t;
		int r;

		MUST(go_task_spawn(&t, select_them, &both) == 0);
		for (unsigned n = test_random(3); n > 0; n--)
			go_yield();
		MUST(kill(getpid(), SIGUSR1) == 0);
		for (unsigned n = test_random(3); n > 0; n--)
			go_yield();
		(void)go_task_cancel(t);
		r = result_of(t);
		MUST(r == 1 || r == -ECANCELED);
		MUST(r == 1 ? go_signals_try_recv(s, NULL) == -EAGAIN
			    : go_signals_recv(s, NULL) == SIGUSR1);
	}
	MUST(go_signals_destroy(s) == 0 && go_event_destroy(&other) == 0);
	return NULL;
}

Test(select_signals, signal_and_cancel, .timeout = 60)
{
	run_everywhere(signal_and_cancel, NULL);
}
