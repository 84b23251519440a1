/* SPDX-License-Identifier: MIT */
/* The lock for readers and writers: the line behind the word of rwlock.h. */
#include "sync/rwlock.h"

#include "sync/line.h"

_Static_assert(GO__RWLOCK_READER == 1 << GO__HOLDER_BITS &&
		       GO__RWLOCK_WRITER == GO__HOLDER_IS_ONE,
	       "as the dump reads it");

struct entry {
	struct go__wait_node node;
	bool writes;
};

static struct go__rwlock_word *word_of(go_rwlock *l)
{
	return (struct go__rwlock_word *)(void *)&l->word;
}

static uint64_t name_of(const struct go__waiter *w)
{
	return (uint64_t)(uintptr_t)w;
}

/* ---- the line: under its lock ---- */

static void grant(go_rwlock *l, struct go__line *line, struct go__claimed *k)
{
	struct go__rwlock_word *word = word_of(l);
	struct go__link *link = line->list.next, *next;

	for (; link != &line->list; link = next) {
		struct entry *e =
			go__container_of(link, struct entry, node.link);

		next = link->next;
		if (!go__rwlock_is_free(go__rwlock_look(word), e->writes))
			break;
		if (go__claimed_take(k, &e->node, 0))
			go__rwlock_own(word, name_of(e->node.waiter),
				       e->writes);
	}
	if (go__list_empty(&line->list))
		go__rwlock_settle(word);
}

static void give_up(go_rwlock *l, struct go__line *line, struct entry *e)
{
	struct go__claimed k;

	go__claimed_init(&k);
	go__lock_acquire(&line->lock);
	go__list_remove(&e->node.link);
	grant(l, line, &k);
	go__line_flush(line, &k);
}

static int lock_slow(go_rwlock *l, struct go__waiter *w, bool writes,
		     unsigned deaf)
{
	struct go__line *line = go__line_lock(&l->line);
	struct entry e = {.writes = writes};
	int r = 0;

	if (go__rwlock_is_mine(go__rwlock_look(word_of(l)), name_of(w))) {
		r = -EDEADLK;
	} else if (!go__rwlock_queue(word_of(l), name_of(w), writes)) {
		go__line_join(line, &e.node, w, GO__WAIT_RWLOCK | deaf, l);
		go__line_unlock(line);
		r = go__wait(w);
		if (go__wait_deserted(r))
			give_up(l, line, &e);
		return r;
	}
	go__line_unlock(line);
	return r;
}

static void unlock_slow(go_rwlock *l, struct go__waiter *w)
{
	struct go__line *line = go__line_lock(&l->line);
	struct go__claimed k;

	go__claimed_init(&k);
	go__rwlock_drop(word_of(l), name_of(w));
	grant(l, line, &k);
	go__line_flush(line, &k);
}

/* ---- calls ---- */

static bool take(go_rwlock *l, struct go__waiter *w, bool writes)
{
	if (!go__rwlock_take(word_of(l), name_of(w), writes))
		return false;
	go__line_see_out(go__line(&l->line));
	return true;
}

static int lock_deaf(go_rwlock *l, bool writes)
{
	struct go__waiter *w = go__quick_self();

	if (!l)
		return -EINVAL;
	if (!w)
		return -ENOMEM;
	if (take(l, w, writes))
		return 0;
	return lock_slow(l, w, writes, GO__WAIT_IS_DEAF);
}

static int lock_cancellable(go_rwlock *l, bool writes)
{
	struct go__waiter *w;
	int r;

	if (!l)
		return -EINVAL;
	r = go__quick_enter(&w);
	if (r < 0)
		return r;
	return take(l, w, writes) ? 0 : lock_slow(l, w, writes, 0);
}

static int try_lock(go_rwlock *l, bool writes)
{
	struct go__waiter *w = go__quick_self();

	if (!l)
		return -EINVAL;
	if (!w)
		return -ENOMEM;
	return take(l, w, writes) ? 0 : -EBUSY;
}

int go_rwlock_rdlock(go_rwlock *l)
{
	return lock_deaf(l, false);
}

int go_rwlock_wrlock(go_rwlock *l)
{
	return lock_deaf(l, true);
}

int go_rwlock_rdlock_cancellable(go_rwlock *l)
{
	return lock_cancellable(l, false);
}

int go_rwlock_wrlock_cancellable(go_rwlock *l)
{
	return lock_cancellable(l, true);
}

int go_rwlock_tryrdlock(go_rwlock *l)
{
	return try_lock(l, false);
}

int go_rwlock_trywrlock(go_rwlock *l)
{
	return try_lock(l, true);
}

int go_rwlock_unlock(go_rwlock *l)
{
	struct go__waiter *w = go__quick_self();

	if (!l)
		return -EINVAL;
	switch (go__rwlock_release(word_of(l), name_of(w))) {
	case GO__RWLOCK_RELEASED:
		break;
	case GO__RWLOCK_CONTENDED:
		unlock_slow(l, w);
		break;
	case GO__RWLOCK_STRANGER:
		return -EPERM;
	}
	return 0;
}

int go_rwlock_destroy(go_rwlock *l)
{
	struct go__line *line;
	bool used;

	if (!l)
		return -EINVAL;
	line = go__line_lock(&l->line);
	/* acquire <- [release], which need not take the lock: the caller may
	 * reuse the memory. */
	used = atomic_load_explicit(&word_of(l)->bits, memory_order_acquire) !=
	       0;
	go__line_unlock(line);
	return used ? -EBUSY : 0;
}
