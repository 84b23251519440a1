/* SPDX-License-Identifier: MIT */
/*
 * Threads of a model: who moves, who waits, when a run is over.
 *
 * A thread stops before each operation, decides on the spot who goes next,
 * and leaves to the loop in run_once() only if that is another one.  So the
 * choice is made when every thread's next operation is known.
 */
#include "engine.h"
#include "model_lock.h"

#include <string.h>
#include <time.h>

#define E model_engine

enum {
	FRESH_LIMIT = 4
};

struct engine model_engine;

static bool starting; /* Threads run up to their first operation. */

uint64_t model_mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	sum = (sum ^ sum >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	sum = (sum ^ sum >> 27) * UINT64_C(0x94d049bb133111eb);
	return sum ^ sum >> 31;
}

void model_history(uint64_t word)
{
	struct thread *t = &E.thread[E.running];

	t->history = model_mix(t->history, word);
}

/* ---- Whose turn ---------------------------------------------------------- */

static bool can_move(const struct thread *t)
{
	switch (t->state) {
	case READY:
		return true;
	case LOCKING:
		return model_latest(t->waits_for) == 0;
	case PARKED:
		return t->woken || t->timed;
	case YIELDED:
	case STUCK:
	case HELD:
	case ENDED:
		break;
	}
	return false;
}

/* A store: whoever has yielded after a look at that location may look again. */
void model_changed(unsigned location)
{
	for (unsigned i = 1; i < E.threads; i++) {
		struct thread *t = &E.thread[i];

		if (!(t->looked >> location & 1))
			continue;
		t->fresh = 0;
		if (i != E.running &&
		    (t->state == YIELDED || t->state == STUCK)) {
			t->state = READY;
			t->looked = 0;
		}
	}
}

/* Nobody can move but for those who yielded: let them see all stores. */
static bool show_all(void)
{
	bool any = false;

	for (unsigned i = 1; i < E.threads; i++) {
		struct thread *t = &E.thread[i];

		if (t->state != YIELDED)
			continue;
		model_memory_show_all(t);
		t->history = model_mix(t->history, OP_YIELD);
		t->state = READY;
		t->looked = 0;
		t->fresh++;
		any = true;
	}
	return any;
}

static uint64_t state_sum(bool bounded)
{
	uint64_t sum = model_memory_sum() + E.spurious;

	for (unsigned i = 1; i < E.threads; i++) {
		const struct thread *t = &E.thread[i];
		uint64_t flags = (uint64_t)t->state | (uint64_t)t->woken << 8 |
				 (uint64_t)t->timed << 9 |
				 (uint64_t)t->fresh << 16;

		sum += model_mix(model_mix(t->history, i), flags);
	}
	/* Whose turn it is matters if leaving it costs a preemption. */
	if (bounded && E.thread[E.running].state != PARKED &&
	    can_move(&E.thread[E.running]))
		sum = model_mix(sum, E.running);
	return sum;
}

/* Nobody can move any more.  Is that the end, or a failure? */
static void stopped(void)
{
	enum model_failure why = MODEL_PASSED;
	bool working = false;

	for (unsigned i = 1; i < E.threads; i++) {
		const struct thread *t = &E.thread[i];

		if (t->state == ENDED || t->state == HELD)
			continue;
		if (t->state == PARKED && E.model->thread[i - 1].daemon)
			continue;
		working = true;
		if (t->state == STUCK)
			why = MODEL_LIVELOCK;
	}
	E.concurrent = false;
	if (!working)
		return;
	E.over = true;
	E.failure = why ? why : MODEL_DEADLOCK;
	E.failed_text = why ? "threads spin, and nothing changes"
			    : "threads wait, and nobody will wake them";
}

/* Choose who goes next; 0 if the threads' part of the run is over. */
static unsigned pick(void)
{
	const struct thread *running = &E.thread[E.running];
	bool bounded = E.budget < MODEL_UNBOUNDED,
	     stay = running->state != PARKED && can_move(running);
	unsigned set[THREADS], n = 0, chosen;

	if (E.running && stay)
		set[n++] = E.running;
	if (n == 0 || E.budget > 0)
		for (unsigned i = 1; i < E.threads; i++)
			if ((i != E.running || !stay) && can_move(&E.thread[i]))
				set[n++] = i;
	if (n == 0 && show_all())
		return pick();
	if (n == 0) {
		stopped();
		return 0;
	}
	if (model_path_is_new() &&
	    model_state_known(state_sum(bounded), E.budget)) {
		E.over = true;
		E.result.pruned++;
		return 0;
	}
	chosen = set[model_path_choose(n)];
	if (bounded && E.running && stay && chosen != E.running)
		E.budget--;
	return chosen;
}

/* Stop here until it is the calling thread's turn. */
static void schedule(void)
{
	unsigned me = E.running;

	if (!starting) {
		E.next = pick();
		if (E.next == me)
			return;
	}
	model_fiber_leave(me);
}

/* ---- Steps and failures -------------------------------------------------- */

void model_abandon(void)
{
	E.over = true;
	for (;;)
		model_fiber_leave(E.running);
}

void model_fail(enum model_failure failure, const char *text, const char *file,
		int line)
{
	E.failure = failure;
	E.failed_text = text;
	E.failed_file = file;
	E.failed_line = line;
	model_abandon();
}

struct step *model_log(enum op op, MODEL_SITE_ARGS)
{
	struct step *s = &E.step[E.steps];

	if (E.steps >= E.limit)
		model_fail(MODEL_LIVELOCK, "the run does not end", file, line);
	E.steps++;
	E.result.steps++;
	memset(s, 0, sizeof(*s));
	s->thread = (uint8_t)E.running;
	s->op = (uint8_t)op;
	s->file = file;
	s->line = line;
	s->text = text;
	return s;
}

/* Wait for the turn, then begin an operation. */
struct step *model_step(enum op op, struct location *l, memory_order order,
			MODEL_SITE_ARGS)
{
	struct thread *t = &E.thread[E.running];
	struct step *s;

	if (E.concurrent &&
	    (!l || model_share_note(l->share, op != OP_LOAD) || op == OP_PARK))
		schedule();
	s = model_log(op, file, line, text);
	s->order = (uint8_t)order;
	s->location = l;
	t->events++;
	t->current.clock[E.running]++;
	model_history(model_mix((uint64_t)op << 8 | order, (uint64_t)line));
	if (l && l->made && l->maker != E.running &&
	    t->current.clock[l->maker] < l->made)
		model_fail(MODEL_RACE, "not ordered after its atomic_init()",
			   file, line);
	return s;
}

int model_self(void)
{
	return (int)E.running - 1;
}

void model_yield(void)
{
	struct thread *t = &E.thread[E.running];

	if (!E.concurrent)
		model_fail(MODEL_MISUSE, "nobody to wait for", "", 0);
	model_log(OP_YIELD, "", 0, "");
	model_history(OP_YIELD);
	t->state = t->fresh >= FRESH_LIMIT ? STUCK : YIELDED;
	schedule();
	model_history(OP_YIELD); /* Or it would seem to come back to a state. */
}

void model_release(unsigned thread, MODEL_SITE_ARGS)
{
	struct thread *t = &E.thread[thread + 1];

	model_step(OP_START, NULL, memory_order_release, file, line,
		   E.model->thread[thread].name);
	if (t->state != HELD)
		model_fail(MODEL_ASSERTION, "a thread is started twice", file,
			   line);
	model_view_join(&t->current, &E.thread[E.running].current);
	t->state = READY;
	model_history(thread);
	(void)text;
}

unsigned model_choose(unsigned n)
{
	unsigned chosen = model_path_choose(n);

	model_log(OP_CHOOSE, "", 0, "")->before = chosen;
	model_history(model_mix(OP_CHOOSE, chosen));
	return chosen;
}

void model_outcome(unsigned n)
{
	E.result.outcomes |= UINT64_C(1) << n;
}

void model_note(const char *text)
{
	model_log(OP_NOTE, "", 0, text);
}

/* ---- Locks --------------------------------------------------------------- */

void model_lock_acquire(_Atomic uint32_t *word, MODEL_SITE_ARGS)
{
	struct location *l = model_location(word, 4, file, line);
	struct thread *t = &E.thread[E.running];
	struct step *s;

	t->waits_for = l;
	t->state = LOCKING;
	s = model_step(OP_LOCK, l, memory_order_acquire, file, line, text);
	t->state = READY;
	if (model_latest(l) != 0) {
		if (!E.concurrent)
			model_fail(MODEL_DEADLOCK, "nobody to release it", file,
				   line);
		model_share(l->share); /* Another thread is to release it. */
	}
	model_rmw_latest(s, l, 1, memory_order_acquire);
}

bool model_lock_try(_Atomic uint32_t *word, MODEL_SITE_ARGS)
{
	struct location *l = model_location(word, 4, file, line);
	struct step *s =
		model_step(OP_TRY, l, memory_order_acquire, file, line, text);

	s->ok = model_latest(l) == 0;
	if (s->ok)
		model_rmw_latest(s, l, 1, memory_order_acquire);
	else
		model_read_latest(s, l, memory_order_relaxed);
	return s->ok;
}

void model_lock_release(_Atomic uint32_t *word, MODEL_SITE_ARGS)
{
	struct location *l = model_location(word, 4, file, line);
	struct step *s = model_step(OP_UNLOCK, l, memory_order_release, file,
				    line, text);

	if (model_latest(l) == 0)
		model_fail(MODEL_ASSERTION, "a free lock is released", file,
			   line);
	model_rmw_latest(s, l, 0, memory_order_release);
}

/* ---- Sleeping ------------------------------------------------------------ */

bool model_futex_wait(volatile void *p, size_t size, uint64_t expected,
		      bool timed, MODEL_SITE_ARGS)
{
	struct location *l = model_location(p, size, file, line);
	struct step *s =
		model_step(OP_PARK, l, memory_order_relaxed, file, line, text);
	struct thread *t = &E.thread[E.running];

	model_read_latest(s, l, memory_order_relaxed);
	s->ok = model_latest(l) == expected;
	if (!s->ok)
		return false;
	if (!E.concurrent)
		model_fail(MODEL_DEADLOCK, "nobody to wake it", file, line);
	t->waits_for = l;
	t->woken = false;
	t->timed = timed;
	t->state = PARKED;
	schedule();
	t->state = READY;
	model_log(OP_AWAKE, file, line, text)->ok = t->woken;
	model_history(model_mix(OP_AWAKE, t->woken));
	return t->woken;
}

static bool sleeps(const struct thread *t, const struct location *l)
{
	return t->state == PARKED && !t->woken && t->waits_for == l;
}

unsigned model_futex_wake(volatile void *p, unsigned n, MODEL_SITE_ARGS)
{
	/* The size is known if anybody has slept on it; else it is moot. */
	struct location *l = NULL;
	struct step *s;
	unsigned woken = 0;

	s = model_step(OP_WAKE, NULL, memory_order_relaxed, file, line, text);
	for (unsigned i = 0; i < E.locations; i++)
		if (E.location[i].address == p)
			l = &E.location[i];
	s->location = l;
	for (; woken < n; woken++) {
		unsigned set[THREADS], sleepers = 0, chosen;

		for (unsigned i = 1; i < E.threads; i++)
			if (sleeps(&E.thread[i], l))
				set[sleepers++] = i;
		if (!sleepers)
			break;
		chosen = set[model_path_choose(sleepers)];
		E.thread[chosen].woken = true;
		model_history(chosen);
	}
	s->before = woken;
	return woken;
}

/* ---- One run ------------------------------------------------------------- */

static void thread_entry(void)
{
	unsigned me = E.running;

	model_history(OP_START);
	E.model->thread[me - 1].run(E.model->thread[me - 1].arg);
	model_log(OP_END, "", 0, "");
	E.thread[me].state = ENDED;
	if (!starting)
		E.next = pick();
	for (;;)
		model_fiber_leave(me);
}

/* Thread 0: before, the first choice, and after. */
static void main_entry(void)
{
	struct thread *t = &E.thread[0];

	E.model->setup();
	model_fiber_leave(0);
	E.next = pick();
	model_fiber_leave(0);
	for (unsigned i = 1; i < E.threads; i++)
		model_view_join(&t->current, &E.thread[i].current);
	model_memory_show_all(t);
	if (E.model->finish)
		E.model->finish();
	for (;;)
		model_fiber_leave(0);
}

static void resume(unsigned thread)
{
	if (E.over)
		return;
	E.running = thread;
	model_fiber_resume(thread);
}

static void start_threads(void)
{
	starting = true;
	E.concurrent = true;
	E.thread[0].current.clock[0]++;
	for (unsigned i = 1; i < E.threads; i++) {
		E.thread[i].current = E.thread[0].current;
		model_fiber_start(i, thread_entry);
		if (E.model->thread[i - 1].held)
			E.thread[i].state = HELD;
		else
			resume(i);
	}
	starting = false;
}

static void run_once(void)
{
	const struct model *m = E.model;

	memset(E.thread, 0, sizeof(E.thread));
	model_memory_reset();
	model_path_rewind();
	E.steps = 0;
	E.over = false;
	E.concurrent = false;
	E.budget = E.bound;
	E.spurious = m->spurious;
	E.limit = m->step_limit ? m->step_limit : STEP_LIMIT;
	E.threads = 1;
	while (E.threads < THREADS && m->thread[E.threads - 1].run)
		E.threads++;

	E.thread[0].state = ENDED; /* Not to be chosen. */
	model_fiber_start(0, main_entry);
	resume(0);
	start_threads();
	resume(0);
	while (!E.over && E.next)
		resume(E.next);
	resume(0);
	E.result.runs++;
}

/* The bound in force: an argument, or the model's own, or the default. */
static int bound(const struct model *m, int preemptions)
{
	if (preemptions >= 0)
		return preemptions;
	if (m->preemptions < 0)
		return 0;
	return m->preemptions ? m->preemptions : MODEL_PREEMPTIONS;
}

/* Go through all runs, or up to the first that fails. */
static void search(void)
{
	E.restart = false;
	E.result.runs = 0;
	model_states_reset();
	model_path_reset();
	do
		run_once();
	while (!E.failure && !E.restart && model_path_advance());
}

/* One run, on a given path.  The search before has found what is shared. */
static void replay(void)
{
	E.failure = MODEL_PASSED;
	model_states_reset();
	if (!model_path_parse(E.replay)) {
		E.failure = MODEL_MISUSE;
		E.failed_text = "no such path";
		return;
	}
	run_once();
}

void model_check(const struct model *m, int preemptions,
		 struct model_result *result)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	memset(&E.result, 0, sizeof(E.result));
	E.model = m;
	E.failure = MODEL_PASSED;
	E.bound = bound(m, preemptions);
	model_share_reset();
	do
		search();
	while (E.restart);
	if (E.replay)
		replay();
	clock_gettime(CLOCK_MONOTONIC, &to);

	E.result.failure = E.failure;
	E.result.states = model_states_count();
	E.result.seconds = (double)(to.tv_sec - from.tv_sec) +
			   (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	*result = E.result;
}
