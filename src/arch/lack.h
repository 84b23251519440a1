/* SPDX-License-Identifier: MIT */
/*
 * What Linux has and another system lacks: names that the library uses, with
 * values that sys_posix.c understands, and the calls, in the C library's
 * convention (-1 and errno), that it makes out of what POSIX has.
 *
 * GO__LINUX says whether the calls are the kernel's.  It is 0 on Linux too in a
 * build with GO_PORTABLE (CMake: GOFER_PORTABLE), by which all that other
 * systems run is tested.
 */
#ifndef GO_ARCH_LACK_H
#define GO_ARCH_LACK_H

#if defined(__linux__) && !defined(GO_PORTABLE)
#define GO__LINUX 1
#else
#define GO__LINUX 0
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/* Since Linux 4.14; musl has no name for it. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

/* Bits that no type of socket and no flag of a message uses. */
#ifndef SOCK_NONBLOCK
#define SOCK_NONBLOCK 0x10000000
#define SOCK_CLOEXEC  0x20000000
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0x40000000
#endif
/* Of struct msghdr's buffers. */
#ifdef __APPLE__
typedef int go__iov_count;
#else
typedef size_t go__iov_count;
#endif
/* No bit: there is nothing to ask for. */
#ifndef MSG_ERRQUEUE
#define MSG_ERRQUEUE 0
#endif
#ifndef O_DIRECT
#define O_DIRECT 0
#endif
#ifndef O_PATH
#define O_PATH 0
#endif
#ifndef SPLICE_F_MOVE
#define SPLICE_F_MOVE     1
#define SPLICE_F_NONBLOCK 2
#endif
/* No real-time signals: none is as high. */
#ifndef SIGRTMIN
#define SIGRTMIN NSIG
#endif
/* What a resolver says that has failed for good. */
#ifndef EREMOTEIO
#define EREMOTEIO EPROTO
#endif

/* As <gofer/net.h> defines it, which is above us. */
#if defined(__APPLE__) && !defined(GO_MMSGHDR)
#define GO_MMSGHDR
struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned msg_len;
};
#endif

#if !GO__LINUX

int go__posix_socket(int domain, int type, int protocol);
int go__posix_socketpair(int domain, int type, int protocol, int *pair);
int go__posix_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int go__posix_pipe2(int *pair, int flags);
ssize_t go__posix_recvmsg(int fd, struct msghdr *m, int flags);
int go__posix_recvmmsg(int fd, struct mmsghdr *v, unsigned n, int flags,
		       struct timespec *unused);
int go__posix_sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags);
int go__posix_ppoll(struct pollfd *v, nfds_t n, const struct timespec *ts,
		    const sigset_t *unused);
int go__posix_sigtimedwait(const sigset_t *set, siginfo_t *info,
			   const struct timespec *ts);
int go__posix_fdatasync(int fd);
int go__posix_fallocate(int fd, int mode, off_t at, off_t n);

/* Before the first futex, and the first handler for fork(); again is harmless.
 * For constructors only. */
void go__posix_begin(void);

/* As those of sys.h, but for the hook. */
int go__posix_futex_wait(_Atomic uint32_t *word, uint32_t value,
			 uint64_t deadline_ns);
int go__posix_futex_wake(_Atomic uint32_t *word);
#endif

#endif
