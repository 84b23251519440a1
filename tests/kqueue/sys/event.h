/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for <sys/event.h> of the BSDs and macOS, on Linux, by which
 * src/io/kqueue.c is tested where there is no kqueue.  Only fields that
 * FreeBSD and macOS have in common are here.  What it does, and how it
 * differs: kqueue.c.
 */
#ifndef GO_TESTS_KQUEUE_EVENT_H
#define GO_TESTS_KQUEUE_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
	uintptr_t ident;
	int16_t filter;
	uint16_t flags;
	uint32_t fflags;
	intptr_t data;
	void *udata;
};

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_PROC  (-5)
#define EVFILT_USER  (-10)

/* Actions. */
#define EV_ADD       0x0001
#define EV_DELETE    0x0002
#define EV_ENABLE    0x0004
#define EV_DISABLE   0x0008
/* Flags. */
#define EV_ONESHOT   0x0010
#define EV_CLEAR     0x0020
#define EV_RECEIPT   0x0040
/* Answers. */
#define EV_ERROR     0x4000
#define EV_EOF       0x8000

/* EVFILT_USER. */
#define NOTE_TRIGGER 0x01000000u
/* EVFILT_PROC. */
#define NOTE_EXIT    0x80000000u

#define EV_SET(p, id, filt, fl, ffl, d, u)                                     \
	(*(p) = (struct kevent){.ident = (uintptr_t)(id),                      \
				.filter = (filt),                              \
				.flags = (fl),                                 \
				.fflags = (ffl),                               \
				.data = (d),                                   \
				.udata = (u)})

/* For tests: the last time-out that was asked for, in ns; -1: no limit. */
int64_t kqueue_last_timeout(void);

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges,
	   struct kevent *events, int nevents, const struct timespec *timeout);

#endif
