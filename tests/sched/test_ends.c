/* SPDX-License-Identifier: MIT */
/*
 * The end of a process, and of a runtime, at any moment: exit(), exec and
 * shutdown, each in many children, which end well and leave nothing behind.
 *
 * A child that shuts down counts its threads and descriptors before and after.
 * A full run, tools/test --long, has a thousand of them.
 */
#include "children.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gofer/file.h>
#include <gofer/process.h>
#include <gofer/signal.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <time.h>

#include "arch/sanitize.h"

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
			/* One that hangs is a failure like others. */
			alarm(200);
			fn();
			_exit(0);
		}
		cr_assert_gt(child, 0);
		cr_assert_eq(code_of(child), 0);
	}
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

static void close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		OR_FAIL(go_close(fds[i]) == 0);
}

/* Sockets of all kinds, and a descriptor in a message. */
static void make_sockets(void)
{
	struct sockaddr_in a;
	socklen_t length = sizeof a;
	char address[40];
	size_t one = 1;
	int fds[7];

	fds[0] = go_tcp_listen("127.0.0.1:0");
	OR_FAIL(getsockname(fds[0], (struct sockaddr *)&a, &length) == 0);
	snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(a.sin_port));
	fds[1] = go_tcp_dial(address);
	fds[2] = go_accept(fds[0], NULL, NULL);
	OR_FAIL(go_socketpair(AF_UNIX, SOCK_STREAM, 0, &fds[3]) == 0);
	OR_FAIL(go_send_fds(fds[3], "x", 1, &fds[1], 1) == 1);
	OR_FAIL(go_recv_fds(fds[4], address, 1, &fds[5], &one) == 1);
	fds[6] = go_dup(fds[3]);
	go_yield();
	close_all(fds, 7);
}

static void make_files(void)
{
	go_dir *dir;
	int fd = go_open("/dev/null", O_RDONLY), fds[2];

	OR_FAIL(fd >= 0 && go_close(fd) == 0);
	OR_FAIL(go_opendir(&dir, "/proc/self") == 0);
	OR_FAIL(go_closedir(dir) == 0);
	OR_FAIL(go_pipe(fds) == 0);
	close_all(fds, 2);
}

static void make_child(void)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE, .out = GO_STDIO_PIPE,
	     .err = GO_STDIO_PIPE);
	char name[] = "true", *argv[] = {name, NULL};
	go_process *p;
	int fds[3];

	OR_FAIL(go_process_spawn(&p, name, argv, &o) == 0);
	for (int i = 0; i < 3; i++)
		fds[i] = go_process_pipe(p, i);
	OR_FAIL(go_process_wait(p, NULL) == 0);
	OR_FAIL(go_process_release(p) == 0);
	close_all(fds, 3);
}

static void make_subscription(void)
{
	go_signals *s;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	OR_FAIL(go_signals_create(&s, &set) == 0);
	OR_FAIL(go_signals_destroy(s) == 0);
}

static void (*const makers[])(void) = {make_sockets, make_files, make_child,
				       make_subscription};

static ATOMIC(int) making;

static void *make_on(void *maker)
{
	while (!atomic_load(&stop)) {
		makers[GO_TO_INT(maker)]();
		go_yield();
	}
	atomic_fetch_sub(&making, 1);
	return NULL;
}

/* One that polls has an eventfd of its own. */
static void poll_in_threads(void *unused)
{
	struct pollfd p = {-1, POLLIN, 0};

	(void)unused;
	OR_FAIL(go_poll(&p, 1, 1) == 0);
}

/*
 * While descriptors of all kinds are being made, from the first moment on.  The
 * sanitizers read /proc/self/maps when a thread begins, by a descriptor that is
 * not closed by exec: with them nothing is compared.
 */
Test(ends, every_descriptor_is_closed_by_exec, .timeout = 600)
{
	static char before[4096], after[4096];
	go_runtime *rt;

	list_descriptors(before, sizeof before);
	rt = make_load();
	atomic_store(&making, 8);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(go_runtime_spawn(rt, make_on, GO_INT(i % 4)), 0);
	test_start_threads(2, poll_in_threads, NULL);
	for (uint64_t i = 0; i < test_rounds(50); i++) {
		list_descriptors(after, sizeof after);
		if (!GO__SANITIZE)
			cr_assert_str_eq(after, before);
	}
	test_join_threads();
	atomic_store(&stop, true);
	while (atomic_load(&making) > 0)
		usleep(100);
	end_load(rt);
}

Test(ends, fork_and_exec_under_load, .timeout = 600)
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

static void exit_at_some_time(void)
{
	(void)make_load();
	OR_FAIL(atexit(use_the_library) == 0);
	wait_a_little();
	exit(0);
}

Test(ends, exit_at_any_moment, .timeout = 600)
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

Test(ends, exit_in_a_task, .timeout = 600)
{
	in_children(exit_inside, test_rounds(50));
}

/* ---- shutdown ---- */

/* ThreadSanitizer has threads of its own, after each fork more of them. */
static bool is_alone(void)
{
	return GO__TSAN || test_entries("/proc/self/task") == 1;
}

static go_chan *handed_on;

/* Waits of other kinds than the pairs' for descriptors and time. */
static void *send_on(void *unused)
{
	int n = 0;

	while (go_chan_send(handed_on, &n) == 0)
		n++;
	return unused;
}

static void *receive_on(void *unused)
{
	int n;

	while (go_chan_recv(handed_on, &n) == 0)
		if (n % 16 == 0)
			go_yield();
	return unused;
}

static void *take_a_moment(void *unused)
{
	usleep(test_random(300));
	return unused;
}

static void *call_on(void *unused)
{
	while (go_blocking(take_a_moment, NULL, NULL) == 0)
		;
	return unused;
}

static void *begin_and_end(void *unused)
{
	while (go_sleep(test_random(100000)) == 0)
		if (go_blocking_begin() == 0) {
			take_a_moment(NULL);
			(void)go_blocking_end();
		}
	return unused;
}

static void *child(void *unused)
{
	(void)go_sleep(test_random(200000));
	return unused;
}

/* Tasks whose tasks' tasks come and go. */
static void *spawn_on(void *unused)
{
	go_task t;

	while (go_task_spawn(&t, child, NULL) == 0)
		if (go_task_join(t, NULL) != 0) {
			(void)go_task_detach(t);
			break;
		}
	return unused;
}

static void *connect_on(void *unused)
{
	int fds[2];
	char c;

	while (go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0) {
		GO_TIMEOUT(test_random(200000));
		ssize_t n = go_read(fds[0], &c, 1);

		go_close(fds[0]);
		go_close(fds[1]);
		if (n != -ETIMEDOUT)
			break;
	}
	return unused;
}

static go_runtime *make_some(int flavour)
{
	go_fn *const kinds[] = {send_on,       receive_on, call_on,
				begin_and_end, spawn_on,   connect_on};
	MAKE(go_runtime_options, o, .flavour = flavour,
	     .workers = flavour == GO_CURRENT_THREAD ? 0 : 1 + test_random(4));
	go_runtime *rt = NULL;

	OR_FAIL(go_runtime_create(&rt, &o) == 0);
	atomic_store(&stop, false);
	for (uint32_t i = 2 + test_random(20); i > 0; i--) {
		uint32_t k = test_random(7);

		if (k == 6)
			add_pair(rt);
		else
			OR_FAIL(go_runtime_spawn(rt, kinds[k], NULL) == 0);
	}
	return rt;
}

static void shut_down(go_runtime *rt)
{
	static const int64_t timeouts[] = {0, 1, GO_MILLISECOND, GO_NEVER};
	int left;

	do {
		left = go_runtime_shutdown(rt, timeouts[test_random(4)]);
		OR_FAIL(left >= 0);
	} while (left > 0);
	OR_FAIL(go_runtime_destroy(rt) == 0);
}

/* For a random time; also the runtime's that has no threads of its own. */
static void *look_on(void *unused)
{
	(void)go_sleep(test_random(3000000));
	return unused;
}

static void live_once(void)
{
	int flavour = (int)test_random(GO_HOME_THREAD + 1);
	go_runtime *rt = make_some(flavour);

	if (flavour == GO_CURRENT_THREAD || test_random(2))
		OR_FAIL(go_runtime_block_on(rt, look_on, NULL, NULL) == 0);
	else
		wait_a_little();
	shut_down(rt);
}

static void shut_down_at_some_time(void)
{
	unsigned descriptors;

	OR_FAIL(is_alone());
	OR_FAIL(setenv("GOFER_QUIET", "1", 1) == 0);
	OR_FAIL(go_chan_create(&handed_on, sizeof(int), 2) == 0);
	descriptors = test_entries("/proc/self/fd");
	for (int i = 0; i < 2; i++) {
		live_once();
		OR_FAIL(test_entries("/proc/self/fd") == descriptors);
		/* One that has been joined leaves the list a little later. */
		while (!is_alone())
			usleep(100);
	}
	OR_FAIL(go_chan_destroy(handed_on) == 0);
}

Test(ends, shutdown_at_any_moment, .timeout = 600)
{
	in_children(shut_down_at_some_time, test_rounds(100));
}
