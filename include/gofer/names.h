/* SPDX-License-Identifier: MIT */
/*
 * Names: from a host and a service to addresses, and to a connection.
 *
 *     static ssize_t fetch(const struct page *page)
 *     {
 *             GO_TIMEOUT(page->limit_ns);
 *             int fd = go_dial(page->host, page->service, NULL);
 *             ...
 *     }
 *
 * (examples/fetch.c is a whole program; examples/resolve.c only asks for
 * addresses.)
 *
 * The system's resolver blocks its thread, so it runs in the runtime's blocking
 * pool.  It may take long, half a minute if no server answers, and cannot be
 * interrupted; so whoever is cancelled, or out of time, leaves it alone at once
 * and its answer is dropped when it comes.  (It keeps its thread of the pool
 * until then.  A plain thread outside a runtime, and a thread of the pool, ask
 * the resolver themselves and do not leave early.)
 *
 * What the resolver reports is a negated errno value here as everywhere:
 *
 *   getaddrinfo(3)   here               and means
 *   ---------------  -----------------  ---------------------------------------
 *   EAI_NONAME       -ENXIO             no such host or service
 *   EAI_NODATA,      -ENODATA           the host has no address, or none of the
 *   EAI_ADDRFAMILY                      family that was asked for
 *   EAI_AGAIN        -EAGAIN            no answer; later there may be one
 *   EAI_FAIL         -EREMOTEIO         the name server has failed
 *   EAI_SERVICE      -EPROTONOSUPPORT   no such service for this type of socket
 *   EAI_SOCKTYPE     -ESOCKTNOSUPPORT   no such type of socket
 *   EAI_FAMILY       -EAFNOSUPPORT      no such address family
 *   EAI_BADFLAGS     -EINVAL            wrong flags
 *   EAI_OVERFLOW     -EOVERFLOW         a buffer is too small
 *   EAI_MEMORY       -ENOMEM            no memory
 *   EAI_SYSTEM       errno, negated
 *
 * go_gai_strerror() puts it into the resolver's words.
 *
 * In a statically linked program glibc's resolver needs the shared libraries of
 * the glibc that it was linked with at run time.
 */
#ifndef GOFER_NAMES_H
#define GOFER_NAMES_H

#include <gofer/base.h>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/types.h>

GO_BEGIN_DECLS

/* Of <netdb.h>, which hides it from strict C. */
struct addrinfo;

/*
 * Find the addresses of a host and a service; the arguments are those of
 * getaddrinfo(3).  The list is freed by freeaddrinfo(3).
 *
 * Returns  0, and *list is set; an error of the table above; -ENOMEM, -EAGAIN
 *          (no memory or no thread to ask with); -EFAULT (list is null).
 * Context  task or plain thread.
 * Parks    until the resolver has answered.
 */
GO_API int go_getaddrinfo(const char *node, const char *service,
			  const struct addrinfo *hints, struct addrinfo **list);

/*
 * Find the names of an address; the arguments are those of getnameinfo(3).
 *
 * Returns  0; an error of the table above; -ENOMEM, -EAGAIN (no memory or no
 *          thread to ask with).  The buffers are written on 0 only.
 * Context  task or plain thread.
 * Parks    until the resolver has answered.
 */
GO_API int go_getnameinfo(const struct sockaddr *address, socklen_t length,
			  char *host, socklen_t host_bytes, char *service,
			  socklen_t service_bytes, int flags);

/*
 * Put a result of the functions of this header into words: those of
 * gai_strerror(3) where the resolver has reported it, else strerror(3)'s.
 *
 * Returns  a string that is not to be changed or freed.
 * Context  any.
 * Parks    never.
 */
GO_API const char *go_gai_strerror(int result);

/* How to connect; all zero means the defaults, and so does NULL. */
typedef struct go_dial_options {
	/* AF_INET or AF_INET6: such addresses only.  0: both. */
	int family;
	/* SOCK_STREAM, SOCK_DGRAM ...  0: SOCK_STREAM, which is TCP. */
	int type;
	/* The own address; those of another family are not tried.  NULL: the
	 * system chooses. */
	const struct sockaddr *source;
	socklen_t source_bytes;
	/* How long an address is tried alone.  0: 250 ms. */
	int64_t stagger_ns;
	/* Must be zero. */
	uint64_t reserved[8];
} go_dial_options;

/*
 * Connect to a host and a service, each a name or a number ("example.org",
 * "127.0.0.1", "::1"; "http", "80"); a null host is this machine.
 *
 * All addresses of the host are tried ("happy eyeballs", RFC 8305): the one
 * that the system prefers first, then IPv4 and IPv6 in turns; each next one
 * when the last one has failed, or has had 250 ms and may go on beside it.  The
 * first connection wins, and the other attempts are given up.  TCP_NODELAY is
 * set on it.
 *
 * Returns  the connection's descriptor, as one of go_socket(); an error of the
 *          table above; -EINVAL (reserved is not zero, stagger_ns is negative);
 *          when all attempts have failed, the most telling of their errors:
 *          -ECONNREFUSED and the like of a machine that was reached, then
 *          -ETIMEDOUT, then -ENETUNREACH and the like; else as go_socket(),
 *          go_bind() and go_connect().
 * Context  task or plain thread.
 * Parks    until it is connected, or all attempts have failed.
 */
GO_API int go_dial(const char *host, const char *service,
		   const go_dial_options *options);

GO_END_DECLS

#endif
