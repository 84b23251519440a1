/* SPDX-License-Identifier: MIT */
/*
 * The pool: submits against threads that become idle, are called, expire and
 * cannot be made; and its end.
 *
 * Runs the protocol of sched/pool.h.  Replaced are the thread creation (a held
 * thread of the model is let go, or it fails) and the futexes of pool.c.  The
 * loop of a thread is that of pool.c, with jobs that do nothing but count.
 *
 * Shows: each job that was accepted is run, once, and one that was refused is
 * not; never more than `most` run; a thread is in no list when it has left; the
 * stopper waits for all threads, and joins the last.
 *
 * Cannot show: the claims of jobs, which model_waitword.c stands for.
 *
 * Bounds: two submitters with a job each, two threads, a cap of one or two, one
 * expiry of each thread.
 */
#include "model.h"

#include <string.h>

#include "sched/pool.h"

enum {
	THREADS = 2,
	FIRST = 0, /* The model's first thread that is one of the pool. */
	JOBS = 2,
};

static struct go__pool pool;
static struct go__pool_thread thread[THREADS];
static struct go__link job[JOBS];
static unsigned runs[JOBS], made, expiries[THREADS];
static bool refused[JOBS], gone[THREADS];
static _Atomic unsigned running;
static bool may_fail;

/* ---- A thread, as in pool.c ---------------------------------------------- */

static void run_job(struct go__link *link)
{
	/* relaxed, both: only counted. */
	unsigned before =
		atomic_fetch_add_explicit(&running, 1, memory_order_relaxed);

	model_assert(before < pool.most);
	MODEL_WRITE(runs[link - job]) = MODEL_READ(runs[link - job]) + 1;
	atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
}

/* As rest(). */
static bool rest(struct go__pool_thread *t, unsigned i)
{
	bool expired = false;

	/* acquire <- call(). */
	while (!expired &&
	       !atomic_load_explicit(&t->called, memory_order_acquire)) {
		if (expiries[i] == 0) {
			model_park(&t->called, 0);
			continue;
		}
		if (model_park_timed(&t->called, 0))
			continue;
		expiries[i]--;
		go__lock_acquire(&pool.lock);
		expired = go__pool_expire(t);
		go__lock_release(&pool.lock);
	}
	/* relaxed: as the real one. */
	atomic_store_explicit(&t->called, 0, memory_order_relaxed);
	return !expired;
}

static void leave(struct go__pool_thread *t, unsigned i)
{
	pthread_t before;
	bool last;

	(void)go__pool_leave(&pool, t, &before);
	last = pool.threads == 0;
	model_assert(!go__link_is_linked(&t->link));
	gone[i] = true;
	go__lock_release(&pool.lock);
	if (last) {
		/* release -> stop(). */
		atomic_fetch_add_explicit(&pool.empty, 1, memory_order_release);
		model_wake(&pool.empty, 1);
	}
}

static void work(int i)
{
	struct go__pool_thread *t = &thread[i];
	struct go__link *link;
	bool called = true;

	go__lock_acquire(&pool.lock);
	pool.present++;
	go__pool_made(&pool);
	go__lock_release(&pool.lock);
	for (;;) {
		go__lock_acquire(&pool.lock);
		link = called ? go__pool_next(&pool, t) : NULL;
		if (!link && (!called || pool.stopping)) {
			(void)go__pool_expire(t);
			leave(t, (unsigned)i);
			return;
		}
		go__lock_release(&pool.lock);
		if (link)
			run_job(link);
		else
			called = rest(t, (unsigned)i);
	}
}

/* ---- Submitters, and the end --------------------------------------------- */

/* As call(). */
static void call(struct go__pool_thread *t)
{
	/* release -> rest(). */
	atomic_store_explicit(&t->called, 1, memory_order_release);
	model_wake(&t->called, 1);
}

/* A new thread, unless there is none left, or it fails. */
static bool make(void)
{
	if (made == THREADS || (may_fail && model_choose(2)))
		return false;
	thread[made].busy = true;
	model_start(FIRST + made++);
	return true;
}

static void submit(int i)
{
	struct go__pool_call what;

	go__lock_acquire(&pool.lock);
	what = go__pool_push(&pool, &job[i]);
	go__lock_release(&pool.lock);
	if (what.thread)
		call(what.thread);
	if (!what.make || make())
		return;
	go__lock_acquire(&pool.lock);
	if (!go__pool_unmade(&pool) && go__link_is_linked(&job[i])) {
		go__list_remove(&job[i]);
		refused[i] = true;
	}
	go__lock_release(&pool.lock);
}

static void submit_both(int unused)
{
	(void)unused;
	submit(0);
	submit(1);
}

/* As go__pool_stop(), after a job of ours has been run or refused. */
static void submit_and_stop(int i)
{
	struct go__link *link;
	uint32_t empty;
	bool some = true;

	submit(i);
	go__lock_acquire(&pool.lock);
	pool.stopping = true;
	while ((link = go__list_pop_front(&pool.idle)))
		call(go__container_of(link, struct go__pool_thread, link));
	go__lock_release(&pool.lock);
	while (some) {
		/* acquire <- leave(). */
		empty = atomic_load_explicit(&pool.empty, memory_order_acquire);
		go__lock_acquire(&pool.lock);
		some = pool.threads != 0;
		go__lock_release(&pool.lock);
		if (some)
			model_park(&pool.empty, empty);
	}
	for (unsigned k = 0; k < made; k++)
		model_assert(gone[k]);
	model_assert(made == 0 || pool.some_left);
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(unsigned most, unsigned expiries_each, bool fails)
{
	memset(&pool, 0, sizeof(pool));
	memset(thread, 0, sizeof(thread));
	memset(job, 0, sizeof(job));
	memset(runs, 0, sizeof(runs));
	memset(refused, 0, sizeof(refused));
	memset(gone, 0, sizeof(gone));
	made = 0;
	may_fail = fails;
	atomic_init(&running, 0);
	for (int i = 0; i < THREADS; i++)
		expiries[i] = expiries_each;
	go__pool_init(&pool, most, 0);
	model_name(&pool.empty, "pool.empty");
}

static void setup_one(void)
{
	setup(1, 1, false);
}

static void setup_two(void)
{
	setup(2, 0, false);
}

static void setup_failing(void)
{
	setup(2, 0, true);
}

static void finish(void)
{
	for (int i = 0; i < JOBS; i++)
		model_assert(runs[i] == !refused[i]);
	model_assert(pool.busy == 0 && pool.making == 0);
}

static void finish_stop(void)
{
	model_assert(runs[0] == !refused[0]);
	model_assert(pool.threads == 0 && pool.present == 0);
}

static const struct model models[] = {
	{
		.name = "cap-and-expiry",
		.setup = setup_one,
		.finish = finish,
		.preemptions = 3,
		.thread = {{"first", work, 0, true, true},
			   {"second", work, 1, true, true},
			   MODEL_THREAD("submitter", submit_both, 0)},
	},
	{
		.name = "two-submitters",
		.setup = setup_two,
		.finish = finish,
		.preemptions = 3,
		.thread = {{"first", work, 0, true, true},
			   {"second", work, 1, true, true},
			   MODEL_THREAD("submitter", submit, 0),
			   MODEL_THREAD("other", submit, 1)},
	},
	{
		.name = "threads-that-cannot-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 3,
		.thread = {{"first", work, 0, true, true},
			   {"second", work, 1, true, true},
			   MODEL_THREAD("submitter", submit, 0),
			   MODEL_THREAD("other", submit, 1)},
	},
	{
		.name = "stop",
		.setup = setup_one,
		.finish = finish_stop,
		.preemptions = 4,
		.thread = {MODEL_HELD("first", work, 0),
			   MODEL_HELD("second", work, 1),
			   MODEL_THREAD("stopper", submit_and_stop, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
