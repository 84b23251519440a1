/* SPDX-License-Identifier: MIT */
/* From what a program asks for, and the environment, to what a runtime is. */
#ifndef GO_SCHED_OPTIONS_H
#define GO_SCHED_OPTIONS_H

#include <gofer/runtime.h>

/*
 * Check what the program asks for (NULL: nothing), override it by the
 * environment, and fill the defaults in.  Returns 0 or -EINVAL.
 */
int go__options_settle(const go_runtime_options *asked,
		       go_runtime_options *settled);

/* Write them to standard error, if GOFER_PRINT_CONFIG asks for it. */
void go__options_print(const struct go_runtime *rt,
		       const go_runtime_options *settled);

#endif
