/* SPDX-License-Identifier: MIT */
/*
 * What every header of gofer stands on: linkage, units, errors.
 *
 * Conventions of every go_ and fiber_ function:
 *
 *   - int and ssize_t results: >= 0 is success, < 0 is a negated errno value.
 *     Nothing is ever reported through errno.
 *   - Every call that waits may be made by a task, which parks, and by a plain
 *     thread, which blocks.  Unless it is marked "deaf", it fails with
 *     -ECANCELED once the calling task has been cancelled, and with -ETIMEDOUT
 *     when it would wait longer than a deadline around it allows (deadline.h).
 *     The main task's fails with -EDEADLK, even if it is deaf, when nothing can
 *     ever end it (runtime.h).  These results are not repeated under Returns.
 *     A call that tries and never waits does not mind a cancellation; but
 *     go_poll() with 0, and what MSG_DONTWAIT keeps from waiting, do fail.
 *   - "Returns" lists the results, "Context" who may call, "Parks" whether the
 *     calling task may leave its thread, and come back on another one.  What
 *     parks until something happens may do so even if it need not wait: a task
 *     that calls on and on lets others run now and then.
 *   - "Context any" is a task, a plain thread, and a raw fiber (fiber.h), which
 *     counts as the one that runs it; a signal handler only if that is said.
 *   - A pointer must not be null unless the contract says what happens then.
 *   - Times are nanoseconds (but go_poll()'s are milliseconds, as in POSIX);
 *     points in time are on CLOCK_MONOTONIC.
 */
#ifndef GOFER_BASE_H
#define GOFER_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GO_API __attribute__((visibility("default")))
#else
#define GO_API
#endif

#ifdef __cplusplus
#define GO_BEGIN_DECLS extern "C" {
#define GO_END_DECLS   }
#else
#define GO_BEGIN_DECLS
#define GO_END_DECLS
#endif

/* Units of every time in the library. */
#define GO_NANOSECOND      INT64_C(1)
#define GO_MICROSECOND     INT64_C(1000)
#define GO_MILLISECOND     INT64_C(1000000)
#define GO_SECOND          INT64_C(1000000000)

/* No deadline: as far away as time goes. */
#define GO_NEVER           INT64_MAX

/* The place of a call, as "file:line".  The spawn macros pass it on to the
 * functions behind them, named ..._at, which is what other languages call.
 * Their `site` is not copied: a literal, or something that lives as long as the
 * process; or NULL. */
#define GO_SITE_TEXT(line) #line
#define GO_SITE_LINE(line) GO_SITE_TEXT(line)
#define GO_SITE            __FILE__ ":" GO_SITE_LINE(__LINE__)

/* An int carried in a pointer argument, and back. */
#define GO_INT(i)          ((void *)(intptr_t)(i))
#define GO_TO_INT(p)       ((int)(intptr_t)(p))

GO_BEGIN_DECLS

/* What a task runs; as for pthread_create. */
typedef void *(go_fn)(void *arg);

/*
 * Read errno.  Its value goes with a task from thread to thread; but a plain
 * `errno` may be read at an address that the compiler has kept from before a
 * call that parks, which is another thread's.  So read it here after one.
 *
 * Returns  errno of the calling task or thread.
 * Context  any.
 * Parks    never.
 */
GO_API int go_errno(void);

GO_END_DECLS

#endif
