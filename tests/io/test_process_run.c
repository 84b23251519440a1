/* SPDX-License-Identifier: MIT */
/*
 * Commands run to their end, children that nobody waits for, and those that
 * were not started here; and what happens when the system refuses.
 */
#include "support_process.h"

#include <spawn.h>
#include <sys/prctl.h>

/* ---- commands ---- */

static void *commands(void *unused)
{
	char out[100] = "", err[100] = "", input[] = "2\n3\n1\n";
	MAKE(go_process_options, o, .in = GO_STDIO_NULL, .cwd = "/usr");
	char variable[] = "NAME=value", *envp[] = {variable, NULL};
	MAKE(go_process_io, io, .input = input, .input_bytes = 6, .out = out,
	     .out_size = sizeof out, .err = err, .err_size = sizeof err);

	(void)unused;
	MUST(go_process_run("sh", shell("sort; echo no >&2; exit 4"), NULL,
			    &io) == 0);
	MUST(WEXITSTATUS(io.status) == 4 && !io.truncated);
	MUST(io.out_bytes == 6 && memcmp(out, "1\n2\n3\n", 6) == 0);
	MUST(io.err_bytes == 3 && memcmp(err, "no\n", 3) == 0);
	/* Exactly what there is room for, and a byte less. */
	io.out_size = 6;
	MUST(go_process_run("sh", shell("sort"), NULL, &io) == 0);
	MUST(io.out_bytes == 6 && !io.truncated && io.status == 0);
	io.out_size = 5;
	MUST(go_process_run("sh", shell("exec sort"), NULL, &io) == 0);
	MUST(io.out_bytes == 5 && io.truncated);
	io.input = NULL;
	io.out_size = sizeof out;
	o.envp = envp;
	MUST(go_process_run("sh", shell("pwd; echo $NAME; cat"), &o, &io) == 0);
	MUST(io.out_bytes == 11 && memcmp(out, "/usr\nvalue\n", 11) == 0);
	/* Endless output, and input that nobody reads. */
	MUST(go_process_run("sh", shell("exec yes"), NULL, &io) == 0);
	MUST(io.truncated && io.out_bytes == sizeof out);
	MUST(WIFSIGNALED(io.status) && WTERMSIG(io.status) == SIGPIPE);
	MUST(go__sanitize_on_valgrind() || /* VFORK_IS_FORK */
	     go_process_run("no-such-program", shell(""), &o, &io) == -ENOENT);
	MUST(is_childless());
	return NULL;
}

Test(process_run, commands, .timeout = 60)
{
	run_all(commands);
}

enum {
	LARGE = 300000
};

static char large_in[LARGE], large_out[LARGE + 1];

/* It prints before it has read it all. */
static void *large(void *unused)
{
	MAKE(go_process_io, io, .input = large_in, .input_bytes = LARGE,
	     .out = large_out, .out_size = sizeof large_out);

	(void)unused;
	for (size_t i = 0; i < LARGE; i++)
		large_in[i] = (char)(i * 7 + (i >> 9));
	char name[] = "cat", *argv[] = {name, NULL};
	MUST(go_process_run("cat", argv, NULL, &io) == 0 && io.status == 0);
	MUST(io.out_bytes == LARGE && memcmp(large_in, large_out, LARGE) == 0);
	MUST(go_process_run("true", argv, NULL, &io) == 0);
	MUST(io.status == 0 && io.out_bytes == 0);
	return NULL;
}

Test(process_run, large, .timeout = 60)
{
	run_everywhere(large, NULL);
	cr_assert_null(large(NULL));
}

static void *too_slow(void *unused)
{
	char out[100];
	MAKE(go_process_io, io, .out = out, .out_size = sizeof out,
	     .grace_ns = GO_MILLISECOND);
	int64_t time = 50 * GO_MILLISECOND;
	go_deadline scope;
	int r;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		const char *command = i ? "trap '' TERM; echo abc; while :; do "
					  "sleep 0.1; done"
					: "echo abc; exec sleep 1000";

		/* On a slow machine it has not even begun when time is up. */
		do {
			time *= 2;
			MUST(go_timeout_begin(&scope, time) == 0);
			r = go_process_run("sh", shell(command), NULL, &io);
			go_deadline_end(&scope);
			MUST(r == -ETIMEDOUT && is_childless());
		} while (io.out_bytes == 0);
		MUST(WIFSIGNALED(io.status));
	}
	return NULL;
}

Test(process_run, too_slow, .timeout = 60)
{
	run_all(too_slow);
}

static void *run_sleep(void *unused)
{
	char out[100];
	MAKE(go_process_io, io, .out = out, .out_size = sizeof out);

	(void)unused;
	return GO_INT(
		go_process_run("sh", shell("exec sleep 1000"), NULL, &io));
}

static void *cancelled(void *unused)
{
	go_task t;

	(void)unused;
	MUST(go_task_spawn(&t, run_sleep, NULL) == 0);
	go_sleep(5 * GO_MILLISECOND);
	MUST(go_task_cancel(t) == 0 && result_of(t) == -ECANCELED);
	MUST(is_childless());
	return NULL;
}

Test(process_run, cancelled, .timeout = 60)
{
	run_tasks(cancelled);
}

/* ---- nobody waits ---- */

static void *released(void *unused)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE, .out = GO_STDIO_PIPE);
	go_process *p;
	int to;

	(void)unused;
	p = begin("exit 0", NULL);
	MUST(p && go_process_release(p) == 0);
	await_childless();
	/* One that goes on until it is told; the pipe that was not taken is
	 * closed. */
	p = begin("read line", &o);
	MUST(p);
	to = go_process_pipe(p, STDIN_FILENO);
	MUST(go_process_release(p) == 0 && !is_childless());
	MUST(go_close(to) == 0);
	await_childless();
	p = begin("cat", &o);
	MUST(p && go_process_release(p) == 0);
	await_childless();
	return NULL;
}

Test(process_run, released, .timeout = 60)
{
	run_all(released);
}

Test(process_run, session_and_group, .timeout = 60)
{
	char out[100] = "";
	int pid, group, session;

	MAKE(go_process_io, io, .out = out, .out_size = sizeof out - 1);
	MAKE(go_process_options, o, .session = true);
	cr_assert_eq(go_process_run("sh",
				    shell("cut -d' ' -f1,5,6 /proc/$$/stat"),
				    &o, &io),
		     0);
	out[io.out_bytes] = '\0';
	cr_assert_eq(sscanf(out, "%d %d %d", &pid, &group, &session), 3);
	cr_assert(pid == group && pid == session);
	o.session = false;
	o.group = true;
	cr_assert_eq(go_process_run("sh",
				    shell("cut -d' ' -f1,5,6 /proc/$$/stat"),
				    &o, &io),
		     0);
	out[io.out_bytes] = '\0';
	cr_assert_eq(sscanf(out, "%d %d %d", &pid, &group, &session), 3);
	cr_assert(pid == group && session == getsid(0));
}

/* ---- waitpid ---- */

static pid_t fork_one(int code)
{
	pid_t child = fork();

	if (child == 0) {
		if (code < 0)
			raise(SIGSTOP);
		_exit(code < 0 ? 9 : code);
	}
	return child;
}

static void *any_child(void *unused)
{
	pid_t child;
	int status = 0;

	(void)unused;
	child = fork_one(6);
	MUST(go_waitpid(child, &status, 0) == child);
	MUST(WEXITSTATUS(status) == 6);
	MUST(go_waitpid(child, &status, 0) == -ECHILD);
	child = fork_one(8);
	MUST(go_waitpid(-1, &status, 0) == child && WEXITSTATUS(status) == 8);
	child = fork_one(-1);
	MUST(go_waitpid(child, &status, WUNTRACED) == child);
	MUST(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	MUST(go_waitpid(child, &status, WNOHANG) == 0);
	MUST(kill(child, SIGCONT) == 0);
	MUST(go_waitpid(0, NULL, 0) == child && is_childless());
	return NULL;
}

Test(process_run, waitpid, .timeout = 60)
{
	/* A fork of a threaded process that only exits. */
	run_in(GO_CURRENT_THREAD, 0, any_child, NULL);
	cr_assert_null(any_child(NULL));
}

enum {
	CHILDREN = 12,
	REAPERS = 4,
};

/* A child that is no go_process. */
static pid_t posix_child(const char *command)
{
	pid_t child = -1;

	return posix_spawnp(&child, "sh", NULL, NULL, shell(command),
			    environ) == 0
		       ? child
		       : -1;
}

static void *reap_some(void *seen)
{
	for (int i = 0; i < CHILDREN / REAPERS; i++) {
		int status = -1;
		pid_t pid = go_waitpid(-1, &status, 0);

		MUST(pid > 0 && WIFEXITED(status));
		/* Each child once. */
		MUST(WEXITSTATUS(status) < CHILDREN);
		((bool *)seen)[WEXITSTATUS(status)] = true;
	}
	return NULL;
}

static void *waitpid_of_many(void *unused)
{
	bool seen[CHILDREN] = ALL_ZERO;
	go_task t[REAPERS];
	char text[40];

	(void)unused;
	/* Some are waited for, some are to be had at once. */
	for (int i = 0; i < CHILDREN; i++) {
		snprintf(text, sizeof text, "sleep 0.0%d; exit %d", i % 3, i);
		MUST(posix_child(text) > 0);
	}
	for (int i = 0; i < REAPERS; i++)
		MUST(go_task_spawn(&t[i], reap_some, seen) == 0);
	for (int i = 0; i < REAPERS; i++)
		MUST(result_of(t[i]) == 0);
	for (int i = 0; i < CHILDREN; i++)
		MUST(seen[i]);
	MUST(is_childless());
	return NULL;
}

Test(process_run, waitpid_of_many, .timeout = 60)
{
	run_tasks(waitpid_of_many);
}

static void *wait_for_it(void *child)
{
	int status = -1;
	pid_t r = go_waitpid(GO_TO_INT(child), &status, 0);

	return GO_INT(r < 0 ? r : status);
}

/* One that is given up has reaped nobody. */
static void *waitpid_given_up(void *unused)
{
	pid_t child = posix_child("exec sleep 1000");
	go_deadline scope;
	int status = -1;
	go_task t;
	pid_t r;

	(void)unused;
	MUST(child > 0);
	MUST(go_timeout_begin(&scope, 2 * GO_MILLISECOND) == 0);
	r = go_waitpid(child, &status, 0);
	go_deadline_end(&scope);
	MUST(r == -ETIMEDOUT);
	MUST(go_task_spawn(&t, wait_for_it, GO_INT(child)) == 0);
	MUST(go_yield() == 0);
	MUST(go_task_cancel(t) == 0 && result_of(t) == -ECANCELED);
	MUST(go_task_spawn(&t, wait_for_it, GO_INT(child)) == 0);
	MUST(kill(child, SIGKILL) == 0);
	status = result_of(t);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	MUST(is_childless());
	return NULL;
}

Test(process_run, waitpid_given_up, .timeout = 60)
{
	run_tasks(waitpid_given_up);
}

/* ---- one that has ended ---- */

/* Nobody waits yet, so its end is nobody's edge and no subscriber's signal. */
static void *ended_before(void *unused)
{
	go_process *p = begin("exit 3", NULL);
	siginfo_t info;
	int status = -1;

	(void)unused;
	MUST(p);
	MUST(waitid(P_PID, (id_t)go_process_pid(p), &info, WEXITED | WNOWAIT) ==
	     0);
	MUST(go_process_wait(p, &status) == 0 && WEXITSTATUS(status) == 3);
	MUST(go_process_release(p) == 0 && is_childless());

	/* And reaped by somebody else. */
	p = begin("exit 3", NULL);
	MUST(p);
	MUST(waitpid(go_process_pid(p), &status, 0) == go_process_pid(p));
	MUST(go_process_wait(p, &status) == -ECHILD);
	MUST(go_process_try_wait(p, NULL) == -ECHILD);
	MUST(go_process_kill(p, SIGKILL) == -ESRCH);
	MUST(go_process_release(p) == 0 && is_childless());
	return NULL;
}

Test(process_run, ended_before, .timeout = 60)
{
	run_all(ended_before);
}

/* ---- one that is to end with its parent ---- */

#define MORTAL "GOFER_TEST_MORTAL"

/* In a child of start_mortal(), which is this program again. */
__attribute__((constructor)) static void be_mortal(void)
{
	if (!getenv(MORTAL))
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || write(1, "r", 1) != 1)
		_exit(1);
	pause();
	_exit(2);
}

/*
 * The parent of a child is, to PR_SET_PDEATHSIG, the thread that has started
 * it.  That is one of the pool's, which does not end when it has nothing to do.
 */
static void *start_mortal(void *unused)
{
	char self[] = "/proc/self/exe", mark[] = MORTAL "=1";
	char *argv[] = {self, NULL}, *envp[] = {mark, NULL};
	MAKE(go_process_options, o, .envp = envp, .out = GO_STDIO_PIPE);
	go_process *p = NULL;
	int status = 0, fd;
	char c = 0;

	(void)unused;
	MUST(go_process_spawn(&p, self, argv, &o) == 0);
	fd = go_process_pipe(p, STDOUT_FILENO);
	MUST(go_read(fd, &c, 1) == 1 && c == 'r');
	/* Several times what the pool keeps a thread for. */
	MUST(go_sleep(400 * GO_MILLISECOND) == 0);
	MUST(go_process_try_wait(p, NULL) == -EAGAIN);
	MUST(go_process_kill(p, SIGTERM) == 0);
	MUST(go_process_wait(p, &status) == 0);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	MUST(go_process_release(p) == 0 && go_close(fd) == 0);
	return NULL;
}

Test(process_run, outlives_idle_threads, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_MULTI_THREAD, .workers = 2,
	     .blocking_keep_alive_ns = 100 * GO_MILLISECOND);
	void *result = NULL;

	if (go__sanitize_on_valgrind())
		cr_skip_test("valgrind is what /proc/self/exe is there");
	cr_assert_eq(go_run_with(&o, start_mortal, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

/* ---- many ---- */

static ATOMIC(int) wrong;

static void *one_of_many(void *arg)
{
	int code = GO_TO_INT(arg);
	char text[20], name[] = "sh", option[] = "-c";
	char *argv[] = {name, option, text, NULL};
	go_process *p = NULL;
	int status = -1;

	snprintf(text, sizeof text, "exit %d", code);
	if (go_process_spawn(&p, "sh", argv, NULL) < 0 ||
	    (code % 3 && (go_process_wait(p, &status) < 0 ||
			  WEXITSTATUS(status) != code)) ||
	    go_process_release(p) < 0)
		atomic_fetch_add(&wrong, 1);
	return NULL;
}

static void *many(void *unused)
{
	int rounds = (int)test_rounds(50);

	(void)unused;
	MAKE(go_group_options, o, .limit = 8);
	go_group group;
	MUST(go_group_init(&group, &o) == 0);
	for (int i = 0; i < rounds; i++)
		MUST(go_group_spawn(&group, one_of_many, GO_INT(i % 200)) == 0);
	MUST(go_group_wait(&group) == 0 && atomic_load(&wrong) == 0);
	await_childless();
	return NULL;
}

Test(process_run, many, .timeout = 300)
{
	run_tasks(many);
}

/* ---- when the system refuses ---- */

#ifdef GO_TEST_HOOKS
static unsigned open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Calls without which it does as well: then it has not failed. */
static void refuse(enum go__sys_call call, int error)
{
	bool failed = true;
	unsigned before;

	/* Once, for what is made at first use: the helper's, too. */
	cr_assert_null(commands(NULL));
	go__sys_hook = no_pidfds;
	cr_assert_null(commands(NULL));
	(void)test_fail_stop();
	before = open_fds();
	for (unsigned n = 1; failed; n++) {
		MAKE(go_process_options, o, .in = GO_STDIO_PIPE,
		     .out = GO_STDIO_PIPE, .err = GO_STDIO_PIPE);
		go_process *p = NULL;
		int r, status = -1;

		cr_assert_lt(n, 60);
		test_fail_nth_with(call, n, error);
		r = go_process_spawn(&p, "sh", shell("exit 3"), &o);
		if (r == 0) {
			r = go_process_wait(p, &status);
			failed = test_fail_stop();
			if (r < 0)
				r = go_process_wait(p, &status);
			cr_assert(r == 0 && WEXITSTATUS(status) == 3);
			cr_assert_eq(go_process_release(p), 0);
		} else {
			failed = test_fail_stop();
			cr_assert(r == error && failed && !p, "%d", r);
		}
		cr_assert(is_childless() && open_fds() == before);
	}
}

#define REFUSED(name, error)                                                   \
	Test(process_run, no_##name, .timeout = 60)                            \
	{                                                                      \
		refuse(GO__SYS_##name, error);                                 \
	}
REFUSED(calloc, -ENOMEM)
REFUSED(pipe2, -EMFILE)
REFUSED(fcntl, -EMFILE)
REFUSED(spawn, -EAGAIN)
REFUSED(pidfd_open, -EMFILE)
REFUSED(ppoll, -EINTR)

/* ---- who waits for the exec ---- */

static ATOMIC(bool) in_exec, let_exec;

static int slow_exec(enum go__sys_call call)
{
	if (call != GO__SYS_spawn)
		return 0;
	atomic_store(&in_exec, true);
	while (!atomic_load(&let_exec))
		usleep(100);
	return 0;
}

static void *start_one(void *unused)
{
	(void)unused;
	return GO_INT(status_of("exit 3", NULL));
}

/* The only worker runs us while the other task's exec takes its time. */
static void *meanwhile(void *unused)
{
	void *result = NULL;
	go_task task;

	(void)unused;
	MUST(go_task_spawn(&task, start_one, NULL) == 0);
	while (!atomic_load(&in_exec))
		go_sleep(100 * GO_MICROSECOND);
	atomic_store(&let_exec, true);
	MUST(go_task_join(task, &result) == 0);
	MUST(WEXITSTATUS(GO_TO_INT(result)) == 3 && is_childless());
	return NULL;
}

Test(process_run, exec_leaves_the_worker, .timeout = 30)
{
	atomic_store(&go__sys_hook, slow_exec);
	run_in(GO_CURRENT_THREAD, 0, meanwhile, NULL);
	(void)test_fail_stop();
}

/*
 * A child's number is its own until somebody reaps it, who may be anybody.  So
 * the pidfd is opened where the child was started, and not when the task that
 * waits for that has its next turn.
 */
static pthread_t opened_by;

static int note_opener(enum go__sys_call call)
{
	if (call == GO__SYS_pidfd_open)
		opened_by = pthread_self();
	return 0;
}

Test(process_run, pidfd_at_once, .timeout = 30)
{
	opened_by = pthread_self();
	go__sys_hook = note_opener;
	run_in(GO_CURRENT_THREAD, 0, ended_before, NULL);
	(void)test_fail_stop();
	cr_assert(!pthread_equal(opened_by, pthread_self()));
}

static int no_threads(enum go__sys_call call)
{
	return call == GO__SYS_thread_create ? -EAGAIN : 0;
}

static void *without_pool(void *unused)
{
	atomic_store(&go__sys_hook, no_threads);
	MUST(go_blocking(start_one, NULL, NULL) == -EAGAIN);
	MUST(WEXITSTATUS(GO_TO_INT(start_one(NULL))) == 3 && is_childless());
	return unused;
}

Test(process_run, exec_without_pool, .timeout = 30)
{
	if (!HAS_PIDFDS)
		cr_skip_test(NO_PIDFDS);
	run_in(GO_CURRENT_THREAD, 0, without_pool, NULL);
	(void)test_fail_stop();
}

static go_event job_may_end = GO_EVENT_INIT;
static ATOMIC(bool) job_runs;

static void *occupy(void *unused)
{
	atomic_store(&job_runs, true);
	(void)go_event_wait(&job_may_end);
	return unused;
}

static void *start_with_pipes(void *unused)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE, .out = GO_STDIO_PIPE);
	go_process *p = NULL;

	(void)unused;
	return GO_INT(go_process_spawn(&p, "sh", shell("exit 3"), &o));
}

/* Behind a job that takes the pool's only thread: it is not started at all. */
static void *withdrawn(void *unused)
{
	void *result = NULL;
	go_task job, task;
	unsigned before;

	MUST(go_blocking_task(&job, occupy, NULL) == 0);
	while (!atomic_load(&job_runs))
		go_sleep(100 * GO_MICROSECOND);
	before = open_fds();
	MUST(go_task_spawn(&task, start_with_pipes, NULL) == 0);
	/* Its pipes are there: it is about to wait, or does. */
	while (open_fds() == before)
		go_sleep(100 * GO_MICROSECOND);
	MUST(go_task_cancel(task) == 0);
	MUST(go_task_join(task, &result) == 0);
	MUST(GO_TO_INT(result) == -ECANCELED);
	MUST(open_fds() == before && is_childless());
	go_event_set(&job_may_end);
	MUST(go_task_join(job, NULL) == 0);
	return unused;
}

Test(process_run, exec_withdrawn, .timeout = 30)
{
	MAKE(go_runtime_options, one, .flavour = GO_MULTI_THREAD, .workers = 2,
	     .max_blocking_threads = 1);
	void *result = NULL;

	cr_assert_eq(go_run_with(&one, withdrawn, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

/* A process that cannot be looked after stays the caller's. */
Test(process_run, cannot_be_released, .timeout = 60)
{
	MAKE(go_process_options, o, .in = GO_STDIO_PIPE);
	go_process *p;

	if (!HAS_PIDFDS)
		cr_skip_test(NO_PIDFDS);
	p = begin("read line", &o);
	cr_assert_not_null(p);
	test_fail_nth_with(GO__SYS_thread_create, 1, -EAGAIN);
	cr_assert_eq(go_process_release(p), -EAGAIN);
	cr_assert(test_fail_stop());
	cr_assert_eq(go_process_try_wait(p, NULL), -EAGAIN);
	/* No room in the helper's epoll: then by SIGCHLD. */
	test_fail_nth_with(GO__SYS_epoll_ctl, 2, -ENOSPC);
	cr_assert_eq(go_process_release(p), 0);
	cr_assert(test_fail_stop());
	await_childless();
}
#endif
