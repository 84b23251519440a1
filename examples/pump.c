/* SPDX-License-Identifier: MIT */
/*
 * Select among things of all kinds: one task reads from a descriptor, hands on
 * what it has read over a channel, repeats it on a descriptor, and stops by an
 * event, or at a point in time.
 *
 * What it does not want right now, it takes out of the select: a negative
 * descriptor and a null channel are never ready.  So it never waits for one
 * side while another one could go on.
 *
 * Run it:    pump
 * Expect:    got a
 *            got b
 *            got c
 *            stopped by the event, 3 echoed
 *            stopped by the clock, 0 echoed
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

struct pump {
	int from, to;
	go_chan *out;
	go_event stop;
	int64_t until_ns;
	char byte;                  /* The one that is under way, */
	bool to_hand_on, to_repeat; /* and what is to be done with it. */
	int echoed;
};

/* Returns 0, or less on an error and at the end. */
static int take(struct pump *p)
{
	ssize_t n = go_read(p->from, &p->byte, 1);

	if (n > 0)
		p->to_hand_on = p->to_repeat = true;
	return n > 0 ? 0 : -1;
}

static int repeat(struct pump *p)
{
	int r = go_write_all(p->to, &p->byte, 1, NULL);

	p->to_repeat = false;
	p->echoed += r == 0;
	return r;
}

static void *run(void *arg)
{
	struct pump *p = arg;
	int r = 0;

	while (r == 0) {
		bool idle = !p->to_hand_on && !p->to_repeat;
		go_case cases[] = {
			GO_READABLE(idle ? p->from : -1),
			GO_WRITABLE(p->to_repeat ? p->to : -1),
			GO_SEND(p->to_hand_on ? p->out : NULL, &p->byte),
			GO_EVENT(idle ? &p->stop : NULL),
			GO_AT(p->until_ns),
		};
		int which = go_select(cases, 5);

		switch (which) {
		case 0:
			r = take(p);
			break;
		case 1:
			r = repeat(p);
			break;
		case 2:
			r = cases[2].result; /* -EPIPE: it is closed */
			p->to_hand_on = false;
			break;
		default: /* told to stop, by the event or the clock, or else */
			return GO_INT(which);
		}
	}
	return GO_INT(r);
}

static int report(go_task task, const struct pump *p)
{
	void *result;
	int r = go_task_join(task, &result);

	if (r < 0)
		return r;
	printf("stopped by the %s, %d echoed\n",
	       GO_TO_INT(result) == 3 ? "event" : "clock", p->echoed);
	return 0;
}

static int use(struct pump *p, int peer, const char *text)
{
	size_t n = strlen(text);
	go_task task;
	char byte;
	int r = go_task_spawn(&task, run, p);

	if (r < 0)
		return r;
	r = go_write_all(peer, text, n, NULL);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = go_chan_recv(p->out, &byte);
		if (r == 0)
			printf("got %c\n", byte);
	}
	if (n > 0)
		go_event_set(&p->stop);
	if (r < 0)
		go_task_cancel(task);
	n = (size_t)report(task, p);
	return r < 0 ? r : (int)n;
}

static int use_twice(go_chan *out, int fd, int peer)
{
	struct pump first = {fd,    fd,    out, GO_EVENT_INIT, GO_NEVER, 0,
			     false, false, 0};
	struct pump second = {fd,    fd,    out, GO_EVENT_INIT, 0, 0,
			      false, false, 0};
	int r = use(&first, peer, "abc");

	second.until_ns = go_now() + 5 * GO_MILLISECOND;
	return r < 0 ? r : use(&second, peer, "");
}

static void *start(void *unused)
{
	go_chan *out;
	int pair[2];
	int r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);

	(void)unused;
	if (r < 0)
		return GO_INT(r);
	r = go_chan_create(&out, 1, 0);
	if (r == 0) {
		r = use_twice(out, pair[0], pair[1]);
		go_chan_destroy(out);
	}
	go_close(pair[0]);
	go_close(pair[1]);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "pump: %s\n", strerror(-r));
	return r < 0;
}
