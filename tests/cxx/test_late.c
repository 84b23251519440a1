/* SPDX-License-Identifier: MIT */
/*
 * A C program whose tasks run already when it loads C++, which then throws and
 * parks in them: late.cc.
 */
#include <dlfcn.h>
#include <errno.h>

#include "everywhere.h"

static go_fn *late_task;
static int (*late_begin)(int (*attach)(void *(*globals)(void)));
static void *(*globals_seen)(void);

static void *load(void *unused)
{
	void *library = dlopen(LATE, RTLD_NOW | RTLD_LOCAL);

	(void)unused;
	MUST(library);
	*(void **)&late_task = dlsym(library, "late_task");
	*(void **)&late_begin = dlsym(library, "late_begin");
	MUST(late_task && late_begin);
	return NULL;
}

static int look(void *(*globals)(void))
{
	globals_seen = globals;
	return 0;
}

/* The same library's by another name, and another library's. */
static void *the_same(void)
{
	return globals_seen();
}

static void *another(void)
{
	return &globals_seen;
}

/* Keep the workers busy, so that they never look around. */
static void *turns(void *arg)
{
	while (!go_cancelled())
		go_yield();
	return arg;
}

static void *load_late(void *unused)
{
	static go_task task[40];
	go_task busy[4];
	void *wrong;

	for (int i = 0; i < 4; i++)
		MUST(go_task_spawn(&busy[i], turns, NULL) == 0);
	/* There is nothing to be helped by yet. */
	MUST(dlsym(RTLD_DEFAULT, "__cxa_get_globals") == NULL);
	MUST(go_blocking(load, unused, &wrong) == 0);
	if (wrong)
		return wrong;
	MUST(go_cxx_attach(NULL) == -EINVAL);
	MUST(late_begin(look) == 0);
	MUST(late_begin(NULL) == 0);
	for (int i = 0; i < 40; i++)
		MUST(go_task_spawn(&task[i], late_task, GO_INT(100 * i)) == 0);
	for (int i = 0; i < 40; i++) {
		MUST(go_task_join(task[i], &wrong) == 0);
		if (wrong)
			return wrong;
	}
	MUST(go_cxx_attach(the_same) == 0);
	MUST(go_cxx_attach(another) == -EBUSY);
	for (int i = 0; i < 4; i++) {
		MUST(go_task_cancel(busy[i]) == 0);
		MUST(go_task_join(busy[i], NULL) == 0);
	}
	return NULL;
}

Test(late, many_workers, .timeout = 60)
{
	run_in(GO_MULTI_THREAD, 4, load_late, NULL);
}

Test(late, current_thread, .timeout = 60)
{
	run_in(GO_CURRENT_THREAD, 0, load_late, NULL);
}
