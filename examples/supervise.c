/* SPDX-License-Identifier: MIT */
/*
 * A supervisor: it starts a service, which says by a descriptor that it is
 * ready; it watches it beside other things, asks it to end, and waits for a
 * child that the library has not started.
 *
 * Run it:    supervise
 * Expect:    it is ready
 *            nothing has happened
 *            ended by signal 15
 *            the other one has ended with 3
 */
#include <gofer.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Wait for the child's end, but no longer than until a time.  Where there are
 * no pidfds, fd is negative, and so never ready: then ask now and then. */
static int watch(go_process *p, int64_t ns, int *status)
{
	int64_t until_ns = go_now() + ns;
	int fd = go_process_fd(p), r;

	do {
		go_case cases[] = {
			GO_READABLE(fd),
			GO_AT(until_ns),
			GO_AFTER(fd >= 0 ? GO_NEVER : 10 * GO_MILLISECOND),
		};

		r = go_select(cases, 3);
		if (r < 0)
			return r;
		r = go_process_try_wait(p, status);
	} while (r == -EAGAIN && go_now() < until_ns);
	return r;
}

/* Its output goes where our errors go, and number 3 is for one line. */
static int start_service(go_process **p)
{
	char *argv[] = {"sh", "-c", "echo ready >&3; exec sleep 1000", NULL};
	char line[6];
	int ready[2];
	int r = go_pipe(ready);
	go_child_fd more = {ready[1], 3};
	go_process_options options = {
		.in = GO_STDIO_NULL,
		.out = GO_STDIO_OF(STDERR_FILENO),
		.fds = &more,
		.fd_count = 1,
	};

	if (r < 0)
		return r;
	r = go_process_spawn(p, "sh", argv, &options);
	go_close(ready[1]); /* or its end would not be seen */
	if (r == 0) {
		GO_TIMEOUT(60 * GO_SECOND);
		r = go_read_full(ready[0], line, sizeof line, NULL);
		if (r < 0) {
			go_process_terminate(*p, GO_SECOND, NULL);
			go_process_release(*p);
		}
	}
	go_close(ready[0]);
	return r;
}

static int supervise(void)
{
	go_process *p;
	int status;
	int r = start_service(&p);

	if (r < 0)
		return r;
	if (go_process_try_wait(p, NULL) == -EAGAIN)
		printf("it is ready\n");
	r = watch(p, 20 * GO_MILLISECOND, &status);
	if (r == -EAGAIN) {
		printf("nothing has happened\n");
		fprintf(stderr, "supervise: ending %d\n",
			(int)go_process_pid(p));
		r = go_process_kill(p, SIGTERM);
		if (r == 0)
			r = watch(p, 60 * GO_SECOND, &status);
	}
	if (r == 0 && WIFSIGNALED(status))
		printf("ended by signal %d\n", WTERMSIG(status));
	if (r < 0)
		go_process_terminate(p, GO_SECOND, NULL);
	go_process_release(p);
	return r;
}

extern char **environ; /* Not every <unistd.h> has it. */

/* Stands for one that some other library has started. */
static int start_other(pid_t *pid)
{
	char *argv[] = {"sh", "-c", "exit 3", NULL};

	return -posix_spawnp(pid, "sh", NULL, NULL, argv, environ);
}

static int wait_for_other(void)
{
	pid_t pid, r;
	int status;

	r = start_other(&pid);
	if (r == 0)
		r = go_waitpid(pid, &status, 0);
	if (r < 0)
		return r;
	if (WIFEXITED(status))
		printf("the other one has ended with %d\n",
		       WEXITSTATUS(status));
	return 0;
}

static void *main_task(void *unused)
{
	int r = supervise();

	(void)unused;
	return GO_INT(r < 0 ? r : wait_for_other());
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, main_task, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "supervise: %s\n", strerror(-r));
	return r < 0;
}
