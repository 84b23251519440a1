/* SPDX-License-Identifier: MIT */
/*
 * Text for reports that are written while anything may be broken: no
 * allocation, no lock, no stdio; safe in signal handlers.  It collects what it
 * is given in a buffer, and writes that to a descriptor whenever it is full.
 */
#ifndef GO_ARCH_TEXT_H
#define GO_ARCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct go__text {
	int fd;
	int error; /* Of the first write that failed; no more are tried. */
	size_t n;
	char s[512];
};

static inline void go__text_init(struct go__text *x, int fd)
{
	x->fd = fd;
	x->error = 0;
	x->n = 0;
}

void go__text_char(struct go__text *x, char c);
void go__text_put(struct go__text *x, const char *s);
/* In base 10 or 16, the latter with 0x before it. */
void go__text_number(struct go__text *x, uint64_t value, unsigned base);

/* Write what is in the buffer.  Returns 0, or what a write has said. */
int go__text_flush(struct go__text *x);

#endif
