/* SPDX-License-Identifier: MIT */
/* A dump of the tasks of a case that is about to run out of time. */
#include "test.h"

#include <gofer/debug.h>

#include <signal.h>
#include <time.h>
#include <unistd.h>

static void dump_tasks(int sig)
{
	static const char text[] = "[----] the time is nearly up\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof text - 1) > 0)
		(void)go_dump(STDERR_FILENO);
}

/*
 * A timer, and not a thread: deadlocks are found in processes whose threads are
 * all known.  Children of a fork do not inherit it, and SIGALRM is the cases'.
 */
void test_limit(double seconds)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGQUIT};
	struct sigaction action = {.sa_handler = dump_tasks,
				   .sa_flags = SA_RESTART};
	double at = seconds > 2 ? seconds - 1 : seconds / 2;
	struct itimerspec when = {{0, 0}, {60, 0}};
	timer_t timer;

	if (seconds > 0) {
		when.it_value.tv_sec = (time_t)at;
		when.it_value.tv_nsec = (long)((at - (double)(time_t)at) * 1e9);
	}
	if (sigaction(SIGQUIT, &action, NULL) == 0 &&
	    timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		(void)timer_settime(timer, 0, &when, NULL);
}
