/* SPDX-License-Identifier: MIT */
/*
 * Dialling: the order of attempts, when the next begins, which error is told,
 * and that nothing is left open, however it ends.
 *
 * On the loopback interface a listener whose backlog is full is a black hole: a
 * connect there gets no answer.  A time-out in these tests is an hour where it
 * must not matter, and passes at once where it must, so none of them depends on
 * how fast the machine is.
 */
#include "support_file.h"

#include <gofer/names.h>
#include <netinet/in.h>

#include "arch/sys.h"
#include "io/dial.h"
#include "poller.h"

/* ---- addresses ---- */

/* An address as the resolver lists it. */
struct place {
	struct addrinfo info;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
};

static void place_v4(struct place *p, uint16_t port)
{
	memset(p, 0, sizeof(*p));
	p->address.v4.sin_family = AF_INET;
	p->address.v4.sin_port = port;
	p->address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->info.ai_family = AF_INET;
	p->info.ai_socktype = SOCK_STREAM;
	p->info.ai_addr = &p->address.any;
	p->info.ai_addrlen = sizeof(p->address.v4);
}

static void place_v6(struct place *p, uint16_t port)
{
	memset(p, 0, sizeof(*p));
	p->address.v6.sin6_family = AF_INET6;
	p->address.v6.sin6_port = port;
	p->address.v6.sin6_addr = in6addr_loopback;
	p->info.ai_family = AF_INET6;
	p->info.ai_socktype = SOCK_STREAM;
	p->info.ai_addr = &p->address.any;
	p->info.ai_addrlen = sizeof(p->address.v6);
}

/* The places as a list. */
static const struct addrinfo *list_of(struct place *p, unsigned n)
{
	for (unsigned i = 0; i + 1 < n; i++)
		p[i].info.ai_next = &p[i + 1].info;
	return &p[0].info;
}

/* ---- listeners, and what is none ---- */

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in a;
	int fd = listener_at(&a);

	*port = a.sin_port;
	return fd;
}

/* A port that nobody listens at; it is kept by the socket that is returned. */
static int refuse_somewhere(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	INSIST(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	INSIST(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	*port = a.sin_port;
	return fd;
}

enum {
	FILLERS = 4,
};

/* A listener whose backlog is full. */
struct hole {
	int fd, filler[FILLERS];
};

static void dig(struct hole *h, uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a);

	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	INSIST(bind(h->fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	INSIST(listen(h->fd, 0) == 0);
	INSIST(getsockname(h->fd, (struct sockaddr *)&a, &n) == 0);
	for (int i = 0; i < FILLERS; i++) {
		h->filler[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(h->filler[i], (struct sockaddr *)&a, sizeof(a));
	}
	*port = a.sin_port;
}

static void bury(struct hole *h)
{
	for (int i = 0; i < FILLERS; i++)
		close(h->filler[i]);
	close(h->fd);
}

/* Whose port the descriptor is connected to. */
static bool leads_to(int fd, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	return getpeername(fd, (struct sockaddr *)&a, &n) == 0 &&
	       ((struct sockaddr_in *)&a)->sin_port == port;
}

#define HOURS (3600 * GO_SECOND)

/* ---- order ---- */

Test(dial, families_take_turns)
{
	static const int in[] = {6, 6, 6, 4, 4}, out[] = {0, 3, 1, 4, 2};
	static const int in2[] = {4, 6, 4, 4}, out2[] = {0, 1, 2, 3};
	const struct addrinfo *order[5];
	struct place p[5];

	for (int i = 0; i < 5; i++)
		(in[i] == 6 ? place_v6 : place_v4)(&p[i], 0);
	cr_assert_eq(go__dial_order(list_of(p, 5), order, 5), 5);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(order[i], &p[out[i]].info, "%d", i);
	cr_assert_eq(go__dial_order(&p[0].info, order, 3), 3);
	cr_assert_eq(go__dial_order(NULL, order, 3), 0);
	for (int i = 0; i < 4; i++)
		(in2[i] == 6 ? place_v6 : place_v4)(&p[i], 0);
	cr_assert_eq(go__dial_order(list_of(p, 4), order, 5), 4);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(order[i], &p[out2[i]].info, "%d", i);
}

/* ---- how it goes ---- */

/* The first has an hour alone, fails at once, and the second is tried. */
static void *next_after_failure(void *unused)
{
	go_dial_options o = {.stagger_ns = HOURS};
	struct place p[3];
	uint16_t closed, open;
	int none = refuse_somewhere(&closed), listener, fd;

	(void)unused;
	listener = listen_somewhere(&open);
	place_v4(&p[0], closed);
	place_v6(&p[1], closed);
	place_v4(&p[2], open);
	fd = go__dial_list(list_of(p, 3), &o);
	MUST(fd >= 0 && leads_to(fd, open));
	MUST(fcntl(fd, F_GETFL) & O_NONBLOCK);
	MUST(go_close(fd) == 0 && go_close(listener) == 0);
	MUST(close(none) == 0);
	return NULL;
}

/* The first does not answer; the second is tried beside it, and wins. */
static void *next_after_a_while(void *unused)
{
	go_dial_options o = {.stagger_ns = 1};
	struct place p[3];
	struct hole h;
	uint16_t hole, open;
	int listener = listen_somewhere(&open), fd;

	(void)unused;
	dig(&h, &hole);
	place_v4(&p[0], hole);
	place_v4(&p[1], hole);
	place_v4(&p[2], open);
	fd = go__dial_list(list_of(p, 3), &o);
	MUST(fd >= 0 && leads_to(fd, open));
	MUST(go_close(fd) == 0 && go_close(listener) == 0);
	bury(&h);
	return NULL;
}

static void *within(void *unused)
{
	go_dial_options o = {.stagger_ns = HOURS};
	struct place p[2];
	struct hole h;
	uint16_t hole, open;
	int listener = listen_somewhere(&open), r;

	(void)unused;
	dig(&h, &hole);
	place_v4(&p[0], hole);
	place_v4(&p[1], open);
	{
		GO_TIMEOUT(2 * GO_MILLISECOND);

		/* The second one's time has not come. */
		r = go__dial_list(list_of(p, 2), &o);
	}
	MUST(r == -ETIMEDOUT);
	MUST(go_close(listener) == 0);
	bury(&h);
	return NULL;
}

/* The most telling error, wherever it comes. */
static void *errors(void *unused)
{
	go_dial_options o = {.stagger_ns = HOURS}, options = {.family = 4711};
	struct place p[3];
	uint16_t closed;
	int none = refuse_somewhere(&closed);

	(void)unused;
	MUST(go__dial_list(NULL, &o) == -ENODATA);
	place_v4(&p[0], closed);
	MUST(go__dial_list(&p[0].info, &o) == -ECONNREFUSED);
	place_v4(&p[1], closed);
	p[1].info.ai_family = 4711; /* No such sockets. */
	place_v4(&p[2], closed);
	p[2].info.ai_family = 4711;
	MUST(go__dial_list(&p[1].info, &o) == -EAFNOSUPPORT);
	MUST(go__dial_list(list_of(p, 3), &o) == -ECONNREFUSED);
	p[0].info.ai_next = NULL;
	p[2].info.ai_next = &p[0].info;
	MUST(go__dial_list(&p[1].info, &o) == -ECONNREFUSED);
	MUST(go_dial("127.0.0.1", "80", &options) == -EAFNOSUPPORT);
	options.family = 0;
	options.stagger_ns = -1;
	MUST(go_dial("127.0.0.1", "80", &options) == -EINVAL);
	options.stagger_ns = 0;
	options.reserved[7] = 1;
	MUST(go_dial("127.0.0.1", "80", &options) == -EINVAL);
	MUST(go_dial("127.0.0.1", "no-such-service", NULL) == -EPROTONOSUPPORT);
	MUST(close(none) == 0);
	return NULL;
}

/* Names and numbers, IPv4 and IPv6, and an own address. */
static void *names(void *unused)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	go_dial_options o = {.source = (struct sockaddr *)&source,
			     .source_bytes = sizeof(source)};
	char service[8];
	uint16_t port;
	socklen_t n = sizeof(source);
	int listener = listen_somewhere(&port), fd;

	(void)unused;
	snprintf(service, sizeof(service), "%u", ntohs(port));
	fd = go_dial("127.0.0.1", service, NULL);
	MUST(fd >= 0 && leads_to(fd, port) && sends_at_once(fd));
	MUST(go_close(fd) == 0);
	fd = go_dial(local_name(), service, NULL);
	MUST(fd >= 0 && leads_to(fd, port) && go_close(fd) == 0);
	fd = go_dial(NULL, service, NULL);
	MUST(fd >= 0 && leads_to(fd, port) && go_close(fd) == 0);
	source.sin_addr.s_addr = htonl(0x7f000009);
	fd = go_dial(local_name(), service, &o);
	MUST(fd >= 0);
	MUST(getsockname(fd, (struct sockaddr *)&source, &n) == 0);
	MUST(source.sin_addr.s_addr == htonl(0x7f000009));
	MUST(go_close(fd) == 0);
	source.sin_port = 0;
	MUST(go_dial("::1", service, &o) == -EAFNOSUPPORT);
	o = (go_dial_options){.type = SOCK_DGRAM};
	fd = go_dial("127.0.0.1", service, &o);
	MUST(fd >= 0 && leads_to(fd, port) && go_close(fd) == 0);
	MUST(go_close(listener) == 0);
	return NULL;
}

/* Nobody listens, but the own port is the one that is asked for. */
static void *itself(void *unused)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	go_dial_options o = {.source = (struct sockaddr *)&source,
			     .source_bytes = sizeof(source)};
	char service[8];
	uint16_t port;
	int none = refuse_somewhere(&port), r;

	(void)unused;
	MUST(close(none) == 0);
	source.sin_port = port;
	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(service, sizeof(service), "%u", ntohs(port));
	r = go_dial("127.0.0.1", service, &o);
	/* Unless somebody else has taken the port meanwhile. */
	MUST(r == -ECONNREFUSED || r == -EADDRINUSE);
	return NULL;
}

static void *all_of_it(void *unused)
{
	go_fn *const parts[] = {
		next_after_failure,
		next_after_a_while,
		within,
		errors,
		names,
		itself,
	};

	(void)unused;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		unsigned before = open_descriptors();
		void *wrong = parts[i](NULL);

		if (wrong)
			return wrong;
		/* A plain thread's event may be a pipe. */
		MUST(open_descriptors() <= before + (GO__LINUX ? 1 : 2));
	}
	return NULL;
}

Test(dial, attempts, .timeout = 60)
{
	run_both(all_of_it, NULL);
}

/* ---- cancelled ---- */

static void *dial(void *list)
{
	go_dial_options o = {.stagger_ns = HOURS};

	return GO_INT(go__dial_list(list, &o));
}

static void *cancelled(void *unused)
{
	struct place p[2];
	struct hole h;
	struct peer peer;
	unsigned before;
	uint16_t hole;

	(void)unused;
	dig(&h, &hole);
	place_v4(&p[0], hole);
	place_v6(&p[1], hole);
	(void)list_of(p, 2);
	before = open_descriptors();
	peer_start(&peer, false, dial, &p[0].info);
	while (open_descriptors() == before)
		go_sleep(SOON);
	MUST(go_task_cancel(peer.task) == 0);
	MUST(GO_TO_INT(peer_finish(&peer)) == -ECANCELED);
	MUST(open_descriptors() == before);
	bury(&h);
	return NULL;
}

Test(dial, cancelled, .timeout = 20)
{
	run_everywhere(cancelled, NULL);
}

#ifdef GO_TEST_HOOKS

/* ---- failures ---- */

static int dial_three(int64_t limit_ns)
{
	GO_TIMEOUT(limit_ns);
	go_dial_options o = {.stagger_ns = GO_MILLISECOND};
	struct place p[3];
	struct hole h;
	uint16_t hole, open;
	int listener = listen_somewhere(&open), fd;

	dig(&h, &hole);
	place_v4(&p[0], hole);
	place_v4(&p[1], hole);
	place_v4(&p[2], open);
	fd = go__dial_list(list_of(p, 3), &o);
	if (fd >= 0)
		INSIST(go_close(fd) == 0);
	INSIST(go_close(listener) == 0);
	bury(&h);
	return fd < 0 ? fd : 0;
}

static void *fail_each(void *unused)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_socket, GO__SYS_connect, GO__SYS_poll,
		GO__SYS_calloc, POLLER_CHANGE,
	};
	int r = dial_three(GO_NEVER);
	unsigned before = open_descriptors();

	(void)unused;
	MUST(r == 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		bool failed;
		unsigned n = 0;

		do {
			/* Not the listener's socket. */
			test_fail_nth(calls[i],
				      ++n + (calls[i] == GO__SYS_socket));
			r = dial_three(50 * GO_MILLISECOND);
			failed = test_fail_stop();
			/* One attempt may fail, and another win; or the one
			 * that would, fails, and the others do not answer. */
			MUST(r == 0 || r == -ENOMEM || r == -ETIMEDOUT);
			MUST(open_descriptors() == before);
		} while (failed && n < 20);
		MUST(n > 1);
	}
	MUST(dial_three(GO_NEVER) == 0);
	return NULL;
}

Test(dial, each_call_fails_once, .timeout = 60)
{
	run_in(GO_CURRENT_THREAD, 0, fail_each, NULL);
}

#endif
