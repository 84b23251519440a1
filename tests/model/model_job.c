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
#include "model_workers.h"

#include "sched/extra.h"

#define pthread_self() ((pthread_t)model_self())

#include "sched/pool.c"
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

enum {
	THREADS = 2,
	FIRST = 1, /* The model's first thread that is one of the pool. */
	JOBS = 2,
	POISON = 0x5a,
};

static struct go__thread record[THREADS];
static struct go__context plain[MODEL_THREADS], *current[MODEL_THREADS];
static _Atomic uint32_t over[MODEL_THREADS];
static unsigned made, joined[MODEL_THREADS], blocks, done[JOBS], freed[JOBS];
static unsigned withdrawn;
static int results[JOBS];
static bool may_fail;

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

int go__sys_sigaction(int sig, const struct sigaction *act,
		      struct sigaction *old)
{
	(void)sig;
	(void)act;
	(void)old;
	return -EINVAL;
}

int go__sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

void go__sys_thread_name(const char *name)
{
	(void)name;
}

struct go__thread *go__thread_make(void)
{
	return made == THREADS ? NULL : &record[made];
}

void go__thread_unmake(struct go__thread *t)
{
	(void)t;
}

void go__thread_adopt(struct go__thread *t)
{
	(void)t;
}

int go__sys_thread_create(pthread_t *id, size_t stack_bytes,
			  void *(*fn)(void *), void *arg)
{
	(void)id;
	(void)stack_bytes;
	(void)fn;
	(void)arg;
	if (may_fail && model_choose(2))
		return -EAGAIN;
	model_start(FIRST + made++);
	return 0;
}

int go__sys_thread_join(pthread_t id)
{
	model_assert(joined[id]++ == 0);
	/* acquire <- pool_thread(). */
	while (!atomic_load_explicit(&over[id], memory_order_acquire))
		model_park(&over[id], 0);
	return 0;
}

int go__sys_thread_join_until(pthread_t id, uint64_t deadline_ns)
{
	(void)deadline_ns;
	return go__sys_thread_join(id);
}

int go__worker_host(struct go__worker *w, bool (*until)(void *), void *arg)
{
	(void)w;
	(void)until;
	(void)arg;
	model_not_called();
}

void go__watchdog_stop(struct go_runtime *rt)
{
	(void)rt;
}

bool go__watchdog_wait(struct go_runtime *rt, uint64_t deadline)
{
	(void)rt;
	(void)deadline;
	return true;
}

bool go__watchdog_join(struct go_runtime *rt, uint64_t deadline)
{
	(void)rt;
	(void)deadline;
	return true;
}

void go__exit_if_forked(const struct go_runtime *rt)
{
	(void)rt;
}

void go__leave_all(struct go__thread *t)
{
	(void)t;
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

static void pool_thread(int i)
{
	(void)thread_main(&record[i]);
	/* release -> go__sys_thread_join(). */
	atomic_store_explicit(&over[model_self()], 1, memory_order_release);
	model_wake(&over[model_self()], 1);
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
	for (unsigned i = 0; i < made; i++)
		model_assert(joined[FIRST + i] == 1);
	model_assert(RT->pool.threads == 0 && RT->pool.present == 0);
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(void)
{
	setup_workers(1);
	memset(record, 0, sizeof(record));
	memset(plain, 0, sizeof(plain));
	memset(joined, 0, sizeof(joined));
	memset(done, 0, sizeof(done));
	memset(freed, 0, sizeof(freed));
	memset(results, 0, sizeof(results));
	go__lock_init(&RT->lock);
	go__pool_init(&RT->pool, 1, GO__NO_DEADLINE);
	for (int i = 0; i < MODEL_THREADS; i++) {
		plain[i].flags = GO__CONTEXT_THREAD;
		current[i] = &plain[i];
		atomic_init(&over[i], 0);
	}
	for (int i = 0; i < THREADS; i++)
		record[i].pool.runtime = RT;
	for (int i = 0; i < JOBS; i++) {
		go__wait_word_init(&model_task[i].waiter.word, 0);
		results[i] = -ESHUTDOWN;
	}
	memset(payload, 0, sizeof(payload));
	atomic_init(&ids, 1);
	/* Its cache is full, and empty. */
	RT->worker[0].free_count = GO__BLOCKS_BATCH;
	made = 0;
	blocks = 0;
	withdrawn = 0;
	may_fail = false;
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

#define POOL_THREADS                                                           \
	{"first", pool_thread, 0, true, true},                                 \
	{                                                                      \
		"second", pool_thread, 1, true, true                           \
	}

static const struct model models[] = {
	{
		.name = "withdrawn",
		.setup = setup,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_DAEMON("worker", worker, 0), POOL_THREADS,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "withdrawn-while-none-can-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_DAEMON("worker", worker, 0), POOL_THREADS,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "none-can-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_DAEMON("worker", worker, 0), POOL_THREADS,
			   MODEL_THREAD("one", submitter, 0),
			   MODEL_THREAD("other", submitter, 1)},
	},
	{
		.name = "shutdown",
		.setup = setup,
		.finish = finish,
		.preemptions = 1,
		.thread = {MODEL_DAEMON("worker", worker, 0), POOL_THREADS,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
	{
		.name = "shutdown-while-none-can-be-made",
		.setup = setup_failing,
		.finish = finish,
		.preemptions = 1,
		.thread = {MODEL_DAEMON("worker", worker, 0), POOL_THREADS,
			   MODEL_THREAD("submitter", submitter, 0),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
