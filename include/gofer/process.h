/* SPDX-License-Identifier: MIT */
/*
 * Child processes: start them, talk to them, wait for their end, end them.
 *
 *     go_process_options options = {
 *             .in = GO_STDIO_PIPE,
 *             .out = GO_STDIO_PIPE,
 *     };
 *     ...
 *     r = go_process_spawn(&cat, "cat", argv, &options);
 *     if (r < 0)
 *             return r;
 *     to = go_process_pipe(cat, STDIN_FILENO);
 *     from = go_process_pipe(cat, STDOUT_FILENO);
 *     ...
 *     if (r == 0)
 *             r = go_process_wait(cat, &status);
 *     ...
 *     go_process_release(cat);
 *
 * (examples/pipe_to_child.c; examples/run_command.c only wants the output, with
 * go_process_run(), which is all of that in one call; examples/supervise.c
 * watches a child beside other things.)
 *
 * All of it works in tasks and in plain threads.  A child gets what it is
 * given and nothing else: of the descriptors, the three standard ones and those
 * named in the options; no signals blocked, and SIGPIPE not ignored.  It is
 * started as by posix_spawn(3), without copying the parent's memory, so what
 * keeps it from being started (a program that is not there, a directory that is
 * not) is the result of the call.
 *
 * NO ZOMBIES  Each child is waited for by the library, also if nobody asks for
 * its status: one that is released while it runs is looked after until it ends.
 * In return leave them alone: wait(), and waitpid() for any child, elsewhere in
 * the program may take a status that is asked for here, which then says
 * -ECHILD; and so it is where SIGCHLD is ignored.
 *
 * NO WRONG PROCESS  A signal reaches the child that was started, or nobody, and
 * never another process that was given its number.
 *
 * A status is one of wait(2): WIFEXITED(status), WEXITSTATUS(status) and so on,
 * from <sys/wait.h>.
 */
#ifndef GOFER_PROCESS_H
#define GOFER_PROCESS_H

#include <gofer/base.h>

#include <signal.h>
#include <sys/select.h> /* sigset_t, in strict C, too */
#include <sys/types.h>

GO_BEGIN_DECLS

/* A child process.  Released once, by go_process_release(). */
typedef struct go_process go_process;

/* What a standard descriptor of the child is: one of these, or a descriptor of
 * ours: GO_STDIO_OF(fd). */
enum go_stdio {
	GO_STDIO_INHERIT, /* Ours. */
	GO_STDIO_NULL,    /* /dev/null. */
	GO_STDIO_PIPE,    /* A pipe: see go_process_pipe(). */
	GO_STDIO_STDOUT,  /* Of stderr: what stdout is. */
	GO_STDIO_FIRST_FD
};
#define GO_STDIO_OF(fd) ((int)GO_STDIO_FIRST_FD + (fd))

/* One more descriptor for the child, and its number there. */
typedef struct go_child_fd {
	int fd;
	int child_fd; /* From 3 on. */
} go_child_fd;

/* What a child is like; all zero means the defaults, and so does NULL. */
typedef struct go_process_options {
	/* NULL: the program's environment, and directory.  (A relative file is
	 * looked for from the child's directory; PATH is the parent's.) */
	char *const *envp;
	const char *cwd;
	/* Each: an enum go_stdio, or GO_STDIO_OF(fd). */
	int in, out, err;
	const go_child_fd *fds;
	uint32_t fd_count;
	/* Give it all descriptors that are not close-on-exec, too. */
	bool inherit_fds;
	/* Begin a process group, to which signals go then, or a session (and
	 * so a group). */
	bool group, session;
	/* Signals that it has blocked, NULL: none; and signals that are to have
	 * their default action though the program ignores them (SIGPIPE always
	 * has, and those that it handles). */
	const sigset_t *blocked;
	const sigset_t *defaults;
	/* Must be zero. */
	uint64_t reserved[8];
} go_process_options;

/*
 * Start a program: `file` is looked for in PATH unless it has a slash in it.
 * argv ends with a null pointer, and its first entry is what the program calls
 * itself.  The caller waits until the program has been loaded: a thread of the
 * runtime's pool does that for a task, if there is one.
 *
 * Returns  0; -EINVAL (a null pointer, an unknown kind of stdio, a child_fd
 *          below 3, two the same, or above 65535; reserved is not zero);
 *          -EBADF (a descriptor is not open); -EMFILE, -ENFILE (no descriptors
 *          for pipes); -ENOMEM; -EAGAIN (too many processes); -ENOENT, -EACCES,
 *          -ENOEXEC, -E2BIG ... (what execve(2) or chdir(2) said);
 *          -ECANCELED, -ETIMEDOUT (before it was started).
 * Context  any.
 * Parks    until the program has been loaded.
 */
GO_API int go_process_spawn(go_process **p, const char *file,
			    char *const argv[],
			    const go_process_options *options);

/*
 * Ask for the number of the process.
 *
 * Returns  the process id; it may stand for another process once the status
 *          has been taken.
 * Context  any.
 * Parks    never.
 */
GO_API pid_t go_process_pid(const go_process *p);

/*
 * Take our end of a pipe: for STDIN_FILENO to write to, for STDOUT_FILENO and
 * STDERR_FILENO to read from.  It is in non-blocking mode (the child's end is
 * not), close-on-exec, and the caller's from here on: to be closed with
 * go_close().  Ends that were not taken are closed by go_process_release().
 *
 * Returns  the descriptor; -EINVAL (p is null, or another number); -EBADF (this
 *          is no pipe, or has been taken).
 * Context  any.
 * Parks    never.
 */
GO_API int go_process_pipe(go_process *p, int which);

/*
 * Wait for the process's end, and store its status in *status (may be null).
 * Any number of callers may wait, and ask again: all get the same one.
 *
 * Returns  0; -ECHILD (the status has been taken by somebody else); -ETIMEDOUT;
 *          -EINVAL (p is null); -ENOMEM; where there are no pidfds also as
 *          go_signals_create().
 * Context  task or plain thread.
 * Parks    until it ends.
 */
GO_API int go_process_wait(go_process *p, int *status);

/*
 * The same, if it has ended.
 *
 * Returns  as go_process_wait(); -EAGAIN (it has not).  Never -ECANCELED.
 * Context  any.
 * Parks    never.
 */
GO_API int go_process_try_wait(go_process *p, int *status);

/*
 * Ask for a descriptor that is readable once the process has ended, for
 * GO_READABLE() in a select, or go_poll().  It stays the process's.
 *
 * Returns  the descriptor; -EINVAL (p is null); -ENOSYS (the kernel has no
 *          pidfds, or had no descriptor left).
 * Context  any.
 * Parks    never.
 */
GO_API int go_process_fd(const go_process *p);

/*
 * Send a signal: to the process, or to its group if it began one.
 *
 * Returns  0; -ESRCH (it has ended, and its status has been taken); -EINVAL (p
 *          is null, or there is no such signal); -EPERM.
 * Context  any.
 * Parks    never.
 */
GO_API int go_process_kill(go_process *p, int sig);

/*
 * End a process: with SIGTERM, and if it has not ended after grace_ns, with
 * SIGKILL; wait for that.  Deaf: it works in a task that has been cancelled.
 *
 * Returns  0, and the status, as go_process_wait(); or another result of that.
 * Context  task or plain thread.
 * Parks    until it ends.
 */
GO_API int go_process_terminate(go_process *p, int64_t grace_ns, int *status);

/*
 * Free it; nobody may use it any more.  A process that still runs goes on, and
 * is waited for by the library when it ends.
 *
 * Returns  0, also if p is null; if it still runs also -EAGAIN, -ENOMEM,
 *          -EMFILE, -ENFILE (there is no thread or no descriptor to look after
 *          it; nothing has happened, and it is still the caller's).
 * Context  any.
 * Parks    never.
 */
GO_API int go_process_release(go_process *p);

/*
 * Wait for a child process however it was started, as waitpid(2), which is also
 * who is woken of several; one from go_process_spawn() only where the process
 * itself is not asked.
 *
 * Returns  the process id; 0 (with WNOHANG: none has changed); -ECHILD; -EINVAL
 *          (unknown options); -ETIMEDOUT; -ENOMEM; -EMFILE, -ENFILE; for other
 *          children than one given by its number, or with WUNTRACED or
 *          WCONTINUED, also as go_signals_create().
 * Context  task or plain thread.
 * Parks    until a child changes, unless with WNOHANG.
 */
GO_API pid_t go_waitpid(pid_t pid, int *status, int options);

/* What goes into a command and comes out of it: see go_process_run(). */
typedef struct go_process_io {
	/* For its standard input; NULL: what the options say. */
	const void *input;
	size_t input_bytes;
	/* Memory for what it prints; NULL: what the options say. */
	char *out, *err;
	size_t out_size, err_size;
	/* How long it has from SIGTERM to SIGKILL; 0: one second. */
	int64_t grace_ns;
	/* Results: how many bytes are there (no null character is added), and
	 * whether it would have printed more than there was room for. */
	size_t out_bytes, err_bytes;
	bool truncated;
	int status;
} go_process_io;

/*
 * Run a command to its end, and collect what it prints.
 *
 *     char *argv[] = {"sort", "-n", NULL};
 *     char sorted[64];
 *     go_process_io io = {.input = "10\n9\n1\n", .input_bytes = 7};
 *     GO_TIMEOUT(10 * GO_SECOND);
 *     ...
 *     r = go_process_run("sort", argv, NULL, &io);
 *
 * It gets the input, and what it prints is stored; one that prints more than
 * there is room for finds its pipe closed, as before head(1).  If the caller is
 * cancelled or a deadline passes, it is ended by go_process_terminate(), and so
 * it is at any other error.  Then what it had printed and its status are there
 * all the same.
 *
 * Returns  0 (it has ended: see status); as go_process_spawn() (it has not been
 *          started) or go_process_wait(); -ETIMEDOUT; -EINVAL (io is null).
 * Context  task or plain thread.
 * Parks    until it ends.
 */
GO_API int go_process_run(const char *file, char *const argv[],
			  const go_process_options *options, go_process_io *io);

GO_END_DECLS

#endif
