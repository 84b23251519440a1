/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the examples share: an example that runs as a process of
 * its own, and plain blocking sockets to talk to it.  Nothing of gofer's is
 * used here: who tests a server should not share its mistakes.
 *
 * Each wait has a limit of a minute, which only a failure reaches.
 */
#ifndef GO_TEST_SERVER_H
#define GO_TEST_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

struct server {
	pid_t pid;
	int port;
	FILE *output;
};

/*
 * Start EXAMPLES/name with the rest of the command line, which a shell reads.
 * Its standard output is s->output.
 */
static inline void start_program(struct server *s, const char *name,
				 const char *arguments)
{
	char command[1024];
	int fds[2];

	snprintf(command, sizeof command, "exec %s %s/%s %s", EMULATOR,
		 EXAMPLES, name, arguments);
	cr_assert_eq(pipe(fds), 0);
	s->pid = fork();
	cr_assert_geq(s->pid, 0);
	if (s->pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		alarm(120); /* none is left behind by a test that failed */
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	s->output = fdopen(fds[0], "r");
	cr_assert_not_null(s->output);
}

/* Wait until the program ends by itself; its exit status. */
static inline int await_program(struct server *s)
{
	int status = 0;

	fclose(s->output);
	cr_assert_eq(waitpid(s->pid, &status, 0), s->pid);
	cr_assert(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* Start a server that says "listening on HOST port N" when it does. */
static inline void start_server(struct server *s, const char *name,
				const char *arguments)
{
	char line[256];
	char *port;

	start_program(s, name, arguments);
	cr_assert_not_null(fgets(line, sizeof line, s->output), "%s is silent",
			   name);
	port = strstr(line, " port ");
	cr_assert_not_null(port, "%s says: %s", name, line);
	s->port = atoi(port + 6);
}

/* A signal asks the server to shut down, which is a success. */
static inline void stop_server(struct server *s)
{
	cr_assert_eq(kill(s->pid, SIGTERM), 0);
	cr_assert_eq(await_program(s), 0);
}

static inline struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_port = htons((uint16_t)port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static inline void limit_waits(int fd)
{
	struct timeval limit = {60, 0};

	cr_assert_eq(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit),
		0);
	cr_assert_eq(
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit),
		0);
}

static inline int connect_to(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	limit_waits(fd);
	cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* A listener on a free port of 127.0.0.1, for what an example connects to. */
static inline int listen_somewhere(int *port)
{
	struct sockaddr_in a = loopback(0);
	socklen_t length = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	limit_waits(fd);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	cr_assert_eq(listen(fd, 16), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static inline void send_all(int fd, const void *data, size_t n)
{
	const char *p = (const char *)data;

	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		cr_assert_gt(sent, 0, "send: %s", strerror(errno));
		p += sent;
		n -= (size_t)sent;
	}
}

static inline void say(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

/* Receive exactly what is expected. */
static inline void hear(int fd, const char *expected)
{
	size_t n = strlen(expected), got = 0;
	char heard[4096];

	cr_assert_lt(n, sizeof heard);
	while (got < n) {
		ssize_t r = recv(fd, heard + got, n - got, 0);

		if (r <= 0)
			break;
		got += (size_t)r;
	}
	heard[got] = '\0';
	cr_assert_str_eq(heard, expected);
}

/* Receive until the end of the stream; how many bytes, or -1: it broke off. */
static inline ssize_t hear_all(int fd, char *heard, size_t size)
{
	size_t got = 0;
	ssize_t r;

	while (got < size - 1 &&
	       (r = recv(fd, heard + got, size - 1 - got, 0)) != 0) {
		if (r < 0)
			return -1;
		got += (size_t)r;
	}
	heard[got] = '\0';
	return (ssize_t)got;
}

static inline void hear_end(int fd)
{
	char heard[256];

	cr_assert_eq(hear_all(fd, heard, sizeof heard), 0, "heard: %s", heard);
}

#endif
