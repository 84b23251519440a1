/* SPDX-License-Identifier: MIT */
/*
 * Plain threads as waiters.
 *
 * A thread that waits in the library has a waiter like a task's; to be made
 * runnable means that its `woken` is set and its futex woken.  Threads' records
 * are kept in a free list for the life of the process: a waker may touch the
 * futex of a thread that has gone on, and even ended, since.
 *
 * A thread's stack stays where it is, so it has nothing to save: of the wait
 * word it uses the claim only, and `woken` says that the result is there.
 *
 * A thread that waits for a descriptor sleeps in poll(2), on the descriptor
 * and on an eventfd of its own, made when it is first needed; a waker writes
 * to that one too if it is there.  It may do so late, when the thread has gone
 * on: the next poll(2) then returns early, finds nothing, and is repeated.
 *
 * TESTS  model_thread.c.
 */
#include "sched/extra.h"
#include "sched/worker.h"

#include <pthread.h>

#include "arch/sys.h"

static struct go__lock free_lock;
static struct go__thread *free_threads; /* Under free_lock. */
static pthread_key_t at_exit;
static bool have_key; /* Constant after `once`. */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A thread ends: its record may serve another. */
static void give_back(void *arg)
{
	struct go__thread *t = arg;

	if (t->extra)
		go__extra_end(&t->extra);
	go__leave_all(t);
	t->entered = NULL;
	/* What runs after us on this thread and waits takes another one. */
	go__self()->waiter = NULL;
	go__thread_unmake(t);
}

void go__thread_unmake(struct go__thread *t)
{
	t->pool.runtime = NULL;
	go__lock_acquire(&free_lock);
	t->next_free = free_threads;
	free_threads = t;
	go__lock_release(&free_lock);
}

static void make_key(void)
{
	/* Without a key, records are not reused; nothing else is lost. */
	have_key = pthread_key_create(&at_exit, give_back) == 0;
}

struct go__thread *go__thread_make(void)
{
	struct go__thread *t;

	go__lock_acquire(&free_lock);
	t = free_threads;
	if (t)
		free_threads = t->next_free;
	go__lock_release(&free_lock);
	if (!t) {
		t = go__sys_calloc(1, sizeof(*t));
		if (!t)
			return NULL;
		go__wait_word_init(&t->waiter.word, 0);
		atomic_init(&t->eventfd, -1);
		atomic_init(&t->eventfd_in, -1);
	}
	t->deadline = GO__NO_DEADLINE;
	t->entered = NULL;
	return t;
}

void go__thread_adopt(struct go__thread *t)
{
	pthread_once(&once, make_key);
	go__self()->waiter = &t->waiter;
	if (have_key)
		(void)pthread_setspecific(at_exit, t);
}

struct go__thread *go__thread_self(void)
{
	struct go__context *c = go__self();
	struct go__thread *t;

	if (c->waiter)
		return go__container_of((struct go__waiter *)c->waiter,
					struct go__thread, waiter);
	t = go__thread_make();
	if (t)
		go__thread_adopt(t);
	return t;
}

int go__waiter_eventfd(struct go__waiter *w)
{
	struct go__thread *t = go__container_of(w, struct go__thread, waiter);
	/* relaxed: we made it ourselves. */
	int fd = atomic_load_explicit(&t->eventfd, memory_order_relaxed);
	int ends[2], r;

	if (fd >= 0)
		return fd;
	r = go__sys_event(ends);
	if (r < 0)
		return r;
	/* relaxed, both: a waker that must write to it has claimed a wait that
	 * we open after this. */
	atomic_store_explicit(&t->eventfd_in, ends[1], memory_order_relaxed);
	atomic_store_explicit(&t->eventfd, ends[0], memory_order_relaxed);
	return ends[0];
}

bool go__waiter_woken(struct go__waiter *w)
{
	struct go__thread *t = go__container_of(w, struct go__thread, waiter);
	/* relaxed: our own. */
	int fd = atomic_load_explicit(&t->eventfd, memory_order_relaxed);

	if (fd >= 0)
		go__sys_event_empty(fd);
	/* acquire <- [woken]: behind the read, so no write is missed. */
	return atomic_load_explicit(&t->woken, memory_order_acquire);
}

void go__thread_deliver(struct go__thread *t)
{
	/* relaxed: as in go__waiter_eventfd(); the number never changes. */
	int fd = atomic_load_explicit(&t->eventfd_in, memory_order_relaxed);
	uint64_t one = 1;

	/* [woken] release -> go__thread_wait(): the result is visible. */
	atomic_store_explicit(&t->woken, 1, memory_order_release);
	go__sys_futex_wake(&t->woken, 1);
	if (fd >= 0)
		(void)go__sys_write(fd, &one, sizeof(one));
}

/* The deadline has come: end our own wait, unless a waker is at it. */
static bool expire(struct go__thread *t)
{
	struct go__waiter *w = &t->waiter;
	uint64_t epoch = go__wait_word_peek(&w->word, true);

	if (epoch == 0 || !go__wait_claim_epoch(w, epoch))
		return false;
	w->result = -ETIMEDOUT;
	return true;
}

void go__thread_wait(struct go__thread *t)
{
	/* relaxed: our own. */
	uint64_t deadline =
		atomic_load_explicit(&t->waiter.deadline, memory_order_relaxed);

	/* acquire <- [woken]. */
	while (!atomic_load_explicit(&t->woken, memory_order_acquire)) {
		int r = go__sys_futex_wait(&t->woken, 0, deadline);

		if (r != -ETIMEDOUT)
			continue;
		if (expire(t))
			return;
		/* Somebody else has claimed it, and will deliver. */
		deadline = GO__NO_DEADLINE;
	}
	/* relaxed: nobody writes it before we open the next wait. */
	atomic_store_explicit(&t->woken, 0, memory_order_relaxed);
}

/* ---- around fork ---- */

void go__thread_lock(void)
{
	go__lock_acquire(&free_lock);
}

void go__thread_unlock(void)
{
	go__lock_release(&free_lock);
}

static void drop_eventfd(struct go__thread *t)
{
	/* relaxed, all: there is no other thread. */
	int ends[2] = {
		atomic_load_explicit(&t->eventfd, memory_order_relaxed),
		atomic_load_explicit(&t->eventfd_in, memory_order_relaxed)};

	if (ends[0] >= 0)
		go__sys_event_close(ends);
	/* relaxed, both: the same. */
	atomic_store_explicit(&t->eventfd, -1, memory_order_relaxed);
	atomic_store_explicit(&t->eventfd_in, -1, memory_order_relaxed);
}

void go__thread_forked(struct go__thread *t)
{
	if (t) {
		t->worker = NULL;
		drop_eventfd(t);
	}
	for (t = free_threads; t; t = t->next_free)
		drop_eventfd(t);
}
