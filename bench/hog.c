/* SPDX-License-Identifier: MIT */
/*
 * How late others are while a task on every worker computes for two seconds
 * without a pause: twenty tasks that sleep a millisecond again and again, and
 * one that a plain thread sends a byte to as often, which sends it back.
 *
 * Before it the same without hogs, and after it with hogs in a runtime that
 * lends nothing (GO_NEVER).  The limit is the same with a thread for each task:
 * how long the system itself lets one wait beside so many that compute.
 *
 * usage: hog [WORKERS [SECONDS]]      WORKERS 0, the default: as many as CPUs
 */
#include "bench.h"

#include <gofer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SLEEPERS = 20,
	MOST = 256 /* Hogs. */
};

static unsigned workers;
static double seconds = 2;
static atomic_bool stop;
static atomic_int hogs;
static uint64_t until;

/* The greatest of what many tell, in nanoseconds. */
struct worst {
	_Atomic uint64_t ns, times;
};

static void tell(struct worst *w, uint64_t ns)
{
	uint64_t old = atomic_load(&w->ns);

	while (ns > old && !atomic_compare_exchange_weak(&w->ns, &old, ns))
		;
	atomic_fetch_add(&w->times, 1);
}

static struct worst sleeps, echoes;

static void *sleeper(void *unused)
{
	while (!atomic_load(&stop)) {
		uint64_t due = bench_now() + GO_MILLISECOND;

		go_sleep(GO_MILLISECOND);
		tell(&sleeps, bench_now() - due);
	}
	return unused;
}

static void *echo(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (go_read(fd, &c, 1) == 1 && go_write(fd, &c, 1) == 1)
		;
	return NULL;
}

static void *ask(void *arg)
{
	struct timespec pause = {.tv_nsec = 1000000};
	int fd = *(int *)arg;
	char c = 'x';

	while (!atomic_load(&stop)) {
		uint64_t start = bench_now();

		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			break;
		tell(&echoes, bench_now() - start);
		nanosleep(&pause, NULL);
	}
	shutdown(fd, SHUT_RDWR);
	return NULL;
}

static void *hog(void *unused)
{
	atomic_fetch_add(&hogs, 1);
	while (bench_now() < until)
		;
	return unused;
}

static void *run(void *arg)
{
	unsigned n = *(unsigned *)arg;
	go_group group;
	pthread_t thread;
	int pair[2];

	bench_must(go_group_init(&group, NULL), "group");
	bench_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	for (int i = 0; i < SLEEPERS; i++)
		bench_must(go_group_spawn(&group, sleeper, NULL), "spawn");
	bench_must(go_group_spawn(&group, echo, &pair[0]), "spawn");
	bench_must(pthread_create(&thread, NULL, ask, &pair[1]), "thread");
	go_sleep(50 * GO_MILLISECOND);
	until = bench_now() + (uint64_t)(seconds * 1e9);
	for (unsigned i = 0; i < n; i++)
		bench_must(go_group_spawn(&group, hog, NULL), "spawn");
	go_sleep((int64_t)(seconds * 1e9));
	atomic_store(&stop, true);
	bench_must(go_group_wait(&group), "wait");
	pthread_join(thread, NULL);
	go_close(pair[0]);
	close(pair[1]);
	return NULL;
}

static void start(pthread_t *thread, go_fn *fn, void *arg)
{
	bench_must(pthread_create(thread, NULL, fn, arg), "thread");
}

static void begin(void)
{
	sleeps = echoes = (struct worst){0};
	atomic_store(&stop, false);
	atomic_store(&hogs, 0);
}

static void print(const char *what)
{
	printf("%-24s %2d hogs: worst sleep %8.1f ms late of %6ju,"
	       " worst echo %8.1f ms of %6ju\n",
	       what, atomic_load(&hogs), (double)sleeps.ns / 1e6,
	       (uintmax_t)sleeps.times, (double)echoes.ns / 1e6,
	       (uintmax_t)echoes.times);
	fflush(stdout);
}

static void measure(const char *what, int64_t stuck_after, bool hogged)
{
	go_runtime_options o = {.workers = workers,
				.stuck_after_ns = stuck_after};
	go_runtime *rt;
	unsigned n;

	begin();
	bench_must(go_runtime_create(&rt, &o), "runtime");
	n = hogged ? (unsigned)go_runtime_workers(rt) : 0;
	bench_must(go_runtime_block_on(rt, run, &n, NULL), "run");
	print(what);
	if (hogged)
		workers = n;
	bench_must(go_runtime_shutdown(rt, GO_NEVER), "shutdown");
	bench_must(go_runtime_destroy(rt), "destroy");
}

/* The library's calls, on threads of their own. */
static void measure_threads(unsigned n)
{
	pthread_t thread[SLEEPERS + 2 + MOST];
	unsigned count = 0;
	int pair[2];

	begin();
	bench_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	for (int i = 0; i < SLEEPERS; i++)
		start(&thread[count++], sleeper, NULL);
	start(&thread[count++], echo, &pair[0]);
	start(&thread[count++], ask, &pair[1]);
	until = bench_now() + (uint64_t)(seconds * 1e9);
	for (unsigned i = 0; i < n; i++)
		start(&thread[count++], hog, NULL);
	go_sleep((int64_t)(seconds * 1e9));
	atomic_store(&stop, true);
	while (count > 0)
		pthread_join(thread[--count], NULL);
	print("hogs, threads");
	go_close(pair[0]);
	close(pair[1]);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		workers = (unsigned)atoi(argv[1]);
	if (argc > 2)
		seconds = atof(argv[2]);
	measure("no hogs", 0, false);
	measure("hogs", 0, true);
	measure("hogs, nothing is lent", GO_NEVER, true);
	measure_threads(workers);
	return 0;
}
