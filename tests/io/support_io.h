/* SPDX-License-Identifier: MIT */
/*
 * What the tests of descriptors share: somebody who runs beside the caller, in
 * a task or in a plain thread, and knowing that he waits by now.
 */
#ifndef GO_TEST_IO_H
#define GO_TEST_IO_H

#include <gofer.h>
#include <gofer/io.h>
#include <gofer/net.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sched/everywhere.h"
#include "fds.h"
#include "sanitizers.h"
#include "support.h"

/* For code that cannot return what is wrong: ends the process loudly. */
#define INSIST(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			abort();                                               \
		}                                                              \
	} while (0)

#define SOON (GO_MILLISECOND / 10)

/* Somebody who runs fn(arg) beside us. */
struct peer {
	go_fn *fn;
	void *arg, *result;
	ATOMIC(bool) done;
	bool in_thread;
	go_task task;
	pthread_t thread;
};

static inline void *peer_main(void *arg)
{
	struct peer *p = (struct peer *)arg;

	p->result = p->fn(p->arg);
	atomic_store(&p->done, true);
	return NULL;
}

static inline void peer_start(struct peer *p, bool in_thread, go_fn *fn,
			      void *arg)
{
	p->fn = fn;
	p->arg = arg;
	p->in_thread = in_thread;
	atomic_store(&p->done, false);
	if (in_thread)
		INSIST(pthread_create(&p->thread, NULL, peer_main, p) == 0);
	else
		INSIST(go_task_spawn(&p->task, peer_main, p) == 0);
}

/* Wait for its end, whatever we are ourselves. */
static inline void *peer_finish(struct peer *p)
{
	while (!atomic_load(&p->done))
		go_sleep(SOON);
	if (p->in_thread)
		INSIST(pthread_join(p->thread, NULL) == 0);
	else
		INSIST(go_task_join(p->task, NULL) == 0);
	return p->result;
}

static inline void await_waiting(int fd, unsigned n)
{
	while (test_fd_waiting(fd) != n)
		go_sleep(SOON);
}

/* A listener on a free port of the loopback interface, and its address. */
static inline int listener_at(struct sockaddr_in *a)
{
	socklen_t length = sizeof(*a);
	int fd = go_tcp_listen("127.0.0.1:0");

	INSIST(fd >= 0);
	INSIST(getsockname(fd, (struct sockaddr *)a, &length) == 0);
	return fd;
}

/* Two ends of a TCP connection. */
static inline void tcp_pair(int fds[2])
{
	struct sockaddr_in a;
	int listener = listener_at(&a);

	fds[0] = go_socket(AF_INET, SOCK_STREAM, 0);
	INSIST(fds[0] >= 0);
	INSIST(go_connect(fds[0], (struct sockaddr *)&a, sizeof(a)) == 0);
	fds[1] = go_accept(listener, NULL, NULL);
	INSIST(fds[1] >= 0);
	INSIST(go_close(listener) == 0);
}

/* Whether small pieces go out at once. */
static inline bool sends_at_once(int fd)
{
	socklen_t length = sizeof(int);
	int on = 0;

	INSIST(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0);
	return on != 0;
}

static inline void close_both(const int fds[2])
{
	INSIST(go_close(fds[0]) == 0);
	INSIST(go_close(fds[1]) == 0);
}

/* Run a body in tasks of every kind of runtime, and in a plain thread. */
static inline void run_both(go_fn *body, void *arg)
{
	run_everywhere(body, arg);
	cr_assert_null(body(arg), "in a plain thread");
}

/* Run a body with its other side in tasks, then, told so, in threads. */
static inline void run_sides(go_fn *body)
{
	run_everywhere(body, NULL);
	run_both(body, (void *)"in a thread");
}

#endif
