/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table: what the library knows of each descriptor number.
 *
 * There is one for the process, since numbers are the process's.  See
 * fdtable.c for the life of an entry.
 */
#ifndef GO_IO_FDTABLE_H
#define GO_IO_FDTABLE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/list.h"
#include "arch/lock.h"
#include "io/fduse.h"
#include "io/ready.h"

struct go__wake_list;

/* What is known of an open file; zero: nothing, it is foreign. */
enum {
	GO__FD_OWN = 1,    /* Made by a call of ours: O_NONBLOCK is set. */
	GO__FD_SOCKET = 2, /* With OWN: it is a socket. */
	GO__FD_TCP = 4,    /* With OWN: a TCP one, so short counts tell. */

	/* With OWN, what go_fd_release() does not change back, and does. */
	GO__FD_NONBLOCK = 8, /* O_NONBLOCK was set when it was adopted. */
	GO__FD_CLOEXEC = 16, /* Close-on-exec was not. */

	GO__FD_LEAVING = 32, /* With CLOSING: given back, and not closed. */

	/* With OWN, but O_NONBLOCK does nothing for it and is left as it is,
	 * and no poller takes it: a regular file, a folder, a block device. */
	GO__FD_DISK = 64,
	GO__FD_UNCACHED = 128, /* With DISK: of O_DIRECT, never in memory. */

	GO__FD_ADOPTED = 256, /* With OWN: by go_fd_adopt(). */

	/* What is so of its copies, too. */
	GO__FD_TYPE = GO__FD_OWN | GO__FD_SOCKET | GO__FD_TCP | GO__FD_DISK |
		      GO__FD_UNCACHED,
};

/*
 * One number.  Entries are type-stable: made when a number of their chunk is
 * first used, and never freed.  One cache line, so that 10,000 connections
 * touch 640 kB of it.
 */
struct go__fd {
	struct go__ready ready; /* Its own rules: ready.h. */
	struct go__fduse use;   /* Its own rules: fduse.h. */
	struct go__lock lock;

	/* Written under lock; any thread that has entered reads it. */
	_Atomic uint32_t kind;
	int number; /* Constant. */

	/* Under lock. */
	uint64_t watched;        /* Runtimes' pollers that have it ... */
	uint64_t watched_out;    /* ... and, of those, for writing too. */
	struct go__link waiters; /* struct go__fd_wait: fdwait.h. */

	/* Who began to wait last: where to look for a node that is to be
	 * fetched into the cache; never followed.  Written under lock. */
	_Atomic(const struct go__link *) last;
};

_Static_assert(sizeof(struct go__fd) <= 64, "an entry is one cache line");

/* Numbers per chunk, and chunks: 64 million numbers, more than kernels give. */
enum {
	GO__FD_CHUNK = 1024,
	GO__FD_CHUNKS = 65536,
};

/* Filled by CAS from NULL, and never changed again: see fdtable.c. */
extern _Atomic(struct go__fd *) go__fd_root[GO__FD_CHUNKS];

/* The slow parts of go__fd_enter() and go__fd_leave(). */
int go__fd_make(int fd, struct go__fd **entry);
int go__fd_close_now(struct go__fd *e);

/* The entry of a number that has been entered before, or NULL. */
static inline struct go__fd *go__fd_find(int fd)
{
	/* A negative number lies behind the last chunk, too. */
	unsigned number = (unsigned)fd;
	struct go__fd *chunk;

	if (number / GO__FD_CHUNK >= GO__FD_CHUNKS)
		return NULL;
	/* acquire <- [chunk]: its entries are initialised. */
	chunk = atomic_load_explicit(&go__fd_root[number / GO__FD_CHUNK],
				     memory_order_acquire);
	return chunk ? &chunk[number % GO__FD_CHUNK] : NULL;
}

/*
 * Begin a call on a descriptor: find its entry and count ourselves in.
 * Returns 0; -EBADF (negative, not open, or being closed); -ENOMEM; -EMFILE
 * (a number beyond what the table can hold).
 */
static inline int go__fd_enter(int fd, struct go__fd **entry)
{
	int r = 0;

	*entry = go__fd_find(fd);
	if (!*entry)
		r = go__fd_make(fd, entry);
	if (r < 0)
		return r;
	return go__fduse_enter(&(*entry)->use) ? 0 : -EBADF;
}

/*
 * End a call.  The last one out closes a descriptor that is being closed, and
 * is answered what close(2) said; else the answer is 0.
 */
static inline int go__fd_leave(struct go__fd *e)
{
	return go__fduse_leave(&e->use) ? go__fd_close_now(e) : 0;
}

/*
 * Take over a number that the kernel has just given us, for a file that is in
 * non-blocking mode.  Returns 0; -ENOMEM or -EMFILE, and nothing is changed.
 */
int go__fd_adopt(int fd, uint32_t kind);
/* Of a socket, GO__FD_SOCKET and perhaps GO__FD_TCP; of anything else, 0. */
uint32_t go__fd_socket_kind(int fd);

/* The same for two; if it fails, both numbers have been closed. */
int go__fd_adopt_pair(const int fds[2], uint32_t kind);

/*
 * What kind of DISK an open file is, which was opened with these flags; 0 if it
 * is none; or -errno.  (file.c)
 */
int go__fd_disk_kind(int fd, int flags);

/* As go_close(), and as go_fd_release(), which suspends. */
int go__fd_close(int fd);
int go__fd_release(int fd);

/*
 * The number stands for a file that is known to be of this kind, from here on;
 * whoever waits for it is evicted.  The caller has entered.  Returns 0, or
 * -EBADF: it is being closed.
 */
int go__fd_rename(struct go__fd *e, uint32_t kind);

/*
 * The number stands for another file, of this kind, or for none.  Under the
 * lock.  Returns the new generation; whoever waits is to be evicted.
 */
uint32_t go__fd_renew(struct go__fd *e, uint32_t kind);

/*
 * In the child of a fork, whose only thread this is: the number is going to be
 * closed, and is nobody's from here on.  No lock is taken.
 */
void go__fd_drop(int fd);

/* A set of pollers is going: clear its bit everywhere. */
void go__fd_forget_pollers(unsigned index);

static inline uint32_t go__fd_kind(const struct go__fd *e)
{
	/* relaxed: ordered by whatever told the caller the number. */
	return atomic_load_explicit(&e->kind, memory_order_relaxed);
}

#endif
