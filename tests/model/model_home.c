/* SPDX-License-Identifier: MIT */
/*
 * Where tasks stay: GO_HOME_THREAD, with thieves and sleepers about.
 *
 * Runs the scheduler's own files, on the workers of model_workers.h.
 *
 * Shows, in all schedules within the bound and under C11's memory: a task that
 * has run is resumed by its home only, whoever wakes it, wherever it overflows
 * to, and whoever looks around meanwhile; none is lost or run twice, and each
 * sees what its waker wrote, although its home may be falling asleep; a new
 * task behind one that does not end is fetched by another worker, if it is the
 * only one that may be; one that is sent to live elsewhere does; a task that
 * is woken by the inbox runs, although a full ring of others yields for ever.
 *
 * Cannot show: the watchdog, sections, descriptors.
 *
 * Bounds: one worker or two, a waker, up to four tasks, rings of two; one or
 * two preemptions.
 */
#include "model_workers.h"

static struct go__worker *home_of_task[TASKS]; /* NULL: has not run. */
/* What task i does; true: it yields then.  NULL: it just ends. */
static bool (*act[TASKS])(int i);
static _Atomic uint32_t served; /* Some task has run for which others wait. */
static unsigned yields;         /* Of all tasks. */

/* ---- Tasks and workers --------------------------------------------------- */

static void run(struct go__worker *w, struct go__task *t)
{
	int i = begin_run(t);

	model_assert(t->slot);
	model_assert(!home_of_task[i] || home_of_task[i] == w);
	home_of_task[i] = w;
	t->worker = w;
	if (act[i] && act[i](i)) {
		go__enqueue(w, make(i));
		go__submit(w);
		return;
	}
	runs[i]++;
}

static void worker(int i)
{
	run_all(i, run);
}

/* It has run on this worker, and waits. */
static void live_at(int i, unsigned worker)
{
	model_task[i].slot = (char *)&model_task[i];
	model_task[i].worker = &RT->worker[worker];
	home_of_task[i] = &RT->worker[worker];
}

/* The same, and it can be resumed. */
static void queue_at(int i, unsigned worker)
{
	live_at(i, worker);
	model_assert(go__woken_push(&RT->worker[worker].woken, make(i)));
}

static void setup(unsigned workers)
{
	setup_workers(workers);
	RT->home = true;
	for (unsigned i = 0; i < workers; i++)
		RT->worker[i].home = true;
	memset(home_of_task, 0, sizeof(home_of_task));
	memset(act, 0, sizeof(act));
	atomic_init(&served, 0);
	yields = 0;
}

static void wake(int i)
{
	go__ready(go__worker_self(), make(i), true);
}

static bool serve(int unused)
{
	(void)unused;
	happened(&served);
	return false;
}

/* ---- Woken from elsewhere ------------------------------------------------ */

static void setup_foreign(void)
{
	setup(2);
	live_at(0, 1);
}

/* Task 0, which is new and may run anywhere, wakes task 1. */
static bool wake_one(int unused)
{
	(void)unused;
	wake(1);
	return false;
}

static void setup_other(void)
{
	setup(2);
	live_at(1, 1);
	act[0] = wake_one;
	put_fresh(0, 0);
}

/* ---- Woken at home ------------------------------------------------------- */

/* More than `next` and the ring hold, with the waker that yields. */
static bool wake_three(int unused)
{
	(void)unused;
	if (yields++ != 0)
		return false;
	wake(1);
	wake(2);
	wake(3);
	return true;
}

static void setup_neighbours(void)
{
	setup(2);
	for (int i = 1; i < TASKS; i++)
		live_at(i, 0);
	queue_at(0, 0);
	act[0] = wake_three;
}

/* More in the inbox than the ring has room for. */
static void setup_inbox(void)
{
	setup(1);
	queue_at(0, 0);
	for (int i = 1; i < TASKS; i++) {
		struct go__task *t = make(i);

		live_at(i, 0);
		go__queue_push(&RT->worker[0].inbox, &t, 1);
	}
}

/* ---- New tasks ----------------------------------------------------------- */

/* Beside two that wait here, in `next` and in the ring, and must go on. */
static bool spawn_and_stay(int unused)
{
	(void)unused;
	go__ready_fresh(go__worker_self(), make(1));
	go__ready(go__worker_self(), make(2), false);
	wake(3);
	await(&served);
	return false;
}

static void setup_new(void)
{
	setup(2);
	live_at(2, 0);
	live_at(3, 0);
	queue_at(0, 0);
	/* The watchdog has seen it. */
	atomic_init(&RT->worker[0].stuck, true);
	act[0] = spawn_and_stay;
	act[1] = serve;
}

static bool spawn_one(int unused)
{
	(void)unused;
	go__ready_fresh(go__worker_self(), make(1));
	return false;
}

/* It goes to worker 1, whose turn it is, and which has fewer. */
static void setup_lopsided(void)
{
	setup(2);
	atomic_init(&RT->worker[0].residents, LOPSIDED + 1);
	atomic_init(&RT->worker[0].spawned, 1);
	queue_at(0, 0);
	act[0] = spawn_one;
}

/* ---- A crowd ------------------------------------------------------------- */

static bool yield_until_served(int unused)
{
	(void)unused;
	model_yield();
	/* acquire <- happened(). */
	return !atomic_load_explicit(&served, memory_order_acquire);
}

static void setup_crowd(void)
{
	setup(1);
	for (int i = 0; i < 2; i++) {
		queue_at(i, 0);
		act[i] = yield_until_served;
	}
	live_at(2, 0);
	act[2] = yield_until_served;
	/* relaxed: before the threads. */
	atomic_store_explicit(&RT->worker[0].next, make(2),
			      memory_order_relaxed);
	live_at(3, 0);
	act[3] = serve;
}

static void setup_crowd_alone(void)
{
	setup_crowd();
	atomic_init(&RT->worker[0].alone, true);
}

/* ---- After --------------------------------------------------------------- */

static void four_ran(void)
{
	all_asleep(4);
}

static void ran_elsewhere(void)
{
	two_ran();
	model_assert(home_of_task[1] == &RT->worker[1]);
}

static const struct model models[] = {
	MODEL_OF("foreign", setup_foreign, one_ran, 2, WORKER(0), WORKER(1),
		 MODEL_THREAD("waker", wake, 0)),
	MODEL_OF("other", setup_other, two_ran, 2, WORKER(0), WORKER(1)),
	MODEL_OF("neighbours", setup_neighbours, four_ran, 2, WORKER(0),
		 WORKER(1)),
	MODEL_OF("inbox", setup_inbox, four_ran, 0, WORKER(0)),
	MODEL_OF("new", setup_new, four_ran, 1, WORKER(0), WORKER(1)),
	MODEL_OF("lopsided", setup_lopsided, ran_elsewhere, 2, WORKER(0),
		 WORKER(1)),
	MODEL_OF("crowd", setup_crowd, four_ran, 3, WORKER(0),
		 MODEL_THREAD("waker", wake, 3)),
	MODEL_OF("crowd-alone", setup_crowd_alone, four_ran, 3, WORKER(0),
		 MODEL_THREAD("waker", wake, 3)),
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
