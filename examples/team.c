/* SPDX-License-Identifier: MIT */
/*
 * Three runners and two laps: a start that is used again, a barrier at the end
 * of each lap, and a team that goes home when all have arrived.
 *
 * The objects lie in memory from malloc, get their initialisers by assignment,
 * and are asked at the end whether anybody still uses them.
 *
 * Run it:    team
 * Expect:    lap 1: 3 of 3
 *            lap 2: 3 of 3
 *            all at home
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUNNERS = 3,
	LAPS = 2
};

struct team {
	go_event start;
	go_barrier line; /* The runners, and who counts them. */
	go_wait_group out;
	int finished[RUNNERS]; /* Read behind the barrier. */
};

struct runner {
	struct team *team;
	int number;
};

static void *run(void *arg)
{
	struct runner *me = arg;
	struct team *t = me->team;
	int r = 0;

	for (int lap = 0; lap < LAPS && r >= 0; lap++) {
		r = go_event_wait(&t->start);
		t->finished[me->number]++;
		if (r == 0)
			r = go_barrier_wait(&t->line);
		if (r >= 0) /* nobody starts before it is counted */
			r = go_barrier_wait(&t->line);
	}
	go_wait_group_done(&t->out);
	return GO_INT(r);
}

static int one_lap(struct team *t, int lap)
{
	int there = 0, r;

	go_event_set(&t->start);
	r = go_barrier_wait(&t->line);
	if (r < 0)
		return r;
	go_event_reset(&t->start); /* or the next lap would begin at once */
	for (int i = 0; i < RUNNERS; i++)
		there += t->finished[i] == lap;
	printf("lap %d: %d of %d\n", lap, there, RUNNERS);
	r = go_barrier_wait(&t->line);
	return r < 0 ? r : 0;
}

static int race(struct team *t)
{
	struct runner runners[RUNNERS];
	GO_GROUP(group); /* cancels them if anything fails */
	int r = go_wait_group_add(&t->out, RUNNERS);

	for (int i = 0; i < RUNNERS && r == 0; i++) {
		runners[i] = (struct runner){t, i};
		r = go_group_spawn(&group, run, &runners[i]);
	}
	for (int lap = 1; lap <= LAPS && r == 0; lap++)
		r = one_lap(t, lap);
	return r < 0 ? r : go_wait_group_wait(&t->out);
}

static int disband(struct team *t)
{
	int r = go_wait_group_destroy(&t->out);

	if (r == 0)
		r = go_barrier_destroy(&t->line);
	if (r == 0)
		r = go_event_destroy(&t->start);
	if (r == 0)
		free(t);
	return r;
}

static void *start(void *unused)
{
	struct team *t = calloc(1, sizeof *t);
	int r, error;

	(void)unused;
	if (!t)
		return GO_INT(-ENOMEM);
	t->start = (go_event)GO_EVENT_INIT;
	t->line = (go_barrier)GO_BARRIER_INIT(RUNNERS + 1);
	t->out = (go_wait_group)GO_WAIT_GROUP_INIT;
	r = race(t);
	error = disband(t);
	if (r == 0 && error == 0)
		printf("all at home\n");
	return GO_INT(r < 0 ? r : error);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "team: %s\n", strerror(-r));
	return r < 0;
}
