/* SPDX-License-Identifier: MIT */
/*
 * Sockets: POSIX's calls with go_ in front, and conveniences for TCP and Unix
 * sockets.
 *
 *     static void *accept_all(void *arg)
 *     {
 *             int listener = GO_TO_INT(arg);
 *             int fd;
 *
 *             while ((fd = go_accept(listener, NULL, NULL)) >= 0)
 *                     if (go_spawn(serve, GO_INT(fd)) < 0)
 *                             go_close(fd);
 *             return NULL;
 *     }
 *     ...
 *     int listener = go_tcp_listen("127.0.0.1:0");
 *
 * (examples/echo.c has its client, too; examples/datagrams.c is one for UDP,
 * and examples/local_socket.c for Unix sockets.)
 *
 * What io.h says about descriptors and common errors holds here too: go_read,
 * go_write, go_poll and go_close work on sockets like on everything else.
 * Sockets made here are non-blocking and close-on-exec.  setsockopt(2),
 * getsockname(2) and others that do not wait are called as they are.
 *
 * Flags of the receiving and sending calls are passed on, with MSG_NOSIGNAL
 * added.  With MSG_DONTWAIT, MSG_ERRQUEUE, or MSG_OOB on a receiving call, the
 * call does not wait, and says -EAGAIN (or -EINVAL: no urgent data); in a task
 * that has been cancelled it fails with -ECANCELED all the same.
 * MSG_WAITALL is refused with -EOPNOTSUPP; use go_read_full().
 *
 * Descriptors that arrive in messages are foreign (io.h): their mode is shared
 * with the process that sent them.  They are close-on-exec.
 */
#ifndef GOFER_NET_H
#define GOFER_NET_H

#include <gofer/base.h>

#include <sys/socket.h>
#include <sys/types.h>

GO_BEGIN_DECLS

/* As <sys/socket.h> has it where there is recvmmsg(2). */
#if defined(__APPLE__) && !defined(GO_MMSGHDR)
#define GO_MMSGHDR
struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned msg_len;
};
#endif
struct mmsghdr;

/*
 * Make a socket.
 *
 * Returns  its descriptor; -EMFILE, -ENFILE (too many open files); -EACCES,
 *          -EAFNOSUPPORT, -EINVAL, -EPROTONOSUPPORT, -ENOBUFS as socket(2).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_socket(int domain, int type, int protocol);

/*
 * Make two sockets that are connected with each other.
 *
 * Returns  0; -EOPNOTSUPP (not for this domain); -EFAULT; else as go_socket().
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_socketpair(int domain, int type, int protocol, int fds[2]);

/*
 * Give a socket its address.
 *
 * Returns  0; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EINVAL, -ENOTSOCK and
 *          others as bind(2).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_bind(int fd, const struct sockaddr *address, socklen_t length);

/*
 * Take connections from now on.
 *
 * Returns  0; -EADDRINUSE, -EINVAL, -ENOTSOCK, -EOPNOTSUPP as listen(2).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_listen(int fd, int backlog);

/*
 * Accept a connection.  Any number of callers may accept from one listener;
 * each connection wakes one of them.
 *
 * While the process has no descriptor or the system no memory for another
 * connection, the call waits 5 ms, then twice as long each time, up to a
 * second, and tries again; the connection stays in the backlog.  Connections
 * that were given up before they were accepted are passed over.
 *
 * Returns  the connection's descriptor; -EINVAL (not listening); -ENOTSOCK,
 *          -EOPNOTSUPP, -EPERM, -EFAULT, -EPROTO as accept(2).
 * Context  task or plain thread.
 * Parks    until there is a connection and a descriptor for it.
 */
GO_API int go_accept(int fd, struct sockaddr *address, socklen_t *length);

/*
 * Connect a socket, and wait until it is connected.
 *
 * When the call ends early by a cancellation or a deadline, the attempt goes
 * on; connect again to wait for it, or close the socket.
 *
 * A foreign stream socket in blocking mode cannot be connected without
 * blocking the worker; a task is refused with -EOPNOTSUPP.
 *
 * Returns  0; -ECONNREFUSED, -ETIMEDOUT (of the network or of a deadline),
 *          -ENETUNREACH, -EISCONN, -EAGAIN (no port or route to spare)
 *          and others as connect(2).
 * Context  task or plain thread.
 * Parks    until it is connected, or has failed.
 */
GO_API int go_connect(int fd, const struct sockaddr *address, socklen_t length);

/*
 * Shut down one direction, or both.  Calls that wait for that direction end,
 * as they do in POSIX: reads with 0, writes with -EPIPE.
 *
 * Returns  0; -ENOTCONN, -EINVAL, -ENOTSOCK as shutdown(2).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_shutdown(int fd, int how);

/*
 * Receive from a connected socket.
 *
 * Returns  how many bytes, 0 at the end; -ENOTCONN, -ECONNREFUSED,
 *          -ECONNRESET, -ENOTSOCK and others as recv(2).
 * Context  task or plain thread.
 * Parks    until something has arrived.
 */
GO_API ssize_t go_recv(int fd, void *buffer, size_t n, int flags);

/*
 * Receive, and learn from whom.
 *
 * Returns  as go_recv().
 * Context  task or plain thread.
 * Parks    until something has arrived.
 */
GO_API ssize_t go_recvfrom(int fd, void *buffer, size_t n, int flags,
			   struct sockaddr *address, socklen_t *length);

/*
 * Receive into several buffers, with control data.
 *
 * Returns  as go_recv(); -EFAULT (message is null).
 * Context  task or plain thread.
 * Parks    until something has arrived.
 */
GO_API ssize_t go_recvmsg(int fd, struct msghdr *message, int flags);

/*
 * Receive several messages at once: wait for the first, and take as many of the
 * next as are there already.  (There is no time-out argument: GO_TIMEOUT.)
 *
 * Returns  how many messages; as go_recvmsg() if there is none.
 * Context  task or plain thread.
 * Parks    until something has arrived.
 */
GO_API int go_recvmmsg(int fd, struct mmsghdr *messages, unsigned count,
		       int flags);

/*
 * Receive descriptors over a Unix socket, and the bytes that came with them.
 * *count says for how many there is room in fds, and afterwards how many have
 * been stored there; others that came are closed.
 *
 * Returns  how many bytes, 0 at the end; -EMFILE (this process has no room for
 *          the descriptors: the message is lost, with all of them); else as
 *          go_recvmsg().  After an error *count is 0.
 * Context  task or plain thread.
 * Parks    until something has arrived.
 */
GO_API ssize_t go_recv_fds(int fd, void *buffer, size_t n, int *fds,
			   size_t *count);

/*
 * Send on a connected socket.
 *
 * Returns  how many bytes, of a stream perhaps fewer than n; -EPIPE,
 *          -ENOTCONN, -ECONNRESET, -EMSGSIZE, -EDESTADDRREQ, -ENOTSOCK and
 *          others as send(2).
 * Context  task or plain thread.
 * Parks    until there is room.
 */
GO_API ssize_t go_send(int fd, const void *buffer, size_t n, int flags);

/*
 * Send to an address.
 *
 * Returns  as go_send(); -EISCONN, -EAFNOSUPPORT as sendto(2).
 * Context  task or plain thread.
 * Parks    until there is room.
 */
GO_API ssize_t go_sendto(int fd, const void *buffer, size_t n, int flags,
			 const struct sockaddr *address, socklen_t length);

/*
 * Send from several buffers, with control data.
 *
 * Returns  as go_send(); -EFAULT (message is null).
 * Context  task or plain thread.
 * Parks    until there is room.
 */
GO_API ssize_t go_sendmsg(int fd, const struct msghdr *message, int flags);

/*
 * Send several messages: wait until there is room for the first, and send as
 * many of the next as there is room for.
 *
 * Returns  how many messages; as go_sendmsg() if the first cannot be sent.
 * Context  task or plain thread.
 * Parks    until there is room.
 */
GO_API int go_sendmmsg(int fd, struct mmsghdr *messages, unsigned count,
		       int flags);

/*
 * Send descriptors over a Unix socket, with at least one byte.
 *
 *     static int hand_over(int to, int fd)
 *     {
 *             ssize_t r = go_send_fds(to, "c", 1, &fd, 1);
 *
 *             go_close(fd);
 *             return r < 0 ? (int)r : 0;
 *     }
 *
 * (examples/passing.c has the receiver, too.)
 *
 * They stay open here.  They go with the first byte, so when a stream takes
 * fewer than n bytes, the rest is sent without them.
 *
 * Returns  how many bytes; -EINVAL (n is 0, or count above 253); -EBADF (also:
 *          one of fds is not open); -ETOOMANYREFS (too many are on their way);
 *          else as go_sendmsg().
 * Context  task or plain thread.
 * Parks    until there is room.
 */
GO_API ssize_t go_send_fds(int fd, const void *data, size_t n, const int *fds,
			   size_t count);

/*
 * Listen for TCP connections at an address:
 *
 *   "127.0.0.1:8080"    that IPv4 address
 *   "[::1]:8080"        that IPv6 address
 *   ":8080"             all addresses of the machine
 *
 * Port 0 takes any free one; getsockname(2) tells which.  Addresses are
 * numbers, not names.  SO_REUSEADDR is set, so that a server can be restarted
 * at once, and the backlog is as long as the system allows.  TCP_NODELAY is set
 * here and on the connections that are accepted, so that no write waits for the
 * peer to acknowledge the one before.  For options that
 * must be set earlier, such as SO_REUSEPORT, do it in steps: go_socket(),
 * setsockopt(2), go_bind(), go_listen().
 *
 * Returns  the listener's descriptor; -EINVAL (null, or not such an address);
 *          else as go_socket(), go_bind() and go_listen().
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_tcp_listen(const char *address);

/*
 * Open a TCP connection to an address like those above; ":8080" means this
 * machine.  Addresses are numbers, not names; go_dial() (names.h) knows names.
 * TCP_NODELAY is set.
 *
 * Returns  the connection's descriptor; -EINVAL (null, or not such an
 *          address); else as go_socket() and go_connect().
 * Context  task or plain thread.
 * Parks    until it is connected, or has failed.
 */
GO_API int go_tcp_dial(const char *address);

/*
 * Listen for Unix stream connections at a path, which must not exist yet; or on
 * Linux at an abstract name, written "@name", which needs no file and is free
 * again when the listener is closed.  (A file of such a name is "./@name".)
 *
 * The file of the socket stays when the listener is closed; remove it with
 * unlink(2), also one that a server which was killed has left behind.  Who may
 * connect is a matter of its folder and of the umask(2); with an abstract name,
 * everybody may who is in the same network namespace.
 *
 * Returns  the listener's descriptor; -EADDRINUSE (it exists); -EINVAL (null or
 *          empty, or an empty name); -ENAMETOOLONG (above 107 bytes); else as
 *          go_socket(), go_bind() and go_listen().
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_unix_listen(const char *path);

/*
 * Open a Unix stream connection to a path, or an abstract name, like those
 * above.
 *
 * Returns  the connection's descriptor; -ENOENT (there is no such path);
 *          -ECONNREFUSED (nobody listens there); -EINVAL, -ENAMETOOLONG as
 *          go_unix_listen(); else as go_socket() and go_connect().
 * Context  task or plain thread.
 * Parks    until it is connected, or has failed; so also while the listener's
 *          backlog is full.
 */
GO_API int go_unix_dial(const char *path);

GO_END_DECLS

#endif
