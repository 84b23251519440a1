/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts: every subscriber gets every message.
 *
 *     r = go_broadcast_create(&numbers, sizeof(int), 4);
 *     ...
 *     go_broadcast_subscribe(numbers, &first);
 *     ...
 *     go_broadcast_send(numbers, &n);
 *     ...
 *     go_broadcast_close(numbers);
 *
 * That is one side, and this is each of the others (examples/broadcast.c):
 *
 *     while ((missed = go_broadcast_recv(s, &n)) >= 0) {
 *             if (missed > 0)
 *                     printf("missed %lld\n", (long long)missed);
 *             printf("%d\n", n);
 *     }
 *
 * A broadcast copies messages of one fixed size, to tasks of any runtime and
 * plain threads in any mix.  Senders never wait: the last `capacity` messages
 * are kept, and a subscriber that lags behind them loses the oldest, and is
 * told how many.  So each message that was sent after somebody subscribed is
 * either received by him, in order, or counted as missed.
 *
 * Cancellation and deadlines lose and double nothing: a receive that fails has
 * received nothing, and the next one goes on where it stood.  What a sender did
 * before its send happens before the receive of that message returns.
 */
#ifndef GOFER_BROADCAST_H
#define GOFER_BROADCAST_H

#include <gofer/base.h>

GO_BEGIN_DECLS

typedef struct go_broadcast go_broadcast;

/*
 * A place in a broadcast: the next message to receive.  It holds nothing, so
 * it need not be given back; a copy is a second subscriber at the same place.
 * It must stay where it is while somebody waits with it.  If several receive
 * with the same one, each message reaches one of them.
 */
typedef struct go_subscriber {
	go_broadcast *from;
	uint64_t next;
} go_subscriber;

/*
 * Make a broadcast of messages of element_bytes each, which keeps the last
 * `capacity` of them.  element_bytes may be 0: then only the events count.
 *
 * Returns  0; -EINVAL (b is null, or capacity is 0); -ENOMEM (also if so many
 *          bytes cannot be addressed).
 * Context  any.
 * Parks    never.
 */
GO_API int go_broadcast_create(go_broadcast **b, size_t element_bytes,
			       size_t capacity);

/*
 * Free a broadcast.  Nobody may use it or a subscriber to it any more, or begin
 * to.
 *
 * Returns  0, also if b is null; -EBUSY (somebody waits for it).
 * Context  any.
 * Parks    never.
 */
GO_API int go_broadcast_destroy(go_broadcast *b);

/*
 * Begin to listen: *s will receive what is sent from now on.  A broadcast that
 * is closed can be subscribed to, and ends at once.
 *
 * Returns  0; -EINVAL (a null pointer).
 * Context  any.
 * Parks    never.
 */
GO_API int go_broadcast_subscribe(go_broadcast *b, go_subscriber *s);

/*
 * Send the message at `value` to all who have subscribed; that there is nobody
 * is no error.  Costs time for each subscriber that waits.
 *
 * Returns  0; -EPIPE (the broadcast is closed); -EINVAL (a null pointer).
 * Context  any.
 * Parks    never.
 */
GO_API int go_broadcast_send(go_broadcast *b, const void *value);

/*
 * Receive the next message into *value (null: drop it); wait for one.
 *
 * Returns  how many messages the subscriber has missed right before this one:
 *          0, unless it lags; -EPIPE (the broadcast is closed, and all of it
 *          received); -ETIMEDOUT; -EINVAL (s is null or was never subscribed);
 *          -ENOMEM (a plain thread found no memory to wait with).  *value is
 *          written only on success.
 * Context  task or plain thread.
 * Parks    until a message is sent.
 */
GO_API int64_t go_broadcast_recv(go_subscriber *s, void *value);

/*
 * Receive if that is possible at once.
 *
 * Returns  as go_broadcast_recv(); -EAGAIN (it would have to wait).  Never
 *          -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int64_t go_broadcast_try_recv(go_subscriber *s, void *value);

/*
 * Take no more messages: sends fail with -EPIPE from now on; subscribers get
 * what they have not received yet, and then -EPIPE.
 *
 * Returns  0; -EPIPE (it is closed already); -EINVAL (b is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_broadcast_close(go_broadcast *b);

GO_END_DECLS

#endif
