/* SPDX-License-Identifier: MIT */
/*
 * Breaking the poller: a sleeper, those who break its sleep, others who look.
 *
 * Runs io/poller.c with the break protocol below it (io/break.h).  Replaced is
 * the kernel: an epoll set with one edge-triggered eventfd in it, whose edge
 * whoever looks first fetches.
 *
 * Shows, in all schedules within the bound and under C11's memory: a sleeper
 * returns after each break, also if the break comes before it sleeps, if
 * another look fetches the event meanwhile, if several break at once, or if
 * the sleep before was ended by something else; and it sees what the breaker
 * did before.
 *
 * Cannot show: epoll itself, and that breaks are asked for when they should
 * be: that is model_idle.c's.
 *
 * Bounds: two sleeps, two breakers, two looks, one event of a descriptor.
 */
#include <string.h>

#include "model_epoll.h"

static struct go__poller poller;
static _Atomic uint32_t work[2]; /* What the breakers want to be seen. */

static void setup(void)
{
	setup_epoll(&poller);
	atomic_init(&work[0], 0);
	atomic_init(&work[1], 0);
}

static void setup_event(void)
{
	setup();
	endings = 1;
}

/* ---- Threads ------------------------------------------------------------- */

/* Sleeps until it has seen all work of n breakers. */
static void sleeper(int n)
{
	for (int i = 0; i < n; i++)
		/* relaxed: what a break publishes is seen after it. */
		while (!atomic_load_explicit(&work[i], memory_order_relaxed))
			(void)go__poller_wait(&poller, -1, 1, NULL);
}

static void breaker(int i)
{
	/* relaxed: published by the break. */
	atomic_store_explicit(&work[i], 1, memory_order_relaxed);
	go__poller_break(&poller);
}

static void looker(int n)
{
	while (n--)
		(void)go__poller_wait(&poller, 0, 1, NULL);
}

static const struct model models[] = {
	{
		.name = "break",
		.setup = setup,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sleeper", sleeper, 1),
			   MODEL_THREAD("breaker", breaker, 0)},
	},
	{
		.name = "break-and-looks",
		.setup = setup,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sleeper", sleeper, 1),
			   MODEL_THREAD("breaker", breaker, 0),
			   MODEL_THREAD("looker", looker, 2)},
	},
	{
		.name = "two-breaks",
		.setup = setup_event,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sleeper", sleeper, 2),
			   MODEL_THREAD("breaker", breaker, 0),
			   MODEL_THREAD("breaker2", breaker, 1)},
	},
	{
		.name = "two-breaks-and-a-look",
		.setup = setup_event,
		.preemptions = 3,
		.thread = {MODEL_THREAD("sleeper", sleeper, 2),
			   MODEL_THREAD("breaker", breaker, 0),
			   MODEL_THREAD("breaker2", breaker, 1),
			   MODEL_THREAD("looker", looker, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
