/* SPDX-License-Identifier: MIT */
/*
 * Fibers work inside a shared object that is loaded at run time: the accessor's
 * thread-local pointer finds room there, on threads old and new.
 */
#include "test.h"

#include "support.h"

#include <dlfcn.h>
#include <string.h>

static int (*count_in_fiber)(int);

static void use(void *unused)
{
	(void)unused;
	cr_assert_eq(count_in_fiber(100), 100);
}

Test(shared, fibers_work_in_a_loaded_library, .timeout = 20)
{
	void *library = dlopen(SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *symbol;

#if defined(__linux__) && !defined(__GLIBC__)
	cr_assert_null(library);
	cr_skip_test("this C library has no room for it: see context.c");
#endif
	cr_assert_not_null(library, "%s", dlerror());
	symbol = dlsym(library, "count_in_fiber");
	cr_assert_not_null(symbol);
	memcpy(&count_in_fiber, &symbol, sizeof(symbol));
	use(NULL);
	test_start_threads(4, use, NULL);
	test_join_threads();
}
