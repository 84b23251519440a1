/* SPDX-License-Identifier: MIT */
/*
 * Blocking sections: a worker goes from thread to thread, and the task that
 * gave it away comes back; and a shutdown meanwhile.
 *
 * Runs section.c, worker.c and pool.c on the workers of model_workers.h, and
 * runtime.c's shutdown.  A task is run by its host as a call, in two parts: up
 * to the end of its section, and behind it.  Replaced are the switch, which is
 * that call, and the making of threads: a held one is let go, or it fails.
 *
 * Shows: a task in a section keeps nobody from running, and waits for such a
 * one without a hang; a worker has one host at a time, and each sees what the
 * one before has done; a task is resumed once, behind all that it did in its
 * section, a pinned one by its own worker; without a thread to be had nothing
 * changes; a shutdown waits for tasks in sections, and joins every thread.
 *
 * Cannot show: stacks, errno, fork; lent workers.
 *
 * Bounds: two workers, three tasks, three threads; three preemptions, two
 * or one where there are many threads.
 */
#define MODEL_OWN_HOSTS
#define MODEL_OWN_RUNTIME
#include "model_workers.h"

#include "sched/blocking.h"
#include "sched/extra.h"

enum {
	POOL_THREADS = 3,
	SECTIONS = 2, /* Tasks with a section: the first ones. */
	OTHER = 2,    /* What they wait for. */
};

#include "model_threads.h"

#include "sched/worker.c"
/* As ready.c's, but of a context. */
#define thread_of thread_of_context
#include "sched/section.c"
#undef thread_of

#include "sched/runtime.c"

static struct go__context host[POOL_THREADS], *current[MODEL_THREADS];
static int errno_of[MODEL_THREADS];
static _Atomic uint32_t done; /* The other task has run. */
static unsigned phase[TASKS], tasks;
static int hosts[WORKERS]; /* Plain memory: whoever runs the worker. */

/* ---- What stands in for the rest ----------------------------------------- */

struct go__context *go__self(void)
{
	return current[model_self()];
}

struct go__thread *go__thread_self(void)
{
	return thread_of_context(go__self());
}

struct go__worker *go__worker_self(void)
{
	struct go__context *c = go__self();

	if (!c)
		return NULL;
	return c->flags & GO__CONTEXT_TASK ? go__task_of_context(c)->worker
					   : thread_of_context(c)->worker;
}

static void run_task(struct go__task *t);

/* To a task, which comes back when it parks, or has ended. */
void go__context_switch_asm(struct go__context *from, struct go__context *to)
{
	int me = model_self();
	struct go__task *t = go__task_of_context(to);

	model_assert(current[me] == from && from == &host[me]);
	model_assert(to->flags == GO__CONTEXT_TASK);
	MODEL_WRITE(hosts[t->worker->index]) = me;
	current[me] = to;
	run_task(t);
	current[me] = from;
}

void go__park_for_worker(struct go__task *t, struct go__context *to)
{
	model_assert(to == &host[model_self()]);
	/* The last that is done on its stack. */
	MODEL_WRITE(payload[t - model_task]) = 1;
}

void go__host_is_here(struct go__worker *w, bool here)
{
	(void)w;
	(void)here;
}

void go__after_switch(struct go__worker *w)
{
	model_assert(w->after == GO__AFTER_NOTHING);
}

int *go__sys_errno(void)
{
	return &errno_of[model_self()];
}

void go__blocking_run(struct go__thread *self, struct go__wait_node *job)
{
	(void)self;
	(void)job;
	model_not_called();
}

struct go__exceptions go__exceptions_leave(void)
{
	return (struct go__exceptions){NULL, 0};
}

void go__exceptions_arrive(const struct go__exceptions *e)
{
	(void)e;
}

int go__altstack_install(struct go__altstack *stack)
{
	(void)stack;
	return 0;
}

void go__altstack_remove(struct go__altstack *stack)
{
	(void)stack;
}

void go__altstack_rest(struct go__altstack *stack)
{
	(void)stack;
	model_not_called();
}

void go__stack_flush(struct go__stack_cache *cache, unsigned keep)
{
	(void)cache;
	(void)keep;
}

void go__block_drain(struct go__worker *w)
{
	(void)w;
}

void go__lend_enter(struct go__worker *w)
{
	(void)w;
	model_not_called();
}

void go__lend_quit(struct go__worker *w)
{
	(void)w;
	model_not_called();
}

void go__lend_over(struct go__worker *w)
{
	(void)w;
	model_not_called();
}

/* ---- Tasks --------------------------------------------------------------- */

static void end(struct go__task *t)
{
	struct go__worker *w = t->worker;

	phase[t - model_task] = 2;
	/* [ended] release -> go__runtime_live(): as go__task_end(). */
	atomic_store_explicit(
		&w->ended,
		atomic_load_explicit(&w->ended, memory_order_relaxed) + 1,
		memory_order_release);
}

/* What the section waits for. */
static void do_the_other(void)
{
	/* release -> begin_section(). */
	atomic_store_explicit(&done, 1, memory_order_release);
	model_wake(&done, MODEL_THREADS);
}

static void begin_section(struct go__task *t)
{
	int r = go_blocking_begin();

	if (r < 0) {
		model_assert(may_fail || made == POOL_THREADS);
		model_assert(go__self() == &t->context);
		model_assert(go__task_self() == t);
		model_assert(go__worker_self() == t->worker);
		model_assert(go_blocking_end() == -EINVAL);
		end(t);
		return;
	}
	model_assert(!go__task_self() && go__task_inside() == t);
	model_assert(!go__worker_self());
	/* acquire <- do_the_other(). */
	while (!atomic_load_explicit(&done, memory_order_acquire))
		model_park(&done, 0);
	phase[t - model_task] = 1;
	model_assert(go_blocking_end() == 0);
}

static void run_task(struct go__task *t)
{
	int i = (int)(t - model_task);

	if (i == OTHER) {
		model_assert(phase[i] == 0);
		do_the_other();
		end(t);
	} else if (phase[i] == 0) {
		begin_section(t);
	} else {
		model_assert(phase[i] == 1);
		model_assert(MODEL_READ(payload[i]) == 1);
		model_assert(go__task_self() == t);
		model_assert(go__worker_self() == t->worker);
		model_assert(!t->pinned || t->worker == &RT->worker[0]);
		end(t);
	}
}

/* As go_runtime_shutdown(). */
static void shut_down(int unused)
{
	(void)unused;
	close_door(RT);
	wait_drained(RT, GO__NO_DEADLINE);
	(void)stop(RT, GO__NO_DEADLINE);
	check_all_joined(&RT->pool);
}

/* ---- Before and after ---------------------------------------------------- */

static void setup_thread(int i)
{
	record[i].pool.runtime = RT;
	record[i].deadline = GO__NO_DEADLINE;
	host[i].flags = GO__CONTEXT_THREAD;
	host[i].waiter = &record[i].waiter;
	current[i] = &host[i];
}

/* Task i is there, for the first worker. */
static void add(int i, bool pinned)
{
	struct go__task *t = &model_task[i], *batch = t;

	t->context.flags = GO__CONTEXT_TASK;
	t->context.waiter = &t->waiter;
	t->waiter.is_task = true;
	t->slot = (char *)t;
	t->worker = &RT->worker[0];
	t->pinned = pinned;
	if (pinned)
		go__queue_push(&RT->worker[0].inbox, &batch, 1);
	else
		model_assert(go__woken_push(&RT->worker[0].woken, t));
	tasks |= 1u << i;
}

/* The workers are hosted by the first threads. */
static void setup(unsigned workers)
{
	setup_workers(workers);
	setup_pool_threads(0);
	memset(host, 0, sizeof(host));
	memset(current, 0, sizeof(current));
	memset(phase, 0, sizeof(phase));
	memset(hosts, 0, sizeof(hosts));
	go__lock_init(&RT->lock);
	go__pool_init(&RT->pool, 1, GO__NO_DEADLINE);
	for (int i = 0; i < POOL_THREADS; i++)
		setup_thread(i);
	for (unsigned i = 0; i < workers; i++)
		record[i].pool.worker = &RT->worker[i];
	RT->pool.threads = workers;
	made = workers;
	tasks = 0;
	atomic_init(&done, 0);
}

static void begun(unsigned n)
{
	atomic_init(&RT->worker[0].spawned, n);
}

static void setup_one(void)
{
	setup(1);
	add(0, false);
	add(OTHER, false);
	begun(2);
}

static void setup_pinned(void)
{
	setup(1);
	add(0, true);
	add(OTHER, false);
	begun(2);
}

static void setup_two(void)
{
	setup(1);
	add(0, false);
	add(1, true);
	add(OTHER, false);
	begun(3);
}

static void setup_failing(void)
{
	setup_one();
	may_fail = true;
}

static void setup_workers_two(void)
{
	setup(2);
	add(0, true);
	add(OTHER, false);
	begun(2);
}

static void finish(void)
{
	for (int i = 0; i <= OTHER; i++)
		if (tasks & (1u << i))
			model_assert(phase[i] == 2);
	model_assert(go__runtime_live(RT) == 0);
	model_assert(!go__pool_is_busy(&RT->pool));
	for (int i = 0; i < POOL_THREADS; i++)
		model_assert(!record[i].section.task);
}

static void finish_asleep(void)
{
	model_assert(go__idle_all_asleep(go__idle_state(&RT->idle)));
	finish();
}

#define HOST(name, i)                                                          \
	{                                                                      \
		name, pool_thread, i, true, false                              \
	}

static const struct model models[] = {
	{
		.name = "others-go-on",
		.setup = setup_one,
		.finish = finish_asleep,
		.thread = {HOST("host", 0), POOL_THREAD("spare", 1),
			   POOL_THREAD("second", 2)},
	},
	{
		.name = "pinned",
		.setup = setup_pinned,
		.finish = finish_asleep,
		.thread = {HOST("host", 0), POOL_THREAD("spare", 1),
			   POOL_THREAD("second", 2)},
	},
	{
		.name = "two-sections",
		.setup = setup_two,
		.finish = finish_asleep,
		.preemptions = 2,
		.thread = {HOST("host", 0), POOL_THREAD("spare", 1),
			   POOL_THREAD("second", 2)},
	},
	{
		.name = "no-thread-to-be-had",
		.setup = setup_failing,
		.finish = finish_asleep,
		.thread = {HOST("host", 0), POOL_THREAD("spare", 1),
			   POOL_THREAD("second", 2)},
	},
	{
		.name = "two-workers",
		.setup = setup_workers_two,
		.finish = finish_asleep,
		.preemptions = 2,
		.thread = {HOST("host", 0), HOST("other", 1),
			   POOL_THREAD("spare", 2)},
	},
	{
		.name = "shutdown",
		.setup = setup_one,
		.finish = finish,
		.preemptions = 1,
		.thread = {HOST("host", 0), POOL_THREAD("spare", 1),
			   POOL_THREAD("second", 2),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
