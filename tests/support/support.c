/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t random_state;
static pthread_once_t random_once = PTHREAD_ONCE_INIT;

static void random_begin(void)
{
	const char *given = getenv("GOFER_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20 ^
	       (uint64_t)getpid() << 40;
	if (given)
		seed = strtoull(given, NULL, 0);
	fprintf(stderr, "[----] GOFER_TEST_SEED=%llu repeats this run\n",
		(unsigned long long)seed);
	atomic_store(&random_state, seed);
}

/*
 * SplitMix64: a counter and a mixer.  One shared counter and no thread-local
 * state, because a task may draw its next number on another thread.
 */
uint32_t test_random(uint32_t bound)
{
	uint64_t z;

	pthread_once(&random_once, random_begin);
	z = atomic_fetch_add(&random_state, UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (uint32_t)((z >> 32) * bound >> 32);
}

uint64_t test_rounds(uint64_t normal)
{
	const char *given = getenv("GOFER_TEST_ROUNDS");
	uint64_t percent = given ? strtoull(given, NULL, 10) : 100;
	uint64_t rounds = normal / 100 * percent + normal % 100 * percent / 100;

	return rounds ? rounds : 1;
}

enum {
	MAX_THREADS = 256
};

static pthread_t threads[MAX_THREADS];
static unsigned running;
static pthread_barrier_t all_there;
static void (*thread_fn)(void *);

static void *thread_main(void *arg)
{
	pthread_barrier_wait(&all_there);
	thread_fn(arg);
	return NULL;
}

void test_start_threads(unsigned n, void (*fn)(void *), void *arg)
{
	cr_assert(running == 0 && n <= MAX_THREADS);
	thread_fn = fn;
	pthread_barrier_init(&all_there, NULL, n);
	for (; running < n; running++) {
		int error = pthread_create(&threads[running], NULL, thread_main,
					   arg);

		cr_assert_eq(error, 0, "thread %u: errno %d", running, error);
	}
}

void test_join_threads(void)
{
	while (running > 0)
		pthread_join(threads[--running], NULL);
	pthread_barrier_destroy(&all_there);
}

int test_listen(struct sockaddr_in *address)
{
	socklen_t length = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0, "socket: errno %d", errno);
	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)address, length), 0);
	cr_assert_eq(listen(fd, SOMAXCONN), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
	return fd;
}

#ifdef GO_TEST_HOOKS

static _Atomic int fail_call; /* An enum go__sys_call. */
static _Atomic int fail_error;
static _Atomic long fail_in; /* Calls until the failing one, 0 after it. */

static int fail_hook(enum go__sys_call call)
{
	if ((int)call != fail_call || atomic_load(&fail_in) <= 0)
		return 0;
	return atomic_fetch_sub(&fail_in, 1) == 1 ? fail_error : 0;
}

void test_fail_nth_with(enum go__sys_call call, unsigned n, int error)
{
	fail_call = (int)call;
	fail_error = error;
	atomic_store(&fail_in, (long)n);
	go__sys_hook = fail_hook;
}

void test_fail_nth(enum go__sys_call call, unsigned n)
{
	test_fail_nth_with(call, n, -ENOMEM);
}

bool test_fail_stop(void)
{
	int (*no_hook)(enum go__sys_call call) = NULL;

	go__sys_hook = no_hook;
	return atomic_load(&fail_in) <= 0;
}

#endif
