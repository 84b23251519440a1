/* SPDX-License-Identifier: MIT */
/*
 * Copying between descriptors, which ends when nothing has come for a second,
 * and loses nothing by that: bytes that were read wait in the caller's buffer.
 *
 * Run it:    relay
 * Expect:    relayed: one way, and the other
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int relay(int from, int to)
{
	char buffer[16384];
	go_transit t = {buffer, sizeof buffer, 0, 0, {0}};
	int r;

	do {
		GO_TIMEOUT(GO_SECOND);
		r = go_copy(from, to, -1, &t);
	} while (r == -ETIMEDOUT && t.done > 0);
	return r;
}

struct ends {
	int from, to;
};

static void *relay_and_close(void *arg)
{
	struct ends *e = arg;
	int r = relay(e->from, e->to);

	go_close(e->to);
	go_close(e->from);
	return GO_INT(r);
}

/* What is said into one socket pair comes out of another. */
static int talk(int in, int out)
{
	static const char text[] = "relayed: one way, and the other\n";
	char line[64];
	size_t n = 0;
	int r = go_write_all(in, text, sizeof text - 1, NULL);

	go_close(in);
	if (r == 0)
		r = go_read_full(out, line, sizeof line, &n);
	if (r == -ENODATA)
		r = 0; /* the end, as it should be */
	go_close(out);
	printf("%.*s", (int)n, line);
	return r;
}

static void *start(void *unused)
{
	int a[2], b[2], r;
	void *result = NULL;
	struct ends ends;
	go_task task;

	(void)unused;
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	if (r < 0)
		return GO_INT(r);
	r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, b);
	if (r < 0) {
		go_close(a[0]);
		go_close(a[1]);
		return GO_INT(r);
	}
	ends = (struct ends){a[1], b[0]};
	r = go_task_spawn(&task, relay_and_close, &ends);
	if (r < 0) {
		go_close(a[1]);
		go_close(b[0]);
	}
	r = talk(a[0], b[1]) < 0 ? -EIO : r;
	if (r == 0)
		r = go_task_join(task, &result);
	return r < 0 ? GO_INT(r) : result;
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "relay: %s\n", strerror(-r));
	return r < 0;
}
