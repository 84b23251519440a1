/* SPDX-License-Identifier: MIT */
/*
 * The life of a descriptor's entry.
 *
 * The kernel's numbers are small and reused at once, so the table is an array
 * in two levels, indexed by the number: a root of pointers, and chunks of
 * entries that are made when one of their numbers is first used.  Finding an
 * entry takes two loads and no lock.
 *
 * An entry stands for a number, not for a file.  Which file that is changes
 * its generation, and with it everything that was known:
 *
 *     known as   begins with                       and means
 *     ---------  --------------------------------  ----------------------------
 *     own        go__fd_adopt: a call of ours      O_NONBLOCK is set; closed by
 *                made the file; go_fd_adopt: we    go_close() only
 *                are told to own it
 *     foreign    any other number; also what       its flags are not ours, and
 *                go_close() and go_fd_release()    it may be closed and reused
 *                leave behind                      without our knowing
 *
 * CLOSING (fduse.h) runs in this order:
 *
 *     C1  under the lock: set CLOSING, so that nobody enters or begins to wait;
 *         remove the registrations; claim everybody's wait, with -EBADF.
 *     C2  the last call to leave: next generation, foreign, take calls again.
 *     C3  close(2).
 *     C4  under the lock: wake whoever waits now, to look again.
 *
 * The registrations go before close(2), since an open file that was inherited
 * or passed on outlives its number, and the kernel would keep reporting it.
 *
 * C2 comes before C3, since after close(2) the number may be handed out to
 * somebody whose calls must not be refused.  So a call may enter between the
 * two, on a number that its own program is closing.  It may even wait; then C4
 * makes it try again, and the kernel says EBADF.  If the number belongs to a
 * new file by then, C4 wakes that one's waiters for nothing.
 *
 * RELEASING is closing, with GO__FD_LEAVING set at C1.  The last one out gives
 * the file its flags back instead of C3, and then ends the wait of the caller
 * of go_fd_release(), who is linked at C1, behind those who are evicted, and
 * returns when nobody uses the number any more.
 *
 * WHY NOT a handle {number, generation} for users?  The calls are shaped like
 * POSIX, and a program that uses a number after closing it is as wrong there
 * as here; what the library must prevent is that its own calls, which began
 * before the close, reach the next file.
 *
 * INVARIANTS
 *
 *   T1  A bit in watched means that the number is registered with its poller of
 *       that runtime, under the entry's generation (own), or was when last
 *       looked (foreign).
 *   T2  Whoever is in `waiters` has entered, and watched has its runtime's bit.
 *   T3  While CLOSING is set, watched is zero and nobody is added to waiters,
 *       but for one who releases.
 *
 * TESTS  test_close.c, test_foreign.c; model_fduse.c.
 */
#include "io/fdtable.h"

#include <gofer/base.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "arch/sys.h"
#include "io/fdwait.h"
#include "io/watch.h"

_Atomic(struct go__fd *) go__fd_root[GO__FD_CHUNKS];
/* No chunk at or behind this index has been made. */
static _Atomic unsigned root_end;

/* ---- making ---- */

static void note_end(unsigned end)
{
	/* relaxed: the exchange decides. */
	unsigned old = atomic_load_explicit(&root_end, memory_order_relaxed);

	/* [end] release -> go__fd_forget_pollers(): the chunk is there. */
	while (old < end && !atomic_compare_exchange_weak_explicit(
				    &root_end, &old, end, memory_order_release,
				    memory_order_relaxed))
		;
}

static struct go__fd *new_chunk(unsigned index)
{
	size_t bytes = GO__FD_CHUNK * sizeof(struct go__fd);
	struct go__fd *chunk = go__sys_aligned_alloc(64, bytes);

	if (!chunk)
		return NULL;
	memset(chunk, 0, bytes);
	for (int i = 0; i < GO__FD_CHUNK; i++) {
		chunk[i].number = (int)index * GO__FD_CHUNK + i;
		go__list_init(&chunk[i].waiters);
		go__ready_renew(&chunk[i].ready);
	}
	return chunk;
}

/* The entry of a number whose chunk is made if there is none yet. */
int go__fd_make(int fd, struct go__fd **entry)
{
	unsigned index = (unsigned)fd / GO__FD_CHUNK;
	struct go__fd *made, *chunk;

	*entry = go__fd_find(fd);
	if (*entry)
		return 0;
	if (fd < 0)
		return -EBADF;
	if (index >= GO__FD_CHUNKS)
		return -EMFILE;
	/* Nonsense numbers must not cost memory. */
	if (go__sys_fcntl(fd, F_GETFD, 0) < 0)
		return -EBADF;
	made = new_chunk(index);
	if (!made)
		return -ENOMEM;
	chunk = NULL;
	/* [chunk] release -> go__fd_find(); acquire, if another was faster. */
	if (atomic_compare_exchange_strong_explicit(&go__fd_root[index], &chunk,
						    made, memory_order_acq_rel,
						    memory_order_acquire)) {
		chunk = made;
		note_end(index + 1);
	} else {
		go__sys_free(made);
	}
	*entry = &chunk[fd % GO__FD_CHUNK];
	return 0;
}

void go__fd_forget_pollers(unsigned index)
{
	uint64_t bit = UINT64_C(1) << index;
	/* acquire <- [end]. */
	unsigned end = atomic_load_explicit(&root_end, memory_order_acquire);

	for (unsigned i = 0; i < end; i++) {
		struct go__fd *chunk = go__fd_find((int)(i * GO__FD_CHUNK));

		for (int j = 0; chunk && j < GO__FD_CHUNK; j++) {
			go__lock_acquire(&chunk[j].lock);
			chunk[j].watched &= ~bit;
			chunk[j].watched_out &= ~bit;
			go__lock_release(&chunk[j].lock);
		}
	}
}

/* ---- beginning and ending ---- */

uint32_t go__fd_renew(struct go__fd *e, uint32_t kind)
{
	e->watched = 0;
	e->watched_out = 0;
	/* relaxed: see go__fd_kind(). */
	atomic_store_explicit(&e->kind, kind, memory_order_relaxed);
	return go__ready_renew(&e->ready);
}

int go__fd_adopt(int fd, uint32_t kind)
{
	struct go__wake_list woken;
	struct go__fd *e;
	int r = go__fd_make(fd, &e);

	if (r < 0)
		return r;
	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	(void)go__fd_renew(e, kind);
	/* Somebody waits for a file that was closed behind our back. */
	go__fd_evict(e, -EBADF, &woken);
	go__lock_release(&e->lock);
	go__fduse_reopen(&e->use);
	go__wake_list_flush(&woken);
	return 0;
}

int go__fd_adopt_pair(const int fds[2], uint32_t kind)
{
	int r = go__fd_adopt(fds[0], kind);

	if (r < 0) {
		go__sys_close(fds[0]);
		go__sys_close(fds[1]);
		return r;
	}
	r = go__fd_adopt(fds[1], kind);
	if (r < 0) {
		go__fd_close(fds[0]);
		go__sys_close(fds[1]);
	}
	return r;
}

/* Flags of descriptors, or of files, without `off`. */
static int take_away(int fd, int get, int set, int off)
{
	int flags = go__sys_fcntl(fd, get, 0);

	if (flags < 0 || !(flags & off))
		return flags < 0 ? flags : 0;
	return go__sys_fcntl(fd, set, flags & ~off);
}

/* Undo what was done to a file when it was made, or adopted.  -EBADF: the
 * number is not open, for somebody has called close(2). */
static int restore_flags(int fd, uint32_t kind)
{
	int r = go__sys_fcntl(fd, F_GETFD, 0);

	if (r < 0)
		return r;
	r = 0;
	if ((kind & GO__FD_OWN) && !(kind & (GO__FD_NONBLOCK | GO__FD_DISK)))
		r = take_away(fd, F_GETFL, F_SETFL, O_NONBLOCK);
	if (r == 0 && (kind & GO__FD_CLOEXEC))
		r = take_away(fd, F_GETFD, F_SETFD, FD_CLOEXEC);
	return r;
}

/* Nobody uses it any more, and it is not ours any more. */
static int give_back(struct go__fd *e)
{
	struct go__wake_list woken;
	int r = restore_flags(e->number, go__fd_kind(e));

	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	(void)go__fd_renew(e, 0);
	go__fd_evict(e, r < 0 ? r : 0, &woken);
	go__lock_release(&e->lock);
	go__fduse_reopen(&e->use);
	go__wake_list_flush(&woken);
	return 0;
}

/* C2 to C4: nobody uses it any more. */
int go__fd_close_now(struct go__fd *e)
{
	struct go__wake_list woken;
	int r;

	if (go__fd_kind(e) & GO__FD_LEAVING)
		return give_back(e);
	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	(void)go__fd_renew(e, 0);
	go__lock_release(&e->lock);
	go__fduse_reopen(&e->use);

	r = go__sys_close(e->number);

	go__lock_acquire(&e->lock);
	go__fd_evict(e, 0, &woken);
	go__lock_release(&e->lock);
	go__wake_list_flush(&woken);
	/* Interrupted or not, the number is gone. */
	return r == -EINTR ? 0 : r;
}

static void unwatch(struct go__fd *e)
{
	while (e->watched) {
		unsigned index = (unsigned)__builtin_ctzll(e->watched);

		go__poller_remove(index, e->number);
		e->watched &= e->watched - 1;
	}
	e->watched_out = 0;
}

int go__fd_rename(struct go__fd *e, uint32_t kind)
{
	struct go__wake_list woken;
	int r = -EBADF;

	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	if (!go__fduse_closing(&e->use)) {
		unwatch(e);
		(void)go__fd_renew(e, kind);
		go__fd_evict(e, -EBADF, &woken);
		r = 0;
	}
	go__lock_release(&e->lock);
	go__wake_list_flush(&woken);
	return r;
}

/* C1.  False: somebody else is faster.  Under the lock. */
static bool begin_to_close(struct go__fd *e, struct go__wake_list *woken)
{
	if (!go__fduse_close(&e->use))
		return false;
	unwatch(e);
	go__fd_evict(e, -EBADF, woken);
	return true;
}

int go__fd_release(int fd)
{
	struct go__waiter *w = go__waiter_self();
	struct go__fd_wait wait = {.ways = GO__WAYS_NONE};
	struct go__wake_list woken;
	struct go__fd *e;
	bool first;
	int r = w ? go__fd_enter(fd, &e) : -ENOMEM;

	if (r < 0)
		return r;
	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	first = begin_to_close(e, &woken);
	if (first) {
		/* relaxed: see go__fd_kind(). */
		atomic_store_explicit(&e->kind, go__fd_kind(e) | GO__FD_LEAVING,
				      memory_order_relaxed);
		go__wait_begin(w, GO__NO_DEADLINE,
			       GO__WAIT_CLOSE | GO__WAIT_IS_DEAF, GO_INT(fd));
		go__wait_node_init(&wait.node, w);
		go__list_push_back(&e->waiters, &wait.node.link);
	}
	go__lock_release(&e->lock);
	go__wake_list_flush(&woken);
	(void)go__fd_leave(e);
	return first ? go__wait(w) : -EBADF;
}

int go__fd_close(int fd)
{
	struct go__wake_list woken;
	struct go__fd *e;
	bool first;
	int r = go__fd_enter(fd, &e);

	if (r < 0)
		return r;
	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	first = begin_to_close(e, &woken);
	go__lock_release(&e->lock);
	go__wake_list_flush(&woken);
	r = go__fd_leave(e);
	return first ? r : -EBADF;
}

/* ---- fork ---- */

/*
 * The child: no call is under way and nobody waits, and what is registered is
 * so with the parent's pollers, whose sets are shared with it and must not be
 * changed.  A number whose closing was under way is as if it were foreign.
 */
static void forget(struct go__fd *e, uint32_t kind)
{
	bool closing = go__fduse_closing(&e->use);

	go__lock_init(&e->lock);
	go__list_init(&e->waiters);
	atomic_init(&e->use.word, 0);
	(void)go__fd_renew(e, closing ? 0 : kind);
}

void go__fd_drop(int fd)
{
	struct go__fd *e = go__fd_find(fd);

	if (e)
		forget(e, 0);
}

static void in_child(void)
{
	/* acquire: as in go__fd_forget_pollers(). */
	unsigned end = atomic_load_explicit(&root_end, memory_order_acquire);

	for (unsigned i = 0; i < end; i++) {
		struct go__fd *chunk = go__fd_find((int)(i * GO__FD_CHUNK));

		for (int j = 0; chunk && j < GO__FD_CHUNK; j++)
			forget(&chunk[j], go__fd_kind(&chunk[j]));
	}
	go__pollers_forked();
}

__attribute__((constructor)) static void watch_fork(void)
{
	go__sys_atfork(NULL, NULL, in_child);
}
