/* SPDX-License-Identifier: MIT */
/* Reports of tasks that keep their worker for too long: stuck.c. */
#ifndef GO_SCHED_STUCK_H
#define GO_SCHED_STUCK_H

#include <stdbool.h>
#include <stdint.h>

struct go__worker;

/*
 * What this worker runs has kept it for so long: tell the runtime's on_stuck,
 * unless that has heard of its site.  Returns true if that may have taken long,
 * as the task was asked where it is.  The watchdog only.
 */
bool go__stuck_report(struct go__worker *w, uint64_t ran_ns);

#endif
