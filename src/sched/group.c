/* SPDX-License-Identifier: MIT */
/* Groups of tasks; the protocol and its reasons are in group.h. */
#include "sched/group.h"

#include <string.h>

#include "arch/sys.h"
#include "sched/worker.h"

enum {
	MOST_ERRNO = 4095,
};

static struct go__group *inside(go_group *group)
{
	return (struct go__group *)(void *)group;
}

/* An error that a task's function has returned, or 0. */
static int error_of(const void *value)
{
	intptr_t r = (intptr_t)value;

	return r < 0 && r >= -MOST_ERRNO ? (int)r : 0;
}

int go_group_init(go_group *group, const go_group_options *options)
{
	static const go_group_options defaults;
	const go_group_options *o = options ? options : &defaults;
	int64_t deadline = go_deadline_current();
	struct go__group *g = inside(group);

	if (!group)
		return -EINVAL;
	memset(group, 0, sizeof(*group));
	if (memcmp(o->reserved, defaults.reserved, sizeof(o->reserved)) != 0 ||
	    o->deadline_ns < 0) {
		g->cancelled = true;
		return -EINVAL;
	}
	if (o->deadline_ns && o->deadline_ns < deadline)
		deadline = o->deadline_ns;
	g->deadline =
		deadline == GO_NEVER ? GO__NO_DEADLINE : (uint64_t)deadline;
	g->limit = o->limit;
	g->cancel_on_error = o->cancel_on_error;
	g->runtime = o->runtime;
	return 0;
}

/* ---- under the lock ---- */

static void append(struct go__link *list, struct go__link *link)
{
	if (!list->next)
		go__list_init(list);
	go__list_push_back(list, link);
}

/* A list that may not have been made yet. */
static void take_all(struct go__claimed *woken, struct go__link *list,
		     int result)
{
	if (list->next)
		go__claimed_take_all(woken, list, result);
}

/* A place is free: for a spawner that waits, else for anybody. */
static void give_back(struct go__group *g, struct go__claimed *woken)
{
	if (!g->cancelled && g->spawners.next &&
	    go__claimed_take_first(woken, &g->spawners, 0))
		return;
	if (--g->places == 0)
		take_all(woken, &g->waiters, 0);
}

static void cancel(struct go__group *g, struct go__claimed *woken)
{
	struct go__link *link = g->children.next;

	if (g->cancelled)
		return;
	g->cancelled = true;
	take_all(woken, &g->spawners, -ECANCELED);
	for (; link && link != &g->children; link = link->next) {
		struct go__task *t =
			go__container_of(link, struct go__task, link);
		uint64_t epoch;

		(void)go__task_word_cancel(&t->word,
					   go__task_word_id(&t->word));
		epoch = go__wait_word_peek(&t->waiter.word, false);
		if (epoch != 0 && go__wait_claim_epoch(&t->waiter, epoch))
			go__claimed_add(woken, &t->waiter, -ECANCELED);
	}
}

/* ---- children ---- */

void go__group_enter(struct go__group *g, struct go__task *t)
{
	t->deadline = g->deadline;
	go__lock_acquire(&g->lock);
	append(&g->children, &t->link);
	if (g->cancelled)
		(void)go__task_word_cancel(&t->word,
					   go__task_word_id(&t->word));
	go__lock_release(&g->lock);
}

void go__group_leave(struct go__task *t)
{
	struct go__group *g = t->group;
	int error = t->error ? t->error : error_of(t->start.arg);
	struct go__claimed woken;

	go__claimed_init(&woken);
	go__lock_acquire(&g->lock);
	go__list_remove(&t->link);
	if (error && !g->error)
		g->error = error;
	if (error && g->cancel_on_error)
		cancel(g, &woken);
	give_back(g, &woken);
	go__lock_release(&g->lock);
	go__claimed_deliver(&woken);
}

/* ---- waiting ---- */

/* Wait on one of the lists.  The lock is held, and released here. */
static int wait_on(struct go__group *g, struct go__link *list,
		   struct go__waiter *w, uint64_t deadline, unsigned kind)
{
	struct go__wait_node node;
	int r;

	go__wait_begin(w, deadline, kind, g);
	go__wait_node_init(&node, w);
	append(list, &node.link);
	go__lock_release(&g->lock);
	r = go__wait(w);
	if (r < 0)
		go__wait_unlink(&node, &g->lock);
	return r;
}

/* Take a place for a child; waits while there is none. */
static int take_place(struct go__group *g)
{
	struct go__waiter *w = NULL;
	int r = 0;

	if (g->limit)
		r = go__wait_enter(&w);
	if (r < 0)
		return r;
	go__lock_acquire(&g->lock);
	if (!g->cancelled && g->limit && g->places >= g->limit)
		return wait_on(g, &g->spawners, w, GO__NO_DEADLINE,
			       GO__WAIT_GROUP);
	if (g->cancelled)
		r = -ECANCELED;
	else
		g->places++;
	go__lock_release(&g->lock);
	return r;
}

static void return_place(struct go__group *g)
{
	struct go__claimed woken;

	go__claimed_init(&woken);
	go__lock_acquire(&g->lock);
	give_back(g, &woken);
	go__lock_release(&g->lock);
	go__claimed_deliver(&woken);
}

int go__group_spawn(const go_spawn_options *o, const struct go__start *start)
{
	struct go__group *g = inside(o->group);
	struct go_runtime *rt = o->runtime ? o->runtime : g->runtime;
	struct go__worker *self;
	int r;

	if (!start->fn || o->task)
		return -EINVAL;
	if (!rt)
		rt = go__runtime_self();
	if (!rt)
		return -ESRCH;
	r = take_place(g);
	if (r < 0)
		return r;
	self = go__worker_self(); /* Read after the wait. */
	r = go__spawn(rt, self, o, start, NULL);
	if (r < 0)
		return_place(g);
	return r;
}

int go_group_spawn_at(go_group *group, go_fn *fn, void *arg, const char *site)
{
	const go_spawn_options o = {.group = group};

	if (!group)
		return -EINVAL;
	return go__group_spawn(&o, &(struct go__start){fn, arg, site, NULL});
}

static int wait_for_none(struct go__group *g, struct go__waiter *w, bool deaf)
{
	go__lock_acquire(&g->lock);
	if (g->places != 0)
		return wait_on(g, &g->waiters, w,
			       deaf ? GO__NO_DEADLINE : g->deadline,
			       deaf ? GO__WAIT_GROUP | GO__WAIT_IS_DEAF
				    : GO__WAIT_GROUP);
	go__lock_release(&g->lock);
	return 0;
}

static bool is_child(const struct go__group *g)
{
	struct go__task *t = go__task_inside();

	return t && t->group == g;
}

/* Cancel it.  Returns the first error so far: what children end with from here
 * on is our doing. */
static int give_up(struct go__group *g)
{
	struct go__claimed woken;
	int error;

	go__claimed_init(&woken);
	go__lock_acquire(&g->lock);
	error = g->error;
	cancel(g, &woken);
	go__lock_release(&g->lock);
	go__claimed_deliver(&woken);
	return error;
}

int go_group_cancel(go_group *group)
{
	if (!group)
		return -EINVAL;
	(void)give_up(inside(group));
	return 0;
}

int go_group_wait(go_group *group)
{
	struct go__group *g = inside(group);
	struct go__waiter *w = go__waiter_self();
	int r, error;

	if (!group)
		return -EINVAL;
	if (!w)
		return -ENOMEM;
	if (is_child(g))
		return -EDEADLK;
	r = go__wait_check(w);
	if (r == 0)
		r = wait_for_none(g, w, false);
	if (r < 0) {
		error = give_up(g);
		(void)wait_for_none(g, w, true);
		return r == -EDEADLK || !error ? r : error;
	}
	go__lock_acquire(&g->lock);
	error = g->error;
	go__lock_release(&g->lock);
	return error;
}

void go_group_end(go_group *group)
{
	struct go__group *g = inside(group);
	struct go__waiter *w;
	uint32_t nothing = 0;

	if (!group)
		return;
	(void)go_group_cancel(group);
	/* A plain thread without memory may not leave them behind, either. */
	while (!(w = go__waiter_self()))
		(void)go__sys_futex_wait((_Atomic uint32_t *)&nothing, 0,
					 go__sys_now() + 1000000);
	(void)wait_for_none(g, w, true);
}

/* ---- for several tasks ---- */

int go_join_all(const go_task *tasks, size_t n, void **results)
{
	int first = 0;

	if (!tasks && n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		void *value = NULL;
		int r = go_task_join(tasks[i], &value);

		if (results)
			results[i] = value;
		if (r < 0 && first == 0)
			first = r;
		if (go__wait_deserted(r))
			return first;
	}
	return first;
}

struct race {
	go_group group;
	_Atomic size_t winner; /* Index + 1; 0: none yet. */
	void *result;          /* The winner's; read after the wait. */
};

struct entrant {
	struct race *race;
	go_fn *fn;
	void *arg;
	size_t number;
};

static void *run_entrant(void *arg)
{
	const struct entrant *e = arg;
	void *value = e->fn(e->arg);
	size_t none = 0;

	if (error_of(value))
		return value;
	/* relaxed, both: one of them wins; the group's lock carries what it
	 * has written to the end of the wait. */
	if (atomic_compare_exchange_strong_explicit(
		    &e->race->winner, &none, e->number + 1,
		    memory_order_relaxed, memory_order_relaxed)) {
		e->race->result = value;
		(void)go_group_cancel(&e->race->group);
	}
	return NULL;
}

/* Start all, and wait; the first error of a spawn or an entrant. */
static int run_race(struct race *race, struct entrant *e, size_t n,
		    const char *site)
{
	int r = 0, error;

	for (size_t i = 0; i < n && r == 0; i++)
		r = go_group_spawn_at(&race->group, run_entrant, &e[i], site);
	/* If somebody has won already, the rest need not start. */
	if (r < 0)
		(void)go_group_cancel(&race->group);
	error = go_group_wait(&race->group);
	return r < 0 ? r : error;
}

int go_race_at(size_t n, go_fn *const *fn, void *const *arg, size_t *winner,
	       void **result, const char *site)
{
	struct race race = {.result = NULL};
	struct entrant *e;
	size_t won;
	int r;

	if (n == 0 || !fn)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!fn[i])
			return -EINVAL;
	e = go__sys_calloc(n, sizeof(*e));
	if (!e)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		e[i] = (struct entrant){&race, fn[i], arg ? arg[i] : NULL, i};
	(void)go_group_init(&race.group, NULL);
	r = run_race(&race, e, n, site);
	go__sys_free(e);
	/* relaxed: all have ended. */
	won = atomic_load_explicit(&race.winner, memory_order_relaxed);
	if (won == 0)
		return r;
	if (winner)
		*winner = won - 1;
	if (result)
		*result = race.result;
	return 0;
}
