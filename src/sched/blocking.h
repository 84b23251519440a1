/* SPDX-License-Identifier: MIT */
/* Jobs of the blocking pool: what its threads and the scheduler call. */
#ifndef GO_SCHED_BLOCKING_H
#define GO_SCHED_BLOCKING_H

struct go__task;
struct go__thread;
struct go__wait_node;

/* Run a job whose wait the calling pool thread has claimed. */
void go__blocking_run(struct go__thread *self, struct go__wait_node *job);

/* The function of a blocking task as a task: it was withdrawn. */
void *go__blocking_withdrawn(void *unused);
/* Such a task never gets to run even that: it leaves the queue. */
void go__blocking_forget(struct go__task *t);

#endif
