/* SPDX-License-Identifier: MIT */
/*
 * The lock for readers and writers: two numbers under the lock of a line.
 *
 * Who comes while others are in line joins it, so neither kind can starve the
 * other.  Whenever the lock is given back, and whenever somebody leaves the
 * line without it, it is granted from the head of the line on: to one writer,
 * or to all readers up to the next writer.  Granting is done for the waiter,
 * under the lock, together with the claim of its wait.
 */
#include "sync/line.h"

struct entry {
	struct go__wait_node node;
	bool writes;
};

static uint64_t name_of(const struct go__waiter *w)
{
	return (uint64_t)(uintptr_t)w;
}

/* Locked: can it be had now, by one that is at the head of the line? */
static bool is_free(const go_rwlock *l, bool writes)
{
	return l->writer == 0 && (!writes || l->readers == 0);
}

static void own(go_rwlock *l, const struct go__waiter *w, bool writes)
{
	if (writes)
		l->writer = name_of(w);
	else
		l->readers++;
}

static void grant(go_rwlock *l, struct go__line *line, struct go__claimed *k)
{
	struct go__link *link = line->list.next, *next;

	for (; link != &line->list; link = next) {
		struct entry *e =
			go__container_of(link, struct entry, node.link);

		next = link->next;
		if (!is_free(l, e->writes))
			break;
		if (go__claimed_take(k, &e->node, 0))
			own(l, e->node.waiter, e->writes);
	}
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

static int lock(go_rwlock *l, struct go__waiter *w, bool writes, unsigned deaf)
{
	struct go__line *line = go__line_lock(&l->line);
	struct entry e = {.writes = writes};
	int r = 0;

	if (l->writer == name_of(w)) {
		r = -EDEADLK;
	} else if (is_free(l, writes) && go__list_empty(&line->list)) {
		own(l, w, writes);
	} else {
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

static int lock_deaf(go_rwlock *l, bool writes)
{
	struct go__waiter *w = go__waiter_self();

	return w ? lock(l, w, writes, GO__WAIT_IS_DEAF) : -ENOMEM;
}

static int lock_cancellable(go_rwlock *l, bool writes)
{
	struct go__waiter *w;
	int r = go__wait_enter(&w);

	return r < 0 ? r : lock(l, w, writes, 0);
}

static int try_lock(go_rwlock *l, bool writes)
{
	struct go__waiter *w = go__waiter_self();
	struct go__line *line;
	bool good;

	if (!w)
		return -ENOMEM;
	line = go__line_lock(&l->line);
	good = is_free(l, writes) && go__list_empty(&line->list);
	if (good)
		own(l, w, writes);
	go__line_unlock(line);
	return good ? 0 : -EBUSY;
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
	struct go__waiter *w = go__waiter_self();
	struct go__line *line = go__line_lock(&l->line);
	struct go__claimed k;
	int r = 0;

	go__claimed_init(&k);
	if (w && l->writer == name_of(w))
		l->writer = 0;
	else if (l->readers > 0)
		l->readers--;
	else
		r = -EPERM;
	if (r == 0)
		grant(l, line, &k);
	go__line_flush(line, &k);
	return r;
}

int go_rwlock_destroy(go_rwlock *l)
{
	struct go__line *line = go__line_lock(&l->line);
	bool used = l->writer || l->readers || !go__list_empty(&line->list);

	go__line_unlock(line);
	return used ? -EBUSY : 0;
}
