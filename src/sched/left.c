/* SPDX-License-Identifier: MIT */
/*
 * What a shutdown has left behind: tasks that are deaf to their cancellation,
 * or in a blocking call that does not return; or, when no task is left, threads
 * in which the program's own hooks and destructors run.
 *
 * Tasks are read as the dump reads them (dump.c), while they run.  All that
 * belongs to them stays: a runtime with tasks or threads cannot be destroyed.
 *
 * The program's fn is called with no lock held, and nothing of the walk is of
 * this thread or this runtime, so fn may call whatever its caller may, and
 * park.  If it forks, the child ends the walk: there is nobody left in its copy
 * of the runtime, and to look for threads takes locks that may be copied as
 * held.
 */
#include "sched/left.h"

#include <gofer/debug.h>

#include <unistd.h>

#include "arch/text.h"
#include "sched/dump.h"
#include "sched/worker.h"

struct teller {
	go_runtime *runtime;
	void (*fn)(const go_left *left, void *arg);
	void *arg;
	int count;
};

/* Returns whether to go on. */
static bool tell(struct teller *x, const go_left *left)
{
	x->count++;
	if (x->fn)
		x->fn(left, x->arg);
	return !x->runtime->dead;
}

static bool tell_task(struct go__task *t, void *arg)
{
	struct teller *x = arg;
	struct go__brief brief;
	struct go__text state;
	enum go__doing doing;

	go__text_init(&state, -1);
	doing = go__dump_doing(t, x->runtime, &brief, &state);
	if (doing == GO__NOT_THERE)
		return true;
	go__text_char(&state, '\0');
	return tell(x, &(go_left){
			       .runtime = x->runtime,
			       .task = brief.id,
			       .name = brief.named ? brief.name : NULL,
			       .site = brief.site,
			       .state = state.s,
			       .blocked = doing == GO__BLOCKED,
		       });
}

int go_runtime_left(go_runtime *rt, void (*fn)(const go_left *, void *),
		    void *arg)
{
	struct teller x = {rt, fn, arg, 0};
	unsigned threads = 0;

	if (!rt)
		return -EINVAL;
	if (!rt->dead)
		go__block_each(tell_task, &x);
	if (!rt->dead)
		threads = go__runtime_threads_left(rt);
	if (threads != 0)
		(void)tell(&x, &(go_left){.runtime = rt,
					  .threads = threads,
					  .state = "has not ended"});
	return rt->dead ? -ECHILD : x.count;
}

static void put_number(struct go__text *x, uint64_t n, const char *one,
		       const char *more)
{
	go__text_number(x, n, 10);
	go__text_put(x, n == 1 ? one : more);
}

static void put(struct go__text *x, const go_left *left)
{
	if (left->task == 0) {
		put_number(x, left->threads, " thread has not ended",
			   " threads have not ended");
		return;
	}
	go__text_put(x, "task ");
	go__text_number(x, left->task, 10);
	if (left->name) {
		go__text_put(x, " \"");
		go__text_put(x, left->name);
		go__text_put(x, "\"");
	}
	if (left->site) {
		go__text_put(x, " from ");
		go__text_put(x, left->site);
	}
	go__text_put(x, ": ");
	go__text_put(x, left->state);
}

void go_left_print(const go_left *left, void *unused)
{
	struct go__text x;

	(void)unused;
	if (!left)
		return;
	go__text_init(&x, STDERR_FILENO);
	go__text_put(&x, "gofer: left behind: ");
	put(&x, left);
	go__text_put(&x, "\n");
	(void)go__text_flush(&x);
}

/* ---- the line of a shutdown ---- */

struct summary {
	struct go__text text;
	unsigned tasks, blocked;
};

/* Describes the first one; the others are counted. */
static void add(const go_left *left, void *arg)
{
	struct summary *s = arg;

	s->tasks += left->task != 0;
	s->blocked += left->blocked;
	if (s->text.n == 0)
		put(&s->text, left);
}

static bool is_first(struct go_runtime *rt)
{
	bool first;

	go__lock_acquire(&rt->lock);
	first = !rt->told;
	rt->told = true;
	go__lock_release(&rt->lock);
	return first;
}

void go__left_tell(struct go_runtime *rt)
{
	struct summary s = {.tasks = 0};
	struct go__text x;

	if (rt->quiet || !is_first(rt))
		return;
	go__text_init(&s.text, -1);
	(void)go_runtime_left(rt, add, &s);
	if (s.text.n == 0)
		return; /* It has ended meanwhile. */
	go__text_char(&s.text, '\0');
	go__text_init(&x, STDERR_FILENO);
	go__text_put(&x, "gofer: the time of a shutdown is up: ");
	if (s.tasks != 0) {
		put_number(&x, s.tasks, " task is left", " tasks are left");
		if (s.blocked != 0) {
			go__text_put(&x, ", ");
			go__text_number(&x, s.blocked, 10);
			go__text_put(&x, " in a blocking call");
		}
		go__text_put(&x, s.tasks == 1 ? ": " : "; one is ");
	}
	go__text_put(&x, s.text.s);
	go__text_put(&x, "\n");
	(void)go__text_flush(&x);
}
