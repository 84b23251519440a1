/* SPDX-License-Identifier: MIT */
/* Reports of tasks that keep their worker for too long: stuck.c. */
#ifndef GO_SCHED_STUCK_H
#define GO_SCHED_STUCK_H

#include <stdint.h>

struct go__worker;

/*
 * What this worker runs has kept it for so long: tell the runtime's on_stuck,
 * unless that has heard of its site.  The watchdog only.
 */
void go__stuck_report(struct go__worker *w, uint64_t ran_ns);

#endif
