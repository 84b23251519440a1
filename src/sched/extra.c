/* SPDX-License-Identifier: MIT */
/*
 * What only some tasks have: clean-up handlers and task-local values.
 *
 * They are in one allocation that a task makes when it first needs it, and that
 * nobody else touches; so tasks without them pay for a pointer.  Keys are never
 * deleted, so a value's index means the same for the life of the process.
 */
#include "sched/extra.h"

#include <gofer/deadline.h>
#include <gofer/local.h>

#include "arch/sys.h"
#include "sched/worker.h"

enum {
	DESTRUCTOR_ROUNDS = 4, /* As pthreads: destructors may set values. */
};

struct handler {
	void (*fn)(void *arg);
	void *arg;
	struct handler *older;
};

struct go__extra {
	struct handler *newest;
	void *local[GO_KEYS_MOST];
};

static struct go__lock key_lock;
static void (*destructor_of[GO_KEYS_MOST])(void *value);
static _Atomic unsigned key_count; /* Under key_lock; any thread reads. */

static unsigned keys(void)
{
	/* acquire <- [key]: its destructor is there. */
	return atomic_load_explicit(&key_count, memory_order_acquire);
}

void go__keys_lock(void)
{
	go__lock_acquire(&key_lock);
}

void go__keys_unlock(void)
{
	go__lock_release(&key_lock);
}

int go_key_create(go_key *key, void (*destructor)(void *value))
{
	unsigned i;

	if (!key)
		return -EINVAL;
	go__lock_acquire(&key_lock);
	i = keys();
	if (i < GO_KEYS_MOST) {
		destructor_of[i] = destructor;
		/* [key] release -> keys(). */
		atomic_store_explicit(&key_count, i + 1, memory_order_release);
	}
	go__lock_release(&key_lock);
	if (i == GO_KEYS_MOST)
		return -EAGAIN;
	/* Zero names no key. */
	key->index = i + 1;
	return 0;
}

/* Where the caller's extra is kept; NULL: a thread without memory. */
static struct go__extra **place(void)
{
	struct go__task *t = go__task_self();
	struct go__thread *thread;

	if (t)
		return &t->start.extra;
	thread = go__thread_self();
	return thread ? &thread->extra : NULL;
}

static struct go__extra *obtain(void)
{
	struct go__extra **extra = place();

	if (!extra)
		return NULL;
	if (!*extra)
		*extra = go__sys_calloc(1, sizeof(**extra));
	return *extra;
}

int go_at_exit(void (*fn)(void *arg), void *arg)
{
	struct go__extra *extra;
	struct handler *h;

	if (!fn)
		return -EINVAL;
	extra = obtain();
	h = extra ? go__sys_malloc(sizeof(*h)) : NULL;
	if (!h)
		return -ENOMEM;
	*h = (struct handler){fn, arg, extra->newest};
	extra->newest = h;
	return 0;
}

int go_local_set(go_key key, void *value)
{
	struct go__extra *extra;

	if (key.index == 0 || key.index > keys())
		return -EINVAL;
	extra = obtain();
	if (!extra)
		return -ENOMEM;
	extra->local[key.index - 1] = value;
	return 0;
}

void *go_local_get(go_key key)
{
	struct go__extra **extra = place();

	if (key.index == 0 || key.index > keys() || !extra || !*extra)
		return NULL;
	return (*extra)->local[key.index - 1];
}

int go__extra_inherit(struct go__extra **copy)
{
	struct go__extra **extra = place();

	*copy = NULL;
	if (!extra || !*extra)
		return 0;
	*copy = go__sys_calloc(1, sizeof(**copy));
	if (!*copy)
		return -ENOMEM;
	for (unsigned i = 0; i < keys(); i++)
		if (!destructor_of[i])
			(*copy)->local[i] = (*extra)->local[i];
	return 0;
}

static void run_handlers(struct go__extra *extra)
{
	struct handler *h;

	while ((h = extra->newest)) {
		extra->newest = h->older;
		h->fn(h->arg);
		go__sys_free(h);
	}
}

/* Returns whether there was anything to do. */
static bool run_destructors(struct go__extra *extra)
{
	bool any = false;

	for (unsigned i = 0; i < keys(); i++) {
		void *value = extra->local[i];

		extra->local[i] = NULL;
		if (value && destructor_of[i]) {
			destructor_of[i](value);
			any = true;
		}
	}
	return any;
}

void go__extra_end(struct go__extra **place_of)
{
	struct go__extra *extra = *place_of;
	unsigned rounds = 0;
	go_shield shield;

	(void)go_shield_begin(&shield);
	do
		run_handlers(extra);
	while (run_destructors(extra) && ++rounds < DESTRUCTOR_ROUNDS);
	run_handlers(extra);
	go_shield_end(&shield);
	/* One that a handler has begun and left open. */
	go__section_close(go__self());
	*place_of = NULL;
	go__sys_free(extra);
}

void go__extra_drop(struct go__extra *extra)
{
	go__sys_free(extra);
}
