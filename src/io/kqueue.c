/* SPDX-License-Identifier: MIT */
/*
 * The queue of events on FreeBSD and macOS: kqueue, edge-triggered.
 *
 * kqueue watches {filter, number}, not numbers: a descriptor has one knote for
 * EVFILT_READ, and a second, for EVFILT_WRITE, from the first time that a call
 * finds the way out full, or connects.  Both have EV_CLEAR, by which an event
 * that has been fetched is over until the kernel has news: that is an edge, one
 * for each direction.
 *
 * The event's ident is the number, and its udata the generation: an event that
 * comes late, for a file that has been closed, differs in its generation.
 *
 *     kernel                          readiness word
 *     ------------------------------  ---------------------------------------
 *     EVFILT_READ                     READY_IN
 *     EVFILT_READ with EV_EOF         READY_IN, HUNG_IN
 *     EVFILT_WRITE                    READY_OUT
 *     EVFILT_WRITE with EV_EOF        all four
 *
 * A socket's error, and an end with bytes before it, come with an event of the
 * filter for each direction that they end; who waits for a direction has it
 * registered.  A pipe's way in has one direction, and go_poll() may wait there
 * for nothing but its end, which EVFILT_READ does not tell everywhere: so
 * whatever is no socket gets both filters at once, where there are both.
 *
 * CHANGES  Several go into one kevent().  Without room for events the first one
 * that fails ends the call, with its error as the call's: those before it are
 * done, and those behind it are not.  A change of ours begins with EV_ENABLE of
 * EVFILT_READ, which does nothing to a knote that is enabled, and says ENOENT
 * where there is none; only then come the EV_ADDs.  EV_ADD of a knote that is
 * there gives it the new udata, and makes the kernel look again, so readiness
 * that there is becomes an edge.  It is no error either: no EEXIST here.
 *
 * NOBODY READS a pipe: EVFILT_WRITE is refused with EPIPE (FreeBSD), and a
 * knote that was there goes with its last event.  There is no kind of file that
 * is more certain to be ready, so it is an edge, noted here.
 *
 * KNOTES GO with the descriptor: close(2), or a dup2(2) over it, takes them
 * away, also if another number still stands for the file, for that one has its
 * own.  So a registration is never found to be for the file before (watch.h).
 *
 * DISKS  kqueue takes a regular file, and calls it readable where it has bytes
 * behind the offset: which read(2) does not need to be told.  They are refused
 * here, with EPERM, as any kind that has no filter; our own never come here
 * (GO__FD_DISK), so that only foreign ones cost an fstat.
 *
 * BREAKS  A knote of EVFILT_USER, with EV_CLEAR.  NOTE_TRIGGER makes it active,
 * more than one before it is fetched is one event, and it stays until somebody
 * looks: what break.h wants of an eventfd.  It needs no descriptor.  The change
 * that triggers it must not have EV_CLEAR, which would take that back.
 *
 * FORK  A kqueue is not inherited: in the child its number is free, and may
 * stand for something else already.  So there nothing is closed, only
 * forgotten.  It does live on through an exec, unless FD_CLOEXEC is set, for
 * which there is no flag that all systems have.
 *
 * TIME-OUTS  macOS cuts them off at microseconds, so they are rounded up: a
 * timer is never woken for before its time.  It knows none of more than some
 * three years (EINVAL): those end early, as if by a break.  A kevent() that a
 * signal ends (EINTR) has fetched nothing, and the loop that called us looks
 * around.
 *
 * WHY NOT EV_DISPATCH or EV_ONESHOT?  Both cost a change per wait.  WHY NOT
 * EV_RECEIPT, for an answer to each change?  The first error is all that is
 * asked for, and what comes behind it is not to be done.  WHY NOT changes and
 * wait in one call, as kevent() invites to?  Who registers does not wait, and
 * who waits does not know who is about to.  So no event ever has EV_ERROR: it
 * stands in answers to changes.
 *
 * NOT TOLD  Urgent data: there is no filter for it that FreeBSD and macOS
 * share.  A short count therefore shows nothing (GO__POLLER_TELLS_URGENT), and
 * who polls for POLLPRI is told when the next ordinary byte comes.
 *
 * TESTS  test_poller.c; where there is no kqueue, with the one in tests/kqueue.
 */
#include "io/eventq.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "arch/sys.h"
#include "io/fdtable.h"

/* The longest time-out that macOS takes, in seconds. */
#define LONGEST 100000000

/* All of the changes, or those before the first that fails: its -errno. */
static int apply(int kqueue, const struct kevent *changes, int n)
{
	return go__sys_kevent_change(kqueue, changes, n);
}

int go__eventq_open(struct go__eventq *q)
{
	struct kevent user = {.filter = EVFILT_USER,
			      .flags = EV_ADD | EV_CLEAR};
	int r;

	q->fd = go__sys_kqueue();
	if (q->fd < 0)
		return q->fd;
	r = go__sys_fcntl(q->fd, F_SETFD, FD_CLOEXEC);
	if (r >= 0)
		r = apply(q->fd, &user, 1);
	if (r < 0)
		go__sys_close(q->fd);
	return r;
}

void go__eventq_close(const struct go__eventq *q)
{
	go__sys_close(q->fd);
}

/* See FORK: there is nothing to close. */
void go__eventq_forked(const struct go__eventq *q)
{
	(void)q;
}

/* ---- registrations ---- */

static struct kevent change_of(int fd, int16_t filter, uint16_t flags,
			       uint32_t generation)
{
	return (struct kevent){
		.ident = (uintptr_t)fd,
		.filter = filter,
		.flags = flags,
		/* A number in a pointer, which is never followed. */
		.udata = (void *)(uintptr_t)generation,
	};
}

/* What says that there is no filter for such a file: it is always ready. */
static int no_filter(int r)
{
	switch (r) {
	case -EINVAL:
	case -ENODEV:
	case -EOPNOTSUPP:
#if ENOTSUP != EOPNOTSUPP
	case -ENOTSUP:
#endif
		return -EPERM;
	default:
		return r;
	}
}

/* 0, and whether it is a socket; -EPERM: see DISKS; or -errno. */
static int look_at(int fd, bool *is_socket)
{
	const struct go__fd *e = go__fd_find(fd);
	uint32_t kind = e ? go__fd_kind(e) : 0;
	struct stat st;
	int r;

	*is_socket = kind & GO__FD_SOCKET;
	if (kind & GO__FD_OWN)
		return 0;
	r = go__sys_fstat(fd, &st);
	if (r < 0)
		return r;
	*is_socket = S_ISSOCK(st.st_mode);
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode)
		       ? -EPERM
		       : 0;
}

void go__eventq_remove(const struct go__eventq *q, int fd)
{
	struct kevent c[2] = {
		change_of(fd, EVFILT_READ, EV_DELETE, 0),
		change_of(fd, EVFILT_WRITE, EV_DELETE, 0),
	};

	/* The second may not be there; the first not, if the number stands for
	 * another file by now, and then neither is. */
	(void)apply(q->fd, c, 2);
}

/* See NOBODY READS.  Who waits has a knote, and its last event. */
static int note_end(int fd, uint32_t generation)
{
	struct go__fd *e = go__fd_find(fd);

	if (e)
		(void)go__ready_note(&e->ready, generation, GO__READY_BITS);
	return 0;
}

int go__eventq_add(const struct go__eventq *q, int fd, uint32_t generation,
		   bool out)
{
	uint16_t flags = EV_ADD | EV_CLEAR;
	struct kevent c[2] = {
		change_of(fd, EVFILT_READ, flags, generation),
		change_of(fd, EVFILT_WRITE, flags, generation),
	};
	bool is_socket;
	int r = look_at(fd, &is_socket);

	if (r < 0)
		return r;
	r = apply(q->fd, c, out || !is_socket ? 2 : 1);
	if (r == -EPIPE)
		return note_end(fd, generation);
	r = no_filter(r);
	/* Of a kind that can only be read, perhaps. */
	if (r == -EPERM && !out && !is_socket)
		r = no_filter(apply(q->fd, c, 1));
	if (r < 0)
		go__eventq_remove(q, fd);
	return r;
}

/* See CHANGES. */
int go__eventq_change(const struct go__eventq *q, int fd, uint32_t generation,
		      bool out)
{
	uint16_t flags = EV_ADD | EV_CLEAR;
	struct kevent c[3] = {
		change_of(fd, EVFILT_READ, EV_ENABLE | EV_CLEAR, generation),
		change_of(fd, EVFILT_READ, flags, generation),
		change_of(fd, EVFILT_WRITE, flags, generation),
	};
	int r = apply(q->fd, c, out ? 3 : 2);

	return r == -EPIPE ? note_end(fd, generation) : no_filter(r);
}

/* ---- waiting ---- */

/* For ns that are not less than 0: see TIME-OUTS. */
static struct timespec time_of(int64_t ns)
{
	int64_t us = ns / 1000 + (ns % 1000 != 0);
	int64_t s = us / 1000000;

	if (s >= LONGEST)
		return (struct timespec){.tv_sec = LONGEST};
	return (struct timespec){.tv_sec = (time_t)s,
				 .tv_nsec = (long)(us % 1000000 * 1000)};
}

int go__eventq_fetch(const struct go__eventq *q, go__event *events,
		     unsigned most, int64_t timeout_ns)
{
	struct timespec ts = time_of(timeout_ns < 0 ? 0 : timeout_ns);

	return go__sys_kevent_wait(q->fd, events, (int)most,
				   timeout_ns < 0 ? NULL : &ts);
}

void go__eventq_trigger(const struct go__eventq *q)
{
	/* With the same udata as at first: a change may replace it.  Without
	 * EV_CLEAR: see BREAKS. */
	struct kevent user = {.filter = EVFILT_USER, .fflags = NOTE_TRIGGER};

	/* Cannot fail: the knote is there, and nothing is allocated. */
	(void)go__sys_kevent_trigger(q->fd, &user);
}
