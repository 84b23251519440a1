/* SPDX-License-Identifier: MIT */
/*
 * An object on the heap with locks inside: a hall, in front of which visitors
 * wait until it is opened, and then find two seats to share.
 *
 * It is torn down only when nobody uses it any more, which each of its parts is
 * asked for.
 *
 * Run it:    hall
 * Expect:    3 wait, 2 seats are free
 *            it cannot be torn down yet
 *            3 have sat, 2 seats are free
 *            torn down
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VISITORS = 3
};

struct hall {
	go_mutex lock;
	go_cond changed; /* Something of the next two. */
	int waiting;     /* Under the lock. */
	bool open;       /* Under the lock. */
	go_semaphore seats;
};

static struct hall *build(unsigned seats)
{
	struct hall *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->lock = (go_mutex)GO_MUTEX_INIT;
	h->changed = (go_cond)GO_COND_INIT;
	h->seats = (go_semaphore)GO_SEMAPHORE_INIT(seats);
	return h;
}

/* -EBUSY if any of it is in use, and then nothing has happened. */
static int tear_down(struct hall *h)
{
	int r = go_cond_destroy(&h->changed);

	if (r == 0)
		r = go_semaphore_destroy(&h->seats);
	if (r == 0)
		r = go_mutex_destroy(&h->lock);
	if (r == 0)
		free(h);
	return r;
}

/* With go_mutex_lock() neither a cancellation nor a deadline would end the wait
 * for the lock itself. */
static int wait_outside(struct hall *h)
{
	int r = go_mutex_lock_cancellable(&h->lock);

	if (r < 0)
		return r;
	h->waiting++;
	/* All are woken, since they wait for different things: one that is
	 * signalled might not be the one that this is news for. */
	go_cond_broadcast(&h->changed);
	while (r == 0 && !h->open)
		r = go_cond_wait(&h->changed, &h->lock);
	h->waiting--;
	go_mutex_unlock(&h->lock);
	return r;
}

static void *visit(void *hall)
{
	struct hall *h = hall;
	int r = wait_outside(h);

	if (r == 0)
		r = go_semaphore_acquire(&h->seats);
	if (r == 0) {
		go_yield(); /* sits for a while */
		go_semaphore_post(&h->seats);
	}
	return GO_INT(r);
}

static int wait_for_visitors(struct hall *h)
{
	int r = go_mutex_lock_cancellable(&h->lock);

	if (r < 0)
		return r;
	while (r == 0 && h->waiting < VISITORS)
		r = go_cond_wait(&h->changed, &h->lock);
	go_mutex_unlock(&h->lock);
	return r;
}

static int open_it(struct hall *h)
{
	int r = go_mutex_lock_cancellable(&h->lock);

	if (r < 0)
		return r;
	h->open = true;
	go_cond_broadcast(&h->changed);
	return go_mutex_unlock(&h->lock);
}

static int receive(struct hall *h)
{
	GO_GROUP(visitors);
	int r = 0;

	for (int i = 0; i < VISITORS && r == 0; i++)
		r = go_group_spawn(&visitors, visit, h);
	if (r == 0)
		r = wait_for_visitors(h);
	if (r < 0)
		return r;
	printf("%d wait, %d seats are free\n", VISITORS,
	       (int)go_semaphore_value(&h->seats));
	if (tear_down(h) == -EBUSY)
		printf("it cannot be torn down yet\n");
	r = open_it(h);
	if (r == 0)
		r = go_group_wait(&visitors);
	if (r == 0)
		printf("%d have sat, %d seats are free\n", VISITORS,
		       (int)go_semaphore_value(&h->seats));
	return r;
}

static void *start(void *unused)
{
	struct hall *h = build(2);
	int r, error;

	(void)unused;
	if (!h)
		return GO_INT(-ENOMEM);
	r = receive(h);
	error = tear_down(h);
	if (error == 0)
		printf("torn down\n");
	return GO_INT(r < 0 ? r : error);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "hall: %s\n", strerror(-r));
	return r < 0;
}
