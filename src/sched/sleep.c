/* SPDX-License-Identifier: MIT */
/*
 * How a worker sleeps: in a poller, or on a futex.
 *
 * A runtime has a few pollers, one for each 16 workers or so, and each is a
 * post.  A worker that falls asleep takes the post where it is at home, or else
 * any that is free, and becomes its sentry: it sleeps in the poller, until a
 * descriptor is ready, until the earliest deadline of those at home there, or
 * until somebody breaks the sleep to wake it as a worker.  Those who find no
 * post sleep on their futex, without a time-out.  So an idle runtime has one
 * thread in each poller and costs nothing.
 *
 * No worker is bound to a poller.  Which one a descriptor belongs to follows
 * from its number (watch.h), and what comes out of it runs on whoever has
 * fetched it.  So what has to be shown is that somebody looks at each:
 *
 *     while                           each poller is looked at by
 *     ------------------------------  ---------------------------------------
 *     all sleep                       its sentry: MANNED
 *     some sleep, and fewer than      its sentry, or another one: COVER
 *       there are posts
 *     none sleeps                     whoever has its fair turn (pick.c): at
 *                                     one poller that is free, by turns
 *     all are hogged                  a worker that is lent (watchdog.c), or
 *                                     nobody, as who waits must wait (home.c)
 *
 * MANNED  There are no more posts than workers.  But that each of those who
 * sleep on a futex has seen no free post does not mean that there is none, for
 * they look at one after another:
 *
 *     worker 0, at home at 0            worker 1, at home at 1
 *                                       look at poller 0 (a fair turn)
 *     post 0: somebody is there
 *                                       leave poller 0; fall asleep at post 1
 *     post 1: somebody is there
 *     sleep on the futex
 *
 * Nobody will ever look at poller 0, nor does the watchdog, since all sleep.
 * So:
 *
 *     M1  join the sleepers
 *     M2  if all sleep and a post is free: wake somebody
 *
 * When all sleep, each has joined, under idle.lock.  The last to do so sees in
 * M2 what all others did before they joined, and what a lent worker did that
 * has been recalled while it was in the poller, and has quit.  A post that it
 * sees taken is that of a sleeper, and who leaves it leaves the sleepers, and
 * is the one to go through M1 and M2 later.  One that it sees free has somebody
 * woken, who finds it free, too, and takes it, or another: of them there are as
 * many as there are workers on futexes at least, and those are woken first.
 *
 * COVER  The watchdog marks a post where nobody has been for a tick or two as
 * an orphan, and wakes somebody.  A worker that has slept on its futex becomes
 * the orphan's sentry.  But if there were none, it was another sentry who woke
 * up: it covers the orphan when it falls asleep again.  It sleeps over both
 * pollers and looks after both posts' timers.  It does not take the post, so
 * that the next worker that falls asleep can, which takes the mark away.
 *
 * Who goes on with a sleep without having left the sleepers, to look for a
 * deadlock, must not have been at a post that it covers: M2 might have found it
 * there.
 *
 * DEADLINES.  A worker that falls asleep while its home's sentry does already
 * may have timers that the sentry has not seen:
 *
 *     the sentry                         another worker, at home there
 *     S1  sleep_until = for ever         O1  arm a timer (wheel.next)
 *     S2  look at every wheel            O2  read sleep_until; if the timer
 *     S3  sleep_until = the earliest         is earlier: break the poller
 *     S4  sleep
 *
 * All sequentially consistent.  If O2 comes before S1 in their order, then so
 * does O1 before S2, and the sentry has seen the timer; else O2 reads what S1
 * or S3 wrote, and compares.  (A worker that is awake looks after its timers
 * itself; if it does not come to it, the watchdog has others do it.)  While a
 * worker is alone nobody would read what S1 and S3 write.  Each looks at the
 * wheels of its own post only, or all sentries would wake up for each timer.
 *
 * WHY NOT one poller for all?  One thread at a time is inside it, or each edge
 * would have to be delivered twice; on many cores that one thread would hand
 * all of them out.  WHY NOT one per worker?  Then a descriptor belongs to a
 * worker, and either its task does too, or most wake-ups cross over.  WHY NOT
 * one sentry that sleeps over all pollers?  It would be the one thread again.
 *
 * INVARIANT  A post's owner is 1 while somebody is inside go__poller_wait(),
 *            and a sentry holds it from before it joins the sleepers until it
 *            has left the poller: a break meant for it is seen by nobody else.
 *
 * TESTS  model_idle.c, with timers behind the sentry, and with two pollers;
 *        model_lend.c; test_pollers.c.
 */
#include "arch/sys.h"
#include "sched/blocking.h"
#include "sched/local.h"

/* What a worker is woken for: ENOUGH in idle.h. */
enum {
	MANY_NS = 50 * 1000, /* Many tasks take so long. */
	WAKE_NS = 5 * 1000,  /* What a wake-up takes by itself, at least. */
};

/* ---- posts ---- */

static bool is_free(const struct go__post *post)
{
	/* relaxed: a look. */
	return !atomic_load_explicit(&post->owner, memory_order_relaxed);
}

/* Nobody comes, and no other sentry covers it. */
static bool is_orphan(const struct go__post *post)
{
	/* relaxed, both: guesses. */
	return atomic_load_explicit(&post->orphan, memory_order_relaxed) &&
	       !atomic_load_explicit(&post->covered, memory_order_relaxed);
}

static bool acquire(struct go__worker *w, struct go__post *post)
{
	unsigned none = 0;

	/* To keep the line shared while somebody polls. */
	if (!is_free(post))
		return false;
	if (go__alone(w)) {
		/* relaxed: there is nobody else. */
		atomic_store_explicit(&post->owner, 1, memory_order_relaxed);
		return true;
	}
	/* acquire <- go__post_release(): the poller's memory. */
	return atomic_compare_exchange_strong_explicit(&post->owner, &none, 1,
						       memory_order_acquire,
						       memory_order_relaxed);
}

struct go__post *go__post_acquire(struct go__worker *w, unsigned first)
{
	struct go_runtime *rt = w->runtime;

	for (unsigned i = 0; i < rt->posts; i++) {
		struct go__post *post = &rt->post[(first + i) % rt->posts];

		if (acquire(w, post))
			return post;
	}
	return NULL;
}

void go__post_release(struct go__post *post)
{
	/* release -> acquire(). */
	atomic_store_explicit(&post->owner, 0, memory_order_release);
}

/* Where a worker's timers are looked after, and it sleeps itself if it can. */
static struct go__post *home_of(struct go__worker *w)
{
	return &w->runtime->post[w->index % w->runtime->posts];
}

/* A post to sleep at, or NULL. */
static struct go__post *settle(struct go__worker *w)
{
	struct go__post *post = go__post_acquire(w, w->index);

	w->post = post;
	/* relaxed, both: a hint of the watchdog's. */
	if (post && atomic_load_explicit(&post->orphan, memory_order_relaxed))
		atomic_store_explicit(&post->orphan, false,
				      memory_order_relaxed);
	return post;
}

/* All sleep, and a post is free: M2 of the head. */
static void man_posts(struct go_runtime *rt)
{
	if (!go__idle_all_asleep(go__idle_state(&rt->idle)))
		return;
	for (unsigned i = 0; i < rt->posts; i++)
		if (is_free(&rt->post[i])) {
			go__notify(rt);
			return;
		}
}

/* ---- the sentry ---- */

/* Its own post, first, and those that it covers. */
struct vigil {
	struct go__post *post[GO__POLLERS_MOST];
	struct go__poller *poller[GO__POLLERS_MOST];
	unsigned n;
};

static void watch_post(struct vigil *v, struct go__post *post)
{
	v->post[v->n] = post;
	v->poller[v->n++] = post->poller;
}

/* Begin to sleep over one's own post, and over orphans: COVER of the head. */
static void begin_vigil(struct vigil *v, struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;

	v->n = 0;
	watch_post(v, w->post);
	for (unsigned i = 0; i < rt->posts; i++) {
		struct go__post *post = &rt->post[i];

		if (post != w->post && is_free(post) && is_orphan(post)) {
			/* relaxed: for guesses. */
			atomic_fetch_add_explicit(&post->covered, 1,
						  memory_order_relaxed);
			watch_post(v, post);
		}
	}
}

/* Look at what was covered, unless its sentry has come. */
static void end_vigil(struct vigil *v, struct go__worker *w,
		      struct go__wake_list *ready)
{
	for (unsigned i = 1; i < v->n; i++) {
		struct go__post *post = v->post[i];

		if (acquire(w, post)) {
			(void)go__poller_wait(post->poller, 0,
					      GO__RING_CAPACITY, ready);
			go__post_release(post);
		}
		/* relaxed: see begin_vigil(). */
		atomic_fetch_sub_explicit(&post->covered, 1,
					  memory_order_relaxed);
	}
}

static void set_sleep_until(struct go__post *post, bool alone, uint64_t when)
{
	if (!alone)
		/* [sleep_until] seq_cst: S1 and S3 of the head. */
		go__store_seq_cst(&post->sleep_until, when);
}

/* The number of the first worker at home at a post. */
static unsigned first_of(struct go_runtime *rt, const struct go__post *post)
{
	return (unsigned)(post - rt->post);
}

/* The earliest deadline of the workers at home at the watched posts. */
static uint64_t earliest(struct go_runtime *rt, const struct vigil *v)
{
	uint64_t first = GO__NO_DEADLINE;
	unsigned slots = go__slots(rt);

	for (unsigned k = 0; k < v->n; k++)
		for (unsigned i = first_of(rt, v->post[k]); i < slots;
		     i += rt->posts) {
			uint64_t next = go__wheel_next(&rt->worker[i].wheel);

			first = next < first ? next : first;
		}
	return first;
}

static void run_wheels(struct go_runtime *rt, const struct vigil *v,
		       uint64_t now, struct go__wake_list *ready)
{
	unsigned slots = go__slots(rt);

	for (unsigned k = 0; k < v->n; k++)
		for (unsigned i = first_of(rt, v->post[k]); i < slots;
		     i += rt->posts)
			go__wheel_run(&rt->worker[i].wheel, now, ready);
}

/* The first post's sentry looks for no deadlocks any more; see deadlock.c. */
static bool has_settled(struct go_runtime *rt)
{
	/* relaxed: what was set before we joined the sleepers we see through
	 * their lock. */
	return rt->patience != GO__NO_DEADLINE &&
	       atomic_load_explicit(&rt->settled, memory_order_relaxed);
}

/*
 * The sentry at w's home does not look at w's timers any more, and they may be
 * earlier than what it sleeps until.  Or w was the last to run, and nobody is
 * going to wake the sentry that looks for deadlocks.
 */
static void tell_sentry(struct go__worker *w, const struct go__post *own)
{
	struct go_runtime *rt = w->runtime;
	struct go__post *home = home_of(w), *first = &rt->post[0];

	if (own != home && go__wheel_next(&w->wheel) <
				   /* seq_cst: O2 of the head. */
				   atomic_load_explicit(&home->sleep_until,
							memory_order_seq_cst))
		go__poller_break(home->poller);
	if (own != first && has_settled(rt))
		go__poller_break(first->poller);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void keep_vigil(struct vigil *v, int64_t timeout,
		       struct go__wake_list *ready)
{
	if (v->n > 1 && timeout != 0)
		(void)go__poller_wait_over(v->poller, v->n, timeout,
					   GO__RING_CAPACITY, ready);
	else
		(void)go__poller_wait(v->poller[0], timeout, GO__RING_CAPACITY,
				      ready);
}

/*
 * Sleep until something is due, an event or a break comes, or `patience` has
 * passed.  Returns whether the last alone is the case.
 */
static bool sleep_in_poller(struct go__worker *w, uint64_t patience,
			    struct go__wake_list *ready)
{
	struct go_runtime *rt = w->runtime;
	struct go__post *post = w->post;
	uint64_t now = 0, due, until, enough = GO__NO_DEADLINE;
	struct vigil vigil;
	int64_t timeout = -1;
	/* Until we are back: a worker that sleeps is not open. */
	bool alone = go__alone(w);

	begin_vigil(&vigil, w);
	set_sleep_until(post, alone, GO__NO_DEADLINE);
	due = sooner(earliest(rt, &vigil), w->limit);
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
	set_sleep_until(post, alone, until);
	keep_vigil(&vigil, timeout, ready);
	set_sleep_until(post, alone, 0);
	end_vigil(&vigil, w, ready);
	if (until == GO__NO_DEADLINE)
		return false;
	now = go__sys_now();
	if (due <= now)
		run_wheels(rt, &vigil, now, ready);
	return enough <= now && due > now && ready->count == 0 && vigil.n == 1;
}

static void sleep_as_sentry(struct go__worker *w, struct go__wake_list *ready)
{
	struct go_runtime *rt = w->runtime;
	struct go__post *post = w->post;
	uint64_t patience =
		post == &rt->post[0] ? rt->patience : GO__NO_DEADLINE;

	if (patience != GO__NO_DEADLINE)
		/* relaxed: a sleeper that misses it sleeps before us. */
		atomic_store_explicit(&rt->settled, false,
				      memory_order_relaxed);
	while (sleep_in_poller(w, patience, ready) &&
	       go__deadlock_look(w, &patience, ready))
		;
	go__post_release(post);
}

static void sleep_on_futex(struct go__worker *w)
{
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

/* Somebody has picked us; the signal may still be on its way. */
static void await_signal(struct go__worker *w)
{
	sleep_on_futex(w);
	/* relaxed: nobody writes it before we join the sleepers again. */
	atomic_store_explicit(&w->roused, 0, memory_order_relaxed);
}

/*
 * Meanwhile our thread is a plain one that has entered the runtime: what the
 * hook makes runnable is injected, and wakes somebody, if need be us.  A host
 * that is a task of another runtime is and stays that one's, and what it makes
 * runnable here is injected anyway.
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

/* ---- what it was woken for: ENOUGH in idle.h ---- */

/* We have been picked, and are awake. */
static void begin_stint(struct go__worker *w, uint64_t now)
{
	w->stint.since = now;
	w->stint.runs = w->runs;
	w->stint.open = true;
}

/* What `enough` ought to be, as far as we can tell; 0: we cannot. */
static uint32_t judge(const struct go__worker *w, uint64_t now)
{
	const struct go__stint *s = &w->stint;
	uint32_t enough = go__idle_enough(&w->runtime->idle);
	uint64_t awake = now - s->since, runs = w->runs - s->runs;

	if (runs && awake >= GO__LONG_TASK_NS * runs + WAKE_NS)
		return GO__ENOUGH_LEAST;
	if (awake >= MANY_NS)
		return enough / 2;
	/* relaxed: a guess. */
	return s->waker && atomic_load_explicit(&s->waker->pace.brisk,
						memory_order_relaxed)
		       ? enough * 2
		       : 0;
}

void go__stint_judge(struct go__worker *w, uint64_t now, bool falls_asleep)
{
	struct go__idle *idle = &w->runtime->idle;
	uint32_t enough;

	if (!w->stint.open)
		return;
	enough = judge(w, now);
	/* What has been short and little so far may go on. */
	if (!falls_asleep && (enough == 0 || enough > go__idle_enough(idle)))
		return;
	w->stint.open = false;
	if (enough)
		go__idle_set_enough(idle, enough);
}

bool go__worker_sleep(struct go__worker *w, bool searching)
{
	struct go_runtime *rt = w->runtime;
	struct go__post *post = settle(w);
	struct go__wake_list ready;
	uint64_t now;

	if (w->stint.open)
		go__stint_judge(w, go__sys_now(), true);
	go__wake_list_init(&ready);
	go__idle_join(&rt->idle, &w->sleeper, post != NULL, searching);
	searching = must_not_sleep(w);
	if (searching) {
		if (post)
			go__post_release(post);
	} else {
		man_posts(rt);
		tell_sentry(w, post);
		call_hook(w, rt->hooks.thread_park);
		if (post)
			sleep_as_sentry(w, &ready);
		else
			sleep_on_futex(w);
		call_hook(w, rt->hooks.thread_unpark);
	}
	now = go__note_time(w, go__sys_now());
	go__pace_begin(w, now);
	if (!go__idle_leave(&rt->idle, &w->sleeper, searching)) {
		searching = true;
		await_signal(w);
		begin_stint(w, now);
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

	tell_sentry(w, NULL);
	if (last || go__work_anywhere(w))
		go__notify(rt);
}

/* ---- asleep in a foreign loop: guest.c ---- */

void go__worker_doze(struct go__worker *w, bool rouse)
{
	struct go_runtime *rt = w->runtime;

	(void)settle(w);
	w->dozing = true;
	go__idle_join(&rt->idle, &w->sleeper, true, false);
	go__poller_doze(w->post->poller);
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

	go__poller_rise(w->post->poller);
	go__post_release(w->post);
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
