/* SPDX-License-Identifier: MIT */
/*
 * The limit that examples/http_hello.c is measured against: one thread, one
 * epoll loop, written by hand for this one purpose.
 *
 * It understands requests as the example does (the same parser), and sends the
 * same bytes; it leaves out what a benchmark's client never needs: deadlines,
 * bodies and waiting for room, without which a client that does not read is
 * dropped.  Edge-triggered, each descriptor registered once.  As in
 * echo_epoll.c a request costs one recv(), one send() and a share of
 * epoll_wait(), and a short recv() has emptied the socket.
 *
 * usage: http_epoll [HOST:PORT]
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../examples/http_request.h"

enum {
	BUFFER = 8192,
	OUT = 16384,
	EVENTS = 512
};

/* What has arrived of a head that is not complete is kept here. */
struct client {
	int fd;
	size_t begin, end;
	char in[BUFFER];
};

static char out[OUT];
static int epoll, listener;

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			    "Content-Length: 14\r\n\r\nHello, world!\n";

static void drop(struct client *c)
{
	close(c->fd);
	free(c);
}

static bool send_out(const struct client *c, size_t n)
{
	return n == 0 || send(c->fd, out, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Answer all requests that are complete.  Returns false: close it. */
static bool answer(struct client *c)
{
	struct http_request request = {.keep_alive = true};
	size_t n = 0;

	while (c->begin < c->end && request.keep_alive) {
		int status = http_parse(&request, c->in + c->begin,
					c->end - c->begin);

		if (status == 100)
			break;
		if (status != 200 || request.body_bytes > 0)
			return false;
		c->begin += request.head_bytes;
		if (n > sizeof out - sizeof hello) {
			if (!send_out(c, n))
				return false;
			n = 0;
		}
		memcpy(out + n, hello, sizeof hello - 1);
		n += sizeof hello - 1;
	}
	return send_out(c, n) && (request.keep_alive || c->begin < c->end);
}

static void serve(struct client *c, uint32_t events)
{
	size_t room;
	ssize_t n;

	do {
		c->end -= c->begin;
		if (c->begin > 0 && c->end > 0)
			memmove(c->in, c->in + c->begin, c->end);
		c->begin = 0;
		room = sizeof c->in - c->end;
		n = recv(c->fd, c->in + c->end, room, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		c->end += (size_t)n;
		if (!answer(c))
			break;
		if ((size_t)n < room && !(events & EPOLLRDHUP))
			return;
	} while (c->begin > 0);
	drop(c);
}

static void accept_all(void)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
	};
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct client *c = malloc(sizeof *c);

		event.data.ptr = c;
		if (!c || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
			close(fd);
			free(c);
			continue;
		}
		c->fd = fd;
		c->begin = c->end = 0;
	}
}

static int listen_at(char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char *colon = strrchr(address, ':');
	int fd, one = 1;

	if (!colon)
		return -1;
	*colon = '\0';
	if (getaddrinfo(address, colon + 1, &hints, &found) != 0)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	     /* Which its connections inherit. */
	     setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	     bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
	     listen(fd, 4096) < 0)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

int main(int argc, char **argv)
{
	char standard[] = "127.0.0.1:8080";
	struct epoll_event events[EVENTS];
	struct epoll_event event = {.events = EPOLLIN};
	int n;

	listener = listen_at(argc > 1 ? argv[1] : standard);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (listener < 0 || epoll < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) {
		perror("http_epoll: cannot listen");
		return 1;
	}
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr, events[i].events);
			else
				accept_all();
		}
	}
}
