/* SPDX-License-Identifier: MIT */
/*
 * examples/echo_server.c, as a process: it answers, and ends well on a signal:
 * without connections at once, with some when they end, or when their time is
 * over; and each of the two signals will do.
 */
#include "server.h"
#include "support.h"

static struct server server;

/* It says nothing; so it is asked until it answers, at a port of our choice. */
static void begin(int grace)
{
	char arguments[64];
	int port, fd = listen_somewhere(&port);

	close(fd);
	snprintf(arguments, sizeof arguments, "127.0.0.1:%d %d", port, grace);
	start_program(&server, "echo_server", arguments);
	server.port = port;
	for (int i = 0;; i++) {
		struct sockaddr_in a = loopback(port);

		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
			break;
		close(fd);
		cr_assert_lt(i, 3000);
		usleep(10000);
	}
	close(fd);
}

static bool is_refused(void)
{
	struct sockaddr_in a = loopback(server.port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused = connect(fd, (struct sockaddr *)&a, sizeof a) < 0;

	close(fd);
	return refused;
}

Test(echo_server, ends_when_told, .timeout = 120)
{
	static const int signals[] = {SIGTERM, SIGINT};

	for (int i = 0; i < 2; i++) {
		int fd;

		begin(100);
		fd = connect_to(server.port);
		say(fd, "hello\n");
		hear(fd, "hello\n");
		close(fd);
		cr_assert_eq(kill(server.pid, signals[i]), 0);
		cr_assert_eq(await_program(&server), 0);
	}
}

/* Who is connected is served on, and ends it by leaving. */
Test(echo_server, lets_connections_finish, .timeout = 120)
{
	int fd;

	begin(100);
	fd = connect_to(server.port);
	say(fd, "hello\n");
	hear(fd, "hello\n");
	cr_assert_eq(kill(server.pid, SIGTERM), 0);
	while (!is_refused())
		usleep(1000);
	say(fd, "still there\n");
	hear(fd, "still there\n");
	close(fd);
	cr_assert_eq(await_program(&server), 0);
}

/* Who stays is cut off in the end. */
Test(echo_server, cuts_off_who_stays, .timeout = 120)
{
	int fd;

	begin(1);
	fd = connect_to(server.port);
	say(fd, "hello\n");
	hear(fd, "hello\n");
	cr_assert_eq(kill(server.pid, SIGTERM), 0);
	hear_end(fd);
	close(fd);
	cr_assert_eq(await_program(&server), 0);
}

Test(echo_server, says_what_is_wrong, .timeout = 120)
{
	start_program(&server, "echo_server", "nonsense 2>/dev/null");
	cr_assert_eq(await_program(&server), 1);
}
