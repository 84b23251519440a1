/* SPDX-License-Identifier: MIT */
/* Values of a size that is known at run time, as channels and theirs copy. */
#ifndef GO_SYNC_VALUE_H
#define GO_SYNC_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copy a value; to nowhere (NULL) if nobody wants it. */
static inline void go__value_copy(void *to, const void *from, size_t bytes)
{
	if (!to)
		return;
	if (bytes == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else if (bytes)
		memcpy(to, from, bytes);
}

#endif
