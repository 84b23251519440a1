/* SPDX-License-Identifier: MIT */
/*
 * A stateless model checker for the library's lock-free protocols.
 *
 * A model is a handful of threads that run the library's real protocol
 * headers, compiled with GO_MODEL.  The checker runs them again and again, on
 * one OS thread, through every schedule within a bound on preemptions and
 * through every value that C11 lets a load return, until something goes wrong
 * or nothing is left to try.
 *
 *     static struct { _Atomic uint32_t ready; int data; } box;
 *
 *     static void setup(void)
 *     {
 *             atomic_init(&box.ready, 0);
 *             box.data = 0;
 *     }
 *
 *     static void sender(int unused)
 *     {
 *             MODEL_WRITE(box.data) = 42;
 *             atomic_store_explicit(&box.ready, 1, memory_order_release);
 *     }
 *
 *     static void receiver(int unused)
 *     {
 *             if (atomic_load_explicit(&box.ready, memory_order_acquire))
 *                     model_assert(MODEL_READ(box.data) == 42);
 *     }
 *
 *     static const struct model models[] = { {
 *             .name = "message",
 *             .setup = setup,
 *             .thread = { MODEL_THREAD("sender", sender, 0),
 *                         MODEL_THREAD("receiver", receiver, 0) },
 *     } };
 *
 *     int main(int argc, char **argv)
 *     {
 *             return model_main(argc, argv, models, 1);
 *     }
 *
 * RULES FOR A MODEL
 *
 *   - setup() gives every global of the model its first value: a run starts
 *     from what it leaves, and there are thousands of runs in one process.
 *   - Threads are deterministic apart from what the checker decides: no
 *     clocks, no addresses from malloc(), no random numbers.
 *   - A loop that waits for another thread calls model_yield() in each turn.
 *   - All threads of a run share one OS thread.  What one of them does between
 *     two operations on atomics is not interrupted.
 *
 * WHAT IS CHECKED
 *
 *   assertions   model_assert(), in threads and in finish().
 *   races        accesses through MODEL_READ() and MODEL_WRITE() that no
 *                happens-before orders, found in whichever order they run.
 *   deadlock     threads that wait for a lock or a wake that cannot come.
 *   livelock     threads that spin while nobody will change what they look at,
 *                or a run that does not end.
 *
 * engine.h says how it works and what it cannot see.
 */
#ifndef MODEL_H
#define MODEL_H

#include "model_atomic.h"

enum {
	MODEL_THREADS = 7,
	MODEL_PREEMPTIONS = 3,  /* The default bound. */
	MODEL_UNBOUNDED = 1000, /* Every schedule. */
	MODEL_NONE = -1,        /* Threads take turns only where they wait. */
};

struct model_thread {
	const char *name;
	void (*run)(int arg);
	int arg;
	/* May sleep for ever once all other threads have ended: a worker. */
	bool daemon;
	/* Does not run before model_start(), and need not run at all. */
	bool held;
};

#define MODEL_THREAD(name, run, arg)                                           \
	{                                                                      \
		name, run, arg, false, false                                   \
	}
#define MODEL_DAEMON(name, run, arg)                                           \
	{                                                                      \
		name, run, arg, true, false                                    \
	}
#define MODEL_HELD(name, run, arg)                                             \
	{                                                                      \
		name, run, arg, false, true                                    \
	}

struct model {
	const char *name;
	void (*setup)(void);  /* Before the threads, on its own. */
	void (*finish)(void); /* After the threads have ended; or NULL. */
	struct model_thread thread[MODEL_THREADS];
	int preemptions;     /* Bound; 0 is the default, see above. */
	unsigned spurious;   /* Weak CAS failures without cause, per run. */
	unsigned step_limit; /* Operations in a run; 0 is the default. */
};

enum model_failure {
	MODEL_PASSED,
	MODEL_ASSERTION,
	MODEL_RACE,
	MODEL_DEADLOCK,
	MODEL_LIVELOCK,
	MODEL_MISUSE, /* The model breaks a rule of the checker. */
};

struct model_result {
	enum model_failure failure;
	uint64_t outcomes; /* Bits set by model_outcome() over all runs. */
	uint64_t runs, pruned, states, steps;
	double seconds;
};

/*
 * Check one model.  With a bound below zero, the model's own counts.  The
 * failing run, if any, stays in the checker for model_print().
 */
void model_check(const struct model *, int preemptions, struct model_result *);

/* Print what failed in the last model_check(), step by step. */
void model_print(const struct model *, const struct model_result *);

/* The main() of a model program; see --help.  Returns its exit status. */
int model_main(int argc, char **argv, const struct model *models, int count);

/* For threads, setup() and finish(). */

void model_fail(enum model_failure, const char *text, const char *file,
		int line) __attribute__((noreturn));

/* What a source calls by name only: the model has no use for it. */
static inline _Noreturn void model_not_called(void)
{
	model_fail(MODEL_MISUSE, "a call that the model has no use for", "", 0);
}

#define model_assert(cond)                                                     \
	((cond) ? (void)0                                                      \
		: model_fail(MODEL_ASSERTION, #cond, __FILE__, __LINE__))

/* Mark an access to plain memory: MODEL_WRITE(x) = MODEL_READ(y) + 1. */
#define MODEL_READ(var)  (*(model_read(&(var), MODEL_SITE(#var)), &(var)))
#define MODEL_WRITE(var) (*(model_write(&(var), MODEL_SITE(#var)), &(var)))
void model_read(const volatile void *p, MODEL_SITE_ARGS);
void model_write(const volatile void *p, MODEL_SITE_ARGS);

/* Which of the model's threads runs, counted from 0; -1: setup, finish. */
int model_self(void);

/* Wait until another thread changes something. */
void model_yield(void);

/*
 * Let a held thread (counted from 0) go; what the caller did happens before
 * what it does.  Twice is a failure.  A task that is resumed, for instance.
 */
#define model_start(thread) model_release(thread, MODEL_SITE(#thread))
void model_release(unsigned thread, MODEL_SITE_ARGS);

/* As if each thread had made a sequentially consistent fence meanwhile: Linux's
 * membarrier(). */
#define model_membarrier() model_fence_all(MODEL_SITE(""))
void model_fence_all(MODEL_SITE_ARGS);

/* One of 0 .. n - 1; every one of them is tried. */
unsigned model_choose(unsigned n);

/* Set bit n of model_result.outcomes. */
void model_outcome(unsigned n);

/* The name of a variable in reports; else the expression that reaches it. */
void model_name(const volatile void *p, const char *name);

/* Add a remark to the report. */
void model_note(const char *text);

/*
 * Sleep if *word holds the expected value, as a futex does: the comparison
 * sees the newest value and is one step with going to sleep.  Returns true
 * after a wake, false if the value was another one.
 */
#define model_park(word, expected)                                             \
	model_futex_wait(word, sizeof(*(word)), MODEL_WORD(word, expected),    \
			 false, MODEL_SITE(#word))
/* The same with a deadline, which may pass at any time: then false. */
#define model_park_timed(word, expected)                                       \
	model_futex_wait(word, sizeof(*(word)), MODEL_WORD(word, expected),    \
			 true, MODEL_SITE(#word))
/* Wake up to n sleepers, any of them.  Returns how many. */
#define model_wake(word, n) model_futex_wake(word, n, MODEL_SITE(#word))

bool model_futex_wait(volatile void *p, size_t size, uint64_t expected,
		      bool timed, MODEL_SITE_ARGS);
unsigned model_futex_wake(volatile void *p, unsigned n, MODEL_SITE_ARGS);

#endif
