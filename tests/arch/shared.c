/* SPDX-License-Identifier: MIT */
/* A library loaded at run time with a copy of gofer inside; test_shared.c. */
#include <gofer/fiber.h>

int count_in_fiber(int rounds);

static void *count(void *arg, void *in)
{
	int *n = arg;

	while (in)
		in = fiber_yield(GO_INT(++*n));
	return NULL;
}

int count_in_fiber(int rounds)
{
	int n = 0;
	fiber *f;

	if (fiber_create(&f, count, &n, NULL) < 0)
		return -1;
	for (int i = 0; i < rounds; i++)
		fiber_resume(f, GO_INT(1), NULL);
	fiber_resume(f, NULL, NULL);
	return fiber_done(f) && fiber_destroy(f) == 0 ? n : -1;
}
