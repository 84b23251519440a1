/* SPDX-License-Identifier: MIT */
/*
 * fork, exec and exit under load: the child's copies of runtimes are dead and
 * say so, a new one can be made, nothing leaks into an exec'ed program, and
 * exit() may come at any moment.
 *
 * A child reports by its exit code: 0, or, modulo 255, the line that failed.
 * Cannot show: locks of the program's own objects, which fork copies as held.
 */
#include <gofer.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "both.h"
#include "support.h"
#include "test.h"

#define OR_FAIL(condition) ((condition) ? (void)0 : fail(__LINE__))

static void fail(int line)
{
	fprintf(stderr, "child: line %d\n", line);
	_exit(line % 255 + 1);
}

static ATOMIC(bool) stop;

/* Load: a pair of tasks that talk through a pipe, and sleep in between. */
static void *writer(void *fd)
{
	while (!atomic_load(&stop) && go_write(GO_TO_INT(fd), "x", 1) == 1)
		(void)go_sleep(test_random(100000));
	go_close(GO_TO_INT(fd));
	return NULL;
}

static void *reader(void *fd)
{
	char c;

	while (go_read(GO_TO_INT(fd), &c, 1) == 1)
		go_yield();
	go_close(GO_TO_INT(fd));
	return NULL;
}

static go_runtime *make_load(void)
{
	MAKE(go_runtime_options, options, .workers = 3);
	go_runtime *rt = NULL;
	int fds[2];

	OR_FAIL(go_runtime_create(&rt, &options) == 0);
	atomic_store(&stop, false);
	for (int i = 0; i < 8; i++) {
		OR_FAIL(go_pipe(fds) == 0);
		OR_FAIL(go_runtime_spawn(rt, writer, GO_INT(fds[1])) == 0);
		OR_FAIL(go_runtime_spawn(rt, reader, GO_INT(fds[0])) == 0);
	}
	return rt;
}

static void end_load(go_runtime *rt)
{
	atomic_store(&stop, true);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

static int code_of(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

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

/* ---- exec ---- */

/* What a program that is started now would inherit, as text. */
static void list_descriptors(char *text, size_t size)
{
	char ls[] = "ls", path[] = "/proc/self/fd";
	char *const argv[] = {ls, path, NULL};
	posix_spawn_file_actions_t actions;
	size_t have = 0;
	ssize_t n;
	pid_t child;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	posix_spawn_file_actions_addclose(&actions, fds[1]);
	cr_assert_eq(posix_spawnp(&child, ls, &actions, NULL, argv, NULL), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	while ((n = read(fds[0], text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	close(fds[0]);
	cr_assert_eq(code_of(child), 0);
}

Test(fork, every_descriptor_is_closed_by_exec, .timeout = 60)
{
	static char before[4096], after[4096];
	go_runtime *rt;

	list_descriptors(before, sizeof before);
	rt = make_load();
	for (uint64_t i = 0; i < test_rounds(10); i++) {
		list_descriptors(after, sizeof after);
		cr_assert_str_eq(after, before);
	}
	end_load(rt);
}

Test(fork, fork_and_exec_under_load, .timeout = 600)
{
	go_runtime *rt = make_load();

	for (uint64_t i = 0; i < test_rounds(100); i++) {
		pid_t child = fork();

		if (child == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(99);
		}
		cr_assert_gt(child, 0);
		cr_assert_eq(code_of(child), 0);
	}
	end_load(rt);
}

/* ---- exit ---- */

static void use_the_library(void)
{
	go_chan *c;
	int n = 1;

	OR_FAIL(go_chan_create(&c, sizeof n, 1) == 0);
	OR_FAIL(go_chan_send(c, &n) == 0);
	OR_FAIL(go_chan_destroy(c) == 0);
	OR_FAIL(go_sleep(1000) == 0);
}

static void wait_a_little(void)
{
	struct timespec t = {0, (long)test_random(3000000)};

	nanosleep(&t, NULL);
}

/* Run fn in children that have no runtime yet. */
static void in_children(void (*fn)(void), uint64_t rounds)
{
	fflush(NULL);
	for (uint64_t i = 0; i < rounds; i++) {
		/* Each child draws other numbers. */
		uint32_t unused = test_random(2);
		pid_t child = fork();

		(void)unused;
		if (child == 0) {
			fn();
			_exit(0);
		}
		cr_assert_gt(child, 0);
		cr_assert_eq(code_of(child), 0);
	}
}

static void exit_at_some_time(void)
{
	(void)make_load();
	OR_FAIL(atexit(use_the_library) == 0);
	wait_a_little();
	exit(0);
}

Test(fork, exit_at_any_moment, .timeout = 600)
{
	in_children(exit_at_some_time, test_rounds(100));
}

static void *exit_in_task(void *unused)
{
	if (test_random(2))
		OR_FAIL(go_blocking_begin() == 0);
	(void)go_sleep(test_random(1000000));
	exit(0);
	return unused;
}

static void exit_inside(void)
{
	go_runtime *rt = make_load();

	OR_FAIL(go_runtime_block_on(rt, exit_in_task, NULL, NULL) == 0);
	fail(__LINE__);
}

Test(fork, exit_in_a_task, .timeout = 600)
{
	in_children(exit_inside, test_rounds(50));
}

static void shut_down_at_some_time(void)
{
	go_runtime *rt = make_load();

	wait_a_little();
	OR_FAIL(go_runtime_shutdown(rt, GO_NEVER) == 0);
	OR_FAIL(go_runtime_destroy(rt) == 0);
}

Test(fork, shutdown_at_any_moment, .timeout = 600)
{
	in_children(shut_down_at_some_time, test_rounds(100));
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
