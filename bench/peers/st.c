/* SPDX-License-Identifier: MIT */
/*
 * The works of bench/ with State Threads: one worker, stacks of 16 KiB.  It has
 * no channels, so a value is handed over under a pair of condition variables.
 *
 * usage: peer_st WORK WORKERS [HOST:PORT]
 */
#include "report.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <st.h>
#include <sys/socket.h>

enum {
	MILLION = 1000000,
	BATCH = 1000,
	STACK = 16 * 1024
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static st_thread_t spawn(void *(*fn)(void *), void *arg)
{
	st_thread_t t = st_thread_create(fn, arg, 1, STACK);

	must(t != NULL, "st_thread_create");
	return t;
}

static void *empty(void *arg)
{
	return arg;
}

static void spawns(void)
{
	static st_thread_t all[BATCH];
	uint64_t began = now_ns();

	for (int b = 0; b < MILLION / BATCH; b++) {
		for (int i = 0; i < BATCH; i++)
			all[i] = spawn(empty, NULL);
		for (int i = 0; i < BATCH; i++)
			st_thread_join(all[i], NULL);
	}
	figure("spawn.batch.1", (double)(now_ns() - began) / MILLION);
	began = now_ns();
	for (int i = 0; i < MILLION; i++)
		st_thread_join(spawn(empty, NULL), NULL);
	figure("spawn.one", (double)(now_ns() - began) / MILLION);
}

static st_cond_t wake;
static int ready;

static void *sleeper(void *arg)
{
	ready++;
	st_cond_wait(wake);
	return arg;
}

static void parked(void)
{
	st_thread_t *all = calloc(MILLION, sizeof *all);
	double rss, tables;
	uint64_t began;

	must(all != NULL, "handles");
	memset(all, 1, MILLION * sizeof *all);
	wake = st_cond_new();
	rss = proc_bytes("smaps_rollup", "Rss:");
	tables = proc_bytes("status", "VmPTE:");
	began = now_ns();
	for (int i = 0; i < MILLION; i++)
		all[i] = spawn(sleeper, NULL);
	while (ready < MILLION)
		st_sleep(0);
	began = now_ns() - began;
	figure("parked.bytes",
	       (proc_bytes("smaps_rollup", "Rss:") - rss) / MILLION);
	figure("parked.tables",
	       (proc_bytes("status", "VmPTE:") - tables) / MILLION);
	began = now_ns() - began;
	st_cond_broadcast(wake);
	for (int i = 0; i < MILLION; i++)
		st_thread_join(all[i], NULL);
	figure("parked.time", (double)(now_ns() - began) / MILLION);
}

/* A slot for one value. */
static struct {
	st_cond_t filled, emptied;
	uint64_t value;
	int full;
} slot[2];

static void put(int i, uint64_t value)
{
	while (slot[i].full)
		st_cond_wait(slot[i].emptied);
	slot[i].value = value;
	slot[i].full = 1;
	st_cond_signal(slot[i].filled);
}

static uint64_t take(int i)
{
	while (!slot[i].full)
		st_cond_wait(slot[i].filled);
	slot[i].full = 0;
	st_cond_signal(slot[i].emptied);
	return slot[i].value;
}

static void *echo_values(void *arg)
{
	for (int i = 0; i < MILLION / 2; i++)
		put(1, take(0));
	return arg;
}

static void channels(void)
{
	st_thread_t other;
	uint64_t began;

	for (int i = 0; i < 2; i++) {
		slot[i].filled = st_cond_new();
		slot[i].emptied = st_cond_new();
	}
	other = spawn(echo_values, NULL);
	began = now_ns();
	for (uint64_t i = 0; i < MILLION / 2; i++) {
		put(0, i);
		take(1);
	}
	figure("chan.pingpong.1", (double)(now_ns() - began) / (MILLION / 2));
	st_thread_join(other, NULL);
}

static void *sleep_once(void *ms)
{
	st_usleep(1000 * (st_utime_t)(uintptr_t)ms);
	return NULL;
}

static double round_of_sleeps(st_thread_t *all)
{
	double cpu = cpu_s();
	uint64_t seed = 1;

	for (int i = 0; i < MILLION; i++)
		all[i] = spawn(sleep_once,
			       (void *)(uintptr_t)random_sleep_ms(&seed));
	for (int i = 0; i < MILLION; i++)
		st_thread_join(all[i], NULL);
	return cpu_s() - cpu;
}

static void timers(void)
{
	st_thread_t *all = calloc(MILLION, sizeof *all);

	must(all != NULL, "handles");
	figure("timers.cold", round_of_sleeps(all));
	figure("timers.warm", round_of_sleeps(all));
	figure("timers.peak", peak_mb());
}

static void *serve(void *arg)
{
	st_netfd_t c = arg;
	char buffer[4096];
	ssize_t n;

	while ((n = st_read(c, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT)) > 0)
		if (st_write(c, buffer, (size_t)n, ST_UTIME_NO_TIMEOUT) != n)
			break;
	st_netfd_close(c);
	return NULL;
}

static void echo(const char *address)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	st_netfd_t listener, c;

	a.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* Which its connections inherit. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	must(bind(fd, (struct sockaddr *)&a, sizeof a) == 0, "bind");
	must(listen(fd, 4096) == 0, "listen");
	listener = st_netfd_open_socket(fd);
	for (;;) {
		c = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
		if (c && !st_thread_create(serve, c, 0, STACK))
			st_netfd_close(c);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	st_set_eventsys(ST_EVENTSYS_ALT);
	must(st_init() == 0, "st_init");
	if (strcmp(argv[1], "spawn") == 0)
		spawns();
	else if (strcmp(argv[1], "parked") == 0)
		parked();
	else if (strcmp(argv[1], "chan") == 0)
		channels();
	else if (strcmp(argv[1], "timers") == 0)
		timers();
	else if (strcmp(argv[1], "echo") == 0 && argc > 3)
		echo(argv[3]);
	else
		return 2;
	return 0;
}
