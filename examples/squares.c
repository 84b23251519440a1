/* SPDX-License-Identifier: MIT */
/*
 * A raw fiber: a function that hands out values in the middle of a loop, and
 * goes on there when it is asked for the next one.
 *
 * Run it:    squares
 * Expect:    1
 *            4
 *            9
 */
#include <gofer/fiber.h>

#include <stdio.h>

static void *squares(void *arg, void *in)
{
	(void)in;
	for (intptr_t i = 1; i <= (intptr_t)arg; i++)
		fiber_yield((void *)(i * i));
	return NULL;
}

int main(void)
{
	fiber *f;
	void *square;

	if (fiber_create(&f, squares, (void *)3, NULL) < 0)
		return 1;
	while (fiber_resume(f, NULL, &square) == 0 && !fiber_done(f))
		printf("%d\n", (int)(intptr_t)square);
	fiber_destroy(f);
	return 0;
}
