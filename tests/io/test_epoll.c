/* SPDX-License-Identifier: MIT */
/*
 * Pollers by themselves: time-outs, breaks, numbers, which descriptor belongs
 * to which, and failures while they are made.  Linked with the twin that can
 * make system calls fail.
 */
#include "support_io.h"

#include "arch/sys.h"
#include "io/watch.h"
#include "sched/wait.h"

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

Test(epoll, time_is_never_early, .timeout = 20)
{
	never_early();
}

static _Atomic int refused;

static int no_pwait2(enum go__sys_call call)
{
	if (call != GO__SYS_epoll_pwait2)
		return 0;
	atomic_fetch_add(&refused, 1);
	return -ENOSYS;
}

/* A kernel from before 5.11. */
Test(epoll, time_without_pwait2, .timeout = 20)
{
	atomic_store(&go__sys_hook, no_pwait2);
	never_early();
	(void)test_fail_stop();
	cr_assert_eq(atomic_load(&refused), 1, "it is asked once");
	never_early();
}

static void *break_it(void *arg)
{
	go__poller_break(arg);
	return NULL;
}

Test(epoll, a_break_ends_a_sleep, .timeout = 20)
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

Test(epoll, a_break_before_the_sleep_is_kept, .timeout = 20)
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

Test(epoll, numbers_are_used_again, .timeout = 20)
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
Test(epoll, failures, .timeout = 20)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_aligned_alloc,
		GO__SYS_epoll_create1,
		GO__SYS_eventfd,
		GO__SYS_epoll_ctl,
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

/* ---- several ---- */

enum {
	SET = 4,
	FDS = 256,
};

/* Numbers in a row, and every second or third one, are spread evenly. */
Test(epoll, descriptors_are_spread, .timeout = 20)
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
Test(epoll, a_sleep_over_several, .timeout = 20)
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

Test(epoll, a_break_ends_a_sleep_over_several, .timeout = 20)
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
