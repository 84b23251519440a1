/* SPDX-License-Identifier: MIT */
/*
 * The task word: a task ends while others join, detach and cancel it.
 *
 * Shows, in all schedules within the bound and under C11's memory: the block
 * is freed exactly once, by somebody for whom every other use of it is over;
 * a join that succeeds reads the task's result; a join that gave up leaves the
 * handle usable; whoever comes with the handle of a task that is over, and
 * whose block holds another task by now, changes nothing; each watcher sees the
 * end, and what the task did before.
 *
 * Cannot show: that spawn.c and select.c ask in this order (it is repeated
 * here: end(), join(), give_up(), watch()), and the freeing itself.  Who waits
 * does so as a plain thread does, on the delivered bit; waking tasks is
 * model_waitword.c's.
 *
 * Bounds: one task, then another in the same block; two users of the handle;
 * two watchers.
 */
#include "model.h"

#include <errno.h>

#include <string.h>

#include "sched/ending.c"
#include "sched/taskword.h"
#include "sched/waitword.h"

enum {
	ID = 7,
	NEXT_ID = 8,
	RESULT = 42
};

static struct go__task_word word;
static struct go__wait_word wait[2]; /* Of the two joiners. */

/* The block: plain memory, watched for races.  Freeing writes all of it. */
static struct {
	int result;
	uint64_t epoch; /* The joiner's open wait, */
	int joiner;     /* and who that is. */
} block;

static int value[2]; /* Handed to a joiner along with the wake. */
static int outcome[2];
static unsigned freed, succeeded;

/* Plain memory, like the block: what the task did, for watchers to see. */
static int deed;
static struct go__waiter watching[2];
static unsigned seen;

/* ---- The rest of the library --------------------------------------------- */

void go__claimed_deliver(const struct go__claimed *k)
{
	for (struct go__waiter *w = k->first, *next; w; w = next) {
		next = w->next;
		(void)go__wait_word_deliver(&w->word);
	}
}

/* ---- Before and after ---------------------------------------------------- */

static void setup_flags(uint64_t flags)
{
	atomic_init(&word.bits, 0);
	go__task_word_begin(&word, ID, flags);
	for (int i = 0; i < 2; i++) {
		go__wait_word_init(&wait[i], 0);
		outcome[i] = 1;
		value[i] = 0;
	}
	freed = succeeded = seen = 0;
	memset(lines, 0, sizeof(lines));
	memset(watching, 0, sizeof(watching));
	go__lock_init(&go__ending_of(ID)->lock);
	for (int i = 0; i < 2; i++)
		go__wait_word_init(&watching[i].word, 0);
	deed = 0;
}

static void setup(void)
{
	setup_flags(GO__TASK_LIVE | GO__TASK_HANDLE);
}

static void setup_without_handle(void)
{
	setup_flags(GO__TASK_LIVE);
}

/* Free the block; another task moves in at once. */
static void free_block(void)
{
	model_assert(freed == 0);
	freed++;
	MODEL_WRITE(block.result) = 0;
	MODEL_WRITE(block.epoch) = 0;
	MODEL_WRITE(block.joiner) = 0;
	go__task_word_begin(&word, NEXT_ID, GO__TASK_LIVE | GO__TASK_HANDLE);
}

static void deliver(int joiner, int r)
{
	outcome[joiner] = r;
	(void)go__wait_word_deliver(&wait[joiner]);
}

/* As go__task_end(). */
static void task(int unused)
{
	bool ours = true, watched;
	int joiner;

	(void)unused;
	MODEL_WRITE(deed) = RESULT;
	MODEL_WRITE(block.result) = RESULT;
	switch (go__task_word_end(&word, &watched)) {
	case GO__END_FREE:
		break;
	case GO__END_KEEP:
		ours = false;
		break;
	case GO__END_JOIN:
		joiner = MODEL_READ(block.joiner);
		if (go__wait_word_claim(&wait[joiner],
					MODEL_READ(block.epoch)) !=
		    GO__CLAIM_LOST) {
			MODEL_WRITE(value[joiner]) = MODEL_READ(block.result);
			deliver(joiner, 0);
		} else {
			ours = go__task_word_lost(&word);
		}
		break;
	}
	if (ours)
		free_block();
	if (watched)
		go__ending_wake(ID);
}

/* As the part of select.c that is about tasks. */
static void watch(int me)
{
	struct go__waiter *w = &watching[me];
	struct go__end_wait place = {.id = ID};
	struct go__ending *line = go__ending_of(ID);

	go__lock_acquire(&line->lock);
	if (go__task_word_watch(&word, ID)) {
		(void)go__wait_word_open(&w->word, false);
		go__wait_node_init(&place.node, w);
		go__ending_link(&place);
		go__lock_release(&line->lock);
		while (!go__wait_word_delivered(&w->word))
			model_yield();
		model_assert(w->result == 0);
		model_assert(w->value == &place.node);
	} else {
		go__lock_release(&line->lock);
	}
	model_assert(!go__link_is_linked(&place.node.link));
	model_assert(MODEL_READ(deed) == RESULT);
	seen++;
}

/* The joiner has the result. */
static void succeed(int result)
{
	model_assert(result == RESULT);
	model_assert(succeeded == 0);
	succeeded++;
}

static void wait_for_delivery(int me)
{
	while (!go__wait_word_delivered(&wait[me]))
		model_yield();
}

/* The wait ended early.  As give_up() in spawn.c. */
static int give_up(int r)
{
	if (go__task_word_give_up(&word) == GO__JOIN_LIVE)
		return r;
	succeed(MODEL_READ(block.result));
	if (go__task_word_reaped(&word))
		free_block();
	return 0;
}

/* As wait_for_end() in spawn.c. */
static int wait_for_end(int me)
{
	uint64_t epoch = go__wait_word_open(&wait[me], false);

	MODEL_WRITE(block.joiner) = me;
	MODEL_WRITE(block.epoch) = epoch;
	if (go__task_word_join(&word) == GO__JOIN_OVER) {
		if (go__wait_word_claim(&wait[me], epoch) == GO__CLAIM_LOST)
			wait_for_delivery(me);
		succeed(MODEL_READ(block.result));
		free_block();
		return 0;
	}
	wait_for_delivery(me);
	if (outcome[me] != 0)
		return give_up(outcome[me]);
	succeed(MODEL_READ(value[me]));
	return 0;
}

/* As go_task_join(). */
static int join(int me)
{
	switch (go__task_word_handle(&word, ID, true)) {
	case GO__JOIN_STALE:
		return -ESRCH;
	case GO__JOIN_OVER:
		succeed(MODEL_READ(block.result));
		free_block();
		return 0;
	case GO__JOIN_LIVE:
		break;
	}
	return wait_for_end(me);
}

static int detach(void)
{
	enum go__join r = go__task_word_handle(&word, ID, false);

	if (r == GO__JOIN_OVER)
		free_block();
	return r == GO__JOIN_STALE ? -ESRCH : 0;
}

static void joiner(int me)
{
	(void)join(me);
}

/* Joins, and if that takes too long, does not want to know any more. */
static void impatient(int me)
{
	int r = join(me);

	if (r == -ETIMEDOUT)
		model_assert(detach() == 0);
	else
		model_assert(r == 0);
}

static void detacher(int unused)
{
	(void)unused;
	(void)detach();
}

static void canceller(int unused)
{
	(void)unused;
	(void)go__task_word_cancel(&word, ID);
}

/* The deadline of a joiner passes. */
static void timer(int of)
{
	uint64_t epoch = go__wait_word_peek(&wait[of], true);

	if (epoch && go__wait_word_claim(&wait[of], epoch) != GO__CLAIM_LOST)
		deliver(of, -ETIMEDOUT);
}

static void freed_once(void)
{
	/* The successor in the block is as it was begun. */
	model_assert(freed == 1);
	model_assert(atomic_load_explicit(&word.bits, memory_order_relaxed) ==
		     ((uint64_t)NEXT_ID << GO__TASK_ID_SHIFT | GO__TASK_LIVE |
		      GO__TASK_HANDLE));
}

static void freed_and_seen(void)
{
	freed_once();
	model_assert(seen == 2);
}

/* Somebody may have given up without freeing: then the handle is still out. */
static void freed_or_kept(void)
{
	if (freed) {
		freed_once();
		return;
	}
	model_assert(succeeded == 0);
	model_assert(go__task_word_handle(&word, ID, true) == GO__JOIN_OVER);
}

static const struct model models[] = {
	{
		.name = "join-timeout-detach",
		.setup = setup,
		.finish = freed_once,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("task", task, 0),
			   MODEL_THREAD("joiner", impatient, 0),
			   MODEL_THREAD("timer", timer, 0)},
	},
	{
		.name = "join-against-detach",
		.setup = setup,
		.finish = freed_once,
		.thread = {MODEL_THREAD("task", task, 0),
			   MODEL_THREAD("joiner", joiner, 0),
			   MODEL_THREAD("detacher", detacher, 0),
			   MODEL_THREAD("canceller", canceller, 0)},
	},
	{
		.name = "two-joins-timeout",
		.setup = setup,
		.finish = freed_or_kept,
		.thread = {MODEL_THREAD("task", task, 0),
			   MODEL_THREAD("joiner", joiner, 0),
			   MODEL_THREAD("other", joiner, 1),
			   MODEL_THREAD("timer", timer, 0)},
	},
	{
		.name = "cancel-without-handle",
		.setup = setup_without_handle,
		.finish = freed_once,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("task", task, 0),
			   MODEL_THREAD("canceller", canceller, 0),
			   MODEL_THREAD("other", canceller, 0)},
	},
	{
		.name = "watch-without-handle",
		.setup = setup_without_handle,
		.finish = freed_and_seen,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("task", task, 0),
			   MODEL_THREAD("watcher", watch, 0),
			   MODEL_THREAD("other", watch, 1)},
	},
	{
		.name = "watch-and-join",
		.setup = setup,
		.finish = freed_and_seen,
		.preemptions = 1,
		.thread = {MODEL_THREAD("task", task, 0),
			   MODEL_THREAD("joiner", joiner, 0),
			   MODEL_THREAD("watcher", watch, 0),
			   MODEL_THREAD("other", watch, 1)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
