/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks: the main task waits, and nothing can ever wake it.
 *
 * Tasks that wait for each other in a circle, or for what nobody is left to
 * do, wait for ever, and the program hangs without a word.  Here is decided
 * when it is certain that they do.  An error in one direction is bad: a report
 * of what is none breaks a program that works.  So whatever is not understood
 * counts as something that may wake a task.
 *
 * THE RULE  It is a deadlock if
 *
 *     C1  all active workers (idle.h) sleep, and the sentry of the first post
 *         (sleep.c) has seen no event for a while;
 *     C2  every task of the runtime has left its stack in a wait that nobody
 *         has claimed, that has no deadline, and that is of a kind which only
 *         calls of this library end: not a descriptor, not time;
 *     C3  every other thread of the process waits, without a deadline, for the
 *         end of one of these tasks, or for that of all in a shutdown; or it
 *         is an idle thread of the runtime's pool, for which there is no job;
 *     C4  there is no other runtime.
 *
 * By C2 somebody must call the library to end one of the waits.  By C1 no task
 * does, by C3 no other thread: one that waits for a task's end goes on after
 * that end, which is not to come.  A signal handler could; but no call that
 * ends a wait may be made in one (debug.h has all that may).  A thread that we
 * did not start is found in the number of the process's threads, whatever it
 * does: a timer's, a sanitizer's, a debugger's.  So under ThreadSanitizer,
 * which has one, nothing is ever reported, nor under qemu-user.
 *
 * WHY IT IS TRUE AT ONE MOMENT  The sentry looks, under idle.lock: as long as
 * it holds that, no sleeper goes back to work, and nobody outside can make a
 * task runnable and go on, for that takes the lock too.  It
 *
 *     L1  finds all active workers in the list of sleepers;
 *     L2  walks over the tasks: C2 holds, and J of them are waited for;
 *     L3  counts the threads: there are no others than our own and J;
 *     L4  walks over the tasks once more: as in L2.
 *
 * At L3 whoever was found waiting in L2 still waits, since no task has run and
 * ended.  So between L3 and L4 no thread of the process does anything but
 * sleep, and L4 looks at what does not change.  Two more things may be under
 * way at L1: the end of a starved task (sleep.c), which is not over while
 * go__runtime_live(), read before the walks, counts more tasks than they find;
 * and a wait that is being ended, which is claimed.
 *
 * WHO LOOKS AGAIN  If a look finds C1 or C2 broken, some worker will run and
 * then fall asleep.  If it is the sentry itself, it begins anew; else it finds
 * `settled` and breaks the sentry's sleep.  Threads and runtimes may go away
 * without a sign; if only C3 or C4 is broken the sentry looks again, more and
 * more rarely; and likewise while jobs run, for a worker need not run after
 * their end.  So a program that waits for the outside costs nothing.
 *
 * WHAT ENDS  The waits of the main tasks, those that a plain thread waits for,
 * with -EDEADLK.  Two waits cannot end so.  Who waits at the end of a group
 * must not go on, as its children may use its frame; if it is one of those, all
 * the others end, and so the children do.  And when a runtime closes, all tasks
 * have been cancelled: those that wait for each other then are deaf, and all of
 * their waits end.
 *
 * TESTS  test_deadlock.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gofer/debug.h>

#include "arch/sys.h"
#include "sched/dump.h"
#include "sched/worker.h"

enum {
	RARELY = 64, /* The longest pause between looks, in patiences. */
};

/* ---- one task ---- */

static bool is_ours(const struct go__task *t, const struct go_runtime *rt)
{
	/* acquire <- [begin]: what is constant after the spawn. */
	if (!(atomic_load_explicit(&t->word.bits, memory_order_acquire) &
	      GO__TASK_LIVE))
		return false;
	/* relaxed: see above. */
	return atomic_load_explicit(&t->runtime, memory_order_relaxed) == rt;
}

static unsigned kind_of(const struct go__waiter *w)
{
	/* relaxed: read before it is known whether the wait is open, and used
	 * if the second walk finds it so. */
	return atomic_load_explicit(&w->kind, memory_order_relaxed);
}

static bool has_deadline(const struct go__waiter *w)
{
	/* relaxed: as the kind. */
	return atomic_load_explicit(&w->deadline, memory_order_relaxed) !=
	       GO__NO_DEADLINE;
}

/* C2: only calls of this library, by somebody, end such a wait. */
static bool only_calls_end(unsigned kind)
{
	switch (kind) {
	case GO__WAIT_JOIN:
	case GO__WAIT_GROUP:
	case GO__WAIT_MUTEX:
	case GO__WAIT_RWLOCK:
	case GO__WAIT_COND:
	case GO__WAIT_SEMAPHORE:
	case GO__WAIT_BARRIER:
	case GO__WAIT_ONCE:
	case GO__WAIT_EVENT:
	case GO__WAIT_COUNTER:
	case GO__WAIT_SEND:
	case GO__WAIT_RECEIVE:
	case GO__WAIT_BROADCAST:
	case GO__WAIT_WATCH:
	case GO__WAIT_ONESHOT:
	case GO__WAIT_CLOSED:
	case GO__WAIT_SELECT:
		return true;
	default:
		return false;
	}
}

static uint64_t wait_bits(const struct go__task *t)
{
	/* acquire <- [open], [save]: the kind and the deadline. */
	return atomic_load_explicit(&t->waiter.word.bits, memory_order_acquire);
}

static bool is_parked(const struct go__task *t)
{
	return (wait_bits(t) & (GO__WAIT_SAVED | GO__WAIT_CLAIMED)) ==
		       GO__WAIT_SAVED &&
	       only_calls_end(kind_of(&t->waiter)) && !has_deadline(&t->waiter);
}

/* Waiters are type-stable, and a joiner may give up: the word decides. */
__attribute__((noinline, no_sanitize_thread)) static struct go__joiner
joiner_of(const struct go__task *t)
{
	const volatile struct go__joiner *j = &t->joiner;

	return (struct go__joiner){j->waiter, j->epoch};
}

/* C3: does a plain thread wait, without a deadline, for the task's end? */
static bool blocks_a_thread(const struct go__task *t)
{
	struct go__joiner j;

	/* acquire <- [joining]: the joiner. */
	if (!(atomic_load_explicit(&t->word.bits, memory_order_acquire) &
	      GO__TASK_JOINING))
		return false;
	j = joiner_of(t);
	/* The wait frames its deadline: the same before and after. */
	return !j.waiter->is_task &&
	       go__wait_word_peek(&j.waiter->word, true) == j.epoch &&
	       !has_deadline(j.waiter) &&
	       go__wait_word_peek(&j.waiter->word, true) == j.epoch;
}

static bool is_main(const struct go__task *t, const struct go_runtime *rt)
{
	return (rt->main.block == t &&
		go__task_word_is(&t->word, rt->main.id)) ||
	       blocks_a_thread(t);
}

/* ---- all tasks ---- */

struct survey {
	struct go_runtime *rt;
	uint64_t parked;
	unsigned joiners; /* Plain threads. */
	bool others;      /* Tasks that are not parked. */
};

static bool survey_task(struct go__task *t, void *arg)
{
	struct survey *s = arg;

	if (!is_ours(t, s->rt))
		return true;
	s->others = !is_parked(t);
	s->parked++;
	s->joiners += blocks_a_thread(t);
	return !s->others;
}

/* L2, L4: C2, for as many tasks as there are. */
static bool all_parked(struct go_runtime *rt, uint64_t live, struct survey *s)
{
	*s = (struct survey){.rt = rt};
	go__block_each(survey_task, s);
	return !s->others && s->parked == live;
}

/* ---- all threads ---- */

/* Of the process; 0: it is not told. */
static uint64_t count_threads(void)
{
	char text[512], *s = NULL;

	/* proc(5): the second field is a name in parentheses, which may hold
	 * anything; the twentieth is the number of threads. */
	if (go__sys_read_file("/proc/self/stat", text, sizeof(text)) > 0)
		s = strrchr(text, ')');
	for (int field = 2; s && field < 20; field++)
		s = strchr(s + 1, ' ');
	return s ? strtoull(s, NULL, 10) : 0;
}

/* Of the library, and of no runtime; they end no waits of these kinds. */
static _Atomic uint32_t helpers;

void go__note_helper(bool runs)
{
	/* relaxed: what is counted is threads, in /proc; a look that falls
	 * between the two finds that they differ, and looks again later. */
	atomic_fetch_add_explicit(&helpers, runs ? 1 : UINT32_MAX,
				  memory_order_relaxed);
}

/*
 * Are there, in the process, no other threads than ours, which sleep, and so
 * many more?  Ours run workers, watch them, are idle in the pool, or help; the
 * pool's lock keeps its threads from coming and going.
 */
static bool no_other_threads(struct go_runtime *rt, uint64_t more)
{
	struct go__pool *p = &rt->pool;
	/* relaxed: see go__note_helper(). */
	uint64_t own = rt->watched +
		       (uint64_t)(rt->flavour == GO_CURRENT_THREAD) +
		       atomic_load_explicit(&helpers, memory_order_relaxed);
	bool none;

	go__lock_acquire(&p->lock);
	none = !go__pool_is_busy(p) &&
	       count_threads() == own + p->present + more;
	go__lock_release(&p->lock);
	return none;
}

/* May a job of the pool end, and something happen then? */
static bool jobs_run(struct go_runtime *rt)
{
	bool some;

	go__lock_acquire(&rt->pool.lock);
	some = go__pool_is_busy(&rt->pool);
	go__lock_release(&rt->pool.lock);
	return some;
}

/* Plain threads that may wait for the runtime to drain. */
static uint64_t drainers(struct go_runtime *rt)
{
	/* relaxed: who has begun to drain stays while there is a task. */
	return atomic_load_explicit(&rt->drainers, memory_order_relaxed);
}

/* Is somebody there whom an end of the waits will help? */
static bool somebody_waits(struct go__worker *w, const struct survey *s)
{
	struct go_runtime *rt = w->runtime;

	if (rt->flavour == GO_CURRENT_THREAD)
		return w->limit == GO__NO_DEADLINE;
	return s->joiners != 0 || drainers(rt) != 0;
}

/* ---- the look ---- */

enum outlook {
	WOKEN,    /* The sentry itself is to go on. */
	INSIDE,   /* Something of the runtime may end waits. */
	OUTSIDE,  /* Something outside of it may. */
	DEADLOCK, /* Nothing can. */
};

/* Under idle.lock. */
static enum outlook look(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	unsigned joiners;
	uint64_t live;
	struct survey s;

	if (!go__link_is_linked(&w->sleeper.link))
		return WOKEN;
	if (!go__idle_all_asleep(go__idle_state(&rt->idle)))
		return INSIDE;
	if (jobs_run(rt))
		return OUTSIDE;
	live = go__runtime_live(rt);
	if (live == 0 || !all_parked(rt, live, &s))
		return INSIDE;
	if (!somebody_waits(w, &s) || !go__runtimes_only(rt) ||
	    !no_other_threads(rt, s.joiners + drainers(rt)))
		return OUTSIDE;
	joiners = s.joiners;
	return all_parked(rt, live, &s) && s.joiners == joiners ? DEADLOCK
								: INSIDE;
}

/* ---- the end of the waits ---- */

struct ending {
	struct go_runtime *rt;
	struct go__wake_list *ready;
	bool all; /* Not only the main tasks'. */
	unsigned ended;
};

/* Whoever waits so must not go on. */
static bool must_wait(const struct go__task *t)
{
	return kind_of(&t->waiter) == GO__WAIT_GROUP &&
	       (wait_bits(t) & GO__WAIT_DEAF);
}

static bool end_wait(struct go__task *t, void *arg)
{
	struct ending *e = arg;
	uint64_t epoch;

	if (!is_ours(t, e->rt) || must_wait(t) ||
	    !(e->all || is_main(t, e->rt)))
		return true;
	epoch = go__wait_word_peek(&t->waiter.word, true);
	if (epoch != 0 && go__wait_claim_epoch(&t->waiter, epoch)) {
		go__wake_list_add(e->ready, &t->waiter, -EDEADLK);
		e->ended++;
	}
	return true;
}

/* Returns whether there was one that could end. */
static bool end_waits(struct go_runtime *rt, struct go__wake_list *ready)
{
	struct ending e = {rt, ready, go__phase(rt) != GO__OPEN, 0};

	go__block_each(end_wait, &e);
	if (e.ended == 0) {
		e.all = true;
		go__block_each(end_wait, &e);
	}
	return e.ended != 0;
}

static void report(struct go_runtime *rt)
{
	static const char open[] = "gofer: deadlock: nothing can ever wake the"
				   " main task; its wait ends with -EDEADLK\n";
	static const char closing[] =
		"gofer: deadlock: nothing can ever wake the cancelled tasks;"
		" their waits end with -EDEADLK\n";

	if (go__phase(rt) == GO__OPEN)
		(void)go__sys_write(STDERR_FILENO, open, sizeof(open) - 1);
	else
		(void)go__sys_write(STDERR_FILENO, closing,
				    sizeof(closing) - 1);
	(void)go_runtime_dump(rt, STDERR_FILENO);
}

bool go__deadlock_look(struct go__worker *w, uint64_t *patience,
		       struct go__wake_list *ready)
{
	struct go_runtime *rt = w->runtime;
	enum outlook outlook;

	go__lock_acquire(&rt->idle.lock);
	outlook = look(w);
	if (outlook == DEADLOCK)
		rt->deadlocked = true;
	if (outlook != OUTSIDE)
		/* relaxed: read behind this lock, by who has been awake. */
		atomic_store_explicit(&rt->settled, true, memory_order_relaxed);
	go__lock_release(&rt->idle.lock);
	if (outlook == WOKEN)
		return false;
	if (outlook == OUTSIDE) {
		if (*patience < rt->patience * RARELY)
			*patience *= 2;
		return true;
	}
	*patience = GO__NO_DEADLINE;
	if (outlook == INSIDE)
		return true;
	report(rt);
	return !end_waits(rt, ready);
}
