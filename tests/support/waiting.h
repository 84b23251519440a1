/* SPDX-License-Identifier: MIT */
/* When a task waits, and not only probably does. */
#ifndef GO_TEST_WAITING_H
#define GO_TEST_WAITING_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Let others run until n tasks wait for an object (a mutex, a channel ...):
 * they have left their stacks and stand in its line.  From a task or a plain
 * thread.  A test in which that never happens runs out of time.
 */
void test_await_waiters(const void *object, unsigned n);

#ifdef __cplusplus
}
#endif

#endif
