/* SPDX-License-Identifier: MIT */
/* The mutex: the list behind the word of mutex.h, whose rules these are. */
#include "sync/mutex.h"

#include <gofer/sync.h>

#include "arch/lock.h"
#include "arch/sys.h"
#include "sched/quick.h"
#include "sync/line.h"

_Static_assert(sizeof(go_mutex) == 16, "two words");
_Static_assert(sizeof(struct go__mutex_word) == sizeof(uint64_t), "a word");
_Static_assert(GO__MUTEX_OWNER == ~UINT64_C(0) << GO__HOLDER_BITS,
	       "as the dump reads it");

enum {
	TABLE = 64, /* A power of two. */

	AGAIN = 0, /* What a waiter is told: try again, */
	YOURS = 1, /* or: you own it. */
};

struct entry {
	struct go__wait_node node;
	bool passed_over;
};

static struct {
	_Alignas(64) struct go__lock lock;
} table[TABLE];

/* In the child of a fork nobody holds them. */
static void in_child(void)
{
	for (unsigned i = 0; i < TABLE; i++)
		go__lock_init(&table[i].lock);
}

__attribute__((constructor)) static void watch_fork(void)
{
	go__sys_atfork(NULL, NULL, in_child);
}

static struct go__lock *lock_of(const go_mutex *m)
{
	uint64_t a = (uint64_t)(uintptr_t)m * UINT64_C(0x9e3779b97f4a7c15);

	return &table[a >> 58].lock;
}

static struct go__mutex_word *word_of(go_mutex *m)
{
	return (struct go__mutex_word *)(void *)&m->word;
}

static uint64_t name_of(const struct go__waiter *w)
{
	return (uint64_t)(uintptr_t)w;
}

/* ---- the list, a ring without a head: under the lock ---- */

static void join(go_mutex *m, struct entry *e)
{
	struct go__link *first = m->waiters, *link = &e->node.link;

	if (!first)
		go__list_init(link);
	else
		go__list_push_back(first, link);
	if (!first || e->passed_over)
		m->waiters = link;
}

static void part(go_mutex *m, struct entry *e)
{
	struct go__link *link = &e->node.link;

	if (link->next == link)
		m->waiters = NULL;
	else if (m->waiters == link)
		m->waiters = link->next;
	go__list_remove(link);
}

/* The first waiter whose wait we can end; it is off the list then. */
static struct entry *choose(go_mutex *m)
{
	struct go__link *first = m->waiters, *link = first;

	if (!first)
		return NULL;
	do {
		struct entry *e =
			go__container_of(link, struct entry, node.link);

		if (go__wait_claim(&e->node)) {
			part(m, e);
			return e;
		}
		link = link->next;
	} while (link != first);
	return NULL;
}

/* ---- taking it ---- */

static void give_up(go_mutex *m, struct entry *e)
{
	struct go__lock *lock = lock_of(m);

	go__lock_acquire(lock);
	part(m, e);
	if (!m->waiters)
		go__mutex_leave(word_of(m));
	go__lock_release(lock);
}

/* Take it or wait; 0 (it is ours), AGAIN as -EAGAIN, or what ended the wait. */
static int attempt(go_mutex *m, struct go__waiter *w, unsigned kind, bool woken)
{
	struct go__lock *lock = lock_of(m);
	struct entry e;
	int r;

	e.passed_over = woken;
	go__lock_acquire(lock);
	if (go__mutex_queue(word_of(m), name_of(w), woken)) {
		go__lock_release(lock);
		return 0;
	}
	go__quick_begin(w, kind, m, &e.node);
	join(m, &e);
	go__lock_release(lock);
	r = go__wait(w);
	if (r < 0)
		give_up(m, &e);
	else
		r = r == YOURS ? 0 : -EAGAIN;
	return r;
}

static int lock_slow(go_mutex *m, struct go__waiter *w, unsigned kind)
{
	int r;

	if (go__mutex_owner(word_of(m)) == name_of(w))
		return -EDEADLK;
	r = attempt(m, w, kind, false);
	while (r == -EAGAIN)
		r = attempt(m, w, kind, true);
	return r;
}

int go_mutex_lock(go_mutex *m)
{
	struct go__waiter *w = go__quick_self();

	if (!m)
		return -EINVAL;
	if (!w)
		return -ENOMEM;
	if (go__mutex_take(word_of(m), name_of(w)))
		return 0;
	return lock_slow(m, w, GO__WAIT_MUTEX | GO__WAIT_IS_DEAF);
}

int go_mutex_lock_cancellable(go_mutex *m)
{
	struct go__waiter *w;
	int r;

	if (!m)
		return -EINVAL;
	r = go__quick_enter(&w);
	if (r < 0)
		return r;
	if (go__mutex_take(word_of(m), name_of(w)))
		return 0;
	return lock_slow(m, w, GO__WAIT_MUTEX);
}

int go_mutex_trylock(go_mutex *m)
{
	struct go__waiter *w = go__quick_self();

	if (!m)
		return -EINVAL;
	if (!w)
		return -ENOMEM;
	return go__mutex_take(word_of(m), name_of(w)) ? 0 : -EBUSY;
}

/* ---- giving it back ---- */

static void pass(go_mutex *m, struct go__waiter *self)
{
	struct go__lock *lock = lock_of(m);
	struct go__waiter *w = NULL;
	bool yours = false;
	struct entry *e;

	go__lock_acquire(lock);
	e = choose(m);
	if (e) {
		w = e->node.waiter;
		yours = e->passed_over;
	}
	go__mutex_pass(word_of(m), yours ? name_of(w) : 0, w && !yours,
		       m->waiters != NULL);
	go__lock_release(lock);
	if (w)
		go__quick_deliver(w, yours ? YOURS : AGAIN, self);
}

int go_mutex_unlock(go_mutex *m)
{
	struct go__waiter *w = go__quick_self();

	if (!m)
		return -EINVAL;
	if (!w)
		return -EPERM;
	switch (go__mutex_release(word_of(m), name_of(w))) {
	case GO__MUTEX_RELEASED:
		break;
	case GO__MUTEX_CONTENDED:
		pass(m, w);
		break;
	case GO__MUTEX_STRANGER:
		return -EPERM;
	}
	return 0;
}

bool go__mutex_is_mine(go_mutex *m, const struct go__waiter *w)
{
	return go__mutex_owner(word_of(m)) == name_of(w);
}

int go_mutex_destroy(go_mutex *m)
{
	if (!m)
		return -EINVAL;
	/* acquire <- [release]: the caller may reuse the memory. */
	if (atomic_load_explicit(&word_of(m)->bits, memory_order_acquire))
		return -EBUSY;
	return 0;
}
