/* SPDX-License-Identifier: MIT */
/*
 * Submit against park: workers that fall asleep while tasks are queued.
 *
 * Runs the scheduler's own files, on the workers of model_workers.h.
 *
 * Shows, in all schedules within the bound and under C11's memory: when all
 * workers sleep, no task is left in any queue; each task ran exactly once,
 * and saw what its submitter wrote; two tasks behind one that does not end
 * bring in other workers although submits are deferred and skipped while
 * somebody searches; a worker that has been picked gets its signal, whether
 * it sleeps as the sentry, in the futex, or not at all; afterwards the counts
 * of idle.state are right; the sentry sleeps through no deadline of a worker
 * that falls asleep beside it.  With two pollers: whichever descriptor becomes
 * ready, somebody fetches that, although workers sleep at each other's posts
 * and look at pollers while others look for a place to sleep; and also if the
 * other worker never ends its task.
 *
 * Cannot show: what the watchdog makes up for (a lone task behind one that does
 * not end, or several that are not enough; that a poller is an orphan), looks
 * for deadlocks.
 *
 * Bounds: two or three workers, one or two submitters, up to three tasks, rings
 * of two; one preemption, or two in the small cases: the files themselves
 * make some fifty accesses for each time that a worker falls asleep.
 */
#include "model_workers.h"

static void (*job)(void); /* What task 0 does; or NULL. */

/* Tasks that do not end before so many workers are busy with such tasks. */
static _Atomic uint32_t busy;
static uint32_t enough;
static int spawned; /* Tasks that task 0 makes. */

/* ---- Before -------------------------------------------------------------- */

static void setup_idle(unsigned workers)
{
	setup_workers(workers);
	atomic_init(&busy, 0);
	enough = 0;
	job = NULL;
}

static void setup_two(void)
{
	setup_idle(2);
}

static void setup_three(void)
{
	setup_idle(3);
}

/* ---- Tasks and workers --------------------------------------------------- */

/* What a task that does not end does. */
static void stay(void)
{
	uint32_t n;

	/* relaxed, both: only a count. */
	atomic_fetch_add_explicit(&busy, 1, memory_order_relaxed);
	model_wake(&busy, MODEL_THREADS);
	while ((n = atomic_load_explicit(&busy, memory_order_relaxed)) < enough)
		model_park(&busy, n);
}

static void run(struct go__worker *w, struct go__task *t)
{
	int i = begin_run(t);

	(void)w;
	runs[i]++;
	if (i == 0 && job)
		job();
	if (enough)
		stay();
}

static void worker(int i)
{
	run_all(i, run);
}

/* One that leaves a timer behind: O1 of sleep.c. */
static void worker_with_timer(int i)
{
	go__store_seq_cst(&RT->worker[i].wheel.next, DUE);
	worker(i);
}

/* ---- Submitters ---------------------------------------------------------- */

/* Foreign threads. */
static void submit_one(int i)
{
	go__ready_fresh(NULL, make(i));
}

static void submit_two(int first)
{
	go__ready_fresh(NULL, make(first));
	go__ready_fresh(NULL, make(first + 1));
}

static void submit_pinned(int i)
{
	model_task[i].pinned = true;
	model_task[i].worker = &RT->worker[0];
	go__ready_fresh(NULL, make(i));
}

static void stop(int unused)
{
	(void)unused;
	/* seq_cst: as in go_runtime_shutdown(). */
	atomic_store_explicit(&RT->phase, GO__STOPPED, memory_order_seq_cst);
	go__notify_all(RT);
}

/* From inside a task, which is task 0 and lies in worker 0's ring. */
static void spawn_rest(void)
{
	for (int i = 1; i <= spawned; i++)
		go__ready_fresh(go__worker_self(), make(i));
}

static void wake_rest(void)
{
	for (int i = 1; i <= spawned; i++) {
		model_task[i].slot = (char *)&model_task[i];
		go__ready(go__worker_self(), make(i), true);
	}
}

/* Worker 0 will find task 0, which makes n others and stays until enough
 * workers are busy. */
static void setup_inside(unsigned workers, void (*fn)(void), int n,
			 uint32_t wanted)
{
	setup_idle(workers);
	spawned = n;
	enough = wanted;
	job = fn;
	put_fresh(0, 0);
}

static void setup_spawn_two(void)
{
	setup_inside(2, spawn_rest, 2, 2);
}

/* The same, but that is not enough to wake the other one. */
static void setup_few(void)
{
	setup_inside(2, spawn_rest, 2, 0);
	go__idle_set_enough(&RT->idle, 8);
	atomic_init(&RT->worker[0].pace.brisk, true);
}

static void setup_wake_two(void)
{
	setup_inside(2, wake_rest, 2, 2);
}

/* Two tasks from outside, neither of which ends before the other has begun:
 * the wake-up that was left out while somebody searched must be made up for. */
static void setup_burst(void)
{
	setup_idle(3);
	enough = 2;
}

static void setup_events(void)
{
	setup_idle(2);
	events = 1;
}

/* ---- Two pollers --------------------------------------------------------- */

static void setup_two_posts(void)
{
	setup_two();
	setup_posts(2);
}

static void setup_three_posts(void)
{
	setup_three();
	setup_posts(2);
}

/* Worker 1 does not come. */
static void setup_orphan(void)
{
	setup_two_posts();
	atomic_init(&RT->post[1].orphan, true);
}

/* A descriptor becomes ready. */
static void arrive(int i)
{
	tell(&pollers[i], EVENT);
}

/* One that looks at a poller before it falls asleep: the first. */
static void looker(int i)
{
	go__look_at_poller(&RT->worker[i], NOW);
	worker(i);
}

static void looker_with_timer(int i)
{
	go__look_at_poller(&RT->worker[i], NOW);
	worker_with_timer(i);
}

/* ---- After --------------------------------------------------------------- */

static void all_fired(void)
{
	all_asleep(0);
	for (unsigned i = 0; i < RT->worker_count; i++)
		model_assert(go__wheel_next(&RT->worker[i].wheel) ==
			     GO__NO_DEADLINE);
}

static void one_fetched(void)
{
	all_asleep(0);
	model_assert(fetched == 1);
}

static void two_fetched(void)
{
	all_asleep(0);
	model_assert(fetched == 2);
}

static void one_ran_one_fetched(void)
{
	all_asleep(1);
	model_assert(fetched == 1);
}

static void one_covered(void)
{
	model_assert(fetched == 1);
	model_assert(go__idle_count(go__idle_state(&RT->idle)) == 1);
}

static void stopped(void)
{
	model_assert(go__idle_count(go__idle_state(&RT->idle)) == 0);
}

static const struct model models[] = {
	MODEL_OF("one-foreign", setup_two, one_ran, 2, WORKER(0), WORKER(1),
		 MODEL_THREAD("submitter", submit_one, 0)),
	MODEL_OF("two-foreign", setup_two, two_ran, 1, WORKER(0), WORKER(1),
		 MODEL_THREAD("submitter", submit_one, 0),
		 MODEL_THREAD("other", submit_one, 1)),
	MODEL_OF("three-workers", setup_three, two_ran, 1, WORKER(0), WORKER(1),
		 WORKER(2), MODEL_THREAD("submitter", submit_two, 0)),
	MODEL_OF("burst", setup_burst, two_ran, 1, WORKER(0), WORKER(1),
		 WORKER(2), MODEL_THREAD("submitter", submit_two, 0)),
	MODEL_OF("event-and-submit", setup_events, one_ran, 1, WORKER(0),
		 WORKER(1), MODEL_THREAD("submitter", submit_one, 0)),
	MODEL_OF("timer-behind-sentry", setup_two, all_fired, 3, WORKER(0),
		 MODEL_DAEMON("worker1", worker_with_timer, 1)),
	MODEL_OF("two-timers", setup_two, all_fired, 2,
		 MODEL_DAEMON("worker0", worker_with_timer, 0),
		 MODEL_DAEMON("worker1", worker_with_timer, 1)),
	MODEL_OF("pinned", setup_two, one_ran, 2, WORKER(0), WORKER(1),
		 MODEL_THREAD("submitter", submit_pinned, 0)),
	MODEL_OF("spawn-two", setup_spawn_two, three_ran, 1, WORKER(0),
		 WORKER(1)),
	MODEL_OF("few", setup_few, three_ran, 1, WORKER(0), WORKER(1)),
	MODEL_OF("wake-two", setup_wake_two, three_ran, 1, WORKER(0),
		 WORKER(1)),
	MODEL_OF("two-posts", setup_two_posts, two_fetched, 2, WORKER(0),
		 WORKER(1), MODEL_THREAD("descriptor0", arrive, 0),
		 MODEL_THREAD("descriptor1", arrive, 1)),
	MODEL_OF("two-posts-submit", setup_two_posts, one_ran, 2, WORKER(0),
		 WORKER(1), MODEL_THREAD("submitter", submit_one, 0)),
	MODEL_OF("two-posts-and-submit", setup_two_posts, one_ran_one_fetched,
		 1, WORKER(0), WORKER(1),
		 MODEL_THREAD("submitter", submit_one, 0),
		 MODEL_THREAD("descriptor0", arrive, 0)),
	MODEL_OF("two-posts-pinned", setup_two_posts, one_ran, 1, WORKER(0),
		 MODEL_DAEMON("worker1", looker, 1),
		 MODEL_THREAD("submitter", submit_pinned, 0)),
	MODEL_OF("post-taken-by-a-look", setup_two_posts, one_fetched, 2,
		 WORKER(0), MODEL_DAEMON("worker1", looker, 1),
		 MODEL_THREAD("descriptor0", arrive, 0)),
	MODEL_OF("three-workers-two-posts", setup_three_posts, one_fetched, 1,
		 WORKER(0), MODEL_DAEMON("worker1", looker, 1), WORKER(2),
		 MODEL_THREAD("descriptor0", arrive, 0)),
	MODEL_OF("two-posts-timers", setup_two_posts, all_fired, 2,
		 MODEL_DAEMON("worker0", worker_with_timer, 0),
		 MODEL_DAEMON("worker1", worker_with_timer, 1)),
	MODEL_OF("timer-away-from-home", setup_two_posts, all_fired, 2,
		 WORKER(0), MODEL_DAEMON("worker1", looker_with_timer, 1)),
	MODEL_OF("orphan", setup_orphan, one_covered, 2, WORKER(0),
		 MODEL_THREAD("descriptor1", arrive, 1)),
	MODEL_OF("stop", setup_two, stopped, 2,
		 MODEL_THREAD("worker0", worker, 0),
		 MODEL_THREAD("worker1", worker, 1),
		 MODEL_THREAD("stop", stop, 0)),
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
