/* SPDX-License-Identifier: MIT */
/*
 * Runtimes: the workers that run tasks.
 *
 * Most programs need one line of this header:
 *
 *     int main(void)
 *     {
 *             return go_run(tick, NULL) < 0;
 *     }
 *
 * A program that has threads of its own makes a runtime, gives it work from
 * any thread, and waits for results in plain blocking calls:
 *
 *     int r = go_runtime_create(&rt, &options);
 *
 *     if (r == 0) {
 *             r = go_runtime_spawn(rt, housekeeping, NULL);
 *             if (r == 0)
 *                     r = go_runtime_block_on(rt, compute, question, &answer);
 *             ...
 *             left = go_runtime_shutdown(rt, 60 * GO_SECOND);
 *             if (left > 0)
 *                     printf("tasks left: %d\n", left);
 *             error = go_runtime_destroy(rt);
 *             if (r == 0)
 *                     r = error;
 *     }
 *
 * (examples/ticker.c and examples/embed.c are the whole programs.)
 *
 * A process may have up to 64 runtimes; tasks of different ones may wait for
 * each other.  The first runtime of a process installs a handler for SIGSEGV
 * and SIGBUS that reports stack overflows and then does what was done before.
 *
 * FORK  The child of a fork() has no workers: its parent's runtimes are dead in
 * it, and calls on them return -ECHILD.  It may make runtimes of its own.  A
 * task that forks goes on in the child as a plain thread, and the child exits
 * with status 0 when the task's function returns; likewise when a thread hook
 * or an on_stuck that has forked returns.  exec*() and posix_spawn() are always
 * fine: each descriptor of the library is closed by them.  exit() may come at
 * any moment, with runtimes alive; workers run until the process ends.
 *
 * NESTED USE  A task that waits for its own runtime in a way that blocks its
 * worker would wait for itself.  So go_run() and go_runtime_block_on() return
 * -EDEADLK in a task, and go_runtime_shutdown() and go_runtime_destroy() in one
 * of that runtime, or on one of its blocking threads; and the first call of
 * each kind says on standard error what to do instead.
 *
 * DEADLOCKS  When all tasks of the only runtime wait for each other, and every
 * other thread of the process waits, without a deadline, for a task's end or in
 * a shutdown, then nothing can ever wake them.  After a line that says so, the
 * dump (debug.h) is written to standard error, and the wait of each task that a
 * plain thread waits for, as of the main task in go_run(), ends with -EDEADLK;
 * a wait for a group cancels its children as well, and the end of a group waits
 * for them all the same.  The others wait on, until the main task has returned
 * and they are cancelled; those that are deaf to that, and wait for each other,
 * then get -EDEADLK, too.
 *
 * That is reported only if it is certain.  A task that waits for a descriptor,
 * for time (go_sleep(GO_NEVER) included: a way to wait for a signal that ends
 * the program), or with a deadline, a thread that does anything else, even if
 * it is blocked, or another runtime may wake a task.  Linux only; not under
 * ThreadSanitizer, which has a thread of its own.
 *
 * HOGS  A task that computes for long, or blocks its thread, keeps its worker
 * from other tasks.  Workers that have nothing to do take over what they can.
 * If there are none, a task that has run for longer than stuck_after_ns (10 ms)
 * without a call that parks or yields has a worker lent to its runtime, with a
 * thread of its own, which runs the other tasks, their timers and descriptors
 * until the hog parks, yields or ends.  So while all workers are hogged the
 * others are late by some 15 ms, instead of not being served at all.  As many
 * workers are lent as there are hogs, up to the number of workers, and four if
 * there are fewer; hogs beyond that are waited for.  Pinned tasks always wait
 * for their own worker, and so do those of GO_HOME_THREAD (below).
 * GO_CURRENT_THREAD has no threads, so nothing is lent there, and nothing
 * reported.
 *
 * HOME  In a GO_HOME_THREAD runtime a task that has begun stays on the worker
 * that it began on, so tasks of one worker never run at the same time; but for
 * one in a blocking section (blocking.h), beside which the worker goes on, on
 * another thread.  As long as no task of the runtime begins a section, those of
 * a worker run on one thread, and thread-local storage stays valid.  New tasks
 * go to workers that have nothing to do, or clearly fewer tasks.  The price:
 * whoever has begun on a hog's worker, or has been sent there, waits for the
 * hog, even if other workers are idle, and no worker is lent.
 *
 * It is nothing wrong to compute for long, so a program is told of its hogs
 * only if it asks (on_stuck, or GOFER_STUCK_REPORT=1 in the environment); and
 * of where they are, if it names a signal for that (backtrace_signal).
 */
#ifndef GOFER_RUNTIME_H
#define GOFER_RUNTIME_H

#include <gofer/task.h>

GO_BEGIN_DECLS

typedef struct go_runtime go_runtime;

enum go_flavour {
	GO_MULTI_THREAD,   /* Worker threads; tasks move between them. */
	GO_CURRENT_THREAD, /* No threads: tasks run inside block_on and
			    * shutdown, on the thread that calls them; or in
			    * another event loop (guest.h). */
	GO_HOME_THREAD,    /* Worker threads; a task stays with the worker
			    * that has first run it (HOME above). */
};

struct go_stuck_report; /* debug.h */

/*
 * What to call on the runtime's threads, those for blocking calls included, but
 * not the watchdog's: as one starts and stops; and before and after a worker
 * sleeps for want of tasks.  NULL: nothing.  All are called outside of any
 * task, on that thread, start and stop once on each, park and unpark in pairs.
 * A GO_CURRENT_THREAD runtime has no thread but for blocking calls; it calls
 * park and unpark on the thread that runs it, unless in another event loop.
 * The functions must return soon, and not call what may park (base.h).
 */
typedef struct go_thread_hooks {
	void (*thread_start)(void *arg);
	void (*thread_stop)(void *arg);
	void (*thread_park)(void *arg);
	void (*thread_unpark)(void *arg);
	void *arg;
} go_thread_hooks;

/*
 * How to make a runtime; all zero means the defaults, and so does NULL.
 *
 * The environment overrides each option by the variable named at its end (1
 * and 0 for true and false): for experiments with programs as they are.  What
 * is malformed or out of range there is ignored.  GOFER_PRINT_CONFIG=1 prints
 * what is in effect, in the same form, as each runtime is made.
 */
typedef struct go_runtime_options {
	/* An enum go_flavour.  GOFER_FLAVOUR: multi, current or home. */
	int flavour;
	/* Workers, at most 256; GO_CURRENT_THREAD has one.  0: the CPUs that
	 * the process may run on, or the quota of its control groups, rounded
	 * up, if that is less.  GOFER_WORKERS. */
	unsigned workers;
	/* Usable stack of a task, rounded up to a power of two less a guard.
	 * 0: 192 KiB.  GOFER_STACK_BYTES. */
	size_t stack_bytes;
	/* Stack of a thread of the runtime, at least 128 KiB.  0: the system's
	 * default, or 1 MiB if that is more.  GOFER_WORKER_STACK_BYTES. */
	size_t worker_stack_bytes;
	/* Name of the runtime's threads, copied; the first 15 bytes count.
	 * NULL: "gofer".  GOFER_THREAD_NAME. */
	const char *thread_name;
	/* After how many picks a worker looks at what it would starve: timers,
	 * descriptors, tasks that its queues had no room for; every second
	 * time at new tasks, other threads' submissions and its own oldest in
	 * turns.  0: 61.  GOFER_FAIRNESS_INTERVAL. */
	unsigned fairness_interval;
	/* Rather run tasks on stacks without guard than not at all, where the
	 * system has no more guards.  One runtime that asks for it turns it on
	 * for the life of the process.  GOFER_ALLOW_UNGUARDED. */
	bool allow_unguarded;
	/* A different worker after every park, to find code that relies on
	 * its thread; not of GO_HOME_THREAD.  GOFER_MIGRATE. */
	bool migrate;
	/* Do not explain on standard error why a call was refused with
	 * -EDEADLK (NESTED USE above), nor what a shutdown has left behind.
	 * GOFER_QUIET. */
	bool quiet;
	/* Dump (debug.h) to standard error on this signal, and then do what
	 * its former handler did, if there was one.  It stays so for the life
	 * of the process.  Not SIGSEGV or SIGBUS.  0: none.
	 * GOFER_DUMP_SIGNAL: its number. */
	int dump_signal;
	/* Report a deadlock (DEADLOCKS above) that has lasted for so long.
	 * GO_NEVER: none.  0: after a second in go_run() and go_run_with(),
	 * none otherwise.  GOFER_DEADLOCK_AFTER_NS, a millisecond at least;
	 * never. */
	int64_t deadlock_after_ns;
	/* Threads that run blocking calls and tasks (blocking.h) at a time;
	 * what comes beyond that waits for its turn.  0: 512.
	 * GOFER_MAX_BLOCKING_THREADS. */
	unsigned max_blocking_threads;
	/* How long a thread that has nothing to do is kept.  0: 10 seconds;
	 * GO_NEVER: until the shutdown.  GOFER_BLOCKING_KEEP_ALIVE_NS;
	 * never. */
	int64_t blocking_keep_alive_ns;
	/* How long a task may keep its worker from others before another worker
	 * is lent (HOGS above).  0: 10 ms.  GO_NEVER: none is lent, and nothing
	 * reported.  GOFER_STUCK_AFTER_NS; never. */
	int64_t stuck_after_ns;
	/* Called when that happens while others wait, once for each site that
	 * spawns such tasks, at most 128 in all, from a thread that does
	 * nothing else meanwhile: keep it short, do not wait for tasks of this
	 * runtime nor shut it down.  go_stuck_print() of debug.h writes it.
	 * NULL: nobody is told.  GOFER_STUCK_REPORT: 1 has a line written where
	 * this is NULL. */
	void (*on_stuck)(const struct go_stuck_report *report, void *arg);
	void *on_stuck_arg;
	/* How long a busy worker may leave descriptors unlooked at, at most a
	 * second; its next look by fairness_interval then sees to them.
	 * 0: 50 us.  GOFER_POLL_INTERVAL_NS. */
	int64_t poll_interval_ns;
	/* Where random choices begin: whom to steal from, which of a select's
	 * cases is looked at first.  The same seed repeats the choices of each
	 * worker; what they are applied to depends on time, too, unless there
	 * is one.  0: a different one each time.  GOFER_SEED. */
	uint64_t seed;
	/* What to call on the runtime's threads. */
	go_thread_hooks hooks;
	/* Pollers, at most 16, through which workers learn from the system
	 * which descriptors are ready; each worker serves any of them, and each
	 * is two descriptors of the process, with kqueue one.  No more than
	 * workers are made.  0: one per 16 workers.  GOFER_POLLERS. */
	unsigned pollers;
	/* A hog's thread is sent this signal before it is reported, and tells
	 * where it is, which takes up to a tenth of a second: the report has a
	 * backtrace.  Without on_stuck, and in GO_CURRENT_THREAD, nothing is
	 * reported, and nobody asked.  One that the program does not use: a
	 * handler stays installed for the life of the process; what nobody has
	 * asked for goes to its former handler, if there was one.
	 * Calls that a signal interrupts in spite of SA_RESTART, as poll(2),
	 * return EINTR to the hog; rarely, when it has just ended, to the task
	 * that runs on its thread then.  If another handler takes that one's
	 * place there are no backtraces, until another runtime is made.  Not
	 * dump_signal, nor one that stands for a fault, nor SIGPIPE.  0: no
	 * backtraces.  GOFER_BACKTRACE_SIGNAL: its number. */
	int backtrace_signal;
	/* Must be zero. */
	uint64_t reserved[8];
} go_runtime_options;

/*
 * Make a runtime with default options, run main_fn(arg) in it as its first
 * task, cancel and wait for the tasks that are left when main_fn returns, and
 * take the runtime down.
 *
 * Returns  0; what go_runtime_create() returns on failure; -EINVAL (main_fn is
 *          null); -EDEADLK (called by a task: it would wait for itself.  Spawn
 *          a task instead, or call go_run from a plain thread); -EDEADLK (all
 *          is over, but a deadlock was reported on the way).
 * Context  plain thread.
 * Parks    blocks until all is over.
 */
GO_API int go_run_at(go_fn *main_fn, void *arg, const char *site);
#define go_run(main_fn, arg) go_run_at(main_fn, arg, GO_SITE)

/*
 * As go_run(), with options, and with what main_fn returned in *result (unless
 * result is null, or main_fn was not run).
 *
 * Returns  as go_run().
 * Context  plain thread.
 * Parks    blocks until all is over.
 */
GO_API int go_run_with_at(const go_runtime_options *options, go_fn *main_fn,
			  void *arg, void **result, const char *site);
#define go_run_with(options, main_fn, arg, result)                             \
	go_run_with_at(options, main_fn, arg, result, GO_SITE)

/*
 * Make a runtime and start its workers.  On failure nothing is left behind but
 * handlers of signals, and *runtime is not touched.
 *
 * Returns  0; -EINVAL (runtime is null, an option is out of range or reserved
 *          is not zero); -ENOTSUP (backtrace_signal, where the compiler's
 *          unwinder is not to be had); -ENOMEM; -EMFILE, -ENFILE (no
 *          descriptor for the poller); -EAGAIN (no thread was to be had, or
 *          there are 64 runtimes).
 * Context  any.
 * Parks    never.
 */
GO_API int go_runtime_create(go_runtime **runtime,
			     const go_runtime_options *options);

/*
 * Run fn(arg) in a new task of the runtime and forget it.
 *
 * Returns  0; -ENOMEM; -ESHUTDOWN (it is shutting down); -EINVAL (runtime or
 *          fn is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_runtime_spawn_at(go_runtime *runtime, go_fn *fn, void *arg,
			       const char *site);
#define go_runtime_spawn(runtime, fn, arg)                                     \
	go_runtime_spawn_at(runtime, fn, arg, GO_SITE)

/*
 * Run fn(arg) in a new task of the runtime and wait until it returns.  Any
 * number of threads may do so at once, and so may blocking calls and tasks
 * (blocking.h), those of the same runtime included.
 *
 * In a GO_CURRENT_THREAD runtime, the caller's thread runs all of the runtime's
 * tasks until fn has returned.  If another thread does so already, that one
 * runs fn's task as well, and the caller waits; and when it ceases to, while
 * others wait, one of these takes over.
 *
 * Returns  0; -EINVAL (runtime or fn is null); -ENOMEM; -ESHUTDOWN; -EDEADLK
 *          (called by a task: spawn a task and join it instead); -EBUSY
 *          (a guest, guest.h, and another thread is running it).  *result (if
 *          not null) is set only on 0.
 * Context  plain thread.
 * Parks    blocks until fn has returned; deaf to the thread's deadline scopes,
 *          for *arg is the task's until then.
 */
GO_API int go_runtime_block_on_at(go_runtime *runtime, go_fn *fn, void *arg,
				  void **result, const char *site);
#define go_runtime_block_on(runtime, fn, arg, result)                          \
	go_runtime_block_on_at(runtime, fn, arg, result, GO_SITE)

/*
 * Take no more tasks, cancel those there are, and wait for them to end, at
 * most timeout_ns (GO_NEVER: as long as it takes).  When none is left the
 * workers are stopped.  Tasks that have not started yet do start, cancelled,
 * so that they can free what they were given.
 *
 * When the time is up it returns all the same: with tasks that ignore their
 * cancellation, or are in a blocking call that does not return.  What is left
 * goes on, and all that it uses stays: go_runtime_destroy() refuses.  One line
 * on standard error says what it is, once for each runtime, unless timeout_ns
 * is 0 or the option quiet is set; go_runtime_left() of debug.h tells all of
 * it.
 *
 * May be called again, to wait longer or to learn how many are left, and from
 * several threads at once.
 *
 * Returns  how many tasks are left; if none, how many of the runtime's threads
 *          have not ended (they are given a second, even if the time is up); 0:
 *          none, go_runtime_destroy() will work.  -EINVAL (runtime is null,
 *          timeout_ns is negative); -EDEADLK (called by a task of this runtime,
 *          or in a blocking call of it: it would wait for itself); -EBUSY (a
 *          guest, guest.h, and another thread is running it).
 * Context  plain thread, or task of another runtime (which it blocks).
 * Parks    blocks, at most for the time given, and a second for threads.
 */
GO_API int go_runtime_shutdown(go_runtime *runtime, int64_t timeout_ns);

/*
 * Free a runtime that has been shut down.
 *
 * Returns  0; -EBUSY (not shut down, something was left, or a thread is still
 *          in it: go_runtime_enter()); -EINVAL (null); -EDEADLK (called by a
 *          task of this runtime, or on one of its blocking threads).
 * Context  plain thread, or task of another runtime.
 * Parks    never.
 */
GO_API int go_runtime_destroy(go_runtime *runtime);

/*
 * Enter a runtime: until go_runtime_leave(), the calling thread counts as
 * inside, for go_spawn(), go_runtime_current() and whatever else looks for the
 * caller's runtime.  It stays a plain thread: its waiting calls block it.
 * Entering another one, or the same again, is undone by a leave of its own;
 * a thread that ends leaves all.
 *
 *     r = go_runtime_enter(rt);
 *     if (r == 0) {
 *             r = go_spawn(greet, who);
 *             go_runtime_leave();
 *     }
 *
 * (examples/enter.c is the whole program.)
 *
 * Returns  0; -EINVAL (runtime is null); -ENOMEM; -ENOTSUP (the caller is a
 *          task, which is in its own runtime: name another one with
 *          go_runtime_spawn()).
 * Context  plain thread.
 * Parks    never.
 */
GO_API int go_runtime_enter(go_runtime *runtime);

/*
 * Undo the calling thread's last go_runtime_enter(): it is again in the
 * runtime that it was in before, or in none.
 *
 * Returns  0; -ESRCH (it has entered none); -ENOTSUP (the caller is a task).
 * Context  plain thread.
 * Parks    never.
 */
GO_API int go_runtime_leave(void);

/*
 * Name the caller's runtime, to spawn into it from elsewhere: that of the
 * calling task, or the one that the calling thread has entered.
 *
 * Returns  the runtime, or NULL outside of any.
 * Context  any.
 * Parks    never.
 */
GO_API go_runtime *go_runtime_current(void);

/*
 * Count a runtime's workers.
 *
 * Returns  the number, at least 1; -EINVAL (runtime is null).
 * Context  any.
 * Parks    never.
 */
GO_API int go_runtime_workers(const go_runtime *runtime);

GO_END_DECLS

#endif
