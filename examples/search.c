/* SPDX-License-Identifier: MIT */
/*
 * A task that computes, and never waits: it lets others run now and then, and
 * looks whether it has been cancelled.
 *
 * It is spawned without a handle, and tells by itself who it is.
 *
 * Run it:    search
 * Expect:    the search has begun
 *            given up, and no odd perfect number found
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

static go_task searcher; /* Before it is announced, and not changed then. */
static go_event announced = GO_EVENT_INIT;
static go_wait_group searching = GO_WAIT_GROUP_INIT;

static bool perfect(long n)
{
	long sum = 1;

	for (long i = 2; i * i <= n; i++)
		if (n % i == 0)
			sum += i + (i * i < n ? n / i : 0);
	return sum == n;
}

static void *search(void *unused)
{
	searcher = go_task_self();
	go_event_set(&announced);
	for (long n = 3; !go_cancelled(); n += 2) {
		if (perfect(n))
			printf("%ld!\n", n);
		go_yield(); /* or nobody else might run on this thread */
	}
	go_wait_group_done(&searching);
	return unused;
}

static int search_for(int64_t ns)
{
	int r = go_wait_group_add(&searching, 1);

	if (r == 0)
		r = go_spawn(search, NULL);
	if (r == 0)
		r = go_event_wait(&announced);
	if (r < 0)
		return r;
	printf("the search has begun\n");
	r = go_sleep(ns);
	go_task_cancel(searcher);
	return r < 0 ? r : go_wait_group_wait(&searching);
}

static void *start(void *unused)
{
	int r = search_for(20 * GO_MILLISECOND);

	(void)unused;
	if (r == 0)
		printf("given up, and no odd perfect number found\n");
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "search: %s\n", strerror(-r));
	return r < 0;
}
