/* SPDX-License-Identifier: MIT */
/*
 * What the lessons share.  Only public headers are used in them: each is what a
 * reader of docs/tutorial.md might write.
 */
#ifndef GO_TEST_LESSONS_H
#define GO_TEST_LESSONS_H

#include <gofer.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sched/everywhere.h"
#include "support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define UNDER_SANITIZER
#endif
#endif

/* Which thread is this?  Asked anew each time, also after a park. */
static inline pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

#endif
