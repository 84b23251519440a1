/* SPDX-License-Identifier: MIT */
/*
 * Three ways to call what blocks its thread, while other tasks go on: wait for
 * a function, have it run in the background, or block right here.
 *
 * The server that answers is a task, too, and there is one worker: a query
 * that kept the worker would wait for ever.
 *
 * Run it:    blocking
 * Expect:    a function: 3 rows
 *            the query has begun
 *            in the background: 3 rows
 *            a section: 3 rows
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a client library that knows nothing of tasks ---- */

/* The number of rows, or -1. */
static int db_query(int connection, const char *text)
{
	signed char rows = -1;

	if (write(connection, text, strlen(text) + 1) < 0 ||
	    read(connection, &rows, 1) != 1)
		return -1;
	return rows;
}

static int connection;

/* ---- the server ---- */

/* One row for each word behind "select". */
static void *serve(void *fd)
{
	char text[100], rows = 0;
	ssize_t n;

	while ((n = go_read(GO_TO_INT(fd), text, sizeof(text))) > 0) {
		rows = 0;
		for (ssize_t i = 0; i < n; i++)
			rows = (char)(rows + (text[i] == ' '));
		n = go_write(GO_TO_INT(fd), &rows, 1);
		if (n < 0)
			break;
	}
	return GO_INT((int)n);
}

/* ---- three ways ---- */

static void *query(void *text)
{
	return GO_INT(db_query(connection, text));
}

/* The shortest way: this task waits while a thread of the pool does it. */
static int in_a_function(char *text)
{
	void *rows;
	int r = go_blocking(query, text, &rows);

	if (r == 0)
		printf("a function: %d rows\n", GO_TO_INT(rows));
	return r;
}

/* With a handle this task can do something else meanwhile. */
static int in_the_background(char *text)
{
	void *rows;
	go_task task;
	int r = go_blocking_task(&task, query, text);

	if (r < 0)
		return r;
	printf("the query has begun\n");
	r = go_task_join(task, &rows);
	if (r == 0)
		printf("in the background: %d rows\n", GO_TO_INT(rows));
	else
		(void)go_task_detach(task); /* This task was cancelled. */
	return r;
}

/* Where a function of its own is in the way, or the thread must not change. */
static int in_a_section(char *text)
{
	int rows = 0, r;

	r = go_blocking_begin();
	if (r == 0) {
		rows = db_query(connection, text);
		go_blocking_end();
	}
	if (r == 0)
		printf("a section: %d rows\n", rows);
	return r;
}

static void *main_task(void *server)
{
	static char text[] = "select mercury venus earth";
	int r = go_spawn(serve, server);

	if (r == 0)
		r = in_a_function(text);
	if (r == 0)
		r = in_the_background(text);
	if (r == 0)
		r = in_a_section(text);
	return GO_INT(r);
}

int main(void)
{
	go_runtime_options options = {.workers = 1};
	void *result = NULL;
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {
		r = -errno;
	} else {
		connection = fds[0];
		r = go_run_with(&options, main_task, GO_INT(fds[1]), &result);
		close(fds[0]);
		go_close(fds[1]);
	}
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "blocking: %s\n", strerror(-r));
	return r < 0;
}
