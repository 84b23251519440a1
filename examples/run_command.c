/* SPDX-License-Identifier: MIT */
/*
 * Commands: their output, with a limit on its size and on their time.
 *
 * Expect:    1 9 10
 *            sleep: out of time, ended by signal 15
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static int sort(void)
{
	char *argv[] = {"sort", "-n", NULL};
	char sorted[64];
	go_process_io io = {.input = "10\n9\n1\n", .input_bytes = 7};
	GO_TIMEOUT(10 * GO_SECOND);
	int r;

	io.out = sorted;
	io.out_size = sizeof sorted;
	r = go_process_run("sort", argv, NULL, &io);
	if (r < 0)
		return r;
	if (io.status != 0 || io.truncated)
		return -EIO;
	for (size_t i = 0; i + 1 < io.out_bytes; i++)
		putchar(sorted[i] == '\n' ? ' ' : sorted[i]);
	putchar('\n');
	return 0;
}

/* A command that takes too long is ended, and its status says how. */
static int oversleep(void)
{
	char *argv[] = {"sleep", "1000", NULL};
	go_process_io io = {.grace_ns = GO_SECOND};
	GO_TIMEOUT(50 * GO_MILLISECOND);
	int r = go_process_run("sleep", argv, NULL, &io);

	if (r == -ETIMEDOUT && WIFSIGNALED(io.status)) {
		printf("sleep: out of time, ended by signal %d\n",
		       WTERMSIG(io.status));
		return 0;
	}
	return r < 0 ? r : -EIO;
}

static void *main_task(void *unused)
{
	int r = sort();

	(void)unused;
	if (r == 0)
		r = oversleep();
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, main_task, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "run_command: %s\n", strerror(-r));
	return r < 0;
}
