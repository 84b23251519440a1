/* SPDX-License-Identifier: MIT */
/*
 * Groups: several tasks side by side, the first error ends them all, and none
 * is left behind.
 *
 * Run it:    groups
 * Expect:    three pages: Success
 *            a dead server among them: Connection refused
 *            given up: 2
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct page {
	int64_t takes_ns;
	int result; /* What fetching it comes to. */
};

/* Stands for a request over the network. */
static void *fetch(void *arg)
{
	struct page *page = arg;
	int r = go_sleep(page->takes_ns);

	if (r < 0)
		page->result = r;
	return GO_INT(page->result);
}

static int fetch_all(struct page *pages, int n)
{
	go_group_options options = {.cancel_on_error = true};
	GO_GROUP_WITH(group, &options);
	int r = 0, error;

	for (int i = 0; i < n && r == 0; i++)
		r = go_group_spawn(&group, fetch, &pages[i]);
	error = go_group_wait(&group);
	return error ? error : r;
}

static void *start(void *unused)
{
	struct page good[] = {
		{2 * GO_MILLISECOND, 0},
		{1 * GO_MILLISECOND, 0},
		{3 * GO_MILLISECOND, 0},
	};
	struct page bad[] = {
		{3600 * GO_SECOND, 0},
		{3600 * GO_SECOND, 0},
		{1 * GO_MILLISECOND, -ECONNREFUSED},
	};
	int given_up = 0;

	(void)unused;
	printf("three pages: %s\n", strerror(-fetch_all(good, 3)));
	printf("a dead server among them: %s\n", strerror(-fetch_all(bad, 3)));
	for (int i = 0; i < 3; i++)
		given_up += bad[i].result == -ECANCELED;
	printf("given up: %d\n", given_up);
	return NULL;
}

int main(void)
{
	int r = go_run(start, NULL);

	if (r < 0)
		fprintf(stderr, "groups: %s\n", strerror(-r));
	return r < 0;
}
