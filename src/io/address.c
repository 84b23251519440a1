/* SPDX-License-Identifier: MIT */
/*
 * TCP by address string.
 */
#include <gofer/io.h>
#include <gofer/net.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "arch/sys.h"
#include "io/tcp.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* A decimal port, up to the end of the string; or -EINVAL. */
static int parse_port(const char *s)
{
	int port = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		port = port * 10 + (*s - '0');
		if (port > 65535)
			return -EINVAL;
	}
	return port;
}

/* A host's number, without brackets; `host` is empty for "any". */
static int parse_host(const char *host, bool brackets, uint16_t port,
		      union address *a, socklen_t *length)
{
	memset(a, 0, sizeof(*a));
	if (brackets || !*host) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		*length = sizeof(a->v6);
		if (!brackets)
			return 0;
		return inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1
			       ? 0
			       : -EINVAL;
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = htons(port);
	*length = sizeof(a->v4);
	return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

/* Understand HOST:PORT.  *any: no host was given. */
static int parse(const char *s, union address *a, socklen_t *length, bool *any)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = s ? strrchr(s, ':') : NULL;
	bool brackets;
	size_t n;
	int port;

	if (!colon)
		return -EINVAL;
	port = parse_port(colon + 1);
	n = (size_t)(colon - s);
	brackets = n >= 2 && s[0] == '[' && s[n - 1] == ']';
	if (brackets) {
		s++;
		n -= 2;
	}
	if (port < 0 || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	*any = n == 0 && !brackets;
	return parse_host(host, brackets, (uint16_t)port, a, length);
}

/* The same port without IPv6. */
static void to_v4(union address *a, socklen_t *length, uint32_t host)
{
	in_port_t port = a->v6.sin6_port;

	memset(a, 0, sizeof(*a));
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = port;
	a->v4.sin_addr.s_addr = htonl(host);
	*length = sizeof(a->v4);
}

static int listen_at(const union address *a, socklen_t length, bool any)
{
	int fd = go_socket(a->any.sa_family, SOCK_STREAM, 0);
	int one = 1, zero = 0, r;

	if (fd < 0)
		return fd;
	go__send_at_once(fd);
	r = go__sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (r == 0 && any && a->any.sa_family == AF_INET6)
		r = go__sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero,
				       sizeof(zero));
	if (r == 0)
		r = go_bind(fd, &a->any, length);
	if (r == 0)
		r = go_listen(fd, SOMAXCONN);
	if (r == 0)
		return fd;
	go_close(fd);
	return r;
}

int go_tcp_listen(const char *address)
{
	union address a;
	socklen_t length;
	bool any;
	int r = parse(address, &a, &length, &any);

	if (r < 0)
		return r;
	r = listen_at(&a, length, any);
	if (any && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
		to_v4(&a, &length, INADDR_ANY);
		r = listen_at(&a, length, true);
	}
	return r;
}

int go_tcp_dial(const char *address)
{
	union address a;
	socklen_t length;
	bool any;
	int fd, r = parse(address, &a, &length, &any);

	if (r < 0)
		return r;
	if (any)
		to_v4(&a, &length, INADDR_LOOPBACK);
	fd = go_socket(a.any.sa_family, SOCK_STREAM, 0);
	if (fd < 0)
		return fd;
	go__send_at_once(fd);
	r = go_connect(fd, &a.any, length);
	if (r == 0)
		return fd;
	go_close(fd);
	return r;
}
