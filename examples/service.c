/* SPDX-License-Identifier: MIT */
/*
 * An object with tasks of its own: they are begun by one function and ended by
 * another one, and none is left when that returns.
 *
 * The group is in the object; GO_GROUP() is the same for a block
 * (examples/groups.c).
 *
 * Run it:    service
 * Expect:    1 of 4 in the queue
 *            counted 10
 *            the service has ended
 */
#include <gofer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counter {
	go_group tasks;
	go_chan *queue;
	go_watch total;
	int sum; /* The memory of `total`. */
};

static void *count(void *arg)
{
	struct counter *c = arg;
	int sum = 0, n;

	while (go_chan_recv(c->queue, &n) == 0) {
		sum += n;
		go_watch_send(&c->total, &sum);
	}
	return NULL; /* cancelled: the service ends */
}

static int begin(struct counter *c)
{
	int r = go_chan_create(&c->queue, sizeof(int), 4);

	if (r < 0)
		return r;
	c->sum = 0;
	c->total = (go_watch)GO_WATCH_INIT(&c->sum, sizeof c->sum);
	r = go_group_init(&c->tasks, NULL);
	if (r < 0)
		go_chan_destroy(c->queue);
	return r;
}

/* Ends them, and waits for that also in a task that has been cancelled. */
static void end(struct counter *c)
{
	go_group_end(&c->tasks);
	go_watch_destroy(&c->total);
	go_chan_destroy(c->queue);
}

/* Numbers for a status page, and no more: they may be others by now. */
static void print_queue(const struct counter *c)
{
	printf("%zu of %zu in the queue\n", go_chan_length(c->queue),
	       go_chan_capacity(c->queue));
}

static int wait_for(struct counter *c, int sum)
{
	uint64_t seen = 0;
	int now, r;

	do
		r = go_watch_wait(&c->total, &now, &seen);
	while (r == 0 && now < sum);
	if (r == 0)
		printf("counted %d\n", now);
	return r;
}

static int use(struct counter *c)
{
	int n = 1;
	int r = go_chan_send(c->queue, &n);

	if (r < 0)
		return r;
	print_queue(c); /* nobody takes it yet */
	r = go_group_spawn(&c->tasks, count, c);
	for (n = 2; n <= 4 && r == 0; n++)
		r = go_chan_send(c->queue, &n);
	return r < 0 ? r : wait_for(c, 10);
}

static void *start(void *unused)
{
	struct counter c;
	int r = begin(&c);

	(void)unused;
	if (r < 0)
		return GO_INT(r);
	r = use(&c);
	end(&c);
	if (r == 0)
		printf("the service has ended\n");
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "service: %s\n", strerror(-r));
	return r < 0;
}
