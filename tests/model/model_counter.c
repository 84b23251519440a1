/* SPDX-License-Identifier: MIT */
/*
 * The barrier and the wait group: rounds against deadlines and cancellation.
 *
 * Runs sync/counter.c with its line, on the waits of model_wait.h.
 *
 * Shows: a round of a barrier ends with as many parties as it takes, one of
 * which leads; a party that gives up is taken off, or was one of the round all
 * the same; what a party did before is seen by all behind; who waits for a wait
 * group gets out with the last one, and sees what all did; nobody stays in
 * line; who gets out of a wait group may free it.
 *
 * Bounds: two parties and two rounds; three parties and one round; one party
 * may give up, and comes again.
 */
#include "model_wait.h"

#include "sync/counter.c"
#include "sync/line.c"

enum {
	MOST = 3,
	QUITTER = 0, /* The thread that may be made to give up. */
};

static go_barrier barrier;
static go_wait_group group;
static int data[MOST]; /* Plain memory, watched for races. */
static int leaders, followers, gave_up, waited;

static void setup(uint32_t parties)
{
	model_setup_tasks();
	memset(&barrier, 0, sizeof(barrier));
	memset(&group, 0, sizeof(group));
	memset(data, 0, sizeof(data));
	barrier.parties = parties;
	leaders = 0;
	followers = 0;
	gave_up = 0;
	waited = 0;
}

static void setup_two(void)
{
	setup(2);
}

static void setup_two_cancelled(void)
{
	setup(2);
	model_cancels = true;
}

static void setup_three(void)
{
	setup(3);
}

static void setup_group(void)
{
	setup(0);
	model_assert(go_wait_group_add(&group, 2) == 0);
}

/* ---- Threads ------------------------------------------------------------- */

static int arrive(void)
{
	int r = go_barrier_wait(&barrier);

	model_assert(r >= 0 || r == -ETIMEDOUT || r == -ECANCELED);
	leaders += r == 1;
	followers += r == 0;
	gave_up += r < 0;
	return r;
}

/* Through all rounds; after a deadline once more. */
static void party(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		MODEL_WRITE(data[model_self()]) = i + 1;
		while (arrive() < 0)
			;
		for (unsigned k = 0; k < barrier.parties; k++)
			model_assert(MODEL_READ(data[k]) == i + 1);
		if (i + 1 < rounds)
			while (arrive() < 0)
				;
	}
}

/* Both are cancelled, now or later: they meet, or both give up. */
static void party_once(int unused)
{
	(void)unused;
	(void)arrive();
}

static void doer(int i)
{
	MODEL_WRITE(data[i]) = 1;
	model_assert(go_wait_group_done(&group) == 0);
}

static void waiter(int unused)
{
	int r = go_wait_group_wait(&group);

	(void)unused;
	model_assert(r == 0 || r == -ETIMEDOUT);
	gave_up += r < 0;
	waited += r == 0;
	if (r == 0)
		model_assert(MODEL_READ(data[0]) + MODEL_READ(data[1]) == 2);
}

/* Comes again until it passes; then it may free the wait group. */
static void last(int unused)
{
	int r;

	(void)unused;
	while ((r = go_wait_group_wait(&group)) != 0)
		model_assert(r == -ETIMEDOUT);
	model_assert(MODEL_READ(data[0]) + MODEL_READ(data[1]) == 2);
	model_assert(!go__lock_held(&go__line(&group.line)->lock));
}

/* ---- After --------------------------------------------------------------- */

static void empty(void)
{
	model_assert(go_barrier_destroy(&barrier) == 0);
	model_assert(go_wait_group_destroy(&group) == 0);
	model_assert(barrier.arrived == 0);
	model_assert(group.word == 0);
}

static void three_rounds(void)
{
	empty();
	model_assert(leaders == 3 && followers == 3);
}

static void one_round(void)
{
	empty();
	model_assert(leaders == 1 && followers == 2);
}

static void both_or_none(void)
{
	empty();
	model_assert(leaders == followers);
	model_assert(leaders + followers + gave_up == 2);
}

static void waited_for(void)
{
	empty();
	model_assert(waited + gave_up == 2 && waited >= 1);
}

static const struct model models[] = {
	{
		.name = "barrier-rounds",
		.setup = setup_two,
		.finish = three_rounds,
		.preemptions = 3,
		.thread = {MODEL_THREAD("quitter", party, 2),
			   MODEL_THREAD("party", party, 2),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "barrier-three",
		.setup = setup_three,
		.finish = one_round,
		.preemptions = 2,
		.thread = {MODEL_THREAD("quitter", party, 1),
			   MODEL_THREAD("party", party, 1),
			   MODEL_THREAD("other", party, 1),
			   MODEL_THREAD("timer", model_expire, QUITTER)},
	},
	{
		.name = "barrier-cancel",
		.setup = setup_two_cancelled,
		.finish = both_or_none,
		.preemptions = 3,
		.thread = {MODEL_THREAD("party", party_once, 0),
			   MODEL_THREAD("other", party_once, 0),
			   MODEL_THREAD("canceller", model_cancel, 0),
			   MODEL_THREAD("second", model_cancel, 1)},
	},
	{
		.name = "wait-group",
		.setup = setup_group,
		.finish = waited_for,
		.preemptions = 1,
		.thread = {MODEL_THREAD("doer", doer, 0),
			   MODEL_THREAD("other", doer, 1),
			   MODEL_THREAD("waiter", waiter, 0),
			   MODEL_THREAD("quitter", waiter, 0),
			   MODEL_THREAD("timer", model_expire, 3)},
	},
	{
		.name = "wait-group-last",
		.setup = setup_group,
		.finish = empty,
		.preemptions = 2,
		.thread = {MODEL_THREAD("waiter", last, 0),
			   MODEL_THREAD("doer", doer, 0),
			   MODEL_THREAD("other", doer, 1),
			   MODEL_THREAD("timer", model_expire, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
