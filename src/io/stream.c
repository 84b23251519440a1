/* SPDX-License-Identifier: MIT */
/*
 * Buffered streams.
 *
 * A stream is two sides, each a buffer with its own owner while a call of that
 * direction is under way.  In a buffer, begin..end is what it holds:
 *
 *     data      begin            end          size
 *     |.........|================|............|
 *
 * The bytes of the reading side have been read from the descriptor and not yet
 * by the caller; those of the writing side have been taken from the caller and
 * not yet by the descriptor.  Every call leaves both so, whatever happens in
 * between, and that is why no deadline or cancellation loses a byte.
 *
 * A reading call flushes before it asks the descriptor.  Whether it would have
 * to wait there is not known before; but what would be gained by asking first
 * is a later answer.  If somebody else is writing at that moment, that one is
 * left alone, and flushes when it likes.
 *
 * `busy` is no lock: nobody waits for it.  A second caller is told that two of
 * the same direction make no sense.
 *
 * One byte more than its size is allocated for each buffer, for the NUL behind
 * a text that vsnprintf() makes as long as the buffer.
 *
 * TESTS  test_stream.c.
 */
#include <gofer/stream.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gofer/deadline.h>
#include <gofer/io.h>
#include <gofer/time.h>

#include "arch/atomic.h"
#include "arch/sys.h"

#define DEFAULT_BYTES ((size_t)4096)
#define MOST_BYTES    ((size_t)1 << 30)

struct side {
	_Atomic uint32_t busy; /* Not a bool: riscv64 cannot exchange bytes. */

	/* Whoever has set busy. */
	int error; /* That stays; or 0. */
	size_t begin, end;

	/* Constant. */
	char *data;
	size_t size;
};

struct go_stream {
	struct side in, out;

	/* Constant. */
	int fd;
	bool allocated, borrowed, manual_flush;
};

/* ---- sides ---- */

static int take(struct side *b)
{
	/* [take] acquire <- [give]: what the last caller has left. */
	return atomic_exchange_explicit(&b->busy, 1, memory_order_acquire)
		       ? -EBUSY
		       : 0;
}

static int give(struct side *b, int result)
{
	/* [give] release -> [take]. */
	atomic_store_explicit(&b->busy, 0, memory_order_release);
	return result;
}

static size_t held(const struct side *b)
{
	return b->end - b->begin;
}

static void drop(struct side *b, size_t n)
{
	b->begin += n;
	if (b->begin == b->end)
		b->begin = b->end = 0;
}

/* Have the free room at the end. */
static void compact(struct side *b)
{
	if (b->begin == 0)
		return;
	memmove(b->data, b->data + b->begin, held(b));
	b->end -= b->begin;
	b->begin = 0;
}

/* An error that another attempt may overcome, as stream.h lists them. */
static bool passes(int r)
{
	switch (r) {
	case -ECANCELED:
	case -EDEADLK:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -ENOSPC:
		return true;
	case -ETIMEDOUT: /* Ours, or the network's? */
		return go_deadline_current() <= go_now();
	default:
		return false;
	}
}

static int note(struct side *b, int r)
{
	if (r < 0 && !passes(r))
		b->error = r;
	return r;
}

/* ---- the writing side, taken ---- */

static int flush(go_stream *s)
{
	struct side *b = &s->out;
	size_t done = 0;
	int r;

	if (b->error || held(b) == 0)
		return b->error;
	r = go_write_all(s->fd, b->data + b->begin, held(b), &done);
	drop(b, done);
	return note(b, r);
}

/* Have room for n bytes, at most the buffer's size. */
static int make_room(go_stream *s, size_t n)
{
	struct side *b = &s->out;

	if (b->error)
		return b->error;
	if (n <= b->size - b->end)
		return 0;
	compact(b);
	return n <= b->size - b->end ? 0 : flush(s);
}

static int write_taken(go_stream *s, const void *data, size_t n, size_t *done)
{
	struct side *b = &s->out;
	int r = n > b->size ? flush(s) : make_room(s, n);

	if (r < 0)
		return r;
	if (n > b->size)
		return note(b, go_write_all(s->fd, data, n, done));
	if (n > 0)
		memcpy(b->data + b->end, data, n);
	b->end += n;
	*done = n;
	return 0;
}

static int print_taken(go_stream *s, const char *format, va_list ap)
{
	struct side *b = &s->out;
	va_list again;
	int n, r = b->error;

	if (r < 0)
		return r;
	va_copy(again, ap);
	/* The NUL has room behind the buffer. */
	n = vsnprintf(b->data + b->end, b->size - b->end + 1, format, ap);
	if (n < 0)
		r = -EINVAL;
	else if ((size_t)n > b->size)
		r = -EMSGSIZE;
	else if ((size_t)n > b->size - b->end) {
		r = make_room(s, (size_t)n);
		if (r == 0)
			(void)vsnprintf(b->data + b->end, (size_t)n + 1, format,
					again);
	}
	va_end(again);
	if (r == 0)
		b->end += (size_t)n;
	return r;
}

/* ---- the reading side, taken ---- */

/* What was written goes first.  An error of that is the writer's business. */
static int flush_first(go_stream *s)
{
	int r = 0;

	if (s->manual_flush || take(&s->out) < 0)
		return 0;
	r = flush(s);
	r = r < 0 && passes(r) ? r : 0;
	return give(&s->out, r);
}

static ssize_t read_now(go_stream *s, void *buffer, size_t n)
{
	int r = s->in.error ? s->in.error : flush_first(s);
	ssize_t got = r;

	if (r == 0)
		got = go_read(s->fd, buffer, n);
	return got < 0 ? note(&s->in, (int)got) : got;
}

/* Have more in the buffer.  As go_read(); -EMSGSIZE: it is full. */
static ssize_t fill(go_stream *s)
{
	struct side *b = &s->in;
	ssize_t got;

	if (held(b) == b->size)
		return -EMSGSIZE;
	if (b->end == b->size)
		compact(b);
	got = read_now(s, b->data + b->end, b->size - b->end);
	if (got > 0)
		b->end += (size_t)got;
	return got;
}

static ssize_t read_taken(go_stream *s, char *to, size_t n)
{
	struct side *b = &s->in;
	ssize_t got = 1;

	if (n == 0)
		return 0;
	if (held(b) == 0 && n >= b->size)
		return read_now(s, to, n);
	if (held(b) == 0)
		got = fill(s);
	if (got <= 0)
		return got;
	if (n > held(b))
		n = held(b);
	memcpy(to, b->data + b->begin, n);
	drop(b, n);
	return (ssize_t)n;
}

/*
 * Find the delimiter, reading on as long as it has not come.  *n is how many
 * bytes there are with it.
 */
static int find(go_stream *s, const void *delimiter, size_t bytes, size_t *n)
{
	struct side *b = &s->in;
	size_t seen = 0; /* No delimiter begins in so many. */
	ssize_t got;

	for (;;) {
		const char *from = b->data + b->begin;
		const char *at =
			memmem(from + seen, held(b) - seen, delimiter, bytes);

		if (at) {
			*n = (size_t)(at - from) + bytes;
			return 1;
		}
		if (held(b) >= bytes)
			seen = held(b) - bytes + 1;
		got = fill(s);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return held(b) ? -ENODATA : 0;
	}
}

/* As drop(), but the bytes are still there. */
static char *hand_out(struct side *b, size_t n)
{
	char *data = b->data + b->begin;

	b->begin += n;
	return data;
}

static int line_taken(go_stream *s, char **line, size_t *n)
{
	size_t length;
	int r = find(s, "\n", 1, &length);

	if (r <= 0)
		return r;
	*line = hand_out(&s->in, length);
	length--;
	if (length > 0 && (*line)[length - 1] == '\r')
		length--;
	(*line)[length] = '\0';
	if (n)
		*n = length;
	return 1;
}

static int peek_taken(go_stream *s, size_t n)
{
	ssize_t got = 1;

	if (n > s->in.size)
		return -EMSGSIZE;
	while (held(&s->in) < n && got > 0)
		got = fill(s);
	return got > 0 ? 1 : (int)got;
}

/* ---- opening and closing ---- */

static size_t or_default(size_t bytes)
{
	return bytes ? bytes : DEFAULT_BYTES;
}

size_t go_stream_bytes(const go_stream_options *options)
{
	static const go_stream_options none;
	const go_stream_options *o = options ? options : &none;

	for (int i = 0; i < 8; i++)
		if (o->reserved[i])
			return 0;
	if (o->read_bytes > MOST_BYTES || o->write_bytes > MOST_BYTES)
		return 0;
	return sizeof(go_stream) + or_default(o->read_bytes) + 1 +
	       or_default(o->write_bytes) + 1;
}

int go_stream_open(go_stream **stream, int fd, const go_stream_options *options)
{
	static const go_stream_options none;
	const go_stream_options *o = options ? options : &none;
	size_t bytes = go_stream_bytes(options);
	go_stream *s = o->storage;

	if (!stream || bytes == 0 || (s && o->storage_bytes < bytes))
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	if (!s)
		s = go__sys_malloc(bytes);
	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->allocated = !o->storage;
	s->borrowed = o->borrowed;
	s->manual_flush = o->manual_flush;
	s->in.size = or_default(o->read_bytes);
	s->in.data = (char *)(s + 1);
	s->out.size = or_default(o->write_bytes);
	s->out.data = s->in.data + s->in.size + 1;
	*stream = s;
	return 0;
}

int go_stream_close(go_stream *s)
{
	int r, closed;

	if (!s)
		return -EINVAL;
	if (take(&s->in) < 0)
		return -EBUSY;
	if (take(&s->out) < 0)
		return give(&s->in, -EBUSY);
	r = held(&s->out) ? flush(s) : 0;
	closed = s->borrowed ? 0 : go_close(s->fd);
	if (s->allocated)
		go__sys_free(s);
	return r < 0 ? r : closed;
}

int go_stream_fd(const go_stream *s)
{
	return s->fd;
}

/* ---- the calls ---- */

ssize_t go_stream_read(go_stream *s, void *buffer, size_t n)
{
	ssize_t got = take(&s->in);

	if (got < 0)
		return got;
	got = read_taken(s, buffer, n);
	(void)give(&s->in, 0);
	return got;
}

int go_stream_read_full(go_stream *s, void *buffer, size_t n, size_t *done)
{
	size_t have = 0;
	ssize_t got = 1;
	int r = take(&s->in);

	while (r == 0 && have < n && got > 0) {
		got = read_taken(s, (char *)buffer + have, n - have);
		if (got > 0)
			have += (size_t)got;
	}
	if (done)
		*done = have;
	if (r < 0)
		return r;
	if (got == 0)
		got = -ENODATA;
	return give(&s->in, got < 0 ? (int)got : 0);
}

int go_stream_read_line(go_stream *s, char **line, size_t *n)
{
	int r = take(&s->in);

	return r < 0 ? r : give(&s->in, line_taken(s, line, n));
}

int go_stream_read_until(go_stream *s, const void *delimiter, size_t bytes,
			 char **data, size_t *n)
{
	int r;

	if (bytes == 0)
		return -EINVAL;
	r = take(&s->in);
	if (r < 0)
		return r;
	r = find(s, delimiter, bytes, n);
	if (r > 0)
		*data = hand_out(&s->in, *n);
	return give(&s->in, r);
}

int go_stream_peek(go_stream *s, size_t n, char **data, size_t *have)
{
	int r = take(&s->in);

	if (r < 0)
		return r;
	r = peek_taken(s, n);
	*data = s->in.data + s->in.begin;
	*have = held(&s->in);
	return give(&s->in, r);
}

int go_stream_skip(go_stream *s, size_t n)
{
	int r = take(&s->in);

	if (r < 0)
		return r;
	if (n > held(&s->in))
		return give(&s->in, -EINVAL);
	drop(&s->in, n);
	return give(&s->in, 0);
}

int go_stream_write(go_stream *s, const void *data, size_t n, size_t *done)
{
	size_t put = 0;
	int r = take(&s->out);

	if (r == 0)
		r = give(&s->out, write_taken(s, data, n, &put));
	if (done)
		*done = put;
	return r;
}

int go_stream_vprintf(go_stream *s, const char *format, va_list ap)
{
	int r = take(&s->out);

	return r < 0 ? r : give(&s->out, print_taken(s, format, ap));
}

int go_stream_printf(go_stream *s, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = go_stream_vprintf(s, format, ap);
	va_end(ap);
	return r;
}

int go_stream_flush(go_stream *s)
{
	int r = take(&s->out);

	return r < 0 ? r : give(&s->out, flush(s));
}
