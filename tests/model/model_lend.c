/* SPDX-License-Identifier: MIT */
/*
 * Workers that are lent: how one gets at a lone worker's queues, comes, and
 * goes, against that worker, submitters and the runtime's end.
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
 * lone worker is alone.
 *
 * Cannot show: timers and descriptors of hogs, and what ticks find while some
 * sleep; pinned tasks; a thread that cannot be had, but for once.
 *
 * Bounds: one worker or two, one that is lent, up to three tasks, one or two
 * preemptions.
 */
#include "model_lend.h"

/* ---- Tasks and those who run them ---------------------------------------- */

/* What task i does in its n-th turn; true: it yields then. */
static bool (*act[TASKS])(unsigned n);
static unsigned turns[TASKS];
static int errno_place[MODEL_THREADS];

static void make(int i)
{
	MODEL_WRITE(payload[i]) = i + 1;
	if (model_task[i].slot)
		go__ready(go__worker_self(), &model_task[i], true);
	else
		go__ready_fresh(go__worker_self(), &model_task[i]);
}

/* On w, which is closed, until it goes back to its host. */
static void run_from(struct go__worker *w, struct go__task *t)
{
	const int me = model_self();

	while (t) {
		int i = (int)(t - model_task);

		if (w->after != GO__AFTER_NOTHING)
			go__after_switch(w);
		model_assert(MODEL_READ(payload[i]) == i + 1);
		model_assert(runs[i] == 0);
		MODEL_WRITE(frame[i]) = 1;
		go__worker_open(w);
		leads_to[me] = &t->context;
		if (act[i](turns[i]++)) {
			suspend(t, GO__AFTER_YIELD);
		} else {
			runs[i]++;
			go__worker_close(w);
			go__runs(w, NULL);
			leads_to[me] = w->host;
		}
		t = leads_to[me] == w->host ? NULL
					    : go__task_of_context(leads_to[me]);
	}
	if (w->after != GO__AFTER_NOTHING)
		go__after_switch(w);
}

static bool is_recalled(void *arg)
{
	return go__loan_of(arg) == GO__LOAN_RECALLED;
}

/* As go__worker_host(). */
static void host(struct go__worker *w)
{
	const int me = model_self();
	bool is_lent = go__loan_of(w) != GO__LOAN_HOME;
	struct go__task *t;

	worker_of[me] = w;
	go__worker_close(w);
	w->host = &host_context;
	w->errno_location = &errno_place[me];
	if (is_lent)
		go__lend_enter(w);
	while ((t = go__pick(w, is_lent ? is_recalled : NULL, w))) {
		t->worker = w;
		go__runs(w, t);
		run_from(w, t);
	}
	if (is_lent)
		go__lend_quit(w);
	worker_of[me] = NULL;
	if (is_lent)
		go__lend_over(w);
}

static void home(int i)
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
	announce(&ran);
	return false;
}

static void setup(unsigned workers)
{
	setup_workers(workers);
	memset(frame, 0, sizeof(frame));
	memset(turns, 0, sizeof(turns));
	memset(payload, 0, sizeof(payload));
	for (int i = 0; i < TASKS; i++)
		act[i] = serve;
	RT->spares = 1;
	RT->can_be_alone = workers == 1;
	RT->watched = true;
	RT->stuck_after = SECOND / 2;
	atomic_init(&RT->watch, TICKING);
	atomic_init(&RT->worker[0].alone, workers == 1);
	atomic_init(&hogging, 0);
	atomic_init(&ran, 0);
	ticks = TICKS;
	lent = hosts = 0;
	none_at_first = false;
	model_name(&RT->watch, "watch");
}

/* Task 0 lies in worker 0's ring. */
static void setup_first(unsigned workers, bool (*first)(unsigned n))
{
	setup(workers);
	payload[0] = 1;
	act[0] = first;
	model_assert(go__fresh_push(&RT->worker[0].fresh, &model_task[0]));
}

/* ---- Tasks of a worker whose queues are shared meanwhile ----------------- */

static bool spawn_and_yield(unsigned n)
{
	if (n == 0)
		make(1);
	return n == 0;
}

static bool spawn_twice(unsigned n)
{
	if (n < 2)
		make(1 + (int)n);
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
	struct watch watch = {0};

	(void)unused;
	await(&hogging);
	for (; lent == 0 && ticks != 0; ticks--) {
		time_of[model_self()] += SECOND;
		tick(RT, &watch);
	}
}

static void hog_until_one_ran(void)
{
	announce(&hogging);
	await(&ran);
}

/* It waits for what lies in its own ring, */
static bool hog_ring(unsigned n)
{
	(void)n;
	make(1);
	hog_until_one_ran();
	return false;
}

/* ... or in `next`, */
static bool hog_next(unsigned n)
{
	(void)n;
	model_task[1].slot = (char *)&model_task[1];
	make(1);
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
	make(1);
	announce(&hogging);
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
	struct go__task *t = &model_task[1];

	setup_first(1, hog_until_ran);
	payload[1] = 2;
	go__queue_push(&RT->injection, &t, 1);
}

static void setup_back(void)
{
	setup_first(1, hog_nothing);
	ticks = 2;
}

static void submit(int i)
{
	make(i);
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
	payload[0] = 1;
	model_assert(go__fresh_push(&RT->worker[0].fresh, &model_task[0]));
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
	make(1);
	return false;
}

/* It may quit with a task in its ring. */
static void setup_lent_alone(void)
{
	setup_lent();
	RT->can_be_alone = true;
	act[0] = spawn_one;
	payload[0] = 1;
	model_assert(go__fresh_push(&RT->worker[1].fresh, &model_task[0]));
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
	payload[0] = 1;
	payload[2] = 3;
	model_assert(go__fresh_push(&RT->worker[2].fresh, &model_task[0]));
	model_assert(go__fresh_push(&RT->worker[0].fresh, &model_task[2]));
}

/* It has armed a timer, which the sentry has not seen: O1 of sleep.c. */
static void pool_with_timer(int i)
{
	go__store_seq_cst(&to_host[i]->wheel.next, DUE);
	host(to_host[i]);
}

/* ---- After --------------------------------------------------------------- */

static void all_ran(int tasks)
{
	uint64_t state = go__idle_state(&RT->idle);
	unsigned active = RT->worker_count + go__lent(RT);

	for (int i = 0; i < TASKS; i++)
		model_assert(runs[i] == (i < tasks));
	model_assert(go__idle_searching(state) == 0);
	model_assert(go__idle_count(state) == active);
	model_assert(go__idle_active(state) == active);
	for (unsigned i = 0; i < go__slots(RT); i++) {
		model_assert(!go__work_anywhere(&RT->worker[i]));
		/* relaxed: the threads have ended. */
		model_assert(!atomic_load_explicit(&RT->worker[i].next,
						   memory_order_relaxed));
	}
	model_assert(!go__alone(&RT->worker[0]) || go__lent(RT) == 0);
}

/* And nothing is left of the loan. */
static void gone(int tasks)
{
	all_ran(tasks);
	model_assert(go__lent(RT) == 0);
	model_assert(go__alone(&RT->worker[0]) == RT->can_be_alone);
}

static void two_ran(void)
{
	all_ran(2);
}

static void three_ran(void)
{
	all_ran(3);
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

static void one_gone(void)
{
	gone(1);
}

/* The watchdog sleeps, if it has had the ticks for that. */
static void watched(int tasks)
{
	all_ran(tasks);
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

#define HOME(i) MODEL_DAEMON("worker" #i, home, i)
#define POOL(i)                                                                \
	{                                                                      \
		"host" #i, pool, i, true, true                                 \
	}
#define WATCHDOG MODEL_THREAD("watchdog", watch_until_lent, 0)

static const struct model models[] = {
	{
		.name = "share",
		.setup = setup_share,
		.finish = two_ran,
		.preemptions = 2,
		.thread = {HOME(0), MODEL_THREAD("lender", lend_once, 0),
			   POOL(0)},
	},
	{
		.name = "share-twice",
		.setup = setup_share_twice,
		.finish = three_ran,
		.preemptions = 1,
		.thread = {HOME(0), MODEL_THREAD("lender", lend_once, 0),
			   POOL(0)},
	},
	{
		.name = "share-and-recall",
		.setup = setup_share,
		.finish = two_gone,
		.preemptions = 2,
		.thread = {HOME(0), MODEL_THREAD("lender", lend_and_recall, 0),
			   POOL(0)},
	},
	{
		.name = "recall-and-alone",
		.setup = setup_lent_thief,
		.finish = one_gone,
		.preemptions = 1,
		.thread = {HOME(0),
			   MODEL_THREAD("recaller", recall_and_settle, 0),
			   MODEL_DAEMON("lent", pool, 0)},
	},
	{
		.name = "recall-and-submit",
		.setup = setup_lent,
		.finish = one_gone,
		.preemptions = 1,
		.thread = {HOME(0), MODEL_THREAD("recaller", recall, 0),
			   MODEL_DAEMON("lent", pool, 0),
			   MODEL_THREAD("submitter", submit, 0)},
	},
	{
		.name = "recall-beside-hog",
		.setup = setup_lent_beside_hog,
		.finish = three_gone,
		.preemptions = MODEL_NONE,
		.thread = {HOME(0), HOME(1),
			   MODEL_THREAD("recaller", recall, 0),
			   MODEL_DAEMON("lent", pool, 0)},
	},
	{
		.name = "recall-and-timer",
		.setup = setup_lent,
		.finish = timer_ran,
		.preemptions = 2,
		.thread = {HOME(0), MODEL_THREAD("recaller", recall, 0),
			   MODEL_DAEMON("lent", pool_with_timer, 0)},
	},
	{
		.name = "loan-in-vain",
		.setup = setup_lent_in_vain,
		.finish = watched_none,
		.preemptions = 1,
		.thread = {HOME(0), MODEL_DAEMON("watchdog", watchdog, 0),
			   MODEL_DAEMON("lent", pool, 0), POOL(1)},
	},
	{
		.name = "end-of-the-loan",
		.setup = setup_lent_alone,
		.finish = watched_two,
		.preemptions = MODEL_NONE,
		.thread = {HOME(0), MODEL_DAEMON("watchdog", watchdog, 0),
			   MODEL_DAEMON("lent", pool, 0), POOL(1)},
	},
	{
		.name = "hog-with-ring",
		.setup = setup_hog_ring,
		.finish = two_ran,
		.preemptions = 2,
		.thread = {HOME(0), WATCHDOG, POOL(0)},
	},
	{
		.name = "hog-without-thread",
		.setup = setup_hog_without_thread,
		.finish = two_ran,
		.preemptions = 2,
		.thread = {HOME(0), WATCHDOG, POOL(0)},
	},
	{
		.name = "hog-with-next",
		.setup = setup_hog_next,
		.finish = two_ran,
		.preemptions = 2,
		.thread = {HOME(0), WATCHDOG, POOL(0)},
	},
	{
		.name = "hog-and-injection",
		.setup = setup_hog_injection,
		.finish = two_ran,
		.preemptions = 2,
		.thread = {HOME(0), WATCHDOG, POOL(0)},
	},
	{
		.name = "hog-comes-back",
		.setup = setup_back,
		.finish = two_ran,
		.preemptions = 1,
		.thread = {HOME(0), WATCHDOG, POOL(0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
