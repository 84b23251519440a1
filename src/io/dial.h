/* SPDX-License-Identifier: MIT */
/*
 * Connecting to one of several addresses: see dial.c.
 */
#ifndef GO_IO_DIAL_H
#define GO_IO_DIAL_H

#include <gofer/names.h>

/*
 * As go_dial(), with the addresses of this list, in the order that it has.
 * -ENODATA: it is empty.  Suspends.
 */
int go__dial_list(const struct addrinfo *list, const go_dial_options *options);

/*
 * Store the addresses of a list in the order in which they are tried, at most
 * n.  Returns how many.
 */
size_t go__dial_order(const struct addrinfo *list,
		      const struct addrinfo **order, size_t n);

#endif
