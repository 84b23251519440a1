/* SPDX-License-Identifier: MIT */
/*
 * examples/proxy.c, as a process between a client and a server of ours: every
 * byte arrives, in both directions at once; half-close, reset and back pressure
 * go through.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "server.h"
#include "support.h"

static struct server proxy;
static int behind; /* where the proxy connects to */

static void begin(void)
{
	char arguments[64];
	int port;

	behind = listen_somewhere(&port);
	snprintf(arguments, sizeof arguments, "127.0.0.1:0 127.0.0.1:%d", port);
	start_server(&proxy, "proxy", arguments);
}

static void end(void)
{
	stop_server(&proxy);
	close(behind);
}

/* The two ends of a connection through the proxy. */
static void connect_through(int *client, int *server)
{
	*client = connect_to(proxy.port);
	*server = accept(behind, NULL, NULL);
	cr_assert_geq(*server, 0);
	limit_waits(*server);
}

static void close_two(int a, int b)
{
	close(a);
	close(b);
}

/* The byte at a place of the stream with this seed. */
static unsigned char byte_at(uint32_t seed, size_t at)
{
	uint32_t x = (uint32_t)at * 2654435761u + seed;

	return (unsigned char)(x >> 13 ^ x >> 24);
}

struct stream {
	int fd;
	size_t bytes;
	uint32_t seed;
	size_t wrong; /* the first byte that is not what was sent, plus one */
	bool ended;
};

static void *send_stream(void *arg)
{
	struct stream *s = (struct stream *)arg;
	char piece[5000];

	for (size_t at = 0; at < s->bytes;) {
		size_t n = 0;

		while (n < sizeof piece && at < s->bytes)
			piece[n++] = (char)byte_at(s->seed, at++);
		send_all(s->fd, piece, n);
	}
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

static void *check_stream(void *arg)
{
	struct stream *s = (struct stream *)arg;
	unsigned char piece[7000];
	size_t at = 0;
	ssize_t n;

	while ((n = recv(s->fd, piece, sizeof piece, 0)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (piece[i] != byte_at(s->seed, at) && !s->wrong)
				s->wrong = at + 1;
	s->ended = n == 0;
	if (!s->wrong && at != s->bytes)
		s->wrong = at + 1;
	return NULL;
}

Test(proxy, every_byte_goes_through_both_ways, .init = begin, .fini = end)
{
	size_t bytes = (size_t)test_rounds(4 << 20);
	pthread_t thread[4];
	struct stream up = {0}, down = {0}, at_server, at_client;
	int client, server;

	connect_through(&client, &server);
	up.fd = client;
	down.fd = server;
	up.bytes = bytes + 1;
	down.bytes = bytes + 4097;
	up.seed = 1;
	down.seed = 2;
	at_server = up;
	at_server.fd = server;
	at_client = down;
	at_client.fd = client;
	pthread_create(&thread[0], NULL, send_stream, &up);
	pthread_create(&thread[1], NULL, send_stream, &down);
	pthread_create(&thread[2], NULL, check_stream, &at_server);
	pthread_create(&thread[3], NULL, check_stream, &at_client);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	cr_assert(at_server.ended && at_client.ended);
	cr_assert_eq(at_server.wrong, 0, "up: byte %zu", at_server.wrong - 1);
	cr_assert_eq(at_client.wrong, 0, "down: byte %zu", at_client.wrong - 1);
	close_two(client, server);
}

Test(proxy, one_side_may_end_before_the_other, .init = begin, .fini = end)
{
	int client, server;

	connect_through(&client, &server);
	say(client, "the question");
	shutdown(client, SHUT_WR);
	hear(server, "the question");
	hear_end(server);
	say(server, "the answer");
	hear(client, "the answer");
	say(server, ", and more");
	shutdown(server, SHUT_WR);
	hear(client, ", and more");
	hear_end(client);
	close_two(client, server);
}

static void reset(int fd)
{
	struct linger at_once;

	at_once.l_onoff = 1;
	at_once.l_linger = 0;
	cr_assert_eq(
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
		0);
	close(fd);
}

Test(proxy, a_reset_is_passed_on, .init = begin, .fini = end)
{
	char heard[64];
	int client, server;

	for (int which = 0; which < 2; which++) {
		connect_through(&client, &server);
		say(client, "x");
		hear(server, "x");
		say(server, "y");
		hear(client, "y");
		reset(which ? client : server);
		cr_assert_eq(
			hear_all(which ? server : client, heard, sizeof heard),
			-1, "a reset came through as an end");
		close(which ? server : client);
	}
}

/* A writer whose reader does not read is stopped, before he has filled the
 * memory of the proxy; and then nothing of what he wrote is missing. */
Test(proxy, a_slow_reader_stops_the_writer, .init = begin, .fini = end)
{
	enum {
		FAR_TOO_MUCH = 256 << 20,
		BLOCKED_MS = 500
	};
	struct stream received = {0};
	size_t sent = 0;
	int client, server;

	connect_through(&client, &server);
	while (sent < FAR_TOO_MUCH) {
		struct pollfd p = {client, POLLOUT, 0};
		char piece[5000];
		ssize_t n;

		for (size_t i = 0; i < sizeof piece; i++)
			piece[i] = (char)byte_at(3, sent + i);
		n = send(client, piece, sizeof piece, MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n;
		else if (poll(&p, 1, BLOCKED_MS) == 0)
			break;
	}
	cr_assert_lt(sent, FAR_TOO_MUCH);
	shutdown(client, SHUT_WR);
	received.fd = server;
	received.bytes = sent;
	received.seed = 3;
	check_stream(&received);
	cr_assert(received.ended);
	cr_assert_eq(received.wrong, 0, "byte %zu", received.wrong - 1);
	close_two(client, server);
}

Test(proxy, nobody_behind_it_is_a_reset)
{
	char heard[8];
	int fd;

	begin();
	close(behind);
	fd = connect_to(proxy.port);
	cr_assert_eq(hear_all(fd, heard, sizeof heard), -1);
	close(fd);
	stop_server(&proxy);
}
