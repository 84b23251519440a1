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
 *   - "Returns" lists the results, "Context" who may call, "Parks" whether the
 *     calling task may leave its thread, and come back on another one.
 *   - Times are nanoseconds; points in time are on CLOCK_MONOTONIC.
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

/* The place of a call, as "file:line"; the spawn macros pass it on. */
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
 * Read the calling task's errno.  Code that calls something of libc, then
 * waits in gofer, and then wants the errno of the first call reads it here: a
 * plain `errno` may be read from an address that the compiler computed before
 * the wait, on another thread.
 *
 * Returns  errno of the calling thread; it is kept across parks.
 * Context  any.
 * Parks    never.
 */
GO_API int go_errno(void);

GO_END_DECLS

#endif
