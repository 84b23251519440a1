/* SPDX-License-Identifier: MIT */
/*
 * The helper: the thread that does what no caller is there for.
 *
 * Two things belong to the process and not to a runtime: the signals that come,
 * and children that nobody wants to hear of any more, but that must be waited
 * for.  A runtime's poller could serve them while there is one, and while that
 * is being run; but plain threads wait for signals too, and a runtime of the
 * current-thread flavour may stand still for an hour.  So there is a thread of
 * the library's, started when it is first needed.  It sleeps in epoll, on an
 * eventfd and on the pidfds of orphans, or, where the system has none of these,
 * in poll, on a pipe; and each time
 *
 *     H1  unblocks the signals that it has been told to
 *     H2  collects what handlers have noted, for the subscribers (signals.c)
 *     H3  reaps orphans that have ended (process.c)
 *
 * It never ends: a thread that sleeps costs nothing, and one that comes and
 * goes with each go_sigwait() does.  For deadlock.c it is a thread that does
 * not count, since it ends no wait of the kinds in question.
 *
 * WHY IT UNBLOCKS THEM  A signal that is sent to the process needs a thread
 * that does not block it, and a program may block it in all of its own, as
 * sigwait(3) wants.  The helper makes sure that there is one.  When the last
 * subscriber goes it blocks the signal again BEFORE the old disposition is put
 * back (go__helper_block() waits for that): otherwise one that the program has
 * blocked could come to the helper, and terminate the process.
 *
 * fork() leaves the child without the thread; then it has not been started
 * there, and its descriptors, which are the parent's, are closed.
 *
 * LOCK ORDER  go__helper_lock, then that of the subscriptions, or of orphans.
 */
#include "io/helper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <poll.h>

#include "arch/sys.h"
#include "io/process.h"
#include "io/signals.h"
#include "io/signote.h"
#include "sched/worker.h"

enum {
	BATCH = 16,
	STACK_BYTES = 256 * 1024, /* Handlers of the program's may run here. */
};

struct go__lock go__helper_lock;

/* Under go__helper_lock; the helper reads the first two, handlers event_in. */
static bool running;
static int epoll = -1;
static int event = -1;
static _Atomic int event_in = -1;

/* Signals that the helper is to leave unblocked; written under the lock. */
static _Atomic uint64_t wanted;
/* Counts those changes, and which of them the helper has made. */
static _Atomic uint32_t version, applied;

void go__helper_poke(void)
{
	uint64_t one = 1;
	/* relaxed: constant while somebody can poke. */
	int fd = atomic_load_explicit(&event_in, memory_order_relaxed);

	/* Cannot fail: the counter holds 2^64 - 2 writes; and a pipe that is
	 * full is readable. */
	(void)go__sys_write(fd, &one, sizeof(one));
}

/* ---- the thread ---- */

/* H1. */
static void apply_mask(uint32_t *mine)
{
	/* [version] acquire <- set_wanted(): the set. */
	uint32_t now = atomic_load_explicit(&version, memory_order_acquire);
	uint64_t signals;
	sigset_t set;

	if (now == *mine)
		return;
	/* relaxed: read after [version]; a newer one has a newer version. */
	signals = atomic_load_explicit(&wanted, memory_order_relaxed);
	sigfillset(&set);
	for (int sig = 1; sig <= GO__SIGNALS; sig++)
		if (signals >> (sig - 1) & 1)
			sigdelset(&set, sig);
	(void)go__sys_sigmask(SIG_SETMASK, &set, NULL);
	*mine = now;
	/* [applied] release -> go__helper_block(). */
	atomic_store_explicit(&applied, now, memory_order_release);
	go__sys_futex_wake(&applied, 1);
}

#if GO__LINUX
static void wait_for_news(void)
{
	struct epoll_event v[BATCH];
	int n = go__sys_epoll_wait(epoll, v, BATCH, -1);

	for (int i = 0; i < n; i++)
		if (v[i].data.ptr)
			go__process_orphan(v[i].data.ptr);
		else
			go__sys_event_empty(event);
}
#else
static void wait_for_news(void)
{
	struct pollfd p = {.fd = event, .events = POLLIN};

	if (go__sys_poll(&p, 1, -1) > 0)
		go__sys_event_empty(event);
}
#endif

static void *run(void *unused)
{
	uint32_t mine = 0;

	(void)unused;
	go__sys_thread_name("gofer-helper");
	for (;;) {
		apply_mask(&mine);
		wait_for_news();
		go__signals_collect();
		go__process_orphans();
	}
	return NULL;
}

/* ---- starting ---- */

#if GO__LINUX
static int open_epoll(int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
	int r;

	epoll = go__sys_epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return epoll;
	r = go__sys_epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	if (r < 0)
		go__sys_close(epoll);
	return r;
}
#else
static int open_epoll(int fd)
{
	(void)fd;
	return 0;
}
#endif

static int open_both(void)
{
	int ends[2];
	int r = go__sys_event(ends);

	if (r < 0)
		return r;
	r = open_epoll(ends[0]);
	if (r < 0) {
		go__sys_event_close(ends);
		return r;
	}
	event = ends[0];
	/* relaxed: no handler, and no thread, reads it before it is told to. */
	atomic_store_explicit(&event_in, ends[1], memory_order_relaxed);
	return 0;
}

static void close_both(void)
{
	/* relaxed: as above. */
	int ends[2] = {event, atomic_exchange_explicit(&event_in, -1,
						       memory_order_relaxed)};

	go__sys_event_close(ends);
	if (epoll >= 0)
		go__sys_close(epoll);
	event = epoll = -1;
}

int go__helper_start(void)
{
	sigset_t all, old;
	pthread_t thread;
	int r;

	if (running)
		return 0;
	r = open_both();
	if (r < 0)
		return r;
	/* It begins with everything blocked. */
	sigfillset(&all);
	(void)go__sys_sigmask(SIG_SETMASK, &all, &old);
	r = go__sys_thread_create(&thread, STACK_BYTES, run, NULL);
	(void)go__sys_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		close_both();
		return r;
	}
	go__sys_thread_detach(thread);
	go__note_helper(true);
	running = true;
	return 0;
}

/* ---- what it is told ---- */

static uint32_t set_wanted(uint64_t signals)
{
	/* relaxed: published by [version]; only we write these. */
	atomic_store_explicit(&wanted, signals, memory_order_relaxed);
	/* [version] release -> apply_mask(). */
	return atomic_fetch_add_explicit(&version, 1, memory_order_release) + 1;
}

void go__helper_unblock(uint64_t signals)
{
	/* relaxed: only written under the lock, which we hold. */
	(void)set_wanted(atomic_load_explicit(&wanted, memory_order_relaxed) |
			 signals);
	go__helper_poke();
}

void go__helper_block(uint64_t signals)
{
	/* relaxed: as above. */
	uint32_t to = set_wanted(
		atomic_load_explicit(&wanted, memory_order_relaxed) & ~signals);
	uint32_t now;

	go__helper_poke();
	/* acquire <- [applied]: the signals are blocked. */
	while ((now = atomic_load_explicit(&applied, memory_order_acquire)) !=
	       to)
		(void)go__sys_futex_wait(&applied, now, GO__NO_DEADLINE);
}

#if GO__LINUX
int go__helper_watch(int fd, void *p)
{
	/* Edge-triggered: one that somebody traces is readable, and is not to
	 * be reaped yet; when it is, there is another edge. */
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = p};

	return go__sys_epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

void go__helper_forget(int fd)
{
	/* Cannot fail: it is there, and open. */
	(void)go__sys_epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}
#else
int go__helper_watch(int fd, void *p)
{
	(void)fd;
	(void)p;
	return -ENOSYS;
}

void go__helper_forget(int fd)
{
	(void)fd;
}
#endif

/* ---- fork ---- */

static void before_fork(void)
{
	go__lock_acquire(&go__helper_lock);
	go__signals_lock_for_fork();
	go__process_lock_for_fork();
}

static void in_parent(void)
{
	go__process_unlock_after_fork(false);
	go__signals_unlock_after_fork(false);
	go__lock_release(&go__helper_lock);
}

static void in_child(void)
{
	go__process_unlock_after_fork(true);
	go__signals_unlock_after_fork(true);
	if (running) {
		running = false;
		close_both();
		go__note_helper(false);
		/* relaxed: there is no other thread. */
		atomic_store_explicit(&wanted, 0, memory_order_relaxed);
		atomic_store_explicit(&version, 0, memory_order_relaxed);
		atomic_store_explicit(&applied, 0, memory_order_relaxed);
	}
	go__lock_release(&go__helper_lock);
}

/* When the library is loaded: stack.c says why. */
__attribute__((constructor)) static void watch_fork(void)
{
	go__sys_atfork(before_fork, in_parent, in_child);
}
