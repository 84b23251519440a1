/* SPDX-License-Identifier: MIT */
/* Runs a body as the main task of every kind of runtime, one after another. */
#ifndef GO_TEST_EVERYWHERE_H
#define GO_TEST_EVERYWHERE_H

#include <gofer.h>

#include <errno.h>

#include "both.h"
#include "test.h"

static inline void run_in(int flavour, unsigned workers, go_fn *body, void *arg)
{
	MAKE(go_runtime_options, options, .flavour = flavour,
	     .workers = workers);
	void *result = NULL;

	cr_assert_eq(go_run_with(&options, body, arg, &result), 0);
	cr_assert_null(result, "%u workers, flavour %d: %s", workers, flavour,
		       (const char *)result);
}

/* body returns NULL, or what is wrong. */
static inline void run_everywhere(go_fn *body, void *arg)
{
	run_in(GO_CURRENT_THREAD, 0, body, arg);
	run_in(GO_MULTI_THREAD, 1, body, arg);
	run_in(GO_MULTI_THREAD, 2, body, arg);
	run_in(GO_MULTI_THREAD, 4, body, arg);
	run_in(GO_HOME_THREAD, 3, body, arg);
}

/* Join a task that returns an int: that, or why it cannot be joined. */
static inline int result_of(go_task t)
{
	void *result = GO_INT(-EINVAL);
	int r = go_task_join(t, &result);

	return r < 0 ? r : GO_TO_INT(result);
}

/* In a body: what must hold. */
#define MUST_TEXT(line) #line
#define MUST_AT(line)   MUST_TEXT(line)
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			return (void *)(uintptr_t)(__FILE__ ":" MUST_AT(       \
				__LINE__) ": " #condition);                    \
	} while (0)

#endif
