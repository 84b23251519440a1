/* SPDX-License-Identifier: MIT */
/*
 * The calls of net.h: what they do, and what they say to bad arguments; from
 * tasks of every kind of runtime and from plain threads.
 */
#include "support_io.h"

#include <stddef.h>
#include <sys/un.h>

static void *addresses(void *unused)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:http",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0:80",
		"localhost:80",
		"::1:80",
		"[::1]80",
		"[]:80",
		"[127.0.0.1]:80",
		"[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1]:80",
		"127.0.0.1:00000000000000000000000000000000099999999999",
	};

	(void)unused;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		MUST(go_tcp_listen(bad[i]) == -EINVAL);
		MUST(go_tcp_dial(bad[i]) == -EINVAL);
	}
	MUST(go_tcp_listen(NULL) == -EINVAL);
	MUST(go_tcp_dial(NULL) == -EINVAL);
	MUST(go_tcp_listen("192.0.2.1:1") == -EADDRNOTAVAIL);
	return NULL;
}

Test(net, addresses, .timeout = 20)
{
	run_both(addresses, NULL);
}

/* ---- Unix sockets, by path and by abstract name ---- */

static void *dial_unix(void *path)
{
	return GO_INT(go_unix_dial((const char *)path));
}

/* A connection made of a listener and somebody who dials. */
static void *hello_unix(const char *path, bool in_thread)
{
	int listener = go_unix_listen(path), ends[2];
	struct peer dialer;
	char text[3] = "";

	MUST(listener >= 0);
	MUST(go_unix_listen(path) == -EADDRINUSE);
	MUST(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	peer_start(&dialer, in_thread, dial_unix, (char *)(uintptr_t)path);
	ends[0] = go_accept(listener, NULL, NULL);
	ends[1] = GO_TO_INT(peer_finish(&dialer));
	MUST(ends[0] >= 0 && ends[1] >= 0);
	MUST(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	MUST(go_write(ends[1], "hi", 2) == 2);
	MUST(go_read_full(ends[0], text, 2, NULL) == 0);
	MUST(strcmp(text, "hi") == 0);
	close_both(ends);
	MUST(go_close(listener) == 0);
	MUST(go_unix_dial((const char *)path) == -ECONNREFUSED);
	return NULL;
}

static void *unix_paths(void *in_thread)
{
	char folder[] = "/tmp/gofer-unix-XXXXXX", path[64], longest[200];
	struct sockaddr_un a;
	void *wrong;
	int fd;

	MUST(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	MUST(go_unix_dial((const char *)path) == -ENOENT);
	wrong = hello_unix(path, in_thread != NULL);
	if (wrong)
		return wrong;
	/* The file stays, and is in the way. */
	MUST(go_unix_listen(path) == -EADDRINUSE);
	MUST(unlink(path) == 0);

	memset(longest, 'x', sizeof(longest));
	fd = snprintf(longest, sizeof(longest), "%s/", folder);
	longest[fd] = 'x';
	longest[sizeof(a.sun_path)] = '\0';
	MUST(go_unix_listen(longest) == -ENAMETOOLONG);
	MUST(go_unix_dial(longest) == -ENAMETOOLONG);
	longest[sizeof(a.sun_path) - 1] = '\0';
	wrong = hello_unix(longest, in_thread != NULL);
	MUST(unlink(longest) == 0 && rmdir(folder) == 0);
	MUST(go_unix_listen(NULL) == -EINVAL && go_unix_dial(NULL) == -EINVAL);
	MUST(go_unix_listen("") == -EINVAL && go_unix_dial("") == -EINVAL);
	return wrong;
}

/* The name is what others understand by it, and free when it is closed. */
static void *unix_names(void *in_thread)
{
	struct sockaddr_un a;
	socklen_t length = sizeof(a);
	char name[64];
	void *wrong = NULL;
	int fd, n;

	n = snprintf(name, sizeof(name), "@gofer-test-%ld", (long)getpid());
	for (int i = 0; i < 2 && !wrong; i++)
		wrong = hello_unix(name, in_thread != NULL);
	if (wrong)
		return wrong;
	fd = go_unix_listen(name);
	MUST(fd >= 0);
	MUST(getsockname(fd, (struct sockaddr *)&a, &length) == 0);
	MUST(length == offsetof(struct sockaddr_un, sun_path) + (size_t)n);
	MUST(a.sun_path[0] == '\0');
	MUST(memcmp(a.sun_path + 1, name + 1, (size_t)n - 1) == 0);
	MUST(go_close(fd) == 0);
	MUST(go_unix_listen("@") == -EINVAL && go_unix_dial("@") == -EINVAL);
	return NULL;
}

Test(net, unix_sockets, .timeout = 20)
{
	run_everywhere(unix_paths, NULL);
	run_both(unix_paths, (void *)"in a thread");
	run_everywhere(unix_names, NULL);
	run_both(unix_names, (void *)"in a thread");
}

/* ---- TCP ---- */

/* Listen at an address, dial the port at another, and say hello. */
static void *hello(const char *at, const char *dial)
{
	struct sockaddr_storage a;
	socklen_t length = sizeof(a);
	char text[64], c;
	int listener = go_tcp_listen(at), fd, peer;
	uint16_t port;

	if (listener == -EAFNOSUPPORT || listener == -EADDRNOTAVAIL)
		return NULL; /* No IPv6 on this machine. */
	MUST(listener >= 0);
	MUST(getsockname(listener, (struct sockaddr *)&a, &length) == 0);
	port = a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
				       : ((struct sockaddr_in *)&a)->sin_port;
	snprintf(text, sizeof(text), dial, ntohs(port));
	fd = go_tcp_dial(text);
	MUST(fd >= 0);
	length = sizeof(a);
	peer = go_accept(listener, (struct sockaddr *)&a, &length);
	MUST(peer >= 0);
	MUST(length == sizeof(struct sockaddr_in) ||
	     length == sizeof(struct sockaddr_in6));
	MUST(fcntl(peer, F_GETFL) & O_NONBLOCK);
	MUST(fcntl(peer, F_GETFD) & FD_CLOEXEC);
	MUST(sends_at_once(fd) && sends_at_once(peer));
	MUST(go_write(fd, "h", 1) == 1);
	MUST(go_read(peer, &c, 1) == 1 && c == 'h');
	MUST(go_tcp_listen(text[0] == ':' ? "127.0.0.1:0" : text) != -EINVAL);
	MUST(go_close(fd) == 0 && go_close(peer) == 0);
	MUST(go_close(listener) == 0);
	return NULL;
}

static void *hello_v4(void *unused)
{
	(void)unused;
	return hello("127.0.0.1:0", "127.0.0.1:%d");
}

static void *hello_v6(void *unused)
{
	(void)unused;
	return hello("[::1]:0", "[::1]:%d");
}

static void *hello_any(void *unused)
{
	(void)unused;
	return hello(":0", ":%d");
}

Test(net, listen_and_dial, .timeout = 20)
{
	run_both(hello_v4, NULL);
	run_both(hello_v6, NULL);
	run_both(hello_any, NULL);
}

static void *wrong_use(void *unused)
{
	struct sockaddr_in a;
	int listener = listener_at(&a), fds[2], fd;
	char c;

	(void)unused;
	MUST(go_socket(AF_INET, 4711, 0) < 0);
	MUST(go_socket(4711, SOCK_STREAM, 0) == -EAFNOSUPPORT);
	MUST(go_socketpair(AF_INET, SOCK_STREAM, 0, fds) == -EOPNOTSUPP);
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, NULL) == -EFAULT);
	MUST(go_bind(listener, (struct sockaddr *)&a, sizeof(a)) == -EINVAL);
	MUST(go_bind(listener, NULL, sizeof(a)) == -EFAULT);
	fd = go_socket(AF_INET, SOCK_STREAM, 0);
	MUST(fd >= 0);
	MUST(go_bind(fd, (struct sockaddr *)&a, sizeof(a)) == -EADDRINUSE);
	MUST(go_accept(fd, NULL, NULL) == -EINVAL);
	MUST(go_connect(fd, NULL, 0) == -EFAULT);
	MUST(go_connect(fd, (struct sockaddr *)&a, 1) == -EINVAL);
	MUST(go_shutdown(fd, SHUT_WR) == -ENOTCONN);
	MUST(go_recv(fd, &c, 1, 0) == -ENOTCONN);
	MUST(go_send(fd, &c, 1, 0) == -EPIPE);
	MUST(go_close(fd) == 0);

	MUST(go_pipe(fds) == 0);
	MUST(go_recv(fds[0], &c, 1, 0) == -ENOTSOCK);
	MUST(go_send(fds[1], &c, 1, 0) == -ENOTSOCK);
	MUST(go_accept(fds[0], NULL, NULL) == -ENOTSOCK);
	MUST(go_listen(fds[0], 1) == -ENOTSOCK);
	MUST(go_shutdown(fds[0], SHUT_RD) == -ENOTSOCK);
	MUST(go_connect(fds[0], (struct sockaddr *)&a, sizeof(a)) == -ENOTSOCK);
	close_both(fds);

	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	MUST(go_shutdown(fds[0], 77) == -EINVAL);
	MUST(go_recvmsg(fds[0], NULL, 0) == -EFAULT);
	MUST(go_sendmsg(fds[0], NULL, 0) == -EFAULT);
	MUST(go_recv(fds[0], &c, 1, MSG_WAITALL) == -EOPNOTSUPP);
	MUST(go_recv(fds[0], &c, 1, MSG_DONTWAIT) == -EAGAIN);
	MUST(go_recv(fds[0], NULL, 1, MSG_DONTWAIT) == -EAGAIN);
	close_both(fds);
	MUST(go_close(listener) == 0);
	/* The address of a listener that is gone. */
	fd = go_socket(AF_INET, SOCK_STREAM, 0);
	MUST(go_connect(fd, (struct sockaddr *)&a, sizeof(a)) == -ECONNREFUSED);
	MUST(go_close(fd) == 0);
	return NULL;
}

Test(net, wrong_use, .timeout = 20)
{
	run_both(wrong_use, NULL);
}

/* ---- UDP ---- */

static int udp(struct sockaddr_in *a)
{
	socklen_t length = sizeof(*a);
	int fd = go_socket(AF_INET, SOCK_DGRAM, 0);

	memset(a, 0, sizeof(*a));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	INSIST(fd >= 0);
	INSIST(go_bind(fd, (struct sockaddr *)a, length) == 0);
	INSIST(getsockname(fd, (struct sockaddr *)a, &length) == 0);
	return fd;
}

enum {
	DATAGRAMS = 20,
};

struct receiver {
	int fd;
	in_port_t from;
};

static void *receive_all(void *arg)
{
	struct receiver *r = (struct receiver *)arg;

	for (int i = 0; i < DATAGRAMS; i++) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		int got = -1;

		/* A short count each time, and more behind it. */
		if (i % 2 == 0)
			MUST(go_recv(r->fd, &got, 64, MSG_TRUNC) == 4);
		else
			MUST(go_recvfrom(r->fd, &got, 4, 0,
					 (struct sockaddr *)&from,
					 &length) == 4);
		MUST(got == i);
		MUST(i % 2 == 0 || from.sin_port == r->from);
	}
	return NULL;
}

/* Many datagrams after one edge: none may be left behind. */
static void *datagrams(void *in_thread)
{
	struct sockaddr_in a, b;
	int fd = udp(&a), other = udp(&b);
	struct receiver r = {fd, b.sin_port};
	struct peer peer;

	peer_start(&peer, in_thread != NULL, receive_all, &r);
	await_waiting(fd, 1);
	for (int i = 0; i < DATAGRAMS; i++)
		MUST(go_sendto(other, &i, sizeof(i), 0, (struct sockaddr *)&a,
			       sizeof(a)) == sizeof(i));
	MUST(peer_finish(&peer) == NULL);
	/* A datagram may be empty. */
	MUST(go_connect(other, (struct sockaddr *)&a, sizeof(a)) == 0);
	MUST(go_send(other, NULL, 0, 0) == 0);
	MUST(go_recv(fd, &a, sizeof(a), 0) == 0);
	MUST(go_close(fd) == 0);
	/* Nobody is there any more: the error comes with the next call. */
	MUST(go_send(other, "x", 1, 0) == 1);
	MUST(go_recv(other, &a, sizeof(a), 0) == -ECONNREFUSED);
	MUST(go_close(other) == 0);
	return NULL;
}

Test(net, datagrams, .timeout = 20)
{
	run_everywhere(datagrams, NULL);
	run_both(datagrams, (void *)"in a thread");
}

/* ---- messages, and descriptors in them ---- */

static void *pass_descriptor(void *arg)
{
	int *fds = (int *)arg; /* The socket, and what to send. */
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec v = {(void *)"fd", 2};
	MAKE(struct msghdr, m, .msg_iov = &v, .msg_iovlen = 1,
	     .msg_control = &control, .msg_controllen = sizeof(control));

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fds[1], sizeof(int));
	MUST(go_sendmsg(fds[0], &m, 0) == 2);
	return NULL;
}

static int received_descriptor(int fd, char *text)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec v = {text, 16};
	MAKE(struct msghdr, m, .msg_iov = &v, .msg_iovlen = 1,
	     .msg_control = &control, .msg_controllen = sizeof(control));
	int got = -1;

	INSIST(go_recvmsg(fd, &m, MSG_CMSG_CLOEXEC) == 2);
	if (m.msg_controllen)
		memcpy(&got, CMSG_DATA(&control.header), sizeof(int));
	return got;
}

/*
 * A message with a descriptor ends a read although more data is behind it: the
 * short count must not be taken for "empty".
 */
static void *descriptors(void *unused)
{
	int fds[2], inner[2], args[2], got;
	char text[16];

	(void)unused;
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	MUST(go_pipe(inner) == 0);
	args[0] = fds[0];
	args[1] = inner[0];
	MUST(pass_descriptor(args) == NULL);
	MUST(pass_descriptor(args) == NULL);
	MUST(go_write(fds[0], "end", 3) == 3);
	for (int i = 0; i < 2; i++) {
		got = received_descriptor(fds[1], text);
		MUST(got >= 0 && memcmp(text, "fd", 2) == 0);
		MUST(go_write(inner[1], "q", 1) == 1);
		/* It came in non-blocking mode, and is foreign all the same. */
		MUST(go_read(got, text, 1) == 1 && text[0] == 'q');
		MUST(go_close(got) == 0);
	}
	MUST(go_read(fds[1], text, 16) == 3);
	close_both(inner);
	close_both(fds);
	return NULL;
}

Test(net, descriptors, .timeout = 20)
{
	run_both(descriptors, NULL);
}

/* ---- AF_UNIX listeners have a backlog that nobody reports ---- */

struct unix_client {
	struct sockaddr_un a;
	socklen_t length;
	int result;
};

static void *connect_unix(void *arg)
{
	struct unix_client *c = (struct unix_client *)arg;
	int fd = go_socket(AF_UNIX, SOCK_STREAM, 0);

	c->result = go_connect(fd, (struct sockaddr *)&c->a, c->length);
	INSIST(go_close(fd) == 0);
	return NULL;
}

enum {
	CLIENTS = 4,
};

static void *full_backlog(void *in_thread)
{
	MAKE(struct unix_client, c, .a.sun_family = AF_UNIX);
	struct unix_client clients[CLIENTS];
	struct peer peers[CLIENTS];
	int listener = go_socket(AF_UNIX, SOCK_STREAM, 0);

	c.length = sizeof(c.a);
	/* The kernel chooses an abstract name. */
	MUST(go_bind(listener, (struct sockaddr *)&c.a, sizeof(sa_family_t)) ==
	     0);
	MUST(getsockname(listener, (struct sockaddr *)&c.a, &c.length) == 0);
	MUST(go_listen(listener, 0) == 0);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = c;
		peer_start(&peers[i], in_thread != NULL, connect_unix,
			   &clients[i]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		int fd = go_accept(listener, NULL, NULL);

		MUST(fd >= 0);
		MUST(go_close(fd) == 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		peer_finish(&peers[i]);
		MUST(clients[i].result == 0);
	}
	MUST(go_close(listener) == 0);
	return NULL;
}

Test(net, full_backlog, .timeout = 20)
{
	run_everywhere(full_backlog, NULL);
	run_both(full_backlog, (void *)"in a thread");
}
