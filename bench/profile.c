/* SPDX-License-Identifier: MIT */
/*
 * What operations cost in instructions of user space, for profile.sh, which
 * runs this under callgrind: a count that is the same on a busy machine.
 *
 * Each work is done once to warm up, then N times between two requests to
 * callgrind, the second of which has it write down what it has counted, under
 * the work's name and N.  All of it happens on one worker.  What a work does
 * once (its tasks, say) counts as well, and is lost in the rounding.
 *
 * usage: valgrind --tool=callgrind ... profile
 */
#include "bench.h"

#include <gofer/chan.h>
#include <gofer/io.h>
#include <gofer/runtime.h>
#include <gofer/sync.h>
#include <sys/socket.h>

#ifdef GO_VALGRIND
#include <valgrind/callgrind.h>
#endif

enum {
	TIMES = 20000,
	WARM = 2000,
	BATCH = 100,
	SLOTS = 128,
	BYTES = 64
};

static unsigned times; /* How often the work at hand does its operation. */

/* Two tasks at once, and wait for both. */
static void both(go_fn *one, go_fn *other)
{
	go_task task[2];

	bench_must(go_task_spawn(&task[0], one, NULL), "spawn");
	bench_must(go_task_spawn(&task[1], other, NULL), "spawn");
	for (int i = 0; i < 2; i++)
		bench_must(go_task_join(task[i], NULL), "join");
}

/* ---- Tasks ------------------------------------------------------------- */

static void *yielder(void *unused)
{
	for (unsigned i = 0; i < times / 2; i++)
		go_yield();
	return unused;
}

static void yields(void)
{
	both(yielder, yielder);
}

static void *empty(void *unused)
{
	return unused;
}

static void spawn_one(void)
{
	go_task task;

	for (unsigned i = 0; i < times; i++) {
		bench_must(go_task_spawn(&task, empty, NULL), "spawn");
		bench_must(go_task_join(task, NULL), "join");
	}
}

static void spawn_batch(void)
{
	go_task task[BATCH];

	for (unsigned b = 0; b < times / BATCH; b++) {
		for (int i = 0; i < BATCH; i++)
			bench_must(go_task_spawn(&task[i], empty, NULL),
				   "spawn");
		for (int i = 0; i < BATCH; i++)
			bench_must(go_task_join(task[i], NULL), "join");
	}
}

/* ---- Channels ---------------------------------------------------------- */

static go_chan *there, *back;

static void *ask(void *unused)
{
	for (uint64_t i = 0; i < times; i++) {
		bench_must(go_chan_send(there, &i), "send");
		bench_must(go_chan_recv(back, &i), "receive");
	}
	return unused;
}

static void *answer(void *unused)
{
	uint64_t value;

	for (unsigned i = 0; i < times; i++) {
		bench_must(go_chan_recv(there, &value), "receive");
		bench_must(go_chan_send(back, &value), "send");
	}
	return unused;
}

static void *send_all(void *unused)
{
	for (uint64_t i = 0; i < times; i++)
		bench_must(go_chan_send(there, &i), "send");
	return unused;
}

static void *receive_all(void *unused)
{
	uint64_t value;

	for (unsigned i = 0; i < times; i++)
		bench_must(go_chan_recv(there, &value), "receive");
	return unused;
}

static void with_channels(size_t slots, go_fn *one, go_fn *other)
{
	bench_must(go_chan_create(&there, sizeof(uint64_t), slots), "channel");
	bench_must(go_chan_create(&back, sizeof(uint64_t), slots), "channel");
	both(one, other);
	bench_must(go_chan_destroy(there), "channel");
	bench_must(go_chan_destroy(back), "channel");
}

static void chan_pingpong(void)
{
	with_channels(0, ask, answer);
}

static void chan_buffered(void)
{
	with_channels(SLOTS, send_all, receive_all);
}

/* ---- Waiting ----------------------------------------------------------- */

static go_mutex mutex = GO_MUTEX_INIT;

static void mutex_free(void)
{
	for (unsigned i = 0; i < times; i++) {
		go_mutex_lock(&mutex);
		go_mutex_unlock(&mutex);
	}
}

/* On one worker nobody meets a holder that does not let others run. */
static void *hold(void *unused)
{
	for (unsigned i = 0; i < times / 2; i++) {
		go_mutex_lock(&mutex);
		go_yield();
		go_mutex_unlock(&mutex);
	}
	return unused;
}

static void mutex_contended(void)
{
	both(hold, hold);
}

static go_event ping = GO_EVENT_AUTO_INIT, pong = GO_EVENT_AUTO_INIT;

static void *wake_first(void *unused)
{
	for (unsigned i = 0; i < times / 2; i++) {
		go_event_set(&ping);
		go_event_wait(&pong);
	}
	return unused;
}

static void *park_first(void *unused)
{
	for (unsigned i = 0; i < times / 2; i++) {
		go_event_wait(&ping);
		go_event_set(&pong);
	}
	return unused;
}

static void park_wake(void)
{
	both(park_first, wake_first);
}

/* ---- Input and output -------------------------------------------------- */

static int ends[2];

static void put(int fd)
{
	static const char message[BYTES];

	if (go_write(fd, message, BYTES) != BYTES)
		bench_must(-EIO, "write");
}

static void get(int fd)
{
	char message[BYTES];

	if (go_read(fd, message, BYTES) != BYTES)
		bench_must(-EIO, "read");
}

static void io_ready(void)
{
	for (unsigned i = 0; i < times; i++) {
		put(ends[0]);
		get(ends[1]);
	}
}

static void *client(void *unused)
{
	for (unsigned i = 0; i < times; i++) {
		put(ends[0]);
		get(ends[0]);
	}
	return unused;
}

static void *server(void *unused)
{
	for (unsigned i = 0; i < times; i++) {
		get(ends[1]);
		put(ends[1]);
	}
	return unused;
}

static void io_pingpong(void)
{
	both(client, server);
}

/* ------------------------------------------------------------------------ */

static const struct work {
	const char *name;
	void (*run)(void);
} works[] = {
	{"yield", yields},
	{"spawn.one", spawn_one},
	{"spawn.batch", spawn_batch},
	{"chan.pingpong", chan_pingpong},
	{"chan.buffered", chan_buffered},
	{"mutex.free", mutex_free},
	{"mutex.contended", mutex_contended},
	{"park.wake", park_wake},
	{"io.ready", io_ready},
	{"io.pingpong", io_pingpong},
};

#ifdef GO_VALGRIND
static void count(const struct work *w)
{
	char title[64];

	snprintf(title, sizeof title, "%s %d", w->name, TIMES);
	times = WARM;
	w->run();
	times = TIMES;
	CALLGRIND_ZERO_STATS;
	w->run();
	CALLGRIND_DUMP_STATS_AT(title);
}

static void *count_all(void *unused)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		bench_must(-errno, "sockets");
	bench_must(go_fd_adopt(ends[0], 0), "adopt");
	bench_must(go_fd_adopt(ends[1], 0), "adopt");
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		count(&works[i]);
	bench_must(go_close(ends[0]), "close");
	bench_must(go_close(ends[1]), "close");
	return unused;
}

int main(void)
{
	go_runtime_options options = {.workers = 1};

	if (!RUNNING_ON_VALGRIND) {
		fprintf(stderr, "profile: counts under callgrind only: run "
				"bench/profile.sh\n");
		return 2;
	}
	bench_must(go_run_with(&options, count_all, NULL, NULL), "run");
	return 0;
}
#else
int main(void)
{
	(void)works;
	fprintf(stderr, "profile: built without valgrind's headers\n");
	return 77;
}
#endif
