/* SPDX-License-Identifier: MIT */
/*
 * fork under load: the child's copies of runtimes are dead and say so, and a
 * new one can be made.
 *
 * Cannot show: locks of the program's own objects, which fork copies as held.
 */
#include "children.h"

#include <signal.h>

static void *nothing(void *arg)
{
	return arg;
}

/* A new runtime, with descriptors, timers and tasks. */
static void *live(void *unused)
{
	int fds[2];
	char c = 0;

	OR_FAIL(go_pipe(fds) == 0);
	OR_FAIL(go_spawn(writer, GO_INT(fds[1])) == 0);
	OR_FAIL(go_read(fds[0], &c, 1) == 1 && c == 'x');
	atomic_store(&stop, true);
	OR_FAIL(go_close(fds[0]) == 0);
	OR_FAIL(go_sleep(1000) == 0);
	return unused;
}

static void check_child(go_runtime *rt)
{
	void *result;
	go_chan *c;
	int n = 1;

	OR_FAIL(go_runtime_spawn(rt, nothing, NULL) == -ECHILD);
	OR_FAIL(go_runtime_block_on(rt, nothing, NULL, &result) == -ECHILD);
	OR_FAIL(go_runtime_shutdown(rt, GO_NEVER) == -ECHILD);
	OR_FAIL(go_runtime_destroy(rt) == -ECHILD);
	OR_FAIL(go_runtime_enter(rt) == -ECHILD);
	OR_FAIL(go_runtime_fd(rt) == -ECHILD);
	OR_FAIL(go_runtime_turn(rt, 0, 0) == -ECHILD);
	OR_FAIL(go_runtime_next_deadline_ns(rt) == -ECHILD);
	/* A thread of the pool, or one that has entered, still names it. */
	n = go_runtime_current() ? -ECHILD : -ESRCH;
	OR_FAIL(go_spawn(nothing, NULL) == n);
	OR_FAIL(go_blocking_spawn(nothing, NULL) == n);
	OR_FAIL(go_blocking(nothing, NULL, NULL) == 0);
	OR_FAIL(go_blocking_begin() == 0 && go_blocking_end() == 0);
	n = 1;
	OR_FAIL(go_yield() == 0 && go_sleep(1000) == 0);
	OR_FAIL(go_chan_create(&c, sizeof n, 1) == 0);
	OR_FAIL(go_chan_send(c, &n) == 0 && go_chan_recv(c, &n) == 0);
	OR_FAIL(go_chan_destroy(c) == 0);
	atomic_store(&stop, false);
	OR_FAIL(go_run(live, NULL) == 0);
}

Test(fork, a_thread_forks, .timeout = 60)
{
	go_runtime *rt = make_load();

	for (uint64_t i = 0; i < test_rounds(20); i++) {
		pid_t child = fork();

		if (child == 0) {
			check_child(rt);
			_exit(0);
		}
		cr_assert_gt(child, 0);
		cr_assert_eq(code_of(child), 0);
	}
	end_load(rt);
}

static go_runtime *ours;

/* The child of a task goes on as a thread, and returns to nobody. */
static void *fork_here(void *status)
{
	pid_t child;

	OR_FAIL(go_yield() == 0);
	child = fork();
	if (child == 0) {
		check_child(ours);
		return NULL;
	}
	*(int *)status = code_of(child);
	return NULL;
}

static void *fork_in_section(void *status)
{
	OR_FAIL(go_blocking_begin() == 0);
	if (!fork_here(status))
		OR_FAIL(go_blocking_end() == 0);
	return NULL;
}

static void *fork_in_pool(void *status)
{
	OR_FAIL(go_blocking(fork_here, status, NULL) == 0);
	return NULL;
}

Test(fork, a_task_forks, .timeout = 60)
{
	ours = make_load();
	for (uint64_t i = 0; i < test_rounds(10); i++) {
		int status = -1;

		cr_assert_eq(
			go_runtime_block_on(ours, fork_here, &status, NULL), 0);
		cr_assert_eq(status, 0);
		status = -1;
		cr_assert_eq(
			go_runtime_block_on(ours, fork_in_pool, &status, NULL),
			0);
		cr_assert_eq(status, 0);
		status = -1;
		cr_assert_eq(go_runtime_block_on(ours, fork_in_section, &status,
						 NULL),
			     0);
		cr_assert_eq(status, 0);
	}
	end_load(ours);
}

/* ---- from within a call of the library ---- */

/* The runtime's own threads block all signals, or all that are handled. */
static void limit_child(void)
{
	sigset_t set;

	OR_FAIL(sigemptyset(&set) == 0 && sigaddset(&set, SIGALRM) == 0);
	OR_FAIL(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	alarm(20);
}

static go_event left_over;

static void *stay(void *unused)
{
	(void)go_event_wait(&left_over);
	return unused;
}

/* What the child learns of those that were left is not more than it knows. */
static void fork_when_told(const go_left *left, void *arg)
{
	int *calls = (int *)arg;
	pid_t child;

	if (++*calls > 1)
		return;
	child = fork();
	if (child == 0) {
		limit_child();
		check_child(left->runtime);
		*calls += 100;
		return;
	}
	OR_FAIL(child > 0 && code_of(child) == 0);
}

/* In the child of a task, which returns to nobody, and of a thread. */
static void *ask_what_is_left(void *tasks)
{
	int calls = 0, r = go_runtime_left(ours, fork_when_told, &calls);

	if (calls < 100) {
		OR_FAIL(r == GO_TO_INT(tasks) && calls == r);
		return NULL;
	}
	OR_FAIL(calls == 101 && r == -ECHILD);
	OR_FAIL(go_runtime_left(ours, fork_when_told, &calls) == -ECHILD);
	OR_FAIL(calls == 101);
	return tasks;
}

Test(fork, who_is_told_what_is_left_forks, .timeout = 60)
{
	ASSIGN(go_event, left_over, GO_EVENT_INIT);
	cr_assert_eq(go_runtime_create(&ours, NULL), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(go_runtime_spawn(ours, stay, NULL), 0);
	if (ask_what_is_left(GO_INT(3)))
		_exit(0);
	cr_assert_eq(
		go_runtime_block_on(ours, ask_what_is_left, GO_INT(4), NULL),
		0);
	cr_assert_eq(go_event_set(&left_over), 0);
	cr_assert_eq(go_runtime_shutdown(ours, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(ours), 0);
}

/* ---- locks of the library's own ---- */

enum {
	MUTEXES = 512, /* More than share one lock of the library's table. */
};

static go_mutex contended[4], fresh[MUTEXES];

static void *contend(void *arg)
{
	size_t i = (size_t)GO_TO_INT(arg);

	while (!atomic_load(&stop)) {
		go_mutex *m = &contended[i++ % 4];

		(void)go_mutex_lock(m);
		go_yield();
		(void)go_mutex_unlock(m);
	}
	return NULL;
}

static void *lock_it(void *m)
{
	OR_FAIL(go_mutex_lock((go_mutex *)m) == 0);
	OR_FAIL(go_mutex_unlock((go_mutex *)m) == 0);
	return NULL;
}

static void *contend_for_all(void *unused)
{
	for (int i = 0; i < MUTEXES; i++) {
		go_task task;

		OR_FAIL(go_mutex_lock(&fresh[i]) == 0);
		OR_FAIL(go_task_spawn(&task, lock_it, &fresh[i]) == 0);
		go_yield();
		OR_FAIL(go_mutex_unlock(&fresh[i]) == 0);
		OR_FAIL(go_task_join(task, NULL) == 0);
	}
	return unused;
}

/* The child's own mutexes work, whatever the parent's threads were doing. */
Test(fork, while_mutexes_are_contended, .timeout = 600)
{
	MAKE(go_runtime_options, o, .workers = 2);
	MAKE(go_runtime_options, one, .flavour = GO_CURRENT_THREAD);
	go_runtime *rt;

	atomic_store(&stop, false);
	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	for (int i = 0; i < 16; i++)
		cr_assert_eq(go_runtime_spawn(rt, contend, GO_INT(i)), 0);
	for (uint64_t i = 0; i < test_rounds(300); i++) {
		pid_t child = fork();

		if (child == 0) {
			alarm(60);
			_exit(go_run_with(&one, contend_for_all, NULL, NULL) !=
			      0);
		}
		cr_assert_gt(child, 0);
		cr_assert_eq(code_of(child), 0);
	}
	atomic_store(&stop, true);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

/* ---- what the runtime calls ---- */

static ATOMIC(go_runtime *) called_by;
static ATOMIC(pid_t) forked;

/* The child finds its runtime dead, and ends when this returns. */
static void fork_once(void)
{
	static ATOMIC(int) done;
	pid_t child;

	if (!atomic_load(&called_by) || atomic_exchange(&done, 1))
		return;
	child = fork();
	if (child == 0) {
		limit_child();
		check_child(atomic_load(&called_by));
		return;
	}
	atomic_store(&forked, child);
}

static void fork_in_hook(void *unused)
{
	(void)unused;
	fork_once();
}

static void fork_in_report(const go_stuck_report *r, void *arg)
{
	atomic_store(&called_by, r->runtime);
	fork_in_hook(arg);
}

static void *hog_until_forked(void *unused)
{
	(void)unused;
	while (atomic_load(&forked) == 0)
		usleep(1000);
	return NULL;
}

static void run_called(const go_runtime_options *o, go_fn *fn)
{
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, o), 0);
	if (!o->on_stuck)
		atomic_store(&called_by, rt);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(go_runtime_spawn(rt, fn, NULL), 0);
	while (atomic_load(&forked) == 0)
		usleep(1000);
	cr_assert_eq(code_of(atomic_load(&forked)), 0);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

Test(fork, a_hook_forks, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 2);

	o.hooks.thread_park = fork_in_hook;
	run_called(&o, nothing);
}

Test(fork, a_report_of_a_hog_forks, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 2);

	o.on_stuck = fork_in_report;
	run_called(&o, hog_until_forked);
}
