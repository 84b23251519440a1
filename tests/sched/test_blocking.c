/* SPDX-License-Identifier: MIT */
/*
 * Blocking calls and blocking tasks: what runs, where, how many at a time, what
 * is withdrawn, and what a shutdown makes of it.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <gofer.h>

#include "both.h"
#include "support.h"
#include "test.h"

static const int flavours[] = {GO_MULTI_THREAD, GO_CURRENT_THREAD,
			       GO_HOME_THREAD};

static void *box(int n)
{
	return (void *)(intptr_t)n;
}

static int unbox(void *p)
{
	return (int)(intptr_t)p;
}

/* Run main_fn(arg) in a runtime, in each flavour. */
static void in_both(const go_runtime_options *options, go_fn *main_fn)
{
	for (unsigned i = 0; i < 2; i++) {
		go_runtime_options o = *options;

		o.flavour = flavours[i];
		cr_assert_eq(go_run_with(&o, main_fn, NULL, NULL), 0);
	}
}

static void in_both_by_default(go_fn *main_fn)
{
	MAKE(go_runtime_options, defaults, .workers = 0);

	in_both(&defaults, main_fn);
}

/* A gate that jobs wait at, as OS threads do. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	int inside, most; /* Jobs that have come, and the most at a time. */
	int passed;
};

static void gate_init(struct gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->open = false;
	g->inside = g->most = g->passed = 0;
}

static void *pass_gate(void *arg)
{
	struct gate *g = (struct gate *)arg;

	pthread_mutex_lock(&g->lock);
	g->inside++;
	if (g->most < g->inside)
		g->most = g->inside;
	pthread_cond_broadcast(&g->changed);
	while (!g->open)
		pthread_cond_wait(&g->changed, &g->lock);
	g->inside--;
	g->passed++;
	pthread_mutex_unlock(&g->lock);
	return box(7);
}

static void gate_open(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static int gate_inside(struct gate *g)
{
	int n;

	pthread_mutex_lock(&g->lock);
	n = g->inside;
	pthread_mutex_unlock(&g->lock);
	return n;
}

/* In a task: until n jobs are at the gate. */
static void await_inside(struct gate *g, int n)
{
	while (gate_inside(g) < n)
		go_sleep(GO_MILLISECOND);
}

/* ---- calls ---- */

static pthread_t worker_thread;

static void *on_another_thread(void *arg)
{
	cr_assert(!pthread_equal(pthread_self(), worker_thread));
	cr_assert_null(go_task_self().block);
	return box(unbox(arg) + 1);
}

static void *call_main(void *arg)
{
	void *result = NULL;

	worker_thread = pthread_self();
	cr_assert_eq(go_blocking(on_another_thread, box(41), &result), 0);
	cr_assert_eq(unbox(result), 42);
	cr_assert_eq(go_blocking(on_another_thread, box(41), NULL), 0);
	cr_assert_eq(go_blocking(NULL, NULL, NULL), -EINVAL);
	return arg;
}

Test(blocking, call_runs_elsewhere, .timeout = 20)
{
	MAKE(go_runtime_options, one, .workers = 1);

	in_both(&one, call_main);
}

/* Some C libraries give a thread 128 KiB, less than a task has. */
static void *use_much_stack(void *unused)
{
	volatile char much[640 * 1024];

	(void)unused;
	for (size_t i = 0; i < sizeof(much); i += 1024)
		much[i] = 1;
	return box(much[0]);
}

static void *call_with_much_stack(void *unused)
{
	void *result = NULL;

	(void)unused;
	cr_assert_eq(go_blocking(use_much_stack, NULL, &result), 0);
	return result;
}

Test(blocking, call_has_room, .timeout = 20)
{
	in_both_by_default(call_with_much_stack);
}

static void *same_thread(void *arg)
{
	cr_assert(pthread_equal(pthread_self(), *(pthread_t *)arg));
	return arg;
}

Test(blocking, plain_thread_runs_it_in_place, .timeout = 10)
{
	pthread_t self = pthread_self();
	void *result = NULL;

	cr_assert_eq(go_blocking(same_thread, &self, &result), 0);
	cr_assert_eq(result, &self);
	cr_assert_eq(go_blocking(NULL, NULL, NULL), -EINVAL);
	cr_assert_eq(go_blocking_spawn(same_thread, &self), -ESRCH);
}

static void *nested(void *arg)
{
	pthread_t self = pthread_self();

	cr_assert_eq(go_blocking(same_thread, &self, NULL), 0);
	return arg;
}

static void *nested_main(void *arg)
{
	cr_assert_eq(go_blocking(nested, NULL, NULL), 0);
	return arg;
}

Test(blocking, pool_thread_runs_it_in_place, .timeout = 10)
{
	in_both_by_default(nested_main);
}

/* ---- back in async land ---- */

static void *a_task(void *arg)
{
	cr_assert_eq(go_sleep(GO_MILLISECOND), 0);
	return box(unbox(arg) * 2);
}

static void *blocks_on(void *arg)
{
	go_runtime *rt = (go_runtime *)arg;
	void *result = NULL;

	cr_assert_eq(go_runtime_current(), rt);
	cr_assert_eq(go_runtime_block_on(rt, a_task, box(21), &result), 0);
	cr_assert_eq(unbox(result), 42);
	cr_assert_eq(go_runtime_shutdown(rt, 0), -EDEADLK);
	return result;
}

static void *carried_main(void *arg)
{
	void *result = NULL;

	cr_assert_eq(go_blocking(blocks_on, go_runtime_current(), &result), 0);
	cr_assert_eq(unbox(result), 42);
	return arg;
}

Test(blocking, handle_is_carried_to_the_pool, .timeout = 20)
{
	cr_assert_eq(go_run(carried_main, NULL), 0);
}

/* ---- blocking tasks ---- */

static void *tasks_main(void *arg)
{
	struct gate gate;
	go_task task[3], none = {NULL, 5};
	void *result = NULL;

	gate_init(&gate);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(go_blocking_task(&task[i], pass_gate, &gate), 0);
	cr_assert_eq(go_blocking_spawn(pass_gate, &gate), 0);
	await_inside(&gate, 4);
	gate_open(&gate);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(go_task_join(task[i], &result), 0);
		cr_assert_eq(unbox(result), 7);
		cr_assert_eq(go_task_join(task[i], &result), -ESRCH);
	}
	cr_assert_eq(go_blocking_task(NULL, pass_gate, &gate), -EINVAL);
	cr_assert_eq(go_blocking_task(&none, NULL, &gate), -EINVAL);
	cr_assert_eq(none.id, 5u);
	cr_assert_eq(go_blocking_spawn(NULL, &gate), -EINVAL);
	while (gate_inside(&gate) > 0)
		go_sleep(GO_MILLISECOND);
	return arg;
}

Test(blocking, tasks_are_joined, .timeout = 20)
{
	in_both_by_default(tasks_main);
}

static void *detached_main(void *arg)
{
	static struct gate gate;
	go_task task;

	gate_init(&gate);
	cr_assert_eq(go_blocking_task(&task, pass_gate, &gate), 0);
	cr_assert_eq(go_task_detach(task), 0);
	await_inside(&gate, 1);
	gate_open(&gate);
	return arg;
}

Test(blocking, tasks_are_detached_and_waited_for, .timeout = 20)
{
	in_both_by_default(detached_main);
}

/* ---- the cap, and what waits for its turn ---- */

static ATOMIC(int) ran;

static void *count_run(void *arg)
{
	atomic_fetch_add(&ran, 1);
	return arg;
}

static void *call_with_deadline(void *arg)
{
	int r;

	GO_TIMEOUT(2 * GO_MILLISECOND);
	r = go_blocking(count_run, NULL, NULL);
	(void)arg;
	return box(r);
}

static void *call_plainly(void *arg)
{
	(void)arg;
	return box(go_blocking(count_run, NULL, NULL));
}

static void *withdraw_main(void *arg)
{
	struct gate gate;
	go_task holder[2], timed, cancelled, job;
	void *result = NULL;

	gate_init(&gate);
	atomic_store(&ran, 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(go_blocking_task(&holder[i], pass_gate, &gate), 0);
	await_inside(&gate, 2);
	cr_assert_eq(go_task_spawn(&timed, call_with_deadline, NULL), 0);
	cr_assert_eq(go_task_spawn(&cancelled, call_plainly, NULL), 0);
	cr_assert_eq(go_blocking_task(&job, count_run, NULL), 0);
	cr_assert_eq(go_task_join(timed, &result), 0);
	cr_assert_eq(unbox(result), -ETIMEDOUT);
	cr_assert_eq(go_task_cancel(cancelled), 0);
	cr_assert_eq(go_task_join(cancelled, &result), 0);
	cr_assert_eq(unbox(result), -ECANCELED);
	cr_assert_eq(go_task_cancel(job), 0);
	cr_assert_eq(go_task_join(job, &result), -ENODATA);
	cr_assert_eq(go_task_cancel(job), -ESRCH);
	gate_open(&gate);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(go_task_join(holder[i], NULL), 0);
	cr_assert_eq(atomic_load(&ran), 0);
	cr_assert_eq(go_blocking(count_run, NULL, NULL), 0);
	cr_assert_eq(atomic_load(&ran), 1);
	return arg;
}

Test(blocking, what_has_not_started_is_withdrawn, .timeout = 20)
{
	MAKE(go_runtime_options, two, .max_blocking_threads = 2);

	in_both(&two, withdraw_main);
}

static void *started_main(void *arg)
{
	struct gate gate;
	go_task caller, job;
	void *result = NULL;

	gate_init(&gate);
	cr_assert_eq(go_blocking_task(&job, pass_gate, &gate), 0);
	cr_assert_eq(go_task_spawn(&caller, nested_main, NULL), 0);
	cr_assert_eq(go_task_join(caller, NULL), 0);
	await_inside(&gate, 1);
	cr_assert_eq(go_task_cancel(job), 0);
	gate_open(&gate);
	cr_assert_eq(go_task_join(job, &result), 0);
	cr_assert_eq(unbox(result), 7);
	return arg;
}

Test(blocking, what_has_started_is_waited_for, .timeout = 20)
{
	in_both_by_default(started_main);
}

struct deaf {
	struct gate gate;
	int r;
};

static void *deaf_caller(void *arg)
{
	struct deaf *d = (struct deaf *)arg;
	void *result = NULL;

	GO_TIMEOUT(50 * GO_SECOND);
	d->r = go_blocking(pass_gate, &d->gate, &result);
	cr_assert(go_cancelled());
	cr_assert_eq(unbox(result), 7);
	return NULL;
}

static void *deaf_main(void *arg)
{
	static struct deaf d;
	go_task caller;

	gate_init(&d.gate);
	cr_assert_eq(go_task_spawn(&caller, deaf_caller, &d), 0);
	await_inside(&d.gate, 1);
	cr_assert_eq(go_task_cancel(caller), 0);
	gate_open(&d.gate);
	cr_assert_eq(go_task_join(caller, NULL), 0);
	cr_assert_eq(d.r, 0);
	return arg;
}

Test(blocking, caller_of_a_started_job_is_deaf, .timeout = 20)
{
	in_both_by_default(deaf_main);
}

enum {
	CAP = 3,
	JOBS = 20,
};

static void *cap_main(void *arg)
{
	static struct gate gate;
	go_task job[JOBS];

	gate_init(&gate);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(go_blocking_task(&job[i], pass_gate, &gate), 0);
	await_inside(&gate, CAP);
	gate_open(&gate);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(go_task_join(job[i], NULL), 0);
	cr_assert_eq(gate.most, CAP);
	cr_assert_eq(gate.passed, JOBS);
	return arg;
}

Test(blocking, max_blocking_threads_is_a_cap, .timeout = 20)
{
	MAKE(go_runtime_options, cap, .max_blocking_threads = CAP);

	in_both(&cap, cap_main);
}

static int order[JOBS], ordered;

static void *note_order(void *arg)
{
	order[ordered++] = unbox(arg);
	return NULL;
}

static void *fifo_main(void *arg)
{
	struct gate gate;
	go_task holder, job[JOBS];

	gate_init(&gate);
	ordered = 0;
	cr_assert_eq(go_blocking_task(&holder, pass_gate, &gate), 0);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(go_blocking_task(&job[i], note_order, box(i)), 0);
	gate_open(&gate);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(go_task_join(job[i], NULL), 0);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(order[i], i);
	cr_assert_eq(go_task_join(holder, NULL), 0);
	return arg;
}

Test(blocking, queue_is_first_in_first_out, .timeout = 20)
{
	MAKE(go_runtime_options, one, .max_blocking_threads = 1);

	in_both(&one, fifo_main);
}

/* ---- between jobs ---- */

static go_key key;
static ATOMIC(int) handlers;

static void count_handler(void *arg)
{
	(void)arg;
	atomic_fetch_add(&handlers, 1);
}

static go_runtime *other;

static void *leaves_things_behind(void *arg)
{
	static go_deadline scope;

	cr_assert_null(go_local_get(key));
	cr_assert_eq(go_deadline_current(), GO_NEVER);
	cr_assert_eq(go_local_set(key, box(1)), 0);
	cr_assert_eq(go_at_exit(count_handler, NULL), 0);
	cr_assert_eq(go_timeout_begin(&scope, GO_SECOND), 0);
	cr_assert_neq(go_runtime_current(), other);
	cr_assert_eq(go_runtime_enter(other), 0);
	return arg;
}

static void *clean_main(void *arg)
{
	atomic_store(&handlers, 0);
	for (int i = 1; i <= 3; i++) {
		cr_assert_eq(go_blocking(leaves_things_behind, NULL, NULL), 0);
		cr_assert_eq(atomic_load(&handlers), i);
	}
	return arg;
}

Test(blocking, a_job_leaves_nothing_to_the_next, .timeout = 20)
{
	MAKE(go_runtime_options, one, .max_blocking_threads = 1);

	cr_assert_eq(go_key_create(&key, NULL), 0);
	cr_assert_eq(go_runtime_create(&other, NULL), 0);
	in_both(&one, clean_main);
	cr_assert_eq(go_runtime_shutdown(other, GO_NEVER), 0);
	/* -EBUSY if a thread were still in it. */
	cr_assert_eq(go_runtime_destroy(other), 0);
}

static void *expire_main(void *arg)
{
	atomic_store(&ran, 0);
	for (int i = 1; i <= 100; i++) {
		cr_assert_eq(go_blocking(count_run, NULL, NULL), 0);
		cr_assert_eq(atomic_load(&ran), i);
		if (i % 10 == 0)
			go_sleep(GO_MILLISECOND);
	}
	return arg;
}

Test(blocking, threads_that_expire_are_replaced, .timeout = 20)
{
	MAKE(go_runtime_options, now, .blocking_keep_alive_ns = 1);
	MAKE(go_runtime_options, soon,
	     .blocking_keep_alive_ns = GO_MILLISECOND);

	in_both(&now, expire_main);
	in_both(&soon, expire_main);
}

/* ---- shutdown ---- */

static struct gate stuck;

static void *start_stuck(void *arg)
{
	int *queued = (int *)arg;

	cr_assert_eq(go_blocking_spawn(pass_gate, &stuck), 0);
	await_inside(&stuck, 1);
	for (int i = 0; i < *queued; i++)
		cr_assert_eq(go_blocking_spawn(count_run, NULL), 0);
	return NULL;
}

static void shut_down_stuck(int flavour)
{
	MAKE(go_runtime_options, o, .flavour = flavour,
	     .max_blocking_threads = 1);
	go_runtime *rt;
	int queued = 5, left;

	gate_init(&stuck);
	atomic_store(&ran, 0);
	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	cr_assert_eq(go_runtime_block_on(rt, start_stuck, &queued, NULL), 0);
	do
		left = go_runtime_shutdown(rt, 20 * GO_MILLISECOND);
	while (left > 1);
	cr_assert_eq(left, 1);
	cr_assert_eq(go_runtime_destroy(rt), -EBUSY);
	gate_open(&stuck);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	cr_assert_eq(atomic_load(&ran), 0, "withdrawn, but run");
}

Test(blocking, shutdown_leaves_a_stuck_job_behind, .timeout = 20)
{
	shut_down_stuck(GO_MULTI_THREAD);
	shut_down_stuck(GO_CURRENT_THREAD);
	shut_down_stuck(GO_HOME_THREAD);
}

static void *in_a_shield(void *arg)
{
	go_shield shield;

	while (!go_cancelled())
		go_sleep(GO_SECOND);
	cr_assert_eq(go_blocking(count_run, NULL, NULL), -ECANCELED);
	cr_assert_eq(go_blocking_spawn(count_run, NULL), -ESHUTDOWN);
	cr_assert_eq(go_shield_begin(&shield), 0);
	cr_assert_eq(go_blocking(count_run, NULL, NULL), 0);
	go_shield_end(&shield);
	return arg;
}

static void *leave_one(void *arg)
{
	cr_assert_eq(go_spawn(in_a_shield, NULL), 0);
	return arg;
}

Test(blocking, tasks_may_clean_up_with_it_in_a_shutdown, .timeout = 20)
{
	atomic_store(&ran, 0);
	in_both_by_default(leave_one);
	cr_assert_eq(atomic_load(&ran), 2);
}

Test(blocking, exit_with_a_stuck_job_is_fine, .timeout = 20, .exit_code = 0)
{
	go_runtime *rt;
	int queued = 3;

	gate_init(&stuck);
	cr_assert_eq(go_runtime_create(&rt, NULL), 0);
	cr_assert_eq(go_runtime_block_on(rt, start_stuck, &queued, NULL), 0);
	exit(0);
}

Test(blocking, options_are_checked)
{
	MAKE(go_runtime_options, o, .blocking_keep_alive_ns = -1);
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &o), -EINVAL);
}
