/* SPDX-License-Identifier: MIT */
/*
 * Watched values: a task that follows a setting, and sees the latest one.
 *
 * Run it:    watch
 * Expect:    limit 30
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

struct setting {
	int limit;
};

static struct setting first = {.limit = 10};
static go_watch setting = GO_WATCH_INIT(&first, sizeof first);

static void *follow(void *unused)
{
	struct setting now;
	uint64_t seen = 0;

	(void)unused;
	while (go_watch_wait(&setting, &now, &seen) == 0)
		printf("limit %d\n", now.limit);
	return NULL; /* closed */
}

static void *change(void *unused)
{
	go_task follower;
	int r;

	(void)unused;
	for (int limit = 20; limit <= 30; limit += 10) {
		struct setting next = {.limit = limit};

		go_watch_send(&setting, &next);
	}
	go_watch_close(&setting);
	r = go_task_spawn(&follower, follow, NULL);
	if (r == 0)
		r = go_task_join(follower, NULL);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, change, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "watch: %s\n", strerror(-r));
	return r < 0;
}
