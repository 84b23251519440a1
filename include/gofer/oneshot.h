/* SPDX-License-Identifier: MIT */
/*
 * One-shots: one value, from one sender to one receiver.
 *
 *     struct question {
 *             int number;
 *             go_oneshot *reply;
 *     };
 *     ...
 *     int answer;
 *     go_oneshot reply = GO_ONESHOT_INIT(&answer, sizeof answer);
 *     struct question q = {number, &reply};
 *     int r = go_chan_send(questions, &q);
 *
 *     if (r == 0) {
 *             GO_SHIELD();
 *             r = go_oneshot_recv(&reply, NULL);
 *     }
 *     if (r == 0)
 *             printf("%d\n", answer);
 *
 * That is who asks, and this is who answers (examples/oneshot.c):
 *
 *     while (go_chan_recv(questions, &q) == 0) {
 *             int square = q.number * q.number;
 *
 *             go_oneshot_send(q.reply, &square);
 *     }
 *
 * A one-shot is a plain structure with a static initialiser, set up in memory
 * from malloc as sync.h says; it allocates nothing.  The value lies in memory
 * of the caller until it is received.  Each side, task or plain thread, is done
 * with it exactly once:
 *
 *   the sender      go_oneshot_send() or go_oneshot_drop()
 *   the receiver    go_oneshot_recv() or go_oneshot_try_recv() with 0 or
 *                   -EPIPE, or go_oneshot_close()
 *
 * and must not touch it afterwards, because the other one may free it.  WHO IS
 * THE LAST ONE is told by the results: the receiver, if its receive returns 0
 * or -EPIPE, or its close -EALREADY; the sender, if its call returns -EPIPE.
 * So a one-shot that was allocated is freed by the last one (as in
 * examples/given_up.c), and who has it on the stack receives until it is the
 * last one: in a shield (deadline.h), as above, for a receive that a
 * cancellation or a deadline ends leaves the sender with a pointer into that
 * stack.
 *
 * What the sender did before it was done happens before the receive returns,
 * and what the receiver did before it closed happens before the sender is told.
 */
#ifndef GOFER_ONESHOT_H
#define GOFER_ONESHOT_H

#include <gofer/sync.h>

GO_BEGIN_DECLS

typedef struct go_oneshot {
	void *value;
	size_t bytes;
	go_line line;
} go_oneshot;

/* The memory, and the size, of the value; NULL, 0: only the event counts. */
#define GO_ONESHOT_INIT(value, bytes)                                          \
	{                                                                      \
		value, (size_t)(bytes),                                        \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Send a copy of *value.
 *
 * Returns  0; -EPIPE (the receiver has closed it; the caller is the last one);
 *          -EALREADY (the sender was done before); -EINVAL (a null pointer;
 *          value may be one if the size is 0).
 * Context  any.
 * Parks    never.
 */
GO_API int go_oneshot_send(go_oneshot *o, const void *value);

/*
 * Be done without sending: the receiver gets -EPIPE.
 *
 * Returns  0; -EPIPE (the receiver has closed it; the caller is the last one);
 *          -EALREADY (the sender was done before); -EINVAL (o is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_oneshot_drop(go_oneshot *o);

/*
 * Wait until the receiver has closed it, to stop working for nobody.  The
 * sender is not done by that.
 *
 * Returns  0; -EALREADY (the sender was done before); -ETIMEDOUT;
 *          -EINVAL (o is null); -ENOMEM (a plain thread found no memory to
 *          wait with).
 * Context  task or plain thread.
 * Parks    until the receiver closes it.
 */
GO_API int go_oneshot_wait_closed(go_oneshot *o);

/*
 * Receive the value into *value (null: leave it where it is); wait for it.
 *
 * Returns  0; -EPIPE (the sender is done and has not sent, or the receiver was
 *          done before); -ETIMEDOUT; -EINVAL (o is null); -ENOMEM (a plain
 *          thread found no memory to wait with).  Who fails with another error
 *          than -EPIPE may try again, and has lost nothing.
 * Context  task or plain thread.
 * Parks    until the sender is done.
 */
GO_API int go_oneshot_recv(go_oneshot *o, void *value);

/*
 * Receive if that is possible at once.
 *
 * Returns  as go_oneshot_recv(); -EAGAIN (the sender is not done).  Never
 *          -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_oneshot_try_recv(go_oneshot *o, void *value);

/*
 * Be done without receiving: the sender gets -EPIPE, at once if it waits for
 * that.
 *
 * Returns  0; -EALREADY (the sender is done, and the caller the last one; if it
 *          has sent, that can still be received); -EPIPE (it is closed
 *          already); -EINVAL (o is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_oneshot_close(go_oneshot *o);

/*
 * Make sure that nobody waits for a one-shot.
 *
 * Returns  0; -EBUSY (somebody does); -EINVAL (o is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_oneshot_destroy(go_oneshot *o);

GO_END_DECLS

#endif
