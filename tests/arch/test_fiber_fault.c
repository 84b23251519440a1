/* SPDX-License-Identifier: MIT */
/* Making a fiber fails cleanly wherever the system fails, and works later. */
#include "test.h"

#include "support.h"

#include <gofer/fiber.h>

#include <errno.h>

static void *nothing(void *arg, void *in)
{
	(void)arg;
	return in;
}

static void fail(enum go__sys_call call)
{
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		fiber *f;
		int r;

		test_fail_nth(call, n);
		r = fiber_create(&f, nothing, NULL, NULL);
		failed = test_fail_stop();
		cr_assert(r == 0 || (failed && r == -ENOMEM), "%d", r);
		if (r == 0) {
			cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
			cr_assert_eq(fiber_destroy(f), 0);
		} else {
			cr_assert_null(f);
		}
	}
}

Test(fiber_fault, memory, .timeout = 10)
{
	fail(GO__SYS_calloc);
}

Test(fiber_fault, mappings, .timeout = 10)
{
	fail(GO__SYS_mmap);
}

Test(fiber_fault, commitment, .timeout = 10)
{
	fail(GO__SYS_mprotect);
}
