/* SPDX-License-Identifier: MIT */
/*
 * Workers that are lent: how one gets at a lone worker's queues, comes, and
 * goes, against that worker and submitters.  (The runtime's end: model_loan.c.)
 *
 * Runs lend.c and watchdog.c with the scheduler's own files, on the workers of
 * model_workers.h, and park.c as far as a yield goes: a task is a state
 * machine, whose "stack" is a plain variable that is written by whoever runs
 * it, up to the switch.  Replaced are the switch, which is a return to the loop
 * that runs the task; the pool's threads, of which as many are held back as may
 * be needed; and the clock, of which each tick of the watchdog is one second.
 *
 * Shows: no task is lost, run twice or run before its stack is saved, whatever
 * the owner of a ring is doing when others are let in, or believes when it is
 * alone again; a task behind a hog is run by one that is lent, be it in a
 * ring or in `next`, and so is one that comes from outside; the lent one goes
 * when the hog is back, and leaves nothing in its queues, nor a wake-up that
 * was meant for others; afterwards the counts of idle.state are right, and the
 * lone worker is alone.  What was not enough to wake somebody for is run by
 * another worker after a tick, wherever it lies.
 *
 * Cannot show: timers and descriptors of hogs, and what ticks find while some
 * sleep; pinned tasks; a thread that cannot be had, but for once.
 *
 * Bounds: one worker or two, one that is lent, up to three tasks, one or two
 * preemptions.
 */
#include "model_lend.h"

/* ---- Those who run tasks ------------------------------------------------- */

static void worker(int i)
{
	host(&RT->worker[i]);
}

static void pool(int i)
{
	host(to_host[i]);
}

/* ---- Before -------------------------------------------------------------- */

static bool serve(unsigned n)
{
	(void)n;
	happened(&ran);
	return false;
}

static void setup(unsigned workers)
{
	setup_lending(workers, TICKS);
	for (int i = 0; i < TASKS; i++)
		act[i] = serve;
	RT->can_be_alone = workers == 1;
	atomic_init(&RT->worker[0].alone, workers == 1);
	lent = hosts = 0;
	none_at_first = false;
}

/* Task 0 lies in worker 0's ring. */
static void setup_first(unsigned workers, bool (*first)(unsigned n))
{
	setup(workers);
	act[0] = first;
	put_fresh(0, 0);
}

/* ---- Tasks of a worker whose queues are shared meanwhile ----------------- */

static bool spawn_and_yield(unsigned n)
{
	if (n == 0)
		make_task(1);
	return n == 0;
}

static bool spawn_twice(unsigned n)
{
	if (n < 2)
		make_task(1 + (int)n);
	return n < 2;
}

static void setup_share(void)
{
	setup_first(1, spawn_and_yield);
}

static void setup_share_twice(void)
{
	setup_first(1, spawn_twice);
}

static void lend_once(int unused)
{
	(void)unused;
	if (go__lend(RT) == -EBUSY)
		(void)go__lend(RT);
}

static void recall_and_settle(int unused)
{
	(void)unused;
	go__recall(RT);
	while (go__lent(RT) != 0)
		model_yield();
	go__lend_settle(RT);
}

/* ... and is alone again. */
static void lend_and_recall(int unused)
{
	(void)unused;
	if (go__lend(RT) == 0)
		recall_and_settle(0);
}

/* ---- Hogs ---------------------------------------------------------------- */

/* The watchdog, up to its first loan: at the second tick, or at the third if
 * there is no thread. */
static void watch_until_lent(int unused)
{
	struct remembered watch = {0};

	(void)unused;
	await(&hogging);
	for (; lent == 0 && ticks != 0; ticks--) {
		time_of[model_self()] += SECOND;
		tick(RT, &watch);
	}
}

/* It waits for what lies in its own ring, */
static bool hog_ring(unsigned n)
{
	(void)n;
	make_task(1);
	hog_until_one_ran();
	return false;
}

/* ... or in `next`, */
static bool hog_next(unsigned n)
{
	(void)n;
	model_task[1].slot = (char *)&model_task[1];
	make_task(1);
	hog_until_one_ran();
	return false;
}

/* ... or in the injection queue, */
static bool hog_until_ran(unsigned n)
{
	(void)n;
	hog_until_one_ran();
	return false;
}

/* ... or for nothing: it comes back at any moment. */
static bool hog_nothing(unsigned n)
{
	(void)n;
	make_task(1);
	happened(&hogging);
	return false;
}

static void setup_hog_ring(void)
{
	setup_first(1, hog_ring);
}

static void setup_hog_without_thread(void)
{
	setup_first(1, hog_ring);
	none_at_first = true;
}

static void setup_hog_next(void)
{
	setup_first(1, hog_next);
}

static void setup_hog_injection(void)
{
	struct go__task *t;

	setup_first(1, hog_until_ran);
	t = make(1);
	go__queue_push(&RT->injection, &t, 1);
}

static void setup_back(void)
{
	setup_first(1, hog_nothing);
	ticks = 2;
}

static void submit(int i)
{
	make_task(i);
}

/* ---- Tasks that were not enough to wake somebody for --------------------- */

/* A tick finds that the worker has made picks since the last one. */
static void watch_once(int unused)
{
	struct remembered watch = {0};

	(void)unused;
	await(&hogging);
	tick(RT, &watch);
}

/* The other worker sleeps by then. */
static bool leave_tasks(int tasks)
{
	while (go__idle_count(go__idle_state(&RT->idle)) == 0)
		model_yield();
	for (int i = 1; i <= tasks; i++)
		make_task(i);
	hog_until_one_ran();
	return false;
}

/* They lie in the ring, ... */
static bool leave_two(unsigned n)
{
	(void)n;
	return leave_tasks(2);
}

/* ... or one there, and two in the injection queue. */
static bool leave_three(unsigned n)
{
	(void)n;
	return leave_tasks(3);
}

/* Two are not enough for a worker whose tasks are short. */
static void setup_deferring(bool (*first)(unsigned n))
{
	setup_first(2, first);
	go__idle_set_enough(&RT->idle, 8);
	atomic_init(&RT->worker[0].pace.brisk, true);
}

static void setup_left(void)
{
	setup_deferring(leave_two);
}

static void setup_left_in_injection(void)
{
	setup_deferring(leave_three);
}

/* ---- One of several goes ------------------------------------------------- */

/* The last worker is lent, and no other one is alone. */
static void setup_lent_to(unsigned workers)
{
	struct go__worker *w = &RT->worker[workers];

	setup(workers);
	atomic_init(&RT->worker[0].alone, false);
	RT->can_be_alone = false;
	setup_worker(w, workers);
	atomic_init(&w->loan, GO__LOAN_LENT);
	atomic_init(&RT->slots, workers + 1);
	w->active = true;
	go__idle_init(&RT->idle, workers + 1);
	to_host[hosts++] = w;
}

static void setup_lent(void)
{
	setup_lent_to(1);
}

static void recall(int unused)
{
	(void)unused;
	go__recall(RT);
}

/* What the first one finds in its ring when it is alone again may be gone. */
static void setup_lent_thief(void)
{
	setup_lent();
	RT->can_be_alone = true;
	put_fresh(0, 0);
}

/* The watchdog knows that. */
static void watchdog(int unused)
{
	(void)unused;
	(void)run(RT);
}

/* The same, and nobody has anything to do. */
static void setup_lent_in_vain(void)
{
	setup_lent();
	RT->can_be_alone = true;
	ticks = 3;
}

static bool spawn_one(unsigned n)
{
	(void)n;
	make_task(1);
	return false;
}

/* It may quit with a task in its ring. */
static void setup_lent_alone(void)
{
	setup_lent();
	RT->can_be_alone = true;
	act[0] = spawn_one;
	put_fresh(0, 1);
}

/* On the lent one, it makes the other when somebody sleeps already. */
static bool spawn_until_recalled(unsigned n)
{
	struct go__worker *w = to_host[0];
	bool here = go__worker_self() == w;

	while (here && go__idle_count(go__idle_state(&RT->idle)) == 0)
		model_yield();
	(void)spawn_one(n);
	while (here && go__loan_of(w) == GO__LOAN_LENT)
		model_yield();
	return false;
}

/* It quits with a task in its ring, while one of the others is hogged until
 * that has run, and the other sleeps. */
static void setup_lent_beside_hog(void)
{
	setup_lent_to(2);
	act[0] = spawn_until_recalled;
	act[2] = hog_until_ran;
	put_fresh(0, 2);
	put_fresh(2, 0);
}

/* It has armed a timer, which the sentry has not seen: O1 of sleep.c. */
static void pool_with_timer(int i)
{
	go__store_seq_cst(&to_host[i]->wheel.next, DUE);
	host(to_host[i]);
}

/* ---- After --------------------------------------------------------------- */

/* And nothing is left of the loan. */
static void gone(int tasks)
{
	all_asleep(tasks);
	model_assert(go__lent(RT) == 0);
	model_assert(go__alone(&RT->worker[0]) == RT->can_be_alone);
}

static void three_gone(void)
{
	gone(3);
}

static void two_gone(void)
{
	gone(2);
}

static void timer_ran(void)
{
	gone(0);
	model_assert(go__wheel_next(&RT->worker[1].wheel) == GO__NO_DEADLINE);
}

static void four_ran(void)
{
	all_asleep(4);
}

static void one_gone(void)
{
	gone(1);
}

/* The watchdog sleeps, if it has had the ticks for that. */
static void watched(int tasks)
{
	all_asleep(tasks);
	if (ticks == 0)
		return;
	gone(tasks);
	/* relaxed: the threads have ended. */
	model_assert(atomic_load_explicit(&RT->watch, memory_order_relaxed) ==
		     ASLEEP);
}

static void watched_none(void)
{
	watched(0);
}

static void watched_two(void)
{
	watched(2);
}

#define POOL(i)                                                                \
	{                                                                      \
		"host" #i, pool, i, true, true                                 \
	}
#define WATCHDOG MODEL_THREAD("watchdog", watch_until_lent, 0)

static const struct model models[] = {
	MODEL_OF("share", setup_share, two_ran, 2, WORKER(0),
		 MODEL_THREAD("lender", lend_once, 0), POOL(0)),
	MODEL_OF("share-twice", setup_share_twice, three_ran, 1, WORKER(0),
		 MODEL_THREAD("lender", lend_once, 0), POOL(0)),
	MODEL_OF("share-and-recall", setup_share, two_gone, 2, WORKER(0),
		 MODEL_THREAD("lender", lend_and_recall, 0), POOL(0)),
	MODEL_OF("recall-and-alone", setup_lent_thief, one_gone, 1, WORKER(0),
		 MODEL_THREAD("recaller", recall_and_settle, 0),
		 MODEL_DAEMON("lent", pool, 0)),
	MODEL_OF("recall-and-submit", setup_lent, one_gone, 1, WORKER(0),
		 MODEL_THREAD("recaller", recall, 0),
		 MODEL_DAEMON("lent", pool, 0),
		 MODEL_THREAD("submitter", submit, 0)),
	MODEL_OF("recall-beside-hog", setup_lent_beside_hog, three_gone,
		 MODEL_NONE, WORKER(0), WORKER(1),
		 MODEL_THREAD("recaller", recall, 0),
		 MODEL_DAEMON("lent", pool, 0)),
	MODEL_OF("recall-and-timer", setup_lent, timer_ran, 2, WORKER(0),
		 MODEL_THREAD("recaller", recall, 0),
		 MODEL_DAEMON("lent", pool_with_timer, 0)),
	MODEL_OF("loan-in-vain", setup_lent_in_vain, watched_none, 1, WORKER(0),
		 MODEL_DAEMON("watchdog", watchdog, 0),
		 MODEL_DAEMON("lent", pool, 0), POOL(1)),
	MODEL_OF("end-of-the-loan", setup_lent_alone, watched_two, MODEL_NONE,
		 WORKER(0), MODEL_DAEMON("watchdog", watchdog, 0),
		 MODEL_DAEMON("lent", pool, 0), POOL(1)),
	MODEL_OF("hog-with-ring", setup_hog_ring, two_ran, 2, WORKER(0),
		 WATCHDOG, POOL(0)),
	MODEL_OF("hog-without-thread", setup_hog_without_thread, two_ran, 2,
		 WORKER(0), WATCHDOG, POOL(0)),
	MODEL_OF("hog-with-next", setup_hog_next, two_ran, 2, WORKER(0),
		 WATCHDOG, POOL(0)),
	MODEL_OF("hog-and-injection", setup_hog_injection, two_ran, 2,
		 WORKER(0), WATCHDOG, POOL(0)),
	MODEL_OF("left", setup_left, three_ran, 1, WORKER(0), WORKER(1),
		 MODEL_THREAD("watchdog", watch_once, 0)),
	MODEL_OF("left-in-injection", setup_left_in_injection, four_ran, 1,
		 WORKER(0), WORKER(1), MODEL_THREAD("watchdog", watch_once, 0)),
	MODEL_OF("hog-comes-back", setup_back, two_ran, 1, WORKER(0), WATCHDOG,
		 POOL(0)),
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
