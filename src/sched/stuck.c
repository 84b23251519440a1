/* SPDX-License-Identifier: MIT */
/*
 * Reports of tasks that keep their worker for too long.
 *
 * The task runs while it is described, and may end at any moment.  Its block
 * can be read all the same, as the dump does it (dump.c has the reasons); and
 * if the worker has made no pick meanwhile, what was read is of the task that
 * ran.
 *
 * Each site is reported once per runtime.  Sites are literals, so that they
 * are told apart by their addresses; when the list is full no more are
 * reported, since a program with that many has been told.
 *
 * Where it is its own thread can say, by a signal: backtrace.c.
 */
#include "sched/stuck.h"

#include <gofer/debug.h>

#include <unistd.h>

#include "arch/text.h"
#include "arch/unwind.h"
#include "sched/backtrace.h"
#include "sched/dump.h"
#include "sched/local.h"

/* Has this site been reported, or can it not be?  Else remember it. */
static bool is_known(struct go_runtime *rt, const char *site)
{
	for (unsigned i = 0; i < rt->stuck_sites; i++)
		if (rt->stuck_site[i] == site)
			return true;
	if (rt->stuck_sites == GO__STUCK_SITES)
		return true;
	rt->stuck_site[rt->stuck_sites++] = site;
	return false;
}

bool go__stuck_report(struct go__worker *w, uint64_t ran_ns)
{
	struct go_runtime *rt = w->runtime;
	/* relaxed: a block can be read whatever it holds now. */
	struct go__task *t =
		atomic_load_explicit(&w->current, memory_order_relaxed);
	struct go__brief brief;
	go_stuck_report r;
	unsigned n = 0;

	if (!t || !go__dump_brief(t, rt, &brief) ||
	    go__picks(w) != w->watched.picks || is_known(rt, brief.site))
		return false;
	if (rt->backtrace.signal)
		n = go__backtrace_ask(
			&(struct go__hog){w, t, w->watched.picks});
	r = (go_stuck_report){
		.runtime = rt,
		.task = brief.id,
		.name = brief.named ? brief.name : NULL,
		.site = brief.site,
		.ran_ns = (int64_t)ran_ns,
		.frames = n ? rt->backtrace.question.frame : NULL,
		.frame_count = n,
	};
	rt->on_stuck(&r, rt->on_stuck_arg);
	go__exit_if_forked(rt);
	return rt->backtrace.signal != 0;
}

void go_stuck_print(const go_stuck_report *r, void *unused)
{
	struct go__text x;

	(void)unused;
	if (!r)
		return;
	go__text_init(&x, STDERR_FILENO);
	go__text_put(&x, "gofer: task ");
	go__text_number(&x, r->task, 10);
	if (r->name) {
		go__text_put(&x, " \"");
		go__text_put(&x, r->name);
		go__text_put(&x, "\"");
	}
	if (r->site) {
		go__text_put(&x, " from ");
		go__text_put(&x, r->site);
	}
	go__text_put(&x, " has kept its worker for ");
	go__text_number(&x, (uint64_t)r->ran_ns / 1000000, 10);
	go__text_put(&x, " ms while others wait\n");
	(void)go__text_flush(&x);
	if (r->frames && r->frame_count)
		go__unwind_print(STDERR_FILENO, r->frames, r->frame_count);
}
