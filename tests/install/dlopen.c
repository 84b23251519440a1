/* SPDX-License-Identifier: MIT */
/*
 * A program without gofer loads libgofer.so while it runs: tasks run on threads
 * that were there before and on new ones, and after dlclose() the library is
 * still there, because its signal handlers and its threads' ends are in it.
 *
 *     dlopen LIBRARY
 */
#include <gofer.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREADS = 8,
	TASKS = 100,
	OPENED = 3,
	SKIPPED = 77
};

/* The API as this program gets it: by name. */
static int (*run)(go_fn *, void *, const char *);
static int (*spawn)(go_task *, go_fn *, void *, const char *);
static int (*join)(go_task, void **);
static int (*yield)(void);
static pthread_barrier_t loaded;

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "dlopen: %s\n", what);
	exit(1);
}

static void find(void *library, const char *name, void *pointer)
{
	void *symbol = dlsym(library, name);

	check(symbol != NULL, name);
	memcpy(pointer, &symbol, sizeof(symbol));
}

static void *work(void *arg)
{
	check(yield() == 0, "a task cannot yield");
	return arg;
}

static void *work_all(void *arg)
{
	go_task task[TASKS];
	int *sum = arg;
	void *result;

	for (int i = 0; i < TASKS; i++)
		check(spawn(&task[i], work, GO_INT(i), NULL) == 0, "spawn");
	for (int i = 0; i < TASKS; i++) {
		check(join(task[i], &result) == 0, "join");
		*sum += GO_TO_INT(result);
	}
	return NULL;
}

static void run_all(void)
{
	int sum = 0;

	check(run(work_all, &sum, NULL) == 0, "no runtime");
	check(sum == TASKS * (TASKS - 1) / 2, "tasks are missing");
}

static void *early(void *unused)
{
	pthread_barrier_wait(&loaded);
	run_all();
	return unused;
}

static void *late(void *unused)
{
	run_all();
	return unused;
}

static void start(pthread_t *thread, void *(*fn)(void *))
{
	for (int i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, fn, NULL) == 0,
		      "no thread");
}

static void wait_for(pthread_t *thread)
{
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0, "no end");
}

static void *load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

#if defined(__linux__) && !defined(__GLIBC__)
	if (!library) {
		printf("skipped: no room for thread-local data: %s\n",
		       dlerror());
		exit(SKIPPED);
	}
#endif
	check(library != NULL, "the library cannot be loaded");
	find(library, "go_run_at", &run);
	find(library, "go_task_spawn_at", &spawn);
	find(library, "go_task_join", &join);
	find(library, "go_yield", &yield);
	return library;
}

int main(int argc, char **argv)
{
	pthread_t old[THREADS];
	pthread_t new[THREADS];

	check(argc == 2, "one argument, please");
	check(pthread_barrier_init(&loaded, NULL, THREADS + 1) == 0, "barrier");
	start(old, early);
	for (int i = 0; i < OPENED; i++) {
		void *library = load(argv[1]);
		void *again;

		if (i == 0)
			pthread_barrier_wait(&loaded);
		start(new, late);
		wait_for(new);
		run_all();
		if (i == 0)
			wait_for(old);
		check(dlclose(library) == 0, "it cannot be closed");
		again = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
		check(again != NULL, "it has gone, with its handlers");
		check(dlclose(again) == 0, "it cannot be closed again");
	}
	printf("loaded %d times, by %d threads\n", OPENED, 2 * THREADS + 1);
	return 0;
}
