/* SPDX-License-Identifier: MIT */
/* What a shutdown has left behind: left.c. */
#ifndef GO_SCHED_LEFT_H
#define GO_SCHED_LEFT_H

struct go_runtime;

/* Say so on standard error, in one line, once for each runtime. */
void go__left_tell(struct go_runtime *rt);

#endif
