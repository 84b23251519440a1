/* SPDX-License-Identifier: MIT */
/*
 * Linux's calls for systems without them: lack.h.
 *
 * WHAT IS LOST  Where a flag becomes a second call, a child that another thread
 * starts in between inherits the descriptor.  go_process_spawn() closes what it
 * is not asked to leave open; the program's own fork() does not.
 *
 * THE FUTEX  A word's address picks one of a few buckets, each a mutex and a
 * condition.  A waiter compares the word under the mutex, and the condition
 * gives that up as it falls asleep.  A waker has changed the word before it
 * comes here, and takes the mutex: so either the waiter sees the new value, or
 * the waker finds it asleep, and no wake-up is lost.  Words share buckets, so
 * all sleepers of one are woken, which sys.h allows.  The waker never reads the
 * word, which may be gone.  (Systems have calls for this, but private or new
 * ones: macOS has os_sync_wait_on_address() since 14.4.)
 *
 * A thread that is cancelled (pthread_cancel) in a condition would leave with
 * the mutex, and no word of that bucket could be waited for again: so it is not
 * cancelled there, as it is not in the kernel's futex.  Handlers of signals may
 * neither wait nor wake: the thread beneath may hold the mutex.
 *
 * After fork() the child makes its buckets anew: it has one thread, so nobody
 * sleeps there, and whoever held a mutex is gone.  That comes before the other
 * handlers for fork(), which take and leave locks.  Constructors of other files
 * may run before ours (Mach-O orders them within a file only), so whoever
 * registers a handler calls ours first: go__sys_atfork().
 *
 * TIME ASLEEP  On macOS a machine that sleeps advances CLOCK_MONOTONIC, and not
 * what a condition counts: who sleeps with it wakes late.
 *
 * TESTS  those of everything else, with GOFER_PORTABLE; model_bucket.c.
 */
#include "arch/lack.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "arch/atomic.h"
#include "arch/sys.h"

/* ---- descriptors ---- */

static int set_flags(int fd, int nonblock, int cloexec)
{
	int r = 0;

	if (cloexec)
		r = go__sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (r == 0 && nonblock) {
		r = go__sys_fcntl(fd, F_GETFL, 0);
		if (r >= 0)
			r = go__sys_fcntl(fd, F_SETFL, r | O_NONBLOCK);
	}
#ifdef F_SETNOSIGPIPE
	/* There SIGPIPE goes to the process: blocking it here is no use. */
	if (r == 0)
		(void)fcntl(fd, F_SETNOSIGPIPE, 1);
#endif
	if (r >= 0)
		return 0;
	errno = -r;
	return -1;
}

static void close_keeping_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

/* fd, or -1 after it was closed. */
static int settle(int fd, int nonblock, int cloexec)
{
	if (fd < 0 || set_flags(fd, nonblock, cloexec) == 0)
		return fd;
	close_keeping_errno(fd);
	return -1;
}

static int settle_pair(int *pair, int nonblock, int cloexec)
{
	if (set_flags(pair[0], nonblock, cloexec) == 0 &&
	    set_flags(pair[1], nonblock, cloexec) == 0)
		return 0;
	close_keeping_errno(pair[0]);
	close_keeping_errno(pair[1]);
	return -1;
}

#define TYPE(type) ((type) & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))

int go__posix_socket(int domain, int type, int protocol)
{
	return settle(socket(domain, TYPE(type), protocol),
		      type & SOCK_NONBLOCK, type & SOCK_CLOEXEC);
}

int go__posix_socketpair(int domain, int type, int protocol, int *pair)
{
	if (socketpair(domain, TYPE(type), protocol, pair) < 0)
		return -1;
	return settle_pair(pair, type & SOCK_NONBLOCK, type & SOCK_CLOEXEC);
}

int go__posix_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	return settle(accept(fd, a, n), flags & SOCK_NONBLOCK,
		      flags & SOCK_CLOEXEC);
}

int go__posix_pipe2(int *pair, int flags)
{
	if (pipe(pair) < 0)
		return -1;
	return settle_pair(pair, flags & O_NONBLOCK, flags & O_CLOEXEC);
}

/* sys.h; on Linux those of sys.c. */
#if !GO__LINUX
void go__sys_event_empty(int fd)
{
	uint64_t counts[64];

	while (go__sys_read(fd, counts, sizeof(counts)) ==
	       (ssize_t)sizeof(counts))
		continue;
}

void go__sys_event_close(const int ends[2])
{
	go__sys_close(ends[0]);
	go__sys_close(ends[1]);
}
#endif

/* ---- messages ---- */

static void close_on_exec(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		char *p = (char *)CMSG_DATA(c), *end = (char *)c + c->cmsg_len;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (; p + sizeof(int) <= end; p += sizeof(int)) {
			int fd;

			memcpy(&fd, p, sizeof(fd));
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		}
	}
}

ssize_t go__posix_recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t r = recvmsg(fd, m, flags & ~MSG_CMSG_CLOEXEC);

	if (r >= 0 && (flags & MSG_CMSG_CLOEXEC) && m->msg_controllen > 0)
		close_on_exec(m);
	return r;
}

int go__posix_recvmmsg(int fd, struct mmsghdr *v, unsigned n, int flags,
		       struct timespec *unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < n; i++) {
		ssize_t r = go__posix_recvmsg(fd, &v[i].msg_hdr, flags);

		if (r < 0)
			return i ? (int)i : -1;
		v[i].msg_len = (unsigned)r;
	}
	return (int)i;
}

int go__posix_sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		ssize_t r = sendmsg(fd, &v[i].msg_hdr, flags);

		if (r < 0)
			return i ? (int)i : -1;
		v[i].msg_len = (unsigned)r;
	}
	return (int)i;
}

/* ---- waiting ---- */

/* Milliseconds, rounded up: at most what poll() takes. */
static int ms_until(uint64_t until)
{
	uint64_t now = go__sys_now(), ms;

	if (until <= now)
		return 0;
	ms = (until - now + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int go__posix_ppoll(struct pollfd *v, nfds_t n, const struct timespec *ts,
		    const sigset_t *unused)
{
	uint64_t until;
	int ms, r;

	(void)unused;
	if (!ts)
		return poll(v, n, -1);
	until = go__sys_now() + (uint64_t)ts->tv_sec * 1000000000u +
		(uint64_t)ts->tv_nsec;
	do {
		ms = ms_until(until);
		r = poll(v, n, ms);
	} while (r == 0 && ms == INT_MAX);
	return r;
}

/* Who takes a signal.  Where one is pending for the process, two that see it
 * must not both wait for it. */
static pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;

static int is_one_pending(const sigset_t *set)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(set, sig) == 1 &&
		    sigismember(&pending, sig) == 1)
			return 1;
	return 0;
}

/* Without a wait: ts is 0. */
int go__posix_sigtimedwait(const sigset_t *set, siginfo_t *info,
			   const struct timespec *ts)
{
	int sig, r = EAGAIN;

	(void)info;
	(void)ts;
	pthread_mutex_lock(&taking);
	if (is_one_pending(set))
		r = sigwait(set, &sig);
	pthread_mutex_unlock(&taking);
	if (r == 0)
		return sig;
	errno = r;
	return -1;
}

/* ---- files ---- */

int go__posix_fdatasync(int fd)
{
	return fsync(fd);
}

#ifdef F_PREALLOCATE
static int reserve(int fd, off_t at, off_t n)
{
	fstore_t s = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (n > INT64_MAX - at) {
		errno = EFBIG;
		return -1;
	}
	if (at + n <= st.st_size)
		return 0;
	/* It counts from the end; what is reserved is no part of the file. */
	s.fst_length = at + n - st.st_size;
	if (fcntl(fd, F_PREALLOCATE, &s) < 0 || fstat(fd, &st) < 0)
		return -1;
	/* Another may have written beyond meanwhile: a file is not to shrink,
	 * and there is no call that only grows one. */
	return at + n <= st.st_size ? 0 : ftruncate(fd, at + n);
}
#else
static int reserve(int fd, off_t at, off_t n)
{
	int r = posix_fallocate(fd, at, n);

	errno = r;
	return r ? -1 : 0;
}
#endif

int go__posix_fallocate(int fd, int mode, off_t at, off_t n)
{
	if (mode == 0 && at >= 0 && n > 0)
		return reserve(fd, at, n);
	errno = mode ? EOPNOTSUPP : EINVAL;
	return -1;
}

/* ---- the futex ---- */

enum {
#ifdef GO_TEST_SMALL
	BUCKET_BITS = 1, /* Strangers meet all the time. */
#else
	BUCKET_BITS = 6,
#endif
	BUCKETS = 1 << BUCKET_BITS
};

/* A line of the cache each. */
static struct bucket {
	_Alignas(128) pthread_mutex_t mutex;
	pthread_cond_t awake;
} buckets[BUCKETS];

static bool begun; /* Constructors run on one thread. */

static struct bucket *bucket_of(const void *word)
{
	uint64_t h = (uint64_t)(uintptr_t)word * 0x9e3779b97f4a7c15u;

	return &buckets[h >> (64 - BUCKET_BITS)];
}

static void make_all(void)
{
	pthread_mutex_init(&taking, NULL);
	for (int i = 0; i < BUCKETS; i++) {
		pthread_condattr_t attr;

		pthread_mutex_init(&buckets[i].mutex, NULL);
		pthread_condattr_init(&attr);
#ifndef __APPLE__
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
		pthread_cond_init(&buckets[i].awake, &attr);
		pthread_condattr_destroy(&attr);
	}
}

/* Before the program's own constructors, where the system knows priorities. */
__attribute__((constructor(101))) void go__posix_begin(void)
{
	if (begun)
		return;
	begun = true;
	make_all();
	pthread_atfork(NULL, NULL, make_all);
}

/* What these return besides ETIMEDOUT counts as a spurious wake-up. */
#ifdef __APPLE__
/* A condition knows no other clock than the one that may be set, so it is told
 * for how long.  A year at a time: there are sums in the kernel. */
static int sleep_until(struct bucket *b, uint64_t deadline_ns)
{
	const uint64_t year = UINT64_C(31536000) * 1000000000u;
	uint64_t now = go__sys_now();
	struct timespec t;

	if (deadline_ns <= now)
		return ETIMEDOUT;
	deadline_ns -= now;
	t = go__timespec(deadline_ns < year ? deadline_ns : year);
	(void)pthread_cond_timedwait_relative_np(&b->awake, &b->mutex, &t);
	return go__sys_now() < deadline_ns + now ? 0 : ETIMEDOUT;
}
#else
static int sleep_until(struct bucket *b, uint64_t deadline_ns)
{
	struct timespec t = go__timespec(deadline_ns);

	return pthread_cond_timedwait(&b->awake, &b->mutex, &t);
}
#endif

/* The mutex is held. */
static int sleep_in(struct bucket *b, uint64_t deadline_ns)
{
	if (deadline_ns == UINT64_MAX)
		return pthread_cond_wait(&b->awake, &b->mutex);
	return sleep_until(b, deadline_ns);
}

int go__posix_futex_wait(_Atomic uint32_t *word, uint32_t value,
			 uint64_t deadline_ns)
{
	struct bucket *b = bucket_of(word);
	int saved = errno, r = -EAGAIN, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&b->mutex);
	/* acquire: as the kernel's look, it orders what the caller does next;
	 * the mutex orders it before the waker's broadcast. */
	if (atomic_load_explicit(word, memory_order_acquire) == value)
		r = sleep_in(b, deadline_ns) == ETIMEDOUT ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&b->mutex);
	pthread_setcancelstate(cancel, NULL);
	errno = saved; /* macOS's functions change it. */
	return r;
}

int go__posix_futex_wake(_Atomic uint32_t *word)
{
	struct bucket *b = bucket_of(word);
	int saved = errno;

	pthread_mutex_lock(&b->mutex);
	pthread_cond_broadcast(&b->awake);
	pthread_mutex_unlock(&b->mutex);
	errno = saved;
	return 0;
}
