/* SPDX-License-Identifier: MIT */
/*
 * Select: a server that takes requests, notices that none come, and stops when
 * it is told to, all in one wait.
 *
 * Run it:    select
 * Expect:    served 1
 *            served 2
 *            idle
 *            told to stop
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

struct server {
	go_chan *requests, *quit;
	go_event idle;
	int served;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int request = 0;

	for (;;) {
		go_case cases[] = {
			GO_RECV(s->requests, &request),
			GO_RECV(s->quit, NULL),
			GO_AFTER(10 * GO_MILLISECOND),
		};

		switch (go_select(cases, 3)) {
		case 0:
			if (cases[0].result < 0)
				return NULL; /* closed */
			printf("served %d\n", request);
			s->served++;
			break;
		case 1:
			printf("told to stop\n");
			return NULL;
		case 2:
			if (s->served == 2 && go_event_try(&s->idle) < 0) {
				printf("idle\n");
				go_event_set(&s->idle);
			}
			break;
		default: /* cancelled */
			return NULL;
		}
	}
}

/* Two requests, a pause until the server is idle, the end. */
static int use(struct server *s)
{
	go_task server;
	int r = go_task_spawn(&server, serve, s);

	if (r < 0)
		return r;
	for (int i = 1; i <= 2 && r == 0; i++)
		r = go_chan_send(s->requests, &i);
	if (r == 0)
		r = go_event_wait(&s->idle);
	go_chan_close(s->quit); /* whoever selects it sees that at once */
	go_task_join(server, NULL);
	return r;
}

static void *start(void *unused)
{
	struct server s = {.idle = GO_EVENT_INIT};
	int r;

	(void)unused;
	r = go_chan_create(&s.requests, sizeof(int), 0);
	if (r == 0)
		r = go_chan_create(&s.quit, 0, 0);
	if (r == 0)
		r = use(&s);
	go_chan_destroy(s.requests);
	go_chan_destroy(s.quit);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "select: %s\n", strerror(-r));
	return r < 0;
}
