/* SPDX-License-Identifier: MIT */
/*
 * Lazy timers: a deadline against a wake, and against the next wait's.
 *
 * Runs sched/timer.c with the wait word, on the waits of model_wait.h.
 *
 * Shows: a wait whose deadline has come ends, though its task has left its
 * timer armed for an earlier wait, for sooner or for later, on this wheel or on
 * another worker's; none ends before its deadline; a timer that looked at one
 * wait ends no later one; what a waker hands over is there when it has won, and
 * only then; a closed timer is in no wheel.
 *
 * Bounds: one task with two waits, one waker of the first, two looks at the
 * time.
 */
#include "model_wait.h"

#include "sched/timer.c"

enum {
	BASE = 1,
	SOON = 5,
	LATER = 7,
};

static struct go__wheel wheel[2];
static struct go__lock source; /* What the first wait is for. */
static struct go__wait_node node;
static bool linked, ready; /* Under it. */
static uint64_t deadline[2];
static uint64_t looks[2]; /* At the time: before and behind the second one. */
static bool moves; /* The task is on another worker for its second wait. */
static int ended[2], value;
static _Atomic uint32_t now, over;

static void setup(uint64_t first, uint64_t second)
{
	model_setup_tasks();
	for (int i = 0; i < 2; i++) {
		memset(&wheel[i], 0, sizeof(wheel[i]));
		go__wheel_init(&wheel[i], BASE);
		ended[i] = 1;
	}
	atomic_init(&source.word, 0);
	atomic_init(&now, BASE);
	atomic_init(&over, 0);
	linked = ready = moves = false;
	deadline[0] = first;
	deadline[1] = second;
	looks[0] = second - 1;
	looks[1] = second + 1;
	value = 0;
}

static void setup_later(void)
{
	setup(SOON, LATER);
}

static void setup_sooner(void)
{
	setup(LATER, SOON);
}

static void setup_moving_later(void)
{
	setup_later();
	moves = true;
}

static void setup_moving_sooner(void)
{
	setup_sooner();
	moves = true;
}

/* ---- The task ------------------------------------------------------------ */

/* Wait for the source, or (the second time) for nothing but the deadline. */
static int wait(int i)
{
	struct go__waiter *w = go__waiter_self();
	int r = 0;

	go__lock_acquire(&source);
	if (i > 0 || !ready) {
		go__wait_begin(w, deadline[i], GO__WAIT_OTHER, NULL);
		go__wait_node_init(&node, w);
		linked = i == 0;
		r = 1;
	}
	go__lock_release(&source);
	if (r == 0)
		return 0;
	go__timer_arm(&model_task[0].timer, &wheel[i > 0 && moves],
		      deadline[i]);
	r = go__wait(w);
	go__lock_acquire(&source);
	linked = false;
	go__lock_release(&source);
	return r;
}

static void task(int unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		ended[i] = wait(i);
		/* relaxed: it is the end of the wait that tells. */
		if (ended[i] == -ETIMEDOUT)
			model_assert(atomic_load_explicit(
					     &now, memory_order_relaxed) >=
				     deadline[i]);
		else
			model_assert(i > 0 || !ready || MODEL_READ(value) == 1);
	}
	go__timer_close(&model_task[0].timer);
	/* seq_cst: the clock may stop. */
	atomic_store_explicit(&over, 1, memory_order_seq_cst);
}

/* ---- The others ---------------------------------------------------------- */

static void waker(int unused)
{
	struct go__waiter *w = NULL;

	(void)unused;
	go__lock_acquire(&source);
	MODEL_WRITE(value) = 1;
	ready = true;
	if (linked && go__wait_claim(&node)) {
		linked = false;
		w = node.waiter;
	}
	go__lock_release(&source);
	if (w)
		go__wait_deliver(w, 0);
}

static void look(uint64_t time)
{
	struct go__wake_list woken;

	/* seq_cst: it goes on in one order for all. */
	atomic_store_explicit(&now, (uint32_t)time, memory_order_seq_cst);
	go__wake_list_init(&woken);
	for (int i = 0; i < 2; i++)
		go__wheel_run(&wheel[i], time, &woken);
}

/* Time passes, up to where the second deadline has come. */
static void clock(int unused)
{
	(void)unused;
	look(looks[0]);
	/* seq_cst: as above. */
	while (!atomic_load_explicit(&over, memory_order_seq_cst)) {
		look(looks[1]);
		model_yield();
	}
}

/* ---- After --------------------------------------------------------------- */

static void finish(void)
{
	model_assert(ended[0] == 0 || ended[0] == -ETIMEDOUT);
	model_assert(ended[1] == -ETIMEDOUT);
	for (int i = 0; i < 2; i++)
		model_assert(go__wheel_next(&wheel[i]) == GO__NO_DEADLINE);
}

#define THREADS_OF_ALL                                                         \
	.thread = {MODEL_THREAD("task", task, 0),                              \
		   MODEL_THREAD("waker", waker, 0),                            \
		   MODEL_THREAD("clock", clock, 0)}

static const struct model models[] = {
	{
		.name = "later",
		.setup = setup_later,
		.finish = finish,
		.preemptions = 3,
		THREADS_OF_ALL,
	},
	{
		.name = "sooner",
		.setup = setup_sooner,
		.finish = finish,
		.preemptions = 3,
		THREADS_OF_ALL,
	},
	{
		.name = "later-elsewhere",
		.setup = setup_moving_later,
		.finish = finish,
		.preemptions = 3,
		THREADS_OF_ALL,
	},
	{
		.name = "sooner-elsewhere",
		.setup = setup_moving_sooner,
		.finish = finish,
		.preemptions = 3,
		THREADS_OF_ALL,
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
