/* SPDX-License-Identifier: MIT */
/* The clock, and sleeping on it: a wait that nobody but time ends. */
#include <gofer/time.h>

#include "arch/sys.h"
#include "sched/wait.h"
#include "sched/task.h"

int64_t go_now(void)
{
	return (int64_t)go__sys_now();
}

/* Time ended the wait: ours, or that of a scope around us? */
static int outcome(int r, uint64_t deadline)
{
	if (r == -ETIMEDOUT && go__sys_now() >= deadline)
		return 0;
	return r;
}

static int sleep_until(uint64_t deadline)
{
	struct go__waiter *w;
	int r = go__wait_enter(&w);

	if (r < 0)
		return r;
	go__wait_begin(w, deadline, GO__WAIT_SLEEP, NULL);
	return outcome(go__wait(w), deadline);
}

/* The time has come already: let others run, and heed a cancellation. */
static int only_yield(void)
{
	struct go__waiter *w;
	int r = go__wait_enter(&w);

	return r < 0 ? r : go_yield();
}

int go_sleep(int64_t ns)
{
	if (ns <= 0)
		return only_yield();
	if (ns == GO_NEVER)
		return sleep_until(GO__NO_DEADLINE);
	return sleep_until(go__sys_now() + (uint64_t)ns);
}

int go_sleep_until(int64_t when_ns)
{
	if (when_ns == GO_NEVER)
		return sleep_until(GO__NO_DEADLINE);
	if (when_ns <= go_now())
		return only_yield();
	return sleep_until((uint64_t)when_ns);
}
