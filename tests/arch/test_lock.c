/* SPDX-License-Identifier: MIT */
/* The library's own lock: it excludes, and nobody sleeps for ever. */
#include "support.h"
#include "test.h"

#include "arch/lock.h"
#include "arch/sys.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	THREADS = 4,
};

static struct go__lock lock = GO__LOCK_INIT;
static uint64_t guarded; /* Under lock. */
static _Atomic unsigned wakes;

static void count(void *unused)
{
	uint64_t rounds = test_rounds(50000);

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t before;

		go__lock_acquire(&lock);
		before = guarded;
		/* A holder without a processor: the others fall asleep. */
		if (i % 500 == 0)
			usleep(100);
		guarded = before + 1;
		go__lock_release(&lock);
	}
}

static int count_wakes(enum go__sys_call call)
{
	atomic_fetch_add(&wakes, call == GO__SYS_futex_wake);
	return 0;
}

Test(lock, excludes, .timeout = 120)
{
	atomic_store(&go__sys_hook, count_wakes);
	/* At first it is taken until one says that he sleeps: he is woken. */
	go__lock_acquire(&lock);
	test_start_threads(THREADS, count, NULL);
	while (atomic_load(&lock.word) != 2)
		sched_yield();
	go__lock_release(&lock);
	test_join_threads();
	(void)test_fail_stop();
	cr_assert_eq(guarded, THREADS * test_rounds(50000));
	cr_assert_gt(atomic_load(&wakes), 0);
	cr_assert(!go__lock_held(&lock));
}

Test(lock, try_does_not_wait, .timeout = 20)
{
	cr_assert(go__lock_try(&lock));
	cr_assert(!go__lock_try(&lock));
	cr_assert(go__lock_held(&lock));
	go__lock_release(&lock);
	cr_assert(!go__lock_held(&lock));
}

#ifdef __linux__
static _Atomic(const char *) sleeper; /* Where its state is to be read. */

static void will_sleep(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat",
		 syscall(SYS_gettid));
	atomic_store(&sleeper, path);
}

static void await_sleep(void)
{
	char line[256] = "";

	while (!strstr(line, ") S ")) {
		FILE *f = fopen(atomic_load(&sleeper), "r");

		cr_assert_not_null(f);
		cr_assert_not_null(fgets(line, sizeof(line), f));
		fclose(f);
	}
}
#else
static void will_sleep(void)
{
}

static void await_sleep(void)
{
	usleep(50000);
}
#endif

static void take_once(void *unused)
{
	(void)unused;
	will_sleep();
	go__lock_acquire(&lock);
	guarded++;
	go__lock_release(&lock);
}

/* A release that looked just before the sleeper wrote its 2. */
Test(lock, a_sleeper_that_was_missed_looks_again, .timeout = 20)
{
	go__lock_acquire(&lock);
	test_start_threads(1, take_once, NULL);
	while (atomic_load(&lock.word) != 2)
		sched_yield();
	await_sleep();
	atomic_store(&lock.word, 0);
	test_join_threads();
	cr_assert_eq(guarded, 1);
}
