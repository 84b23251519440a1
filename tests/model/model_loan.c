/* SPDX-License-Identifier: MIT */
/*
 * The end of a runtime, against a worker that is lent, or about to be.
 *
 * Runs what model_lend.c runs, on threads of a real pool (pool.c), and the end
 * of runtime.c: stop(), from the moment when no task is left.  The watchdog
 * may have decided to lend by then, and be anywhere between that and the
 * thread's beginning.  Replaced besides is the wait for the tasks' ends.
 *
 * Shows: every thread ends, be it lent, asleep, recalled or not made yet, and
 * each is joined once; who stops the runtime waits for all of them, so nobody
 * touches it afterwards; no slot is lent in the end, and the counts of
 * idle.state are right.
 *
 * Cannot show: a stop whose time is up; sections, which move workers, too.
 *
 * Bounds: one worker and one that is lent; two tasks and no preemption, or no
 * task and one.
 */
#define MODEL_OWN_POOL
#include "model_lend.h"

enum {
	POOL_THREADS = 3,
	WATCHDOG = 1, /* Which of the model's threads. */
	FIRST = 2,    /* The first of the pool's. */
};

/* Those of the pool have all the time there is. */
#undef go__sys_futex_wait
#define go__sys_futex_wait(word, value, deadline)                              \
	((void)(deadline), model_park(word, value) ? 0 : -EAGAIN)

#define count count_pool
#define leave leave_pool
#include "model_threads.h"
#undef count
#undef leave

/* Only how they are used at the end. */
uint64_t unused_runtime_live(struct go_runtime *rt);
void end_runtime_drained(struct go_runtime *rt);
#define go__runtime_live    unused_runtime_live
#define go__runtime_drained end_runtime_drained
#include "sched/runtime.c"
#undef go__runtime_live
#undef go__runtime_drained

static int there; /* The runtime, plain memory, watched for races. */
static _Atomic uint32_t to_come; /* Tasks that have not ended. */
static bool to_lend;             /* The watchdog has decided so. */

/* ---- What the pool's threads are for ------------------------------------- */

int go__worker_host(struct go__worker *w, bool (*until)(void *), void *arg)
{
	(void)until;
	(void)arg;
	model_assert(MODEL_READ(there));
	host(w);
	model_assert(MODEL_READ(there));
	return 0;
}

void go__blocking_run(struct go__thread *self, struct go__wait_node *job)
{
	(void)self;
	(void)job;
	model_not_called();
}

/* ---- Tasks --------------------------------------------------------------- */

static void end_task(void)
{
	/* [over] acq_rel -> stop_it(): the last one, with all before it. */
	if (atomic_fetch_sub_explicit(&to_come, 1, memory_order_acq_rel) == 1)
		model_wake(&to_come, 1);
}

static bool serve(unsigned n)
{
	(void)n;
	happened(&ran);
	end_task();
	return false;
}

/* It keeps its worker until the other one has run. */
static bool hog(unsigned n)
{
	(void)n;
	make_task(1);
	hog_until_one_ran();
	end_task();
	return false;
}

/* ---- Threads ------------------------------------------------------------- */

static void watch_over(int unused)
{
	(void)unused;
	if (to_lend)
		(void)go__lend(RT);
	else
		await(&hogging);
	(void)run(RT);
	/* release -> go__sys_thread_join(). */
	atomic_store_explicit(&over[WATCHDOG], 1, memory_order_release);
	model_wake(&over[WATCHDOG], 1);
}

static void stop_it(int unused)
{
	uint32_t left;

	(void)unused;
	model_assert(go__pool_host(&RT->worker[0]) == 0);
	/* acquire <- [over]. */
	while ((left = atomic_load_explicit(&to_come, memory_order_acquire)))
		model_park(&to_come, left);
	model_assert(stop(RT, GO__NO_DEADLINE) == 0);
	MODEL_WRITE(there) = 0;
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(uint32_t tasks)
{
	setup_lending(1, 0);
	setup_pool_threads(FIRST);
	for (int i = 0; i < MODEL_THREADS; i++)
		worker_of[i] = NULL;
	RT->watchdog = WATCHDOG;
	go__pool_init(&RT->pool, 1, GO__NO_DEADLINE);
	go__lock_init(&RT->lock);
	atomic_init(&to_come, tasks);
	to_lend = tasks == 0;
	there = 1;
}

static void setup_hog(void)
{
	setup(2);
	act[0] = hog;
	act[1] = serve;
	ticks = 2; /* One is lent at the second. */
	put_fresh(0, 0);
}

/* No task is left: what it decided on is over. */
static void setup_none(void)
{
	setup(0);
}

static void finish(void)
{
	uint64_t state = go__idle_state(&RT->idle);

	model_assert(runs[0] == runs[1] && (runs[0] == 1 || to_lend));
	model_assert(go__lent(RT) == 0);
	model_assert(go__idle_active(state) == 1);
	model_assert(go__idle_count(state) == 0);
	model_assert(joins[WATCHDOG] == 1);
	check_all_joined(&RT->pool);
}

static const struct model models[] = {
	MODEL_OF("end-while-lent", setup_hog, finish, MODEL_NONE,
		 MODEL_THREAD("stopper", stop_it, 0),
		 MODEL_THREAD("watchdog", watch_over, 0),
		 POOL_THREAD("first", 0), POOL_THREAD("second", 1),
		 POOL_THREAD("third", 2)),
	MODEL_OF("end-while-lending", setup_none, finish, 1,
		 MODEL_THREAD("stopper", stop_it, 0),
		 MODEL_THREAD("watchdog", watch_over, 0),
		 POOL_THREAD("first", 0), POOL_THREAD("second", 1),
		 POOL_THREAD("third", 2)),
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
