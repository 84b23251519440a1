/* SPDX-License-Identifier: MIT */
/*
 * The dump: what it says, and that it can be asked for at any time: while
 * everything changes, in a signal handler, while every worker is stuck.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "everywhere.h"
#include "support.h"

enum {
	TEXT_BYTES = 1 << 20
};

static char text[TEXT_BYTES];

/* The dump, of one runtime or (NULL) of all, as a string. */
static const char *dump(go_runtime *rt)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	int r = rt ? go_runtime_dump(rt, fd) : go_dump(fd);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return r < 0 ? "failed" : text;
}

/* The line of the task with this name, or "". */
static const char *line_of(const char *name)
{
	static char line[512];
	char quoted[64];
	const char *at, *begin, *end;

	snprintf(quoted, sizeof(quoted), " \"%s\" from ", name);
	at = strstr(text, quoted);
	line[0] = '\0';
	if (!at)
		return line;
	for (begin = at; begin > text && begin[-1] != '\n';)
		begin--;
	end = strchr(at, '\n');
	snprintf(line, sizeof(line), "%.*s", (int)(end - begin), begin);
	return line;
}

static int spawn(const char *name, go_fn *fn, void *arg, go_task *task)
{
	MAKE(go_spawn_options, o, .name = name, .task = task);

	return go_spawn_with(&o, fn, arg);
}

/* ---- what it says ---- */

static void *sleep_on(void *arg)
{
	(void)arg;
	return GO_INT(go_sleep(GO_NEVER));
}

static void *sleep_for_an_hour(void *arg)
{
	(void)arg;
	return GO_INT(go_sleep(3600 * INT64_C(1000000000)));
}

static void *join_it(void *arg)
{
	return GO_INT(go_task_join(*(go_task *)arg, NULL));
}

static void *read_it(void *arg)
{
	char c;

	return GO_INT((int)go_read(*(int *)arg, &c, 1));
}

static void until(const char *name, const char *what)
{
	do {
		go_yield();
		dump(NULL);
	} while (!strstr(line_of(name), what));
}

static void *states_and_waits(void *arg)
{
	go_task sleeper, joiner, reader, hour, fresh;
	int pipes[2];
	char what[64];

	(void)arg;
	MUST(go_pipe(pipes) == 0);
	MUST(spawn("sleeper", sleep_on, NULL, &sleeper) == 0);
	MUST(spawn("hour", sleep_for_an_hour, NULL, &hour) == 0);
	MUST(spawn("joiner", join_it, &hour, &joiner) == 0);
	MUST(spawn("reader", read_it, pipes, &reader) == 0);
	until("sleeper", "waiting for time to pass, at most ");
	until("hour", ", until in 3599.");
	snprintf(what, sizeof(what), "waiting for the end of task %llu,",
		 (unsigned long long)hour.id);
	until("joiner", what);
	snprintf(what, sizeof(what), "data on descriptor %d,", pipes[0]);
	until("reader", what);
	/* How much it uses is known when it has left its stack. */
	until("reader", " of 1");
	MUST(strstr(line_of("reader"), "test_dump.c:"));
	MUST(strstr(line_of("reader"), "; stack "));
	MUST(strstr(text, "main_task\" from ") == NULL);
	MUST(strstr(text, ": running on worker "));
	MUST(strstr(text, ": runs task "));
	MUST(strncmp(text, "gofer: runtime 0x", 17) == 0);
	if (go_runtime_workers(go_runtime_current()) == 1) {
		MUST(spawn("new", sleep_on, NULL, &fresh) == 0);
		dump(go_runtime_current());
		MUST(strstr(line_of("new"), ": fresh"));
		MUST(go_task_cancel(fresh) == 0);
		MUST(go_task_join(fresh, NULL) == 0);
		dump(NULL);
		MUST(line_of("new")[0] == '\0');
	}
	MUST(go_write(pipes[1], "x", 1) == 1);
	MUST(go_task_join(reader, NULL) == 0);
	MUST(go_task_cancel(hour) == 0);
	MUST(go_task_join(joiner, NULL) == 0);
	MUST(go_task_cancel(sleeper) == 0);
	MUST(go_task_join(sleeper, NULL) == 0);
	MUST(go_close(pipes[0]) == 0 && go_close(pipes[1]) == 0);
	return NULL;
}

Test(dump, states_and_waits, .timeout = 60)
{
	run_everywhere(states_and_waits, NULL);
}

/* ---- who holds what is waited for ---- */

static void *lock_it(void *arg)
{
	go_mutex *m = (go_mutex *)arg;

	MUST(go_mutex_lock(m) == 0);
	return GO_INT(go_mutex_unlock(m));
}

static void *write_it(void *arg)
{
	go_rwlock *l = (go_rwlock *)arg;

	MUST(go_rwlock_wrlock(l) == 0);
	return GO_INT(go_rwlock_unlock(l));
}

/* A plain thread that holds a mutex until it is told to let go. */
static void *hold_it(void *arg)
{
	go_mutex *m = (go_mutex *)arg;

	MUST(go_mutex_lock(&m[0]) == 0);
	MUST(go_mutex_lock(&m[1]) == 0);
	MUST(go_mutex_unlock(&m[1]) == 0);
	MUST(go_mutex_unlock(&m[0]) == 0);
	return NULL;
}

static void *holders(void *arg)
{
	go_mutex mutex = GO_MUTEX_INIT,
		 threads[2] = {GO_MUTEX_INIT, GO_MUTEX_INIT};
	go_rwlock lock = GO_RWLOCK_INIT;
	go_task locker, writer, other;
	pthread_t thread;
	char what[64];

	(void)arg;
	snprintf(what, sizeof(what), ", held by task %llu,",
		 (unsigned long long)go_task_self().id);
	MUST(go_mutex_lock(&mutex) == 0);
	MUST(go_rwlock_wrlock(&lock) == 0);
	MUST(spawn("locker", lock_it, &mutex, &locker) == 0);
	MUST(spawn("writer", write_it, &lock, &writer) == 0);
	until("locker", what);
	until("writer", what);
	MUST(go_rwlock_unlock(&lock) == 0);
	MUST(go_task_join(writer, NULL) == 0);
	MUST(go_rwlock_rdlock(&lock) == 0);
	MUST(go_rwlock_rdlock(&lock) == 0);
	MUST(spawn("writer", write_it, &lock, &writer) == 0);
	until("writer", ", held by 2 readers,");
	MUST(go_rwlock_unlock(&lock) == 0 && go_rwlock_unlock(&lock) == 0);
	MUST(go_task_join(writer, NULL) == 0);
	MUST(go_mutex_unlock(&mutex) == 0);
	MUST(go_task_join(locker, NULL) == 0);

	MUST(go_mutex_lock(&threads[1]) == 0);
	MUST(pthread_create(&thread, NULL, hold_it, threads) == 0);
	while (go_mutex_trylock(&threads[0]) == 0) {
		MUST(go_mutex_unlock(&threads[0]) == 0);
		go_yield();
	}
	MUST(spawn("other", lock_it, threads, &other) == 0);
	until("other", ", held by a plain thread,");
	MUST(go_mutex_unlock(&threads[1]) == 0);
	MUST(go_task_join(other, NULL) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	return NULL;
}

Test(dump, holders_of_locks, .timeout = 60)
{
	run_everywhere(holders, NULL);
}

Test(dump, without_a_runtime, .timeout = 60)
{
	cr_assert_str_eq(dump(NULL), "gofer: no runtime\n");
	cr_assert_eq(go_runtime_dump(NULL, 2), -EINVAL);
	cr_assert_eq(go_dump(-1), -EBADF);
}

/* A name that cannot be read does no harm. */
static void *bad_name(void *arg)
{
	const char *gone = (const char *)mmap(
		NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	go_task t;

	(void)arg;
	MUST(spawn(gone, sleep_on, NULL, &t) == 0);
	dump(NULL);
	MUST(strstr(text, " \"?\" from "));
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, NULL) == 0);
	return NULL;
}

Test(dump, names_that_are_gone, .timeout = 60)
{
	run_everywhere(bad_name, NULL);
}

#ifdef GO_TEST_HOOKS

/* Where the kernel does not copy, a pipe does; or nobody. */
static void *name_without_help(void *arg)
{
	go_task t;

	(void)arg;
	MUST(spawn("known", sleep_on, NULL, &t) == 0);
	test_fail_nth_with(GO__SYS_process_vm_readv, 1, -ENOSYS);
	dump(NULL);
	MUST(test_fail_stop());
	MUST(strstr(text, " \"known\" from "));
	test_fail_nth_with(GO__SYS_process_vm_readv, 1, -EFAULT);
	dump(NULL);
	MUST(test_fail_stop());
	MUST(strstr(text, " \"?\" from "));
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, NULL) == 0);
	return NULL;
}

Test(dump, names_through_a_pipe, .timeout = 60)
{
	run_everywhere(name_without_help, NULL);
}

#endif

/* ---- while everything changes ---- */

static ATOMIC(bool) over;

static void *child(void *arg)
{
	go_yield();
	return GO_INT(go_sleep(arg ? 1000 : 0));
}

static void *churn(void *arg)
{
	for (uint64_t n = test_rounds(5000); n; n--) {
		go_task t;

		MUST(spawn("child", child, n % 8 ? NULL : &over, &t) == 0);
		MUST(go_task_join(t, NULL) == 0);
	}
	(void)arg;
	return NULL;
}

static void *churn_all(void *arg)
{
	go_task t[8];
	void *result;

	(void)arg;
	for (int i = 0; i < 8; i++)
		MUST(spawn("churn", churn, NULL, &t[i]) == 0);
	for (int i = 0; i < 8; i++) {
		MUST(go_task_join(t[i], &result) == 0);
		MUST(result == NULL);
	}
	return NULL;
}

/* Dumps while runtimes come and go. */
static void dump_all_the_time(void *arg)
{
	(void)arg;
	while (!over) {
		int fd = memfd_create("dump", MFD_CLOEXEC);

		cr_assert_eq(go_dump(fd), 0);
		close(fd);
	}
}

Test(dump, while_everything_changes, .timeout = 300)
{
	test_start_threads(2, dump_all_the_time, NULL);
	run_everywhere(churn_all, NULL);
	over = true;
	test_join_threads();
}

/* ---- in a signal handler ---- */

static ATOMIC(int) handled;
static ATOMIC(int) null_fd;

static void on_usr1(int sig)
{
	(void)sig;
	handled++;
}

static void *allocate(void *arg)
{
	void *volatile p;
	/* Some may have come before we run. */
	int before = handled;

	(void)arg;
	while (handled - before < (int)test_rounds(200)) {
		p = malloc(1 + test_random(5000));
		free(p);
		go_yield();
	}
	/* And one that is sure to find us here. */
	raise(SIGUSR1);
	return NULL;
}

static void *send_signals(void *arg)
{
	while (!over) {
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
		usleep(100);
	}
	return NULL;
}

Test(dump, on_a_signal_in_the_allocator, .timeout = 120)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD,
	     .dump_signal = SIGUSR1);
	MAKE(struct sigaction, action, .sa_handler = on_usr1);
	pthread_t self = pthread_self(), thread;
	go_runtime *rt;

	/* What is dumped goes nowhere. */
	null_fd = memfd_create("dump", MFD_CLOEXEC);
	cr_assert_eq(dup2(null_fd, 2), 2);
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	cr_assert_eq(pthread_create(&thread, NULL, send_signals, &self), 0);
	cr_assert_eq(go_runtime_block_on(rt, allocate, NULL, NULL), 0);
	over = true;
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	cr_assert(pread(null_fd, text, sizeof(text) - 1, 0) > 0);
	cr_assert(strstr(text, "gofer: runtime 0x"));
	cr_assert(strstr(text, ": running on worker 0; stack "));
}

Test(dump, signals_that_are_refused, .timeout = 60)
{
	static const int bad[] = {-1, 65, SIGSEGV, SIGBUS, SIGKILL};
	go_runtime *rt;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		MAKE(go_runtime_options, o, .dump_signal = bad[i]);

		cr_assert_eq(go_runtime_create(&rt, &o), -EINVAL);
	}
}

/* ---- while everything is stuck ---- */

static ATOMIC(int) spinning;

static void *spin(void *arg)
{
	(void)arg;
	spinning++;
	while (!over)
		;
	return NULL;
}

Test(dump, while_every_worker_is_stuck, .timeout = 60)
{
	/* Nor is another one lent. */
	MAKE(go_runtime_options, o, .workers = 2, .stuck_after_ns = GO_NEVER);
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(go_runtime_spawn(rt, spin, NULL), 0);
	while (spinning < 2)
		usleep(100);
	dump(NULL);
	cr_assert(strstr(text, ": running on worker 0; stack "));
	cr_assert(strstr(text, ": running on worker 1; stack "));
	cr_assert(strstr(text, ": fresh\n"));
	cr_assert_null(strstr(text, "runs no task"));
	over = true;
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}
