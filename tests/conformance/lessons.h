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
#include "sanitizers.h"
#include "support.h"

/* Which thread is this?  Asked anew each time, also after a park. */
static inline pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

#endif
