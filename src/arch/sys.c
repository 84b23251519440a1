/* SPDX-License-Identifier: MIT */
/* The one door to the kernel; sys.h says why, and how to add a call. */
#include "arch/atomic.h"
#include "arch/sanitize.h"
#include "arch/sys.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#endif

#define NOINLINE __attribute__((noinline))

#ifdef GO_TEST_HOOKS
int (*_Atomic go__sys_hook)(enum go__sys_call call);

/* As atomic.h says.  The clock's low digits are the dice. */
void go__perturb(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if ((uint32_t)t.tv_nsec * 2654435761u >> 29 == 0)
		sched_yield();
}

void go__perturb_long(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if ((uint32_t)t.tv_nsec * 2654435761u >> 26 == 0) {
		t = (struct timespec){0, 200 * 1000};
		nanosleep(&t, NULL);
	}
}

static int ask(enum go__sys_call call)
{
	int (*hook)(enum go__sys_call) = go__sys_hook;

	return hook ? hook(call) : 0;
}
#define ASK(name) ask(GO__SYS_##name)
#else
#define ASK(name) 0
#endif

/*
 * The C library's own versions of the calls that servers live on are points
 * of pthread_cancel, which costs two locked instructions each in a threaded
 * process; nobody cancels threads inside this library.  Sanitizers have to see
 * the library's.  (Arguments are as wide as the kernel's: 64-bit systems only.)
 */
#if defined(__linux__) && defined(__LP64__) && !GO__SANITIZE
#define read(fd, p, n)        syscall(SYS_read, fd, p, n)
#define write(fd, p, n)       syscall(SYS_write, fd, p, n)
#define readv(fd, v, n)       syscall(SYS_readv, fd, v, (long)(n))
#define writev(fd, v, n)      syscall(SYS_writev, fd, v, (long)(n))
#define recv(fd, p, n, flags) syscall(SYS_recvfrom, fd, p, n, flags, NULL, NULL)
#define send(fd, p, n, flags) syscall(SYS_sendto, fd, p, n, flags, NULL, 0L)
#define epoll_wait(ep, v, n, ms)                                               \
	(int)syscall(SYS_epoll_pwait, ep, v, n, ms, NULL, 0L)
#endif

/*
 * musl has the first two since 1.2.5, another name for the third, and wants
 * flags without a sign.  (The kernel takes the offset in two halves.)
 */
#if defined(__linux__) && defined(__LP64__) && !defined(__GLIBC__)
#define preadv2(fd, v, n, at, flags)                                           \
	syscall(SYS_preadv2, fd, v, (long)(n), at, 0L, flags)
#define pwritev2(fd, v, n, at, flags)                                          \
	syscall(SYS_pwritev2, fd, v, (long)(n), at, 0L, flags)
#undef getdents64
#define getdents64(fd, p, n) syscall(SYS_getdents64, fd, p, n)
#define recvmmsg(fd, v, n, flags, time)                                        \
	recvmmsg(fd, v, n, (unsigned)(flags), time)
#define sendmmsg(fd, v, n, flags) sendmmsg(fd, v, n, (unsigned)(flags))
#endif

/* The same numbers on every architecture; older C libraries know neither. */
#if GO__LINUX
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#define pidfd_open(pid, flags) (int)syscall(SYS_pidfd_open, pid, flags)
#define pidfd_send_signal(fd, sig)                                             \
	(int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0U)
#endif

/* Of sys_posix.c; or there is no such thing, and the caller has another way. */
#if !GO__LINUX
static int is_lacking(int unused, ...)
{
	(void)unused;
	errno = ENOSYS;
	return -1;
}
#undef preadv2
#undef pwritev2
#undef recvmmsg
#undef sendmmsg
#define socket(...)            go__posix_socket(__VA_ARGS__)
#define socketpair(...)        go__posix_socketpair(__VA_ARGS__)
#define accept4(...)           go__posix_accept4(__VA_ARGS__)
#define pipe2(...)             go__posix_pipe2(__VA_ARGS__)
#define recvmsg(...)           go__posix_recvmsg(__VA_ARGS__)
#define recvmmsg(...)          go__posix_recvmmsg(__VA_ARGS__)
#define sendmmsg(...)          go__posix_sendmmsg(__VA_ARGS__)
#define ppoll(...)             go__posix_ppoll(__VA_ARGS__)
#define sigtimedwait(...)      go__posix_sigtimedwait(__VA_ARGS__)
#define fdatasync(...)         go__posix_fdatasync(__VA_ARGS__)
#define fallocate(...)         go__posix_fallocate(__VA_ARGS__)
#define sendfile(...)          is_lacking(0, __VA_ARGS__)
#define splice(...)            is_lacking(0, __VA_ARGS__)
#define preadv2(...)           is_lacking(0, __VA_ARGS__)
#define pwritev2(...)          is_lacking(0, __VA_ARGS__)
#define pidfd_open(...)        is_lacking(0, __VA_ARGS__)
#define pidfd_send_signal(...) is_lacking(0, __VA_ARGS__)
#define process_vm_readv(...)  is_lacking(0, __VA_ARGS__)
#endif

#ifdef GO_KQUEUE
#define kevent_change(kq, v, n)   kevent(kq, v, n, NULL, 0, NULL)
#define kevent_trigger(kq, user)  kevent(kq, user, 1, NULL, 0, NULL)
#define kevent_wait(kq, v, n, ts) kevent(kq, NULL, 0, v, n, ts)
#endif

/*
 * What the tables' lines become.  An injected error takes the way of one from
 * the kernel, so that a test of EINTR tests the loop as well.
 */
#define ONCE(result, name, parameters, arguments)                              \
	NOINLINE result go__sys_##name parameters                              \
	{                                                                      \
		result r = ASK(name);                                          \
                                                                               \
		if (r == 0) {                                                  \
			r = name arguments;                                    \
			if (r < 0)                                             \
				r = -errno;                                    \
		}                                                              \
		return r;                                                      \
	}

#define RETRY(result, name, parameters, arguments)                             \
	NOINLINE result go__sys_##name parameters                              \
	{                                                                      \
		result r;                                                      \
                                                                               \
		do {                                                           \
			r = ASK(name);                                         \
			if (r == 0) {                                          \
				r = name arguments;                            \
				if (r < 0)                                     \
					r = -errno;                            \
			}                                                      \
		} while (r == -EINTR);                                         \
		return r;                                                      \
	}

GO__SYS_POSIX(RETRY, ONCE)
#ifdef __linux__
GO__SYS_LINUX(RETRY, ONCE)
#endif
#ifdef GO_KQUEUE
GO__SYS_KQUEUE(RETRY, ONCE)
#endif

NOINLINE void *go__sys_mmap(void *at, size_t n, int prot, int flags, int fd,
			    off_t off)
{
	int error = ASK(mmap);
	void *p;

	if (error)
		return (void *)(intptr_t)error;
	p = mmap(at, n, prot, flags, fd, off);
	return p == MAP_FAILED ? (void *)(intptr_t)-errno : p;
}

NOINLINE void *go__sys_malloc(size_t n)
{
	return ASK(malloc) ? NULL : malloc(n);
}

NOINLINE void *go__sys_calloc(size_t count, size_t n)
{
	return ASK(calloc) ? NULL : calloc(count, n);
}

NOINLINE void *go__sys_realloc(void *p, size_t n)
{
	return ASK(realloc) ? NULL : realloc(p, n);
}

NOINLINE void *go__sys_aligned_alloc(size_t alignment, size_t n)
{
	return ASK(aligned_alloc) ? NULL : aligned_alloc(alignment, n);
}

NOINLINE void go__sys_free(void *p)
{
	free(p);
}

NOINLINE int *go__sys_errno(void)
{
	return &errno;
}

NOINLINE uint64_t go__sys_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

NOINLINE size_t go__sys_page_bytes(void)
{
	static _Atomic size_t bytes;
	size_t n = bytes;

	if (n == 0)
		bytes = n = (size_t)sysconf(_SC_PAGESIZE);
	return n;
}

#if GO__LINUX
#ifndef SYS_process_madvise
#define SYS_process_madvise 440 /* The same on every architecture. */
#endif
/* "The calling process", since Linux 6.14. */
#define SELF_PIDFD             (-10000)

/* linux/futex.h, which comes with the kernel and not with the C library. */
#define FUTEX_WAKE             1
#define FUTEX_WAIT_BITSET      9
#define FUTEX_PRIVATE_FLAG     128
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu

NOINLINE ssize_t go__sys_process_madvise(const struct iovec *v, size_t n,
					 int advice)
{
	ssize_t r = ASK(process_madvise);

	if (r)
		return r;
	r = syscall(SYS_process_madvise, SELF_PIDFD, v, n, advice, 0u);
	return r < 0 ? -errno : r;
}

/* ThreadSanitizer puts handlers off until a function is called that it knows,
 * which syscall() is not.  So there a wait comes back for that. */
static uint64_t slice_end(uint64_t deadline_ns)
{
	uint64_t end = go__sys_now() + 20 * 1000 * 1000;

	return end < deadline_ns ? end : deadline_ns;
}

NOINLINE int go__sys_futex_wait(_Atomic uint32_t *word, uint32_t value,
				uint64_t deadline_ns)
{
	int saved = errno, r = ASK(futex_wait);
	struct timespec t;
	uint64_t end;

	if (r)
		return r;
	do {
		end = GO__TSAN ? slice_end(deadline_ns) : deadline_ns;
		t = go__timespec(end);
		/* The BITSET form takes an absolute deadline. */
		r = (int)syscall(SYS_futex, word,
				 FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
				 end == UINT64_MAX ? NULL : &t, NULL,
				 FUTEX_BITSET_MATCH_ANY);
		r = r < 0 ? -errno : 0;
	} while ((r == -ETIMEDOUT || r == -EINTR) && end != deadline_ns);
	errno = saved;
	return r;
}

NOINLINE int go__sys_futex_wake(_Atomic uint32_t *word, int n)
{
	int r = ASK(futex_wake);

	if (r)
		return r;
	r = (int)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, n,
			 NULL, NULL, 0);
	return r < 0 ? -errno : r;
}

int go__sys_event(int ends[2])
{
	ends[0] = ends[1] = go__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return ends[0] < 0 ? ends[0] : 0;
}

void go__sys_event_empty(int fd)
{
	uint64_t count;

	(void)go__sys_read(fd, &count, sizeof(count));
}

void go__sys_event_close(const int ends[2])
{
	go__sys_close(ends[0]);
}

int go__sys_dir_open(int fd, void **stream)
{
	(void)fd;
	*stream = NULL;
	return 0;
}

_Static_assert(offsetof(struct dirent, d_ino) == 0 &&
		       sizeof(((struct dirent *)0)->d_ino) == 8 &&
		       offsetof(struct dirent, d_reclen) == 16 &&
		       offsetof(struct dirent, d_type) == 18 &&
		       offsetof(struct dirent, d_name) == 19,
	       "the kernel's entries are the C library's");

NOINLINE ssize_t go__sys_dir_read(int fd, void *stream, void *p, size_t n)
{
	ssize_t r = ASK(getdents64);

	(void)stream;
	if (r)
		return r;
	r = getdents64(fd, p, n);
	return r < 0 ? -errno : r;
}

void go__sys_dir_rewind(void *stream)
{
	(void)stream;
}

void go__sys_dir_close(void *stream)
{
	(void)stream;
}
#else
NOINLINE ssize_t go__sys_process_madvise(const struct iovec *v, size_t n,
					 int advice)
{
	ssize_t r = ASK(process_madvise);

	(void)v, (void)n, (void)advice;
	return r ? r : -ENOSYS;
}

NOINLINE int go__sys_futex_wait(_Atomic uint32_t *word, uint32_t value,
				uint64_t deadline_ns)
{
	int r = ASK(futex_wait);

	return r ? r : go__posix_futex_wait(word, value, deadline_ns);
}

NOINLINE int go__sys_futex_wake(_Atomic uint32_t *word, int n)
{
	int r = ASK(futex_wake);

	(void)n;
	return r ? r : go__posix_futex_wake(word);
}

NOINLINE int go__sys_event(int ends[2])
{
	int r = ASK(eventfd);

	if (r)
		return r;
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

NOINLINE int go__sys_dir_open(int fd, void **stream)
{
	/* The C library's takes the descriptor that it is given. */
	int copy = go__sys_fcntl(fd, F_DUPFD_CLOEXEC, 0), r;

	if (copy < 0)
		return copy;
	r = ASK(fdopendir);
	*stream = r ? NULL : fdopendir(copy);
	if (*stream)
		return 0;
	r = r ? r : -errno;
	close(copy);
	return r;
}

/* An entry is copied as far as its name goes. */
NOINLINE ssize_t go__sys_dir_read(int fd, void *stream, void *p, size_t n)
{
	ssize_t error = ASK(getdents64);
	size_t have = 0;

	(void)fd;
	while (error == 0 && have + sizeof(struct dirent) <= n) {
		struct dirent *e;

		errno = 0;
		e = readdir(stream);
		if (!e) {
			error = -errno;
			break;
		}
		memcpy((char *)p + have, e, e->d_reclen);
		have += e->d_reclen;
	}
	return have ? (ssize_t)have : error;
}

NOINLINE void go__sys_dir_rewind(void *stream)
{
	rewinddir(stream);
}

NOINLINE void go__sys_dir_close(void *stream)
{
	(void)closedir(stream);
}
#endif

#ifdef __linux__
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

NOINLINE int go__sys_eventfd(unsigned start, int flags)
{
	int r = ASK(eventfd);

	if (r)
		return r;
	r = eventfd(start, flags);
	return r < 0 ? -errno : r;
}

NOINLINE int go__sys_epoll_pwait2(int ep, struct epoll_event *v, int n,
				  int64_t ns)
{
	struct timespec t = go__timespec(ns < 0 ? 0 : (uint64_t)ns);
	int r = ASK(epoll_pwait2);

	if (r)
		return r;
	r = (int)syscall(SYS_epoll_pwait2, ep, v, n, ns < 0 ? NULL : &t, NULL,
			 (size_t)0);
	return r < 0 ? -errno : r;
}
#endif

/* Not all defaults (of musl: 128 KiB) have room for a stranger's code. */
static int set_stack(pthread_attr_t *attr, size_t bytes)
{
	const size_t least = 1 << 20;
	size_t usual = 0;

	if (bytes == 0 && pthread_attr_getstacksize(attr, &usual) == 0 &&
	    usual < least)
		bytes = least;
	return bytes ? pthread_attr_setstacksize(attr, bytes) : 0;
}

NOINLINE int go__sys_thread_create(pthread_t *thread, size_t stack_bytes,
				   void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	int r = ASK(thread_create);

	if (r)
		return r;
	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	r = set_stack(&attr, stack_bytes);
	if (r == 0)
		r = pthread_create(thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return -r;
}

NOINLINE int go__sys_thread_join(pthread_t thread)
{
	int r = ASK(thread_join);

	return r ? r : -pthread_join(thread, NULL);
}

/* ThreadSanitizer does not know these, and would miss what a join orders. */
#if defined(__GLIBC__) && !GO__TSAN
#define HAVE_CLOCKJOIN __GLIBC_PREREQ(2, 31)
#else
#define HAVE_CLOCKJOIN 0
#endif
#if defined(__linux__) && !GO__TSAN
#define HAVE_TRYJOIN 1
#else
#define HAVE_TRYJOIN 0
#endif

NOINLINE int go__sys_thread_join_until(pthread_t thread, uint64_t deadline_ns)
{
#if HAVE_CLOCKJOIN
	struct timespec t = go__timespec(deadline_ns);
	int r = ASK(thread_join);

	return r ? r : -pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &t);
#elif HAVE_TRYJOIN
	struct timespec pause = {.tv_nsec = 50 * 1000};
	int r = ASK(thread_join);

	/* (pthread_timedjoin_np() goes by a clock that may be set.) */
	while (r == 0) {
		r = pthread_tryjoin_np(thread, NULL);
		if (r != EBUSY)
			return -r;
		if (go__sys_now() >= deadline_ns)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 5 * 1000 * 1000)
			pause.tv_nsec *= 2;
		r = 0;
	}
	return r;
#else
	(void)deadline_ns;
	return go__sys_thread_join(thread);
#endif
}

NOINLINE int go__sys_thread_kill(pthread_t thread, int sig)
{
	int r = ASK(thread_kill);

	return r ? r : -pthread_kill(thread, sig);
}

NOINLINE void go__sys_thread_detach(pthread_t thread)
{
	pthread_detach(thread);
}

NOINLINE int go__sys_spawn(pid_t *pid, const char *file,
			   const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attr, char *const *argv,
			   char *const *envp)
{
	int r = ASK(spawn);

	return r ? r : -posix_spawnp(pid, file, actions, attr, argv, envp);
}

NOINLINE void go__sys_thread_name(const char *name)
{
	char cut[16];

	strncpy(cut, name, sizeof(cut) - 1);
	cut[sizeof(cut) - 1] = '\0';
#ifdef __APPLE__
	pthread_setname_np(cut);
#else
	pthread_setname_np(pthread_self(), cut);
#endif
}

NOINLINE int go__sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return -pthread_sigmask(how, set, old);
}

NOINLINE int go__sys_realpath(const char *path, char *resolved)
{
	int error = ASK(realpath);

	if (error)
		return error;
	return realpath(path, resolved) ? 0 : -errno;
}

NOINLINE int go__sys_getaddrinfo(const char *node, const char *service,
				 const struct addrinfo *hints,
				 struct addrinfo **list, int *error)
{
	int r;

	*error = ASK(getaddrinfo);
	if (*error)
		return EAI_SYSTEM;
	r = getaddrinfo(node, service, hints, list);
	if (r == EAI_SYSTEM)
		*error = -errno;
	return r;
}

NOINLINE int go__sys_getnameinfo(const struct sockaddr *address,
				 socklen_t length, char *host,
				 socklen_t host_bytes, char *service,
				 socklen_t service_bytes, int flags, int *error)
{
	int r;

	*error = ASK(getnameinfo);
	if (*error)
		return EAI_SYSTEM;
	r = getnameinfo(address, length, host, host_bytes, service,
			service_bytes, flags);
	if (r == EAI_SYSTEM)
		*error = -errno;
	return r;
}

void go__sys_freeaddrinfo(struct addrinfo *list)
{
	freeaddrinfo(list);
}

#if GO__LINUX
/* linux/membarrier.h: since Linux 4.14. */
#define PRIVATE_EXPEDITED          (1 << 3)
#define REGISTER_PRIVATE_EXPEDITED (1 << 4)

static int membarrier(int command)
{
	int r = ASK(membarrier);

	if (r == 0)
		r = (int)syscall(SYS_membarrier, command, 0, 0) < 0 ? -errno
								    : 0;
	return r;
}

NOINLINE int go__sys_membarrier(void)
{
	return membarrier(PRIVATE_EXPEDITED);
}

NOINLINE int go__sys_membarrier_begin(void)
{
	return membarrier(REGISTER_PRIVATE_EXPEDITED);
}
#else
int go__sys_membarrier(void)
{
	return -ENOSYS;
}

int go__sys_membarrier_begin(void)
{
	return -ENOSYS;
}
#endif

ssize_t go__sys_read_file(const char *path, char *buffer, size_t size)
{
	int fd = go__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		n = go__sys_read(fd, buffer + have, size - 1 - have);
		if (n > 0)
			have += (size_t)n;
	} while (n > 0 && have < size - 1);
	go__sys_close(fd);
	if (n < 0)
		return n;
	buffer[have] = '\0';
	return (ssize_t)have;
}
