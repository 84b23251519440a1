/* SPDX-License-Identifier: MIT */
/*
 * Buffered streams: lines in, formatted text out, over one descriptor.
 *
 *     static int answer(go_stream *s, char *line)
 *     {
 *             if (strcmp(line, "quit") == 0)
 *                     return 1;
 *             return go_stream_printf(s, "you said: %s\r\n", line);
 *     }
 *     ...
 *     while (r == 0 && (r = go_stream_read_line(s, &line, NULL)) > 0)
 *             r = answer(s, line);
 *     ...
 *     go_stream_close(s);
 *
 * (examples/lines.c is a whole server and its client; examples/frames.c has
 * messages that are no lines.)
 *
 * WHAT IS WRITTEN goes into a buffer, and to the descriptor when that is full,
 * at go_stream_flush(), and before a reading call of the same stream asks the
 * descriptor for more.  So a server needs no flush: it answers as soon as it
 * has nothing left to read, and many requests that came together are answered
 * together.
 *
 * NO BYTE IS LOST when a call ends early, by a deadline or a cancellation: half
 * a line stays in the buffer for the next reading call, and what could not be
 * written for the next flush.
 *
 * ERRORS of the descriptor (-ECONNRESET, -EPIPE ...) stay: each further call of
 * that direction returns the error again, as soon as what was buffered before
 * has been read.  Those that another attempt may overcome do not stay:
 * -ECANCELED, -ETIMEDOUT of a deadline, -EDEADLK, -ENOMEM, -EMFILE, -ENFILE,
 * -ENOSPC.  The end of the file does not stay either: a file may grow, and a
 * terminal go on.
 *
 * WHO MAY USE IT?  One task or thread reads while another one writes.  Two in
 * the same direction at once would share a line between them; the second is
 * refused with -EBUSY.
 */
#ifndef GOFER_STREAM_H
#define GOFER_STREAM_H

#include <gofer/base.h>

#include <stdarg.h>
#include <sys/types.h>

GO_BEGIN_DECLS

/*
 * A reader and writer on a descriptor.  It lives from go_stream_open() to
 * go_stream_close().  An example is at the head of this file.
 */
typedef struct go_stream go_stream;

/* All zero, and a null pointer, mean the defaults. */
typedef struct go_stream_options {
	/* Bytes buffered for reading, and so the longest line with its end, and
	 * for writing, and so the longest go_stream_printf().  0: 4096. */
	size_t read_bytes;
	size_t write_bytes;
	/* Where to put it, aligned as malloc() would: go_stream_bytes() of
	 * them.  NULL: it is allocated. */
	void *storage;
	size_t storage_bytes;
	/* go_stream_close() leaves the descriptor open. */
	bool borrowed;
	/* Reading calls do not flush. */
	bool manual_flush;
	uint64_t reserved[8];
} go_stream_options;

/*
 * How much storage a stream takes.
 *
 * Returns  bytes; 0 (options that go_stream_open() would refuse).
 * Context  any.
 * Parks    never.
 */
GO_API size_t go_stream_bytes(const go_stream_options *options);

/*
 * Open a stream on a descriptor of any kind, which is the stream's from then on
 * unless it is borrowed.
 *
 * Returns  0; -EINVAL (stream is null, more than a gigabyte of buffer, storage
 *          too small, or reserved fields not zero); -EBADF (fd is negative);
 *          -ENOMEM.  After an error fd is still the caller's.
 * Context  any.
 * Parks    never.
 */
GO_API int go_stream_open(go_stream **stream, int fd,
			  const go_stream_options *options);

/*
 * Flush, close the descriptor, and free the stream.
 *
 * What cannot be flushed, because of an error, a deadline or a cancellation,
 * is lost, and the result says so; the rest happens all the same.  In a task
 * that has been cancelled, flush within a shield (deadline.h) to have it sent.
 *
 * Returns  0; -EBUSY (somebody is reading or writing: nothing has happened);
 *          -EINVAL (null); what go_write_all() or go_close() said.
 * Context  task or plain thread.
 * Parks    until all is written.
 */
GO_API int go_stream_close(go_stream *stream);

/*
 * The descriptor, for getsockopt(2) or go_shutdown().
 *
 * Returns  the descriptor.
 * Context  any.
 * Parks    never.
 */
GO_API int go_stream_fd(const go_stream *stream);

/*
 * Read what is there, at most n bytes; wait until something is.
 *
 * Returns  how many bytes, 0 at the end; -EBUSY; -errno as go_read().
 * Context  task or plain thread.
 * Parks    until there is something.
 */
GO_API ssize_t go_stream_read(go_stream *stream, void *buffer, size_t n);

/*
 * Read exactly n bytes.  Whatever the result, *done (if not null) says how many
 * are in the caller's buffer.
 *
 * Returns  0; -ENODATA (the end came first); -EBUSY; -errno as go_read().
 * Context  task or plain thread.
 * Parks    until all is read.
 */
GO_API int go_stream_read_full(go_stream *stream, void *buffer, size_t n,
			       size_t *done);

/*
 * Read a line, whose end is "\n" or "\r\n".
 *
 * *line is the line without its end, terminated by a NUL, and *n (if not null)
 * its length, which is not strlen(*line) if it contains a NUL.  The line may be
 * changed; it is there until the next reading call.
 *
 * Returns  1 (a line), 0 (the end); -ENODATA (the end came within a line, which
 *          go_stream_read() returns); -EMSGSIZE (the line is longer than the
 *          buffer, and still in it: see go_stream_skip()); -EBUSY; -errno as
 *          go_read().
 * Context  task or plain thread.
 * Parks    until there is a line.
 */
GO_API int go_stream_read_line(go_stream *stream, char **line, size_t *n);

/*
 * Read up to and including a delimiter, such as the "\r\n\r\n" behind the head
 * of an HTTP request.  *data and *n are what was read, which is there until
 * the next reading call.
 *
 * Returns  1, 0, and errors as go_stream_read_line(); -EINVAL (no bytes of
 *          delimiter).
 * Context  task or plain thread.
 * Parks    until the delimiter has come.
 */
GO_API int go_stream_read_until(go_stream *stream, const void *delimiter,
				size_t delimiter_bytes, char **data, size_t *n);

/*
 * Wait until n bytes are in the buffer, and look at them without reading them;
 * n may be 0.  Whatever the result, *data and *have are all that is in the
 * buffer, until the next reading call.
 *
 * Returns  1 (there are n or more), 0 (the end comes first); -EMSGSIZE (n is
 *          more than the buffer holds); -EBUSY (nothing is stored); -errno as
 *          go_read().
 * Context  task or plain thread.
 * Parks    until they are there.
 */
GO_API int go_stream_peek(go_stream *stream, size_t n, char **data,
			  size_t *have);

/*
 * Drop n bytes from the buffer: those that were looked at, or a line that is
 * too long.
 *
 * Returns  0; -EINVAL (there are not so many in the buffer); -EBUSY.
 * Context  any.
 * Parks    never.
 */
GO_API int go_stream_skip(go_stream *stream, size_t n);

/*
 * Write n bytes.  Up to the buffer's size all or none of them are taken; of
 * more, *done (if not null) says how many.
 *
 * Returns  0; -EBUSY; -errno as go_write_all().
 * Context  task or plain thread.
 * Parks    until there is room for them.
 */
GO_API int go_stream_write(go_stream *stream, const void *data, size_t n,
			   size_t *done);

/*
 * Write formatted text, as printf(3); all of it or nothing is taken.
 *
 * Returns  0; -EMSGSIZE (it is longer than the buffer); -EINVAL (printf(3) does
 *          not know how); else as go_stream_write().
 * Context  task or plain thread.
 * Parks    until there is room for it.
 */
GO_API int go_stream_printf(go_stream *stream, const char *format, ...)
#if defined(__GNUC__)
	__attribute__((format(printf, 2, 3)))
#endif
	;

/*
 * The same with its arguments in a va_list, as vprintf(3).
 *
 * Returns  as go_stream_printf().
 * Context  task or plain thread.
 * Parks    until there is room for it.
 */
GO_API int go_stream_vprintf(go_stream *stream, const char *format, va_list ap)
#if defined(__GNUC__)
	__attribute__((format(printf, 2, 0)))
#endif
	;

/*
 * Write to the descriptor what is in the buffer.
 *
 * Returns  0; -EBUSY; -errno as go_write_all(), and what is not written stays.
 * Context  task or plain thread.
 * Parks    until all is written.
 */
GO_API int go_stream_flush(go_stream *stream);

GO_END_DECLS

#endif
