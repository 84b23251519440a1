/* SPDX-License-Identifier: MIT */
/*
 * Tasks: start one, go on, and take what it returns.
 *
 * Half of a sum is added up by a task of its own, which another worker may run,
 * the other half by the task that started it.
 *
 * Run it:    tasks
 * Expect:    5050
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

struct range {
	int from, to;
};

static void *add_up(void *arg)
{
	const struct range *range = arg;
	int sum = 0;

	for (int i = range->from; i <= range->to; i++)
		sum += i;
	return GO_INT(sum);
}

static void *add_both(void *unused)
{
	struct range low = {1, 50}, high = {51, 100};
	int mine, r;
	go_task t;
	void *sum;

	(void)unused;
	r = go_task_spawn(&t, add_up, &low);
	if (r < 0)
		return GO_INT(r);
	mine = GO_TO_INT(add_up(&high));
	r = go_task_join(t, &sum);
	if (r == 0)
		printf("%d\n", mine + GO_TO_INT(sum));
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, add_both, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "tasks: %s\n", strerror(-r));
	return r < 0;
}
