/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gofer.h>

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

/* Tasks that do not wait, the caller among them. */
static unsigned busy_tasks(void)
{
	FILE *f = tmpfile();
	char line[512];
	unsigned n = 0;

	cr_assert_not_null(f);
	cr_assert_eq(go_dump(fileno(f)), 0);
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		const char *stack = strstr(line, "; stack ");

		/* "N of M" if it is known how much is used. */
		n += stack && !strstr(stack, " of ");
	}
	fclose(f);
	return n;
}

void test_settle(void)
{
	do
		go_sleep(100 * GO_MICROSECOND);
	while (busy_tasks() > 1);
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

unsigned test_entries(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	if (!d) {
		perror(folder);
		abort();
	}
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 &&
		     strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

#ifdef GO_TEST_HOOKS

/*
 * GOFER_TEST_MISSING=ENOSYS or EPERM makes an old kernel, or a container, of
 * this one: newer calls answer so, unless a test has a hook of its own.
 */
static int missing_error;

static int missing_hook(enum go__sys_call call)
{
	switch ((int)call) {
	case GO__SYS_epoll_pwait2:      /* Linux 5.11 */
	case GO__SYS_process_madvise:   /* 5.10, of oneself 6.13 */
	case GO__SYS_pidfd_open:        /* 5.3 */
	case GO__SYS_pidfd_send_signal: /* 5.1 */
	case GO__SYS_preadv2:           /* 4.14, for RWF_NOWAIT */
	case GO__SYS_pwritev2:
	case GO__SYS_membarrier:       /* 4.14, with its registration */
	case GO__SYS_process_vm_readv: /* seldom let through */
	case GO__SYS_splice:
	case GO__SYS_sendfile:
		return missing_error;
	default:
		return 0;
	}
}

__attribute__((constructor)) static void begin_missing(void)
{
	const char *given = getenv("GOFER_TEST_MISSING");

	if (!given)
		return;
	missing_error = strcmp(given, "EPERM") == 0 ? -EPERM : -ENOSYS;
	go__sys_hook = missing_hook;
}

static _Atomic int fail_call; /* An enum go__sys_call. */
static _Atomic int fail_error;
static _Atomic long fail_in; /* Calls until the failing one, 0 after it. */
static _Atomic bool fail_here;
static pthread_t fail_thread; /* If fail_here: whose calls alone count. */

static int fail_hook(enum go__sys_call call)
{
	bool counts = (int)call == fail_call && atomic_load(&fail_in) > 0 &&
		      (!atomic_load(&fail_here) ||
		       pthread_equal(fail_thread, pthread_self()));

	if (!counts)
		return missing_error ? missing_hook(call) : 0;
	return atomic_fetch_sub(&fail_in, 1) == 1 ? fail_error : 0;
}

static void fail_from(enum go__sys_call call, unsigned n, int error, bool here)
{
	fail_call = (int)call;
	fail_error = error;
	fail_thread = pthread_self();
	atomic_store(&fail_here, here);
	atomic_store(&fail_in, (long)n);
	go__sys_hook = fail_hook;
}

void test_fail_nth_with(enum go__sys_call call, unsigned n, int error)
{
	fail_from(call, n, error, false);
}

void test_fail_nth_here(enum go__sys_call call, unsigned n)
{
	fail_from(call, n, -ENOMEM, true);
}

void test_fail_nth(enum go__sys_call call, unsigned n)
{
	test_fail_nth_with(call, n, -ENOMEM);
}

bool test_fail_stop(void)
{
	int (*no_hook)(enum go__sys_call call) = NULL;

	go__sys_hook = missing_error ? missing_hook : no_hook;
	return atomic_load(&fail_in) <= 0;
}

#endif
