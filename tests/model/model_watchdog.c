/* SPDX-License-Identifier: MIT */
/*
 * The watchdog's sleep against workers that fall asleep and wake up.
 *
 * Runs sched/watchdog.c with the idle state (sched/idle.h).  Replaced are the
 * workers, who do as go__worker_sleep() does, and time: there are two ticks,
 * after that the next one does not come.
 *
 * Shows: while a worker is awake the watchdog is, too, or is being woken; it
 * ends when it is told to, whatever it does.
 *
 * Cannot show: that it goes back to sleep; what it finds when it ticks.
 *
 * Bounds: two workers, one or two changes of each, two ticks.
 */
#include "model.h"

#include <errno.h>
#include <string.h>

#include "arch/sys.h"

static unsigned ticks;    /* To come. */
static uint32_t slept_on; /* What the watchdog has last gone to sleep on. */

static int futex_wait(_Atomic uint32_t *word, uint32_t value, bool timed)
{
	slept_on = value;
	if (timed && ticks > 0) {
		ticks--;
		return model_park_timed(word, value) ? 0 : -ETIMEDOUT;
	}
	return model_park(word, value) ? 0 : -EAGAIN;
}

#define go__sys_futex_wait(word, value, deadline)                              \
	futex_wait(word, value, (deadline) != GO__NO_DEADLINE)
#define go__sys_futex_wake(word, n) ((int)model_wake(word, n))

#include "sched/watchdog.c"

enum {
	WORKERS = 2,
	TICKS = 2,
};

static union {
	struct go_runtime rt;
	char room[sizeof(struct go_runtime) +
		  WORKERS * sizeof(struct go__worker)];
} memory;
#define RT (&memory.rt)

/* ---- The rest of the library --------------------------------------------- */

uint64_t go__sys_now(void)
{
	return 1;
}

/* Nobody is hogged, and nobody lent. */

void go__lend_begin(struct go_runtime *rt)
{
	(void)rt;
}

void go__lend_settle(struct go_runtime *rt)
{
	(void)rt;
}

unsigned go__lent(const struct go_runtime *rt)
{
	(void)rt;
	return 0;
}

int go__lend(struct go_runtime *rt)
{
	(void)rt;
	model_not_called();
	return 0;
}

void go__recall(struct go_runtime *rt)
{
	(void)rt;
	model_not_called();
}

uint64_t go__runtime_live(struct go_runtime *rt)
{
	(void)rt;
	return 0;
}

bool go__stuck_report(struct go__worker *w, uint64_t ran_ns)
{
	(void)w;
	(void)ran_ns;
	model_not_called();
	return false;
}

void go__notify(struct go_runtime *rt)
{
	(void)rt;
}

int go__sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

int go__sys_thread_create(pthread_t *thread, size_t stack_bytes,
			  void *(*fn)(void *), void *arg)
{
	(void)thread;
	(void)stack_bytes;
	(void)fn;
	(void)arg;
	return 0;
}

int go__sys_thread_join(pthread_t thread)
{
	(void)thread;
	return 0;
}

int go__sys_thread_join_until(pthread_t id, uint64_t deadline_ns)
{
	(void)deadline_ns;
	return go__sys_thread_join(id);
}

/* ---- Before -------------------------------------------------------------- */

static void setup(void)
{
	memset(&memory, 0, sizeof(memory));
	ticks = TICKS;
	slept_on = ASLEEP;
	RT->worker_count = WORKERS;
	RT->watched = true;
	go__idle_init(&RT->idle, WORKERS);
	atomic_init(&RT->slots, WORKERS);
	RT->stuck_after = GO__NO_DEADLINE;
	model_name(&RT->idle.state, "idle.state");
	model_name(&RT->watch, "watch");
	for (int i = 0; i < WORKERS; i++)
		atomic_init(&RT->worker[i].wheel.next, GO__NO_DEADLINE);
}

static void setup_one_asleep(void)
{
	setup();
	go__idle_join(&RT->idle, &RT->worker[0].sleeper, false, false);
}

static void setup_both_asleep(void)
{
	setup_one_asleep();
	go__idle_join(&RT->idle, &RT->worker[1].sleeper, false, false);
}

/* The watchdog does not know yet. */
static void setup_about_to_sleep(void)
{
	setup_both_asleep();
	atomic_init(&RT->watch, TICKING);
}

/* ---- Threads ------------------------------------------------------------- */

static void watchdog(int unused)
{
	(void)unused;
	(void)run(RT);
}

static void fall_asleep(int i)
{
	go__idle_join(&RT->idle, &RT->worker[i].sleeper, false, false);
}

static void wake_up(int i)
{
	(void)go__idle_leave(&RT->idle, &RT->worker[i].sleeper, false);
	go__watchdog_kick(RT);
}

static void nap(int i)
{
	fall_asleep(i);
	wake_up(i);
}

static void stop(int unused)
{
	(void)unused;
	go__watchdog_stop(RT);
}

/* ---- After --------------------------------------------------------------- */

/* One of two sleeps, and the watchdog between two ticks. */
static void awake(void)
{
	model_assert(go__idle_count(go__idle_state(&RT->idle)) == 1);
	/* relaxed: the threads have ended. */
	model_assert(atomic_load_explicit(&RT->watch, memory_order_relaxed) ==
		     TICKING);
	model_assert(slept_on == TICKING);
}

static const struct model models[] = {
	{
		.name = "one-falls-asleep",
		.setup = setup,
		.finish = awake,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_DAEMON("watchdog", watchdog, 0),
			   MODEL_THREAD("worker", fall_asleep, 0),
			   MODEL_THREAD("other", nap, 1)},
	},
	{
		.name = "one-wakes-up",
		.setup = setup_both_asleep,
		.finish = awake,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_DAEMON("watchdog", watchdog, 0),
			   MODEL_THREAD("worker", wake_up, 0)},
	},
	{
		.name = "one-wakes-up-at-once",
		.setup = setup_about_to_sleep,
		.finish = awake,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_DAEMON("watchdog", watchdog, 0),
			   MODEL_THREAD("worker", wake_up, 0)},
	},
	{
		.name = "stop-about-to-sleep",
		.setup = setup_about_to_sleep,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("watchdog", watchdog, 0),
			   MODEL_THREAD("stop", stop, 0)},
	},
	{
		.name = "all-and-one-back",
		.setup = setup_one_asleep,
		.finish = awake,
		.preemptions = 4,
		.thread = {MODEL_DAEMON("watchdog", watchdog, 0),
			   MODEL_THREAD("worker", nap, 1)},
	},
	{
		.name = "stop",
		.setup = setup,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("watchdog", watchdog, 0),
			   MODEL_THREAD("worker", nap, 0),
			   MODEL_THREAD("stop", stop, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
