/* SPDX-License-Identifier: MIT */
/*
 * How a worker sleeps: in the poller, or on a futex.
 *
 * Whoever finds the poller free becomes the sentry: it sleeps in the poller,
 * until a descriptor is ready, until the earliest deadline of all workers'
 * timers, or until somebody breaks the sleep to wake it as a worker.  All
 * others sleep on their futex, without a time-out.  So an idle runtime has one
 * thread in the poller and costs nothing.
 *
 * DEADLINES.  A worker that falls asleep while the sentry does already may have
 * timers that the sentry has not seen:
 *
 *     the sentry                         another worker
 *     S1  sleep_until = for ever         O1  arm a timer (wheel.next)
 *     S2  look at every wheel            O2  read sleep_until; if the timer
 *     S3  sleep_until = the earliest         is earlier: break the poller
 *     S4  sleep
 *
 * All sequentially consistent.  If O2 comes before S1 in their order, then so
 * does O1 before S2, and the sentry has seen the timer; else O2 reads what S1
 * or S3 wrote, and compares.  (A worker that is awake looks after its timers
 * itself; if it does not come to it, the watchdog has others do it.)  While a
 * worker is alone nobody would read what S1 and S3 write.
 *
 * INVARIANT  poll_owner is 1 while somebody is inside go__poller_wait(), and a
 *            sentry holds it from before it joins the sleepers until it has
 *            left the poller: a break meant for it is seen by nobody else.
 *
 * SOMEBODY POLLS while all sleep: who finds the poller taken may sleep, since
 * whoever has it comes back to it before it sleeps itself; but for one that
 * quits.  So the last to fall asleep looks again (poller_is_left()).
 *
 * TESTS  model_idle.c, with timers behind the sentry; model_lend.c.
 */
#include "arch/sys.h"
#include "sched/blocking.h"
#include "sched/local.h"

bool go__poll_acquire(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	unsigned none = 0;

	/* relaxed: a look, to keep the line shared while somebody polls. */
	if (atomic_load_explicit(&rt->poll_owner, memory_order_relaxed))
		return false;
	if (go__alone(w)) {
		/* relaxed: there is nobody else. */
		atomic_store_explicit(&rt->poll_owner, 1, memory_order_relaxed);
		return true;
	}
	/* acquire <- go__poll_release(): the poller's memory. */
	return atomic_compare_exchange_strong_explicit(&rt->poll_owner, &none,
						       1, memory_order_acquire,
						       memory_order_relaxed);
}

void go__poll_release(struct go_runtime *rt)
{
	/* release -> go__poll_acquire(). */
	atomic_store_explicit(&rt->poll_owner, 0, memory_order_release);
}

static void set_sleep_until(struct go_runtime *rt, bool alone, uint64_t when)
{
	if (!alone)
		/* [sleep_until] seq_cst: S1 and S3 of the head. */
		go__store_seq_cst(&rt->sleep_until, when);
}

/* The earliest deadline of all workers' timers. */
static uint64_t earliest(struct go_runtime *rt)
{
	uint64_t first = GO__NO_DEADLINE;

	for (unsigned i = 0; i < go__slots(rt); i++) {
		uint64_t next = go__wheel_next(&rt->worker[i].wheel);

		first = next < first ? next : first;
	}
	return first;
}

/* The sentry does not look for deadlocks any more; see deadlock.c. */
static bool has_settled(struct go_runtime *rt)
{
	/* relaxed: what was set before we joined the sleepers we see through
	 * their lock. */
	return rt->patience != GO__NO_DEADLINE &&
	       atomic_load_explicit(&rt->settled, memory_order_relaxed);
}

/*
 * A sleeper's timers may be earlier than what the sentry sleeps until; or it
 * was the last to run, and nobody is going to wake it.
 */
static void tell_sentry(struct go__worker *w)
{
	uint64_t next = go__wheel_next(&w->wheel);

	/* seq_cst: O2 of the head. */
	if (next < atomic_load_explicit(&w->runtime->sleep_until,
					memory_order_seq_cst) ||
	    has_settled(w->runtime))
		go__poller_break(w->runtime->poller);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Sleep until something is due, an event or a break comes, or `patience` has
 * passed.  Returns whether the last alone is the case.
 */
static bool sleep_in_poller(struct go__worker *w, uint64_t patience,
			    struct go__wake_list *ready)
{
	struct go_runtime *rt = w->runtime;
	uint64_t now = 0, due, until, enough = GO__NO_DEADLINE;
	int64_t timeout = -1;
	/* Until we are back: a worker that sleeps is not open. */
	bool alone = go__alone(w);

	set_sleep_until(rt, alone, GO__NO_DEADLINE);
	due = sooner(earliest(rt), w->limit);
	if (due != GO__NO_DEADLINE || patience != GO__NO_DEADLINE ||
	    go__stack_trim_due() != UINT64_MAX) {
		now = go__sys_now();
		due = sooner(due, go__stack_trim(now));
		if (patience < GO__NO_DEADLINE - now)
			enough = now + patience;
	}
	until = sooner(due, enough);
	if (until != GO__NO_DEADLINE)
		timeout = until > now ? (int64_t)(until - now) : 0;
	set_sleep_until(rt, alone, until);
	(void)go__poller_wait(rt->poller, timeout, GO__RING_CAPACITY, ready);
	set_sleep_until(rt, alone, 0);
	if (until == GO__NO_DEADLINE)
		return false;
	now = go__sys_now();
	for (unsigned i = 0; due <= now && i < go__slots(rt); i++)
		go__wheel_run(&rt->worker[i].wheel, now, ready);
	return enough <= now && due > now && ready->count == 0;
}

static void sleep_as_sentry(struct go__worker *w, struct go__wake_list *ready)
{
	struct go_runtime *rt = w->runtime;
	uint64_t patience = rt->patience;

	if (patience != GO__NO_DEADLINE)
		/* relaxed: a sleeper that misses it sleeps before us. */
		atomic_store_explicit(&rt->settled, false,
				      memory_order_relaxed);
	while (sleep_in_poller(w, patience, ready) &&
	       go__deadlock_look(w, &patience, ready))
		;
	go__poll_release(rt);
}

static void sleep_on_futex(struct go__worker *w)
{
	tell_sentry(w);
	/* acquire <- [roused]. */
	while (!atomic_load_explicit(&w->roused, memory_order_acquire))
		(void)go__sys_futex_wait(&w->roused, 0, GO__NO_DEADLINE);
}

/* The last worker falls asleep, and tasks wait for stacks: nothing that has
 * one can run, so give the oldest of them up. */
static bool give_up_starved(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	struct go__task *t;

	if (go__queue_count(&rt->starved) == 0 ||
	    !go__idle_all_asleep(go__idle_state(&rt->idle)))
		return false;
	t = go__queue_pop(&rt->starved);
	if (!t)
		return false;
	t->error = -ENOMEM;
	if (t->start.fn == go__blocking_withdrawn)
		go__blocking_forget(t);
	go__task_end(w, t);
	return true;
}

/* Reasons not to sleep after all, once we are among the sleepers. */
static bool must_not_sleep(struct go__worker *w)
{
	int phase = go__phase(w->runtime);

	if (phase == GO__CLOSING && go__runtime_live(w->runtime) == 0) {
		go__runtime_drained(w->runtime);
		/* The last may have ended on a thread of the pool, since the
		 * host asked whether it is done.  A foreign loop hears of it
		 * once, or it would spin until it shuts the runtime down. */
		if (w->runtime->flavour == GO_CURRENT_THREAD && !w->told) {
			w->told = w->dozing;
			return true;
		}
	}
	return phase == GO__STOPPED || go__loan_of(w) == GO__LOAN_RECALLED ||
	       go__work_anywhere(w) || give_up_starved(w);
}

/*
 * Are we the last to fall asleep, with nobody in the poller?  Whoever was there
 * when we asked for it has quit since: a lent worker, which had been recalled.
 * (One that stays would come back to it before it sleeps.)
 */
static bool poller_is_left(struct go_runtime *rt)
{
	/* relaxed: who has released it and quit has held idle.lock behind that,
	 * and before us; or it finds us asleep, and wakes us. */
	return go__idle_all_asleep(go__idle_state(&rt->idle)) &&
	       !atomic_load_explicit(&rt->poll_owner, memory_order_relaxed);
}

/* Somebody has picked us; the signal may still be on its way. */
static void await_signal(struct go__worker *w)
{
	/* acquire <- [roused]. */
	while (!atomic_load_explicit(&w->roused, memory_order_acquire))
		(void)go__sys_futex_wait(&w->roused, 0, GO__NO_DEADLINE);
	/* relaxed: nobody writes it before we join the sleepers again. */
	atomic_store_explicit(&w->roused, 0, memory_order_relaxed);
}

/*
 * Meanwhile we are a plain thread that has entered the runtime: what the hook
 * makes runnable is injected, and wakes somebody, if need be us.
 */
static void call_hook(struct go__worker *w, void (*hook)(void *arg))
{
	struct go__waiter *waiter = w->host->waiter;
	struct go__thread *thread = NULL;
	struct go_runtime *entered = NULL;

	if (!hook)
		return;
	if (!waiter->is_task)
		thread = go__container_of(waiter, struct go__thread, waiter);
	if (thread) {
		entered = thread->entered;
		thread->entered = w->runtime;
		thread->worker = NULL;
	}
	go__hook(w->runtime, hook);
	if (thread) {
		thread->worker = w;
		thread->entered = entered;
	}
}

bool go__worker_sleep(struct go__worker *w, bool searching)
{
	struct go_runtime *rt = w->runtime;
	bool sentry = go__poll_acquire(w);
	struct go__wake_list ready;

	go__wake_list_init(&ready);
	go__idle_join(&rt->idle, &w->sleeper, sentry, searching);
	searching = must_not_sleep(w) || (!sentry && poller_is_left(rt));
	if (searching) {
		if (sentry)
			go__poll_release(rt);
	} else {
		call_hook(w, rt->hooks.thread_park);
		if (sentry)
			sleep_as_sentry(w, &ready);
		else
			sleep_on_futex(w);
		call_hook(w, rt->hooks.thread_unpark);
	}
	(void)go__note_time(w, go__sys_now());
	if (!go__idle_leave(&rt->idle, &w->sleeper, searching)) {
		searching = true;
		await_signal(w);
	}
	go__watchdog_kick(rt);
	/* Now that we are no sleeper: this may wake another one. */
	go__wake_list_flush(&ready);
	return searching;
}

/*
 * Who falls asleep as the last looks at more than tasks (must_not_sleep()), and
 * so does whoever it wakes.  If all others sleep we were the last, and one of
 * them is to take our looks; we have no use for what they find.
 */
void go__worker_quit(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	bool last = go__idle_quit(&rt->idle);

	tell_sentry(w);
	if (last || go__work_anywhere(w))
		go__notify(rt);
}

/* ---- asleep in a foreign loop: guest.c ---- */

void go__worker_doze(struct go__worker *w, bool rouse)
{
	struct go_runtime *rt = w->runtime;

	(void)go__poll_acquire(w);
	w->dozing = true;
	go__idle_join(&rt->idle, &w->sleeper, true, false);
	go__poller_doze(rt->poller);
	if (go__stack_trim_due() != UINT64_MAX)
		(void)go__stack_trim(go__sys_now());
	/* [last look]: behind the joining, and what else a breaker reads. */
	if (rouse || must_not_sleep(w))
		go__notify_all(rt);
	go__watchdog_kick(rt);
}

void go__worker_rise(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	uint64_t now = go__note_time(w, go__sys_now());
	struct go__wake_list ready;

	go__poller_rise(rt->poller);
	go__poll_release(rt);
	if (!go__idle_leave(&rt->idle, &w->sleeper, false)) {
		await_signal(w);
		(void)go__idle_stop_search(&rt->idle);
	}
	w->dozing = false;
	go__watchdog_kick(rt);
	go__wake_list_init(&ready);
	go__wheel_run(&w->wheel, now, &ready);
	go__wake_list_flush(&ready);
	go__look_at_poller(w, now);
}
