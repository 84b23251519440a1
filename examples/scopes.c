/* SPDX-License-Identifier: MIT */
/*
 * Scopes that are no blocks: a deadline that one function begins and another
 * one ends, and what is left of it for a call that takes a time-out of its own.
 *
 * A transfer has a budget from its first call to its last one, however many
 * functions and objects lie in between.  Its last words are shielded, since
 * they are said when the budget is used up.  GO_TIMEOUT() and GO_SHIELD() are
 * the same for a block (examples/deadlines.c, examples/cancel.c).
 *
 * Run it:    scopes
 * Expect:    it may still wait: yes
 *            a foreign call has waited within it
 *            no answer: Connection timed out
 *            peer: told why
 *            it may still wait: for ever
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct transfer {
	int fd;
	go_deadline budget;
};

static void say_what_is_left(void)
{
	int64_t until = go_deadline_current();

	if (until == GO_NEVER)
		printf("it may still wait: for ever\n");
	else
		printf("it may still wait: %s\n",
		       until > go_now() ? "yes" : "no");
}

/* The deadline stays in force until the transfer ends. */
static int begin(struct transfer *t, int fd, int64_t budget_ns)
{
	t->fd = fd;
	return go_timeout_begin(&t->budget, budget_ns);
}

/* One part of it has a limit of its own, by the clock. */
static int wait_for_answer(const struct transfer *t, int64_t until_ns)
{
	go_deadline part;
	char answer;
	ssize_t n;
	int r = go_deadline_begin(&part, until_ns);

	if (r < 0)
		return r;
	n = go_read(t->fd, &answer, 1);
	go_deadline_end(&part);
	return (int)n;
}

/* poll() and its like know nothing of scopes, and want milliseconds. */
static int wait_elsewhere(const struct transfer *t, int most_ms)
{
	struct pollfd entry = {.fd = t->fd, .events = POLLIN};
	int64_t left_ns = go_deadline_current() - go_now();
	int64_t left_ms = left_ns > 0 ? left_ns / GO_MILLISECOND : 0;

	return go_poll(&entry, 1, left_ms < most_ms ? (int)left_ms : most_ms);
}

static int end(struct transfer *t)
{
	go_shield shield;
	int r = go_shield_begin(&shield);

	if (r == 0) {
		r = go_write_all(t->fd, "told why", 8, NULL);
		go_shield_end(&shield);
	}
	go_deadline_end(&t->budget);
	return r;
}

static int use(int fd)
{
	struct transfer t;
	int r = begin(&t, fd, 60 * GO_SECOND), error;

	if (r < 0)
		return r;
	say_what_is_left();
	r = wait_elsewhere(&t, 5);
	if (r == 0)
		printf("a foreign call has waited within it\n");
	if (r == 0)
		r = wait_for_answer(&t, go_now() + 5 * GO_MILLISECOND);
	if (r == -ETIMEDOUT) {
		printf("no answer: %s\n", strerror(-r));
		r = 0;
	}
	error = end(&t);
	return r < 0 ? r : error;
}

static void *start(void *unused)
{
	char told[8];
	int pair[2];
	int r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);

	(void)unused;
	if (r < 0)
		return GO_INT(r);
	r = use(pair[0]);
	if (r == 0)
		r = go_read_full(pair[1], told, sizeof told, NULL);
	if (r == 0) {
		printf("peer: %.8s\n", told);
		say_what_is_left();
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
		fprintf(stderr, "scopes: %s\n", strerror(-r));
	return r < 0;
}
