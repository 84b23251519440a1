/* SPDX-License-Identifier: MIT */
/*
 * Calls that never wait: for callbacks of a foreign loop, and where there is
 * something better to do than to wait.
 *
 * Run it:    tries
 * Expect:    2 letters fit
 *            got 1
 *            got 2
 *            nothing left
 *            a permit, and no second one
 *            the lock is taken
 *            nothing to select
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static go_mutex lock = GO_MUTEX_INIT;
static go_semaphore permits = GO_SEMAPHORE_INIT(1);

/* Returns how many letters have found room. */
static int fill(go_chan *box)
{
	int sent = 0, r;

	for (int letter = 1; (r = go_chan_try_send(box, &letter)) == 0;
	     letter++)
		sent++;
	return r == -EAGAIN ? sent : r; /* -EAGAIN: it is full */
}

static int empty(go_chan *box)
{
	int letter, r;

	while ((r = go_chan_try_recv(box, &letter)) == 0)
		printf("got %d\n", letter);
	return r == -EAGAIN ? 0 : r; /* -EAGAIN: nothing is there */
}

static void try_permits(void)
{
	if (go_semaphore_try(&permits) == 0) {
		if (go_semaphore_try(&permits) == -EAGAIN)
			printf("a permit, and no second one\n");
		go_semaphore_post(&permits);
	}
}

static void try_lock(void)
{
	if (go_mutex_trylock(&lock) == 0) {
		if (go_mutex_trylock(&lock) == -EBUSY)
			printf("the lock is taken\n");
		go_mutex_unlock(&lock);
	}
}

static int try_select(go_chan *box)
{
	int letter;
	go_case cases[] = {GO_RECV(box, &letter)};
	int r = go_select_try(cases, 1);

	if (r == -EAGAIN)
		printf("nothing to select\n");
	return r == -EAGAIN ? 0 : r;
}

/* A plain thread will do: nothing here needs a runtime. */
int main(void)
{
	go_chan *box;
	int r = go_chan_create(&box, sizeof(int), 2);

	if (r == 0) {
		r = fill(box);
		if (r >= 0) {
			printf("%d letters fit\n", r);
			r = empty(box);
		}
		if (r == 0)
			printf("nothing left\n");
		try_permits();
		try_lock();
		if (r == 0)
			r = try_select(box);
		go_chan_destroy(box);
	}
	if (r < 0)
		fprintf(stderr, "tries: %s\n", strerror(-r));
	return r < 0;
}
