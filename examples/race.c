/* SPDX-License-Identifier: MIT */
/*
 * A race: two ways to the same answer; the faster one counts, and the other one
 * is cancelled.
 *
 * Run it:    race
 * Expect:    mirror 1 answered 42
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

/* Stands for a request to a mirror that takes so long. */
static void *ask_mirror(void *takes_ns)
{
	int r = go_sleep(*(int64_t *)takes_ns);

	return GO_INT(r < 0 ? r : 42);
}

static void *ask_both(void *unused)
{
	int64_t slow = 3600 * GO_SECOND, fast = GO_MILLISECOND;
	go_fn *ways[] = {ask_mirror, ask_mirror};
	void *arguments[] = {&slow, &fast};
	void *answer;
	size_t winner;
	int r = go_race(2, ways, arguments, &winner, &answer);

	(void)unused;
	if (r == 0)
		printf("mirror %zu answered %d\n", winner, GO_TO_INT(answer));
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, ask_both, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "race: %s\n", strerror(-r));
	return r < 0;
}
