/* SPDX-License-Identifier: MIT */
/*
 * Runtimes: made, used from plain threads, shut down.
 *
 * SHUTDOWN goes through the phases of worker.h.  CLOSING is itself the
 * cancellation of every task: a task counts as cancelled when its runtime is
 * not OPEN, so tasks that begin to wait later need not be looked for; only
 * those that wait already are, by a walk over all blocks.  (Phase and wait
 * word are a handshake like a task's own flag; see waitword.h.)
 *
 * The end is found by counting.  Each worker counts the tasks that it has seen
 * begin and end; foreign spawns count in the runtime.  All counters only grow,
 * so if the ends, read first, equal the beginnings, read after them, there was
 * a moment in between when no task was left, and when closing there will be
 * none after it.  The last worker to fall asleep sees the last of the counts.
 *
 * Options are settled in options.c, and what is refused explained in refuse.c.
 *
 * TESTS  model_drain.c; test_runtime.c.
 */
#include "sched/worker.h"

#include <gofer/deadline.h>
#include <string.h>

#include "arch/overflow.h"
#include "arch/sys.h"
#include "sched/backtrace.h"
#include "sched/dump.h"
#include "sched/left.h"
#include "sched/options.h"
#include "sched/seat.h"

enum {
	SPARES_LEAST = 4,
};

/* For threads that have been told to end. */
static const uint64_t GRACE = UINT64_C(1000) * 1000 * 1000;
static const uint64_t JOIN_STEP = 1000 * 1000;

/* ---- creation ---- */

/* An option's duration, GO_NEVER as the deadline of that name. */
static uint64_t span(int64_t ns)
{
	return ns == GO_NEVER ? GO__NO_DEADLINE : (uint64_t)ns;
}

static void configure(struct go_runtime *rt, const go_runtime_options *o)
{
	rt->flavour = o->flavour;
	rt->home = o->flavour == GO_HOME_THREAD;
	rt->fairness = o->fairness_interval;
	rt->poll_interval = (uint64_t)o->poll_interval_ns;
	rt->stack_class = go__stack_class(o->stack_bytes);
	rt->worker_stack_bytes = o->worker_stack_bytes;
	rt->patience = span(o->deadlock_after_ns);
	rt->migrate = o->migrate;
	rt->quiet = o->quiet;
	rt->seed = o->seed;
	rt->hooks = o->hooks;
	rt->stuck_after = span(o->stuck_after_ns);
	rt->on_stuck = o->on_stuck;
	rt->on_stuck_arg = o->on_stuck_arg;
	/* Without threads there is no watchdog to ask, and nobody to tell. */
	if (o->flavour != GO_CURRENT_THREAD && o->on_stuck)
		rt->backtrace.signal = o->backtrace_signal;
	go__pool_init(&rt->pool, o->max_blocking_threads,
		      span(o->blocking_keep_alive_ns));
	strncpy(rt->thread_name, o->thread_name, sizeof(rt->thread_name) - 1);
	if (o->allow_unguarded)
		go__stack_allow_unguarded(true);
}

/* Whose blocking function runs on this thread, or NULL. */
static const struct go__task *served(const struct go__context *c)
{
	if (!(c->flags & GO__CONTEXT_THREAD) || !c->waiter)
		return NULL;
	return go__container_of((struct go__waiter *)c->waiter,
				struct go__thread, waiter)
		->pool.serves;
}

/* For reports of stack overflows: in a signal handler, for what runs. */
static void describe_task(const struct go__context *c, struct go__overflow *out)
{
	const struct go__task *t = served(c);

	if (t) {
		out->kind = "a blocking call of task";
	} else if (c->flags & (GO__CONTEXT_TASK | GO__CONTEXT_SECTION)) {
		t = go__container_of(c, struct go__task, context);
		out->kind = "task";
		out->setting =
			"go_spawn_options.stack_bytes, or GOFER_STACK_BYTES";
	} else {
		return;
	}
	out->name = t->name;
	out->site = t->start.site;
}

/* Workers that may be lent. */
static unsigned count_spares(const go_runtime_options *o)
{
	if (o->flavour != GO_MULTI_THREAD || o->stuck_after_ns == GO_NEVER)
		return 0;
	return o->workers < SPARES_LEAST ? SPARES_LEAST : o->workers;
}

/* Those that may be lent stay as they are until the first time. */
static struct go_runtime *allocate(unsigned workers, unsigned spares)
{
	size_t one = sizeof(struct go__worker);
	size_t bytes = sizeof(struct go_runtime) + workers * one;
	struct go_runtime *rt = go__sys_aligned_alloc(64, bytes + spares * one);

	if (rt) {
		memset(rt, 0, bytes);
		rt->worker_count = workers;
		rt->spares = spares;
	}
	return rt;
}

/* Under rt->lock, or alone: all threads are to end.  The phase is STOPPED. */
static void stop_threads(struct go_runtime *rt)
{
	go__watchdog_stop(rt);
	go__notify_all(rt);
	go__pool_stop(rt);
}

/* Wait until they have; returns how many have not by the deadline. */
static unsigned await_threads(struct go_runtime *rt, uint64_t deadline)
{
	unsigned left = go__watchdog_wait(rt, deadline) ? 0 : 1;

	return left + go__pool_wait(rt, deadline);
}

/*
 * They have, all but for their last instructions, and the destructors of the
 * program's thread-local values.  False: not by the deadline.  The lock is
 * held for a millisecond at a time.
 */
static bool join_threads(struct go_runtime *rt, uint64_t deadline)
{
	bool joined;
	uint64_t now;

	do {
		now = go__sys_now();
		go__lock_acquire(&rt->lock);
		if (!rt->joined)
			rt->joined = go__watchdog_join(rt, now + JOIN_STEP) &&
				     go__pool_join(rt, now + JOIN_STEP);
		joined = rt->joined;
		go__lock_release(&rt->lock);
	} while (!joined && now < deadline);
	return joined;
}

static void set_phase(struct go_runtime *rt, enum go__phase phase)
{
	/* seq_cst <-> [phase]: before the look at the wait words. */
	go__store_seq_cst(&rt->phase, phase);
}

static int open_posts(struct go_runtime *rt, const go_runtime_options *o)
{
	int r;

	rt->posts = o->pollers;
	r = go__pollers_create(&rt->pollers, rt->posts);
	for (unsigned i = 0; r == 0 && i < rt->posts; i++)
		rt->post[i].poller = go__pollers_get(rt->pollers, i);
	return r;
}

static int start_threads(struct go_runtime *rt)
{
	int r = go__watchdog_start(rt);

	if (rt->flavour == GO_CURRENT_THREAD)
		return 0;
	for (unsigned i = 0; r == 0 && i < rt->worker_count; i++)
		r = go__pool_host(&rt->worker[i]);
	if (r < 0) {
		set_phase(rt, GO__STOPPED);
		stop_threads(rt);
		(void)await_threads(rt, GO__NO_DEADLINE);
		(void)join_threads(rt, GO__NO_DEADLINE);
	}
	return r;
}

int go_runtime_create(go_runtime **out, const go_runtime_options *options)
{
	go_runtime_options o;
	struct go_runtime *rt;
	int r;

	if (!out)
		return -EINVAL;
	r = go__options_settle(options, &o);
	if (r < 0)
		return r;
	rt = allocate(o.workers, count_spares(&o));
	if (!rt)
		return -ENOMEM;
	go__list_init(&rt->seats);
	configure(rt, &o);
	go__queue_init(&rt->injection);
	go__queue_init(&rt->starved);
	go__idle_init(&rt->idle, rt->worker_count);
	go__lend_init(rt);
	for (unsigned i = 0; i < rt->worker_count; i++)
		go__worker_init(&rt->worker[i], rt, i);
	/* relaxed: always the same value. */
	atomic_store_explicit(&go__overflow_describe, describe_task,
			      memory_order_relaxed);
	r = go__overflow_install();
	if (r == 0 && o.dump_signal)
		r = go__dump_on_signal(o.dump_signal);
	if (r == 0 && o.backtrace_signal)
		r = go__backtrace_on_signal(o.backtrace_signal);
	if (r == 0)
		r = open_posts(rt, &o);
	if (r == 0) {
		r = start_threads(rt);
		if (r < 0)
			go__pollers_destroy(rt->pollers);
	}
	if (r < 0) {
		go__sys_free(rt);
		return r;
	}
	go__runtimes_add(rt);
	go__options_print(rt, &o);
	*out = rt;
	return 0;
}

/* ---- hosting a runtime without threads ---- */

static bool task_is_over(void *arg)
{
	go_task *task = arg;
	struct go__task *t = task->block;

	return !go__task_word_is(&t->word, task->id);
}

/* Run the tasks of a runtime without threads until this one is over. */
static void host_main(struct go_runtime *rt, go_task *task)
{
	rt->main = *task;
	(void)go__worker_host(&rt->worker[0], task_is_over, task);
	rt->main = (go_task){NULL, 0};
}

/* ---- running something in it ---- */

/* With the seat, or while somebody else has it. */
static int run_or_join(struct go_runtime *rt, int seat,
		       const struct go__start *start, void **result)
{
	go_task task;
	int r = seat, error = go__spawn(rt, NULL, NULL, start, &task);

	if (error == 0 && r != GO__SEATED)
		r = go__task_join_or_host(rt, task, result);
	if (r != GO__SEATED)
		return error ? error : r;
	if (error == 0)
		host_main(rt, &task);
	go__runtime_unhost(rt);
	return error ? error : go_task_join(task, result);
}

/* Without threads of its own: the caller's thread serves. */
static int block_on_current(struct go_runtime *rt,
			    const struct go__start *start, void **result)
{
	int r;

	go__visit(rt);
	r = go__seat_ask(rt);
	if (r >= 0)
		r = run_or_join(rt, r, start, result);
	go__depart(rt);
	return r;
}

static int block_on_multi(struct go_runtime *rt, const struct go__start *s,
			  void **result)
{
	go_shield shield;
	go_task task;
	int r = go__spawn(rt, NULL, NULL, s, &task);

	if (r < 0)
		return r;
	/* Deaf: *arg is the task's until it is over. */
	(void)go_shield_begin(&shield);
	r = go_task_join(task, result);
	go_shield_end(&shield);
	return r;
}

int go_runtime_block_on_at(go_runtime *rt, go_fn *fn, void *arg, void **result,
			   const char *site)
{
	struct go__start start = {fn, arg, site, NULL};

	if (!rt || !fn)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	if (go__worker_self())
		return go__refuse(GO__REFUSED_BLOCK_ON);
	if (!go__thread_self())
		return -ENOMEM;
	return rt->flavour == GO_CURRENT_THREAD
		       ? block_on_current(rt, &start, result)
		       : block_on_multi(rt, &start, result);
}

int go_run_with_at(const go_runtime_options *options, go_fn *main_fn, void *arg,
		   void **result, const char *site)
{
	static const go_runtime_options defaults;
	go_runtime_options o = options ? *options : defaults;
	go_runtime *rt;
	int r;

	if (!main_fn)
		return -EINVAL;
	if (go__worker_self())
		return go__refuse(GO__REFUSED_RUN);
	if (o.deadlock_after_ns == 0)
		o.deadlock_after_ns = GO_SECOND;
	r = go_runtime_create(&rt, &o);
	if (r < 0)
		return r;
	r = go_runtime_block_on_at(rt, main_fn, arg, result, site);
	(void)go_runtime_shutdown(rt, GO_NEVER);
	if (r == 0 && rt->deadlocked)
		r = -EDEADLK;
	(void)go_runtime_destroy(rt);
	return r;
}

int go_run_at(go_fn *main_fn, void *arg, const char *site)
{
	return go_run_with_at(NULL, main_fn, arg, NULL, site);
}

/* ---- shutting down ---- */

uint64_t go__runtime_live(struct go_runtime *rt)
{
	uint64_t begun = 0;
	/* seq_cst <-> go__pool_task_ended(); acquire, as the next ones. */
	uint64_t ended =
		atomic_load_explicit(&rt->pool.ended, memory_order_seq_cst);

	for (unsigned i = 0; i < go__slots(rt); i++)
		/* acquire <- [ended]: what came before the ends is counted
		 * below. */
		ended += atomic_load_explicit(&rt->worker[i].ended,
					      memory_order_acquire);
	/* Once more: a task that has ended may have begun on a new one. */
	for (unsigned i = 0; i < go__slots(rt); i++)
		/* relaxed: see the head; a task's own beginning is counted
		 * before its end. */
		begun += atomic_load_explicit(&rt->worker[i].spawned,
					      memory_order_relaxed);
	/* relaxed: as above. */
	begun += atomic_load_explicit(&rt->spawned, memory_order_relaxed);
	return begun - ended;
}

void go__runtime_drained(struct go_runtime *rt)
{
	/* [news] release -> wait_drained(). */
	atomic_fetch_add_explicit(&rt->news, 1, memory_order_release);
	go__sys_futex_wake(&rt->news, 1 << 16);
}

/* Phase one: no new tasks. */
static void close_door(struct go_runtime *rt)
{
	go__lock_acquire(&rt->lock);
	/* relaxed: written under this lock. */
	if (atomic_load_explicit(&rt->phase, memory_order_relaxed) == GO__OPEN)
		set_phase(rt, GO__CLOSING);
	go__lock_release(&rt->lock);
	go__lock_acquire(&rt->injection.lock);
	rt->injection.closed = true;
	go__lock_release(&rt->injection.lock);
}

/* Phase two, for one block: end the wait of a task of this runtime. */
static bool interrupt_ours(struct go__task *t, void *arg)
{
	uint64_t id = go__task_word_id(&t->word);

	/* relaxed: go__task_word_id() has acquired what goes with this id. */
	if (atomic_load_explicit(&t->runtime, memory_order_relaxed) == arg)
		go__task_interrupt(t, id);
	return true;
}

static uint64_t deadline_after(int64_t timeout_ns)
{
	return timeout_ns == GO_NEVER ? GO__NO_DEADLINE
				      : go__sys_now() + (uint64_t)timeout_ns;
}

/* Phase three, with threads: wait until no task is left. */
static void wait_drained(struct go_runtime *rt, uint64_t deadline)
{
	int r = 0;

	while (r != -ETIMEDOUT) {
		/* acquire <- [news]. */
		uint32_t news =
			atomic_load_explicit(&rt->news, memory_order_acquire);

		if (go__runtime_live(rt) == 0)
			return;
		/* Those who have no tasks left to run may all sleep. */
		go__notify_all(rt);
		r = go__sys_futex_wait(&rt->news, news, deadline);
	}
}

/* As long as it takes: who waits here is not going to wake anybody. */
static void wait_patiently(struct go_runtime *rt)
{
	/* relaxed, both: read when our own thread is known to wait here, or
	 * not to exist (deadlock.c). */
	atomic_fetch_add_explicit(&rt->drainers, 1, memory_order_relaxed);
	wait_drained(rt, GO__NO_DEADLINE);
	atomic_fetch_sub_explicit(&rt->drainers, 1, memory_order_relaxed);
}

static bool drained_or_late(void *arg)
{
	struct go_runtime *rt = arg;

	return go__runtime_live(rt) == 0 ||
	       (rt->worker[0].limit != GO__NO_DEADLINE &&
		go__sys_now() >= rt->worker[0].limit);
}

/* Somebody else runs the tasks; wait for the seat as long as it takes. */
static int wait_for_seat(struct go_runtime *rt, uint64_t deadline)
{
	uint32_t patient = deadline == GO__NO_DEADLINE;
	int r;

	/* relaxed, both: as in wait_patiently(). */
	atomic_fetch_add_explicit(&rt->drainers, patient, memory_order_relaxed);
	r = go__seat_wait(rt, deadline);
	atomic_fetch_sub_explicit(&rt->drainers, patient, memory_order_relaxed);
	return r;
}

/* The same without threads. */
static int run_until_drained(struct go_runtime *rt, uint64_t deadline)
{
	int r = go__seat_ask(rt);

	if (r == 0)
		r = wait_for_seat(rt, deadline);
	if (r != GO__SEATED)
		return r == -ETIMEDOUT ? 0 : r;
	rt->worker[0].limit = deadline;
	r = go__worker_host(&rt->worker[0], drained_or_late, rt);
	rt->worker[0].limit = GO__NO_DEADLINE;
	go__runtime_unhost(rt);
	return r;
}

/* Until no task is left, or the deadline; 0 or -errno. */
static int drain(struct go_runtime *rt, uint64_t deadline)
{
	if (rt->flavour == GO_CURRENT_THREAD)
		return go__phase(rt) == GO__STOPPED
			       ? 0
			       : run_until_drained(rt, deadline);
	if (deadline == GO__NO_DEADLINE)
		wait_patiently(rt);
	else
		wait_drained(rt, deadline);
	return 0;
}

/*
 * Phase four: stop the threads.  They have nothing left to do, so they get some
 * time even if there is none; but hooks and destructors of the program's run
 * in them, which may take for ever.  Returns how many threads are left.
 */
static unsigned stop(struct go_runtime *rt, uint64_t deadline)
{
	uint64_t least = go__sys_now() + GRACE;
	unsigned left;

	go__lock_acquire(&rt->lock);
	set_phase(rt, GO__STOPPED);
	/* Others in wait_drained(): the workers may end now before they have
	 * found that nothing is left. */
	go__runtime_drained(rt);
	stop_threads(rt);
	go__lock_release(&rt->lock);
	if (deadline < least)
		deadline = least;
	left = await_threads(rt, deadline);
	if (left != 0)
		return left;
	return join_threads(rt, deadline) ? 0 : 1;
}

unsigned go__runtime_threads_left(struct go_runtime *rt)
{
	unsigned left;

	if (go__phase(rt) != GO__STOPPED)
		return 0;
	left = await_threads(rt, 0);
	return left == 0 && !join_threads(rt, 0) ? 1 : left;
}

/* What is left at the deadline, or -errno. */
static int close_down(struct go_runtime *rt, uint64_t deadline)
{
	uint64_t left;
	int r;

	close_door(rt);
	go__block_each(interrupt_ours, rt);
	r = drain(rt, deadline);
	/* No task needs a host for which there is no memory. */
	if (r < 0 && (r != -ENOMEM || go__runtime_live(rt) != 0))
		return r;
	left = go__runtime_live(rt);
	if (left == 0)
		left = stop(rt, deadline);
	return left < INT32_MAX ? (int)left : INT32_MAX;
}

/*
 * Is the caller one of its tasks, or another guest of its threads; or run by
 * one, which hosts a runtime without threads?
 */
static bool is_inside(const struct go_runtime *rt)
{
	struct go__worker *w = go__worker_self();
	struct go__context *c = go__self();

	for (;;) {
		if (w && w->runtime == rt)
			return true;
		if (!(c->flags & GO__CONTEXT_TASK))
			return go__pool_is_inside(c, rt);
		c = go__task_of_context(c)->worker->host;
		w = c->flags & GO__CONTEXT_TASK ? go__task_of_context(c)->worker
						: NULL;
	}
}

int go_runtime_shutdown(go_runtime *rt, int64_t timeout_ns)
{
	int left;

	if (!rt || timeout_ns < 0)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	if (is_inside(rt))
		return go__refuse(GO__REFUSED_SHUTDOWN);
	go__visit(rt);
	left = close_down(rt, deadline_after(timeout_ns));
	/* One who does not wait only asks. */
	if (left > 0 && timeout_ns != 0)
		go__left_tell(rt);
	go__depart(rt);
	return left;
}

/*
 * Wakers of other runtimes may still be inside, for a few instructions: ready.c
 * says why; and who has waited here for what is over now.  They are not asked
 * to tell us, so we look again and again.
 */
static void await_visitors(struct go_runtime *rt)
{
	uint32_t n;

	/* acquire <- [left]. */
	while ((n = atomic_load_explicit(&rt->visitors, memory_order_acquire)))
		(void)go__sys_futex_wait(&rt->visitors, n,
					 go__sys_now() + 20 * 1000);
}

int go_runtime_destroy(go_runtime *rt)
{
	bool joined;

	if (!rt)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	if (is_inside(rt))
		return go__refuse(GO__REFUSED_DESTROY);
	if (go__phase(rt) != GO__STOPPED)
		return -EBUSY;
	/* acquire <- [out]. */
	if (atomic_load_explicit(&rt->entered, memory_order_acquire))
		return -EBUSY;
	go__lock_acquire(&rt->lock);
	joined = rt->joined;
	go__lock_release(&rt->lock);
	if (!joined)
		return -EBUSY;
	await_visitors(rt);
	go__runtimes_remove(rt);
	if (rt->guest)
		go__worker_retire(&rt->worker[0]);
	go__pollers_destroy(rt->pollers);
	go__sys_free(rt);
	return 0;
}

int go_runtime_workers(const go_runtime *rt)
{
	return rt ? (int)rt->worker_count : -EINVAL;
}
