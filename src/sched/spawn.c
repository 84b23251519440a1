/* SPDX-License-Identifier: MIT */
/*
 * Tasks begin, end, and are joined, detached and cancelled.
 *
 * The rules of the task word, which decides between all of these when they
 * meet, are in taskword.h.
 */
#include <string.h>

#include "arch/sys.h"
#include "sched/ending.h"
#include "sched/extra.h"
#include "sched/group.h"
#include "sched/local.h"
#include "sched/quick.h"
#include "sched/seat.h"

enum {
	IDS_AT_ONCE = 1024, /* Taken from the process-wide counter. */
	JOINED_ERROR = 1,   /* Of a join: the task's error is in `value`. */
};

static _Atomic uint64_t ids = 1;
/* In the child of a fork: the first id that is not the parent's. */
static uint64_t own_ids;

void go__spawn_forked(void)
{
	/* relaxed: there is no other thread. */
	own_ids = atomic_load_explicit(&ids, memory_order_relaxed);
}

/* A worker has none left, or the caller is none. */
__attribute__((noinline)) static uint64_t more_ids(struct go__worker *self)
{
	if (!self)
		/* relaxed, both: only has to be different each time. */
		return atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed);
	/* relaxed: as above. */
	self->id = atomic_fetch_add_explicit(&ids, IDS_AT_ONCE,
					     memory_order_relaxed);
	self->id_end = self->id + IDS_AT_ONCE;
	return self->id++;
}

GO__ALWAYS_INLINE uint64_t new_id(struct go__worker *self)
{
	if (GO__UNLIKELY(!self || self->id == self->id_end))
		return more_ids(self);
	return self->id++;
}

/* ---- beginning ---- */

/*
 * Count a task that begins, so that a runtime that closes waits for it.
 * False: it is closing already.  `here`: by a task of this runtime.
 */
GO__ALWAYS_INLINE bool count_in(struct go_runtime *rt, struct go__worker *self,
				bool here)
{
	bool open;

	if (here) {
		/* The spawner is a task that shutdown waits for anyway. */
		if (go__phase(rt) != GO__OPEN)
			return false;
		/* relaxed: our own counter; read behind locks. */
		atomic_store_explicit(
			&self->spawned,
			atomic_load_explicit(&self->spawned,
					     memory_order_relaxed) +
				1,
			memory_order_relaxed);
		return true;
	}
	go__lock_acquire(&rt->injection.lock);
	open = !rt->injection.closed;
	if (open)
		/* relaxed: shutdown reads it behind this lock. */
		atomic_fetch_add_explicit(&rt->spawned, 1,
					  memory_order_relaxed);
	go__lock_release(&rt->injection.lock);
	return open;
}

static int check(const go_spawn_options *o)
{
	static const uint64_t zero[sizeof(o->reserved) / sizeof(uint64_t)];

	if (memcmp(o->reserved, zero, sizeof(zero)) != 0 ||
	    (o->stack_bytes && !go__stack_class(o->stack_bytes)))
		return -EINVAL;
	return 0;
}

/* A block for a task that is counted in; 0 or -errno. */
GO__ALWAYS_INLINE int obtain(struct go_runtime *rt, struct go__worker *self,
			     bool here, struct go__task **t)
{
	if (GO__UNLIKELY(go__queue_count(&rt->starved) != 0))
		return -ENOMEM;
	*t = go__block_alloc(self);
	if (GO__UNLIKELY(!*t))
		return -ENOMEM;
	if (GO__UNLIKELY(!count_in(rt, self, here))) {
		go__block_free(self, *t);
		return -ESHUTDOWN;
	}
	return 0;
}

/*
 * Fill the block of a new task that has no options: for its word, its options
 * and its queue see the callers.
 */
GO__ALWAYS_INLINE void fill(struct go__task *t, struct go_runtime *rt,
			    struct go__worker *w, const struct go__start *start)
{
	/* relaxed: go__block_each() acquires the word that follows. */
	atomic_store_explicit(&t->runtime, rt, memory_order_relaxed);
	t->start = *start;
	t->worker = w;
	t->slot = NULL;
	t->deadline = GO__NO_DEADLINE;
	t->error = 0;
	t->shield = 0;
	t->pinned = false;
	t->stack_class = (uint8_t)rt->stack_class;
	t->name = NULL;
	t->group = NULL;
}

/* The task can be seen from here on. */
GO__ALWAYS_INLINE void publish(struct go__worker *self, struct go__task *t,
			       go_task *handle)
{
	uint64_t id = new_id(self);

	go__task_word_begin(&t->word, id,
			    GO__TASK_LIVE | (handle ? GO__TASK_HANDLE : 0));
	if (handle)
		*handle = (go_task){t, id};
}

int go__spawn(struct go_runtime *rt, struct go__worker *self,
	      const go_spawn_options *o, const struct go__start *start,
	      go_task *handle)
{
	bool here = self && self->runtime == rt;
	struct go__task *t;
	int r;

	if (!start->fn)
		return -EINVAL;
	if (rt->dead)
		return -ECHILD;
	r = o ? check(o) : 0;
	if (r == 0)
		r = obtain(rt, self, here, &t);
	if (r < 0)
		return r;
	fill(t, rt, here ? go__worker_home(self) : &rt->worker[0], start);
	if (o) {
		t->name = o->name;
		t->pinned = o->pinned;
		if (t->pinned && !here)
			t->worker = go__home_for(rt);
		if (o->stack_bytes)
			t->stack_class =
				(uint8_t)go__stack_class(o->stack_bytes);
		t->group = (struct go__group *)(void *)o->group;
	}
	publish(self, t, handle);
	if (t->group)
		go__group_enter(t->group, t);
	go__ready_fresh(self, t);
	return 0;
}

int go__spawn_waiting(struct go_runtime *rt, struct go__worker *self,
		      const struct go__start *start, const void *object,
		      struct go__task **t, go_task *handle)
{
	bool here = self && self->runtime == rt;
	int r = obtain(rt, self, here, t);

	if (r < 0)
		return r;
	fill(*t, rt, here ? self : &rt->worker[0], start);
	go__wait_begin(&(*t)->waiter, GO__NO_DEADLINE, GO__WAIT_BLOCKING,
		       object);
	go__wait_node_init(&(*t)->job, &(*t)->waiter);
	/* relaxed: for the dump. */
	atomic_store_explicit(&(*t)->since,
			      self ? self->clock
				   : (uint32_t)(go__sys_now() / 1000000),
			      memory_order_relaxed);
	publish(self, *t, handle);
	return 0;
}

/* A plain thread spawns into the runtime that it has entered. */
__attribute__((noinline)) static int
spawn_entered(go_fn *fn, void *arg, const char *site, go_task *handle)
{
	struct go_runtime *rt = go__runtime_self();

	if (!rt)
		return -ESRCH;
	return go__spawn(rt, NULL, NULL,
			 &(struct go__start){fn, arg, site, NULL}, handle);
}

/* As go__worker_self(), which is a call. */
GO__ALWAYS_INLINE struct go__worker *worker_here(struct go__context *self)
{
	return GO__LIKELY(self->flags & GO__CONTEXT_TASK)
		       ? go__task_of_context(self)->worker
		       : go__worker_self();
}

/* The same without options, for the caller's runtime. */
GO__ALWAYS_INLINE int spawn_here(go_fn *fn, void *arg, const char *site,
				 go_task *handle)
{
	struct go__worker *self = worker_here(go__self());
	struct go__task *t;
	int r;

	if (!fn)
		return -EINVAL;
	if (GO__UNLIKELY(!self))
		return spawn_entered(fn, arg, site, handle);
	r = obtain(self->runtime, self, true, &t);
	if (r < 0)
		return r;
	fill(t, self->runtime, self, &(struct go__start){fn, arg, site, NULL});
	publish(self, t, handle);
	if (GO__UNLIKELY(self->home)) {
		go__ready_fresh(self, t);
		return 0;
	}
	go__enqueue(self, t);
	go__submit(self);
	return 0;
}

static int spawn_with(const go_spawn_options *o, const struct go__start *start)
{
	struct go__worker *self = go__worker_self();
	struct go_runtime *rt = o ? o->runtime : NULL;

	if (o && o->group)
		return go__group_spawn(o, start);
	if (!rt)
		rt = go__runtime_self();
	if (!rt)
		return start->fn ? -ESRCH : -EINVAL;
	return go__spawn(rt, self, o, start, o ? o->task : NULL);
}

int go_spawn_with_at(const go_spawn_options *o, go_fn *fn, void *arg,
		     const char *site)
{
	struct go__start start = {fn, arg, site, NULL};
	int r;

	if (o && o->inherit_locals && go__extra_inherit(&start.extra) < 0)
		return -ENOMEM;
	r = spawn_with(o, &start);
	if (r < 0 && start.extra)
		go__extra_drop(start.extra);
	return r;
}

int go_spawn_at(go_fn *fn, void *arg, const char *site)
{
	return spawn_here(fn, arg, site, NULL);
}

int go_task_spawn_at(go_task *task, go_fn *fn, void *arg, const char *site)
{
	return task ? spawn_here(fn, arg, site, task) : -EINVAL;
}

int go_runtime_spawn_at(go_runtime *rt, go_fn *fn, void *arg, const char *site)
{
	if (!rt)
		return -EINVAL;
	return go__spawn(rt, go__worker_self(), NULL,
			 &(struct go__start){fn, arg, site, NULL}, NULL);
}

/* ---- ending ---- */

/*
 * Hand the result over to whoever waits.  True: the block is still ours.  `w`
 * is the caller's worker, or NULL.
 */
static bool end_join(struct go__worker *w, struct go__task *t)
{
	struct go__joiner j = t->joiner;

	if (!go__wait_claim_epoch(j.waiter, j.epoch))
		return go__task_word_lost(&t->word);
	if (GO__UNLIKELY(t->error)) {
		j.waiter->value = (void *)(intptr_t)t->error;
		go__wait_deliver_from(w, j.waiter, JOINED_ERROR);
		return true;
	}
	j.waiter->value = t->start.arg;
	go__wait_deliver_from(w, j.waiter, 0);
	return true;
}

/* All but the count; `w` is the caller's worker, or NULL. */
GO__ALWAYS_INLINE void bring_to_end(struct go__worker *w, struct go__task *t)
{
	uint64_t id = go__task_word_id(&t->word);
	bool ours = true, watched;

	if (GO__UNLIKELY(t->timer.wheel != NULL))
		go__timer_close(&t->timer);
	/* Only of a task that never ran. */
	if (GO__UNLIKELY(t->start.extra != NULL))
		go__extra_drop(t->start.extra);
	if (GO__UNLIKELY(t->group != NULL))
		go__group_leave(t);
	switch (go__task_word_end(&t->word, &watched)) {
	case GO__END_FREE:
		break;
	case GO__END_KEEP:
		ours = false;
		break;
	case GO__END_JOIN:
		ours = end_join(w, t);
		break;
	}
	if (ours)
		go__block_free(w, t);
	if (GO__UNLIKELY(watched))
		go__ending_wake(id);
}

void go__task_end(struct go__worker *w, struct go__task *t)
{
	bring_to_end(w, t);
	/* [ended] release -> go__runtime_live(): the task is over for good. */
	atomic_store_explicit(
		&w->ended,
		atomic_load_explicit(&w->ended, memory_order_relaxed) + 1,
		memory_order_release);
}

void go__task_end_outside(struct go_runtime *rt, struct go__task *t)
{
	bring_to_end(NULL, t);
	go__pool_task_ended(rt);
}

void go__spawn_undo(struct go_runtime *rt, struct go__worker *self,
		    struct go__task *t)
{
	bool watched;

	/* Nobody has a handle yet. */
	(void)go__task_word_end(&t->word, &watched);
	go__block_free(self, t);
	go__pool_task_ended(rt);
}

/* ---- joining, detaching, cancelling ---- */

/* The task is over and its block ours: take the result. */
static int take_result(struct go__task *t, void **result)
{
	int error = t->error;

	if (error == 0 && result)
		*result = t->start.arg;
	return error;
}

/* The same, and give the block back.  `w` is the caller's waiter. */
GO__ALWAYS_INLINE int reap(struct go__task *t, struct go__waiter *w,
			   void **result)
{
	int r = take_result(t, result);

	go__block_free(w->is_task ? go__task_of_waiter(w)->worker
				  : go__worker_self(),
		       t);
	return r;
}

/* The join did not end with the task: take it back, unless it has ended. */
static int give_up(struct go__task *t, int r, void **result)
{
	if (go__task_word_give_up(&t->word) == GO__JOIN_LIVE)
		return r;
	r = take_result(t, result);
	if (go__task_word_reaped(&t->word))
		go__block_free(go__worker_self(), t);
	return r;
}

/* The wait has ended with the task. */
static int outcome(struct go__waiter *w, int r, void **result)
{
	if (r == JOINED_ERROR)
		return (int)(intptr_t)w->value;
	if (r == 0 && result)
		*result = w->value;
	return r;
}

/* Its handle is reserved, and a wait has begun: let the end know. */
static enum go__join announce(struct go__task *t, struct go__waiter *w)
{
	t->joiner.waiter = w;
	t->joiner.epoch = go__wait_word_epoch(&w->word);
	return go__task_word_join(&t->word);
}

static int wait_for_end(struct go__task *t, struct go__waiter *w, void **result)
{
	int r;

	go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_JOIN, t);
	if (announce(t, w) == GO__JOIN_OVER) {
		/* It ended before it could see us; so nobody but a canceller
		 * can have ended our wait, and the join has succeeded. */
		(void)go__wait_abandon(w);
		return reap(t, w, result);
	}
	r = go__wait(w);
	if (go__wait_deserted(r))
		return give_up(t, r, result);
	return outcome(w, r, result);
}

int go_task_join(go_task task, void **result)
{
	struct go__task *t = task.block;
	struct go__context *self = go__self();
	struct go__waiter *w = GO__LIKELY(self->waiter != NULL)
				       ? self->waiter
				       : go__waiter_self();
	int r;

	if (!t)
		return -ESRCH;
	if (!w)
		return -ENOMEM;
	/* In a blocking section, too. */
	if (GO__UNLIKELY(&t->context == self) &&
	    go__task_word_is(&t->word, task.id))
		return -EDEADLK;
	r = go__wait_check(w);
	if (r < 0)
		return r;
	switch (go__task_word_handle(&t->word, task.id, true)) {
	case GO__JOIN_STALE:
		return -ESRCH;
	case GO__JOIN_OVER:
		return reap(t, w, result);
	case GO__JOIN_LIVE:
		break;
	}
	go__perturb_long();
	/* Not by its runtime, which may be gone: it may be over by now. */
	if (task.id < own_ids)
		return -ECHILD;
	return wait_for_end(t, w, result);
}

/* The wait has ended with the seat, which the runtime's host needs no more. */
static int sit(struct go_runtime *rt, struct go__task *t, void **result)
{
	int r = give_up(t, GO__SEATED, result);

	if (r != GO__SEATED)
		go__runtime_unhost(rt);
	return r;
}

int go__task_join_or_host(struct go_runtime *rt, go_task task, void **result)
{
	struct go__task *t = task.block;
	struct go__waiter *w = go__waiter_self();
	struct go__wait_node node;
	int r;

	if (go__seat_take(rt))
		return GO__SEATED;
	/* Nobody else has the handle. */
	if (go__task_word_handle(&t->word, task.id, true) == GO__JOIN_OVER) {
		go__lock_release(&rt->lock);
		return reap(t, w, result);
	}
	go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_JOIN | GO__WAIT_IS_DEAF, t);
	if (announce(t, w) == GO__JOIN_OVER) {
		go__lock_release(&rt->lock);
		(void)go__wait_abandon(w);
		return reap(t, w, result);
	}
	go__seat_queue(rt, &node, w);
	r = go__wait(w);
	if (r == GO__SEATED)
		return sit(rt, t, result);
	go__wait_unlink(&node, &rt->lock);
	return outcome(w, r, result);
}

int go_task_detach(go_task task)
{
	struct go__task *t = task.block;

	if (!t)
		return -ESRCH;
	switch (go__task_word_handle(&t->word, task.id, false)) {
	case GO__JOIN_STALE:
		return -ESRCH;
	case GO__JOIN_OVER:
		go__block_free(go__worker_self(), t);
		break;
	case GO__JOIN_LIVE:
		break;
	}
	return 0;
}

/*
 * The flag is raised: end the wait that is open, if there is one.  The epoch
 * is read first and the id compared then: so the wait is, or was, one of the
 * task's, and a claim of a wait that is over does nothing.
 */
void go__task_interrupt(struct go__task *t, uint64_t id)
{
	uint64_t epoch = go__wait_word_peek(&t->waiter.word, false);

	if (epoch != 0 && go__task_word_is(&t->word, id) &&
	    go__wait_claim_epoch(&t->waiter, epoch))
		go__wait_deliver(&t->waiter, -ECANCELED);
}

int go__task_cancel(struct go__task *t, uint64_t id)
{
	if (!go__task_word_cancel(&t->word, id))
		return -ESRCH;
	go__task_interrupt(t, id);
	return 0;
}

int go_task_cancel(go_task task)
{
	return task.block ? go__task_cancel(task.block, task.id) : -ESRCH;
}

go_task go_task_self(void)
{
	struct go__task *t = go__task_self();

	return t ? (go_task){t, go__task_word_id(&t->word)}
		 : (go_task){NULL, 0};
}

bool go_cancelled(void)
{
	struct go__task *t = go__task_inside();

	return t && !t->shield && go__task_cancelled(t);
}

int64_t go_stack_used(size_t *reserved)
{
	struct go__task *t = go__task_inside();
	char *low, *high;

	if (!t)
		return -ESRCH;
	low = go__stack_low(t->slot, t->stack_class);
	high = go__stack_high(t->slot, t->stack_class);
	if (reserved)
		*reserved = (size_t)(high - low);
	return (int64_t)go__stack_used(low, high);
}
