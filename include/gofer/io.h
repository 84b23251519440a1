/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: POSIX's calls with go_ in front, which park instead of block.
 *
 * Each function takes the arguments of its namesake and does what that does on
 * a blocking descriptor.  A task that has to wait parks, and its worker runs
 * other tasks; a plain thread blocks.
 *
 *     while ((n = go_read(fd, line, sizeof line)) > 0)
 *             if (go_write_all(fd, line, (size_t)n, NULL) < 0)
 *                     break;
 *     go_close(fd);
 *
 * (examples/echo.c is a whole server and its client.)
 *
 * Which descriptors?  Any, with one rule:
 *
 *   - An own one was made by a go_ call (go_accept, go_socket, go_pipe ...),
 *     which makes it non-blocking and close-on-exec, or was taken over by
 *     go_fd_adopt().  Close it with go_close(), or give it away with
 *     go_fd_release(): the library cannot see a close(2), and would take the
 *     next file of that number for this one.
 *   - Any other one is foreign: its mode is left as it is, it may be closed by
 *     whoever owns it, and each wait on it costs one system call more.
 *
 * The system tells nobody of a close(2), nor of a dup2(2) onto the number.  A
 * task that waits for a foreign descriptor, or an adopted one, therefore looks
 * whether it is still there: after a second, then each time it has waited for
 * twice as long, but at least about once a minute.  If it is gone, or stands
 * for another file, the call ends with -EBADF, and go_poll() and select look at
 * what is there now.  So one that waits since t is told at most t late.  (A
 * plain thread is not told, as in POSIX; nor is one that waits for what a go_
 * call has made.)
 *
 * Files on disks (file.h) are read and written in the runtime's blocking pool,
 * except for reads of what is in memory.
 *
 * Several callers may use one descriptor at once, from tasks and threads.
 *
 * Errors of all functions, beside those of their namesakes in POSIX and those
 * in base.h, and not repeated below:
 *
 *   -EBADF   the descriptor is not open, or go_close() was called on it, also
 *            while this call was waiting;
 *   -ENOMEM  no memory for the descriptor's or the calling thread's record, or
 *            for the kernel's registration; nothing has happened;
 *   -EMFILE, -ENFILE  a plain thread that has to wait for the first time finds
 *            no descriptor for its wake-up; nothing has happened;
 *   -ENOSPC  the user's limit of registrations (fs.epoll.max_user_watches).
 *
 * -EINTR is never returned, and SIGPIPE never raised.  -EAGAIN is returned only
 * where the caller asked not to wait, and by go_connect() (net.h).
 */
#ifndef GOFER_IO_H
#define GOFER_IO_H

#include <gofer/base.h>

#include <poll.h>
#include <sys/types.h>
#include <sys/uio.h>

GO_BEGIN_DECLS

/*
 * Read what is there, at most n bytes; wait until something is.
 *
 * Returns  how many bytes, 0 at the end of the file; -errno as read(2).
 * Context  task or plain thread.
 * Parks    until the descriptor is readable.
 */
GO_API ssize_t go_read(int fd, void *buffer, size_t n);

/*
 * Write as much as there is room for, at most n bytes; wait until there is
 * room for something.
 *
 * Returns  how many bytes; -EPIPE (nobody will read this); -errno as write(2).
 * Context  task or plain thread.
 * Parks    until the descriptor is writable.
 */
GO_API ssize_t go_write(int fd, const void *buffer, size_t n);

/*
 * Read into several buffers, as go_read().
 *
 * Returns  as go_read(); -EINVAL (count negative or above IOV_MAX); -EFAULT.
 * Context  task or plain thread.
 * Parks    until the descriptor is readable.
 */
GO_API ssize_t go_readv(int fd, const struct iovec *buffers, int count);

/*
 * Write from several buffers, as go_write().
 *
 * Returns  as go_write(); -EINVAL (count negative or above IOV_MAX); -EFAULT.
 * Context  task or plain thread.
 * Parks    until the descriptor is writable.
 */
GO_API ssize_t go_writev(int fd, const struct iovec *buffers, int count);

/*
 * Read exactly n bytes, however many reads that takes.
 *
 * Whatever the result, *done (if not null) says how many bytes have been read
 * and are in the buffer: nothing is lost by an error or a cancellation.
 *
 * Returns  0 (all n); -ENODATA (the end of the file came first); -errno as
 *          go_read().
 * Context  task or plain thread.
 * Parks    until all is read.
 */
GO_API int go_read_full(int fd, void *buffer, size_t n, size_t *done);

/*
 * Write all n bytes, however many writes that takes.  Other writers' bytes may
 * come in between.
 *
 * Whatever the result, *done (if not null) says how many bytes have been
 * written.
 *
 * Returns  0 (all n); -errno as go_write().
 * Context  task or plain thread.
 * Parks    until all is written.
 */
GO_API int go_write_all(int fd, const void *buffer, size_t n, size_t *done);

/*
 * Bytes on their way from one descriptor to another.  All zero at first.
 *
 * Bytes that have been read and cannot be written now, because of a deadline, a
 * cancellation or an error, are left at the beginning of the caller's buffer;
 * another go_copy() with the same object writes them first.
 *
 *     static int relay(int from, int to)
 *     {
 *             char buffer[16384];
 *             go_transit t = {buffer, sizeof buffer, 0, 0, {0}};
 *             int r;
 *
 *             do {
 *                     GO_TIMEOUT(GO_SECOND);
 *                     r = go_copy(from, to, -1, &t);
 *             } while (r == -ETIMEDOUT && t.done > 0);
 *             return r;
 *     }
 *
 * (examples/relay.c)
 */
typedef struct go_transit {
	/* The caller's.  Null: one is allocated for each call, and what is left
	 * at its end is lost. */
	void *buffer;
	size_t buffer_bytes;
	/* Read and not written: before the call, and after it. */
	size_t left;
	/* How many bytes the call has written. */
	int64_t done;
	uint64_t reserved[8];
} go_transit;

/*
 * Copy n bytes (negative: all) from one descriptor to another, until the end of
 * the first: a proxy's two directions, or a file into a socket.  Bytes left
 * from before count among the n.
 *
 * Within the kernel where that is possible: from a regular file, and where one
 * of the two is a pipe.  Else through the buffer: between two sockets, because
 * bytes in a pipe of the library's would be out of the caller's reach.
 *
 * transit may be null.
 *
 * Returns  0 (done is n, or the end has come); -EINVAL (a transit of no bytes,
 *          with more left than it holds, or reserved fields not zero); -ENOMEM;
 *          -errno as go_read() and go_write().
 * Context  task or plain thread.
 * Parks    until all is written.
 */
GO_API int go_copy(int from, int to, int64_t n, go_transit *transit);

/*
 * Wait until one of many descriptors is ready, or until time-out milliseconds
 * are over (0: just look, negative: no limit).  Just looking, too, fails with
 * -ECANCELED in a task that has been cancelled.
 *
 * A descriptor that is closed by go_close() meanwhile counts as ready, with
 * POLLNVAL.  Entries with a negative descriptor are passed over.
 *
 * Returns  how many entries have a result in revents, 0 if the time is over;
 *          -EINVAL (count above the limit of open files); -EFAULT; -ENOMEM (no
 *          memory for more than a few entries).
 * Context  task or plain thread.
 * Parks    until then.
 */
GO_API int go_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/*
 * Close a descriptor.  Calls that wait for it, in tasks and in threads, end
 * with -EBADF, and so does each new one.  If other calls are using the
 * descriptor at this moment, its number is given back when the last of them
 * has ended, so none of them can reach a file opened later.
 *
 * Deaf: it works the same in a task that has been cancelled.
 *
 * Returns  0; -EBADF (not open, or being closed); -EIO, -ENOSPC, -EDQUOT (data
 *          written before could not be stored).  After any of these the number
 *          is no longer the caller's.
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_close(int fd);

/*
 * Make a pipe: fds[0] is for reading, fds[1] for writing.
 *
 * Returns  0; -EMFILE, -ENFILE (too many open files); -EFAULT; -ENOMEM.
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_pipe(int fds[2]);

/*
 * Make another number for the same open file: an own one if fd is, close-on-
 * exec either way.  Both share the file's mode.
 *
 * Returns  the descriptor; -EMFILE (too many open files).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_dup(int fd);

/* For go_fd_adopt(): close it on exec. */
#define GO_FD_CLOEXEC 1u

/*
 * Own a descriptor that was made elsewhere: by another library, by the parent
 * process, by a message.  O_NONBLOCK is set, and waiting costs no extra system
 * call from then on.  Not for a file that others read or write, too, and
 * expect in blocking mode, such as a terminal: mode is a property of the open
 * file, not of the number.
 *
 * Adopting also tells the library that the number stands for another file than
 * before: who waits for it at this moment is evicted with -EBADF.  A file on a
 * disk keeps its mode; reading it costs fewer system calls from then on.
 *
 * Returns  0; -EINVAL (unknown flags).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_fd_adopt(int fd, unsigned flags);

/*
 * Give a descriptor away, open, as go_close() gives it back closed: calls that
 * wait for it end with -EBADF, and when this one returns, no call of the
 * library uses it.  What go_fd_adopt() has changed is changed back; a
 * descriptor made by the library gets blocking mode, and stays close-on-exec.
 *
 *     static int run_elsewhere(int fd)
 *     {
 *             int r = go_fd_release(fd);
 *
 *             if (r == 0)
 *                     r = other_library(fd);
 *             return r;
 *     }
 *
 * It may be called for a foreign descriptor, before close(2).
 *
 * Deaf: it works the same in a task that has been cancelled.
 *
 * Returns  0; -EBADF (not open, or being closed, also with close(2)).
 * Context  task or plain thread.
 * Parks    until the calls under way have ended.
 */
GO_API int go_fd_release(int fd);

GO_END_DECLS

#endif
