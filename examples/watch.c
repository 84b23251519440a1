/* SPDX-License-Identifier: MIT */
/*
 * Watched values: a task that follows a setting, and sees the latest one; and
 * who only looks, at what holds now and whether it has changed since.
 *
 * Run it:    watch
 * Expect:    it is 10, and has not changed
 *            it has become 30
 *            limit 30
 */
#include <gofer.h>

#include <errno.h>
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

/* Never waits, and works also when it is closed. */
static int look(uint64_t *seen)
{
	struct setting now;
	int r = go_watch_get(&setting, &now, seen);

	if (r == 0 && go_watch_try(&setting, &now, seen) == -EAGAIN)
		printf("it is %d, and has not changed\n", now.limit);
	return r;
}

static int look_again(uint64_t *seen)
{
	struct setting now;
	int r = go_watch_try(&setting, &now, seen);

	if (r == 0)
		printf("it has become %d\n", now.limit);
	return r;
}

static void *change(void *unused)
{
	go_task follower;
	uint64_t seen;
	int r = look(&seen);

	(void)unused;
	if (r < 0)
		return GO_INT(r);
	for (int limit = 20; limit <= 30; limit += 10) {
		struct setting next = {.limit = limit};

		go_watch_send(&setting, &next);
	}
	r = look_again(&seen);
	go_watch_close(&setting);
	if (r == 0)
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
