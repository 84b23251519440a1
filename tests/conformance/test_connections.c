/* SPDX-License-Identifier: MIT */
/*
 * The lessons about servers: the echo server, and what connections that say
 * nothing cost.  (examples/echo_server.c is the same server as a program.)
 */
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lessons.h"

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg);
	char buffer[1024];
	ssize_t n;

	while ((n = go_read(fd, buffer, sizeof buffer)) > 0)
		if (go_write_all(fd, buffer, (size_t)n, NULL) < 0)
			break;
	go_close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	int listener = GO_TO_INT(arg);
	int fd;
	GO_GROUP(connections);

	while ((fd = go_accept(listener, NULL, NULL)) >= 0)
		if (go_group_spawn(&connections, serve, GO_INT(fd)) < 0)
			go_close(fd);
	return GO_INT(fd);
}

struct echo {
	struct sockaddr_in address;
	int number;
};

/* One client: what he sends comes back, and nobody else's. */
static void *talk(void *arg)
{
	const struct echo *e = (const struct echo *)arg;
	int fd = go_socket(AF_INET, SOCK_STREAM, 0);
	char sent[64], back[64];

	MUST(fd >= 0);
	MUST(go_connect(fd, (const struct sockaddr *)&e->address,
			sizeof e->address) == 0);
	for (int i = 0; i < 5; i++) {
		int n = snprintf(sent, sizeof sent, "client %d, line %d",
				 e->number, i);

		MUST(go_write_all(fd, sent, (size_t)n, NULL) == 0);
		MUST(go_read_full(fd, back, (size_t)n, NULL) == 0);
		MUST(memcmp(sent, back, (size_t)n) == 0);
	}
	MUST(go_shutdown(fd, SHUT_WR) == 0);
	MUST(go_read(fd, back, sizeof back) == 0);
	MUST(go_close(fd) == 0);
	return NULL;
}

static int listen_at(struct sockaddr_in *address)
{
	socklen_t length = sizeof *address;
	int fd = go_tcp_listen("127.0.0.1:0");

	if (fd >= 0)
		getsockname(fd, (struct sockaddr *)address, &length);
	return fd;
}

static void *echo_server(void *unused)
{
	enum {
		CLIENTS = 50
	};
	struct echo clients[CLIENTS];
	go_task talking[CLIENTS], server;
	void *wrong[CLIENTS], *ended_by;
	int listener = listen_at(&clients[0].address);

	(void)unused;
	MUST(listener >= 0);
	MUST(go_task_spawn(&server, accept_all, GO_INT(listener)) == 0);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].address = clients[0].address;
		clients[i].number = i;
		MUST(go_task_spawn(&talking[i], talk, &clients[i]) == 0);
	}
	MUST(go_join_all(talking, CLIENTS, wrong) == 0);
	for (int i = 0; i < CLIENTS; i++)
		if (wrong[i])
			return wrong[i];
	MUST(go_close(listener) == 0);
	MUST(go_task_join(server, &ended_by) == 0);
	MUST(GO_TO_INT(ended_by) == -EBADF);
	return NULL;
}

Test(connections, the_echo_server)
{
	run_everywhere(echo_server, NULL);
}

/* ---- Ten thousand that say nothing --------------------------------------- */

/* Bytes of memory that the process occupies now. */
static int64_t resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long total, pages = 0;

	if (statm) {
		if (fscanf(statm, "%ld %ld", &total, &pages) != 2)
			pages = 0;
		fclose(statm);
	}
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

/* Both ends are ours: two descriptors each.  Fewer where that is forbidden. */
static int connections_allowed(int wished)
{
	struct rlimit files;
	int allowed;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur >= (rlim_t)wished * 2 + 100)
		return wished;
	allowed = ((int)files.rlim_cur - 100) / 2;
	printf("only %d connections: RLIMIT_NOFILE is %d\n", allowed,
	       (int)files.rlim_cur);
	return allowed;
}

struct crowd {
	int *fds;
	int n;
	int64_t bytes_each;
};

static void *gather(void *arg)
{
	struct crowd *crowd = (struct crowd *)arg;
	int64_t before = resident();
	struct sockaddr_in address;
	go_task server;
	int listener = listen_at(&address);
	char byte;

	MUST(listener >= 0);
	MUST(go_task_spawn(&server, accept_all, GO_INT(listener)) == 0);
	for (int i = 0; i < crowd->n; i++) {
		int fd = crowd->fds[i] = go_socket(AF_INET, SOCK_STREAM, 0);

		MUST(fd >= 0);
		MUST(go_connect(fd, (struct sockaddr *)&address,
				sizeof address) == 0);
		/* Echoed once, so that its task exists and waits again. */
		MUST(go_write_all(fd, "x", 1, NULL) == 0);
		MUST(go_read_full(fd, &byte, 1, NULL) == 0);
	}
	crowd->bytes_each = (resident() - before) / crowd->n;
	for (int i = 0; i < crowd->n; i++)
		MUST(go_close(crowd->fds[i]) == 0);
	MUST(go_close(listener) == 0);
	MUST(go_task_join(server, NULL) == 0);
	return NULL;
}

/* A thread each would want gigabytes: ten thousand stacks of 8 MiB, and of the
 * memory that is touched some 20 KiB each, the kernel's left out. */
Test(connections, ten_thousand_idle_ones_cost_megabytes)
{
	struct crowd crowd;

	crowd.n = connections_allowed((int)test_rounds(10000));
	cr_assert_gt(crowd.n, 0);
	crowd.fds = (int *)calloc((size_t)crowd.n, sizeof(int));
	cr_assert_not_null(crowd.fds);
	run_in(GO_MULTI_THREAD, 2, gather, &crowd);
	printf("%d connections, %ld bytes each\n", crowd.n,
	       (long)crowd.bytes_each);
#if !UNDER_SANITIZER
	/* With few of them, what the first ones need would be counted. */
	if (crowd.n >= 1000)
		cr_assert_lt(crowd.bytes_each, 16384);
#endif
	free(crowd.fds);
}
