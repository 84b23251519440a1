/* SPDX-License-Identifier: MIT */
/* A case that runs out of time; hang.sh looks at what it says. */
#include <gofer.h>

#include "test.h"

static void *wait_for_ever(void *unused)
{
	(void)unused;
	return GO_INT(go_sleep(GO_NEVER));
}

Test(hang, out_of_time, .timeout = 1)
{
	(void)go_run(wait_for_ever, NULL);
}
