/* SPDX-License-Identifier: MIT */
/*
 * What tests share: seeded random numbers, threads that really start together,
 * tasks that wait, a listener on the loopback interface, and system calls that
 * fail on demand.
 */
#ifndef GO_TEST_SUPPORT_H
#define GO_TEST_SUPPORT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A number below the bound (which is not 0), from any thread or task.  The
 * seed is printed at the first use; GOFER_TEST_SEED=n runs the same numbers
 * again (in the same order, as far as one thread draws them).
 */
uint32_t test_random(uint32_t bound);

/*
 * How often to repeat something that takes `normal` rounds in an ordinary
 * build: GOFER_TEST_ROUNDS percent of that (tools/test sets less under
 * emulators and more with --long), and once at the least.
 */
uint64_t test_rounds(uint64_t normal);

/*
 * Let every other task of the calling one's runtime run until it waits, and has
 * left its stack: what go_dump() says of it.  None may run for ever.
 */
void test_settle(void);

/* Start n threads that all wait for the last one before they call fn(arg). */
void test_start_threads(unsigned n, void (*fn)(void *), void *arg);

/* Wait until the threads started before have returned. */
void test_join_threads(void);

/*
 * A TCP socket that listens on a free port of 127.0.0.1, whose address is
 * stored.  The caller closes it.
 */
int test_listen(struct sockaddr_in *address);

/*
 * Entries of a folder, "." and ".." left out: of /proc/self/fd (one more than
 * there are otherwise) or /proc/self/task, say.  Ends the process if there is
 * no such folder.
 */
unsigned test_entries(const char *folder);

#ifdef GO_TEST_HOOKS
#include "arch/sys.h"

/*
 * Let the n-th (from 1) of the following calls of this kind fail with -ENOMEM,
 * or with the given negative errno, without being made; all others work.
 */
void test_fail_nth(enum go__sys_call call, unsigned n);
void test_fail_nth_with(enum go__sys_call call, unsigned n, int error);

/* As test_fail_nth(); only this thread's calls count, and fail. */
void test_fail_nth_here(enum go__sys_call call, unsigned n);

/* Let all calls work again.  Returns whether one has failed. */
bool test_fail_stop(void);
#endif

#ifdef __cplusplus
}
#endif

#endif
