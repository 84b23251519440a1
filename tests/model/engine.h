/* SPDX-License-Identifier: MIT */
/*
 * The inside of the model checker.
 *
 * HOW IT SEARCHES
 *
 * A run is determined by its choices: which thread moves, which store a load
 * reads, who of several sleepers is woken.  The choices of the current run are
 * kept as a path.  After a run the deepest choice that has an untried
 * alternative takes it, what is below is forgotten, and everything runs again
 * from the start (choice.c).  Nothing of a run is saved but its path, so the
 * threads may keep their state in plain C variables.
 *
 * HOW IT REMEMBERS
 *
 * Two schedules that differ only in the order of independent steps lead to the
 * same state.  A state is summed up in 64 bits: for each thread the history of
 * its operations, each with the identity of the store it read; for each
 * location the order of its stores; the view of the SC order.  Nothing else
 * can influence what comes, plain memory included, as long as the model has no
 * data race.  A run that comes to a state known from an earlier run, with no
 * more preemptions left than that one had, is cut off.  (Chance of two states
 * sharing a sum: about 1e-8 in a million states.)  This is exact with respect
 * to the preemption bound, which sleep sets are not.
 *
 * Threads are interleaved at accesses to shared locations only (share.c).
 *
 * HOW MEMORY BEHAVES (memory.c)
 *
 * Stores to one location stand in a list, its modification order.  A thread
 * has a view: for each location the oldest store that it may still read.  A
 * load may return any store from there on, and moves the view.  A store goes
 * to any place behind the view, usually the end.  A release store carries the
 * view of its thread; whoever reads it with acquire takes it over, and that
 * is happens-before.  Read-modify-writes stand directly behind the store that
 * they read, and pass on what it carries: that is the release sequence (as in
 * C++20: a later plain store of the same thread does not continue it).
 * Fences keep a view for later stores, or collect one from earlier loads.
 *
 * Sequentially consistent accesses happen in the order in which they run.
 * One more view holds, for each location, the newest store that any of them
 * wrote or read; an SC load reads nothing older, an SC store goes behind it.
 * An SC fence joins this view and the thread's view, both ways.
 *
 * This is the "promising" semantics without its promises, in other words RC11
 * with an SC order that also respects happens-before, as in C11.
 *
 * WHAT IT CANNOT SEE
 *
 *   - Load buffering: no load returns a value that is stored later in the run.
 *     (No compiler and no CPU that we build for makes one out of thin air, but
 *     aarch64 does reorder a relaxed load with a later relaxed store.)
 *   - Accesses of different sizes to the same memory.
 *   - Races on plain memory that is not marked with MODEL_READ/MODEL_WRITE.
 *   - Anything beyond the bounds: preemptions, threads, rounds of a model.
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include "model.h"

enum {
	THREADS = MODEL_THREADS + 1, /* Thread 0 runs setup() and finish(). */
	LOCATIONS = 80,
	STORES = 256, /* Of one location, in one run. */
	POOL = 4096,  /* Stores of one run. */
	CELLS = 128,  /* Marked plain variables. */
	STEPS = 4096,
	STEP_LIMIT = 1000,
};

struct view {
	uint16_t seen[LOCATIONS]; /* Number of a store in its location. */
	uint16_t clock[THREADS];  /* Happens-before: steps of each thread. */
};

struct store {
	uint64_t value;
	uint32_t id;       /* Same in all equivalent runs; 0: the initial one */
	uint16_t position; /* In the modification order. */
	bool extended;     /* A read-modify-write stands directly behind it. */
	struct view view;  /* What an acquire load of it takes over. */
};

struct location {
	const volatile void *address;
	size_t size;
	struct share *share; /* See share.c. */
	const char *name;    /* Given by model_name(), or NULL. */
	uint64_t key;        /* Names it in sums of states. */
	uint64_t order;      /* Sum of the modification order. */
	uint64_t mirror; /* What real memory holds unless it was bypassed. */
	unsigned count;
	unsigned maker; /* Who called atomic_init(), and when. */
	uint16_t made;
	uint16_t store[STORES];    /* Number of a store -> index in the pool. */
	uint16_t in_order[STORES]; /* Position -> number. */
};

/* A marked variable of plain memory: who read and wrote it, and when. */
struct cell {
	const volatile void *address;
	unsigned writer;
	uint16_t written;
	uint16_t read[THREADS];
};

enum op {
	OP_LOAD,
	OP_STORE,
	OP_RMW,
	OP_CAS,
	OP_INIT,
	OP_FENCE,
	OP_LOCK,
	OP_TRY,
	OP_UNLOCK,
	OP_PARK,
	OP_AWAKE,
	OP_WAKE,
	OP_YIELD,
	OP_START,
	OP_CHOOSE,
	OP_READ,
	OP_WRITE,
	OP_NOTE,
	OP_END,
};

/* One line of the report. */
struct step {
	uint8_t thread;
	uint8_t op;
	uint8_t order;
	bool reads, writes, ok;
	uint16_t stale; /* How many newer stores the load passed over. */
	int line;
	const char *file, *text;
	const struct location *location;
	uint64_t before, after;
};

/*
 *     state    may move when                  left by
 *     -------  -----------------------------  ------------------------------
 *     READY    chosen                         a step
 *     LOCKING  the lock is free               taking it
 *     PARKED   woken, or it has a deadline    returning from the park
 *     YIELDED  what it looked at has changed  that change; or, when nobody
 *                                             else can move, seeing it all
 *     STUCK    the same                       that change: it has seen all
 *                                             there is, and yielded again
 *     HELD     never                          model_start()
 *     ENDED    never
 */
enum state {
	READY,
	LOCKING,
	PARKED,
	YIELDED,
	STUCK,
	HELD,
	ENDED
};

struct thread {
	enum state state;
	bool woken;      /* PARKED: a wake has come. */
	bool timed;      /* PARKED: may return without one. */
	uint8_t fresh;   /* Times it was shown everything since a change. */
	uint32_t events; /* Its operations so far. */
	uint64_t history;
	uint64_t looked; /* Locations read since it last yielded: a set. */
	const struct location *waits_for; /* LOCKING, PARKED */
	struct view current; /* What happened before its next operation. */
	struct view pending; /* What an acquire fence would add. */
	struct view fenced;  /* What its relaxed stores carry. */
};

struct engine {
	const struct model *model;
	const char *replay; /* The path to take, or NULL. */
	struct thread thread[THREADS];
	unsigned threads; /* Thread 0 included. */
	unsigned running;
	unsigned next;     /* Whom the loop in engine.c resumes. */
	bool concurrent;   /* Threads have started and have not all ended. */
	bool over;         /* This run is abandoned. */
	bool restart;      /* The whole search is to begin anew: share.c. */
	int bound;         /* On preemptions. */
	int budget;        /* Preemptions left. */
	unsigned spurious; /* Weak CAS failures left. */
	unsigned limit;    /* Of steps. */

	struct view sc;
	struct location location[LOCATIONS];
	unsigned locations;
	struct store pool[POOL];
	unsigned stores;
	struct cell cell[CELLS];
	unsigned cells;

	struct step step[STEPS];
	unsigned steps;

	enum model_failure failure;
	const char *failed_text, *failed_file;
	int failed_line;
	struct model_result result;
};

extern struct engine model_engine;

/* engine.c */
struct step *model_step(enum op op, struct location *l, memory_order order,
			MODEL_SITE_ARGS);
struct step *model_log(enum op op, MODEL_SITE_ARGS);
void model_abandon(void) __attribute__((noreturn));
void model_changed(unsigned location);
void model_history(uint64_t word);
uint64_t model_mix(uint64_t sum, uint64_t word);

/* memory.c */
void model_memory_reset(void);
void model_memory_show_all(struct thread *);
uint64_t model_memory_sum(void);
void model_view_join(struct view *to, const struct view *from);
struct location *model_location(const volatile void *p, size_t size,
				const char *file, int line);
uint64_t model_latest(const struct location *);
void model_read_latest(struct step *, struct location *, memory_order);
uint64_t model_rmw_latest(struct step *, struct location *, uint64_t value,
			  memory_order);

/* choice.c: the path and the memory of states. */
void model_path_reset(void);
void model_path_rewind(void);
bool model_path_advance(void);
bool model_path_is_new(void);
unsigned model_path_choose(unsigned n);
bool model_path_parse(const char *text);
void model_path_print(void);
bool model_state_known(uint64_t sum, int budget);
void model_states_reset(void);
uint64_t model_states_count(void);

/* share.c */
struct share *model_share_of(const volatile void *p);
bool model_share_note(struct share *s, bool writes);
void model_share(struct share *s) __attribute__((noreturn));
void model_share_reset(void);

/* fiber.c: one raw fiber per thread of the model. */
void model_fiber_start(unsigned thread, void (*entry)(void));
void model_fiber_resume(unsigned thread);
void model_fiber_leave(unsigned thread);

#endif
