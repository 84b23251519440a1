/* SPDX-License-Identifier: MIT */
/*
 * What follows a hook of the program's, for models that run sources which call
 * hooks.  There are none, so nobody forks.
 */
#ifndef MODEL_HOOK_H
#define MODEL_HOOK_H

#include "sched/worker.h"

void go__exit_if_forked(const struct go_runtime *rt)
{
	(void)rt;
}

#endif
