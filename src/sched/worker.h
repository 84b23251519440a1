/* SPDX-License-Identifier: MIT */
/*
 * Workers and runtimes from the inside.
 *
 * A worker is what runs tasks: queues, timers, caches of stacks and blocks.  A
 * thread lends it a stack of its own to stand on between tasks (its host
 * context), and a place for errno.  The two are apart so that a worker can be
 * handed to another thread.
 *
 * LOCK ORDER  src/README.md has it, for all locks of the library.
 */
#ifndef GO_SCHED_WORKER_H
#define GO_SCHED_WORKER_H

#include <gofer/runtime.h>

#include "arch/overflow.h"
#include "arch/stack.h"
#include "sched/backtrace.h"
#include "sched/idle.h"
#include "sched/poller.h"
#include "sched/pool.h"
#include "sched/queue.h"
#include "sched/ring.h"
#include "sched/task.h"

/* What the successor does for the context that has just left its stack. */
enum go__after {
	GO__AFTER_NOTHING,
	GO__AFTER_PARK,  /* previous waits: note that it is saved. */
	GO__AFTER_YIELD, /* previous is runnable: queue it. */
	GO__AFTER_DEATH, /* The stack dead_slot is free. */
};

/* A blocking section (section.c).  The thread only. */
struct go__section {
	struct go__task *task;    /* NULL: there is none. */
	struct go__context *host; /* The thread's own stack. */
	struct go__extra *extra;  /* The thread's own. */
	unsigned depth;           /* Of begins without an end. */
};

/* A thread that can wait, and may run a worker. */
struct go__thread {
	struct go__waiter waiter;
	/* 1: the open wait has been delivered. */
	_Atomic uint32_t woken;
	/* Owner makes them, once; wakers read the second: -1, or the ends of
	 * go__sys_event(). */
	_Atomic int eventfd, eventfd_in;
	struct go__worker *worker; /* The owner only. */
	uint64_t deadline;         /* The owner only: the innermost scope. */
	struct go__extra *extra;   /* The owner only: extra.c. */
	/* The owner only: the runtime that it has entered, or whose pool it
	 * belongs to, or NULL; and what it goes back to: enter.c. */
	struct go_runtime *entered;
	struct go__outer *outer;
	struct go__pool_thread pool; /* Of a pool thread: pool.h. */
	struct go__section section;
	struct go__thread *next_free; /* Under thread.c's lock. */
};

/*
 * A place to sleep in: a poller, and the right to wait there, which is the
 * sentry's; see sleep.c.
 */
struct go__post {
	_Alignas(64) struct go__poller *poller; /* Constant. */
	/* 1: somebody polls, and nobody else may. */
	_Atomic unsigned owner;
	/* How many sentries of other posts sleep over this one, too. */
	_Atomic unsigned covered;
	/* The watchdog sets, a sentry clears: nobody has come for a while. */
	_Atomic bool orphan;
	/* The watchdog only: at the last tick nobody was there. */
	bool unattended;
	/* Until when the sentry sleeps; 0: no sentry. */
	_Atomic uint64_t sleep_until;
};

struct go__worker {
	/* The thread that runs it, only; first what each switch needs. */
	struct go_runtime *runtime;
	int *errno_location; /* Of the host's thread. */
	/* The same, where C++ is: NULL while nobody has asked. */
	struct go__exceptions *exceptions;
	struct go__task *previous;
	uint64_t epoch; /* Of the wait of previous. */
	enum go__after after;
	unsigned streak;  /* Times in a row that `next` was taken. */
	uint64_t runs;    /* Times that a task has left it. */
	uint64_t fair_at; /* The pick at which a slow look is due. */
	/* The watchdog writes: nobody else touches our queues (lend.c). */
	_Atomic bool alone;
	/* The owner: a task's own code runs, and nothing of the scheduler. */
	_Atomic bool open;
	/* Constant: as in the runtime, for each spawn; and what a new stack
	 * begins with (park.c). */
	bool home;
	void (*first_function)(void);
	unsigned fair_turn; /* Slow looks made. */
	unsigned fairness;  /* Picks between two of them. */
	/* Guests (guest.c).  In a turn that has not reached its limit: there
	 * is no sleeping.  Between turns: it dozes. */
	bool turning, dozing;
	bool told; /* Its host has heard that it is drained. */
	struct go__context *host;
	struct go__task *handoff; /* Picked, but its stack takes the host. */
	char *dead_slot;
	unsigned dead_class;
	unsigned free_count; /* Of free_blocks. */
	/* Task blocks, linked by their `next`; `spare` is a full batch, or
	 * NULL: block.c. */
	struct go__waiter *free_blocks, *spare_blocks;
	uint64_t id, id_end; /* Task ids to give out. */
	uint64_t seed;       /* Which victim first. */
	uint64_t polled_at;  /* Time of its last look at a poller. */
	unsigned post_turn;  /* Looks at pollers made. */
	uint32_t clock;      /* Milliseconds, when it last looked. */
	uint64_t limit;      /* Sleep no longer: a shutdown's time-out. */
	struct go__stack_cache stacks;
	struct go__context grave;     /* Stands in for a task that has ended. */
	struct go__altstack altstack; /* A guest's, between turns, too. */
	unsigned index;
	bool active; /* It is lent, and counts as active. */

	/* The owner writes, others read or take: see ring.h, queue.h. */
	_Alignas(64) _Atomic(struct go__task *) next; /* Woken last. */
	/* What it runs, for the dump. */
	_Atomic(struct go__task *) current;
	/* The watchdog sets it: thieves may take `next` too. */
	_Atomic bool stuck;
	/* An enum go__loan. */
	_Atomic uint32_t loan;
	/* The owner counts: picks made, tasks begun, tasks ended; and, where
	 * tasks stay (home.c), stacks of those who live here. */
	_Atomic uint64_t picks, spawned, ended;
	_Atomic uint32_t residents;
	struct go__fresh_ring fresh;
	struct go__woken_ring woken;
	struct go__wheel wheel;
	struct go__queue inbox;

	/* Going to sleep and being woken: idle.h. */
	struct go__sleeper sleeper;
	struct go__post *post;   /* Of a sleeper that is a sentry. */
	_Atomic uint32_t roused; /* 1: somebody has picked us. */
	struct go__stint stint;  /* Its own rules: idle.h, as for pace. */
	struct go__pace pace;

	/* The watchdog only: what it saw last, and since when. */
	struct go__watched {
		uint64_t picks, since;
		bool hogged, awaited; /* For too long; own tasks waited. */
	} watched;
	struct go__host_thread thread; /* Its own rules: backtrace.h. */
};

/*
 * Where a worker stands that is lent (lend.c).
 *
 *     loan       its host                         set by      goes on to
 *     ---------  -------------------------------  ----------  ----------------
 *     HOME       a thread of the runtime          creation    (stays)
 *     FREE       none                             the host    LENT
 *     LENT       a spare thread, or on its way    watchdog    RECALLED, FREE
 *     RECALLED   the same, asked to quit          watchdog    FREE
 */
enum go__loan {
	GO__LOAN_HOME,
	GO__LOAN_FREE,
	GO__LOAN_LENT,
	GO__LOAN_RECALLED,
};

/*
 * Phases of a runtime.
 *
 *     phase     takes tasks    waits fail      workers run
 *     --------  -------------  --------------  -----------
 *     OPEN      yes            if cancelled    yes
 *     CLOSING   no             always          yes
 *     STOPPED   no             always          no
 */
enum go__phase {
	GO__OPEN,
	GO__CLOSING,
	GO__STOPPED
};

enum {
	GO__STUCK_SITES = 128,
};

struct go_runtime {
	/* Constant after creation. */
	unsigned worker_count;
	unsigned fairness;
	int flavour;
	unsigned stack_class;
	bool migrate;
	bool home;  /* A task stays where it has first run: home.c. */
	bool quiet; /* No explanations: refuse.c. */
	size_t worker_stack_bytes;
	char thread_name[16];
	uint64_t poll_interval; /* While busy, not more often; ns. */
	uint64_t seed;
	go_thread_hooks hooks;
	/* How long all sleep until somebody looks whether it is for ever;
	 * GO__NO_DEADLINE: nobody does (deadlock.c). */
	uint64_t patience;
	struct go__pollers *pollers;
	unsigned posts; /* One for each poller; at most one per worker. */
	/* Workers that may be lent, behind the others: lend.c. */
	unsigned spares;
	/* How long a task may keep a worker, and who is told if it does;
	 * GO__NO_DEADLINE: for ever. */
	uint64_t stuck_after;
	void (*on_stuck)(const struct go_stuck_report *report, void *arg);
	void *on_stuck_arg;

	/* The list of all runtimes: dump.c. */
	_Atomic(struct go_runtime *) next_runtime;

	/* Any thread; an enum go__phase, written under lock. */
	_Alignas(64) _Atomic int phase;
	struct go__queue injection;
	/* Tasks that other threads than ours have begun. */
	_Atomic uint64_t spawned;
	struct go__queue starved;
	/* Outsiders that are handing a task over (ready.c), or in a call. */
	_Atomic uint32_t visitors;
	/* Plain threads that have entered: enter.c. */
	_Atomic uint32_t entered;

	_Alignas(64) struct go__idle idle;
	/* Under idle.lock: the first post's sentry looks for a deadlock no more
	 * until another worker has fallen asleep.  Threads in a shutdown for as
	 * long as it takes.  Under idle.lock: a deadlock was found. */
	_Atomic bool settled;
	_Atomic uint32_t drainers;
	bool deadlocked;
	/* Bumped when the last task has ended while closing, and when the
	 * phase changes; a futex for go_runtime_shutdown(). */
	_Atomic uint32_t news;
	/* Futex of the watchdog, whose states watchdog.c has. */
	_Atomic uint32_t watch;
	/* The watchdog: workers made so far, of worker_count + spares. */
	_Atomic unsigned slots;
	/* The watchdog, once it runs: while no worker is lent, the only one may
	 * use its queues as its own (lend.c). */
	bool can_be_alone;
	/* The watchdog only: sites that have been reported (stuck.c). */
	const char *stuck_site[GO__STUCK_SITES];
	unsigned stuck_sites;
	struct go__backtrace backtrace; /* Its own rules: backtrace.h. */
	bool watched;                   /* Constant: there is a watchdog. */
	pthread_t watchdog;

	struct go__lock lock; /* Creation, shutdown, who hosts. */
	/* Under lock: somebody runs GO_CURRENT_THREAD; who waits to: seat.c. */
	bool hosted;
	struct go__link seats;
	bool joined; /* Under lock: of its threads none is left. */
	bool told;   /* Under lock: that tasks are left (left.c). */
	/* Set in the child of a fork, which has no other thread: fork.c. */
	bool dead;
	/* A foreign loop gives it turns.  The host writes it, under lock. */
	bool guest;
	/* Under lock: its loop has been told that the descriptor tells. */
	bool asked;
	bool watchdog_joined; /* Under lock. */
	go_task main;         /* The host only: what it runs tasks for. */

	_Alignas(64) struct go__pool pool;

	struct go__post post[GO__POLLERS_MOST];

	_Alignas(64) struct go__worker worker[];
};

/*
 * How many workers there are to look at, hosted or not.  One that has been lent
 * is seen by whoever has heard, by however long a way, of what it did.
 */
static inline unsigned go__slots(const struct go_runtime *rt)
{
	/* acquire <- [slots] in lend.c. */
	return atomic_load_explicit(&rt->slots, memory_order_acquire);
}

static inline enum go__loan go__loan_of(const struct go__worker *w)
{
	/* acquire <- [loan] in lend.c. */
	return (enum go__loan)atomic_load_explicit(&w->loan,
						   memory_order_acquire);
}

static inline int go__phase(const struct go_runtime *rt)
{
	/* [phase] seq_cst <-> shutdown's store: behind the saving of a wait,
	 * as for a task's own flag (waitword.h). */
	return atomic_load_explicit(&rt->phase, memory_order_seq_cst);
}

/* Who is in here keeps go_runtime_destroy() waiting, so not for long. */
static inline void go__visit(struct go_runtime *rt)
{
	/* relaxed: the runtime is there by other means. */
	atomic_fetch_add_explicit(&rt->visitors, 1, memory_order_relaxed);
}

static inline void go__depart(struct go_runtime *rt)
{
	/* [left] release -> go_runtime_destroy(). */
	atomic_fetch_sub_explicit(&rt->visitors, 1, memory_order_release);
}

/* A worker that stays, for tasks that must always come back to the same. */
static inline struct go__worker *go__worker_home(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;

	return &rt->worker[w->index % rt->worker_count];
}

/* The innermost deadline scope of a waiter.  For its owner. */
static inline uint64_t *go__waiter_scope(struct go__waiter *w)
{
	if (w->is_task)
		return &go__task_of_waiter(w)->deadline;
	return &go__container_of(w, struct go__thread, waiter)->deadline;
}

/* Note what the worker runs from now on; NULL: its host. */
static inline void go__runs(struct go__worker *w, struct go__task *t)
{
	/* relaxed: told to people by the dump, and to nobody else. */
	atomic_store_explicit(&w->current, t, memory_order_relaxed);
}

/* Note the time, for waits that begin until it is noted again. */
static inline uint64_t go__note_time(struct go__worker *w, uint64_t now)
{
	w->clock = (uint32_t)(now / 1000000);
	return now;
}

/* The worker that runs the caller, or NULL in a plain thread. */
struct go__worker *go__worker_self(void);

/*
 * True if the task must go on on t->worker and nowhere else.  For whoever may
 * resume it, or spawns it.
 */
static inline bool go__task_stays(const struct go_runtime *rt,
				  const struct go__task *t)
{
	return t->pinned || (rt->home && t->slot);
}

/* ---- block.c: task blocks, in a worker's cache or the depot ---- */

enum {
#ifdef GO_TEST_SMALL
	GO__BLOCKS_BATCH = 2,
#else
	GO__BLOCKS_BATCH = 32, /* Moved between a cache and the depot. */
#endif
};

/* Parts of the next two functions. */
struct go__task *go__block_alloc_slow(struct go__worker *w);
void go__block_free_slow(struct go__worker *w, struct go__task *t);

/* From the cache of a worker or, with NULL, from the depot; NULL: none left. */
static inline struct go__task *go__block_alloc(struct go__worker *w)
{
	struct go__waiter *first = w ? w->free_blocks : NULL;

	if (!first)
		return go__block_alloc_slow(w);
	w->free_blocks = first->next;
	w->free_count--;
	return go__task_of_waiter(first);
}

static inline void go__block_free(struct go__worker *w, struct go__task *t)
{
	if (!w || w->free_count == GO__BLOCKS_BATCH) {
		go__block_free_slow(w, t);
		return;
	}
	t->waiter.next = w->free_blocks;
	w->free_blocks = &t->waiter;
	w->free_count++;
}

/* Around fork. */
void go__block_lock(void);
void go__block_unlock(void);

/* Give a worker's cache back. */
void go__block_drain(struct go__worker *w);

/* ---- ready.c: making tasks runnable ---- */

/*
 * Queue a task that can be resumed.  `self` is the worker that runs the
 * caller, or NULL.  With `soon` it runs next, if it can: it has been woken by
 * what runs now, and its data is in the cache.
 */
void go__ready(struct go__worker *self, struct go__task *t, bool soon);
/* Queue a new task. */
void go__ready_fresh(struct go__worker *self, struct go__task *t);
/*
 * A ring has no room for t: move it to the injection queue.  A fresh one takes
 * the oldest of its ring along, since newer ones are wanted here; a woken one
 * goes alone, since it is the last in line there, too; and if it must stay it
 * waits in the inbox.
 */
void go__overflow_ring(struct go__worker *self, struct go__task *t);
/* go__submit() of local.h, with other workers about. */
void go__submit_shared(struct go__worker *self);
/* Wake a worker if some sleep and none searches. */
void go__notify(struct go_runtime *rt);
/* Wake this worker if it sleeps. */
void go__notify_worker(struct go__worker *w);
/* Make all workers look around, whatever they sleep in. */
void go__notify_all(struct go_runtime *rt);

/* ---- home.c: where tasks live that stay ---- */

/* A worker where a new task of ours had better live; NULL: here. */
struct go__worker *go__emptier(struct go__worker *self);
/* Where a pinned task is to live that comes from outside. */
struct go__worker *go__home_for(struct go_runtime *rt);

/* ---- pick.c: which task next ---- */

/* How many tasks lie in a worker's rings. */
static inline unsigned go__ring_count(const struct go__worker *w)
{
	return go__woken_count(&w->woken) + go__fresh_count(&w->fresh);
}

/* The same, of those that others may take. */
static inline unsigned go__may_be_taken(const struct go__worker *w)
{
	return w->home ? go__fresh_count(&w->fresh) : go__ring_count(w);
}

/* Parts of go__pick_local() in local.h. */
struct go__task *go__pick_woken(struct go__worker *w);
struct go__task *go__pick_inbox(struct go__worker *w);
/*
 * The next task, from anywhere; waits for one, but not in a turn.  For the
 * host.  NULL: the runtime has stopped, or done(arg) is true, or it is a turn
 * and there is none.
 */
struct go__task *go__pick(struct go__worker *w, bool (*done)(void *),
			  void *arg);
/* True if a task lies in some queue that this worker may take from. */
bool go__work_anywhere(struct go__worker *w);
/* Look at a poller that nobody is at, without waiting. */
void go__look_at_poller(struct go__worker *w, uint64_t now);

/* Spread a number over all 64 bits: Steele and others, Fast Splittable
 * Pseudorandom Number Generators, 2014. */
static inline uint64_t go__mix(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15U;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9U;
	return n ^ n >> 27;
}

/* A random number, for those who must be fair.  Any thread. */
uint64_t go__random(void);

/* ---- park.c: leaving a stack ---- */

/* The first act of whoever runs after a switch. */
void go__after_switch(struct go__worker *w);
/* What stands below the tasks on each stack of a runtime. */
void (*go__first_function(const struct go_runtime *rt))(void);
/*
 * Give a new task a stack from the worker's cache and a first frame.  False:
 * the cache does not hold what it needs.
 */
bool go__task_bind(struct go__worker *w, struct go__task *t);
/* The same for the host, which may ask the system.  False: none to be had. */
bool go__task_bind_slow(struct go__worker *w, struct go__task *t);

/*
 * Leave the thread, whose worker is another's: switch to its own stack, which
 * injects the task (go__section_over()).  Returns on some worker.
 */
void go__park_for_worker(struct go__task *t, struct go__context *host);

/* ---- section.c ---- */

/* End the section that the thread is in.  Suspends. */
void go__section_end(struct go__thread *thread);
/* The same for a task whose function has returned in one, if it has. */
void go__section_close(struct go__context *c);
/*
 * A host's stack has been switched to: is it because a section is over, and
 * the worker another's now?  Then the task has been made runnable.
 */
bool go__section_over(struct go__thread *thread, struct go__worker *w);

/* ---- sleep.c ---- */

/*
 * Take the first free post, looking from number `first` on; NULL: none is.  Its
 * owner has the right to be inside go__poller_wait().
 */
struct go__post *go__post_acquire(struct go__worker *w, unsigned first);
void go__post_release(struct go__post *post);
/*
 * Sleep until there may be something to do.  Returns whether the worker is
 * counted as searching now.
 */
bool go__worker_sleep(struct go__worker *w, bool searching);
/*
 * The worker runs no more tasks, and its queues are empty: it is not active any
 * longer.
 */
void go__worker_quit(struct go__worker *w);
/*
 * The two halves of a sleep in a loop of the program's own (guest.c), for the
 * worker of a GO_CURRENT_THREAD runtime: fall asleep, with `rouse` to be woken
 * at once; and wake up, and look at what has come.
 */
void go__worker_doze(struct go__worker *w, bool rouse);
void go__worker_rise(struct go__worker *w);

/* ---- deadlock.c ---- */

/*
 * The sentry has slept for rt->patience or more without an event: look whether
 * all wait for each other; if so, report it and end waits, which `ready` takes.
 * Returns true if the sentry is to sleep on, for *patience.
 */
bool go__deadlock_look(struct go__worker *w, uint64_t *patience,
		       struct go__wake_list *ready);

/* A thread of the library's that belongs to no runtime runs, or no longer. */
void go__note_helper(bool runs);

/* ---- thread.c ---- */

/* The calling thread's record, made if need be; NULL: no memory. */
struct go__thread *go__thread_self(void);
/* A record for a thread that is to be made, or NULL; and if it was not. */
struct go__thread *go__thread_make(void);
void go__thread_unmake(struct go__thread *thread);
/* The calling thread, which has none, takes such a record. */
void go__thread_adopt(struct go__thread *thread);
/* Block the calling thread until its open wait is over. */
void go__thread_wait(struct go__thread *thread);
void go__thread_deliver(struct go__thread *thread);
/* Around fork; and in the child, for the thread that forked, or
 * NULL if it has no record. */
void go__thread_lock(void);
void go__thread_unlock(void);
void go__thread_forked(struct go__thread *thread);

/* ---- fork.c ---- */

/*
 * What the runtime has called returns: if it forked, and this is the child,
 * there is nothing to return to.
 */
void go__exit_if_forked(const struct go_runtime *rt);

/*
 * Tell the program what a thread of the runtime does.  On that thread, by the
 * host, while nothing waits.  If that forks, the child does not come back.
 */
static inline void go__hook(const struct go_runtime *rt,
			    void (*hook)(void *arg))
{
	if (!hook)
		return;
	hook(rt->hooks.arg);
	go__exit_if_forked(rt);
}

/* ---- refuse.c ---- */

/* What a task must not do, for it would wait for itself. */
enum go__refused {
	GO__REFUSED_RUN,
	GO__REFUSED_BLOCK_ON,
	GO__REFUSED_SHUTDOWN,
	GO__REFUSED_DESTROY,
};

/* Explain that, once; returns -EDEADLK.  For one who is in a runtime. */
int go__refuse(enum go__refused what);

/* ---- enter.c ---- */

/* The runtime of the calling task, or that its thread has entered; or NULL. */
struct go_runtime *go__runtime_self(void);
/*
 * Undo all go_runtime_enter() that were not left, as a thread ends or goes on
 * to something else.  Its owner only.
 */
void go__leave_all(struct go__thread *t);

/* ---- worker.c ---- */

void go__worker_init(struct go__worker *w, struct go_runtime *rt,
		     unsigned index);
/*
 * Run tasks on the calling thread until the runtime stops, or done(arg) says
 * so.  Returns 0 or -ENOMEM.
 */
int go__worker_host(struct go__worker *w, bool (*done)(void *), void *arg);
/* Free what a guest's worker keeps between its turns. */
void go__worker_retire(struct go__worker *w);

/* ---- lend.c ---- */

/* Prepare for it, while nobody runs yet. */
void go__lend_init(struct go_runtime *rt);
/* The watchdog only, first. */
void go__lend_begin(struct go_runtime *rt);
/* Called by a host: the worker is lent, and begins, or ends, to be active. */
void go__lend_enter(struct go__worker *w);
void go__lend_quit(struct go__worker *w);
/* Called by a host, as the last: it has left the worker. */
void go__lend_over(struct go__worker *w);
/* How many are lent, to be recalled or not. */
unsigned go__lent(const struct go_runtime *rt);
/* The watchdog only: lend one more; 0 or -errno. */
int go__lend(struct go_runtime *rt);
/* The watchdog only: ask one to quit that is not stuck itself. */
void go__recall(struct go_runtime *rt);
/* The watchdog only, now and then: look after those that have quit. */
void go__lend_settle(struct go_runtime *rt);

/* ---- watchdog.c ---- */

int go__watchdog_start(struct go_runtime *rt);
/* Ask it to end; wait until it has, true: it has; and then join it. */
void go__watchdog_stop(struct go_runtime *rt);
bool go__watchdog_wait(struct go_runtime *rt, uint64_t deadline);
bool go__watchdog_join(struct go_runtime *rt, uint64_t deadline);
/* Called by a worker that has woken up: ticks may be needed. */
void go__watchdog_kick(struct go_runtime *rt);

/* ---- runtime.c ---- */

/* Tasks that have begun and not ended. */
uint64_t go__runtime_live(struct go_runtime *rt);
/* Threads that have not ended although the runtime has stopped. */
unsigned go__runtime_threads_left(struct go_runtime *rt);
/* Called by a worker that finds none while the runtime closes. */
void go__runtime_drained(struct go_runtime *rt);

/* ---- spawn.c ---- */

/*
 * Make a task; 0 or -errno.  `self` is the worker that runs the caller, or
 * NULL; options may be NULL, and so may the place for a handle.
 */
int go__spawn(struct go_runtime *rt, struct go__worker *self,
	      const go_spawn_options *options, const struct go__start *start,
	      go_task *handle);
/*
 * Make a task that waits for something of kind BLOCKING, with t->job as the
 * node, and that is not saved yet.
 */
int go__spawn_waiting(struct go_runtime *rt, struct go__worker *self,
		      const struct go__start *start, const void *object,
		      struct go__task **t, go_task *handle);
/*
 * Join a task of a runtime without threads, deaf, or become its host, whichever
 * comes first: as a join; or GO__SEATED, and the handle is still good.
 */
int go__task_join_or_host(struct go_runtime *rt, go_task task, void **result);
/* Take it back: it has not been saved, or its wait has been claimed. */
void go__spawn_undo(struct go_runtime *rt, struct go__worker *self,
		    struct go__task *t);
/* In the child of a fork: no task that there is will ever end. */
void go__spawn_forked(void);
/* A blocking task is over on a thread of the runtime's pool. */
void go__task_end_outside(struct go_runtime *rt, struct go__task *t);

#endif
