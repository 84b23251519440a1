/* SPDX-License-Identifier: MIT */
/* A stranger's program: it sees what is installed, and nothing else. */
#include <gofer.h>
#include <gofer/fiber.h>

#include <stdio.h>

static void *generate(void *in, void *arg)
{
	fiber_yield(in);
	return arg;
}

static void *hello(void *name)
{
	printf("hello, %s\n", (const char *)name);
	return NULL;
}

int main(void)
{
	fiber *f;

	if (fiber_create(&f, generate, NULL, NULL) < 0 ||
	    fiber_resume(f, NULL, NULL) < 0 || fiber_destroy(f) < 0)
		return 1;
	return go_run(hello, "world") < 0;
}
