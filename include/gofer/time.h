/* SPDX-License-Identifier: MIT */
/*
 * Time: the clock, and sleeping on it.
 *
 *     int64_t next = go_now();
 *
 *     for (int i = 0; i < 3; i++) {
 *             next += 20 * GO_MILLISECOND;
 *             if (go_sleep_until(next) < 0)
 *                     break;
 *             printf("tick\n");
 *     }
 *
 * (examples/ticker.c is the whole program.)
 */
#ifndef GOFER_TIME_H
#define GOFER_TIME_H

#include <gofer/base.h>

GO_BEGIN_DECLS

/*
 * Read the clock that all deadlines of the library are on.
 *
 * Returns  nanoseconds on CLOCK_MONOTONIC.
 * Context  any.
 * Parks    never.
 */
GO_API int64_t go_now(void);

/*
 * Wait for a length of time.  Zero and less only yields, and fails in a task
 * that has been cancelled like any other wait.
 *
 * Returns  0; -ETIMEDOUT if a deadline around it (deadline.h) ended it early;
 *          -ENOMEM (a plain thread found no memory to wait with).
 * Context  task or plain thread.
 * Parks    until the time is over.
 */
GO_API int go_sleep(int64_t ns);

/*
 * Wait until go_now() has reached a point in time.  One that has passed only
 * yields, as go_sleep(0); GO_NEVER waits until the task is cancelled.
 *
 * Returns  as go_sleep().
 * Context  task or plain thread.
 * Parks    until that time.
 */
GO_API int go_sleep_until(int64_t when_ns);

GO_END_DECLS

#endif
