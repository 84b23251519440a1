/* SPDX-License-Identifier: MIT */
/* Runtimes whose hogs are asked for backtraces, and what they have told. */
#ifndef GO_TEST_BACKTRACE_H
#define GO_TEST_BACKTRACE_H

#include <gofer.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "both.h"
#include "everywhere.h"

enum {
	ASK = SIGUSR2,
	FRAMES_MOST = 64,
	REPORTS_MOST = 8,
};

struct report {
	unsigned count;
	void *frame[FRAMES_MOST];
};

static struct report report[REPORTS_MOST];
static ATOMIC(int) reports;

static void on_stuck(const go_stuck_report *r, void *unused)
{
	struct report *to = &report[atomic_load(&reports) % REPORTS_MOST];

	(void)unused;
	if (!r->name || strcmp(r->name, "hog") != 0)
		return; /* One that was not given the processor. */
	to->count = r->frame_count;
	for (unsigned i = 0; i < r->frame_count; i++)
		to->frame[i] = r->frames[i];
	if ((r->frame_count == 0) != (r->frames == NULL))
		to->count = FRAMES_MOST; /* Wrong in each test. */
	atomic_fetch_add(&reports, 1);
}

/* Tasks that hogs have kept; how many reports a hog waits for. */
static ATOMIC(int) served, enough;

static inline void run_once(const go_runtime_options *o, go_fn *fn, void *arg)
{
	void *result = NULL;

	atomic_store(&reports, 0);
	atomic_store(&served, 0);
	cr_assert_eq(go_run_with(o, fn, arg, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

static inline go_runtime_options asking(int flavour, unsigned workers)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = workers,
	     .on_stuck = on_stuck, .backtrace_signal = ASK);

	return o;
}

/* Where the unwinder does not link that is said, and nothing else happens. */
static inline bool is_possible(void)
{
#ifdef GO_NO_UNWIND
	go_runtime_options o = asking(GO_MULTI_THREAD, 1);
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &o), -ENOTSUP);
	cr_assert_eq(setenv("GOFER_BACKTRACE_SIGNAL", "10", 1), 0);
	cr_assert_eq(go_runtime_create(&rt, NULL), 0);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	return false;
#else
	return true;
#endif
}

#endif
