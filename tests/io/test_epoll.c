/* SPDX-License-Identifier: MIT */
/*
 * The poller by itself: time-outs, breaks, numbers, and failures while it is
 * made.  Linked with the twin that can make system calls fail.
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

static struct go__poller *make(void)
{
	struct go__poller *p = NULL;

	INSIST(go__poller_create(&p) == 0);
	return p;
}

static void never_early(void)
{
	static const int64_t times[] = {1, 1000, 300000, 1000000, 1700000};
	struct go__poller *p = make();

	for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++) {
		uint64_t start = go__sys_now();

		cr_assert_eq(wait_for(p, times[i]), 0);
		cr_assert(go__sys_now() - start >= (uint64_t)times[i]);
	}
	go__poller_destroy(p);
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
	struct go__poller *p = make();

	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, break_it, p), 0);
		cr_assert(wait_for(p, -1) >= 0);
		pthread_join(thread, NULL);
	}
	go__poller_destroy(p);
}

Test(epoll, a_break_before_the_sleep_is_kept, .timeout = 20)
{
	struct go__poller *p = make();

	go__poller_break(p);
	go__poller_break(p);
	/* A look by somebody else does not use it up. */
	cr_assert_eq(wait_for(p, 0), 0);
	cr_assert_eq(wait_for(p, -1), 0);
	/* It is used up now. */
	cr_assert_eq(wait_for(p, 1000000), 0);
	go__poller_destroy(p);
}

Test(epoll, numbers_are_used_again, .timeout = 20)
{
	struct go__poller *all[GO__POLLERS], *more = NULL;
	unsigned number;

	for (int i = 0; i < GO__POLLERS; i++)
		all[i] = make();
	cr_assert_eq(go__poller_create(&more), -EAGAIN);
	cr_assert_null(more);
	number = go__poller_index(all[17]);
	go__poller_destroy(all[17]);
	all[17] = make();
	cr_assert_eq(go__poller_index(all[17]), number);
	for (int i = 0; i < GO__POLLERS; i++)
		go__poller_destroy(all[i]);
}

/* Whatever fails, nothing is left, and the next attempt works. */
Test(epoll, failures, .timeout = 20)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_calloc,
		GO__SYS_epoll_create1,
		GO__SYS_eventfd,
		GO__SYS_epoll_ctl,
	};
	int next = dup(0);

	cr_assert_eq(close(next), 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct go__poller *p = NULL;
		int fd;

		test_fail_nth(calls[i], 1);
		cr_assert_eq(go__poller_create(&p), -ENOMEM);
		cr_assert(test_fail_stop());
		cr_assert_null(p);
		fd = dup(0);
		cr_assert_eq(fd, next, "a descriptor has been left");
		cr_assert_eq(close(fd), 0);
		go__poller_destroy(make());
	}
}
