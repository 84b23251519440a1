/* SPDX-License-Identifier: MIT */
/* Once: the line's state says how far it is; who has begun runs unlocked. */
#include "sync/line.h"

enum {
	NOT_YET,
	RUNS,
	DONE
};

static void run(go_once_flag *once, void (*fn)(void *), void *arg)
{
	struct go__claimed k;
	struct go__line *l;

	fn(arg);
	go__claimed_init(&k);
	l = go__line_lock(&once->line);
	/* [done] release -> the first look of go_once(). */
	atomic_store_explicit(&l->word, DONE, memory_order_release);
	go__claimed_take_all(&k, &l->list, 0);
	go__line_flush(l, &k);
}

/* Not done when it was looked at first. */
static int begin(go_once_flag *once, struct go__waiter *w, bool *first)
{
	struct go__line *l = go__line_lock(&once->line);
	uint64_t name = (uint64_t)(uintptr_t)w;
	/* relaxed: under the lock. */
	uint32_t state = atomic_load_explicit(&l->word, memory_order_relaxed);

	if (state == RUNS && once->runner != name)
		return go__line_wait(l, w, GO__WAIT_ONCE | GO__WAIT_IS_DEAF,
				     once);
	*first = state == NOT_YET;
	if (*first) {
		once->runner = name;
		/* relaxed: only DONE is looked at without the lock. */
		atomic_store_explicit(&l->word, RUNS, memory_order_relaxed);
	}
	go__line_unlock(l);
	return state == RUNS ? -EDEADLK : 0;
}

int go_once(go_once_flag *once, void (*fn)(void *), void *arg)
{
	struct go__waiter *w;
	bool first = false;
	int r;

	if (!once || !fn)
		return -EINVAL;
	/* acquire <- [done]: what fn did. */
	if (atomic_load_explicit(&go__line(&once->line)->word,
				 memory_order_acquire) == DONE) {
		go__line_see_out(go__line(&once->line));
		return 0;
	}
	w = go__waiter_self();
	if (!w)
		return -ENOMEM;
	r = begin(once, w, &first);
	if (first)
		run(once, fn, arg);
	return r;
}
