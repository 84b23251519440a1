/* SPDX-License-Identifier: MIT */
/*
 * Select: wait for whichever of several things comes first.
 *
 *     go_case cases[] = {
 *             GO_RECV(s->requests, &request),
 *             GO_RECV(s->quit, NULL),
 *             GO_AFTER(10 * GO_MILLISECOND),
 *     };
 *
 *     switch (go_select(cases, 3)) {
 *     case 0:
 *             if (cases[0].result < 0)
 *                     return NULL;
 *             printf("served %d\n", request);
 *             s->served++;
 *             break;
 *     case 1:
 *             printf("told to stop\n");
 *             return NULL;
 *     case 2:
 *             ...
 *     default:
 *             return NULL;
 *     }
 *
 * (examples/select.c is the whole program; in examples/pump.c descriptors, a
 * send and an event are selected from, but only those that are wanted now.)
 */
#ifndef GOFER_SELECT_H
#define GOFER_SELECT_H

#include <gofer/chan.h>
#include <gofer/signal.h>
#include <gofer/sync.h>
#include <gofer/task.h>
#include <gofer/time.h>

GO_BEGIN_DECLS

enum go_case_kind {
	GO_CASE_NEVER,
	GO_CASE_SEND,
	GO_CASE_RECV,
	GO_CASE_TIME,
	GO_CASE_EVENT,
	GO_CASE_ENDED,
	GO_CASE_READABLE,
	GO_CASE_WRITABLE,
	GO_CASE_SIGNAL
};

/* Made by the macros below; only the result is for you.  An array of them is
 * for one call at a time. */
typedef struct go_case {
	int kind;
	/* Of the case that was chosen: 0 (of signals: the number), -EPIPE (its
	 * channel or subscription is closed), -EBADF (its descriptor is) or
	 * -ECHILD (signal.h). */
	int result;
	union {
		go_chan *chan;
		go_event *event;
		go_task task;
		int64_t when_ns;
		int fd;
		go_signals *signals;
	};
	void *value;
} go_case;

/*
 * Make a case about a channel; the macros below call it and the next ones.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_chan(int kind, go_chan *chan, const void *value)
{
	go_case made;

	made.kind = kind;
	made.result = 0;
	made.chan = chan;
	made.value = (void *)value;
	return made;
}

/*
 * Make a case that receives from a channel.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_recv(go_chan *chan, void *value)
{
	return go_case_chan(GO_CASE_RECV, chan, value);
}

/*
 * Make a case about a point in time.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_time(int64_t when_ns)
{
	go_case made = go_case_chan(GO_CASE_TIME, NULL, NULL);

	made.when_ns = when_ns;
	return made;
}

/*
 * Make a case about an event.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_event(go_event *event)
{
	go_case made = go_case_chan(GO_CASE_EVENT, NULL, NULL);

	made.event = event;
	return made;
}

/*
 * Make a case about a task's end.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_ended(go_task task)
{
	go_case made = go_case_chan(GO_CASE_ENDED, NULL, NULL);

	made.task = task;
	return made;
}

/*
 * Make a case about a descriptor.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_fd(int kind, int fd)
{
	go_case made = go_case_chan(kind, NULL, NULL);

	made.fd = fd;
	return made;
}

/*
 * Make a case about signals.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_signal(go_signals *signals, uint32_t *count)
{
	go_case made = go_case_chan(GO_CASE_SIGNAL, NULL, count);

	made.signals = signals;
	return made;
}

/*
 * Find the point in time a length of time from now; GO_AFTER() calls it.
 *
 * Returns  nanoseconds, at most GO_NEVER.
 * Context  any.
 * Parks    never.
 */
static inline int64_t go_case_after(int64_t ns)
{
	int64_t now = go_now();

	return ns > GO_NEVER - now ? GO_NEVER : now + ns;
}

/* Send *value (null: if the channel's values have no bytes).  A null channel
 * is never ready. */
#define GO_SEND(chan, value)      go_case_chan(GO_CASE_SEND, chan, value)
/* Receive into *value (null: drop it).  A null channel is never ready. */
#define GO_RECV(chan, value)      go_case_recv(chan, value)
/* A point in time; GO_NEVER is never ready. */
#define GO_AT(when_ns)            go_case_time(when_ns)
/* A length of time from here on. */
#define GO_AFTER(ns)              GO_AT(go_case_after(ns))
/* An event is set; if it is an automatic one, choosing it resets it.  A null
 * event is never ready. */
#define GO_EVENT(event)           go_case_event(event)
/* A task has ended, whatever has become of its handle since, which is left as
 * it is: go_task_join() takes the result then, without waiting.  A zero handle
 * is never ready, nor is that of the calling task. */
#define GO_ENDED(task)            go_case_ended(task)
/* A descriptor can be read from, or written to, without waiting (an end of file
 * and an error count, too); any that go_poll() takes.  A negative one is never
 * ready; one that is closed is ready, with -EBADF. */
#define GO_READABLE(fd)           go_case_fd(GO_CASE_READABLE, fd)
#define GO_WRITABLE(fd)           go_case_fd(GO_CASE_WRITABLE, fd)
/* A signal has come: receive it, as go_signals_recv() does; the case's result
 * is its number, and *count (null: drop it) how many of it have come.  A null
 * subscription is never ready. */
#define GO_SIGNAL(signals, count) go_case_signal(signals, count)

/*
 * Wait until one of the cases can be done, and do it: exactly one, also if
 * several can be; then chance decides, and each has the same one.  A closed
 * channel is ready (but for receiving what is left in it), with -EPIPE in the
 * case's result.  The same channel, event, task, descriptor or subscription may
 * stand in several cases.  Where no case can ever be ready, as among none at
 * all, it waits until a deadline or a cancellation ends it.
 *
 * Nothing is read from or written to a descriptor, so by the time that you do
 * it, somebody else may have.
 *
 * Returns  the index of the case; -ETIMEDOUT (a deadline scope's, not a
 *          case's); -EINVAL (cases is null and count is not 0, more than
 *          INT_MAX, an unknown kind, nothing to send); -ENOMEM; with
 *          descriptors also -EMFILE, -ENFILE, -ENOSPC (see io.h).  No case has
 *          been done then.
 * Context  task or plain thread.
 * Parks    until a case is ready.
 */
GO_API int go_select(go_case *cases, size_t count);

/*
 * The same, if one of them can be done at once.
 *
 *     go_case cases[] = {GO_RECV(box, &letter)};
 *     int r = go_select_try(cases, 1);
 *
 *     if (r == -EAGAIN)
 *             printf("nothing to select\n");
 *
 * Returns  as go_select(); -EAGAIN (none can).  Never -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_select_try(go_case *cases, size_t count);

GO_END_DECLS

#endif
