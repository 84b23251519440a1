/* SPDX-License-Identifier: MIT */
/*
 * The futex, whoever makes it: the kernel, or sys_posix.c (GOFER_PORTABLE) with
 * a mutex, which a thread that is cancelled or a fork must not leave locked.
 *
 * It cannot show that no wake-up is lost: model_bucket does.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sys.h"
#include "test.h"

enum {
	FORKS = 50,
	WORDS = 4,
};

static _Atomic uint32_t word, asleep, over;

static void *sleep_once(void *unused)
{
	asleep = 1;
	while (word == 0)
		(void)go__sys_futex_wait(&word, 0, UINT64_MAX);
	pthread_testcancel();
	return unused;
}

/* Nothing tells from outside when a thread sleeps: it does in most runs, and
 * all of them have to end. */
static void cancel_one(void)
{
	struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
	pthread_t t;
	void *result;

	word = asleep = 0;
	cr_assert_eq(pthread_create(&t, NULL, sleep_once, NULL), 0);
	while (!asleep)
		sched_yield();
	nanosleep(&pause, NULL);
	pthread_cancel(t);
	nanosleep(&pause, NULL);
	word = 1;
	go__sys_futex_wake(&word, 1);
	cr_assert_eq(pthread_join(t, &result), 0);
	cr_assert_eq(result, PTHREAD_CANCELED);
}

Test(futex, a_cancelled_thread_leaves_it_usable, .timeout = 20)
{
	for (int i = 0; i < 20; i++)
		cancel_one();
}

Test(futex, ends_with_its_deadline, .timeout = 20)
{
	uint64_t due = go__sys_now() + 20 * 1000 * 1000;

	word = 0;
	errno = 77;
	while (go__sys_futex_wait(&word, 0, due) != -ETIMEDOUT)
		continue;
	cr_assert(go__sys_now() >= due);
	cr_assert_eq(go__sys_futex_wait(&word, 0, 1), -ETIMEDOUT);
	cr_assert_eq(go__sys_futex_wait(&word, 1, UINT64_MAX), -EAGAIN);
	cr_assert_eq(errno, 77);
}

/* ---- fork ---- */

static void *hammer(void *p)
{
	_Atomic uint32_t *w = p;

	while (!over) {
		go__sys_futex_wake(w, 1);
		(void)go__sys_futex_wait(w, 0, 1);
	}
	return NULL;
}

/* In the child: all words there are may be waited for. */
static void use(_Atomic uint32_t *words)
{
	alarm(10);
	for (int i = 0; i < WORDS; i++) {
		go__sys_futex_wake(&words[i], 1);
		if (go__sys_futex_wait(&words[i], 0, 1) != -ETIMEDOUT)
			_exit(1);
	}
	_exit(0);
}

Test(futex, children_have_their_own, .timeout = 60)
{
	static _Atomic uint32_t words[WORDS];
	pthread_t t[WORDS];

	over = 0;
	for (int i = 0; i < WORDS; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, hammer, &words[i]), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			use(words);
		cr_assert(child > 0);
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(status, 0, "child %d: %#x", i, status);
	}
	over = 1;
	for (int i = 0; i < WORDS; i++)
		pthread_join(t[i], NULL);
}
