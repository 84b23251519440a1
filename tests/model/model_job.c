/* SPDX-License-Identifier: MIT */
/*
 * Blocking tasks: submitted while they are cancelled, while the runtime shuts
 * down, and while no thread is to be had.
 *
 * Runs blocking.c, pool.c, spawn.c and the shutdown of runtime.c on a worker of
 * model_workers.h, which runs those that were withdrawn.  Replaced are the
 * making of threads and blocks; a block that is free is overwritten at once.
 *
 * Shows: a job that was accepted runs, or is withdrawn, once; one that was
 * refused does neither; a block is free behind all that is done with it, and
 * stands in no list then; a shutdown waits for all jobs that it has let in, and
 * joins every thread.
 *
 * Cannot show: joins.  Jobs that a task waits for are in model_pool.c.
 *
 * Bounds: two submitters from outside with a job each, two threads, one worker;
 * two preemptions, one with a shutdown.
 */
#define MODEL_OWN_BLOCKING
#define MODEL_OWN_RUNTIME
#define MODEL_OWN_SPAWN
#include "model_workers.h"

#include "sched/extra.h"

enum {
	POOL_THREADS = 2,
	JOBS = 2,
	POISON = 0x5a,
};

#include "model_threads.h"

/* Names that they have in common with those above. */
#define run   run_job
#define spawn submit
#define call  call_node
#include "sched/blocking.c"
#undef run
#undef spawn
#undef call
#define check check_options_of
#include "sched/runtime.c"
#undef check
#include "sched/spawn.c"

static struct go__context plain[MODEL_THREADS], *current[MODEL_THREADS];
static unsigned blocks, done[JOBS], freed[JOBS];
static unsigned withdrawn;
static int results[JOBS];

/* ---- What stands in for the rest ----------------------------------------- */

struct go__context *go__self(void)
{
	return current[model_self()];
}

struct go_runtime *go__runtime_self(void)
{
	return RT;
}

void go__wait_begin(struct go__waiter *w, uint64_t deadline, unsigned kind,
		    const void *object)
{
	/* relaxed, all: as the real one. */
	atomic_store_explicit(&w->deadline, deadline, memory_order_relaxed);
	atomic_store_explicit(&w->kind, (uint8_t)kind, memory_order_relaxed);
	atomic_store_explicit(&w->object, object, memory_order_relaxed);
	(void)go__wait_word_open(&w->word, false);
}

/* A block is taken once only. */
struct go__task *go__block_alloc_slow(struct go__worker *w)
{
	struct go__task *t = &model_task[blocks++];

	(void)w;
	t->context.flags = GO__CONTEXT_TASK;
	t->context.waiter = &t->waiter;
	t->waiter.is_task = true;
	return t;
}

void go__block_free_slow(struct go__worker *w, struct go__task *t)
{
	(void)w;
	MODEL_WRITE(freed[t - model_task])++;
	memset(&t->job, POISON, sizeof(t->job));
}

void go__block_each(bool (*fn)(struct go__task *t, void *arg), void *arg)
{
	for (int i = 0; i < JOBS; i++)
		(void)fn(&model_task[i], arg);
}

int go__worker_host(struct go__worker *w, bool (*until)(void *), void *arg)
{
	(void)w;
	(void)until;
	(void)arg;
	model_not_called();
}

void *go__context_call(void *(*fn)(void *arg), void *arg)
{
	return fn(arg);
}

void go__extra_end(struct go__extra **extra)
{
	(void)extra;
	model_not_called();
}

void go__extra_drop(struct go__extra *extra)
{
	(void)extra;
	model_not_called();
}

void go__ending_wake(uint64_t id)
{
	(void)id;
	model_not_called();
}

void go__timer_close(struct go__timer *timer)
{
	(void)timer;
	model_not_called();
}

void go__group_leave(struct go__task *t)
{
	(void)t;
	model_not_called();
}

/* ---- Threads ------------------------------------------------------------- */

static void *job(void *number)
{
	intptr_t i = (intptr_t)number;

	model_assert(MODEL_READ(payload[i]) == i + 1);
	MODEL_WRITE(done[i])++;
	return NULL;
}

/* Runs what was withdrawn. */
static void worker(int i)
{
	struct go__worker *w = &RT->worker[i];
	struct go__task *t;

	while ((t = go__pick(w, NULL, NULL))) {
		model_assert(t->start.fn == go__blocking_withdrawn);
		current[i] = &t->context;
		(void)t->start.fn(NULL);
		current[i] = &plain[i];
		model_assert(t->error == -ENODATA);
		withdrawn |= 1u << (intptr_t)t->start.arg;
		go__task_end(w, t);
	}
}

static void submitter(int i)
{
	MODEL_WRITE(payload[i]) = i + 1;
	results[i] = go_blocking_spawn_at(job, (void *)(intptr_t)i, NULL);
}

/* As go_task_cancel() by somebody with a handle. */
static void canceller(int unused)
{
	struct go__task *t = &model_task[0];
	uint64_t id = go__task_word_id(&t->word);

	(void)unused;
	if (id == 0)
		return;
	(void)go__task_word_cancel(&t->word, id);
	go__task_interrupt(t, id);
}

/* As go_runtime_shutdown(). */
static void shut_down(int unused)
{
	(void)unused;
	close_door(RT);
	go__block_each(interrupt_ours, RT);
	wait_drained(RT, GO__NO_DEADLINE);
	for (int i = 0; i < JOBS; i++)
		model_assert(MODEL_READ(done[i]) <= 1);
	(void)stop(RT, GO__NO_DEADLINE);
	check_all_joined(&RT->pool);
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(void)
{
	setup_workers(1);
	setup_pool_threads(1);
	memset(plain, 0, sizeof(plain));
	memset(done, 0, sizeof(done));
	memset(freed, 0, sizeof(freed));
	memset(results, 0, sizeof(results));
	go__lock_init(&RT->lock);
	go__pool_init(&RT->pool, 1, GO__NO_DEADLINE);
	for (int i = 0; i < MODEL_THREADS; i++) {
		plain[i].flags = GO__CONTEXT_THREAD;
		current[i] = &plain[i];
	}
	for (int i = 0; i < POOL_THREADS; i++)
		record[i].pool.runtime = RT;
	for (int i = 0; i < JOBS; i++) {
		go__wait_word_init(&model_task[i].waiter.word, 0);
		results[i] = -ESHUTDOWN;
	}
	atomic_init(&ids, 1);
	/* Its cache is full, and empty. */
	RT->worker[0].free_count = GO__BLOCKS_BATCH;
	blocks = 0;
	withdrawn = 0;
}

static void setup_failing(void)
{
	setup();
	may_fail = true;
}

static void finish(void)
{
	for (int i = 0; i < JOBS; i++) {
		model_assert(done[i] + (withdrawn >> i & 1) ==
			     (results[i] == 0));
		model_assert(results[i] == 0 || results[i] == -ESHUTDOWN ||
			     may_fail);
	}
	for (unsigned i = 0; i < blocks; i++)
		model_assert(freed[i] == 1);
	model_assert(go__runtime_live(RT) == 0);
	model_assert(!go__pool_is_busy(&RT->pool));
	model_assert(go__list_empty(&RT->pool.jobs));
}

#define BOTH POOL_THREAD("first", 0), POOL_THREAD("second", 1)

static const struct model models[] = {
	{
		.name = "withdrawn",
		.setup = setup,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_DAEMON("worker", worker, 0), BOTH,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "withdrawn-while-none-can-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_DAEMON("worker", worker, 0), BOTH,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "none-can-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_DAEMON("worker", worker, 0), BOTH,
			   MODEL_THREAD("one", submitter, 0),
			   MODEL_THREAD("other", submitter, 1)},
	},
	{
		.name = "shutdown",
		.setup = setup,
		.finish = finish,
		.preemptions = 1,
		.thread = {MODEL_DAEMON("worker", worker, 0), BOTH,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
	{
		.name = "shutdown-while-none-can-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 1,
		.thread = {MODEL_DAEMON("worker", worker, 0), BOTH,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
