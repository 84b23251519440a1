/* SPDX-License-Identifier: MIT */
/*
 * The system calls of this build's poller, for tests that let them fail, and
 * include arch/sys.h: it is made by the first two; the third registers
 * descriptors, and what wakes it; the last one wakes it.
 */
#ifndef GO_TEST_POLLER_H
#define GO_TEST_POLLER_H

#ifdef GO_KQUEUE
#define POLLER_CREATE  GO__SYS_kqueue
#define POLLER_PREPARE GO__SYS_fcntl
#define POLLER_CHANGE  GO__SYS_kevent_change
#define POLLER_WAKE    GO__SYS_kevent_trigger
/* How many descriptors one has; that of tests/kqueue has parts. */
#ifdef __linux__
#define POLLER_FDS 5
#else
#define POLLER_FDS 1
#endif
#else
#define POLLER_CREATE  GO__SYS_epoll_create1
#define POLLER_PREPARE GO__SYS_eventfd
#define POLLER_CHANGE  GO__SYS_epoll_ctl
#define POLLER_WAKE    GO__SYS_write
#define POLLER_FDS     2
#endif

#endif
