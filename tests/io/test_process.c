/* SPDX-License-Identifier: MIT */
/*
 * Child processes: their status, pipes, signals and descriptors, with pidfds
 * and without, from tasks and from plain threads.
 */
#include "support_process.h"

/* ---- statuses ---- */

static void *statuses(void *unused)
{
	go_process *p;
	int status = -1;
	int r;

	(void)unused;
	r = status_of("exit 0", NULL);
	MUST(r == 0);
	r = status_of("exit 7", NULL);
	MUST(WIFEXITED(r) && WEXITSTATUS(r) == 7);
	r = status_of("kill -KILL $$", NULL);
	MUST(WIFSIGNALED(r) && WTERMSIG(r) == SIGKILL);
	p = begin("exit 3", NULL);
	MUST(p && go_process_pid(p) > 0);
	while ((r = go_process_try_wait(p, &status)) == -EAGAIN)
		go_sleep(GO_MILLISECOND);
	MUST(r == 0 && WEXITSTATUS(status) == 3);
	/* Again, and as often as one likes. */
	MUST(go_process_wait(p, &status) == 0 && WEXITSTATUS(status) == 3);
	MUST(go_process_wait(p, NULL) == 0);
	MUST(go_process_kill(p, SIGTERM) == -ESRCH);
	MUST(go_process_pipe(p, STDIN_FILENO) == -EBADF);
	MUST(go_process_release(p) == 0 && is_childless());
	return NULL;
}

Test(process, statuses, .timeout = 60)
{
	run_all(statuses);
}

Test(process, wrong, .timeout = 60)
{
	go_child_fd fds[2] = {{0, 3}, {0, 3}};
	go_process *p = NULL;
	char **argv = shell("exit 0");

	MAKE(go_process_options, o, .fds = fds, .fd_count = 2);
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EINVAL);
	fds[1].child_fd = 2;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EINVAL);
	fds[1].child_fd = 4;
	fds[1].fd = -1;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EBADF);
	fds[1].fd = 1000000;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EBADF);
	o.fds = NULL;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EINVAL);
	o.fd_count = 0;
	o.out = GO_STDIO_STDOUT;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EINVAL);
	o.out = -1;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EINVAL);
	o.out = 0;
	o.reserved[7] = 1;
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -EINVAL);
	cr_assert_eq(go_process_spawn(NULL, "sh", argv, NULL), -EINVAL);
	cr_assert_eq(go_process_spawn(&p, NULL, argv, NULL), -EINVAL);
	cr_assert_eq(go_process_spawn(&p, "sh", NULL, NULL), -EINVAL);
	cr_assert_null(p);
	cr_assert_eq(go_process_wait(NULL, NULL), -EINVAL);
	cr_assert_eq(go_process_try_wait(NULL, NULL), -EINVAL);
	cr_assert_eq(go_process_kill(NULL, 1), -EINVAL);
	cr_assert_eq(go_process_terminate(NULL, 0, NULL), -EINVAL);
	cr_assert_eq(go_process_pipe(NULL, 0), -EINVAL);
	cr_assert_eq(go_process_fd(NULL), -EINVAL);
	cr_assert_eq(go_process_release(NULL), 0);
	cr_assert_eq(go_process_run("sh", argv, NULL, NULL), -EINVAL);
	cr_assert_eq(go_waitpid(-1, NULL, 0), -ECHILD);
	cr_assert_eq(go_waitpid(getpid(), NULL, WNOHANG), -ECHILD);
	cr_assert(is_childless());
}

/* What keeps a program from being started is the result. */
Test(process, not_started, .timeout = 60)
{
	go_process *p = NULL;
	char **argv = shell("exit 0");

	MAKE(go_process_options, o, .cwd = "/nowhere", .out = GO_STDIO_PIPE);
	if (go__sanitize_on_valgrind())
		cr_skip_test(VFORK_IS_FORK);
	cr_assert_eq(go_process_spawn(&p, "no-such-program", argv, NULL),
		     -ENOENT);
	cr_assert_eq(go_process_spawn(&p, "/no/such/program", argv, NULL),
		     -ENOENT);
	cr_assert_eq(go_process_spawn(&p, "/etc/passwd", argv, NULL), -EACCES);
	cr_assert_eq(go_process_spawn(&p, "sh", argv, &o), -ENOENT);
	cr_assert(!p && is_childless());
}

#ifndef __cplusplus
#include "io/fdtable.h"

/*
 * A child of a fork is not the parent of what its parent has released; the
 * number by which that was waited for is free there, and nobody's.
 */
Test(process, released_before_a_fork, .timeout = 60)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE);
	go_process *p = begin("read line", &o);
	int keep, number, status = 0;
	pid_t child;

	cr_assert(p);
	number = go_process_fd(p);
	keep = go_process_pipe(p, STDIN_FILENO);
	cr_assert_geq(keep, 0);
	cr_assert_eq(go_process_release(p), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		struct go__fd *e = number < 0 ? NULL : go__fd_find(number);

		_exit((e && go__fd_kind(e)) ||
		      (e && fcntl(number, F_GETFD) >= 0));
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert_eq(go_close(keep), 0);
	await_childless();
}
#endif

/* ---- several waiters ---- */

static void *wait_for(void *p)
{
	int status = -1;
	int r = go_process_wait((go_process *)p, &status);

	return GO_INT(r < 0 ? r : status);
}

enum {
	WAITERS = 4
};

static void *waiters(void *unused)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE);
	go_process *p = begin("read line; exit 5", &o);
	go_task t[WAITERS];
	go_deadline scope;
	int status = 0, r, fd;

	(void)unused;
	MUST(p);
	for (int i = 0; i < WAITERS; i++)
		MUST(go_task_spawn(&t[i], wait_for, p) == 0);
	MUST(go_timeout_begin(&scope, 2 * GO_MILLISECOND) == 0);
	r = go_process_wait(p, &status);
	go_deadline_end(&scope);
	MUST(r == -ETIMEDOUT);
	MUST(go_task_cancel(t[0]) == 0 && result_of(t[0]) == -ECANCELED);
	fd = go_process_pipe(p, STDIN_FILENO);
	MUST(fd >= 0 && go_process_pipe(p, STDIN_FILENO) == -EBADF);
	MUST(go_write_all(fd, "\n", 1, NULL) == 0);
	MUST(go_process_wait(p, &status) == 0 && WEXITSTATUS(status) == 5);
	for (int i = 1; i < WAITERS; i++)
		MUST(WEXITSTATUS(result_of(t[i])) == 5);
	MUST(go_close(fd) == 0 && go_process_release(p) == 0);
	return NULL;
}

Test(process, waiters, .timeout = 60)
{
	run_tasks(waiters);
}

/* ---- pipes ---- */

struct stream {
	int fd;
	size_t bytes;
};

static char byte_at(size_t i)
{
	return (char)(i * 7 + (i >> 9));
}

static void *write_stream(void *arg)
{
	struct stream *s = (struct stream *)arg;
	char chunk[5000];
	int r = 0;

	for (size_t at = 0; at < s->bytes && r == 0;) {
		size_t n = 0;

		for (; n < sizeof chunk && at < s->bytes; n++)
			chunk[n] = byte_at(at++);
		r = go_write_all(s->fd, chunk, n, NULL);
	}
	if (go_close(s->fd) < 0)
		r = -EIO;
	return GO_INT(r);
}

/* Much more than a pipe holds, there and back. */
static void *through_cat(void *unused)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE, .out = GO_STDIO_PIPE);
	go_process *p = begin("exec cat", &o);
	struct stream s = {0, (size_t)(1 << 20)};
	size_t have = 0;
	char chunk[7000];
	go_task writer;
	ssize_t n;
	int from, status = -1;

	(void)unused;
	MUST(p);
	s.fd = go_process_pipe(p, STDIN_FILENO);
	from = go_process_pipe(p, STDOUT_FILENO);
	MUST(s.fd >= 0 && from >= 0);
	MUST(go_process_pipe(p, STDERR_FILENO) == -EBADF);
	MUST(fcntl(from, F_GETFD) == FD_CLOEXEC);
	MUST(go_task_spawn(&writer, write_stream, &s) == 0);
	while ((n = go_read(from, chunk, sizeof chunk)) > 0)
		for (ssize_t i = 0; i < n; i++)
			MUST(chunk[i] == byte_at(have++));
	MUST(n == 0 && have == s.bytes && result_of(writer) == 0);
	MUST(go_close(from) == 0);
	MUST(go_process_wait(p, &status) == 0 && status == 0);
	MUST(go_process_release(p) == 0);
	return NULL;
}

Test(process, through_cat, .timeout = 120)
{
	run_everywhere(through_cat, NULL);
}

/* Ours do not block; the child's do. */
Test(process, pipes_block_the_child_only, .timeout = 60)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE, .out = GO_STDIO_PIPE);
	go_process *p = begin("grep flags /proc/self/fdinfo/0"
			      " /proc/self/fdinfo/1",
			      &o);
	char text[200];
	size_t have = 0;
	int fd;

	cr_assert_not_null(p);
	fd = go_process_pipe(p, STDOUT_FILENO);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert_eq(go_read_full(fd, text, sizeof text, &have), -ENODATA);
	text[have] = '\0';
	/* O_NONBLOCK is 04000. */
	for (char *s = text; (s = strstr(s, "flags:")); s++)
		cr_assert_eq(strtol(s + 6, NULL, 8) & O_NONBLOCK, 0, "%s",
			     text);
	cr_assert_eq(go_close(fd), 0);
	cr_assert_eq(go_process_release(p), 0);
}

/* ---- descriptors ---- */

/* A program of one line: what descriptors there are, by number. */
#define LIST "for f in /proc/self/fd/*; do echo ${f##*/}; done"

static const char *list_fds(const go_process_options *o, const char *command)
{
	static char text[1000];
	MAKE(go_process_io, io, .out = text, .out_size = sizeof text - 1);
	int r = go_process_run("sh", shell(command), o, &io);

	text[io.out_bytes] = '\0';
	if (r || io.status)
		snprintf(text + io.out_bytes, 20, "%d %#x", r, io.status);
	return text;
}

Test(process, no_descriptor_leaks, .timeout = 60)
{
	int leak[2], high;
	go_process *other;
	go_child_fd fds[2];

	MAKE(go_process_options, o, .in = GO_STDIO_NULL);
	cr_assert_eq(pipe(leak), 0);
	high = fcntl(leak[0], F_DUPFD, 700);
	cr_assert_eq(high, 700);
	MAKE(go_process_options, piped, .in = GO_STDIO_PIPE,
	     .out = GO_STDIO_PIPE, .err = GO_STDIO_PIPE);
	other = begin("read line", &piped);
	cr_assert_not_null(other);
	/* The shell's own directory stream is among them, as the number that
	 * is free next. */
	cr_assert_str_eq(list_fds(&o, LIST), "0\n1\n2\n3\n");
	fds[0].fd = leak[0];
	fds[0].child_fd = 9;
	fds[1].fd = leak[1];
	fds[1].child_fd = 5;
	o.fds = fds;
	o.fd_count = 2;
	cr_assert_str_eq(list_fds(&o, LIST), "0\n1\n2\n3\n5\n9\n");
	o.fd_count = 0;
	o.inherit_fds = true;
	cr_assert(strstr(list_fds(&o, LIST), "\n700\n"));
	cr_assert_eq(go_process_terminate(other, GO_SECOND, NULL), 0);
	cr_assert_eq(go_process_release(other), 0);
	close(high);
	close(leak[0]);
	close(leak[1]);
}

/* Sources and targets in a circle, and the same one twice. */
Test(process, descriptors_in_a_circle, .timeout = 60)
{
	char text[100] = "", more[8] = "";
	int a[2], b[2];
	go_child_fd fds[2];

	cr_assert(pipe(a) == 0 && pipe(b) == 0);
	cr_assert(dup2(a[1], 700) == 700 && dup2(b[1], 701) == 701);
	fds[0].fd = 700;
	fds[0].child_fd = 701;
	fds[1].fd = 701;
	fds[1].child_fd = 700;
	MAKE(go_process_options, o, .fds = fds, .fd_count = 2,
	     .out = GO_STDIO_OF(701), .err = GO_STDIO_STDOUT);
	cr_assert_eq(status_of("echo out; echo err >&2;"
			       "echo a >/proc/self/fd/701;"
			       "echo b >/proc/self/fd/700",
			       &o),
		     0);
	cr_assert_eq(read(a[0], more, sizeof more), 2);
	cr_assert_str_eq(more, "a\n");
	cr_assert_eq(read(b[0], text, sizeof text), 10);
	cr_assert_str_eq(text, "out\nerr\nb\n");
}

static void *spawn_bare(void *unused)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE, .out = GO_STDIO_PIPE,
	     .err = GO_STDIO_STDOUT);
	go_process *p = begin("cat; echo x >&2", &o);
	char text[8] = "";
	size_t have = 0;
	int to, from;

	(void)unused;
	MUST(p);
	to = go_process_pipe(p, STDIN_FILENO);
	from = go_process_pipe(p, STDOUT_FILENO);
	MUST(go_write_all(to, "y\n", 2, NULL) == 0 && go_close(to) == 0);
	MUST(go_read_full(from, text, 7, &have) == -ENODATA && have == 4);
	MUST(strcmp(text, "y\nx\n") == 0);
	MUST(go_close(from) == 0 && go_process_release(p) == 0);
	return NULL;
}

/* In a program that has closed its own, pipes have their numbers. */
Test(process, without_standard_descriptors, .timeout = 60)
{
	int keep = fcntl(2, F_DUPFD_CLOEXEC, 100);
	const char *wrong;

	close(0);
	close(1);
	close(2);
	wrong = (const char *)spawn_bare(NULL);
	dup2(keep, 2);
	cr_assert_null(wrong, "%s", wrong);
}

/* ---- signals ---- */

Test(process, signals_are_as_at_the_start, .timeout = 60)
{
	sigset_t set;
	int r;

	/* We block and handle and ignore; the child does not. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	cr_assert_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	r = status_of("kill -TERM $$; sleep 60", NULL);
	cr_assert(WIFSIGNALED(r) && WTERMSIG(r) == SIGTERM);
	r = status_of("kill -PIPE $$; sleep 60", NULL);
	cr_assert(WIFSIGNALED(r) && WTERMSIG(r) == SIGPIPE);
	/* What the program ignores stays so, unless said otherwise. */
	cr_assert_eq(status_of("kill -USR2 $$; exit 0", NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	MAKE(go_process_options, o, .defaults = &set);
	r = status_of("kill -USR2 $$; sleep 60", &o);
	cr_assert(WIFSIGNALED(r) && WTERMSIG(r) == SIGUSR2);
	MAKE(go_process_options, b, .blocked = &set);
	b.defaults = &set;
	cr_assert_eq(status_of("kill -USR2 $$; exit 0", &b), 0);
}

static void *terminated(void *unused)
{
	MAKE(go_process_options, o, .out = GO_STDIO_PIPE, .group = true);
	go_process *p = begin("echo; exec sleep 1000", NULL);
	int status = 0, from;
	char ready;

	(void)unused;
	MUST(p && go_process_kill(p, 0) == 0);
	MUST(go_process_kill(p, 12345) == -EINVAL);
	MUST(go_process_kill(p, SIGSTOP) == 0);
	MUST(go_process_terminate(p, 60 * GO_SECOND, &status) == 0);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	MUST(go_process_terminate(p, GO_SECOND, &status) == 0);
	MUST(go_process_release(p) == 0);
	/* One that does not want to, and one that it has started itself. */
	p = begin("trap '' TERM; echo; while :; do sleep 1000; done", &o);
	MUST(p);
	from = go_process_pipe(p, STDOUT_FILENO);
	MUST(go_read(from, &ready, 1) == 1);
	MUST(go_process_terminate(p, 5 * GO_MILLISECOND, &status) == 0);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* The sleep has the pipe, too: it has ended with the group. */
	MUST(go_read(from, &ready, 1) == 0);
	MUST(go_close(from) == 0 && go_process_release(p) == 0);
	return NULL;
}

Test(process, terminated, .timeout = 60)
{
	run_all(terminated);
}

#ifdef GO_TEST_HOOKS
static int refusal;

static int no_signals(enum go__sys_call call)
{
	return call == GO__SYS_pidfd_send_signal ? refusal : 0;
}

static void *killed(void *unused)
{
	go_process *p = begin("exec sleep 60", NULL);
	int status = 0;

	(void)unused;
	MUST(p && go_process_kill(p, SIGKILL) == 0);
	MUST(go_process_wait(p, &status) == 0);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	MUST(go_process_release(p) == 0);
	return NULL;
}

/* Where there are pidfds, but no signals may be sent by them. */
Test(process, pidfds_without_signals, .timeout = 60)
{
	static const int refusals[] = {-ENOSYS, -EPERM};

	for (int i = 0; i < 2; i++) {
		refusal = refusals[i];
		atomic_store(&go__sys_hook, no_signals);
		run_tasks(killed);
	}
	(void)test_fail_stop();
}
#endif
