/* SPDX-License-Identifier: MIT */
/*
 * A runtime's threads, and the queue of jobs that block them.
 *
 * All threads of a runtime are alike.  At any moment a thread does one of
 * these, and goes from each to any other:
 *
 *     it                     in pool.idle   busy   how it goes on
 *     ---------------------  -------------  -----  ---------------------------
 *     runs a job             no             yes    the oldest job, or idle
 *     is on its way to one   no             yes    the oldest job, or idle
 *     is idle                yes            no     called, or it expires
 *     hosts a worker         no             no     a job, or idle
 *     has left               no             no     joined by the next to leave
 *
 * THE PROBLEM  A job comes: is there a thread for it?  Whoever decides that
 * from a count of idle threads alone is wrong when two jobs count on the same
 * thread, when the thread expires at that moment, when the new thread that one
 * job waits for cannot be made, or when it is taken to host a worker.  The job
 * then lies in the queue, with no thread that will ever look.
 *
 * THE RULE  All of it is decided under pool.lock.  Who submits a job queues it
 * and, if fewer than `most` threads are busy, takes an idle thread off the list
 * and makes it busy, or has a new one made.  A busy thread takes the oldest
 * job, whoever it was called for, and ceases to be busy, by joining the idle
 * ones, only when it has found the queue empty.  So does a new thread, and one
 * that has ceased to host a worker, if fewer than `most` are busy.  An idle
 * thread expires by taking itself off the list, which fails if it has been
 * called.
 *
 * Making a thread takes long, and may fail, outside of the lock.  So a thread
 * counts in `making` until its maker knows, in `coming` from then on until it
 * looks at the queue for the first time.  It may do so before the maker has
 * counted; `coming` is too small for a moment then, never too great.  A thread
 * is certain to look if it is busy or coming.  Nobody relies on one that
 * somebody else is only making: who finds none that is certain has one made for
 * his job, even if there will be more of them than may be busy; and if that
 * fails, and there is none still, takes the job back, and submitting it fails.
 *
 *   I1  for each job in the queue there is a thread that is certain to look
 *       there, or its own submitter is making one.
 *   I2  busy <= most, so no more jobs run at a time.  Threads beyond that are
 *       idle, or host workers, for which there is no limit.
 *   I3  making + coming is how many threads are going to look for the first
 *       time, if all can be made.
 *
 * LEAVING  A thread that leaves joins the one that has left before, so there is
 * at most one to be joined, and who stops the pool joins the last.
 *
 * WHY NOT hand the job to the thread?  It would wait for a sleeper to wake when
 * a busy thread is about to be free: under load, that is often enough.  And
 * why not a counter instead of the lock?  A job costs two thread switches; the
 * lock does not show.
 *
 * TESTS  model_pool.c; test_blocking.c and its stress.
 */
#ifndef GO_SCHED_POOL_H
#define GO_SCHED_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/atomic.h"
#include "arch/list.h"
#include "arch/lock.h"

struct go__context;
struct go__wait_node;
struct go__waiter;
struct go__worker;
struct go_runtime;

/* What the pool knows of one of its threads. */
struct go__pool_thread {
	/* Under pool.lock: in pool.idle; counted in pool.busy. */
	struct go__link link;
	bool busy;
	/* Who makes it, then the thread: it has not looked at the queue yet. */
	bool coming;
	/* Who takes it off the list or makes it, then the thread: the worker
	 * that it is to host, or NULL. */
	struct go__worker *worker;
	/* 1: it has been taken off the list.  A futex. */
	_Atomic uint32_t called;
	struct go_runtime *runtime; /* The thread only; NULL: a plain one. */
	struct go__task *serves;    /* The same: whose job it runs, or NULL. */
	pthread_t id;               /* Constant once it runs. */
	/* The thread only: it has children, whose PR_SET_PDEATHSIG is about
	 * this thread's end, so it stays until the shutdown. */
	bool stays;
};

struct go__pool {
	/* Constant after creation. */
	unsigned most;
	uint64_t keep_alive;

	struct go__lock lock;
	/* Under lock. */
	struct go__link jobs; /* Of struct go__wait_node; oldest first. */
	struct go__link idle; /* The last one to become idle first. */
	unsigned busy;        /* Run a job, or are on their way to the queue. */
	unsigned making;      /* Are being made for a job. */
	int coming;           /* Have been, and have not looked for one yet. */
	unsigned threads;     /* Are there, or are being made. */
	unsigned present;     /* Have begun, and have not left. */
	bool stopping;
	bool some_left; /* There is one to be joined: */
	pthread_t left;

	/* Bumped when the last thread leaves; a futex. */
	_Atomic uint32_t empty;
	/* Blocking tasks that have ended on one of the threads. */
	_Atomic uint64_t ended;
};

static inline void go__pool_init(struct go__pool *p, unsigned most,
				 uint64_t keep_alive)
{
	p->most = most;
	p->keep_alive = keep_alive;
	go__lock_init(&p->lock);
	go__list_init(&p->jobs);
	go__list_init(&p->idle);
}

/* All that follow: under pool.lock. */

/* What is to be done once the lock is free. */
struct go__pool_call {
	struct go__pool_thread *thread; /* Call this one ... */
	bool make;                      /* ... or make one. */
};

/* Take an idle thread off the list, or count one that is to be made. */
static inline struct go__pool_call go__pool_obtain(struct go__pool *p)
{
	struct go__link *first = go__list_pop_front(&p->idle);

	if (!first) {
		p->threads++;
		return (struct go__pool_call){NULL, true};
	}
	return (struct go__pool_call){
		go__container_of(first, struct go__pool_thread, link), false};
}

/* Is there a thread that will look at the queue, whatever happens? */
static inline bool go__pool_is_certain(const struct go__pool *p)
{
	return p->busy != 0 || p->coming > 0;
}

/* Does a job run, or may one be about to? */
static inline bool go__pool_is_busy(const struct go__pool *p)
{
	return p->busy != 0 || (int)p->making + p->coming != 0;
}

/* Are there as many threads as may be busy, or will there be? */
static inline bool go__pool_is_full(const struct go__pool *p)
{
	return (int64_t)p->busy + p->making + p->coming >= p->most;
}

/* Queue a job.  With .make in the answer, see to go__pool_made() or _unmade. */
static inline struct go__pool_call go__pool_push(struct go__pool *p,
						 struct go__link *job)
{
	struct go__pool_call call = {NULL, false};

	go__list_push_back(&p->jobs, job);
	if (p->busy == p->most ||
	    (go__list_empty(&p->idle) && go__pool_is_certain(p) &&
	     go__pool_is_full(p)))
		return call;
	call = go__pool_obtain(p);
	if (call.make) {
		p->making++;
	} else {
		p->busy++;
		call.thread->busy = true;
	}
	return call;
}

/* The thread for a job has been made: it is coming. */
static inline void go__pool_made(struct go__pool *p)
{
	p->making--;
	p->coming++;
}

/*
 * It could not be made.  True: others will look at the queue.  False: none is
 * sure to, so the job, if it is still there, is to be taken back.
 */
static inline bool go__pool_unmade(struct go__pool *p)
{
	p->threads--;
	p->making--;
	return go__pool_is_certain(p);
}

/*
 * A thread looks for a job; NULL: it is idle, in the list.  (Who claims the
 * job, and finds that it has been withdrawn, looks again.)
 */
static inline struct go__link *go__pool_next(struct go__pool *p,
					     struct go__pool_thread *t)
{
	p->coming -= t->coming;
	t->coming = false;
	if (!go__list_empty(&p->jobs) && (t->busy || p->busy < p->most)) {
		p->busy += !t->busy;
		t->busy = true;
		return go__list_pop_front(&p->jobs);
	}
	p->busy -= t->busy;
	t->busy = false;
	go__list_push_front(&p->idle, &t->link);
	return NULL;
}

/* A thread has been idle for too long.  False: it has been called. */
static inline bool go__pool_expire(struct go__pool_thread *t)
{
	if (!go__link_is_linked(&t->link))
		return false;
	go__list_remove(&t->link);
	return true;
}

/*
 * A thread that is in no list leaves.  Returns whether there is one for it to
 * join, in *before.
 */
static inline bool go__pool_leave(struct go__pool *p, struct go__pool_thread *t,
				  pthread_t *before)
{
	bool join = p->some_left;

	*before = p->left;
	p->some_left = true;
	p->left = t->id;
	p->present--;
	p->threads--;
	return join;
}

/* ---- pool.c, with no lock held ---- */

/*
 * Queue a job for some thread: the node of this wait, which the thread claims
 * before it runs the job (blocking.c).  If the wait has been claimed already,
 * nothing is queued.  0, or -EAGAIN, -ENOMEM: there is no thread and none can
 * be made; then the job is not in the queue, but its wait may be claimed.
 */
int go__pool_submit(struct go_runtime *rt, struct go__wait_node *job,
		    struct go__waiter *waiter, uint64_t epoch);
/* Take a job out of the queue if it is still in it. */
void go__pool_withdraw(struct go_runtime *rt, struct go__wait_node *job);

/*
 * Have some thread that has nothing to do, or a new one, host this worker,
 * whom nobody hosts; 0 or -errno.  Any thread, while something keeps the
 * runtime.  What the caller wrote before, the host sees.
 */
int go__pool_host(struct go__worker *w);

/*
 * When no job is left: let all threads leave; wait until they have, returns how
 * many have not by the deadline; and when none is left, join the last.
 */
void go__pool_stop(struct go_runtime *rt);
unsigned go__pool_wait(struct go_runtime *rt, uint64_t deadline);
bool go__pool_join(struct go_runtime *rt, uint64_t deadline);

/*
 * For a shutdown: a blocking task is over on one of the threads.  Counts it,
 * and wakes who waits for the last.
 */
void go__pool_task_ended(struct go_runtime *rt);

/* Is this context, no task's, on a thread of this runtime, whatever it runs? */
bool go__pool_is_inside(const struct go__context *c,
			const struct go_runtime *rt);

/* The calling thread, if it is a pool's, does not expire from now on. */
void go__pool_stay(void);

#endif
