/* SPDX-License-Identifier: MIT */
/* Child processes, for the files that are about them: process.c says more. */
#ifndef GO_IO_PROCESS_H
#define GO_IO_PROCESS_H

#include <gofer/process.h>

#include "arch/list.h"
#include "arch/lock.h"

struct go_process {
	/* Constant. */
	pid_t pid;
	int pidfd; /* -1: none; else it is in the descriptor table. */
	bool group;

	/* The owner: our ends of the pipes, -1: none, or taken. */
	int pipe[3];

	/* Under lock. */
	struct go__lock lock;
	bool ended;
	int error; /* Once it has ended: 0, or -ECHILD. */
	int status;

	/* Released, and not ended: under the lock of orphans. */
	struct go__link orphan;
	bool watched; /* The helper is told by the pidfd. */
};

/* ---- For the helper; the first two take the lock of orphans ---- */

/* Look after one whose pidfd is readable, or after those that have none. */
void go__process_orphan(go_process *p);
void go__process_orphans(void);

void go__process_lock_for_fork(void);
void go__process_unlock_after_fork(bool child);

#endif
