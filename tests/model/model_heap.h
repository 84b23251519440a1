/* SPDX-License-Identifier: MIT */
/*
 * No memory from the heap, for models of sources that could ask for some.  A
 * model that has its own idea of freeing defines MODEL_OWN_FREE.
 *
 * Included once by a program.
 */
#ifndef MODEL_HEAP_H
#define MODEL_HEAP_H

#include "arch/sys.h"

void *go__sys_malloc(size_t n)
{
	(void)n;
	return NULL;
}

void *go__sys_calloc(size_t count, size_t n)
{
	(void)count;
	(void)n;
	return NULL;
}

#ifndef MODEL_OWN_FREE
void go__sys_free(void *p)
{
	(void)p;
}
#endif

#endif
