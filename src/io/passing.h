/* SPDX-License-Identifier: MIT */
/* Descriptors that come in messages: see passing.c. */
#ifndef GO_IO_PASSING_H
#define GO_IO_PASSING_H

#include <sys/socket.h>
#include <sys/types.h>

/* As recvmsg(2); what comes with the message is close-on-exec, and noted. */
ssize_t go__passing_receive(int fd, struct msghdr *m, int flags);

/* Tell the table of the descriptors that a message has brought. */
void go__passing_note(const struct msghdr *m);

#endif
