/* SPDX-License-Identifier: MIT */
/*
 * Signals: each subscriber gets each, none is lost, and the process is left as
 * it was.  Real-time signals are queued by the kernel one by one, so of those
 * the counts are exact.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sched/everywhere.h"
#include "sanitizers.h"
#include "support.h"
#include "waiting.h"

#define QUEUED (SIGRTMIN + 3)

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	sigaddset(&set, b);
	return set;
}

static go_signals *subscribe(int a, int b)
{
	sigset_t set = set_of(a, b);
	go_signals *s = NULL;
	int r = go_signals_create(&s, &set);

	cr_assert_eq(r, 0, "create: %d", r);
	return s;
}

static int send_queued(void)
{
	union sigval value;

	memset(&value, 0, sizeof value);
	/* The user's queue of signals may be full. */
	while (sigqueue(getpid(), QUEUED, value) < 0)
		if (go_errno() != EAGAIN || go_sleep(100 * GO_MICROSECOND) < 0)
			return -1;
	return 0;
}

static bool is_default(int sig)
{
	struct sigaction a;

	return sigaction(sig, NULL, &a) == 0 && !(a.sa_flags & SA_SIGINFO) &&
	       a.sa_handler == SIG_DFL;
}

/* ---- one by one ---- */

static void *one_by_one(void *unused)
{
	go_signals *s = subscribe(SIGUSR1, SIGTERM), *other;
	uint32_t n = 0;

	(void)unused;
	other = subscribe(SIGTERM, SIGTERM);
	MUST(go_signals_try_recv(s, &n) == -EAGAIN && n == 0);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(go_signals_recv(s, &n) == SIGUSR1 && n == 1);
	MUST(kill(getpid(), SIGTERM) == 0);
	MUST(go_signals_recv(other, NULL) == SIGTERM);
	MUST(go_signals_recv(s, &n) == SIGTERM && n == 1);
	MUST(go_signals_try_recv(s, &n) == -EAGAIN);
	MUST(go_signals_try_recv(other, &n) == -EAGAIN);
	MUST(go_signals_close(other) == 0 && go_signals_close(other) == -EPIPE);
	MUST(go_signals_recv(other, &n) == -EPIPE);
	MUST(go_signals_destroy(other) == 0);
	MUST(!is_default(SIGTERM));
	MUST(go_signals_destroy(s) == 0 && go_signals_destroy(NULL) == 0);
	MUST(is_default(SIGTERM) && is_default(SIGUSR1));
	return NULL;
}

Test(signals, one_by_one, .timeout = 60)
{
	run_everywhere(one_by_one, NULL);
	cr_assert_null(one_by_one(NULL));
}

Test(signals, wrong, .timeout = 60)
{
	static const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,
				      SIGFPE,  SIGILL,  SIGTRAP, SIGABRT};
	go_signals *s = NULL;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	cr_assert_eq(go_signals_create(&s, &set), -EINVAL);
	cr_assert_eq(go_sigwait(&set, &sig), -EINVAL);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		set = set_of(SIGUSR1, refused[i]);
		cr_assert_eq(go_signals_create(&s, &set), -EINVAL);
	}
	set = set_of(SIGUSR1, SIGUSR1);
	cr_assert_eq(go_signals_create(NULL, &set), -EINVAL);
	cr_assert_eq(go_signals_create(&s, NULL), -EINVAL);
	cr_assert_eq(go_sigwait(&set, NULL), -EINVAL);
	cr_assert_eq(go_signals_recv(NULL, NULL), -EINVAL);
	cr_assert_eq(go_signals_try_recv(NULL, NULL), -EINVAL);
	cr_assert_eq(go_signals_close(NULL), -EINVAL);
	cr_assert(is_default(SIGUSR1) && !s);
}

/* ---- waiters ---- */

static void *receive(void *s)
{
	return GO_INT(go_signals_recv((go_signals *)s, NULL));
}

enum {
	WAITERS = 3
};

/* Each signal reaches one of those who wait with the same subscription. */
static void *waiters(void *unused)
{
	go_signals *s = subscribe(SIGUSR1, SIGUSR2);
	go_task t[WAITERS];

	(void)unused;
	for (unsigned i = 0; i < WAITERS; i++) {
		MUST(go_task_spawn(&t[i], receive, s) == 0);
		test_await_waiters(s, i + 1);
	}
	MUST(go_signals_destroy(s) == -EBUSY);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(result_of(t[0]) == SIGUSR1);
	MUST(go_task_cancel(t[1]) == 0);
	MUST(result_of(t[1]) == -ECANCELED);
	MUST(kill(getpid(), SIGUSR2) == 0);
	MUST(result_of(t[2]) == SIGUSR2);
	MUST(go_task_spawn(&t[0], receive, s) == 0);
	test_await_waiters(s, 1);
	MUST(go_signals_close(s) == 0);
	MUST(result_of(t[0]) == -EPIPE);
	MUST(go_signals_destroy(s) == 0);
	return NULL;
}

Test(signals, waiters, .timeout = 60)
{
	run_everywhere(waiters, NULL);
}

/* A signal that meets the end of a wait is received by it, or stays. */
static void *against_the_end(void *unused)
{
	go_signals *s = subscribe(QUEUED, QUEUED);
	uint64_t rounds = test_rounds(1000);

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		uint32_t n = 0;
		go_task t;
		int r;

		MUST(go_task_spawn(&t, receive, s) == 0);
		for (unsigned k = test_random(3); k > 0; k--)
			go_yield();
		MUST(send_queued() == 0);
		for (unsigned k = test_random(3); k > 0; k--)
			go_yield();
		(void)go_task_cancel(t); /* It may be over. */
		r = result_of(t);
		MUST(r == QUEUED || r == -ECANCELED);
		if (r < 0)
			MUST(go_signals_recv(s, &n) == QUEUED && n == 1);
		MUST(go_signals_try_recv(s, &n) == -EAGAIN);
	}
	MUST(go_signals_destroy(s) == 0);
	return NULL;
}

Test(signals, against_the_end, .timeout = 60)
{
	run_everywhere(against_the_end, NULL);
}

static void *deadline(void *unused)
{
	go_signals *s = subscribe(SIGUSR1, SIGUSR1);
	go_deadline scope;
	int r;

	(void)unused;
	MUST(go_timeout_begin(&scope, GO_MILLISECOND) == 0);
	r = go_signals_recv(s, NULL);
	go_deadline_end(&scope);
	MUST(r == -ETIMEDOUT);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(go_signals_recv(s, NULL) == SIGUSR1);
	MUST(go_signals_destroy(s) == 0);
	return NULL;
}

Test(signals, deadline, .timeout = 60)
{
	run_everywhere(deadline, NULL);
	cr_assert_null(deadline(NULL));
}

/* ---- the process's handlers ---- */

static ATOMIC(int) called;

static void count_call(int sig)
{
	(void)sig;
	atomic_fetch_add(&called, 1);
}

static void count_info(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_pid == getpid() && sig == info->si_signo)
		atomic_fetch_add(&called, 1);
}

static void handler_stays(const struct sigaction *mine, int sig)
{
	go_signals *s, *other;
	struct sigaction now;

	atomic_store(&called, 0);
	cr_assert_eq(sigaction(sig, mine, NULL), 0);
	s = subscribe(sig, sig);
	other = subscribe(sig, sig);
	cr_assert_eq(kill(getpid(), sig), 0);
	cr_assert_eq(go_signals_recv(s, NULL), sig);
	while (atomic_load(&called) == 0)
		go_sleep(10 * GO_MICROSECOND);
	cr_assert_eq(go_signals_destroy(other), 0);
	cr_assert_eq(go_signals_destroy(s), 0);
	cr_assert_eq(kill(getpid(), sig), 0);
	while (atomic_load(&called) == 1)
		go_sleep(10 * GO_MICROSECOND);
	cr_assert_eq(atomic_load(&called), 2);
	cr_assert_eq(sigaction(sig, NULL, &now), 0);
	cr_assert_eq(now.sa_flags & (SA_SIGINFO | SA_NODEFER),
		     mine->sa_flags & (SA_SIGINFO | SA_NODEFER));
	signal(sig, SIG_DFL);
}

Test(signals, handlers_of_the_program, .timeout = 60)
{
	struct sigaction mine;

	memset(&mine, 0, sizeof mine);
	mine.sa_handler = count_call;
	mine.sa_flags = SA_NODEFER;
	handler_stays(&mine, SIGUSR1);
	memset(&mine, 0, sizeof mine);
	mine.sa_sigaction = count_info;
	mine.sa_flags = SA_SIGINFO;
	handler_stays(&mine, SIGUSR2);
}

/* A handler that came after ours is not ours to remove. */
Test(signals, replaced, .timeout = 60)
{
	go_signals *s = subscribe(SIGUSR1, SIGHUP);
	struct sigaction now;

	signal(SIGUSR1, count_call);
	cr_assert_eq(go_signals_destroy(s), 0);
	cr_assert_eq(sigaction(SIGUSR1, NULL, &now), 0);
	cr_assert(now.sa_handler == count_call && is_default(SIGHUP));
}

/* Who ignored SIGCHLD leaves no zombies, with subscribers either. */
Test(signals, ignored_children, .timeout = 60)
{
	go_signals *s;
	pid_t child;

	signal(SIGCHLD, SIG_IGN);
	s = subscribe(SIGCHLD, SIGCHLD);
	child = fork();
	if (child == 0)
		_exit(0);
	cr_assert_eq(go_signals_recv(s, NULL), SIGCHLD);
	cr_assert_eq(waitpid(child, NULL, 0), -1);
	cr_assert_eq(go_signals_destroy(s), 0);
	cr_assert(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
}

/* Blocked in every thread of the program's: the library has one. */
static void *blocked(void *unused)
{
	go_signals *s = subscribe(SIGTERM, SIGUSR1);
	sigset_t pending;
	int sig = 0;

	(void)unused;
	MUST(kill(getpid(), SIGTERM) == 0);
	MUST(go_signals_recv(s, NULL) == SIGTERM);
	MUST(go_signals_destroy(s) == 0);
	/* And when it goes it blocks it again: this kills nobody. */
	MUST(kill(getpid(), SIGTERM) == 0);
	MUST(sigpending(&pending) == 0 && sigismember(&pending, SIGTERM));
	MUST(kill(getpid(), SIGUSR1) == 0);
	sigset_t set = set_of(SIGTERM, SIGUSR1);
	int first;
	MUST(go_sigwait(&set, &first) == 0);
	MUST(go_sigwait(&set, &sig) == 0);
	MUST(first + sig == SIGTERM + SIGUSR1);
	go_deadline scope;
	MUST(go_timeout_begin(&scope, GO_MILLISECOND) == 0);
	MUST(go_sigwait(&set, &sig) == -ETIMEDOUT);
	go_deadline_end(&scope);
	return NULL;
}

Test(signals, blocked_everywhere, .timeout = 60)
{
	sigset_t set = set_of(SIGTERM, SIGUSR1);

	cr_assert_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	run_everywhere(blocked, NULL);
	cr_assert_null(blocked(NULL));
}

/* A number does not starve another one. */
Test(signals, take_turns, .timeout = 60)
{
	go_signals *s = subscribe(SIGUSR1, SIGTERM);
	int got[2];

	for (int i = 0; i < 50; i++) {
		uint32_t before = 0;

		cr_assert_eq(kill(getpid(), SIGUSR1), 0);
		cr_assert_eq(kill(getpid(), SIGTERM), 0);
		got[0] = go_signals_recv(s, &before);
		cr_assert_eq(kill(getpid(), got[0]), 0);
		got[1] = go_signals_recv(s, NULL);
		if (got[1] == got[0])
			got[1] = go_signals_recv(s, NULL);
		while (go_signals_try_recv(s, NULL) > 0)
			;
		cr_assert(before >= 1 && got[0] + got[1] == SIGUSR1 + SIGTERM);
		go_sleep(GO_MILLISECOND);
		while (go_signals_try_recv(s, NULL) > 0)
			;
	}
	cr_assert_eq(go_signals_destroy(s), 0);
}

/* ---- storms ---- */

static ATOMIC(uint64_t) to_send;
static ATOMIC(int) storms;

static void storm(void *unused)
{
	uint64_t n = atomic_load(&to_send);

	(void)unused;
	while (n-- > 0)
		cr_assert_eq(send_queued(), 0);
	atomic_fetch_sub(&storms, 1);
}

/* Coming and going beside the one who counts. */
static void *come_and_go(void *unused)
{
	(void)unused;
	while (atomic_load(&storms) > 0) {
		go_signals *s = subscribe(QUEUED, SIGUSR2);
		go_deadline scope;
		int r;

		MUST(go_timeout_begin(&scope,
				      test_random(200) * GO_MICROSECOND) == 0);
		r = go_signals_recv(s, NULL);
		go_deadline_end(&scope);
		MUST(r == QUEUED || r == -ETIMEDOUT);
		MUST(go_signals_destroy(s) == 0);
	}
	return NULL;
}

enum {
	SENDERS = 2,
	GUESTS = 3
};

static void *count_all(void *unused)
{
	go_signals *s = subscribe(QUEUED, QUEUED);
	uint64_t total = test_rounds(2000) * SENDERS, have = 0;
	go_task guest[GUESTS];

	(void)unused;
	atomic_store(&to_send, total / SENDERS);
	atomic_store(&storms, SENDERS);
	test_start_threads(SENDERS, storm, NULL);
	for (int i = 0; i < GUESTS; i++)
		MUST(go_task_spawn(&guest[i], come_and_go, NULL) == 0);
	while (have < total) {
		uint32_t n = 0;

		MUST(go_signals_recv(s, &n) == QUEUED && n > 0);
		have += n;
	}
	for (int i = 0; i < GUESTS; i++)
		MUST(result_of(guest[i]) == 0);
	test_join_threads();
	MUST(have == total && go_signals_try_recv(s, NULL) == -EAGAIN);
	MUST(go_signals_destroy(s) == 0 && is_default(QUEUED));
	return NULL;
}

Test(signals, storm, .timeout = 120)
{
	if (UNDER_TSAN)
		cr_skip_test("it merges real-time signals, too");
	run_everywhere(count_all, NULL);
}

/* ---- runtimes, and none ---- */

static void *take_one(void *s)
{
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(go_signals_recv((go_signals *)s, NULL) == SIGUSR1);
	return NULL;
}

Test(signals, outlives_runtimes, .timeout = 60)
{
	go_signals *s = subscribe(SIGUSR1, SIGUSR1);

	run_everywhere(take_one, s);
	cr_assert_eq(kill(getpid(), SIGUSR1), 0);
	cr_assert_eq(go_signals_recv(s, NULL), SIGUSR1);
	cr_assert_eq(go_signals_destroy(s), 0);
}

static void *wait_for_ever(void *unused)
{
	go_event never = GO_EVENT_INIT;

	(void)unused;
	return GO_INT(go_event_wait(&never));
}

/*
 * The library's thread does not count as one that might help.  In a process of
 * its own, since Criterion's has threads; so has one under ThreadSanitizer.
 */
Test(signals, deadlock_is_found, .timeout = 60)
{
	void *result = NULL;
	int status = 0;
	pid_t child;

	if (UNDER_TSAN)
		cr_skip_test("there is another thread");
	child = fork();
	if (child == 0) {
		go_signals *s = subscribe(SIGUSR1, SIGUSR1);

		if (go_run_with(NULL, wait_for_ever, NULL, &result) != -EDEADLK)
			_exit(1);
		if (GO_TO_INT(result) != -EDEADLK || go_signals_destroy(s) != 0)
			_exit(2);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
}

/* ---- fork ---- */

static int in_child(go_signals *parents)
{
	go_signals *s;
	sigset_t set = set_of(SIGUSR1, SIGTERM);

	if (go_signals_recv(parents, NULL) != -ECHILD ||
	    go_signals_try_recv(parents, NULL) != -ECHILD)
		return 1;
	if (!is_default(SIGTERM))
		return 2;
	if (go_signals_create(&s, &set) != 0)
		return 3;
	if (kill(getpid(), SIGUSR1) < 0 || go_signals_recv(s, NULL) != SIGUSR1)
		return 4;
	if (go_signals_destroy(s) != 0 || go_signals_destroy(parents) != 0)
		return 5;
	raise(SIGTERM);
	return 6;
}

Test(signals, child_of_a_fork, .timeout = 60)
{
	go_signals *s;
	int status = 0;
	pid_t child;

	if (UNDER_TSAN)
		cr_skip_test("it starts no threads in the child of a fork");
	s = subscribe(SIGTERM, SIGUSR1);
	/*
	 * A thread that starts allocates in AddressSanitizer's runtime, which
	 * takes no care of its locks in a fork: the child's threads wait for
	 * one that it has copied as held.  After this the helper only sleeps.
	 */
	if (UNDER_ASAN)
		cr_assert_null(take_one(s));
	child = fork();
	if (child == 0)
		_exit(in_child(s));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
		  "status %#x", status);
	/* Here nothing has changed. */
	cr_assert_eq(go_signals_try_recv(s, NULL), -EAGAIN);
	cr_assert_eq(kill(getpid(), SIGTERM), 0);
	cr_assert_eq(go_signals_recv(s, NULL), SIGTERM);
	cr_assert_eq(go_signals_destroy(s), 0);
}

/* ---- when the system refuses ---- */

#ifdef GO_TEST_HOOKS
static void refuse(enum go__sys_call call, int error)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2);
	go_signals *s = NULL;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		int r;

		cr_assert_lt(n, 20);
		test_fail_nth_with(call, n, error);
		r = go_signals_create(&s, &set);
		failed = test_fail_stop();
		if (!failed || r == 0)
			continue;
		cr_assert_eq(r, error, "call %d: %d", (int)call, r);
		cr_assert_null(s);
		cr_assert(is_default(SIGUSR1) && is_default(SIGUSR2));
	}
	cr_assert_not_null(s);
	cr_assert_eq(kill(getpid(), SIGUSR2), 0);
	cr_assert_eq(go_signals_recv(s, NULL), SIGUSR2);
	cr_assert_eq(go_signals_destroy(s), 0);
}

/* The helper is started once in a process. */
#define REFUSED(name, error)                                                   \
	Test(signals, no_##name, .timeout = 60)                                \
	{                                                                      \
		refuse(GO__SYS_##name, error);                                 \
	}
REFUSED(calloc, -ENOMEM)
REFUSED(epoll_create1, -EMFILE)
REFUSED(eventfd, -ENFILE)
REFUSED(epoll_ctl, -ENOMEM)
REFUSED(thread_create, -EAGAIN)
REFUSED(sigaction, -EINVAL)
#endif
