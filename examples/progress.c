/* SPDX-License-Identifier: MIT */
/*
 * Three more ways to receive signals: to look between two steps of some work
 * whether one has come, to take them until the subscription is closed, and to
 * wait for one once.
 *
 * Like dd(1), it says on SIGUSR1 how far it is.  Here it sends the signals to
 * itself.
 *
 * Run it:    progress
 * Expect:    asked at step 2
 *            done
 *            heard 1 in the background
 *            ended by: Terminated
 */
#include <gofer.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Until one of SIGUSR1 is there: the library's thread takes it. */
static int until_it_has_come(go_signals *signals)
{
	int r;

	while ((r = go_signals_try_recv(signals, NULL)) == -EAGAIN)
		go_sleep(GO_MILLISECOND);
	return r;
}

static int work(go_signals *signals)
{
	int r = 0;

	for (int step = 1; step <= 3 && r >= 0; step++) {
		if (step == 2) {
			kill(getpid(), SIGUSR1);
			r = until_it_has_come(signals);
		} else {
			r = go_signals_try_recv(signals, NULL);
		}
		if (r == SIGUSR1)
			printf("asked at step %d\n", step);
		else if (r == -EAGAIN)
			r = 0; /* nobody has asked */
	}
	if (r >= 0)
		printf("done\n");
	return r < 0 ? r : 0;
}

static go_event heard_one = GO_EVENT_INIT;

/* Each subscription gets every signal, though not at the same moment. */
static void *count(void *arg)
{
	int heard = 0, sig;

	while ((sig = go_signals_recv(arg, NULL)) > 0) {
		heard++;
		go_event_set(&heard_one);
	}
	return GO_INT(sig == -EPIPE ? heard : sig);
}

static int use(go_signals *mine, go_signals *background)
{
	void *heard;
	go_task task;
	int r = go_task_spawn(&task, count, background);

	if (r < 0)
		return r;
	r = work(mine);
	if (r == 0)
		r = go_event_wait(&heard_one);
	go_signals_close(background); /* the end of its loop */
	if (go_task_join(task, &heard) == 0 && r == 0)
		printf("heard %d in the background\n", GO_TO_INT(heard));
	return r;
}

static int subscribe_and_use(void)
{
	go_signals *mine, *background;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	r = go_signals_create(&background, &set);
	if (r < 0)
		return r;
	r = go_signals_create(&mine, &set);
	if (r == 0) {
		r = use(mine, background);
		go_signals_destroy(mine);
	}
	go_signals_destroy(background);
	return r;
}

/* All threads have it blocked, so that it is kept until somebody waits. */
static int wait_for_the_end(void)
{
	sigset_t set;
	int sig, r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	kill(getpid(), SIGTERM);
	r = go_sigwait(&set, &sig);
	if (r == 0)
		printf("ended by: %s\n", strsignal(sig));
	return r;
}

static void *main_task(void *unused)
{
	int r = subscribe_and_use();

	(void)unused;
	return GO_INT(r < 0 ? r : wait_for_the_end());
}

int main(void)
{
	void *result = NULL;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	r = -pthread_sigmask(SIG_BLOCK, &set,
			     NULL); /* the workers inherit it */
	if (r == 0)
		r = go_run_with(NULL, main_task, NULL, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "progress: %s\n", strerror(-r));
	return r < 0;
}
