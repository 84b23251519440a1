/* SPDX-License-Identifier: MIT */
/* An object that calls a function of the program while it is being loaded: the
 * one whose address is in the environment. */
#include <stdint.h>
#include <stdlib.h>

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("GOFER_TEST_LOADED");

	if (at)
		((void (*)(void))(uintptr_t)strtoull(at, NULL, 0))();
}
