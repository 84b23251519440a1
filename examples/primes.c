/* SPDX-License-Identifier: MIT */
/*
 * Computing on all cores: how many primes are there below two million?
 *
 * Shows work handed out by a channel.  One task per worker takes the next piece
 * of the numbers when it is done with the last one, so that all of them are
 * busy until the end, however unequal pieces and cores are; and the results
 * come back by another channel, which has room for all of them.  More tasks
 * than workers would gain nothing: who computes does not wait.
 *
 * Run it:    primes
 * Expect:    148933 primes below 2000000
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIMIT 2000000
#define PIECE 50000

struct count {
	go_chan *pieces; /* ints: where a piece begins */
	go_chan *found;  /* ints: how many primes there are in one */
};

static bool is_prime(int n)
{
	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return false;
	for (int d = 3; d <= n / d; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

static void *count_pieces(void *arg)
{
	const struct count *c = arg;
	int from, r;

	while ((r = go_chan_recv(c->pieces, &from)) == 0) {
		int n = 0;

		for (int i = from; i < from + PIECE && i < LIMIT; i++)
			n += is_prime(i);
		r = go_chan_send(c->found, &n);
		if (r < 0)
			break;
	}
	return GO_INT(r == -EPIPE ? 0 : r); /* all pieces are done */
}

static void *hand_out(void *arg)
{
	const struct count *c = arg;
	int r = 0;

	for (int from = 0; from < LIMIT && r == 0; from += PIECE)
		r = go_chan_send(c->pieces, &from);
	go_chan_close(c->pieces);
	return GO_INT(r);
}

/* Returns how many primes, or -errno. */
static int count_with(struct count *c)
{
	int workers = go_runtime_workers(go_runtime_current());
	go_group_options options = {.cancel_on_error = true};
	int sum = 0, error, n;
	GO_GROUP_WITH(group, &options);
	int r = go_group_spawn(&group, hand_out, c);

	for (int i = 0; i < workers && r == 0; i++)
		r = go_group_spawn(&group, count_pieces, c);
	if (r < 0)
		go_group_cancel(&group);
	error = go_group_wait(&group);
	if (r < 0 || error < 0)
		return error < 0 ? error : r;
	go_chan_close(c->found);
	while (go_chan_recv(c->found, &n) == 0)
		sum += n;
	return sum;
}

static void *count_primes(void *unused)
{
	struct count c = {0};
	int r = go_chan_create(&c.pieces, sizeof(int), 0);

	(void)unused;
	if (r == 0)
		r = go_chan_create(&c.found, sizeof(int), GO_CHAN_UNBOUNDED);
	if (r == 0)
		r = count_with(&c);
	go_chan_destroy(c.found);
	go_chan_destroy(c.pieces);
	if (r >= 0)
		printf("%d primes below %d\n", r, LIMIT);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, count_primes, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "primes: %s\n", strerror(-r));
	return r < 0;
}
