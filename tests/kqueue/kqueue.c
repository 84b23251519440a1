/* SPDX-License-Identifier: MIT */
/*
 * kqueue(2) on Linux, as far as a poller needs it: EVFILT_READ, EVFILT_WRITE,
 * EVFILT_USER with NOTE_TRIGGER and EVFILT_PROC with NOTE_EXIT.  It is made for
 * tests: it is to behave like the real one, and need not be fast.
 *
 * The number that kqueue() returns is that of an epoll set, so that poll(2)
 * knows it.  In it are three more sets, for READ, WRITE and PROC, and an
 * eventfd for USER.  With a set of its own an edge of one filter is none of
 * another's.  What a set cannot carry is in knotes, found by filter and ident:
 *
 *     kqueue                          here
 *     ------------------------------  ----------------------------------------
 *     EV_CLEAR                        EPOLLET
 *     an event of READ, WRITE         of the set, with FIONREAD as data
 *     EV_EOF                          EPOLLRDHUP, EPOLLHUP; of a pipe's way in
 *                                     EPOLLERR
 *     a process has ended             a pidfd is readable; waitid(WNOWAIT)
 *     time-out                        ppoll(2) of the outer set, in us
 *     knotes go with the descriptor   close(), dup2() and dup3() are ours
 *     not inherited by fork           a handler closes them in the child
 *
 * WHERE THE SYSTEMS DIFFER it is the more awkward one.  As in FreeBSD, a filter
 * that is not for that end of a pipe is taken and never fires; EVFILT_WRITE of
 * a pipe that nobody reads is EPIPE, and a knote there is deleted by the event
 * that tells; EV_CLEAR takes NOTE_TRIGGER back.  As in macOS, time-outs are cut
 * off at microseconds, and one of more than 100,000,000 s is EINVAL.
 *
 * WHERE IT DIFFERS  Regular files, which are taken, never fire.  An error of a
 * socket is not in fflags, since asking would take it.  EV_DISABLE is ENOTSUP.
 * Space for writing is not counted: data is 1.  A close(2) inside the C library
 * itself, fclose(3)'s for instance, is not seen; the set then finds out when it
 * is asked for the descriptor next.
 *
 * LOCK ORDER  all -> a queue's.
 *
 * TESTS  test_kqueue.c.
 */
#include <sys/event.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum {
	READS,
	WRITES,
	ENDS,
	SETS,
	USERS = SETS,
	SOURCES,
	BUCKETS = 256,
	QUEUES = 65536,
	BATCH = 64,
	LONGEST = 100000000, /* Seconds. */
};

struct knote {
	struct knote *next;
	uintptr_t ident;
	void *udata;
	int fd; /* What is in the set: the descriptor, or a pidfd. */
	uint32_t serial;
	uint16_t flags;
	bool socket;
	bool pipe;      /* And not a FIFO, which somebody may open again. */
	bool mute;      /* Never fires, and is in no set. */
	bool triggered; /* USER. */
};

struct queue {
	struct queue *next; /* Under all. */
	/* Constant. */
	int outer, user, set[SETS];
	pthread_mutex_t lock;
	/* Under lock. */
	uint32_t serial;
	unsigned turn; /* The source to begin with. */
	struct knote *knotes[SOURCES][BUCKETS];
};

static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
static struct queue *queues;                  /* Under all. */
static _Atomic(struct queue *) table[QUEUES]; /* By number. */
static pid_t owner;                           /* Who made the first one. */
static _Atomic int64_t last_timeout;

int close(int fd);

static int raw_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

/* ---- queues ---- */

static struct queue *queue_of(int fd)
{
	return fd >= 0 && fd < QUEUES ? atomic_load(&table[fd]) : NULL;
}

static void free_queue(struct queue *q)
{
	for (int s = 0; s < SOURCES; s++)
		for (int b = 0; b < BUCKETS; b++)
			while (q->knotes[s][b]) {
				struct knote *k = q->knotes[s][b];

				q->knotes[s][b] = k->next;
				if (s == ENDS)
					raw_close(k->fd);
				free(k);
			}
	for (int s = 0; s < SETS; s++)
		if (q->set[s] >= 0)
			raw_close(q->set[s]);
	if (q->user >= 0)
		raw_close(q->user);
	free(q);
}

static void before_fork(void)
{
	pthread_mutex_lock(&all);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&all);
}

/* Locks of queues are left as they are: their holders may not be here. */
static void in_child(void)
{
	while (queues) {
		struct queue *q = queues;

		queues = q->next;
		atomic_store(&table[q->outer], NULL);
		raw_close(q->outer);
		free_queue(q);
	}
	owner = getpid();
	/* By the thread that has locked it: there is no other. */
	pthread_mutex_unlock(&all);
}

/* Before whatever uses us, whose handlers then run after ours. */
__attribute__((constructor(101))) static void begin(void)
{
	owner = getpid();
	pthread_atfork(before_fork, in_parent, in_child);
}

static bool open_parts(struct queue *q)
{
	struct epoll_event e = {.events = EPOLLIN};

	q->user = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->user < 0 || epoll_ctl(q->outer, EPOLL_CTL_ADD, q->user, &e) < 0)
		return false;
	for (int s = 0; s < SETS; s++) {
		q->set[s] = epoll_create1(EPOLL_CLOEXEC);
		if (q->set[s] < 0 ||
		    epoll_ctl(q->outer, EPOLL_CTL_ADD, q->set[s], &e) < 0)
			return false;
	}
	return true;
}

/* Not close-on-exec, as everywhere; its parts are. */
int kqueue(void)
{
	struct queue *q = calloc(1, sizeof(*q));
	int fd, error;

	if (!q)
		return -1; /* ENOMEM */
	pthread_mutex_init(&q->lock, NULL);
	q->user = -1;
	for (int s = 0; s < SETS; s++)
		q->set[s] = -1;
	q->outer = epoll_create1(0);
	if (q->outer >= QUEUES)
		errno = EMFILE;
	else if (q->outer >= 0 && open_parts(q)) {
		fd = q->outer;
		pthread_mutex_lock(&all);
		q->next = queues;
		queues = q;
		atomic_store(&table[fd], q);
		pthread_mutex_unlock(&all);
		return fd;
	}
	error = errno;
	if (q->outer >= 0)
		raw_close(q->outer);
	free_queue(q);
	errno = error;
	return -1;
}

/* ---- knotes ---- */

static struct knote **place(struct queue *q, int source, uintptr_t ident)
{
	struct knote **at = &q->knotes[source][ident % BUCKETS];

	while (*at && (*at)->ident != ident)
		at = &(*at)->next;
	return at;
}

static void drop(struct queue *q, int source, struct knote **at)
{
	struct knote *k = *at;

	*at = k->next;
	if (source < SETS && !k->mute)
		(void)epoll_ctl(q->set[source], EPOLL_CTL_DEL, k->fd, NULL);
	if (source == ENDS)
		raw_close(k->fd);
	free(k);
}

static int source_of(int filter)
{
	switch (filter) {
	case EVFILT_READ:
		return READS;
	case EVFILT_WRITE:
		return WRITES;
	case EVFILT_PROC:
		return ENDS;
	case EVFILT_USER:
		return USERS;
	default:
		return -1;
	}
}

/* 0 or an errno value. */
static int control(struct queue *q, int source, int op, const struct knote *k)
{
	static const uint32_t wanted[SETS] = {EPOLLIN | EPOLLRDHUP, EPOLLOUT,
					      EPOLLIN};
	struct epoll_event e = {
		.events = wanted[source],
		.data.u64 = (uint64_t)k->serial << 32 | (uint32_t)k->ident,
	};

	if (k->flags & EV_CLEAR)
		e.events |= EPOLLET;
	if (epoll_ctl(q->set[source], op, k->fd, &e) == 0)
		return 0;
	return errno == EPERM ? EINVAL : errno;
}

static int open_fd(const struct kevent *c, int source, int *fd)
{
	*fd = (int)c->ident;
	if (source == USERS)
		return 0;
	if (source != ENDS)
		return c->ident <= INT32_MAX && fcntl(*fd, F_GETFD) >= 0
			       ? 0
			       : EBADF;
	if (!(c->fflags & NOTE_EXIT))
		return EINVAL;
	*fd = (int)syscall(SYS_pidfd_open, (pid_t)c->ident, 0);
	return *fd < 0 ? errno : 0;
}

/* What there is to be known of the file.  0 or an errno value. */
static int examine(struct knote *k, int source)
{
	int mode = fcntl(k->fd, F_GETFL) & O_ACCMODE;
	struct pollfd v = {.fd = k->fd};
	struct statfs fs;
	struct stat st;

	if (fstat(k->fd, &st) < 0 || fstatfs(k->fd, &fs) < 0)
		return errno;
	k->socket = S_ISSOCK(st.st_mode);
	k->pipe = S_ISFIFO(st.st_mode) && fs.f_type == PIPEFS_MAGIC;
	k->mute = S_ISREG(st.st_mode);
	if (S_ISFIFO(st.st_mode) &&
	    mode == (source == READS ? O_WRONLY : O_RDONLY))
		k->mute = true;
	if (source == WRITES && queue_of(k->fd))
		return EINVAL;
	if (k->mute || source == READS || !k->pipe)
		return 0;
	return poll(&v, 1, 0) == 1 && (v.revents & POLLERR) ? EPIPE : 0;
}

static int add(struct queue *q, int source, const struct kevent *c)
{
	struct knote **at = place(q, source, c->ident), *k;
	int fd, r = open_fd(c, source, &fd);

	if (r)
		return r;
	k = calloc(1, sizeof(*k));
	if (!k)
		return ENOMEM;
	k->ident = c->ident;
	k->udata = c->udata;
	k->fd = fd;
	k->serial = ++q->serial;
	k->flags = c->flags & (EV_CLEAR | EV_ONESHOT);
	if (source < ENDS)
		r = examine(k, source);
	if (source == ENDS)
		k->flags |= EV_ONESHOT;
	if (r == 0 && source < SETS && !k->mute)
		r = control(q, source, EPOLL_CTL_ADD, k);
	/* One that a close which we have not seen has left. */
	if (r == EEXIST)
		r = control(q, source, EPOLL_CTL_MOD, k);
	if (r) {
		if (source == ENDS)
			raw_close(fd);
		free(k);
		return r;
	}
	*at = k;
	return 0;
}

static void trigger(struct queue *q, struct knote *k, bool back)
{
	uint64_t one = 1;

	k->triggered = !back;
	if (write(q->user, &one, sizeof(one)) < 0)
		abort(); /* The counter holds 2^64 - 2 writes. */
}

/* The knote, if it stands for what the number stands for. */
static struct knote *current(struct queue *q, int source, uintptr_t ident)
{
	struct knote **at = place(q, source, ident);

	if (!*at)
		return NULL;
	if (source < SETS && !(*at)->mute &&
	    control(q, source, EPOLL_CTL_MOD, *at) != 0) {
		drop(q, source, at);
		return NULL;
	}
	return *at;
}

/* One change: 0 or an errno value. */
static int change(struct queue *q, const struct kevent *c)
{
	int source = source_of(c->filter), r = 0;
	struct knote *k;

	if (source < 0)
		return EINVAL;
	if (c->flags & EV_DISABLE)
		return ENOTSUP;
	if (source < ENDS &&
	    (c->ident > INT32_MAX || fcntl((int)c->ident, F_GETFD) < 0))
		return EBADF;
	k = current(q, source, c->ident);
	if (c->flags & EV_DELETE) {
		if (!k)
			return ENOENT;
		drop(q, source, place(q, source, c->ident));
		return 0;
	}
	if (!k && !(c->flags & EV_ADD))
		return ENOENT;
	if (!k)
		r = add(q, source, c);
	else
		k->udata = c->udata;
	if (r == 0 && source == USERS && (c->fflags & NOTE_TRIGGER))
		trigger(q, *place(q, source, c->ident),
			k && (c->flags & EV_CLEAR));
	return r;
}

/* ---- events ---- */

static intptr_t readable_bytes(int fd)
{
	int n;

	return ioctl(fd, FIONREAD, &n) == 0 ? n : 1;
}

static int end_of(const struct knote *k, intptr_t *status)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid((idtype_t)P_PIDFD, (id_t)k->fd, &info,
		   WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid != 0)
		*status = info.si_code == CLD_EXITED
				  ? (info.si_status & 0xff) << 8
				  : info.si_status |
					    (info.si_code == CLD_DUMPED ? 0x80
									: 0);
	return 0;
}

static bool is_end(const struct knote *k, int source, uint32_t events)
{
	if (events & EPOLLHUP)
		return true;
	if (source == READS)
		return events & EPOLLRDHUP;
	return (events & EPOLLERR) && !k->socket;
}

static void fill(struct kevent *out, const struct knote *k, int source,
		 uint32_t events)
{
	static const int16_t filters[SOURCES] = {EVFILT_READ, EVFILT_WRITE,
						 EVFILT_PROC, EVFILT_USER};

	EV_SET(out, k->ident, filters[source], k->flags, 0, 0, k->udata);
	if (source == ENDS) {
		out->flags |= EV_EOF;
		out->fflags = NOTE_EXIT;
		(void)end_of(k, &out->data);
	} else if (source < ENDS) {
		out->data = source == READS ? readable_bytes(k->fd) : 1;
		if (is_end(k, source, events))
			out->flags |= EV_EOF;
	}
}

static int collect_set(struct queue *q, int source, struct kevent *out,
		       int room)
{
	struct epoll_event v[BATCH];
	int n = epoll_wait(q->set[source], v, room < BATCH ? room : BATCH, 0);
	int got = 0;

	for (int i = 0; i < n; i++) {
		struct knote **at = place(q, source, (uint32_t)v[i].data.u64);

		if (!*at || (*at)->serial != v[i].data.u64 >> 32)
			continue; /* Of one that is gone. */
		fill(&out[got++], *at, source, v[i].events);
		if (((*at)->flags & EV_ONESHOT) ||
		    ((*at)->pipe && source == WRITES &&
		     is_end(*at, source, v[i].events)))
			drop(q, source, at);
	}
	return got;
}

static int collect_users(struct queue *q, struct kevent *out, int room)
{
	uint64_t one = 1;
	bool more = false;
	int got = 0;

	if (read(q->user, &one, sizeof(one)) < 0)
		return 0;
	for (int b = 0; b < BUCKETS; b++) {
		struct knote **at = &q->knotes[USERS][b];

		while (*at) {
			struct knote *k = *at;

			at = &k->next;
			if (!k->triggered)
				continue;
			if (got == room) {
				more = true;
				continue;
			}
			fill(&out[got++], k, USERS, 0);
			k->triggered = !(k->flags & (EV_CLEAR | EV_ONESHOT));
			more = more || k->triggered;
			if (k->flags & EV_ONESHOT) {
				at = place(q, USERS, k->ident);
				drop(q, USERS, at);
			}
		}
	}
	one = 1;
	if (more && write(q->user, &one, sizeof(one)) < 0)
		abort();
	return got;
}

static int collect(struct queue *q, struct kevent *out, int room)
{
	int got = 0;

	pthread_mutex_lock(&q->lock);
	q->turn++;
	for (unsigned i = 0; i < SOURCES && got < room; i++) {
		int source = (int)((q->turn + i) % SOURCES);

		got += source == USERS
			       ? collect_users(q, out + got, room - got)
			       : collect_set(q, source, out + got, room - got);
	}
	pthread_mutex_unlock(&q->lock);
	return got;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t kqueue_last_timeout(void)
{
	return atomic_load(&last_timeout);
}

static int wait_for_events(struct queue *q, struct kevent *out, int room,
			   const struct timespec *timeout)
{
	int64_t left = 0, until = 0;

	atomic_store(&last_timeout,
		     timeout ? timeout->tv_sec * INT64_C(1000000000) +
				       timeout->tv_nsec
			     : -1);
	if (timeout) {
		left = timeout->tv_sec * INT64_C(1000000000) +
		       timeout->tv_nsec / 1000 * 1000;
		until = now() + left;
	}
	for (;;) {
		struct pollfd v = {.fd = q->outer, .events = POLLIN};
		struct timespec ts = {.tv_sec = left / 1000000000,
				      .tv_nsec = left % 1000000000};
		int got = collect(q, out, room);

		if (got > 0 || (timeout && left <= 0))
			return got;
		if (ppoll(&v, 1, timeout ? &ts : NULL, NULL) < 0)
			return -1;
		if (timeout) {
			left = until - now();
			left = left < 0 ? 0 : left;
		}
	}
}

static int apply(struct queue *q, const struct kevent *changes, int nchanges,
		 struct kevent *events, int nevents)
{
	int got = 0;

	pthread_mutex_lock(&q->lock);
	for (int i = 0; i < nchanges; i++) {
		/* The two lists may be the same memory. */
		struct kevent c = changes[i];
		int r = change(q, &c);

		if (!r && !(c.flags & EV_RECEIPT))
			continue;
		if (got < nevents) {
			events[got] = c;
			events[got].flags |= EV_ERROR;
			events[got++].data = r;
		} else if (r) {
			pthread_mutex_unlock(&q->lock);
			errno = r;
			return -1;
		}
	}
	pthread_mutex_unlock(&q->lock);
	return got;
}

int kevent(int kq, const struct kevent *changes, int nchanges,
	   struct kevent *events, int nevents, const struct timespec *timeout)
{
	struct queue *q = queue_of(kq);
	int got;

	if (!q) {
		errno = EBADF;
		return -1;
	}
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_sec > LONGEST ||
			timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999)) {
		errno = EINVAL;
		return -1;
	}
	got = apply(q, changes, nchanges, events, nevents);
	if (got != 0 || nevents == 0)
		return got;
	return wait_for_events(q, events, nevents, timeout);
}

/* ---- descriptors that are closed ---- */

static void forget(int fd)
{
	struct queue *q, **at;

	pthread_mutex_lock(&all);
	for (q = queues; q; q = q->next) {
		pthread_mutex_lock(&q->lock);
		for (int source = READS; source <= WRITES; source++) {
			struct knote **k = place(q, source, (uintptr_t)fd);

			if (*k)
				drop(q, source, k);
		}
		pthread_mutex_unlock(&q->lock);
	}
	q = queue_of(fd);
	if (q) {
		for (at = &queues; *at != q; at = &(*at)->next)
			;
		*at = q->next;
		atomic_store(&table[fd], NULL);
		pthread_mutex_destroy(&q->lock);
		free_queue(q);
	}
	pthread_mutex_unlock(&all);
}

/* A child of vfork has its parent's memory, and not its descriptors. */
static bool ours(void)
{
	return owner == getpid();
}

int close(int fd)
{
	int error = errno;

	if (fd >= 0 && ours())
		forget(fd);
	errno = error;
	return raw_close(fd);
}

int dup3(int from, int to, int flags)
{
	if (to >= 0 && to != from && fcntl(from, F_GETFD) >= 0 && ours())
		forget(to);
	return (int)syscall(SYS_dup3, from, to, flags);
}

int dup2(int from, int to)
{
	if (from == to)
		return fcntl(from, F_GETFD) < 0 ? -1 : to;
	return dup3(from, to, 0);
}
