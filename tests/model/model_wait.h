/* SPDX-License-Identifier: MIT */
/*
 * Tasks that wait, for models that run the library's sources above
 * sched/wait.h: each thread of the model is a task.
 *
 * The wait word and the task word are the real ones.  Replaced is the parking:
 * a task waits at its gate, a lock that is closed but for the moment between a
 * delivery and the return of the wait.  (One step, where a word that is looked
 * at and slept on takes five: a tenth of the states.)  Where somebody is
 * cancelled a task first saves itself and looks at its flag, as after_park()
 * does on its behalf.  A wake list delivers at once: the worst that it may do.
 *
 * Included once by a program; it defines what the sources call.
 */
#ifndef MODEL_WAIT_H
#define MODEL_WAIT_H

#include "model.h"

#include <string.h>

#include "sched/task.h"

static struct go__task model_task[MODEL_THREADS];
static struct go__lock model_gate[MODEL_THREADS];
static unsigned model_waits[MODEL_THREADS]; /* That the task has begun. */
static bool model_cancels; /* Set after the setup if somebody is cancelled. */

static inline void model_setup_tasks(void)
{
	memset(model_task, 0, sizeof(model_task));
	memset(model_waits, 0, sizeof(model_waits));
	model_cancels = false;
	for (unsigned i = 0; i < MODEL_THREADS; i++) {
		struct go__task *t = &model_task[i];

		atomic_init(&model_gate[i].word, 1);
		t->waiter.is_task = true;
		go__wait_word_init(&t->waiter.word, 0);
		atomic_init(&t->word.bits, 0);
		go__task_word_begin(&t->word, i + 1, GO__TASK_LIVE);
	}
}

/* ---- What the sources call ----------------------------------------------- */

struct go__waiter *go__waiter_self(void)
{
	return &model_task[model_self()].waiter;
}

int go__wait_check(struct go__waiter *w)
{
	const struct go__task *t = go__task_of_waiter(w);

	return go__task_word_cancelled(&t->word) ? -ECANCELED : 0;
}

void go__wait_begin(struct go__waiter *w, uint64_t deadline, unsigned kind,
		    const void *object)
{
	(void)object;
	/* relaxed: published by the opening of the wait. */
	atomic_store_explicit(&w->deadline, deadline, memory_order_relaxed);
	model_waits[model_self()]++;
	(void)go__wait_word_open(&w->word, kind & GO__WAIT_IS_DEAF);
}

void go__wait_deliver(struct go__waiter *w, int result)
{
	MODEL_WRITE(w->result) = result;
	go__lock_release(&model_gate[go__task_of_waiter(w) - model_task]);
}

int go__wait(struct go__waiter *w)
{
	const struct go__task *t = go__task_of_waiter(w);
	uint64_t epoch = go__wait_word_epoch(&w->word);

	if (model_cancels && !go__wait_word_save(&w->word) &&
	    go__task_word_cancelled(&t->word) &&
	    go__wait_word_peek(&w->word, false) == epoch &&
	    go__wait_claim_epoch(w, epoch))
		go__wait_deliver(w, -ECANCELED);
	go__lock_acquire(&model_gate[t - model_task]);
	return MODEL_READ(w->result);
}

void go__wake_list_add(struct go__wake_list *l, struct go__waiter *w,
		       int result)
{
	(void)l;
	go__wait_deliver(w, result);
}

void go__wake_list_deliver(struct go__wake_list *l)
{
	(void)l;
}

void go__claimed_deliver(const struct go__claimed *k)
{
	struct go__waiter *w = k->first, *next;

	for (; w; w = next) {
		next = w->next;
		go__wait_deliver(w, w->result);
	}
}

/* ---- Threads that end waits ---------------------------------------------- */

/* The deadline of the wait that the task has open, if any, has come.  Deaf
 * waits have none. */
static inline void model_expire(int task)
{
	struct go__waiter *w = &model_task[task].waiter;
	uint64_t epoch = go__wait_word_peek(&w->word, false);

	if (epoch != 0 && go__wait_claim_epoch(w, epoch))
		go__wait_deliver(w, -ETIMEDOUT);
}

/* As go__task_cancel(): this wait, or the next. */
static inline void model_cancel(int task)
{
	struct go__task *t = &model_task[task];
	uint64_t epoch;

	(void)go__task_word_cancel(&t->word, go__task_word_id(&t->word));
	epoch = go__wait_word_peek(&t->waiter.word, false);
	if (epoch != 0 && go__wait_claim_epoch(&t->waiter, epoch))
		go__wait_deliver(&t->waiter, -ECANCELED);
}

#endif
