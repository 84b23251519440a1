/* SPDX-License-Identifier: MIT */
/* The threads of a runtime; what they do when, and why, is in pool.h. */
#include "sched/pool.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "arch/sys.h"
#include "sched/blocking.h"
#include "sched/worker.h"

/* ---- a thread ---- */

/*
 * Block SIGPIPE, whose news a write returns, and every signal that the program
 * handles itself: its handlers belong on its own threads.  Signals at their
 * default stay: a child of a task must not inherit a blocked SIGINT.  The one
 * that hogs answer (0: none) gets through, whoever made the thread.
 */
static void mask_signals(int answers)
{
	sigset_t set;
	struct sigaction old;

	sigemptyset(&set);
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
		    sig == SIGILL || sig == SIGTRAP || sig == SIGABRT ||
		    sig == SIGSYS || sig == SIGPROF)
			continue;
		if (go__sys_sigaction(sig, NULL, &old) == 0 &&
		    old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN)
			sigaddset(&set, sig);
	}
	sigaddset(&set, SIGPIPE);
	(void)go__sys_sigmask(SIG_BLOCK, &set, NULL);
	if (answers == 0)
		return;
	sigemptyset(&set);
	sigaddset(&set, answers);
	(void)go__sys_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Apart from whatever switches: its thread is known here. */
__attribute__((noinline)) static void begin(struct go__thread *self)
{
	struct go__pool *p = &self->pool.runtime->pool;

	go__thread_adopt(self);
	self->entered = self->pool.runtime;
	self->pool.id = pthread_self();
	go__sys_thread_name(self->pool.runtime->thread_name);
	mask_signals(self->pool.runtime->backtrace.signal);
	go__lock_acquire(&p->lock);
	p->present++;
	go__lock_release(&p->lock);
}

/* With the lock held, which is released.  Nothing of the runtime after that,
 * but for who is joined: the stopper waits for this thread. */
static void leave(struct go__pool *p, struct go__thread *self)
{
	pthread_t before;
	bool join = go__pool_leave(p, &self->pool, &before);
	bool last = p->threads == 0;

	go__lock_release(&p->lock);
	if (last) {
		/* [empty] release -> go__pool_wait(). */
		atomic_fetch_add_explicit(&p->empty, 1, memory_order_release);
		go__sys_futex_wake(&p->empty, INT_MAX);
	}
	if (join)
		(void)go__sys_thread_join(before);
}

/* Wait to be called.  False: nobody has for too long; in no list any more. */
static bool rest(struct go__pool *p, struct go__pool_thread *t)
{
	uint64_t deadline = GO__NO_DEADLINE, now = go__sys_now();
	bool expired = false;

	if (!t->stays && p->keep_alive < GO__NO_DEADLINE - now)
		deadline = now + p->keep_alive;
	/* acquire <- [called]. */
	while (!expired &&
	       !atomic_load_explicit(&t->called, memory_order_acquire)) {
		if (go__sys_futex_wait(&t->called, 0, deadline) != -ETIMEDOUT)
			continue;
		deadline = GO__NO_DEADLINE;
		go__lock_acquire(&p->lock);
		expired = go__pool_expire(t);
		go__lock_release(&p->lock);
	}
	/* relaxed: nobody writes it before we join the idle again. */
	atomic_store_explicit(&t->called, 0, memory_order_relaxed);
	return !expired;
}

/* The oldest job that has not been withdrawn, claimed; else we are idle. */
static struct go__wait_node *take(struct go__pool *p, struct go__pool_thread *t)
{
	struct go__link *link;
	struct go__wait_node *job;

	while ((link = go__pool_next(p, t))) {
		job = go__container_of(link, struct go__wait_node, link);
		if (go__wait_claim(job))
			return job;
	}
	return NULL;
}

static void *thread_main(void *arg)
{
	struct go__thread *self = arg;
	struct go_runtime *rt = self->pool.runtime;
	struct go__pool *p = &rt->pool;
	struct go__wait_node *job;
	bool called = true;

	begin(self);
	go__hook(rt, rt->hooks.thread_start);
	for (;;) {
		if (self->pool.worker) {
			struct go__worker *w = self->pool.worker;

			self->pool.worker = NULL;
			(void)go__worker_host(w, NULL, NULL);
		}
		go__lock_acquire(&p->lock);
		job = called ? take(p, &self->pool) : NULL;
		if (!job && (!called || p->stopping)) {
			(void)go__pool_expire(&self->pool);
			go__lock_release(&p->lock);
			go__hook(rt, rt->hooks.thread_stop);
			go__lock_acquire(&p->lock);
			leave(p, self);
			return NULL;
		}
		go__lock_release(&p->lock);
		if (job)
			go__blocking_run(self, job);
		else
			called = rest(p, &self->pool);
	}
}

/* ---- having threads ---- */

static void call(struct go__pool_thread *t)
{
	/* [called] release -> rest(). */
	atomic_store_explicit(&t->called, 1, memory_order_release);
	go__sys_futex_wake(&t->called, 1);
}

/* Make a thread for a worker, or with NULL for a job; 0 or -errno. */
static int make_thread(struct go_runtime *rt, struct go__worker *w)
{
	struct go__thread *t = go__thread_make();
	pthread_t id;
	int r;

	if (!t)
		return -ENOMEM;
	t->pool.runtime = rt;
	t->pool.worker = w;
	t->pool.coming = !w;
	t->pool.stays = false;
	r = go__sys_thread_create(&id, rt->worker_stack_bytes, thread_main, t);
	if (r < 0)
		go__thread_unmake(t);
	return r;
}

/* With the lock held, a thread that was counted could not be made. */
static void note_unmade(struct go__pool *p)
{
	if (p->threads != 0)
		return;
	/* [empty] release -> go__pool_wait(). */
	atomic_fetch_add_explicit(&p->empty, 1, memory_order_release);
	go__sys_futex_wake(&p->empty, INT_MAX);
}

int go__pool_submit(struct go_runtime *rt, struct go__wait_node *job,
		    struct go__waiter *waiter, uint64_t epoch)
{
	struct go__pool *p = &rt->pool;
	struct go__pool_call what = {NULL, false};
	int r = 0;

	go__lock_acquire(&p->lock);
	/* If not, who has ended it is to find that it is not in the queue. */
	if (go__wait_word_peek(&waiter->word, true) == epoch)
		what = go__pool_push(p, &job->link);
	go__lock_release(&p->lock);
	if (what.thread)
		call(what.thread);
	if (!what.make)
		return 0;
	r = make_thread(rt, NULL);
	go__lock_acquire(&p->lock);
	if (r == 0) {
		go__pool_made(p);
	} else {
		/* While its wait is open it is in the queue; else it may be
		 * gone. */
		if (go__pool_unmade(p) ||
		    go__wait_word_peek(&waiter->word, true) != epoch)
			r = 0;
		else
			go__list_remove(&job->link);
		note_unmade(p);
	}
	go__lock_release(&p->lock);
	return r;
}

void go__pool_withdraw(struct go_runtime *rt, struct go__wait_node *job)
{
	go__wait_unlink(job, &rt->pool.lock);
}

int go__pool_host(struct go__worker *w)
{
	struct go_runtime *rt = w->runtime;
	struct go__pool *p = &rt->pool;
	struct go__pool_call what;
	int r = 0;

	go__lock_acquire(&p->lock);
	what = go__pool_obtain(p);
	if (what.thread)
		what.thread->worker = w;
	go__lock_release(&p->lock);
	if (what.thread) {
		call(what.thread);
		return 0;
	}
	r = make_thread(rt, w);
	if (r < 0) {
		go__lock_acquire(&p->lock);
		p->threads--;
		note_unmade(p);
		go__lock_release(&p->lock);
	}
	return r;
}

/* ---- the end ---- */

static unsigned count(struct go__pool *p)
{
	unsigned n;

	go__lock_acquire(&p->lock);
	n = p->threads;
	go__lock_release(&p->lock);
	return n;
}

void go__pool_stop(struct go_runtime *rt)
{
	struct go__pool *p = &rt->pool;
	struct go__link *link;

	go__lock_acquire(&p->lock);
	p->stopping = true;
	while ((link = go__list_pop_front(&p->idle)))
		call(go__container_of(link, struct go__pool_thread, link));
	go__lock_release(&p->lock);
}

unsigned go__pool_wait(struct go_runtime *rt, uint64_t deadline)
{
	struct go__pool *p = &rt->pool;
	int r = 0;

	for (;;) {
		/* acquire <- [empty]. */
		uint32_t empty =
			atomic_load_explicit(&p->empty, memory_order_acquire);
		unsigned left = count(p);

		if (left == 0 || r == -ETIMEDOUT)
			return left;
		r = go__sys_futex_wait(&p->empty, empty, deadline);
	}
}

bool go__pool_join(struct go_runtime *rt, uint64_t deadline)
{
	struct go__pool *p = &rt->pool;
	int r = 0;

	if (p->some_left)
		r = go__sys_thread_join_until(p->left, deadline);
	/* -EDEADLK: it is the caller, in a destructor of the program's. */
	if (r == -ETIMEDOUT || r == -EDEADLK)
		return false;
	p->some_left = false;
	return true;
}

void go__pool_task_ended(struct go_runtime *rt)
{
	/* seq_cst <-> go__runtime_live(): either it sees this end, or we see
	 * that somebody waits for it. */
	atomic_fetch_add_explicit(&rt->pool.ended, 1, memory_order_seq_cst);
	if (go__phase(rt) == GO__OPEN || go__runtime_live(rt) != 0)
		return;
	go__runtime_drained(rt);
	go__notify_all(rt);
}

bool go__pool_is_inside(const struct go__context *c,
			const struct go_runtime *rt)
{
	return c->waiter && go__container_of((struct go__waiter *)c->waiter,
					     struct go__thread, waiter)
					    ->pool.runtime == rt;
}

void go__pool_stay(void)
{
	struct go__context *c = go__self();

	if (c->waiter && !((struct go__waiter *)c->waiter)->is_task)
		go__thread_self()->pool.stays = true;
}
