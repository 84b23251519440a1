/* SPDX-License-Identifier: MIT */
/*
 * A command, run to its end: go_process_run().
 *
 * One caller serves up to three pipes: whichever is ready, so that a child that
 * prints before it has read all of its input does not wait for us while we wait
 * for it.  A pipe whose memory is full is read one byte further, to tell the
 * end of what there is from what does not fit.
 */
#include <errno.h>
#include <gofer/deadline.h>
#include <gofer/io.h>
#include <poll.h>
#include <unistd.h>

#include "io/process.h"

struct run {
	go_process *p;
	go_process_io *io;
	size_t written;
	struct pollfd v[3]; /* fd -1: it is done, or there was none. */
};

static void done_with(struct run *run, int which)
{
	(void)go_close(run->v[which].fd);
	run->v[which].fd = -1;
}

static int feed(struct run *run)
{
	const char *input = run->io->input;
	size_t left = run->io->input_bytes - run->written;
	ssize_t n = 0;

	if (left > 0)
		n = go_write(run->v[0].fd, input + run->written, left);
	if (n > 0)
		run->written += (size_t)n;
	/* A child need not read it all. */
	if (n == -EPIPE || run->written == run->io->input_bytes)
		done_with(run, 0);
	else if (n < 0)
		return (int)n;
	return 0;
}

static int drain(struct run *run, int which, char *memory, size_t size,
		 size_t *have)
{
	char more;
	bool full = *have == size;
	ssize_t n = go_read(run->v[which].fd, full ? &more : memory + *have,
			    full ? 1 : size - *have);

	if (n < 0)
		return (int)n;
	if (n > 0 && full)
		run->io->truncated = true;
	else
		*have += (size_t)n;
	if (n == 0 || full)
		done_with(run, which);
	return 0;
}

static bool is_open(const struct run *run)
{
	return run->v[0].fd >= 0 || run->v[1].fd >= 0 || run->v[2].fd >= 0;
}

static int serve(struct run *run)
{
	go_process_io *io = run->io;
	int r = 0;

	while (r >= 0 && is_open(run)) {
		r = go_poll(run->v, 3, -1);
		if (r >= 0 && run->v[0].fd >= 0 && run->v[0].revents)
			r = feed(run);
		if (r >= 0 && run->v[1].fd >= 0 && run->v[1].revents)
			r = drain(run, 1, io->out, io->out_size,
				  &io->out_bytes);
		if (r >= 0 && run->v[2].fd >= 0 && run->v[2].revents)
			r = drain(run, 2, io->err, io->err_size,
				  &io->err_bytes);
	}
	return r < 0 ? r : 0;
}

/* What is there already when the time is over. */
static void take_rest(struct run *run)
{
	go_process_io *io = run->io;

	for (int i = 1; i < 3; i++) {
		char *memory = i == 1 ? io->out : io->err;
		size_t size = i == 1 ? io->out_size : io->err_size;
		size_t *have = i == 1 ? &io->out_bytes : &io->err_bytes;

		while (run->v[i].fd >= 0 && go_poll(&run->v[i], 1, 0) > 0 &&
		       drain(run, i, memory, size, have) == 0)
			;
	}
}

static int run_to_its_end(struct run *run)
{
	int64_t grace = run->io->grace_ns ? run->io->grace_ns : GO_SECOND;
	int r = serve(run);

	if (r == 0)
		r = go_process_wait(run->p, &run->io->status);
	if (r < 0 && r != -ECHILD) {
		(void)go_process_terminate(run->p, grace, &run->io->status);
		GO_SHIELD();
		take_rest(run);
	}
	for (int i = 0; i < 3; i++)
		if (run->v[i].fd >= 0)
			done_with(run, i);
	return r;
}

int go_process_run(const char *file, char *const argv[],
		   const go_process_options *options, go_process_io *io)
{
	go_process_options o = {.in = GO_STDIO_INHERIT};
	struct run run = {.io = io};
	int r;

	if (!io || io->grace_ns < 0)
		return -EINVAL;
	if (options)
		o = *options;
	if (io->input)
		o.in = GO_STDIO_PIPE;
	if (io->out)
		o.out = GO_STDIO_PIPE;
	if (io->err)
		o.err = GO_STDIO_PIPE;
	io->out_bytes = 0;
	io->err_bytes = 0;
	io->truncated = false;
	io->status = 0;
	r = go_process_spawn(&run.p, file, argv, &o);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++) {
		run.v[i].fd = go_process_pipe(run.p, i);
		run.v[i].events = i == 0 ? POLLOUT : POLLIN;
	}
	r = run_to_its_end(&run);
	(void)go_process_release(run.p);
	return r;
}
