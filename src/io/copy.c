/* SPDX-License-Identifier: MIT */
/*
 * Copying from one descriptor to another.
 *
 * A copy is one call on two descriptors: both are entered from its beginning to
 * its end, so neither number can become another file's meanwhile.  While it
 * waits for one, the closing of the other ends it too; so it waits as go_poll()
 * does (fdlook.h), linked at both.
 *
 *     way        from, to                                bytes in between
 *     ---------  --------------------------------------  ----------------------
 *     sendfile   a regular file, anything                none
 *     splice     a pipe and anything, either way round   none
 *     buffer     all others, and where the first two     in the buffer, written
 *                are refused                             before more is read
 *
 * WHY NOT splice between two sockets, through a pipe of our own?  What is in
 * that pipe when a deadline comes is neither in the socket nor with the caller.
 *
 * A FILE ON A DISK is read by a thread of the pool, and written by one, as
 * everywhere (file.c): each step that may have to wait for the disk is made
 * there.  What is in memory is read by the task itself.  sendfile has no flag
 * for that, so the file is asked first, for the first and the last byte of what
 * is to be sent: files come into memory in long pieces.  For hot ones that are
 * two short system calls for up to a megabyte, and a way to a thread and back
 * would be ten times as long.
 *
 * sendfile and splice take no MSG_DONTWAIT, so they are not for foreign files
 * in blocking mode, but for pipes, which SPLICE_F_NONBLOCK knows.  When splice
 * would block it does not say on which side; poll(2) does, and if that finds
 * both sides ready, the two do not agree, and the buffer serves.
 *
 * INVARIANT  begin..begin+left of the buffer is what was read and not written.
 *
 * TESTS  test_copy.c.
 */
#include <gofer/io.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/sys.h"
#include "io/fdlook.h"
#include "io/offload.h"
#include "io/quiet.h"
#include "io/transfer.h"

#ifdef GO_TEST_SMALL
#define BUFFER_BYTES ((size_t)256)
#define MOST_AT_ONCE INT64_C(4096)
#else
#define BUFFER_BYTES ((size_t)65536)
#define MOST_AT_ONCE (INT64_C(1) << 20)
#endif

enum way {
	WAY_SENDFILE,
	WAY_SPLICE,
	WAY_BUFFER,
};

/* One of the two descriptors. */
struct side {
	struct go__fd_look look;
	int fd;
	mode_t mode;
	off_t bytes; /* Of a file; it may have grown since. */
	bool waits;  /* It is what would block. */
};

struct copying {
	struct go__waiter *waiter;
	struct side from, to;
	struct go__fd_doubt doubt;
	enum way way;
	char *buffer;
	size_t size, begin, left;
	int64_t todo, done;
	off_t at;    /* Where the source, a file, is being read. */
	bool direct; /* We are where a step may wait for a disk. */
};

/* ---- disks ---- */

static bool is_file(const struct side *s)
{
	return S_ISREG(s->mode) || S_ISBLK(s->mode);
}

/* A step of a copy, made by a thread of the pool. */
struct step {
	struct go__offload offload;
	struct copying *c;
	ssize_t (*make)(struct copying *c);
	bool begun;
};

static int64_t make_there(struct go__offload *self)
{
	struct step *s = (struct step *)self;
	ssize_t r;

	s->begun = true;
	s->c->direct = true;
	r = s->make(s->c);
	s->c->direct = false;
	return r;
}

/* Suspends. */
static ssize_t on_a_thread(struct copying *c, ssize_t (*make)(struct copying *))
{
	struct step s = {.offload.run = make_there, .c = c, .make = make};
	int64_t r = go__offload(&s.offload);

	/* Without a thread, the worker waits for the disk. */
	if (!s.begun && (r == -EAGAIN || r == -ENOMEM))
		r = make_there(&s.offload);
	return (ssize_t)r;
}

static bool has_byte(const struct copying *c, off_t at)
{
	char byte;
	struct iovec v = {&byte, 1};

	return go__sys_preadv2(c->from.fd, &v, 1, at, RWF_NOWAIT) >= 0;
}

/* The next n bytes of the source, a regular file. */
static bool in_memory(const struct copying *c, int64_t n)
{
	off_t page = (off_t)go__sys_page_bytes(), last;

	if (c->at < 0)
		return false;
	/* At the end; what has come since is in memory, for it is new. */
	if (c->at >= c->from.bytes && c->from.bytes > 0)
		return true;
	last = c->from.bytes - c->at < n ? c->from.bytes - 1 : c->at + n - 1;
	return has_byte(c, c->at) &&
	       (last / page <= c->at / page || has_byte(c, last));
}

/* Whether to move the next n bytes in the kernel may wait for a disk. */
static bool waits_for_disk(const struct copying *c, int64_t n)
{
	if (!c->waiter->is_task)
		return false;
	return is_file(&c->to) || (is_file(&c->from) && !in_memory(c, n));
}

/* ---- the ways ---- */

/* Whether calls without MSG_DONTWAIT do not wait for it. */
static bool is_nonblocking(const struct side *s)
{
	return (go__fd_kind(s->look.entry) & GO__FD_OWN) || S_ISREG(s->mode) ||
	       S_ISFIFO(s->mode);
}

static enum way choose(const struct copying *c)
{
	bool to_pipe = S_ISFIFO(c->to.mode);

	if (!is_nonblocking(&c->from) || !is_nonblocking(&c->to))
		return WAY_BUFFER;
	/* sendfile would wait for a foreign pipe, splice does not. */
	if (S_ISREG(c->from.mode) && !to_pipe)
		return WAY_SENDFILE;
	return to_pipe || S_ISFIFO(c->from.mode) ? WAY_SPLICE : WAY_BUFFER;
}

static int64_t at_once(const struct copying *c)
{
	return c->todo < MOST_AT_ONCE ? c->todo : MOST_AT_ONCE;
}

static ssize_t in_kernel(struct copying *c)
{
	size_t n = (size_t)at_once(c);
	struct go__quiet q;
	ssize_t r;

	go__quiet_begin(&q);
	if (c->way == WAY_SENDFILE)
		r = go__sys_sendfile(c->to.fd, c->from.fd, n);
	else
		r = go__sys_splice(c->from.fd, c->to.fd, n,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	r = go__quiet_end(&q, r);
	if (r > 0) {
		c->done += r;
		c->todo -= r;
		c->at += r;
	}
	return r;
}

static ssize_t move_in_kernel(struct copying *c)
{
	ssize_t r;

	if (waits_for_disk(c, at_once(c)))
		r = on_a_thread(c, in_kernel);
	else
		r = in_kernel(c);

	/* These two do not know each other; the buffer knows all. */
	if (r == -EINVAL || r == -EOPNOTSUPP || go__sys_is_missing(r)) {
		c->way = WAY_BUFFER;
		return 1;
	}
	c->from.waits = r == -EAGAIN && c->way == WAY_SPLICE;
	c->to.waits = r == -EAGAIN;
	return r;
}

static ssize_t read_once(struct copying *c)
{
	struct iovec v = {c->buffer, c->size};
	struct go__transfer t = {.v = &v, .n = 1};

	if (c->todo < (int64_t)v.iov_len)
		v.iov_len = (size_t)c->todo;
	t.op.direct = c->direct;
	return go__attempt_read(c->from.look.entry, &t.op);
}

static ssize_t read_more(struct copying *c)
{
	ssize_t r = read_once(c);

	if (r == -EAGAIN && is_file(&c->from))
		r = on_a_thread(c, read_once);
	if (r > 0) {
		c->begin = 0;
		c->left = (size_t)r;
	}
	c->from.waits = r == -EAGAIN;
	return r;
}

static ssize_t write_once(struct copying *c)
{
	struct iovec v = {c->buffer + c->begin, c->left};
	struct go__transfer t = {.v = &v, .n = 1};

	if (c->todo < (int64_t)v.iov_len)
		v.iov_len = (size_t)c->todo;
	t.op.direct = c->direct;
	return go__attempt_write(c->to.look.entry, &t.op);
}

static ssize_t write_left(struct copying *c)
{
	ssize_t r = write_once(c);

	if (r == -EAGAIN && is_file(&c->to))
		r = on_a_thread(c, write_once);
	if (r > 0) {
		c->begin += (size_t)r;
		c->left -= (size_t)r;
		c->done += r;
		c->todo -= r;
	}
	c->to.waits = r == -EAGAIN;
	return r == 0 ? -EIO : r;
}

/* One system call.  0: the end; -EAGAIN: a side waits. */
static ssize_t move(struct copying *c)
{
	c->from.waits = c->to.waits = false;
	if (c->left > 0)
		return write_left(c);
	return c->way == WAY_BUFFER ? read_more(c) : move_in_kernel(c);
}

/* ---- waiting ---- */

/* Leave `waits` set at one side that is not ready.  False: there is none. */
static bool find_waiting(struct copying *c, struct pollfd *p)
{
	struct side *sides[] = {&c->from, &c->to};

	for (int i = 0; i < 2; i++) {
		if (!sides[i]->waits)
			continue;
		*p = (struct pollfd){.fd = sides[i]->fd,
				     .events = i == 0 ? POLLIN : POLLOUT};
		if (go__fd_look_now(p, 1) == 0) {
			sides[1 - i]->waits = false;
			return true;
		}
	}
	return false;
}

static int link_both(struct copying *c, const struct pollfd *p)
{
	struct side *it = c->from.waits ? &c->from : &c->to;
	struct side *other = c->from.waits ? &c->to : &c->from;
	int r = go__fd_look_link(&it->look, c->waiter, p->events);

	return r > 0 ? go__fd_look_link_closing(&other->look, c->waiter) : r;
}

static void unlink_both(struct copying *c)
{
	go__fd_look_unlink(&c->from.look);
	go__fd_look_unlink(&c->to.look);
}

/* 0: try again. */
static int wait_for(struct copying *c, struct pollfd *p)
{
	struct side *it = c->from.waits ? &c->from : &c->to;
	struct pollfd v[2] = {*p};
	int r, n;

	(void)go__fd_doubt(&c->doubt, it->look.entry, c->waiter);
	go__wait_begin(c->waiter, c->doubt.at,
		       p->events == POLLIN ? GO__WAIT_READ : GO__WAIT_WRITE,
		       GO_INT(p->fd));
	r = link_both(c, p);
	if (r > 0 && c->waiter->is_task) {
		r = go__wait(c->waiter);
		unlink_both(c);
		if (r == -ETIMEDOUT && go__fd_doubt_due(&c->doubt, c->waiter))
			return go__fd_look_recheck(&it->look, c->waiter);
		go__fd_doubt_init(&c->doubt);
		return r;
	}
	n = r > 0 ? go__fd_poll_thread(c->waiter, v, 1) : r;
	unlink_both(c);
	r = go__wait_abandon(c->waiter);
	/* It may have become time to look before the wait was given up. */
	if (r == -ETIMEDOUT && go__fd_doubt_due(&c->doubt, c->waiter))
		r = 0;
	return n < 0 ? n : r;
}

static int wait_for_side(struct copying *c)
{
	struct pollfd p;

	if (!c->waiter->is_task) {
		int r = go__waiter_eventfd(c->waiter);

		if (r < 0)
			return r;
	}
	if (find_waiting(c, &p))
		return wait_for(c, &p);
	if (c->from.waits && c->to.waits)
		c->way = WAY_BUFFER;
	return 0;
}

/* ---- the call ---- */

static bool is_closing(const struct side *s)
{
	/* Without the lock only a hint, to end soon. */
	return go__fduse_closing(&s->look.entry->use);
}

static int run_copy(struct copying *c)
{
	while (c->todo > 0) {
		ssize_t r = go__wait_check(c->waiter);

		if (r == 0 && (is_closing(&c->from) || is_closing(&c->to)))
			r = -EBADF;
		if (r < 0)
			return (int)r;
		go__fd_look_load(&c->from.look);
		go__fd_look_load(&c->to.look);
		r = move(c);
		if (r == 0)
			break;
		if (r == -EAGAIN)
			r = wait_for_side(c);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

static int enter(struct side *s)
{
	struct stat st;
	int r = go__fd_look_enter(&s->look, s->fd);

	if (r < 0)
		return r;
	r = go__sys_fstat(s->fd, &st);
	if (r < 0) {
		go__fd_look_leave(&s->look);
		return r;
	}
	s->mode = st.st_mode;
	s->bytes = st.st_size;
	return 0;
}

/* As run_copy(), for a copy that has its buffer. */
static int run_on_both(struct copying *c)
{
	int r = enter(&c->from);

	if (r < 0)
		return r;
	r = enter(&c->to);
	if (r == 0) {
		c->way = choose(c);
		if (S_ISREG(c->from.mode) && c->way != WAY_BUFFER)
			c->at = go__sys_lseek(c->from.fd, 0, SEEK_CUR);
		r = run_copy(c);
		go__fd_look_leave(&c->to.look);
	}
	go__fd_look_leave(&c->from.look);
	return r;
}

static bool is_sound(const go_transit *t)
{
	for (int i = 0; i < 8; i++)
		if (t->reserved[i])
			return false;
	return !t->buffer ||
	       (t->buffer_bytes > 0 && t->left <= t->buffer_bytes);
}

int go_copy(int from, int to, int64_t n, go_transit *transit)
{
	go_transit none = {0};
	go_transit *t = transit ? transit : &none;
	struct copying c = {.from.fd = from,
			    .to.fd = to,
			    .buffer = t->buffer,
			    .size = t->buffer_bytes,
			    .left = t->buffer ? t->left : 0,
			    .todo = n < 0 ? INT64_MAX : n};
	int r;

	if (!is_sound(t))
		return -EINVAL;
	t->done = 0;
	go__fd_doubt_init(&c.doubt);
	c.waiter = go__waiter_self();
	if (c.waiter && !t->buffer) {
		c.size = BUFFER_BYTES;
		c.buffer = go__sys_malloc(c.size);
	}
	if (!c.waiter || !c.buffer)
		return -ENOMEM;
	r = run_on_both(&c);
	t->left = c.left;
	t->done = c.done;
	if (!t->buffer)
		go__sys_free(c.buffer);
	else if (c.left > 0 && c.begin > 0)
		memmove(c.buffer, c.buffer + c.begin, c.left);
	return r;
}
