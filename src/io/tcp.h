/* SPDX-License-Identifier: MIT */
/* What every TCP socket of ours is set to. */
#ifndef GO_IO_TCP_H
#define GO_IO_TCP_H

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "arch/sys.h"

/*
 * Send small pieces at once.  With the algorithm of Nagle (RFC 896), which is
 * what a socket begins with, the second of two writes waits for the peer to
 * acknowledge the first, and the peer, with delayed acknowledgements (RFC
 * 1122), waits 40 ms for something to send it with.  What a listener has set,
 * its connections inherit.  A socket that does not know the option is none of
 * TCP, and works without.
 */
static inline void go__send_at_once(int fd)
{
	int one = 1;

	(void)go__sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
}

#endif
