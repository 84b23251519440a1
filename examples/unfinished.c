/* SPDX-License-Identifier: MIT */
/*
 * What becomes of tasks when the main function returns: they are cancelled, not
 * completed, and they notice.
 *
 * Run it:    unfinished
 * Expect:    main is done
 *            the task was cancelled, and tidies up
 *            all is over
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void *work_long(void *unused)
{
	int r = go_sleep(10 * GO_SECOND);

	if (r == 0)
		printf("this is never printed\n");
	else if (r == -ECANCELED)
		printf("the task was cancelled, and tidies up\n");
	return unused;
}

static void *main_task(void *unused)
{
	int r = go_spawn(work_long, NULL);

	(void)unused;
	if (r == 0)
		printf("main is done\n");
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, main_task, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r == 0)
		printf("all is over\n");
	else
		fprintf(stderr, "unfinished: %s\n", strerror(-r));
	return r < 0;
}
