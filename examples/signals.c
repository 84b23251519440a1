/* SPDX-License-Identifier: MIT */
/*
 * Signals: a task waits for them, and reloads or ends when told to.
 *
 * Here the program sends them to itself.  With an argument (./signals wait) it
 * only waits: try `kill -HUP` and `kill -TERM` from another terminal.
 *
 * Expect:    Hangup
 *            Terminated
 *            the end
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *handle(void *arg)
{
	go_signals *signals = arg;
	int sig;

	while ((sig = go_signals_recv(signals, NULL)) > 0) {
		printf("%s\n", strsignal(sig));
		if (sig == SIGTERM)
			break;
	}
	return NULL;
}

static int run(bool only_wait)
{
	go_signals *signals;
	sigset_t set;
	go_task task;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	r = go_signals_create(&signals, &set);
	if (r < 0)
		return r;
	/* From here on neither of the two terminates us. */
	r = go_task_spawn(&task, handle, signals);
	if (r == 0 && !only_wait) {
		kill(getpid(), SIGHUP);
		/* One at a time: of two that are there, the lower number comes
		 * first. */
		go_sleep(50 * GO_MILLISECOND);
		kill(getpid(), SIGTERM);
	}
	if (r == 0)
		r = go_task_join(task, NULL);
	go_signals_destroy(signals);
	return r;
}

static void *main_task(void *arg)
{
	int r = run(GO_TO_INT(arg) > 1);

	if (r == 0)
		printf("the end\n");
	return GO_INT(r);
}

int main(int argc, char **argv)
{
	void *result = NULL;
	int r = go_run_with(NULL, main_task, GO_INT(argc), &result);

	(void)argv;
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "signals: %s\n", strerror(-r));
	return r < 0;
}
