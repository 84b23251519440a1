/* SPDX-License-Identifier: MIT */
/*
 * Starting a program: what posix_spawn(3) wants to be told, in one structure.
 *
 * posix_spawn() shares the parent's memory with the child until the program is
 * loaded, so it costs the same whether there is one stack or a million (a fork
 * copies page tables, and the guards of a million stacks are a hundred
 * milliseconds of that), runs no handlers of pthread_atfork(), and can say why
 * it failed.
 */
#ifndef GO_ARCH_EXEC_H
#define GO_ARCH_EXEC_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The child's `to` is to be our `from`, which is at no number of a `to`. */
struct go__exec_dup {
	int from, to;
};

struct go__exec {
	const char *file, *cwd; /* cwd: NULL is ours. */
	char *const *argv;
	char *const *envp; /* NULL: ours. */
	const struct go__exec_dup *dups;
	size_t dup_count;
	bool null[3]; /* Of 0 to 2: open /dev/null. */
	bool err_is_out;
	int close_from; /* Close what is not in dups, from 3 on; dups end below
			 * this.  0: close nothing. */
	const sigset_t *blocked;
	const sigset_t *defaults;
	bool group, session;
};

/* Returns 0 and the child's number, or -errno: there is no child. */
int go__exec_spawn(const struct go__exec *s, pid_t *pid);

#endif
