/* SPDX-License-Identifier: MIT */
/*
 * Starting a child process.
 *
 * WHICH DESCRIPTOR BECOMES WHICH is a permutation in general: who gives the
 * child its stderr as stdin and its stdin as stderr must not have the first
 * dup2() overwrite the source of the second.  So each source is first copied,
 * on our side, to a number above all that the child is to have; the copies are
 * close-on-exec, like everything else of the library's, and go with the exec.
 * That holds as well for a program that has closed its standard descriptors,
 * and whose pipes have their numbers.
 *
 * What else the program has open is closed in the child, unless it is asked
 * not to be: libraries open files without telling, and without O_CLOEXEC.
 *
 * NOTHING IS HALF DONE  All that may fail comes before the child is started,
 * but for its pidfd.  Without that one, process.c has another way.
 *
 * THE EXEC BLOCKS whoever starts the child, for as long as the loading of its
 * program takes, which may have to come from a disk.  So a thread of the pool
 * does that for a task; where none is to be had, the worker itself.  A task
 * that is cancelled before has started nothing.
 *
 * The pipes' ends are two open files each: ours is in non-blocking mode, and
 * the child's, which its program expects to block, is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "arch/exec.h"
#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/offload.h"
#include "io/process.h"
#include "sched/pool.h"

enum {
	MOST = 65535, /* The largest number of a child's descriptor. */
};

/* What is being prepared. */
struct start {
	const go_process_options *options;
	go_process *p;
	struct go__exec exec;
	struct go__exec_dup *dups;
	int above; /* The child's numbers are below this. */
};

/* ---- checking ---- */

static int check_stdio(int kind, bool is_err)
{
	if (kind < 0 || (kind == GO_STDIO_STDOUT && !is_err))
		return -EINVAL;
	return 0;
}

static int check_fds(const go_process_options *o)
{
	if (o->fd_count && (!o->fds || o->fd_count > MOST))
		return -EINVAL;
	for (uint32_t i = 0; i < o->fd_count; i++) {
		if (o->fds[i].child_fd < 3 || o->fds[i].child_fd > MOST)
			return -EINVAL;
		if (o->fds[i].fd < 0)
			return -EBADF;
		for (uint32_t j = 0; j < i; j++)
			if (o->fds[i].child_fd == o->fds[j].child_fd)
				return -EINVAL;
	}
	return 0;
}

static int check(const go_process_options *o)
{
	for (size_t i = 0; i < sizeof(o->reserved) / sizeof(o->reserved[0]);
	     i++)
		if (o->reserved[i])
			return -EINVAL;
	if (check_stdio(o->in, false) < 0 || check_stdio(o->out, false) < 0 ||
	    check_stdio(o->err, true) < 0)
		return -EINVAL;
	return check_fds(o);
}

/* ---- descriptors ---- */

/* The child's `to` is to be a copy of our fd. */
static int add_dup(struct start *s, int fd, int to)
{
	int copy = go__sys_fcntl(fd, F_DUPFD_CLOEXEC, s->above);

	if (copy < 0)
		return copy;
	s->dups[s->exec.dup_count++] = (struct go__exec_dup){copy, to};
	return 0;
}

/* Which = 0: we write, the child reads; 1 and 2 the other way. */
static int add_pipe(struct start *s, int which)
{
	int ends[2], ours, its;
	int r = go__sys_pipe2(ends, O_CLOEXEC);

	if (r < 0)
		return r;
	ours = ends[which == 0];
	its = ends[which != 0];
	r = go__sys_fcntl(ours, F_SETFL, O_NONBLOCK);
	if (r == 0)
		r = go__fd_adopt(ours, GO__FD_OWN);
	if (r < 0) {
		go__sys_close(ours);
	} else {
		s->p->pipe[which] = ours;
		r = add_dup(s, its, which);
	}
	go__sys_close(its);
	return r;
}

static int add_stdio(struct start *s, int which, int kind)
{
	switch (kind) {
	case GO_STDIO_INHERIT:
		return 0;
	case GO_STDIO_NULL:
		s->exec.null[which] = true;
		return 0;
	case GO_STDIO_PIPE:
		return add_pipe(s, which);
	case GO_STDIO_STDOUT:
		s->exec.err_is_out = true;
		return 0;
	default:
		return add_dup(s, kind - GO_STDIO_FIRST_FD, which);
	}
}

static int add_all(struct start *s)
{
	const go_process_options *o = s->options;
	int r = add_stdio(s, 0, o->in);

	if (r == 0)
		r = add_stdio(s, 1, o->out);
	if (r == 0)
		r = add_stdio(s, 2, o->err);
	for (uint32_t i = 0; i < o->fd_count && r == 0; i++)
		r = add_dup(s, o->fds[i].fd, o->fds[i].child_fd);
	return r;
}

static void close_pipes(go_process *p)
{
	for (int i = 0; i < 3; i++)
		if (p->pipe[i] >= 0)
			(void)go__fd_close(p->pipe[i]);
}

/* ---- starting ---- */

/* It runs: nothing may fail any more. */
static void open_pidfd(go_process *p)
{
	p->pidfd = go__sys_pidfd_open(p->pid, 0);
	if (p->pidfd >= 0 && go__fd_adopt(p->pidfd, GO__FD_OWN) < 0) {
		go__sys_close(p->pidfd);
		p->pidfd = -1;
	}
}

struct exec_job {
	struct go__offload offload;
	struct start *start;
	bool begun;
};

static int64_t exec_there(struct go__offload *self)
{
	struct exec_job *job = (struct exec_job *)self;
	int r;

	job->begun = true;
	r = go__exec_spawn(&job->start->exec, &job->start->p->pid);
	if (r == 0) {
		go__pool_stay();
		/* At once: whoever else reaps it gives its number away. */
		open_pidfd(job->start->p);
	}
	return r;
}

/* Suspends. */
static int exec(struct start *s)
{
	struct exec_job job = {.offload.run = exec_there, .start = s};
	int64_t r = go__offload(&job.offload);

	if (!job.begun && (r == -EAGAIN || r == -ENOMEM))
		r = exec_there(&job.offload);
	return (int)r;
}

static int start(struct start *s)
{
	const go_process_options *o = s->options;
	sigset_t blocked, defaults;
	int r = add_all(s);

	if (r == 0) {
		sigemptyset(&blocked);
		sigemptyset(&defaults);
		if (o->defaults)
			defaults = *o->defaults;
		sigaddset(&defaults, SIGPIPE);
		s->exec.blocked = o->blocked ? o->blocked : &blocked;
		s->exec.defaults = &defaults;
		s->exec.dups = s->dups;
		s->exec.close_from = o->inherit_fds ? 0 : s->above;
		r = exec(s);
	}
	for (size_t i = 0; i < s->exec.dup_count; i++)
		go__sys_close(s->dups[i].from);
	return r;
}

static int make(struct start *s)
{
	go_process *p = go__sys_calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	s->dups = go__sys_calloc(3 + (size_t)s->options->fd_count,
				 sizeof(*s->dups));
	if (!s->dups) {
		go__sys_free(p);
		return -ENOMEM;
	}
	s->p = p;
	p->group = s->exec.group || s->exec.session;
	for (int i = 0; i < 3; i++)
		p->pipe[i] = -1;
	r = start(s);
	go__sys_free(s->dups);
	if (r == 0)
		return 0;
	close_pipes(p);
	go__sys_free(p);
	return r;
}

int go_process_spawn(go_process **out, const char *file, char *const argv[],
		     const go_process_options *options)
{
	static const go_process_options none;
	const go_process_options *o = options ? options : &none;
	struct start s = {.options = o, .above = 3};
	int r = out && file && argv ? check(o) : -EINVAL;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < o->fd_count; i++)
		if (o->fds[i].child_fd >= s.above)
			s.above = o->fds[i].child_fd + 1;
	s.exec.file = file;
	s.exec.cwd = o->cwd;
	s.exec.argv = argv;
	s.exec.envp = o->envp;
	s.exec.group = o->group;
	s.exec.session = o->session;
	r = make(&s);
	if (r == 0)
		*out = s.p;
	return r;
}

int go_process_pipe(go_process *p, int which)
{
	int fd;

	if (!p || which < 0 || which > 2)
		return -EINVAL;
	fd = p->pipe[which];
	p->pipe[which] = -1;
	return fd >= 0 ? fd : -EBADF;
}
