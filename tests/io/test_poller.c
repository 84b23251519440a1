/* SPDX-License-Identifier: MIT */
/*
 * Pollers by themselves: time-outs, breaks, numbers, which descriptor belongs
 * to which, and failures while they are made.  Linked with the twin that can
 * make system calls fail.
 */
#include "support_io.h"

#include <poll.h>
#include <sys/wait.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/watch.h"
#include "sched/wait.h"
#include "poller.h"

static int wait_for(struct go__poller *p, int64_t timeout_ns)
{
	struct go__wake_list woken;
	int r;

	go__wake_list_init(&woken);
	r = go__poller_wait(p, timeout_ns, 64, &woken);
	go__wake_list_flush(&woken);
	return r;
}

static struct go__pollers *make(unsigned count)
{
	struct go__pollers *p = NULL;

	INSIST(go__pollers_create(&p, count) == 0);
	return p;
}

static void never_early(void)
{
	static const int64_t times[] = {1, 1000, 300000, 1000000, 1700000};
	struct go__pollers *all = make(2);
	struct go__poller *p = go__pollers_get(all, 1);

	for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++) {
		uint64_t start = go__sys_now();

		cr_assert_eq(wait_for(p, times[i]), 0);
		cr_assert(go__sys_now() - start >= (uint64_t)times[i]);
	}
	go__pollers_destroy(all);
}

Test(poller, time_is_never_early, .timeout = 20)
{
	never_early();
}

static _Atomic bool broken;

static void *break_later(void *arg)
{
	go_sleep(20 * GO_MILLISECOND);
	atomic_store(&broken, true);
	go__poller_break(arg);
	return NULL;
}

#if defined(GO_KQUEUE) && defined(__linux__)
/* What is cut off behind the microseconds has been added before. */
Test(poller, time_is_rounded_up, .timeout = 20)
{
	static const int64_t times[][2] = {
		{0, 0},       {1, 1000},          {999, 1000},
		{1000, 1000}, {1000001, 1001000}, {1999999, 2000000},
	};
	struct go__pollers *all = make(1);

	for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++) {
		cr_assert_eq(wait_for(go__pollers_get(all, 0), times[i][0]), 0);
		cr_assert_eq(kqueue_last_timeout(), times[i][1]);
	}
	go__pollers_destroy(all);
}
#endif

/* A time-out is not too long for any system call; and none is none. */
Test(poller, time_may_be_far, .timeout = 20)
{
	static const int64_t times[] = {INT64_C(100000001) * 1000000000,
					INT64_MAX, -1};
	struct go__pollers *all = make(2);

	for (int i = 0; i < 6; i++) {
		struct go__poller *v[2] = {go__pollers_get(all, 0),
					   go__pollers_get(all, 1)};
		struct go__wake_list woken;
		pthread_t thread;
		int r;

		atomic_store(&broken, false);
		cr_assert_eq(pthread_create(&thread, NULL, break_later, v[0]),
			     0);
		go__wake_list_init(&woken);
		r = i < 3 ? go__poller_wait(v[0], times[i], 64, &woken)
			  : go__poller_wait_over(v, 2, times[i - 3], 64,
						 &woken);
		cr_assert(r >= 0, "%d", r);
		cr_assert(atomic_load(&broken));
		pthread_join(thread, NULL);
	}
	go__pollers_destroy(all);
}

#ifndef GO_KQUEUE
static _Atomic int refused;
static int refusal = -ENOSYS;

static int no_pwait2(enum go__sys_call call)
{
	if (call != GO__SYS_epoll_pwait2)
		return 0;
	atomic_fetch_add(&refused, 1);
	return refusal;
}

/* A kernel from before 5.11. */
Test(poller, time_without_pwait2, .timeout = 20)
{
	atomic_store(&go__sys_hook, no_pwait2);
	never_early();
	(void)test_fail_stop();
	cr_assert_eq(atomic_load(&refused), 1, "it is asked once");
	never_early();
}

/* A container that lets through what was known when it was written. */
Test(poller, time_with_pwait2_forbidden, .timeout = 20)
{
	refusal = -EPERM;
	atomic_store(&go__sys_hook, no_pwait2);
	never_early();
	(void)test_fail_stop();
	cr_assert_eq(atomic_load(&refused), 1, "it is asked once");
}
#endif

static void *break_it(void *arg)
{
	go__poller_break(arg);
	return NULL;
}

Test(poller, a_break_ends_a_sleep, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);

	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, break_it, p), 0);
		cr_assert(wait_for(p, -1) >= 0);
		pthread_join(thread, NULL);
	}
	go__pollers_destroy(all);
}

Test(poller, a_break_before_the_sleep_is_kept, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);

	go__poller_break(p);
	go__poller_break(p);
	/* A look by somebody else does not use it up. */
	cr_assert_eq(wait_for(p, 0), 0);
	cr_assert_eq(wait_for(p, -1), 0);
	/* It is used up now. */
	cr_assert_eq(wait_for(p, 1000000), 0);
	go__pollers_destroy(all);
}

static int readable(const struct go__poller *p)
{
	struct pollfd v = {.fd = go__poller_fd(p), .events = POLLIN};

	return poll(&v, 1, 0);
}

/* Somebody sleeps; a look by another one fetches what is to wake him. */
Test(poller, a_look_passes_a_break_on, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);

	go__poller_doze(p);
	cr_assert_eq(readable(p), 0);
	go__poller_break(p);
	cr_assert_eq(readable(p), 1);
	cr_assert_eq(wait_for(p, 0), 1);
	cr_assert_eq(readable(p), 1);
	go__poller_rise(p);
	cr_assert_eq(wait_for(p, 0), 1);
	cr_assert_eq(readable(p), 0);
	/* One that came before the sleep. */
	go__poller_break(p);
	cr_assert_eq(readable(p), 0);
	go__poller_doze(p);
	cr_assert_eq(readable(p), 1);
	go__poller_rise(p);
	go__pollers_destroy(all);
}

Test(poller, numbers_are_used_again, .timeout = 20)
{
	struct go__pollers *all[GO__POLLERS], *more = NULL;
	unsigned number;

	for (int i = 0; i < GO__POLLERS; i++)
		all[i] = make(1);
	cr_assert_eq(go__pollers_create(&more, 1), -EAGAIN);
	cr_assert_null(more);
	number = go__pollers_index(all[17]);
	go__pollers_destroy(all[17]);
	all[17] = make(1);
	cr_assert_eq(go__pollers_index(all[17]), number);
	for (int i = 0; i < GO__POLLERS; i++)
		go__pollers_destroy(all[i]);
}

/* Whatever fails, nothing is left, and the next attempt works. */
Test(poller, failures, .timeout = 20)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_aligned_alloc,
		POLLER_CREATE,
		POLLER_PREPARE,
		POLLER_CHANGE,
	};
	enum {
		POLLERS = 3
	};
	int next = dup(0);

	cr_assert_eq(close(next), 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (unsigned n = 1; n <= (i == 0 ? 1 : POLLERS); n++) {
			struct go__pollers *p = NULL;
			int fd;

			test_fail_nth(calls[i], n);
			cr_assert_eq(go__pollers_create(&p, POLLERS), -ENOMEM);
			cr_assert(test_fail_stop());
			cr_assert_null(p);
			fd = dup(0);
			cr_assert_eq(fd, next, "a descriptor has been left");
			cr_assert_eq(close(fd), 0);
			go__pollers_destroy(make(POLLERS));
		}
}

/* ---- fork ---- */

static bool taking;
static int taken[16];

static void take_numbers(void)
{
	for (int i = 0; taking && i < 16; i++)
		taken[i] = dup(0);
}

/* Before the library's own, so that the handler runs before its handler. */
__attribute__((constructor(102))) static void watch_fork(void)
{
	pthread_atfork(NULL, NULL, take_numbers);
}

/* In the child, what a set's numbers stand for may be somebody else's. */
Test(poller, numbers_after_a_fork, .timeout = 20)
{
	struct go__pollers *all = make(3);
	int status = -1;
	pid_t pid;

	taking = true;
	pid = fork();
	if (pid == 0) {
		int gone = 0;

		for (int i = 0; i < 16; i++)
			gone += fcntl(taken[i], F_GETFD) < 0;
		_exit(gone);
	}
	taking = false;
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	cr_assert_eq(status, 0);
	go__pollers_destroy(all);
}

/* ---- edges ---- */

/* What has been told, and not taken, is not told again. */
Test(poller, an_edge_is_told_once, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);

	for (int out = 0; out < 2; out++) {
		int fds[2];

		INSIST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		cr_assert_eq(go__poller_add(all, fds[0], 1, out), 0);
		cr_assert_eq(wait_for(p, 0), out);
		cr_assert_eq(wait_for(p, 0), 0);
		for (int i = 0; i < 2; i++) {
			cr_assert_eq(write(fds[1], "x", 1), 1);
			cr_assert_eq(wait_for(p, 0), 1);
			cr_assert_eq(wait_for(p, 0), 0);
		}
		/* Whoever registers it again asks. */
		cr_assert_eq(go__poller_change(all, fds[0], 1, false), 0);
		cr_assert_eq(wait_for(p, 0), 1);
		cr_assert_eq(wait_for(p, 0), 0);
		close(fds[0]);
		close(fds[1]);
		/* A number that stands for nothing, or for another file. */
		cr_assert_eq(go__poller_change(all, fds[0], 1, out), -EBADF);
		INSIST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		cr_assert_eq(go__poller_change(all, fds[0], 1, out), -ENOENT);
		close(fds[0]);
		close(fds[1]);
	}
	go__pollers_destroy(all);
}

/* No more at a time than there is room for, and the others later. */
Test(poller, as_many_as_asked_for, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);
	struct go__wake_list woken;
	int fds[3][2];

	for (int i = 0; i < 3; i++) {
		INSIST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]) == 0);
		INSIST(write(fds[i][1], "x", 1) == 1);
		cr_assert_eq(go__poller_add(all, fds[i][0], 1, false), 0);
	}
	go__wake_list_init(&woken);
	cr_assert_eq(go__poller_wait(p, 0, 2, &woken), 2);
	cr_assert_eq(go__poller_wait(p, 0, 2, &woken), 1);
	for (int i = 0; i < 3; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
	go__pollers_destroy(all);
}

/* An event says for which file it was asked; of another, nothing is noted. */
Test(poller, events_of_another_generation, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);
	uint32_t generation;
	struct go__fd *e;
	uint64_t seen;
	int fds[2];

	INSIST(go_pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	e = go__fd_find(fds[0]);
	seen = go__ready_load(&e->ready);
	generation = go__ready_generation(seen);
	cr_assert_eq(go__poller_add(all, fds[0], generation + 1, false), 0);
	cr_assert_eq(wait_for(p, 0), 1);
	cr_assert_eq(go__ready_load(&e->ready), seen);
	cr_assert_eq(go__poller_change(all, fds[0], generation, false), 0);
	cr_assert_eq(wait_for(p, 0), 1);
	cr_assert(!go__ready_unchanged(&e->ready, seen));
	cr_assert_eq(go_close(fds[0]), 0);
	cr_assert_eq(go_close(fds[1]), 0);
	go__pollers_destroy(all);
}

/* It is as ready as can be, and registering it says no more than that. */
Test(poller, a_pipe_that_nobody_reads, .timeout = 20)
{
	struct go__pollers *all = make(1);
	struct go__poller *p = go__pollers_get(all, 0);
	int fds[2];

	INSIST(pipe(fds) == 0);
	cr_assert_eq(go__poller_add(all, fds[1], 1, true), 0);
	cr_assert_eq(wait_for(p, 0), 1);
	close(fds[0]);
	cr_assert_eq(wait_for(p, 0), 1);
	cr_assert_eq(go__poller_change(all, fds[1], 1, true), 0);
	close(fds[1]);
	INSIST(pipe(fds) == 0);
	close(fds[0]);
	cr_assert_eq(go__poller_add(all, fds[1], 1, true), 0);
	close(fds[1]);
	go__pollers_destroy(all);
}

/* What is always ready is refused, whether it has bytes or not. */
Test(poller, files_are_refused, .timeout = 20)
{
	struct go__pollers *all = make(1);
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	int null = open("/dev/null", O_RDWR), file;
	char path[] = "/tmp/gofer-test-XXXXXX";

	file = mkstemp(path);
	INSIST(fd >= 0 && null >= 0 && file >= 0 && unlink(path) == 0);
	for (int out = 0; out < 2; out++) {
		cr_assert_eq(go__poller_add(all, file, 1, out), -EPERM);
		cr_assert_eq(go__poller_add(all, fd, 1, out), -EPERM);
		cr_assert_eq(go__poller_add(all, null, 1, out), -EPERM);
	}
	close(file);
	close(null);
	close(fd);
	go__pollers_destroy(all);
}

/* What can be read, and never written to. */
Test(poller, one_in_another, .timeout = 20)
{
	struct go__pollers *all = make(2);
	struct go__poller *inner = go__pollers_get(all, 1);
	struct go__pollers *outer = make(1);
	int fd = go__poller_fd(inner);

#ifdef GO_KQUEUE
	/* Half of it is not kept. */
	cr_assert_eq(go__poller_add(outer, fd, 1, true), -EPERM);
	cr_assert_eq(go__poller_change(outer, fd, 1, false), -ENOENT);
#endif
	cr_assert_eq(go__poller_add(outer, fd, 1, false), 0);
	cr_assert_eq(wait_for(go__pollers_get(outer, 0), 0), 0);
	go__poller_doze(inner);
	go__poller_break(inner);
	cr_assert_eq(wait_for(go__pollers_get(outer, 0), 0), 1);
	go__poller_rise(inner);
	go__poller_remove(go__pollers_index(outer), fd);
	go__pollers_destroy(outer);
	go__pollers_destroy(all);
}

/* ---- several ---- */

enum {
	SET = 4,
	FDS = 256,
};

/* Numbers in a row, and every second or third one, are spread evenly. */
Test(poller, descriptors_are_spread, .timeout = 20)
{
	struct go__pollers *p = make(SET);

	for (int step = 1; step <= 3; step++) {
		unsigned count[SET] = {0};

		for (int fd = 0; fd < FDS * step; fd += step) {
			unsigned which = go__pollers_which(p, fd);

			cr_assert_lt(which, SET);
			count[which]++;
		}
		for (int i = 0; i < SET; i++)
			cr_assert(count[i] > FDS / SET * 3 / 4 &&
					  count[i] < FDS / SET * 5 / 4,
				  "step %d, poller %d: %u", step, i, count[i]);
	}
	go__pollers_destroy(p);
}

/* A pipe whose reading end belongs to poller i of the set. */
static void open_pipe_of(const struct go__pollers *p, unsigned i, int fds[2])
{
	int spare[FDS], n = 0;

	INSIST(pipe(fds) == 0);
	while (go__pollers_which(p, fds[0]) != i) {
		INSIST(n < FDS);
		spare[n++] = fds[0];
		fds[0] = dup(fds[0]);
		INSIST(fds[0] >= 0);
	}
	while (n > 0)
		close(spare[--n]);
}

static int wait_over(struct go__pollers *p, int64_t timeout_ns)
{
	struct go__poller *all[SET];
	struct go__wake_list woken;
	int r;

	for (unsigned i = 0; i < SET; i++)
		all[i] = go__pollers_get(p, i);
	go__wake_list_init(&woken);
	r = go__poller_wait_over(all, SET, timeout_ns, 64, &woken);
	go__wake_list_flush(&woken);
	return r;
}

/* An event is in the poller of its descriptor only, until that is looked at. */
Test(poller, a_sleep_over_several, .timeout = 20)
{
	struct go__pollers *p = make(SET);

	for (unsigned i = 0; i < SET; i++) {
		uint64_t start = go__sys_now();
		int fds[2];

		open_pipe_of(p, i, fds);
		cr_assert_eq(go__poller_add(p, fds[0], 1, false), 0);
		cr_assert_eq(wait_over(p, 1000000), 0);
		cr_assert(go__sys_now() - start >= 1000000);
		cr_assert_eq(write(fds[1], "x", 1), 1);
		cr_assert_eq(wait_over(p, -1), i == 0 ? 1 : 0);
		for (unsigned j = 1; j < SET; j++)
			cr_assert_eq(wait_for(go__pollers_get(p, j), 0),
				     i == j ? 1 : 0);
		go__poller_remove(go__pollers_index(p), fds[0]);
		cr_assert_eq(write(fds[1], "x", 1), 1);
		cr_assert_eq(wait_for(go__pollers_get(p, i), 0), 0);
		close(fds[0]);
		close(fds[1]);
	}
	go__pollers_destroy(p);
}

static void *break_first(void *arg)
{
	go__poller_break(go__pollers_get(arg, 0));
	return NULL;
}

Test(poller, a_break_ends_a_sleep_over_several, .timeout = 20)
{
	struct go__pollers *p = make(SET);

	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, break_first, p), 0);
		cr_assert(wait_over(p, -1) >= 0);
		pthread_join(thread, NULL);
	}
	/* One that comes before. */
	go__poller_break(go__pollers_get(p, 0));
	cr_assert(wait_over(p, -1) >= 0);
	go__pollers_destroy(p);
}
