/* SPDX-License-Identifier: MIT */
/*
 * One-shots: a question that carries the way back of its answer.
 *
 * Run it:    oneshot
 * Expect:    49
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

struct question {
	int number;
	go_oneshot *reply;
};

static void *answer_all(void *arg)
{
	go_chan *questions = arg;
	struct question q;

	while (go_chan_recv(questions, &q) == 0) {
		int square = q.number * q.number;

		go_oneshot_send(q.reply, &square);
	}
	return NULL;
}

/* The reply lies on our stack, so we stay until the answerer is done with it:
 * neither a cancellation nor a deadline may end the receive. */
static int ask(go_chan *questions, int number)
{
	int answer;
	go_oneshot reply = GO_ONESHOT_INIT(&answer, sizeof answer);
	struct question q = {number, &reply};
	int r = go_chan_send(questions, &q);

	if (r == 0) {
		GO_SHIELD();
		r = go_oneshot_recv(&reply, NULL);
	}
	if (r == 0)
		printf("%d\n", answer);
	return r;
}

static void *ask_once(void *unused)
{
	go_chan *questions;
	go_task answerer;
	int r;

	(void)unused;
	r = go_chan_create(&questions, sizeof(struct question), 0);
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&answerer, answer_all, questions);
	if (r == 0) {
		r = ask(questions, 7);
		go_chan_close(questions);
		go_task_join(answerer, NULL);
	}
	go_chan_destroy(questions);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, ask_once, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "oneshot: %s\n", strerror(-r));
	return r < 0;
}
