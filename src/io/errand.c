/* SPDX-License-Identifier: MIT */
/* Questions whose asker may leave: see errand.h. */
#include "io/errand.h"

#include <errno.h>
#include <gofer/blocking.h>
#include <gofer/deadline.h>

#include "sched/task.h"
#include "sched/wait.h"

enum {
	ASKED,
	RUNS,
	DONE,
	LEFT,
};

/* From ASKED to RUNS or LEFT.  False: the other was faster. */
static bool begin(struct go__errand *e, uint32_t word)
{
	uint32_t asked = ASKED;

	/* acq_rel: as in end().  acquire: the other's, where it fails. */
	return atomic_compare_exchange_strong_explicit(&e->word, &asked, word,
						       memory_order_acq_rel,
						       memory_order_acquire);
}

/* From RUNS to DONE or LEFT.  Returns what it was. */
static uint32_t end(struct go__errand *e, uint32_t word)
{
	/* [end] release -> the other's [end]: what we have written, and that
	 * we do not use it any more; acquire <- it, to take the answer, or to
	 * free. */
	return atomic_exchange_explicit(&e->word, word, memory_order_acq_rel);
}

static void *job(void *arg)
{
	struct go__errand *e = arg;

	if (!begin(e, RUNS))
		return NULL;
	e->run(e);
	if (end(e, DONE) == LEFT)
		e->destroy(e);
	return NULL;
}

/* The job does nothing, and ends soon. */
static void await_end(struct go__errand *e, go_task task)
{
	GO_SHIELD();
	int r = go_task_join(task, NULL);

	if (go__wait_deserted(r))
		(void)go_task_detach(task);
	else
		e->destroy(e);
}

/* The wait has ended by r.  Returns 0 if the answer is there all the same. */
static int leave(struct go__errand *e, go_task task, int r)
{
	if (begin(e, LEFT)) {
		(void)go_task_cancel(task);
		await_end(e, task);
		return r;
	}
	(void)go_task_detach(task);
	return end(e, LEFT) == DONE ? 0 : r;
}

static int run_apart(struct go__errand *e)
{
	go_task task;
	int r;

	/* relaxed: the spawn publishes it. */
	atomic_store_explicit(&e->word, ASKED, memory_order_relaxed);
	r = go_blocking_task(&task, job, e);
	if (r == 0) {
		r = go_task_join(task, NULL);
		if (go__wait_deserted(r))
			return leave(e, task, r);
	}
	/* A shutdown withdraws it with -ENODATA. */
	if (r < 0)
		e->destroy(e);
	return r == -ENODATA ? -ECANCELED : r;
}

int go__errand_run(struct go__errand *self)
{
	if (go__task_self())
		return run_apart(self);
	self->run(self);
	return 0;
}
