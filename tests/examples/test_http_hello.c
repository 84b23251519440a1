/* SPDX-License-Identifier: MIT */
/*
 * examples/http_hello.c, as a process, and its parser by itself: what it
 * answers, byte by byte; that it knows where each request ends, however the
 * bytes are cut; what it refuses.  (http_tools.sh lets curl and wrk judge.)
 */
#include <poll.h>

#include "../../examples/http_request.h"
#include "server.h"

#define USUAL                                                                  \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"                      \
	"Content-Length: 14\r\n\r\nHello, world!\n"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct server server;

static void begin(void)
{
	start_server(&server, "http_hello", "127.0.0.1:0");
}

static void end(void)
{
	stop_server(&server);
}

/* Each on its own connection, sent at once: the whole answer begins with... */
static const struct {
	const char *request, *answer;
} refused[] = {
	{"\x16\x03\x01\x02 tls?\r\n\r\n", "HTTP/1.1 400 "},
	{"GET\r\n\r\n", "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "}, /* no Host */
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\rHost: a\r\n\r\n", "HTTP/1.1 400 "},
	{"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 "},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
	 "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
	 "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
	 "Content-Length: 2\r\n\r\n",
	 "HTTP/1.1 400 "},
	{"GET / HTTP/1.1\r\nHost: a\r\n"
	 "Content-Length: 99999999999999999999999999\r\n\r\n",
	 "HTTP/1.1 413 "},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
	 "HTTP/1.1 413 "},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "0\r\n\r\n",
	 "HTTP/1.1 501 "},
	{"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n",
	 "HTTP/1.1 417 "},
	{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505 "},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, close\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	 "Content-Length: 14\r\nConnection: close\r\n\r\nHello, world!\n"},
	{"GET / HTTP/1.0\r\n\r\n",
	 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	 "Content-Length: 14\r\nConnection: close\r\n\r\nHello, world!\n"},
};

Test(http_hello, refuses_what_is_wrong, .init = begin, .fini = end)
{
	char heard[1024];

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		int fd = connect_to(server.port);

		/* What stands before it is answered all the same. */
		say(fd, GET);
		say(fd, refused[i].request);
		hear(fd, USUAL);
		cr_assert_gt(hear_all(fd, heard, sizeof heard), 0,
			     "no answer to: %s", refused[i].request);
		cr_assert_eq(strncmp(heard, refused[i].answer,
				     strlen(refused[i].answer)),
			     0, "%s\nis answered: %s", refused[i].request,
			     heard);
		close(fd);
	}
}

Test(http_hello, refuses_a_head_without_end, .init = begin, .fini = end)
{
	int fd = connect_to(server.port);
	char heard[1024], many[16384];

	memset(many, 'a', sizeof many);
	say(fd, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	send_all(fd, many, sizeof many);
	cr_assert_gt(hear_all(fd, heard, sizeof heard), 0);
	cr_assert_eq(strncmp(heard, "HTTP/1.1 431 ", 13), 0, "%s", heard);
	close(fd);
}

/* All of them at once, more than the server's buffers hold, and then the same
 * bytes in pieces of every small size. */
Test(http_hello, answers_pipelined_requests_in_order, .init = begin,
     .fini = end)
{
	static const char burst[] = GET
		"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
		"GET /\r\n\r\nHEAD / HTTP/1.1\r\nhost: a\r\n\r\n"
		"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" GET;
	static const char answers[] = USUAL USUAL
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		"Content-Length: 14\r\nConnection: keep-alive\r\n\r\n"
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		"Content-Length: 14\r\nConnection: keep-alive\r\n\r\n"
		"Hello, world!\n" USUAL;
	int fd = connect_to(server.port);

	for (int i = 0; i < 100; i++)
		say(fd, burst);
	for (int i = 0; i < 100; i++)
		hear(fd, answers);
	for (size_t piece = 1; piece < 40; piece += 3) {
		for (size_t at = 0; at < sizeof burst - 1; at += piece) {
			size_t left = sizeof burst - 1 - at;

			send_all(fd, burst + at, left < piece ? left : piece);
		}
		hear(fd, answers);
	}
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	hear_end(fd);
	close(fd);
}

Test(http_hello, says_when_to_send_a_body, .init = begin, .fini = end)
{
	int fd = connect_to(server.port);
	char body[1000];

	memset(body, '\n', sizeof body);
	say(fd, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		"Content-Length: 1000000\r\n\r\n");
	hear(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		send_all(fd, body, sizeof body);
	hear(fd, USUAL);
	say(fd, GET);
	hear(fd, USUAL);
	close(fd);
}

/* Neither half a head nor half a body is waited for; nor does a byte now and
 * then buy more time. */
Test(http_hello, gives_up_who_is_too_slow)
{
	static const char half[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	char heard[1024];
	int head, body, n = 0;
	bool dripping = true;

	start_server(&server, "http_hello", "127.0.0.1:0 1");
	head = connect_to(server.port);
	body = connect_to(server.port);
	say(body, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1");
	say(head, GET);
	say(head, half);
	hear(head, USUAL);
	while (dripping && n++ < 600) {
		struct pollfd p = {head, POLLIN, 0};

		dripping = poll(&p, 1, 100) == 0;
		if (dripping)
			say(head, "x");
	}
	cr_assert_not(dripping, "still waiting after a minute");
	cr_assert_gt(hear_all(head, heard, sizeof heard), 0);
	cr_assert_eq(strncmp(heard, "HTTP/1.1 408 ", 13), 0, "%s", heard);
	hear_end(body);
	close(head);
	close(body);
	end();
}

/* Shutting down does not wait for who says nothing, nor for half a request. */
Test(http_hello, shuts_down_with_clients_connected)
{
	int idle, half;

	begin();
	idle = connect_to(server.port);
	half = connect_to(server.port);
	say(half, GET "GET / HTTP/1.1\r\n");
	hear(half, USUAL);
	end();
	hear_end(idle);
	hear_end(half);
	close(idle);
	close(half);
}

/* The head is complete with its last byte, and never before. */
Test(http_hello, the_parser_waits_for_the_end)
{
	static const char text[] = "GET /x HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 7\r\n\r\nbody...";
	struct http_request r;
	size_t head = sizeof text - 1 - 7;

	for (size_t n = 0; n < head; n++)
		cr_assert_eq(http_parse(&r, text, n), 100, "%zu bytes", n);
	cr_assert_eq(http_parse(&r, text, sizeof text - 1), 200);
	cr_assert_eq(r.head_bytes, head);
	cr_assert_eq(r.body_bytes, 7);
	cr_assert(r.keep_alive && !r.head_only && !r.old && !r.wait_for_100);
}

/* Whatever stands there, nothing behind the text is looked at: the memory
 * checkers see to that, for each text ends where its memory does. */
Test(http_hello, the_parser_stays_inside)
{
	uint32_t x = 1;

	for (int round = 0; round < 20000; round++) {
		static const char letters[] = "GET /HP1.:\r\n\r\n\r\n\t,\x7f";
		char *text;
		size_t n;
		struct http_request r;
		int status;

		x = x * 1664525u + 1013904223u;
		n = (x >> 16) % 60 + 4;
		text = (char *)malloc(n);
		cr_assert_not_null(text);
		for (size_t i = 0; i < n; i++) {
			x = x * 1664525u + 1013904223u;
			text[i] = letters[(x >> 16) % (sizeof letters - 1)];
		}
		memcpy(text, "GET / HTTP/1.1\r\n", n < 16 ? n : 16);
		memcpy(text + n - 4, "\r\n\r\n", 4);
		status = http_parse(&r, text, n);
		cr_assert(status >= 100 && status < 600);
		cr_assert_leq(r.head_bytes, n);
		free(text);
	}
}
