/* SPDX-License-Identifier: MIT */
/*
 * Waiting for two things, one after the other and side by side: the sum of the
 * times, and the longer one of them.
 *
 * Run it:    together
 * Expect:    apart: alice has 2 orders, in no less than 500 ms
 *            together: alice has 2 orders, and that was faster
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void *fetch_user(void *unused)
{
	(void)unused;
	return go_sleep(200 * GO_MILLISECOND) == 0 ? "alice" : NULL;
}

static void *fetch_orders(void *unused)
{
	(void)unused;
	return go_sleep(300 * GO_MILLISECOND) == 0 ? GO_INT(2) : NULL;
}

static void report(const char *how, void *const *got, const char *verdict)
{
	printf("%s: %s has %d orders, %s\n", how, (char *)got[0],
	       GO_TO_INT(got[1]), verdict);
}

static void *fetch_both(void *unused)
{
	int64_t start = go_now(), apart;
	void *got[2];
	go_task both[2];
	int r;

	(void)unused;
	got[0] = fetch_user(NULL);
	got[1] = fetch_orders(NULL);
	apart = go_now() - start;
	if (!got[0] || !got[1])
		return GO_INT(-ECANCELED);
	report("apart", got,
	       apart >= 500 * GO_MILLISECOND ? "in no less than 500 ms"
					     : "too soon");
	start = go_now();
	r = go_task_spawn(&both[0], fetch_user, NULL);
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&both[1], fetch_orders, NULL);
	if (r < 0) {
		go_task_detach(both[0]);
		return GO_INT(r);
	}
	r = go_join_all(both, 2, got);
	if (r == 0)
		report("together", got,
		       go_now() - start < apart ? "and that was faster"
						: "and that took long");
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, fetch_both, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "together: %s\n", strerror(-r));
	return r < 0;
}
