/* SPDX-License-Identifier: MIT */
/*
 * A hog inside dlopen(), which has the dynamic linker's lock until its report
 * has been printed.  Where that takes the lock, it never ends: glibc has been
 * able to do without since 2.35, and says so by a macro.
 */
#include <gofer.h>

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "backtrace.h"
#include "support.h"

static void print_and_note(const go_stuck_report *r, void *arg)
{
	go_stuck_print(r, arg);
	on_stuck(r, arg);
}

static void hog_while_loading(void)
{
	while (atomic_load(&reports) < atomic_load(&enough))
		;
}

static void *serve(void *arg)
{
	return arg;
}

static void *load(void *arg)
{
	MAKE(go_spawn_options, o, .pinned = true);
	void *object;

	MUST(go_spawn_with(&o, serve, NULL) == 0);
	object = dlopen(LOADED_OBJECT, RTLD_NOW);
	MUST(object);
	dlclose(object);
	return arg;
}

static void *spawn_hog(void *arg)
{
	MAKE(go_spawn_options, o, .name = "hog");
	go_task task;

	o.task = &task;
	MUST(go_spawn_with(&o, load, NULL) == 0);
	MUST(go_task_join(task, &arg) == 0);
	return arg;
}

Test(backtrace_dlopen, is_printed_meanwhile, .timeout = 60)
{
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);
	char address[32];
	bool framed = false;

#ifndef DLFO_STRUCT_HAS_EH_DBASE
	return;
#endif
	if (!is_possible())
		return;
	o.on_stuck = print_and_note;
	atomic_store(&enough, 1);
	snprintf(address, sizeof(address), "%#llx",
		 (unsigned long long)(uintptr_t)hog_while_loading);
	cr_assert_eq(setenv("GOFER_TEST_LOADED", address, 1), 0);
	/* One that is not given the processor has no frames: once more. */
	for (int i = 0; i < 50 && !framed; i++) {
		run_once(&o, spawn_hog, NULL);
		cr_assert_eq(atomic_load(&reports), 1);
		framed = report[0].count != 0;
	}
	cr_assert(framed);
}
