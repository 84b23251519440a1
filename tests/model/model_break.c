/* SPDX-License-Identifier: MIT */
/*
 * Breaking the poller: a sleeper, those who break its sleep, others who look.
 *
 * Runs io/epoll.c with the break protocol below it (io/break.h).  Replaced is
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
#include "model.h"

#include <string.h>

#include "io/epoll.c"

/* The kernel's side.  Its own locks order everything: acq_rel exchanges. */
static _Atomic uint32_t edge;
static unsigned events; /* Of descriptors: end a sleep without a break. */

static struct go__poller poller;
static _Atomic uint32_t work[2]; /* What the breakers want to be seen. */

static void setup(void)
{
	memset(&poller, 0, sizeof(poller));
	atomic_init(&poller.sleep.state, GO__BREAK_AWAKE);
	atomic_init(&coarse, true);
	atomic_init(&edge, 0);
	atomic_init(&work[0], 0);
	atomic_init(&work[1], 0);
	events = 0;
}

static void setup_event(void)
{
	setup();
	events = 1;
}

/* ---- The kernel ---------------------------------------------------------- */

int go__sys_epoll_wait(int epoll, struct epoll_event *e, int n, int timeout)
{
	(void)epoll;
	(void)n;
	for (;;) {
		/* acq_rel: the kernel locks. */
		if (atomic_exchange_explicit(&edge, 0, memory_order_acq_rel)) {
			e[0].events = EPOLLIN;
			e[0].data.u64 = BREAK_DATA;
			return 1;
		}
		if (timeout == 0)
			return 0;
		if (events == 0) {
			model_park(&edge, 0);
		} else if (!model_park_timed(&edge, 0)) {
			events--;
			return 0;
		}
	}
}

ssize_t go__sys_write(int fd, const void *p, size_t n)
{
	(void)fd;
	(void)p;
	/* acq_rel: the kernel locks. */
	atomic_exchange_explicit(&edge, 1, memory_order_acq_rel);
	model_wake(&edge, 1);
	return (ssize_t)n;
}

/* The rest of what epoll.c calls, and the model does not. */

int go__sys_epoll_pwait2(int epoll, struct epoll_event *e, int n, int64_t ns)
{
	(void)epoll;
	(void)e;
	(void)n;
	(void)ns;
	model_not_called();
}

int go__sys_epoll_create1(int flags)
{
	(void)flags;
	model_not_called();
}

int go__sys_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
	(void)epoll;
	(void)op;
	(void)fd;
	(void)e;
	model_not_called();
}

int go__sys_eventfd(unsigned value, int flags)
{
	(void)value;
	(void)flags;
	model_not_called();
}

int go__sys_close(int fd)
{
	(void)fd;
	model_not_called();
}

void *go__sys_calloc(size_t count, size_t n)
{
	(void)count;
	(void)n;
	model_not_called();
}

void go__sys_free(void *p)
{
	(void)p;
	model_not_called();
}

_Atomic(struct go__fd *) go__fd_root[GO__FD_CHUNKS];

void go__fd_event(int fd, uint32_t generation, uint64_t bits,
		  struct go__wake_list *woken)
{
	(void)fd;
	(void)generation;
	(void)bits;
	(void)woken;
	model_not_called();
}

void go__fd_forget_poller(unsigned index)
{
	(void)index;
	model_not_called();
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
