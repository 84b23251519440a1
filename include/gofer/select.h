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
 * (examples/select.c is the whole program.)
 */
#ifndef GOFER_SELECT_H
#define GOFER_SELECT_H

#include <gofer/chan.h>
#include <gofer/time.h>

GO_BEGIN_DECLS

enum go_case_kind {
	GO_CASE_NEVER,
	GO_CASE_SEND,
	GO_CASE_RECV,
	GO_CASE_TIME
};

/* Made by the macros below; only the result is for you. */
typedef struct go_case {
	int kind;
	/* Of the case that was chosen: 0, or -EPIPE (its channel is closed). */
	int result;
	go_chan *chan;
	void *value;
	int64_t when_ns;
} go_case;

/*
 * Make a case; the macros below call it.
 *
 * Returns  the case.
 * Context  any.
 * Parks    never.
 */
static inline go_case go_case_make(int kind, go_chan *chan, const void *value,
				   int64_t when_ns)
{
	go_case made;

	made.kind = kind;
	made.result = 0;
	made.chan = chan;
	made.value = (void *)value;
	made.when_ns = when_ns;
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

/* Send *value.  A null channel is never ready. */
#define GO_SEND(chan, value) go_case_make(GO_CASE_SEND, chan, value, 0)
/* Receive into *value (null: drop it).  A null channel is never ready. */
#define GO_RECV(chan, value) go_case_make(GO_CASE_RECV, chan, value, 0)
/* A point in time; GO_NEVER is never ready. */
#define GO_AT(when_ns)       go_case_make(GO_CASE_TIME, NULL, NULL, when_ns)
/* A length of time from here on. */
#define GO_AFTER(ns)         GO_AT(go_case_after(ns))

/*
 * Wait until one of the cases can be done, and do it: exactly one, also if
 * several can be; then chance decides.  A closed channel is ready (but for
 * receiving what is left in it), with -EPIPE in the case's result.  The same
 * channel may stand in several cases.
 *
 * Returns  the index of the case; -ETIMEDOUT (a deadline scope's, not a
 *          case's); -EINVAL (cases is null, more than INT_MAX, an unknown kind,
 *          nothing to send); -ENOMEM.  Nothing has been sent or received then.
 * Context  task or plain thread.
 * Parks    until a case is ready.
 */
GO_API int go_select(go_case *cases, size_t count);

/*
 * The same, if one of them can be done at once.
 *
 * Returns  as go_select(); -EAGAIN (none can).  Never -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_select_try(go_case *cases, size_t count);

GO_END_DECLS

#endif
