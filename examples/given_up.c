/* SPDX-License-Identifier: MIT */
/*
 * One-shots that come to nothing: a server that declines to answer, a client
 * that has gone away meanwhile, and a client that looks now and then instead of
 * waiting.
 *
 * Each question lies on the heap, since nobody knows which side will be done
 * with it first: the last one frees it, as the results tell.
 *
 * Run it:    given_up
 * Expect:    4: not yet
 *            4: 16
 *            -1: declined
 *            7: never mind
 *            server: nobody wants 7
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
	int number, answer;
	go_oneshot reply;
};

static go_event go_on = GO_EVENT_AUTO_INIT; /* Lets the server work. */

static struct question *ask(go_chan *questions, int number)
{
	struct question *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->number = number;
	q->reply = (go_oneshot)GO_ONESHOT_INIT(&q->answer, sizeof q->answer);
	if (go_chan_send(questions, &q) == 0)
		return q;
	free(q);
	return NULL;
}

/* By the last one, so nobody can be waiting for it. */
static void forget(struct question *q)
{
	if (go_oneshot_destroy(&q->reply) == 0)
		free(q);
}

/* ---- the server ---- */

/* To be asked between the steps of long work.  A task that only waits for this
 * could give the time-out up, and cancel the work. */
static bool still_wanted(struct question *q)
{
	GO_TIMEOUT(0);

	return go_oneshot_wait_closed(&q->reply) == -ETIMEDOUT;
}

static void answer(struct question *q)
{
	int number = q->number, square = number * number, r;

	if (number < 0 || !still_wanted(q))
		r = go_oneshot_drop(&q->reply);
	else
		r = go_oneshot_send(&q->reply, &square);
	if (r == -EPIPE) {
		printf("server: nobody wants %d\n", number);
		forget(q);
	}
}

static void *serve(void *arg)
{
	go_chan *questions = arg;
	struct question *q;

	while (go_chan_recv(questions, &q) == 0) {
		if (go_event_wait(&go_on) == 0)
			answer(q);
		else if (go_oneshot_drop(&q->reply) == -EPIPE)
			forget(q);
	}
	return NULL;
}

/* ---- the clients ---- */

static int look_and_wait(go_chan *questions)
{
	struct question *q = ask(questions, 4);
	int square, r;

	if (!q)
		return -ENOMEM;
	if (go_oneshot_try_recv(&q->reply, &square) == -EAGAIN)
		printf("4: not yet\n");
	go_event_set(&go_on);
	while ((r = go_oneshot_try_recv(&q->reply, &square)) == -EAGAIN)
		go_sleep(GO_MILLISECOND); /* something else to be done */
	if (r == 0)
		printf("4: %d\n", square);
	forget(q);
	return r;
}

static int be_declined(go_chan *questions)
{
	struct question *q = ask(questions, -1);
	int r;

	if (!q)
		return -ENOMEM;
	go_event_set(&go_on);
	{
		GO_SHIELD();
		r = go_oneshot_recv(&q->reply, NULL);
	}
	if (r == -EPIPE)
		printf("-1: declined\n");
	if (r == 0 || r == -EPIPE) /* else it is still the server's, too */
		forget(q);
	return r == -EPIPE ? 0 : r;
}

static int go_away(go_chan *questions)
{
	struct question *q = ask(questions, 7);

	if (!q)
		return -ENOMEM;
	printf("7: never mind\n");
	if (go_oneshot_close(&q->reply) == -EALREADY)
		forget(q); /* the server was faster */
	return go_event_set(&go_on);
}

static void *start(void *unused)
{
	go_chan *questions;
	go_task server;
	int r = go_chan_create(&questions, sizeof(struct question *), 1);

	(void)unused;
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&server, serve, questions);
	if (r == 0) {
		r = look_and_wait(questions);
		if (r == 0)
			r = be_declined(questions);
		if (r == 0)
			r = go_away(questions);
		go_chan_close(questions);
		go_task_join(server, NULL);
	}
	go_chan_destroy(questions);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "given_up: %s\n", strerror(-r));
	return r < 0;
}
