/* SPDX-License-Identifier: MIT */
/*
 * Talking to a child process through pipes, as to any descriptor.
 *
 * Expect:    cat says: hello
 *            it has ended with 0
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int talk(int to, int from)
{
	char answer[16];
	size_t have;
	int r = go_write_all(to, "hello\n", 6, NULL);

	if (r == 0)
		r = go_read_full(from, answer, 6, &have);
	if (r == 0)
		printf("cat says: %.6s", answer);
	return r;
}

static int run_cat(void)
{
	char *argv[] = {"cat", NULL};
	go_process *cat;
	int to, from, status, r;
	go_process_options options = {
		.in = GO_STDIO_PIPE,
		.out = GO_STDIO_PIPE,
	};
	GO_TIMEOUT(10 * GO_SECOND);

	r = go_process_spawn(&cat, "cat", argv, &options);
	if (r < 0)
		return r;
	to = go_process_pipe(cat, STDIN_FILENO);
	from = go_process_pipe(cat, STDOUT_FILENO);
	r = talk(to, from);
	go_close(to); /* the end of its input, and so of cat */
	go_close(from);
	if (r == 0)
		r = go_process_wait(cat, &status);
	if (r < 0)
		go_process_terminate(cat, GO_SECOND, NULL);
	else
		printf("it has ended with %d\n", WEXITSTATUS(status));
	go_process_release(cat);
	return r;
}

static void *main_task(void *unused)
{
	(void)unused;
	return GO_INT(run_cat());
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, main_task, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "pipe_to_child: %s\n", strerror(-r));
	return r < 0;
}
