/* SPDX-License-Identifier: MIT */
/*
 * Flavours: the same program on worker threads, and on the thread that is there
 * already.
 *
 * Run it:    flavours
 * Expect:    current thread: 5050, all of it on the main thread
 *            multi thread: 5050, nothing of it on the main thread
 */
#include <gofer.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static pthread_t main_thread;
static atomic_int sum, on_main_thread;

static void *add(void *n)
{
	atomic_fetch_add(&sum, GO_TO_INT(n));
	if (pthread_equal(pthread_self(), main_thread))
		atomic_fetch_add(&on_main_thread, 1);
	return NULL;
}

static void *add_up(void *unused)
{
	GO_GROUP(group);
	int error, r = 0;

	(void)unused;
	for (int n = 1; n <= 100 && r == 0; n++)
		r = go_group_spawn(&group, add, GO_INT(n));
	error = go_group_wait(&group);
	return GO_INT(error ? error : r);
}

static int run(int flavour, const char *name)
{
	go_runtime_options options = {.flavour = flavour};
	void *result = NULL;
	int r;

	sum = on_main_thread = 0;
	r = go_run_with(&options, add_up, NULL, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r == 0)
		printf("%s: %d, %s of it on the main thread\n", name, sum,
		       on_main_thread == 100 ? "all"
		       : on_main_thread == 0 ? "nothing"
					     : "some");
	return r;
}

int main(void)
{
	int r;

	main_thread = pthread_self();
	r = run(GO_CURRENT_THREAD, "current thread");
	if (r == 0)
		r = run(GO_MULTI_THREAD, "multi thread");
	if (r < 0)
		fprintf(stderr, "flavours: %s\n", strerror(-r));
	return r < 0;
}
