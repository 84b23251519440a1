/* SPDX-License-Identifier: MIT */
/*
 * The one door to the kernel, to the C library's allocator and to thread
 * creation.  Nothing else in the library calls them.
 *
 * In a normal build each function is the call itself, made to fit the
 * library's error convention: a result >= 0, or a negated errno value.  In a
 * build with GO_TEST_HOOKS each first asks go__sys_hook, which may make it
 * fail; that is how tests reach the paths of a full machine.
 *
 * The functions are out of line on purpose.  A compiler may keep the address
 * of errno across calls, and a task may come back from a call on another
 * thread; here errno is read right after the call that set it, in a function
 * that never suspends, so the address never reaches one that does.
 *
 * ADDING A CALL is one line in a table below:
 *
 *     RETRY(result, name, (parameters), (arguments))   restarts after EINTR
 *     ONCE(result, name, (parameters), (arguments))    reports EINTR
 *
 * ONCE is for calls whose time-out would start anew (poll, epoll_wait, futex),
 * for those that are never interrupted, and for those that have happened even
 * though they were (connect goes on in the background, close has released the
 * number).
 */
#ifndef GO_ARCH_SYS_H
#define GO_ARCH_SYS_H

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "arch/lack.h"

#ifdef __linux__
#include <sched.h>
#include <sys/epoll.h>
#endif

#ifdef GO_KQUEUE
#include <sys/event.h>
#endif

/* clang-format off */
#define GO__SYS_POSIX(RETRY, ONCE)					\
RETRY(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))		\
RETRY(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))	\
RETRY(ssize_t, readv, (int fd, const struct iovec *v, int n),		\
      (fd, v, n))							\
RETRY(ssize_t, writev, (int fd, const struct iovec *v, int n),		\
      (fd, v, n))							\
RETRY(ssize_t, recv, (int fd, void *p, size_t n, int flags),		\
      (fd, p, n, flags))						\
RETRY(ssize_t, recvfrom, (int fd, void *p, size_t n, int flags,		\
			  struct sockaddr *from, socklen_t *len),	\
      (fd, p, n, flags, from, len))					\
RETRY(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags),		\
      (fd, m, flags))							\
RETRY(ssize_t, send, (int fd, const void *p, size_t n, int flags),	\
      (fd, p, n, flags))						\
RETRY(ssize_t, sendto, (int fd, const void *p, size_t n, int flags,	\
			const struct sockaddr *to, socklen_t len),	\
      (fd, p, n, flags, to, len))					\
RETRY(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),	\
      (fd, m, flags))							\
ONCE(int, socket, (int domain, int type, int protocol),			\
     (domain, type, protocol))						\
ONCE(int, socketpair, (int domain, int type, int protocol, int *pair),	\
     (domain, type, protocol, pair))					\
ONCE(int, bind, (int fd, const struct sockaddr *a, socklen_t len),	\
     (fd, a, len))							\
ONCE(int, listen, (int fd, int backlog), (fd, backlog))			\
ONCE(int, connect, (int fd, const struct sockaddr *a, socklen_t len),	\
     (fd, a, len))							\
ONCE(int, shutdown, (int fd, int how), (fd, how))			\
ONCE(int, close, (int fd), (fd))					\
ONCE(int, poll, (struct pollfd *v, nfds_t n, int ms), (v, n, ms))	\
RETRY(int, fcntl, (int fd, int op, long arg), (fd, op, arg))		\
ONCE(int, getsockopt, (int fd, int level, int name, void *value,	\
		       socklen_t *len), (fd, level, name, value, len))	\
ONCE(int, setsockopt, (int fd, int level, int name,			\
		       const void *value, socklen_t len),		\
     (fd, level, name, value, len))					\
ONCE(int, getsockname, (int fd, struct sockaddr *a, socklen_t *len),	\
     (fd, a, len))							\
ONCE(int, getpeername, (int fd, struct sockaddr *a, socklen_t *len),	\
     (fd, a, len))							\
ONCE(int, fstat, (int fd, struct stat *st), (fd, st))			\
RETRY(int, open, (const char *path, int flags, mode_t mode),		\
      (path, flags, mode))						\
RETRY(int, openat, (int dir, const char *path, int flags, mode_t mode),	\
      (dir, path, flags, mode))						\
RETRY(ssize_t, preadv, (int fd, const struct iovec *v, int n,		\
			off_t at), (fd, v, n, at))			\
RETRY(ssize_t, pwritev, (int fd, const struct iovec *v, int n,		\
			 off_t at), (fd, v, n, at))			\
RETRY(int, fsync, (int fd), (fd))					\
RETRY(int, fdatasync, (int fd), (fd))					\
RETRY(int, ftruncate, (int fd, off_t n), (fd, n))			\
RETRY(int, truncate, (const char *path, off_t n), (path, n))		\
ONCE(off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence))	\
ONCE(int, fstatat, (int dir, const char *path, struct stat *st,		\
		    int flags), (dir, path, st, flags))			\
ONCE(int, faccessat, (int dir, const char *path, int mode, int flags),	\
     (dir, path, mode, flags))						\
ONCE(int, fchmodat, (int dir, const char *path, mode_t mode, int flags),\
     (dir, path, mode, flags))						\
ONCE(int, renameat, (int from_dir, const char *from, int to_dir,	\
		     const char *to), (from_dir, from, to_dir, to))	\
ONCE(int, unlinkat, (int dir, const char *path, int flags),		\
     (dir, path, flags))						\
ONCE(int, mkdirat, (int dir, const char *path, mode_t mode),		\
     (dir, path, mode))							\
ONCE(int, linkat, (int from_dir, const char *from, int to_dir,		\
		   const char *to, int flags),				\
     (from_dir, from, to_dir, to, flags))				\
ONCE(int, symlinkat, (const char *to, int dir, const char *path),	\
     (to, dir, path))							\
ONCE(ssize_t, readlinkat, (int dir, const char *path, char *p,		\
			   size_t n), (dir, path, p, n))		\
ONCE(int, munmap, (void *p, size_t n), (p, n))				\
ONCE(int, mprotect, (void *p, size_t n, int prot), (p, n, prot))	\
ONCE(int, madvise, (void *p, size_t n, int advice), (p, n, advice))	\
ONCE(int, sigaltstack, (const stack_t *set, stack_t *old), (set, old))	\
ONCE(int, sigaction, (int sig, const struct sigaction *set,		\
		      struct sigaction *old), (sig, set, old))		\
ONCE(int, sigpending, (sigset_t *set), (set))				\
ONCE(int, kill, (pid_t pid, int sig), (pid, sig))			\
RETRY(pid_t, waitpid, (pid_t pid, int *status, int options),		\
      (pid, status, options))						\
ONCE(int, waitid, (int kind, id_t id, siginfo_t *info, int options),	\
     ((idtype_t)kind, id, info, options))				\
GO__SYS_LACKING(RETRY, ONCE)

/* Linux's; elsewhere as lack.h says. */
#define GO__SYS_LACKING(RETRY, ONCE)					\
RETRY(int, accept4, (int fd, struct sockaddr *a, socklen_t *len,	\
		     int flags), (fd, a, len, flags))			\
RETRY(ssize_t, sendfile, (int out, int in, size_t n), (out, in, NULL, n))\
RETRY(ssize_t, splice, (int in, int out, size_t n, unsigned flags),	\
      (in, NULL, out, NULL, n, flags))					\
RETRY(int, recvmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags),\
      (fd, v, n, flags, NULL))						\
RETRY(int, sendmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags),\
      (fd, v, n, flags))						\
ONCE(int, pipe2, (int *pair, int flags), (pair, flags))			\
RETRY(ssize_t, preadv2, (int fd, const struct iovec *v, int n,		\
			 off_t at, int flags), (fd, v, n, at, flags))	\
RETRY(ssize_t, pwritev2, (int fd, const struct iovec *v, int n,		\
			  off_t at, int flags), (fd, v, n, at, flags))	\
RETRY(int, fallocate, (int fd, int mode, off_t at, off_t n),		\
      (fd, mode, at, n))						\
ONCE(int, ppoll, (struct pollfd *v, nfds_t n,				\
		  const struct timespec *ts, const sigset_t *mask),	\
     (v, n, ts, mask))							\
ONCE(int, sigtimedwait, (const sigset_t *set, siginfo_t *info,		\
			 const struct timespec *ts), (set, info, ts))	\
ONCE(int, pidfd_open, (pid_t pid, unsigned flags), (pid, flags))	\
ONCE(int, pidfd_send_signal, (int fd, int sig), (fd, sig))		\
ONCE(ssize_t, process_vm_readv, (pid_t pid, const struct iovec *to,	\
				 const struct iovec *from, int n),	\
     (pid, to, 1, from, (unsigned long)n, 0))

#define GO__SYS_LINUX(RETRY, ONCE)					\
ONCE(int, epoll_create1, (int flags), (flags))				\
ONCE(int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *e),	\
     (ep, op, fd, e))							\
ONCE(int, epoll_wait, (int ep, struct epoll_event *v, int n, int ms),	\
     (ep, v, n, ms))							\
ONCE(int, mincore, (void *p, size_t n, unsigned char *v), (p, n, v))	\
ONCE(int, sched_getaffinity, (pid_t pid, size_t n, cpu_set_t *set),	\
     (pid, n, set))

/* Of FreeBSD and macOS, and of tests/kqueue.  kevent() is one call for three
 * things, which tests want to fail one by one. */
#define GO__SYS_KQUEUE(RETRY, ONCE)					\
ONCE(int, kqueue, (void), ())						\
ONCE(int, kevent_change, (int kq, const struct kevent *v, int n),	\
     (kq, v, n))							\
ONCE(int, kevent_trigger, (int kq, const struct kevent *user),	\
     (kq, user))							\
ONCE(int, kevent_wait, (int kq, struct kevent *v, int n,		\
			const struct timespec *ts), (kq, v, n, ts))

/* These do not fit the tables; sys.c spells them out. */
#define GO__SYS_OTHER(ONCE)						\
ONCE(mmap) ONCE(process_madvise) ONCE(epoll_pwait2)			\
ONCE(futex_wait) ONCE(futex_wake) ONCE(eventfd) ONCE(getdents64)	\
ONCE(fdopendir)								\
ONCE(malloc) ONCE(calloc) ONCE(realloc) ONCE(aligned_alloc)		\
ONCE(thread_create) ONCE(thread_join) ONCE(thread_kill) ONCE(spawn)	\
ONCE(realpath) ONCE(getaddrinfo) ONCE(getnameinfo) ONCE(membarrier)
/* clang-format on */

#define GO__SYS_ENUM(result, name, parameters, arguments) GO__SYS_##name,
#define GO__SYS_ENUM1(name)                               GO__SYS_##name,
/* Names a call for the hook. */
enum go__sys_call {
	GO__SYS_POSIX(GO__SYS_ENUM, GO__SYS_ENUM)
#ifdef __linux__
	GO__SYS_LINUX(GO__SYS_ENUM, GO__SYS_ENUM)
#endif
#ifdef GO_KQUEUE
		GO__SYS_KQUEUE(GO__SYS_ENUM, GO__SYS_ENUM)
#endif
			GO__SYS_OTHER(GO__SYS_ENUM1) GO__SYS_CALL_COUNT
};

#define GO__SYS_DECLARE(result, name, parameters, arguments)                   \
	result go__sys_##name parameters;
GO__SYS_POSIX(GO__SYS_DECLARE, GO__SYS_DECLARE)
#ifdef __linux__
GO__SYS_LINUX(GO__SYS_DECLARE, GO__SYS_DECLARE)
#endif
#ifdef GO_KQUEUE
GO__SYS_KQUEUE(GO__SYS_DECLARE, GO__SYS_DECLARE)
#endif

#ifdef GO_TEST_HOOKS
/*
 * Asked before each call, on the calling thread.  0: go on.  -errno: fail so,
 * without doing it (a failed allocation returns NULL, whatever the errno; an
 * -EINTR is retried where one from the kernel would be).  More than 0: claim
 * so, without doing it; kernels that lie exist.  NULL: no hook.
 */
extern int (*_Atomic go__sys_hook)(enum go__sys_call call);
#endif

/* A mapping, or a negated errno value in a pointer: see go__sys_is_error. */
void *go__sys_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);

static inline bool go__sys_is_error(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)-4095;
}

static inline int go__sys_error(const void *p)
{
	return (int)(intptr_t)p;
}

/*
 * "There is no such call here": the kernel is older, or a sandbox does not let
 * it through, for which containers answer EPERM.  For calls with a fallback
 * that would give the same -EPERM, if it is about what was asked for.
 */
static inline bool go__sys_is_missing(ssize_t r)
{
	return r == -ENOSYS || r == -EPERM;
}

/* NULL on failure. */
void *go__sys_malloc(size_t n);
void *go__sys_calloc(size_t count, size_t n);
void *go__sys_realloc(void *p, size_t n);
void *go__sys_aligned_alloc(size_t alignment, size_t n);
void go__sys_free(void *p);

/* Where errno of the calling thread is. */
int *go__sys_errno(void);

/* Nanoseconds on CLOCK_MONOTONIC.  Never fails. */
uint64_t go__sys_now(void);

/* Bytes in a page, asked once. */
size_t go__sys_page_bytes(void);

/*
 * Advise on many ranges of the calling process at once.  Returns how many
 * bytes were done, which may be fewer than asked.
 */
ssize_t go__sys_process_madvise(const struct iovec *v, size_t n, int advice);

static inline struct timespec go__timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};
}

/*
 * Sleep while *word == value, until woken or until CLOCK_MONOTONIC reaches
 * deadline_ns (UINT64_MAX: no limit).  Returns 0; -EAGAIN (*word differs);
 * -EINTR; -ETIMEDOUT.  Wakes may be spurious: look at the word again.
 */
int go__sys_futex_wait(_Atomic uint32_t *word, uint32_t value,
		       uint64_t deadline_ns);
/* Wake up to n sleepers.  The word itself is not read, and may be gone. */
int go__sys_futex_wake(_Atomic uint32_t *word, int n);

/*
 * Something to be woken by that poll(2) knows: ends[0] is readable after a
 * write of 8 bytes to ends[1], until go__sys_event_empty().  Of Linux's, an
 * eventfd, both are the same number; else it is a pipe, which may be full: then
 * it is readable, too.  0 or -errno.
 */
int go__sys_event(int ends[2]);
void go__sys_event_empty(int fd);
void go__sys_event_close(const int ends[2]);

/*
 * Reads a folder: entries in the form of struct dirent, each d_reclen long.
 * *stream is what the system needs besides the descriptor, which stays the
 * caller's.  `read` returns how many bytes, 0 at the end, or -errno.
 */
int go__sys_dir_open(int fd, void **stream);
ssize_t go__sys_dir_read(int fd, void *stream, void *p, size_t n);
void go__sys_dir_rewind(void *stream);
void go__sys_dir_close(void *stream);

#ifdef __linux__
/* What go__sys_event() is there, also where the rest is portable. */
int go__sys_eventfd(unsigned start, int flags);
/* As epoll_wait, in nanoseconds (-1: no limit). */
int go__sys_epoll_pwait2(int ep, struct epoll_event *v, int n, int64_t ns);
#endif

/* A thread that is to be joined; stack_bytes 0: the system's default, or 1 MiB,
 * if that is more. */
int go__sys_thread_create(pthread_t *thread, size_t stack_bytes,
			  void *(*fn)(void *), void *arg);
int go__sys_thread_join(pthread_t thread);
/* -ETIMEDOUT: not by then.  (Where there is no such call, it waits on.) */
int go__sys_thread_join_until(pthread_t thread, uint64_t deadline_ns);
/* Send a signal to one that has not ended; 0 or -errno. */
int go__sys_thread_kill(pthread_t thread, int sig);
/* Nobody is going to join it. */
void go__sys_thread_detach(pthread_t thread);
/* As posix_spawnp(3), but 0 or -errno: see exec.h. */
int go__sys_spawn(pid_t *pid, const char *file,
		  const posix_spawn_file_actions_t *actions,
		  const posix_spawnattr_t *attr, char *const *argv,
		  char *const *envp);
/*
 * As pthread_atfork(3), for constructors.  The library's handlers in the child
 * follow those that make futexes usable there, whatever is constructed first.
 */
static inline void go__sys_atfork(void (*before)(void), void (*parent)(void),
				  void (*child)(void))
{
#if !GO__LINUX
	go__posix_begin();
#endif
	(void)pthread_atfork(before, parent, child);
}
/* Name the calling thread; longer names than the system takes are cut. */
void go__sys_thread_name(const char *name);
/* As pthread_sigmask.  Never fails on good arguments. */
int go__sys_sigmask(int how, const sigset_t *set, sigset_t *old);

/* As realpath(3): `resolved` has room for PATH_MAX bytes.  0 or -errno. */
int go__sys_realpath(const char *path, char *resolved);

/*
 * As getaddrinfo(3) and getnameinfo(3), whose result is 0 or an EAI_ code; with
 * EAI_SYSTEM, *error is a negated errno value.
 */
int go__sys_getaddrinfo(const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **list,
			int *error);
int go__sys_getnameinfo(const struct sockaddr *address, socklen_t length,
			char *host, socklen_t host_bytes, char *service,
			socklen_t service_bytes, int flags, int *error);
void go__sys_freeaddrinfo(struct addrinfo *list);

/*
 * A full memory barrier in every thread of the process that runs, as if each
 * had made one on its own; see go__light_barrier().  0 or -errno: there is no
 * such call, and nothing has been done.
 */
int go__sys_membarrier(void);
/* Ask for that once, before the first; it may take some milliseconds. */
int go__sys_membarrier_begin(void);

/*
 * Read a small file of /proc or /sys and terminate it with a NUL.  Returns
 * its length, at most size - 1.
 */
ssize_t go__sys_read_file(const char *path, char *buffer, size_t size);

#endif
