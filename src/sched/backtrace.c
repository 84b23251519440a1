/* SPDX-License-Identifier: MIT */
/*
 * Backtraces of hogs: the watchdog asks, a signal has the hog's thread answer.
 *
 * question.h is the protocol: who is asked, who answers, and who gives up.
 *
 * WHICH THREAD  A worker changes its thread: it is handed to another one by a
 * blocking section, lent and recalled, and its threads end.  A signal may only
 * be sent to a thread that has not ended.  So each worker knows its host, under
 * a lock of its own:
 *
 *     the host      take it, in take_host()       lock; the thread is I; unlock
 *                   leave it, in leave_host()     lock; there is none; unlock
 *                   hand it on, in a section      the same, before any other
 *                                                 thread can take it
 *     the watchdog  ask                           lock; if there is one, send
 *                                                 the signal; unlock
 *
 * While the watchdog has the lock the thread cannot leave, and so is alive: the
 * signal is on its way when it goes on.  It may arrive when the thread does
 * something else, for another worker or for none; the handler then finds out
 * that nobody has asked for that.  No thread waits for a lock in the handler.
 *
 * Where no backtrace can be asked for nobody takes these locks.
 *
 * WHAT THE HANDLER READS  The thread is in a task, or counts as in one, so the
 * task's worker is one of a runtime that is there.  It need not be the thread's
 * own: a task that leaves a blocking section is a task again while its worker
 * is another's, for some instructions (section.c).  So nothing of the worker is
 * read but what any thread may read, its runtime and its count of picks; and if
 * it is asked for, it is asked about another task.
 *
 * A TASK MAY HOST a GO_CURRENT_THREAD runtime, as in a shutdown.  Then the
 * handler finds itself in a task of that, below whose stack there is the hog's:
 * so it looks at both, outwards.  (There the worker is the thread's own: there
 * are no sections.)  The walk begins at the innermost, and ends with it: where
 * it is stuck is there.
 *
 * A FORMER HANDLER of the signal is called when nobody has asked.  Whoever has
 * installed that may find ours as its own former one, and call it (io/signals.c
 * does, if somebody subscribes, ends that, and subscribes again): so a thread
 * that is passing a signal on does not pass it on once more.
 *
 * ANOTHER HANDLER may be installed over ours, or none.  So each runtime that is
 * made looks, and installs ours again; and the watchdog looks before it sends,
 * since a signal at its default action would end the program.
 *
 * TESTS  test_backtrace.c, test_backtrace_storm.c; model_question.c.
 */
#include "sched/backtrace.h"

#include <errno.h>
#include <signal.h>

#include "arch/sys.h"
#include "arch/unwind.h"
#include "sched/dump.h"
#include "sched/local.h"

enum {
	SIGNALS = 65
};

/* How long the watchdog waits, and how long until it looks again. */
static const uint64_t PATIENCE = UINT64_C(100) * 1000 * 1000;
static const uint64_t PAUSE = UINT64_C(200) * 1000;

/* ---- who hosts a worker ---- */

/* Out of line: which thread it is must not be known to what suspends. */
__attribute__((noinline)) static void note(struct go__host_thread *host,
					   bool here)
{
	go__lock_acquire(&host->lock);
	host->there = here;
	if (here)
		host->id = pthread_self();
	go__lock_release(&host->lock);
}

void go__host_is_here(struct go__worker *w, bool here)
{
	if (w->runtime->backtrace.signal)
		note(&w->thread, here);
}

/* Do signals of this number come to us? */
static bool is_installed(int sig);

static bool send_signal(struct go__worker *w)
{
	struct go__host_thread *host = &w->thread;
	bool sent;

	if (!is_installed(w->runtime->backtrace.signal))
		return false;

	go__lock_acquire(&host->lock);
	sent = host->there &&
	       go__sys_thread_kill(host->id, w->runtime->backtrace.signal) == 0;
	go__lock_release(&host->lock);
	return sent;
}

/* ---- the watchdog ---- */

/* The hog may have parked before the signal came: then nobody answers. */
static bool await_answer(struct go__question *q, uint32_t asked,
			 const struct go__hog *hog)
{
	uint64_t now = go__sys_now(), deadline = now + PATIENCE;
	enum go__question_state state;

	while ((state = go__question_look(q)) != GO__QUESTION_DONE &&
	       now < deadline &&
	       (state == GO__QUESTION_TAKEN ||
		go__picks(hog->worker) == hog->picks)) {
		/* Nobody wakes it. */
		(void)go__sys_futex_wait(
			&q->word, go__question_as(asked, state), now + PAUSE);
		now = go__sys_now();
	}
	return go__question_drop(q, asked);
}

unsigned go__backtrace_ask(const struct go__hog *hog)
{
	struct go__question *q = &hog->worker->runtime->backtrace.question;
	uint32_t asked = go__question_ask(q, hog);
	bool answered;

	if (asked == 0)
		return 0;
	answered = send_signal(hog->worker) ? await_answer(q, asked, hog)
					    : go__question_drop(q, asked);
	return answered ? q->count : 0;
}

/* ---- the handler ---- */

#ifdef GO_TEST_HOOKS
void (*_Atomic go__backtrace_hook)(void *const *frame, unsigned n);

static void walk_always(void)
{
	void (*hook)(void *const *, unsigned) = go__backtrace_hook;
	void *frame[4 * GO__FRAMES];

	if (hook)
		hook(frame, go__unwind(frame, 4 * GO__FRAMES));
}
#else
static void walk_always(void)
{
}
#endif

/* Is a task of this stack of contexts asked for?  Then answer. */
static bool answer(void)
{
	struct go__context *c = go__self_or_null();

	while (c && (c->flags & GO__CONTEXT_TASK)) {
		struct go__task *t = go__task_of_context(c);
		struct go__worker *w = t->worker;
		struct go__question *q = &w->runtime->backtrace.question;
		struct go__hog here = {w, t, go__picks(w)};

		if (go__question_take(q, &here)) {
			q->count = go__unwind(q->frame, GO__FRAMES);
			go__question_answer(q);
			return true;
		}
		c = w->runtime->flavour == GO_CURRENT_THREAD ? w->host : NULL;
	}
	return false;
}

/* Out of line, as that of the dump (dump.c). */
__attribute__((noinline)) static bool answer_keeping_errno(void)
{
	int *error = go__sys_errno();
	int saved = *error;
	bool answered;

	walk_always();
	answered = answer();
	*error = saved;
	return answered;
}

static struct go__lock install_lock; /* Of who installs. */
/* The former handlers: one of them, or none.  Written under install_lock. */
static void (*_Atomic former[SIGNALS])(int sig);
static void (*_Atomic former_info[SIGNALS])(int sig, siginfo_t *info,
					    void *context);

/* What this thread is passing on, a bit for each signal.  Initial-exec, as in
 * arch/context.c: no call is made to find it. */
static __attribute__((
	tls_model("initial-exec"))) _Thread_local volatile uint64_t passing;

static void pass_signal_on(int sig, siginfo_t *info, void *context)
{
	/* relaxed, both: functions do not change. */
	void (*plain)(int) =
		atomic_load_explicit(&former[sig], memory_order_relaxed);
	void (*full)(int, siginfo_t *, void *) =
		atomic_load_explicit(&former_info[sig], memory_order_relaxed);

	if (full)
		full(sig, info, context);
	else if (plain)
		plain(sig);
}

static void on_asked(int sig, siginfo_t *info, void *context)
{
	uint64_t bit = UINT64_C(1) << (sig - 1);

	if ((passing & bit) || answer_keeping_errno())
		return;
	passing |= bit;
	pass_signal_on(sig, info, context);
	passing &= ~bit;
}

static bool is_ours(const struct sigaction *a)
{
	return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_asked;
}

static bool is_installed(int sig)
{
	struct sigaction now;

	return go__sys_sigaction(sig, NULL, &now) == 0 && is_ours(&now);
}

static void set_former(int sig, const struct sigaction *a)
{
	bool info = a->sa_flags & SA_SIGINFO;
	bool plain =
		!info && a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN;

	/* relaxed, both: sigaction(2) comes after it, and then a handler. */
	atomic_store_explicit(&former[sig], plain ? a->sa_handler : NULL,
			      memory_order_relaxed);
	atomic_store_explicit(&former_info[sig], info ? a->sa_sigaction : NULL,
			      memory_order_relaxed);
}

/* Unless ours is there. */
static int install(int sig)
{
	struct sigaction action = {
		.sa_sigaction = on_asked,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
	};
	struct sigaction old;
	int r = go__sys_sigaction(sig, NULL, &old);

	if (r < 0 || is_ours(&old))
		return r;
	sigemptyset(&action.sa_mask);
	set_former(sig, &old);
	return go__sys_sigaction(sig, &action, NULL);
}

bool go__backtrace_is_possible(void)
{
	return go__unwind_begin();
}

/* What a fault raises would be raised again and again; a runtime's threads
 * block SIGPIPE (pool.c). */
bool go__backtrace_signal_is_good(int sig)
{
	return go__dump_signal_is_good(sig) && sig != SIGFPE && sig != SIGILL &&
	       sig != SIGTRAP && sig != SIGSYS && sig != SIGABRT &&
	       sig != SIGPIPE;
}

int go__backtrace_on_signal(int sig)
{
	int r;

	if (!go__backtrace_signal_is_good(sig))
		return -EINVAL;
	if (!go__backtrace_is_possible())
		return -ENOTSUP;
	go__lock_acquire(&install_lock);
	r = install(sig);
	go__lock_release(&install_lock);
	return r;
}
