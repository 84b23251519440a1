/* SPDX-License-Identifier: MIT */
/*
 * Runtimes with several pollers: no edge is lost while workers fall asleep at
 * one and are woken at another, and none waits for a worker that never comes.
 *
 * A lost wake-up shows as a time-out.  How late an edge may be is not measured:
 * without COVER (sleep.c) the second case takes a tick of the watchdog for each
 * edge, and passes, too.  The models try all interleavings of small cases.
 */
#include "support_io.h"
#include "poller.h"

#include <stdatomic.h>
#include <sys/wait.h>

enum {
	PAIRS = 16, /* Their numbers belong to all pollers. */
};

static const struct {
	unsigned workers, pollers;
} shapes[] = {{2, 2}, {4, 2}, {4, 4}, {16, 3}};

/* ---- edges --------------------------------------------------------------- */

struct pair {
	int fds[2];
	uint64_t trips;
	bool naps;
};

static void *echo(void *arg)
{
	struct pair *p = arg;
	unsigned char byte;
	ssize_t got;

	while ((got = go_read(p->fds[1], &byte, 1)) == 1)
		MUST(go_write(p->fds[1], &byte, 1) == 1);
	MUST(got == 0);
	return NULL;
}

static void nap(void)
{
	switch (test_random(4)) {
	case 0:
		go_sleep(test_random(100000));
		break;
	case 1:
		go_yield();
		break;
	default:
		break;
	}
}

static void *ask(void *arg)
{
	struct pair *p = arg;
	unsigned char byte, back;

	for (uint64_t i = 0; i < p->trips; i++) {
		if (p->naps)
			nap();
		byte = (unsigned char)i;
		MUST(go_write(p->fds[0], &byte, 1) == 1);
		MUST(go_read(p->fds[0], &back, 1) == 1);
		MUST(back == byte);
	}
	MUST(go_close(p->fds[0]) == 0);
	return NULL;
}

/* So many trips over each of the pairs, at once. */
static void *all_trips(uint64_t trips, bool naps)
{
	struct pair pairs[PAIRS];
	go_task tasks[2 * PAIRS];
	void *result;

	for (int i = 0; i < PAIRS; i++) {
		pairs[i].trips = trips;
		pairs[i].naps = naps;
		MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i].fds) == 0);
		MUST(go_task_spawn(&tasks[2 * i], echo, &pairs[i]) == 0);
		MUST(go_task_spawn(&tasks[2 * i + 1], ask, &pairs[i]) == 0);
	}
	for (int i = 0; i < 2 * PAIRS; i++) {
		MUST(go_task_join(tasks[i], &result) == 0);
		MUST(result == NULL);
	}
	for (int i = 0; i < PAIRS; i++)
		MUST(go_close(pairs[i].fds[1]) == 0);
	return NULL;
}

static void run_shape(int i, go_fn *body)
{
	go_runtime_options options = {
		.workers = shapes[i].workers,
		.pollers = shapes[i].pollers,
		.stuck_after_ns = GO_NEVER,
	};
	void *result = NULL;

	cr_assert_eq(go_run_with(&options, body, &options, &result), 0);
	cr_assert_null(result, "%u workers, %u pollers: %s", options.workers,
		       options.pollers, (const char *)result);
}

static void *trips(void *unused)
{
	uint64_t n = test_rounds(1000);

	(void)unused;
	MUST(all_trips(n, false) == NULL);
	MUST(all_trips(n / 10 + 1, true) == NULL);
	return NULL;
}

Test(pollers, no_edge_is_lost, .timeout = 120)
{
	for (unsigned i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		run_shape((int)i, trips);
}

/* ---- one worker for all pollers ------------------------------------------ */

static _Atomic unsigned hogging;
static _Atomic bool over;

static void *hog(void *unused)
{
	(void)unused;
	atomic_fetch_add(&hogging, 1);
	/* Blocks its worker, and costs those that work nothing. */
	while (!atomic_load(&over))
		usleep(1000);
	return NULL;
}

/* All workers but one are kept for as long as it takes. */
static void *trips_beside_hogs(void *arg)
{
	const go_runtime_options *options = arg;
	unsigned hogs = options->workers - 1;
	void *result;

	atomic_store(&hogging, 0);
	atomic_store(&over, false);
	for (unsigned i = 0; i < hogs; i++)
		MUST(go_spawn(hog, NULL) == 0);
	while (atomic_load(&hogging) < hogs)
		go_sleep(SOON);
	result = all_trips(test_rounds(50) + 1, true);
	atomic_store(&over, true);
	return result;
}

Test(pollers, nobody_waits_for_a_hog, .timeout = 120)
{
	for (unsigned i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		run_shape((int)i, trips_beside_hogs);
}

/* ---- making them --------------------------------------------------------- */

static int descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* In the child of a fork nothing is left of a runtime's. */
static void fork_beside(int before)
{
#if !UNDER_SANITIZER
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(descriptors() == before ? 0 : 1);
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
#else
	(void)before;
#endif
}

/* Make a runtime, and take it down; returns how many descriptors it had. */
static int cost(unsigned workers, unsigned pollers)
{
	go_runtime_options options = {.workers = workers, .pollers = pollers};
	int before = descriptors(), n;
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &options), 0);
	n = descriptors() - before;
	fork_beside(before);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	cr_assert_eq(descriptors(), before);
	return n;
}

Test(pollers, as_many_as_asked_for, .timeout = 60)
{
	go_runtime_options options = {.pollers = 17};
	go_runtime *rt = NULL;

	unsetenv("GOFER_POLLERS");
	unsetenv("GOFER_WORKERS");
	unsetenv("GOFER_FLAVOUR");
	cr_assert_eq(go_runtime_create(&rt, &options), -EINVAL);
	cr_assert_null(rt);
	for (unsigned i = 1; i <= 16; i++)
		cr_assert_eq(cost(16, i), POLLER_FDS * (int)i, "%u", i);
	/* One worker cannot sleep in two places. */
	cr_assert_eq(cost(3, 16), POLLER_FDS * 3);
	cr_assert_eq(cost(1, 2), POLLER_FDS * 1);
#ifdef GO_TEST_SMALL
	cr_assert_eq(cost(5, 0), POLLER_FDS * 3);
#else
	cr_assert_eq(cost(16, 0), POLLER_FDS * 1);
	cr_assert_eq(cost(17, 0), POLLER_FDS * 2);
	cr_assert_eq(cost(256, 0), POLLER_FDS * 16);
#endif
	setenv("GOFER_POLLERS", "2", 1);
	cr_assert_eq(cost(16, 0), POLLER_FDS * 2);
	setenv("GOFER_POLLERS", "0", 1);
	cr_assert_eq(cost(4, 4), cost(4, 0));
}

#ifdef GO_TEST_HOOKS
/* Whatever fails, nothing is left. */
Test(pollers, failures, .timeout = 60)
{
	static const enum go__sys_call calls[] = {
		POLLER_CREATE,
		POLLER_PREPARE,
		POLLER_CHANGE,
	};
	go_runtime_options options = {.workers = 4, .pollers = 3};
	int before = descriptors();

	unsetenv("GOFER_POLLERS");
	unsetenv("GOFER_WORKERS");
	unsetenv("GOFER_FLAVOUR");
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (unsigned n = 1; n <= options.pollers; n++) {
			go_runtime *rt = NULL;

			test_fail_nth(calls[i], n);
			cr_assert_eq(go_runtime_create(&rt, &options), -ENOMEM);
			cr_assert(test_fail_stop());
			cr_assert_null(rt);
			cr_assert_eq(descriptors(), before);
		}
	cr_assert_eq(cost(4, 3), POLLER_FDS * 3);
}
#endif
