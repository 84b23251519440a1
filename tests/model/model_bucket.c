/* SPDX-License-Identifier: MIT */
/*
 * The futex of systems without one: a mutex and a condition per bucket.
 *
 * Runs arch/sys_posix.c.  Replaced are the mutex, by the checker's lock, and
 * the condition, by what POSIX says of it: giving up the mutex and falling
 * asleep is one step as far as a broadcast can tell.
 *
 * Shows: who sleeps on a word is woken by whoever changes it and wakes after
 * that, also where another word shares the bucket, and a deadline ends a sleep
 * that nobody else ends.
 *
 * Bounds: two words of one bucket, a sleeper and a waker of each.  Not shown:
 * fork(), and the clocks.
 */
#define GO_PORTABLE   /* The declarations are for those who use it. */
#define GO_TEST_SMALL /* There is room for few buckets. */
#include "model.h"

#include <errno.h>

#include "arch/lock.h"
#include "arch/sys.h"

static bool checking;

struct condition {
	_Atomic uint32_t broadcasts;
};

static int condition_wait(struct condition *c, struct go__lock *l, bool timed)
{
	/* acquire: behind the mutex there is no older one. */
	uint32_t n = atomic_load_explicit(&c->broadcasts, memory_order_acquire);
	bool in_time = true;

	go__lock_release(l);
	if (timed)
		in_time = model_park_timed(&c->broadcasts, n);
	else
		model_park(&c->broadcasts, n);
	go__lock_acquire(l);
	/* Whether a broadcast or the deadline came first is not told apart. */
	return in_time ? 0 : ETIMEDOUT;
}

static void condition_wake(struct condition *c, unsigned n)
{
	/* acq_rel: what POSIX orders is up to the mutex; a step of its own. */
	atomic_fetch_add_explicit(&c->broadcasts, 1, memory_order_acq_rel);
	model_wake(&c->broadcasts, n);
}

#define pthread_mutex_t             struct go__lock
#define pthread_cond_t              struct condition
/* The constructor comes before the checker. */
#define pthread_mutex_init(m, attr) (checking ? go__lock_init(m) : (void)0)
#define pthread_cond_init(c, attr)                                             \
	(checking ? atomic_init(&(c)->broadcasts, 0) : (void)0)
#define pthread_mutex_lock(m)           go__lock_acquire(m)
#define pthread_mutex_unlock(m)         go__lock_release(m)
#define pthread_cond_wait(c, m)         condition_wait(c, m, false)
#define pthread_cond_timedwait(c, m, t) ((void)(t), condition_wait(c, m, true))
#define pthread_cond_signal(c)          condition_wake(c, 1)
#define pthread_cond_broadcast(c)       condition_wake(c, MODEL_THREADS)
#define pthread_atfork(a, b, c)         ((void)(a), (void)(b), (void)(c))
#undef PTHREAD_MUTEX_INITIALIZER
#define PTHREAD_MUTEX_INITIALIZER GO__LOCK_INIT

#include "arch/sys_posix.c"

enum {
	DUE = 5,
};

static _Atomic uint32_t many[1024]; /* To choose two from. */
static _Atomic uint32_t *word[2];
static int value[2]; /* Plain memory, watched for races. */
static int ended[2];
static uint64_t deadline[2];

uint64_t go__sys_now(void)
{
	model_not_called();
}

/* ---- Before -------------------------------------------------------------- */

static void setup(void)
{
	int i = 1;

	checking = true;
	make_all();
	while (bucket_of(&many[i]) != bucket_of(&many[0]))
		i++;
	word[0] = &many[0];
	word[1] = &many[i];
	model_name(word[0], "word 0");
	model_name(word[1], "word 1");
	for (i = 0; i < 2; i++) {
		atomic_init(word[i], 0);
		value[i] = 0;
		ended[i] = 1;
		deadline[i] = UINT64_MAX;
	}
}

static void setup_deadline(void)
{
	setup();
	deadline[0] = DUE;
}

/* ---- The threads --------------------------------------------------------- */

static void sleeper(int i)
{
	int r = 0;

	/* acquire: the waker's value. */
	while (atomic_load_explicit(word[i], memory_order_acquire) == 0 &&
	       r != -ETIMEDOUT)
		r = go__posix_futex_wait(word[i], 0, deadline[i]);
	ended[i] = r;
	if (r != -ETIMEDOUT)
		model_assert(MODEL_READ(value[i]) == 1);
}

static void waker(int i)
{
	MODEL_WRITE(value[i]) = 1;
	/* release: the value. */
	atomic_store_explicit(word[i], 1, memory_order_release);
	go__posix_futex_wake(word[i]);
}

static void idle(int unused)
{
	(void)unused;
}

/* ---- After --------------------------------------------------------------- */

static void finish(void)
{
	for (int i = 0; i < 2; i++)
		model_assert(deadline[i] == DUE || ended[i] != -ETIMEDOUT);
}

static const struct model models[] = {
	{
		.name = "one",
		.setup = setup,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sleeper", sleeper, 0),
			   MODEL_THREAD("waker", waker, 0)},
	},
	{
		.name = "shared",
		.setup = setup,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_THREAD("sleeper", sleeper, 0),
			   MODEL_THREAD("waker", waker, 0),
			   MODEL_THREAD("neighbour", sleeper, 1),
			   MODEL_THREAD("its waker", waker, 1)},
	},
	{
		.name = "deadline",
		.setup = setup_deadline,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sleeper", sleeper, 0),
			   MODEL_THREAD("waker", waker, 0)},
	},
	{
		.name = "nobody",
		.setup = setup_deadline,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sleeper", sleeper, 0),
			   MODEL_THREAD("idle", idle, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
