/* SPDX-License-Identifier: MIT */
/*
 * Channels: values handed from one task or thread to another.
 *
 *     static void *make_squares(void *arg)
 *     {
 *             go_chan *squares = arg;
 *
 *             for (int i = 1; i <= 5; i++) {
 *                     int n = i * i;
 *
 *                     if (go_chan_send(squares, &n) < 0)
 *                             break;
 *             }
 *             go_chan_close(squares);
 *             return NULL;
 *     }
 *
 * That is one side, and this is the other one (examples/channels.c):
 *
 *     r = go_chan_create(&squares, sizeof n, 2);
 *     ...
 *     while (go_chan_recv(squares, &n) == 0)
 *             printf("%d\n", n);
 *
 * A channel copies values of one fixed size.  Any number of senders and
 * receivers may use it at once, tasks of any runtime and plain threads in any
 * mix.  Values leave in the order in which they were sent, and each reaches one
 * receiver.
 *
 * A send that returns 0 has handed its value over, and one that returns
 * anything else has not: cancellation and deadlines never lose or double one.
 * What a sender did before its send happens before the receive of that value
 * returns.
 */
#ifndef GOFER_CHAN_H
#define GOFER_CHAN_H

#include <gofer/base.h>

GO_BEGIN_DECLS

typedef struct go_chan go_chan;

/* As a capacity: sends never wait. */
#define GO_CHAN_UNBOUNDED SIZE_MAX

/*
 * Make a channel of values of element_bytes each, which holds up to `capacity`
 * of them that nobody has received yet.  With capacity 0 a send waits for its
 * receiver.  element_bytes may be 0: then only the events count.
 *
 * Returns  0; -ENOMEM (also if so many bytes cannot be addressed);
 *          -EINVAL (c is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_chan_create(go_chan **c, size_t element_bytes, size_t capacity);

/*
 * Free a channel and the values that are left in it.  Nobody may use it any
 * more, or begin to.
 *
 * Returns  0, also if c is null; -EBUSY (somebody waits for it).
 * Context  any.
 * Parks    never.
 */
GO_API int go_chan_destroy(go_chan *c);

/*
 * Send the value at `value` (which may be null if element_bytes is 0); wait
 * until there is room for it, or a receiver.
 *
 * Returns  0; -EPIPE (the channel is closed, or was while this call waited);
 *          -ETIMEDOUT; -EINVAL (a null pointer); -ENOMEM (an unbounded channel
 *          cannot grow, or a plain thread found no memory to wait with).
 * Context  task or plain thread.
 * Parks    while the channel is full.
 */
GO_API int go_chan_send(go_chan *c, const void *value);

/*
 * Receive the oldest value into *value (null: drop it); wait for one.
 *
 * Returns  0; -EPIPE (the channel is closed and empty); -ETIMEDOUT;
 *          -EINVAL (c is null); -ENOMEM (a plain thread found no memory to
 *          wait with).  *value is written only on 0.
 * Context  task or plain thread.
 * Parks    while the channel is empty.
 */
GO_API int go_chan_recv(go_chan *c, void *value);

/*
 * Send if that is possible at once.
 *
 *     for (int letter = 1; (r = go_chan_try_send(box, &letter)) == 0;
 *          letter++)
 *             sent++;
 *     return r == -EAGAIN ? sent : r;
 *
 * Returns  as go_chan_send(); -EAGAIN (it would have to wait).  Never
 *          -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_chan_try_send(go_chan *c, const void *value);

/*
 * Receive if that is possible at once.
 *
 *     while ((r = go_chan_try_recv(box, &letter)) == 0)
 *             printf("got %d\n", letter);
 *     return r == -EAGAIN ? 0 : r;
 *
 * Returns  as go_chan_recv(); -EAGAIN (it would have to wait).  Never
 *          -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_chan_try_recv(go_chan *c, void *value);

/*
 * Take no more values: sends fail with -EPIPE from now on, those that wait
 * among them; receives get what is left, and then -EPIPE.
 *
 * Returns  0; -EPIPE (it is closed already); -EINVAL (c is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_chan_close(go_chan *c);

/*
 * Count the values in the channel that nobody has received yet (those of
 * waiting senders are not in it); they may be gone by the time of return.
 *
 * Returns  how many; 0 if c is null.
 * Context  any.
 * Parks    never.
 */
GO_API size_t go_chan_length(go_chan *c);

/*
 * Ask for the capacity that the channel was made with.
 *
 * Returns  it; 0 if c is null.
 * Context  any.
 * Parks    never.
 */
GO_API size_t go_chan_capacity(const go_chan *c);

GO_END_DECLS

#endif
