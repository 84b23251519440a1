/* SPDX-License-Identifier: MIT */
/* Text for reports; see text.h. */
#include "arch/text.h"

#include "arch/sys.h"

int go__text_flush(struct go__text *x)
{
	size_t done = 0;

	while (done < x->n && x->error == 0) {
		ssize_t r = go__sys_write(x->fd, x->s + done, x->n - done);

		if (r < 0)
			x->error = (int)r;
		else
			done += (size_t)r;
	}
	x->n = 0;
	return x->error;
}

void go__text_char(struct go__text *x, char c)
{
	if (x->n == sizeof(x->s))
		(void)go__text_flush(x);
	x->s[x->n++] = c;
}

void go__text_put(struct go__text *x, const char *s)
{
	while (*s)
		go__text_char(x, *s++);
}

void go__text_number(struct go__text *x, uint64_t value, unsigned base)
{
	char digits[24];
	size_t n = sizeof(digits);

	digits[--n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (base == 16)
		go__text_put(x, "0x");
	go__text_put(x, digits + n);
}
