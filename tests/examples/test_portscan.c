/* SPDX-License-Identifier: MIT */
/* examples/portscan.c, as a process: it finds what listens, and only that. */
#include "server.h"

/* Whether the range is scanned with success, and the port is found. */
static bool finds(const char *host, int from, int to, int port)
{
	struct server s;
	char arguments[64], line[32];
	bool found = false;
	int before = 0;

	snprintf(arguments, sizeof arguments, "%s %d-%d", host, from, to);
	start_program(&s, "portscan", arguments);
	while (fgets(line, sizeof line, s.output)) {
		int n = atoi(line);

		cr_assert(n >= from && n <= to, "%d", n);
		cr_assert_gt(n, before, "out of order, or twice");
		before = n;
		found |= n == port;
	}
	cr_assert_eq(await_program(&s), 0);
	return found;
}

Test(portscan, finds_what_listens)
{
	int port, fd = listen_somewhere(&port);

	cr_assert(finds("127.0.0.1", port, port, port));
	cr_assert(finds("127.0.0.1", port > 300 ? port - 300 : 1,
			port < 65235 ? port + 300 : 65535, port));
	close(fd);
}

Test(portscan, finds_nothing_where_nobody_listens)
{
	int port, fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = loopback(0);
	socklen_t length = sizeof a;

	/* Bound, so that nobody else takes the port, but not listening. */
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	port = ntohs(a.sin_port);
	cr_assert_not(finds("127.0.0.1", port, port, port));
	close(fd);
}

Test(portscan, refuses_what_is_no_address)
{
	static const char *const wrong[] = {
		"127.0.0.1 0-10",  "127.0.0.1 10-9", "127.0.0.1 1-65536",
		"127.0.0.1 eight", "127.0.0.1",      "nobody 1-2",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct server s;

		start_program(&s, "portscan", wrong[i]);
		cr_assert_neq(await_program(&s), 0, "%s", wrong[i]);
	}
}
