/* SPDX-License-Identifier: MIT */
/*
 * Park and wake: the one way to wait.
 *
 * Everything that waits (descriptors, timers, joins, locks, channels) waits
 * like this.  S is what is waited for, with a lock and a list of wait nodes:
 *
 *     the waiter                              the waker
 *     ----------                              ---------
 *     r = go__wait_enter(&w)                  lock S
 *     lock S                                  go__claimed_take(&woken, node,
 *     if S is not ready                                      result)
 *             go__wait_begin(w, deadline,             for each node that is
 *                            KIND, S)                 to be woken: claims its
 *             go__wait_node_init(&node, w)            wait, unlinks it, and
 *             put the node on S's list                takes it along
 *     unlock S                                unlock S
 *     r = go__wait(w)                         go__claimed_deliver(&woken)
 *     if go__wait_deserted(r)
 *             lock S, unlink the node, unlock S
 *
 * The claim decides between the wakers of one wait; its protocol, and the
 * reason why nothing is lost, are in waitword.h.  A node that a waker could
 * not claim stays linked: its waiter, woken by time or cancellation, is on its
 * way to unlink it.  After the delivery a waker must not touch the waiter or
 * its nodes again, and often not S: whoever was woken may free it.
 *
 * LOCK ORDER  The lock of S is held while a claim is made, and while nothing
 *             else of this header but go__wait_begin is called.  Deliver takes
 *             queue locks, and is called with no lock held.
 */
#ifndef GO_SCHED_WAIT_H
#define GO_SCHED_WAIT_H

#include <errno.h>

#include "arch/context.h"
#include "arch/list.h"
#include "arch/lock.h"
#include "sched/waitword.h"

/* No deadline, as a point in time. */
#define GO__NO_DEADLINE UINT64_MAX

/*
 * What a wait is for: told to people by the dump.  deadlock.c lists those that
 * only calls of the library end; a new kind is taken for one that the outside
 * ends until it is entered there.
 */
enum go__wait_kind {
	GO__WAIT_OTHER,
	GO__WAIT_SLEEP,
	GO__WAIT_JOIN,
	GO__WAIT_READ, /* object: the descriptor's number, as the next ones. */
	GO__WAIT_WRITE,
	GO__WAIT_CLOSE,
	GO__WAIT_POLL, /* object: the caller's array. */
	GO__WAIT_GROUP,
	GO__WAIT_MUTEX,  /* object: begins as enum go__holder says. */
	GO__WAIT_RWLOCK, /* The same. */
	GO__WAIT_COND,
	GO__WAIT_SEMAPHORE,
	GO__WAIT_BARRIER,
	GO__WAIT_ONCE,
	GO__WAIT_EVENT,
	GO__WAIT_COUNTER, /* A wait group. */
	GO__WAIT_SEND,
	GO__WAIT_RECEIVE,
	GO__WAIT_BROADCAST,
	GO__WAIT_WATCH,
	GO__WAIT_ONESHOT,
	GO__WAIT_CLOSED,     /* A one-shot's sender, for its receiver to go. */
	GO__WAIT_SELECT,     /* object: the caller's cases, as the next one. */
	GO__WAIT_SELECT_FDS, /* Descriptors or signals are among them. */
	GO__WAIT_SIGNAL,     /* object: a subscription. */
	GO__WAIT_BLOCKING,   /* object: the job's function. */
	GO__WAIT_BLOCKING_RUNS, /* The same; a pool thread has claimed it. */
	GO__WAIT_SECTION,       /* No wait: in a blocking section. */
	GO__WAIT_KIND_MASK = 0xff,
	/* To be added: heed neither deadline scopes nor cancellation. */
	GO__WAIT_IS_DEAF = 0x100,
};

/*
 * What has an owner begins with a word that tells who: the address of the
 * owner's waiter, or a number of owners, above three bits.  For the dump.
 */
enum go__holder {
	GO__HOLDER_BITS = 3,
	GO__HOLDER_IS_ONE = 2, /* In a rwlock: it is an address. */
};

/* Somebody who can wait: a task, or a plain thread (thread.c). */
struct go__waiter {
	struct go__wait_word word;
	/* The owner, before go__wait_begin opens a wait; timers read it. */
	_Atomic uint64_t deadline;
	/* Whoever has claimed the wait, or holds the waiter in a queue. */
	struct go__waiter *next;
	/* What the waker hands over.  The claimer writes, the owner reads. */
	void *value;
	int result;
	uint8_t claim; /* The claimer only: an enum go__claim. */
	/* Constant: a task's, or a plain thread's. */
	bool is_task;
	/* The owner, as the deadline; the dump reads them: an enum
	 * go__wait_kind, and what the wait is for. */
	_Atomic uint8_t kind;
	_Atomic(const void *) object;
};

/* One entry on the list of something that is waited for. */
struct go__wait_node {
	struct go__link link; /* Under the lock of what is waited for. */
	struct go__waiter *waiter;
	uint64_t epoch;
};

/*
 * Waits that have been claimed under a lock, with what they end with, chained
 * by their waiters' `next` until they are delivered without it.
 */
struct go__claimed {
	struct go__waiter *first, **last;
};

/* Waiters that have been delivered and are to be made runnable. */
struct go__wake_list {
	struct go__waiter *first, **last;
	unsigned count;
};

/* The caller's waiter.  NULL if a plain thread finds no memory for one. */
struct go__waiter *go__waiter_self(void);

/*
 * At the entry of each call that may wait: 0, or -ECANCELED.  Also counts the
 * call against the task's budget and yields when that is used up, so it may
 * suspend.
 */
int go__wait_check(struct go__waiter *w);

/* Both: 0 and the caller's waiter, or -ENOMEM or -ECANCELED. */
static inline int go__wait_enter(struct go__waiter **w)
{
	*w = go__waiter_self();
	return *w ? go__wait_check(*w) : -ENOMEM;
}

/* A part of the next: what is told of a wait before it is opened. */
static inline void go__wait_note(struct go__waiter *w, uint64_t deadline,
				 unsigned kind, const void *object)
{
	/* relaxed: published by the opening of the wait. */
	atomic_store_explicit(&w->deadline, deadline, memory_order_relaxed);
	atomic_store_explicit(&w->kind, (uint8_t)(kind & GO__WAIT_KIND_MASK),
			      memory_order_relaxed);
	atomic_store_explicit(&w->object, object, memory_order_relaxed);
}

/*
 * Open a wait for an object, of a kind (enum go__wait_kind, its flag
 * included), that ends at deadline at the latest.  From here until go__wait()
 * has returned the caller must not wait for anything else.
 */
void go__wait_begin(struct go__waiter *w, uint64_t deadline, unsigned kind,
		    const void *object);

/*
 * Park until the wait is over.  Returns what the waker delivered (by
 * convention >= 0, or the negated errno value that the call is to return),
 * -ETIMEDOUT, -ECANCELED or, from deadlock.c, -EDEADLK.  Suspends.
 */
int go__wait(struct go__waiter *w);

/*
 * End a wait that turned out not to be needed, after its nodes (if any) have
 * been unlinked.  Returns 0, or the result that somebody has delivered
 * meanwhile.  May suspend.
 */
int go__wait_abandon(struct go__waiter *w);

/* True if nobody has unlinked the node of a wait that ended so: early. */
static inline bool go__wait_deserted(int r)
{
	return r == -ETIMEDOUT || r == -ECANCELED || r == -EDEADLK;
}

/* For the node of a wait that has just been begun. */
static inline void go__wait_node_init(struct go__wait_node *n,
				      struct go__waiter *w)
{
	n->link.next = NULL;
	n->link.prev = NULL;
	n->waiter = w;
	n->epoch = go__wait_word_epoch(&w->word);
}

/*
 * Try to win a wait; the winner must deliver.  Under the lock of what is
 * waited for (the node lives on the waiter's stack).
 */
static inline bool go__wait_claim_epoch(struct go__waiter *w, uint64_t epoch)
{
	enum go__claim claim = go__wait_word_claim(&w->word, epoch);

	if (claim == GO__CLAIM_LOST)
		return false;
	w->claim = (uint8_t)claim;
	return true;
}

static inline bool go__wait_claim(struct go__wait_node *n)
{
	return go__wait_claim_epoch(n->waiter, n->epoch);
}

/* After a wait: unlink a node that may still be linked under that lock. */
static inline void go__wait_unlink(struct go__wait_node *n,
				   struct go__lock *lock)
{
	go__lock_acquire(lock);
	if (go__link_is_linked(&n->link))
		go__list_remove(&n->link);
	go__lock_release(lock);
}

/* Hand over the result of a claimed wait, and make the waiter runnable. */
void go__wait_deliver(struct go__waiter *w, int result);

static inline void go__claimed_init(struct go__claimed *k)
{
	k->first = NULL;
	k->last = &k->first;
}

/* Chain a waiter whose wait has been claimed. */
static inline void go__claimed_add(struct go__claimed *k, struct go__waiter *w,
				   int result)
{
	w->result = result;
	w->next = NULL;
	*k->last = w;
	k->last = &w->next;
}

/*
 * Under the lock of what is waited for: claim the wait of a node and unlink it.
 * The waiter's `value` is the node then.  For who delivers just this one.
 */
static inline bool go__wait_take(struct go__wait_node *n)
{
	if (!go__wait_claim(n))
		return false;
	go__list_remove(&n->link);
	n->waiter->value = n;
	return true;
}

/* The same with the first of a list that can be claimed; NULL: none. */
static inline struct go__wait_node *go__wait_take_first(struct go__link *list)
{
	for (struct go__link *l = list->next; l != list; l = l->next) {
		struct go__wait_node *n =
			go__container_of(l, struct go__wait_node, link);

		if (go__wait_take(n))
			return n;
	}
	return NULL;
}

/* Under the lock of what is waited for: take a node, and chain its waiter. */
static inline bool go__claimed_take(struct go__claimed *k,
				    struct go__wait_node *n, int result)
{
	if (!go__wait_take(n))
		return false;
	go__claimed_add(k, n->waiter, result);
	return true;
}

/* The same with the first of a list that can be claimed; NULL: none. */
static inline struct go__wait_node *
go__claimed_take_first(struct go__claimed *k, struct go__link *list, int result)
{
	struct go__wait_node *n = go__wait_take_first(list);

	if (n)
		go__claimed_add(k, n->waiter, result);
	return n;
}

/* The same with all of them. */
static inline void go__claimed_take_all(struct go__claimed *k,
					struct go__link *list, int result)
{
	struct go__link *l, *next;

	for (l = list->next; l != list; l = next) {
		next = l->next;
		(void)go__claimed_take(
			k, go__container_of(l, struct go__wait_node, link),
			result);
	}
}

/* With no lock held: hand over the results, and make all runnable. */
void go__claimed_deliver(const struct go__claimed *k);

/*
 * Deliver many: collect them, then flush the list, in one thread.  Adding may
 * deliver at once.
 */
static inline void go__wake_list_init(struct go__wake_list *l)
{
	l->first = NULL;
	l->last = &l->first;
	l->count = 0;
}

void go__wake_list_add(struct go__wake_list *l, struct go__waiter *w,
		       int result);
/* go__wake_list_flush() of a list that is not empty. */
void go__wake_list_deliver(struct go__wake_list *l);

static inline void go__wake_list_flush(struct go__wake_list *l)
{
	if (l->first)
		go__wake_list_deliver(l);
}

/*
 * A plain thread's way to wait for a descriptor as well: its eventfd, which
 * becomes readable when the open wait has been delivered; or -errno.  Such a
 * thread waits in poll(2) for both.  When the eventfd is readable it asks
 * go__waiter_woken(), which also empties it: true means that go__wait() will
 * return at once, false that it was a late signal of an earlier wait.
 */
int go__waiter_eventfd(struct go__waiter *w);
bool go__waiter_woken(struct go__waiter *w);

#endif
