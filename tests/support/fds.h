/* SPDX-License-Identifier: MIT */
/*
 * What the library knows of a descriptor, for tests of the public calls: they
 * compile as C++17, too, which src/io/fdtable.h does not.
 */
#ifndef GO_TEST_FDS_H
#define GO_TEST_FDS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many wait for it, in tasks and threads. */
unsigned test_fd_waiting(int fd);

/* Whether the library may do with it what it likes; whether it is TCP's. */
bool test_fd_is_own(int fd);
bool test_fd_is_tcp(int fd);

/* Begin and end what a call of the library's does with it: 0, or -errno. */
int test_fd_enter(int fd);
int test_fd_leave(int fd);

#ifdef __cplusplus
}
#endif

#endif
