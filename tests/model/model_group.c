/* SPDX-License-Identifier: MIT */
/*
 * Groups: children against waits, cancellation and the end of the group.
 *
 * Runs sched/group.c on the waits of model_wait.h.  Replaced is the spawn: a
 * child is a thread that is held until it is spawned; it is linked, queued and
 * ended in the order of spawn.c.
 *
 * Shows: no child touches a group whose owner has seen that no child is left,
 * and freed it (its lock is never free again: who takes it waits for ever, and
 * who releases it is seen at the end); a child of a cancelled group is
 * cancelled, waiting or not, spawned before or after; there are never more
 * children than the limit; a place that was handed over is neither lost nor
 * given twice, though the spawner is cancelled; who waits gets out.
 *
 * Bounds: an owner, two children, a canceller.
 */
#include "model_wait.h"

#include "sched/group.c"

enum {
	OWNER = 0,
	CHILD = 1, /* The first. */
	CHILDREN = 2,
	FREED = 1, /* A lock that is held for ever. */
};

static go_group group;
static struct go__worker worker;
static int spawned, alive, most, ended, refused;
static _Atomic uint32_t outside; /* Who still uses the group from outside. */

static void setup(void)
{
	model_setup_tasks();
	model_cancels = true;
	memset(&group, 0, sizeof(group));
	for (int i = 0; i < MODEL_THREADS; i++)
		model_task[i].context.flags = GO__CONTEXT_TASK;
	atomic_init(&inside(&group)->lock.word, 0);
	atomic_init(&outside, 0);
	inside(&group)->deadline = GO__NO_DEADLINE;
	spawned = alive = most = ended = refused = 0;
}

static void setup_limit(void)
{
	setup();
	inside(&group)->limit = 1;
}

/* Somebody else cancels the group: it must not be freed before. */
static void setup_limit_cancelled(void)
{
	setup_limit();
	atomic_init(&outside, 1);
}

static void setup_error(void)
{
	setup();
	inside(&group)->cancel_on_error = true;
}

/* ---- The rest of the library --------------------------------------------- */

struct go__context *go__self(void)
{
	return &model_task[model_self()].context;
}

struct go__worker *go__worker_self(void)
{
	return &worker;
}

struct go_runtime *go__runtime_self(void)
{
	static uint64_t some; /* Only told from NULL. */

	return (struct go_runtime *)(void *)&some;
}

int go__spawn(struct go_runtime *rt, struct go__worker *self,
	      const go_spawn_options *o, const struct go__start *start,
	      go_task *handle)
{
	int number = spawned++;
	struct go__task *t = &model_task[CHILD + number];

	(void)rt;
	(void)self;
	(void)handle;
	t->start = *start;
	t->group = inside(o->group);
	go__group_enter(t->group, t);
	if (++alive > most)
		most = alive;
	model_start((unsigned)(CHILD + number));
	return 0;
}

int64_t go_deadline_current(void)
{
	return GO_NEVER;
}

int go_task_join(go_task task, void **result)
{
	(void)task;
	(void)result;
	model_not_called();
}

void *go__sys_calloc(size_t count, size_t n)
{
	(void)count;
	(void)n;
	model_not_called();
}

void go__sys_free(void *p)
{
	(void)p;
	model_not_called();
}

int go__sys_futex_wait(_Atomic uint32_t *word, uint32_t value,
		       uint64_t deadline)
{
	(void)word;
	(void)value;
	(void)deadline;
	model_not_called();
}

uint64_t go__sys_now(void)
{
	model_not_called();
}

/* ---- Children ------------------------------------------------------------ */

static void *end_at_once(void *unused)
{
	(void)unused;
	return NULL;
}

static void *fail(void *unused)
{
	(void)unused;
	return GO_INT(-EIO);
}

/* Wait for nothing: only a cancellation ends it. */
static void *wait_for_ever(void *unused)
{
	struct go__waiter *w = go__waiter_self();
	int r = go__wait_check(w);

	(void)unused;
	if (r == 0) {
		go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_SLEEP, NULL);
		r = go__wait(w);
	}
	model_assert(r == -ECANCELED);
	return NULL;
}

/* Spawn a sibling, which may find the group cancelled, or be refused. */
static void *spawn_another(void *unused)
{
	int r = go_group_spawn(&group, wait_for_ever, unused);

	model_assert(r == 0 || r == -ECANCELED);
	refused += r != 0;
	return NULL;
}

static void child(int number)
{
	struct go__task *t = &model_task[CHILD + number];

	t->start.arg = t->start.fn(t->start.arg);
	alive--;
	ended++;
	go__group_leave(t);
}

/* ---- The owner and the others -------------------------------------------- */

static void spawn(go_fn *fn)
{
	int r = go_group_spawn(&group, fn, NULL);

	model_assert(r == 0 || r == -ECANCELED);
	refused += r != 0;
}

/* From here on nobody may touch it. */
static void free_group(void)
{
	struct go__group *g = inside(&group);
	uint32_t n;

	/* acquire, relaxed: those who are no children. */
	while ((n = atomic_load_explicit(&outside, memory_order_acquire)))
		model_park(&outside, n);
	model_assert(alive == 0 && ended == spawned);
	model_assert(g->places == 0);
	model_assert(!g->children.next || go__list_empty(&g->children));
	model_assert(!g->waiters.next || go__list_empty(&g->waiters));
	model_assert(!g->spawners.next || go__list_empty(&g->spawners));
	/* relaxed: the owner's last act. */
	atomic_store_explicit(&g->lock.word, FREED, memory_order_relaxed);
}

static void waits(int children)
{
	while (children--)
		spawn(end_at_once);
	(void)go_group_wait(&group);
	free_group();
}

static void ends(int unused)
{
	(void)unused;
	spawn(spawn_another);
	go_group_end(&group);
	free_group();
}

static void ends_waiters(int unused)
{
	(void)unused;
	spawn(wait_for_ever);
	spawn(end_at_once);
	go_group_end(&group);
	free_group();
}

static void waits_for_failure(int unused)
{
	(void)unused;
	spawn(wait_for_ever);
	spawn(fail);
	model_assert(go_group_wait(&group) == -EIO || refused);
	free_group();
}

static void canceller(int unused)
{
	(void)unused;
	model_assert(go_group_cancel(&group) == 0);
	/* release -> free_group(). */
	atomic_store_explicit(&outside, 0, memory_order_release);
	model_wake(&outside, 1);
}

/* ---- After --------------------------------------------------------------- */

static void freed(void)
{
	/* relaxed: the threads have ended. */
	model_assert(atomic_load_explicit(&inside(&group)->lock.word,
					  memory_order_relaxed) == FREED);
	model_assert(ended == spawned);
}

static void two_ended(void)
{
	freed();
	model_assert(ended == 2);
}

static void within_limit(void)
{
	freed();
	model_assert(most <= 1);
	model_assert(ended + refused == 2);
}

static void both_within_limit(void)
{
	within_limit();
	model_assert(ended == 2);
}

#define CHILDREN_OF_OWNER                                                      \
	MODEL_HELD("child", child, 0), MODEL_HELD("other", child, 1)

static const struct model models[] = {
	{
		.name = "wait",
		.setup = setup,
		.finish = two_ended,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", waits, 2), CHILDREN_OF_OWNER},
	},
	{
		.name = "end",
		.setup = setup,
		.finish = freed,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", ends, 0), CHILDREN_OF_OWNER},
	},
	{
		.name = "end-waiters",
		.setup = setup,
		.finish = two_ended,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", ends_waiters, 0),
			   CHILDREN_OF_OWNER},
	},
	{
		.name = "first-error",
		.setup = setup_error,
		.finish = two_ended,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", waits_for_failure, 0),
			   CHILDREN_OF_OWNER},
	},
	{
		.name = "limit",
		.setup = setup_limit,
		.finish = both_within_limit,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", waits, 2), CHILDREN_OF_OWNER},
	},
	{
		.name = "limit-cancel",
		.setup = setup_limit_cancelled,
		.finish = within_limit,
		.preemptions = 3,
		.thread = {MODEL_THREAD("owner", waits, 2), CHILDREN_OF_OWNER,
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "limit-cancel-owner",
		.setup = setup_limit,
		.finish = within_limit,
		.preemptions = 3,
		.thread = {MODEL_THREAD("owner", waits, 2), CHILDREN_OF_OWNER,
			   MODEL_THREAD("canceller", model_cancel, OWNER)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
