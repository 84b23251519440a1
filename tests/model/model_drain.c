/* SPDX-License-Identifier: MIT */
/*
 * Shutdown: the count of tasks against spawns, ends and workers that sleep.
 *
 * Runs runtime.c and spawn.c, as far as they count, on the workers of
 * model_workers.h.  (The linker drops the rest of the two.)
 *
 * Shows: shutdown comes to an end when no task is left, and not before: what
 * every task that was let in has done is seen behind it; tasks that are spawned
 * by others or from outside meanwhile are let in and waited for, or refused;
 * the workers end.
 *
 * Cannot show: the walk over the waits, which model_waitword.c stands for;
 * time-outs; the current-thread flavour.
 *
 * Bounds: two workers without a task, or one and up to two tasks; or three that
 * only count, with a task each.
 */
#define MODEL_OWN_RUNTIME
#define MODEL_OWN_SPAWN
#include "model_workers.h"

#include "sched/runtime.c"
#include "sched/spawn.c"

enum {
	DONE = 100,
	SECOND = 3, /* Threads that are held until their task is let in. */
	THIRD = 4,
};

static int counted[TASKS]; /* Plain memory, watched for races. */

/* ---- What the end of these tasks has no use for -------------------------- */

void go__ending_wake(uint64_t id)
{
	(void)id;
	model_not_called();
}

void go__block_free_slow(struct go__worker *w, struct go__task *t)
{
	(void)w;
	(void)t;
	model_not_called();
}

void go__timer_close(struct go__timer *timer)
{
	(void)timer;
	model_not_called();
}

void go__extra_drop(struct go__extra *extra)
{
	(void)extra;
	model_not_called();
}

void go__group_leave(struct go__task *t)
{
	(void)t;
	model_not_called();
}

/* ---- Before -------------------------------------------------------------- */

/* As go__spawn(), of a block that is there already. */
static bool spawn(struct go__worker *self, int i)
{
	struct go__task *t = &model_task[i];

	if (!count_in(RT, self, self != NULL))
		return false;
	MODEL_WRITE(counted[i]) = 1;
	MODEL_WRITE(payload[i]) = i;
	t->worker = self ? self : &RT->worker[0];
	go__task_word_begin(&t->word, (uint64_t)i + 1, GO__TASK_LIVE);
	go__ready_fresh(self, t);
	return true;
}

static void setup(unsigned workers)
{
	setup_workers(workers);
	memset(counted, 0, sizeof(counted));
	go__lock_init(&RT->lock);
}

static void setup_none(void)
{
	setup(2);
}

static void setup_alone(void)
{
	setup(1);
}

/* Task 0 is there already, and the first worker's. */
static void count_first(void)
{
	model_assert(count_in(RT, &RT->worker[0], true));
	counted[0] = 1;
	go__task_word_begin(&model_task[0].word, 1, GO__TASK_LIVE);
}

static void setup_first(void)
{
	setup(1);
	count_first();
	model_assert(go__fresh_push(&RT->worker[0].fresh, &model_task[0]));
}

/* Workers that only count: each ends one task. */
static void setup_counts(void)
{
	setup(3);
	count_first();
}

/* ---- Threads ------------------------------------------------------------- */

static void run(struct go__worker *w, struct go__task *t)
{
	int i = (int)(t - model_task);

	model_assert(MODEL_READ(payload[i]) == i);
	model_assert(runs[i]++ == 0);
	if (i == 0)
		(void)spawn(w, 1);
	MODEL_WRITE(payload[i]) = DONE;
	go__task_end(w, t);
}

static void worker(int i)
{
	run_all(i, run);
}

static void spawner(int i)
{
	(void)spawn(NULL, i);
}

/* Task i ends on worker i. */
static void end_task(int i)
{
	runs[i]++;
	MODEL_WRITE(payload[i]) = DONE;
	go__task_end(&RT->worker[i], &model_task[i]);
}

/* Let a task in that another worker runs. */
static void let_in(struct go__worker *self, int i)
{
	if (!count_in(RT, self, self != NULL))
		return;
	MODEL_WRITE(counted[i]) = 1;
	go__task_word_begin(&model_task[i].word, (uint64_t)i + 1,
			    GO__TASK_LIVE);
	model_start(i == 1 ? SECOND : THIRD);
}

static void first_task(int i)
{
	let_in(&RT->worker[i], 1);
	end_task(i);
}

static void outsider(int i)
{
	let_in(NULL, i);
}

static void all_done(void)
{
	for (int i = 0; i < TASKS; i++)
		if (MODEL_READ(counted[i]))
			model_assert(MODEL_READ(payload[i]) == DONE);
}

static void counter(int unused)
{
	(void)unused;
	close_door(RT);
	while (go__runtime_live(RT) != 0)
		model_yield();
	all_done();
}

/* As go_runtime_shutdown(). */
static void shut_down(int unused)
{
	(void)unused;
	close_door(RT);
	wait_drained(RT, GO__NO_DEADLINE);
	model_assert(go__runtime_live(RT) == 0);
	all_done();
	set_phase(RT, GO__STOPPED);
	go__notify_all(RT);
}

/* ---- After --------------------------------------------------------------- */

static void finish(void)
{
	for (int i = 0; i < TASKS; i++)
		model_assert(runs[i] == (unsigned)counted[i]);
	model_assert(go__runtime_live(RT) == 0);
}

static const struct model models[] = {
	{
		.name = "nothing-left",
		.setup = setup_none,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_THREAD("worker0", worker, 0),
			   MODEL_THREAD("worker1", worker, 1),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
	{
		.name = "task-that-spawns",
		.setup = setup_first,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_THREAD("worker0", worker, 0),
			   MODEL_THREAD("shutdown", shut_down, 0)},
	},
	{
		.name = "spawn-from-outside",
		.setup = setup_alone,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_THREAD("worker0", worker, 0),
			   MODEL_THREAD("shutdown", shut_down, 0),
			   MODEL_THREAD("spawner", spawner, 2)},
	},
	{
		.name = "count",
		.setup = setup_counts,
		.finish = finish,
		.preemptions = 4,
		.thread = {MODEL_THREAD("first", first_task, 0),
			   MODEL_THREAD("outsider", outsider, 2),
			   MODEL_THREAD("counter", counter, 0),
			   MODEL_HELD("second", end_task, 1),
			   MODEL_HELD("third", end_task, 2)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
