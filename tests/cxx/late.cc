/* SPDX-License-Identifier: MIT */
/* C++ that a C program loads while its tasks run: test_late.c. */
#include "throwing.h"

void *cxx_globals() __asm__("__cxa_get_globals");

extern "C" {
int late_begin(int (*attach)(void *(*globals)(void)));
void *late_task(void *arg);
}

int late_begin(int (*attach)(void *(*globals)(void)))
{
	/* The program may want to see what happens without. */
	return attach ? attach(cxx_globals) : go_cxx_attach();
}

/* Returns what is wrong. */
void *late_task(void *arg)
{
	int mine = GO_TO_INT(arg);

	for (int i = 0; i < 20; i++) {
		try {
			throw number(mine + i);
		} catch (const number &n) {
			elsewhere();
			MUST(n.value == mine + i && rethrown() == mine + i);
			elsewhere();
		}
		elsewhere();
	}
	return NULL;
}
