/* SPDX-License-Identifier: MIT */
/*
 * Looks at an echo server from outside: it is started at a free port of
 * 127.0.0.1, sends back what it is sent, and ends with 0 when it is told to.
 *
 *     echoes SERVER
 *
 * Nothing of gofer's is used.  Each wait has a limit of a minute, which only a
 * failure reaches.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PORTS = 5, /* Somebody else may be quicker to take one. */
	LIMIT = 60
};

typedef struct sockaddr_in address;

static const char *path;
static pid_t server = -1; /* While it runs. */

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "echoes: %s: %s\n", path, what);
	if (server > 0)
		kill(server, SIGKILL);
	exit(1);
}

static address name_of(int fd)
{
	address a;
	socklen_t length = sizeof a;

	check(getsockname(fd, (struct sockaddr *)&a, &length) == 0, "name");
	return a;
}

static int new_socket(void)
{
	struct timeval limit = {.tv_sec = LIMIT};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(fd >= 0, "socket");
	check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) ==
		      0,
	      "limit");
	return fd;
}

static address free_port(void)
{
	address a = {.sin_family = AF_INET};
	int fd = new_socket();

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(fd, (struct sockaddr *)&a, sizeof a) == 0, "bind");
	a = name_of(fd);
	close(fd);
	return a;
}

static void start(address a)
{
	char text[32];

	snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(a.sin_port));
	server = fork();
	check(server >= 0, "fork");
	if (server == 0) {
		alarm(2 * LIMIT); /* is kept by what it becomes */
		execl(path, path, text, (char *)NULL);
		perror(path);
		_exit(127);
	}
}

/* Its exit status; 128 and more: it was killed. */
static int end_of_server(int options)
{
	int status;
	pid_t ended = waitpid(server, &status, options);

	check(ended >= 0, "waitpid");
	if (ended == 0)
		return -1;
	server = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A connection, or -1: the server has ended. */
static int reach(address a)
{
	for (int i = 0; i < LIMIT * 100; i++) {
		int fd = new_socket();

		/* A port that nobody listens at may be connected to itself. */
		if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
		    name_of(fd).sin_port != a.sin_port)
			return fd;
		close(fd);
		if (end_of_server(WNOHANG) >= 0)
			return -1;
		usleep(10000);
	}
	check(0, "the server is not reached");
	return -1;
}

static void talk(int fd)
{
	char sent = 'g', back = 0;

	check(send(fd, &sent, 1, 0) == 1, "send");
	check(recv(fd, &back, 1, 0) == 1, "nothing comes back");
	check(back == sent, "something else comes back");
}

int main(int argc, char **argv)
{
	int fd = -1;

	path = argc > 1 ? argv[1] : "nothing";
	check(argc == 2, "usage: echoes SERVER");
	for (int i = 0; fd < 0 && i < PORTS; i++) {
		address a = free_port();

		start(a);
		fd = reach(a);
	}
	check(fd >= 0, "the server does not stay");
	talk(fd);
	close(fd);
	check(kill(server, SIGTERM) == 0, "kill");
	check(end_of_server(0) == 0, "the server does not end well");
	return 0;
}
