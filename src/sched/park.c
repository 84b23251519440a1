/* SPDX-License-Identifier: MIT */
/*
 * Leaving a stack, and coming back to it.
 *
 * A task that parks picks its successor itself, from its worker's own queues,
 * and switches to it directly.  Where the worker has no such task, it switches
 * to the host, the worker's own stack, on which everything is done that takes
 * time or stack: polling, stealing, growing, sleeping.
 *
 * What must happen after the task has left its stack (it may be resumed by
 * others from then on, or its stack reused) cannot be done by itself.  It
 * leaves a note in its worker, and whoever runs next acts on it before
 * anything else: go__after_switch().
 *
 * A function of this file that is resumed may be on another thread, and its
 * task on another worker: t->worker is read anew after each switch.
 *
 * STACK  From a blocking call down to the switch at most 1 KiB is used, so that
 *        a task which parks early costs one page; test_depth.c measures it.
 */
#include "arch/exceptions.h"
#include "arch/sys.h"
#include "sched/extra.h"
#include "sched/local.h"
#include "sched/quick.h"

struct go__worker *go__worker_self(void)
{
	struct go__context *c = go__self();

	if (c->flags & GO__CONTEXT_TASK)
		return go__task_of_context(c)->worker;
	if (c->flags & GO__CONTEXT_DYING)
		return go__container_of(c, struct go__worker, grave);
	if (!c->waiter)
		return NULL;
	return go__container_of((struct go__waiter *)c->waiter,
				struct go__thread, waiter)
		->worker;
}

/* ---- what is done for the one that has left ---- */

/* End the wait that t has parked in: it, or its runtime, is cancelled. */
__attribute__((noinline)) static void cancel_parked(struct go__task *t,
						    uint64_t epoch)
{
	if (go__wait_word_peek(&t->waiter.word, false) == epoch &&
	    go__wait_claim_epoch(&t->waiter, epoch))
		go__wait_deliver(&t->waiter, -ECANCELED);
}

/* previous has parked: from here on others may resume it. */
GO__ALWAYS_INLINE void after_park(struct go__worker *w)
{
	struct go__task *t = w->previous;
	uint64_t epoch = w->epoch;

	if (GO__UNLIKELY(go__wait_word_save(&t->waiter.word))) {
		go__ready(w, t, true);
		return;
	}
	/* The second half of the handshake with cancellers (waitword.h).  The
	 * task may be running again by now, even be over, and another one in
	 * its block; then the claim of its old wait fails.  (That one's runtime
	 * may be gone: the phase to look at is ours.) */
	if (GO__UNLIKELY(go__task_word_cancelled(&t->word) ||
			 go__phase(w->runtime) != GO__OPEN))
		cancel_parked(t, epoch);
}

static void stack_recycle(struct go__worker *w, char *slot, unsigned class)
{
	if (class != GO__STACK_DEFAULT_CLASS) {
		go__stack_free((struct go__stack){slot, class});
		return;
	}
	if (!go__stack_push(&w->stacks, slot)) {
		go__stack_flush(&w->stacks, GO__STACK_CACHE / 2);
		(void)go__stack_push(&w->stacks, slot);
	}
}

void go__after_switch(struct go__worker *w)
{
	enum go__after after = w->after;

	w->after = GO__AFTER_NOTHING;
	switch (after) {
	case GO__AFTER_NOTHING:
		break;
	case GO__AFTER_PARK:
		after_park(w);
		break;
	case GO__AFTER_YIELD:
		if (w->runtime->migrate ||
		    (w->previous->pinned && !w->runtime->home)) {
			go__ready(w, w->previous, false);
		} else {
			go__enqueue_as(w, w->previous, go__alone(w));
			go__submit(w);
		}
		break;
	case GO__AFTER_DEATH:
		go__context_release(&w->grave);
		stack_recycle(w, w->dead_slot, w->dead_class);
		break;
	}
}

/* ---- tasks on stacks ---- */

/* One who waits for a stack, and may run here; others have to wait for the
 * host to send them home with one (pick.c). */
static struct go__task *starved_here(struct go__worker *w)
{
	struct go__task *t = go__queue_pop(&w->runtime->starved);

	if (t && t->pinned && t->worker != w) {
		go__queue_push(&w->runtime->starved, &t, 1);
		return NULL;
	}
	return t;
}

/*
 * The calling task's function has returned: end the task.  Returns the next
 * one if it is new and can go on on this very stack; else NULL, and then *to is
 * what to leave this stack for.
 */
GO__ALWAYS_INLINE struct go__task *retire(struct go__task *t,
					  struct go__context **to)
{
	struct go__worker *w = t->worker;
	char *slot = t->slot;
	unsigned class = t->stack_class;
	struct go__task *next = NULL;

	go__context_become(&t->context, &w->grave);
	w->runs++;
	t->slot = NULL;
	go__task_end(w, t);
	/* The first free stack is for those who wait for one. */
	if (GO__UNLIKELY(go__queue_count(&w->runtime->starved)) &&
	    !go__fair_turn(w)) {
		(void)go__count_pick(w);
		next = starved_here(w);
	}
	if (!next)
		next = go__pick_local(w, class == GO__STACK_DEFAULT_CLASS);
	if (next && !next->slot) {
		if (next->stack_class == class) {
			next->slot = slot;
			next->worker = w;
			go__runs(w, next);
			go__context_become(&w->grave, &next->context);
			go__context_reset_fp();
			return next;
		}
		if (!go__task_bind(w, next)) {
			w->handoff = next;
			next = NULL;
		}
	}
	if (next)
		next->worker = w;
	go__runs(w, next);
	w->dead_slot = slot;
	w->dead_class = class;
	w->after = GO__AFTER_DEATH;
	*to = next ? &next->context : w->host;
	return NULL;
}

/*
 * Run tasks on this stack, one after the other.  Returns what to leave it for,
 * for ever, and the worker.
 */
GO__ALWAYS_INLINE struct go__context *run_tasks(struct go__worker **last)
{
	struct go__task *t = go__task_of_context(go__self());
	struct go__worker *w = t->worker;
	struct go__context *to;

	go__after_switch(w);
	while (t) {
		t->budget = GO__TASK_BUDGET;
		*t->worker->errno_location = 0;
		go__worker_open(t->worker);
		t->start.arg = t->start.fn(t->start.arg);
		w = t->worker;
		go__exit_if_forked(w->runtime);
		if (GO__UNLIKELY(t->context.flags != GO__CONTEXT_TASK))
			go__section_close(&t->context);
		if (GO__UNLIKELY(t->start.extra != NULL))
			go__extra_end(&t->start.extra);
		w = t->worker;
		go__worker_close(w);
		t = retire(t, &to);
	}
	*last = w;
	return to;
}

/* The first function on a stack. */
static void task_main(void)
{
	struct go__worker *w;
	struct go__context *to = run_tasks(&w);

	go__context_exit(&w->grave, to);
}

/* A stack here has got, or has lost, its tasks. */
static void count_resident(struct go__worker *w, uint32_t change)
{
	/* relaxed, both: our own counter, and a hint for others. */
	atomic_store_explicit(
		&w->residents,
		atomic_load_explicit(&w->residents, memory_order_relaxed) +
			change,
		memory_order_relaxed);
}

/* The same where tasks stay (home.c). */
static void resident_main(void)
{
	struct go__worker *w = go__task_of_context(go__self())->worker;
	struct go__context *to;

	count_resident(w, 1);
	to = run_tasks(&w);
	count_resident(w, (uint32_t)-1);
	go__context_exit(&w->grave, to);
}

void (*go__first_function(const struct go_runtime *rt))(void)
{
	return rt->home ? resident_main : task_main;
}

static void first_frame(struct go__worker *w, struct go__task *t, char *slot)
{
	t->slot = slot;
	go__context_prepare(&t->context, go__stack_low(slot, t->stack_class),
			    go__stack_high(slot, t->stack_class),
			    w->first_function);
}

bool go__task_bind(struct go__worker *w, struct go__task *t)
{
	char *slot;

	if (t->stack_class != GO__STACK_DEFAULT_CLASS)
		return false;
	slot = go__stack_pop(&w->stacks);
	if (!slot)
		return false;
	first_frame(w, t, slot);
	return true;
}

bool go__task_bind_slow(struct go__worker *w, struct go__task *t)
{
	struct go__stack stack;

	if (go__task_bind(w, t))
		return true;
	if (t->stack_class == GO__STACK_DEFAULT_CLASS)
		return go__stack_refill(&w->stacks) == 0 && go__task_bind(w, t);
	if (go__stack_alloc(go__stack_bytes(t->stack_class), &stack) < 0)
		return false;
	first_frame(w, t, stack.slot);
	return true;
}

/* No task that the host could run instead of the one that yields? */
static bool nobody_waits(struct go__worker *w)
{
	return !go__fair_turn(w) && !w->handoff &&
	       !go__fresh_count(&w->fresh) &&
	       !go__queue_count(&w->runtime->injection);
}

/*
 * Leave the stack; the next task, or the host, does `after` for t.  What the
 * task has of exceptions has been taken care of: suspend() below.
 */
GO__ALWAYS_INLINE void leave(struct go__task *t, enum go__after after)
{
	struct go__worker *w = t->worker;
	struct go__task *next;
	bool fresh;

	go__worker_close(w);
	next = go__pick_local(w, false);
	fresh = next && !next->slot;
	if (fresh && !go__task_bind(w, next)) {
		w->handoff = next;
		next = NULL;
		fresh = false;
	}
	if (!next && after == GO__AFTER_YIELD && nobody_waits(w)) {
		go__worker_open(w);
		return;
	}
	if (next)
		next->worker = w;
	t->context.saved_errno = *w->errno_location;
	w->runs++;
	if (after == GO__AFTER_YIELD && !t->pinned && go__alone(w)) {
		/* Nobody else takes from our ring until the worker is open
		 * again: no need to be saved. */
		go__enqueue_as(w, t, true);
	} else {
		w->previous = t;
		w->after = after;
	}
	go__runs(w, next);
	if (fresh)
		go__context_enter(&t->context, &next->context);
	else
		go__context_switch(&t->context,
				   next ? &next->context : w->host);

	w = t->worker;
	if (w->after == GO__AFTER_PARK) {
		/* The most common by far, without a call. */
		w->after = GO__AFTER_NOTHING;
		after_park(w);
	} else if (w->after != GO__AFTER_NOTHING) {
		go__after_switch(w);
	}
	t->budget = GO__TASK_BUDGET;
	*w->errno_location = t->context.saved_errno;
	go__worker_open(w);
}

/* Where the exceptions of the thread are that hosts the worker: ours. */
static struct go__exceptions *exceptions_of(struct go__worker *w)
{
	if (GO__UNLIKELY(!w->exceptions))
		w->exceptions = go__exceptions_here();
	return w->exceptions;
}

/* Take along what C++ knows of the stack (arch/exceptions.c). */
__attribute__((noinline)) static void
leave_with_exceptions(struct go__task *t, enum go__after after)
{
	struct go__exceptions held =
		go__exceptions_take(exceptions_of(t->worker));

	leave(t, after);
	*exceptions_of(t->worker) = held;
}

GO__ALWAYS_INLINE void suspend(struct go__task *t, enum go__after after)
{
	if (GO__UNLIKELY(go__exceptions_known()) &&
	    GO__UNLIKELY(go__exceptions_any(exceptions_of(t->worker))))
		leave_with_exceptions(t, after);
	else
		leave(t, after);
}

void go__park_for_worker(struct go__task *t, struct go__context *host)
{
	struct go__exceptions held = go__exceptions_leave();
	struct go__worker *w;

	go__context_switch(&t->context, host);
	w = t->worker;
	if (w->after != GO__AFTER_NOTHING)
		go__after_switch(w);
	t->budget = GO__TASK_BUDGET;
	*w->errno_location = t->context.saved_errno;
	go__exceptions_arrive(&held);
	go__worker_open(w);
}

/* ---- waiting ---- */

struct go__waiter *go__waiter_self(void)
{
	struct go__context *c = go__self();
	struct go__thread *thread;

	if (c->waiter)
		return c->waiter;
	thread = go__thread_self();
	return thread ? &thread->waiter : NULL;
}

/* Apart, so that its caller has no frame while the budget lasts. */
__attribute__((noinline)) void go__task_spent(struct go__task *t)
{
	suspend(t, GO__AFTER_YIELD);
	t->budget = GO__TASK_BUDGET;
}

int go__wait_check(struct go__waiter *w)
{
	struct go__task *t;

	if (!w->is_task)
		return 0;
	t = go__task_of_waiter(w);
	if (GO__UNLIKELY(go__task_cancelled(t)) && !t->shield)
		return -ECANCELED;
	if (GO__UNLIKELY(--t->budget == 0))
		go__task_spent(t);
	return 0;
}

void go__wait_begin(struct go__waiter *w, uint64_t deadline, unsigned kind,
		    const void *object)
{
	bool deaf = kind & GO__WAIT_IS_DEAF;

	if (!deaf) {
		uint64_t scope = *go__waiter_scope(w);

		deadline = scope < deadline ? scope : deadline;
		deaf = w->is_task && go__task_of_waiter(w)->shield;
	}
	go__wait_note(w, deadline, kind, object);
	go__wait_word_open(&w->word, deaf);
}

/* Apart, as for the budget. */
__attribute__((noinline)) static int thread_waits(struct go__waiter *w)
{
	go__thread_wait(go__container_of(w, struct go__thread, waiter));
	return w->result;
}

int go__wait(struct go__waiter *w)
{
	struct go__task *t = go__task_of_waiter(w);
	struct go__worker *worker;
	uint64_t deadline;

	if (GO__UNLIKELY(!w->is_task))
		return thread_waits(w);
	worker = t->worker;
	/* relaxed: our own. */
	deadline = atomic_load_explicit(&w->deadline, memory_order_relaxed);
	if (GO__UNLIKELY(deadline != GO__NO_DEADLINE))
		go__timer_arm(&t->timer, &worker->wheel, deadline);
	if (GO__UNLIKELY(go__wait_word_delivered(&w->word)))
		return w->result;
	worker->epoch = go__wait_word_epoch(&w->word);
	/* relaxed: for the dump. */
	atomic_store_explicit(&t->since, worker->clock, memory_order_relaxed);
	suspend(t, GO__AFTER_PARK);
	return w->result;
}

int go__wait_abandon(struct go__waiter *w)
{
	if (go__wait_claim_epoch(w, go__wait_word_epoch(&w->word)))
		return 0;
	return go__wait(w); /* Somebody has claimed it, and will deliver. */
}

int go_yield(void)
{
	struct go__task *t = go__task_self();

	if (t)
		suspend(t, GO__AFTER_YIELD);
	return 0;
}

int go_errno(void)
{
	struct go__worker *w = go__worker_self();

	return w ? *w->errno_location : *go__sys_errno();
}
