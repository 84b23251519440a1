/* SPDX-License-Identifier: MIT */
/*
 * Submit against the end of a turn: a guest's work that its host must hear of.
 *
 * Runs sched/guest.c, with the scheduler's files below it on the one worker of
 * model_workers.h, and io/poller.c with the break.  Replaced are the kernel,
 * the switch, and hosting, which is a call here.
 *
 * The host does what guest.h tells hosts to do: it polls the descriptor,
 * without a time-out, and takes a turn when that returns.
 *
 * Shows, in all schedules within the bound and under C11's memory: each task
 * runs, exactly once, and sees what its submitter wrote: one submitted between
 * a turn's last look and the poll, before the first turn, by two threads at
 * once, by a task, by the host's own thread; also if turns are limited to a run
 * each; and if somebody else hosts the runtime in between, after whom there is
 * a turn.  Afterwards the worker is asleep and the counts are right.
 *
 * Cannot show: timers and descriptors, whose readiness is epoll's; looks at the
 * time.
 *
 * Bounds: two submitters, up to three tasks; two preemptions, three with one
 * submitter.
 */
#define MODEL_OWN_POLLER
#include "model_workers.h"

#include "sched/guest.c"

#include "model_epoll.h"

static struct go__poller poller;
static unsigned most; /* Runs in a turn. */
static bool child;    /* Task 0 wakes another one, 2. */
static bool own;      /* The host submits task 0 after its first turn. */
static unsigned turns;
static _Atomic uint32_t hosted; /* As rt->hosted, to wait for. */

/* ---- What stands in for the rest ----------------------------------------- */

int go__runtime_host(struct go_runtime *rt)
{
	int r = 0;

	go__lock_acquire(&rt->lock);
	if (rt->hosted)
		r = -EBUSY;
	rt->hosted = true;
	/* relaxed: told to the host by waking it. */
	atomic_store_explicit(&hosted, 1, memory_order_relaxed);
	go__lock_release(&rt->lock);
	return r;
}

void go__runtime_unhost(struct go_runtime *rt)
{
	go__lock_acquire(&rt->lock);
	rt->hosted = false;
	/* relaxed: as above. */
	atomic_store_explicit(&hosted, 0, memory_order_relaxed);
	go__lock_release(&rt->lock);
	model_wake(&hosted, MODEL_THREADS);
}

static void run(struct go__task *t)
{
	int i = begin_run(t);

	runs[i]++;
	RT->worker[0].runs++;
	if (i == 0 && child) {
		model_task[2].slot = (char *)&model_task[2];
		go__ready(&RT->worker[0], make(2), true);
	}
}

/* As in worker.c, without stacks. */
int go__worker_host(struct go__worker *w, bool (*done)(void *), void *arg)
{
	struct go__task *t;

	outside = model_self() != 0;
	if (w->dozing)
		go__worker_rise(w);
	while ((t = go__pick(w, done, arg)))
		run(t);
	if (RT->guest)
		go__worker_doze(w, !w->turning);
	outside = true;
	return 0;
}

/* ---- Before -------------------------------------------------------------- */

static void setup_guest(unsigned limit)
{
	setup_workers(1);
	RT->worker[0].alone = true;
	RT->flavour = GO_CURRENT_THREAD;
	RT->post[0].poller = &poller;
	setup_epoll(&poller);
	most = limit;
	child = false;
	own = false;
	turns = 0;
	outside = true;
	atomic_init(&hosted, 0);
}

static void setup(void)
{
	setup_guest(0);
}

static void setup_short(void)
{
	setup_guest(1);
}

static void setup_child(void)
{
	setup_guest(1);
	child = true;
}

static void setup_own(void)
{
	setup_guest(0);
	own = true;
}

/* ---- Threads ------------------------------------------------------------- */

/* Somebody else hosts it. */
static void await_end_of_hosting(void)
{
	/* relaxed: a look. */
	while (atomic_load_explicit(&hosted, memory_order_relaxed))
		model_park(&hosted, 1);
}

static void turn(void)
{
	int r = go_runtime_turn(RT, most, 0);

	model_assert(r == -EBUSY || (r >= 0 && (most == 0 || r <= (int)most)));
	if (r == -EBUSY)
		await_end_of_hosting();
	if (own && turns++ == 0)
		go__ready_fresh(NULL, make(0));
}

static void host(int unused)
{
	(void)unused;
	while (go_runtime_fd(RT) == -EBUSY)
		await_end_of_hosting();
	for (;;) {
		await_readable();
		turn();
	}
}

static void submit(int i)
{
	go__ready_fresh(NULL, make(i));
}

static bool has_run(void *count)
{
	return *(unsigned *)count == 1;
}

/* As block_on, but that thread 0 alone is known as the worker's thread. */
static void block_on(int i)
{
	submit(i);
	if (go__runtime_host(RT) < 0)
		return;
	model_assert(go__worker_host(&RT->worker[0], has_run, &runs[i]) == 0);
	go__runtime_unhost(RT);
}

/* ---- After --------------------------------------------------------------- */

static void guest_asleep(int tasks)
{
	all_asleep(tasks);
	model_assert(go_runtime_next_deadline_ns(RT) == GO_NEVER);
}

static void guest_ran_one(void)
{
	guest_asleep(1);
}

static void guest_ran_two(void)
{
	guest_asleep(2);
}

static void guest_ran_three(void)
{
	guest_asleep(3);
}

#define HOST MODEL_DAEMON("host", host, 0)

static const struct model models[] = {
	MODEL_OF("one", setup, guest_ran_one, 4, HOST,
		 MODEL_THREAD("submitter", submit, 0)),
	MODEL_OF("two", setup, guest_ran_two, 2, HOST,
		 MODEL_THREAD("submitter", submit, 0),
		 MODEL_THREAD("other", submit, 1)),
	MODEL_OF("short-turns", setup_short, guest_ran_two, 2, HOST,
		 MODEL_THREAD("submitter", submit, 0),
		 MODEL_THREAD("other", submit, 1)),
	MODEL_OF("wakes-of-tasks", setup_child, guest_ran_three, 2, HOST,
		 MODEL_THREAD("submitter", submit, 0),
		 MODEL_THREAD("other", submit, 1)),
	MODEL_OF("own-submit", setup_own, guest_ran_two, 3, HOST,
		 MODEL_THREAD("submitter", submit, 1)),
	MODEL_OF("another-host", setup, guest_ran_two, 1, HOST,
		 MODEL_THREAD("submitter", submit, 0),
		 MODEL_THREAD("blocker", block_on, 1)),
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
