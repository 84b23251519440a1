/* SPDX-License-Identifier: MIT */
/*
 * The pool: submits against threads that become idle, are called, expire,
 * cannot be made, or host a worker; withdrawals; and the end.
 *
 * Runs sched/pool.c and pool.h.  A submitter is a task that waits as
 * go_blocking() does (model_wait.h).  Replaced are the making of threads (a
 * held thread of the model is let go, or it fails), futexes, and what threads
 * are for: a job does nothing but count, and so does a worker's host.
 *
 * Shows, in all schedules within the bound: each job that was accepted is run,
 * once, or was cancelled before it began, and who submitted it hears which; one
 * that was refused does not run; never more than `most` run; a worker that is
 * handed over is hosted once; at the end nobody is counted any more.  The
 * stopper waits for all threads, and each is joined once.
 *
 * Cannot show: blocking tasks, whose submitter does not wait.
 *
 * Bounds: up to three submitters, two jobs each, three threads, a cap of one or
 * two; three preemptions, two or one where there are many threads.
 */
#include "model_wait.h"

#include "arch/sys.h"
#include "sched/blocking.h"
#include "sched/worker.h"

enum {
	POOL_THREADS = 3,
	JOBS = 3,
};

/* Futexes: a wait that compares, and may be over; a wake. */
#define go__sys_futex_wait(word, value, deadline)                              \
	((deadline) == GO__NO_DEADLINE                                         \
		 ? (model_park(word, value) ? 0 : -EAGAIN)                     \
		 : (model_park_timed(word, value) ? 0 : -ETIMEDOUT))
#define go__sys_futex_wake(word, n) ((int)model_wake(word, n))

#include "model_threads.h"

static struct go_runtime runtime;
#define RT   (&runtime)
#define POOL (&runtime.pool)

static unsigned runs[JOBS], hosted;
static int results[JOBS];
static _Atomic unsigned running;
static struct go__worker worker;

/* ---- What stands in for the rest ----------------------------------------- */

uint64_t go__sys_now(void)
{
	return 1;
}

int go__worker_host(struct go__worker *w, bool (*done)(void *), void *arg)
{
	(void)done;
	(void)arg;
	model_assert(w == &worker);
	MODEL_WRITE(hosted) = MODEL_READ(hosted) + 1;
	return 0;
}

void go__blocking_run(struct go__thread *self, struct go__wait_node *job)
{
	/* relaxed, both: only counted. */
	unsigned i = (unsigned)(go__task_of_waiter(job->waiter) - model_task),
		 before = atomic_fetch_add_explicit(&running, 1,
						    memory_order_relaxed);

	(void)self;
	model_assert(before < POOL->most);
	MODEL_WRITE(runs[i]) = MODEL_READ(runs[i]) + 1;
	/* relaxed: as above. */
	atomic_fetch_sub_explicit(&running, 1, memory_order_relaxed);
	go__wait_deliver(job->waiter, 0);
}

int go__wait_abandon(struct go__waiter *w)
{
	if (go__wait_claim_epoch(w, go__wait_word_epoch(&w->word)))
		return 0;
	return go__wait(w);
}

/* ---- Threads ------------------------------------------------------------- */

/* As call_pool() in blocking.c. */
static int call_pool(struct go__waiter *w)
{
	struct go__wait_node node;
	int r, ended;

	go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_BLOCKING, NULL);
	go__wait_node_init(&node, w);
	r = go__pool_submit(RT, &node, w, node.epoch);
	if (r < 0) {
		ended = go__wait_abandon(w);
		return ended < 0 ? ended : r;
	}
	r = go__wait(w);
	if (go__wait_deserted(r))
		go__pool_withdraw(RT, &node);
	model_assert(!go__link_is_linked(&node.link));
	return r;
}

/* A task with a job. */
static void submit(int i)
{
	results[i] = call_pool(&model_task[i].waiter);
}

/* And another one, for a thread that may expire meanwhile. */
static void submit_twice(int i)
{
	submit(i);
	model_assert(results[i] == 0);
	model_assert(MODEL_READ(runs[i]) == 1);
	MODEL_WRITE(runs[i]) = 0;
	submit(i);
}

static void hand_over(int unused)
{
	(void)unused;
	model_assert(go__pool_host(&worker) == 0);
}

static void stop(void)
{
	go__pool_stop(RT);
	model_assert(go__pool_wait(RT, GO__NO_DEADLINE) == 0);
	model_assert(go__pool_join(RT, GO__NO_DEADLINE));
}

static void stop_after_one(int i)
{
	submit(i);
	stop();
	check_all_joined(POOL);
}

/* Threads of a runtime that stops at once: one that has hosted a worker. */
static void stop_after_hosting(int unused)
{
	hand_over(unused);
	stop();
	model_assert(MODEL_READ(hosted) == 1);
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(unsigned at, unsigned most, uint64_t keep_alive)
{
	model_setup_tasks();
	memset(&runtime, 0, sizeof(runtime));
	setup_pool_threads(at);
	memset(runs, 0, sizeof(runs));
	memset(results, 0, sizeof(results));
	atomic_init(&running, 0);
	worker.runtime = RT;
	hosted = 0;
	go__pool_init(POOL, most, keep_alive);
	model_name(&POOL->empty, "pool.empty");
}

static void setup_expiring(void)
{
	setup(2, 1, 1);
}

static void setup_twice(void)
{
	setup(1, 1, 1);
}

static void setup_two(void)
{
	setup(2, 2, GO__NO_DEADLINE);
}

static void setup_three(void)
{
	setup(3, 2, GO__NO_DEADLINE);
}

static void setup_failing(void)
{
	setup(2, 2, GO__NO_DEADLINE);
	may_fail = true;
}

static void setup_failing_one(void)
{
	setup(2, 1, GO__NO_DEADLINE);
	may_fail = true;
}

static void setup_failing_expiring(void)
{
	setup(2, 1, 1);
	may_fail = true;
}

static void setup_cancel(void)
{
	setup(2, 1, GO__NO_DEADLINE);
	model_cancels = true;
}

static void setup_cancel_failing(void)
{
	setup_cancel();
	may_fail = true;
}

static void setup_stop(void)
{
	setup(1, 1, 1);
}

static void setup_stop_patient(void)
{
	setup(1, 1, GO__NO_DEADLINE);
}

static void finish(void)
{
	for (int i = 0; i < JOBS; i++) {
		model_assert(results[i] == 0 || runs[i] == 0);
		model_assert(results[i] == 0 || results[i] == -ECANCELED ||
			     (may_fail && results[i] == -EAGAIN) ||
			     (made == POOL_THREADS && results[i] == -ENOMEM));
	}
	model_assert(!go__pool_is_busy(POOL));
	model_assert(POOL->making == 0);
	model_assert(go__list_empty(&POOL->jobs));
}

static void finish_one(void)
{
	model_assert(runs[0] == 1);
	finish();
}

static void finish_two(void)
{
	model_assert(runs[1] == 1);
	finish_one();
}

static void finish_failing(void)
{
	for (int i = 0; i < 2; i++)
		model_assert(runs[i] == (results[i] == 0));
	finish();
}

static void finish_three(void)
{
	model_assert(runs[2] == 1);
	finish_two();
}

static void finish_hosted(void)
{
	model_assert(hosted == 1);
	finish_one();
}

#define ALL_THREADS                                                            \
	POOL_THREAD("first", 0), POOL_THREAD("second", 1),                     \
		POOL_THREAD("third", 2)

static const struct model models[] = {
	{
		.name = "cap-and-expiry",
		.setup = setup_expiring,
		.finish = finish_two,
		.preemptions = 2,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS},
	},
	{
		.name = "called-or-expired",
		.setup = setup_twice,
		.finish = finish_one,
		.thread = {MODEL_THREAD("submitter", submit_twice, 0),
			   ALL_THREADS},
	},
	{
		.name = "two-submitters",
		.setup = setup_two,
		.finish = finish_two,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS},
	},
	{
		.name = "three-submitters",
		.setup = setup_three,
		.finish = finish_three,
		.preemptions = 1,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("two", submit, 1),
			   MODEL_THREAD("three", submit, 2), ALL_THREADS},
	},
	{
		.name = "threads-that-cannot-be-made",
		.setup = setup_failing,
		.finish = finish_failing,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS},
	},
	{
		.name = "at-the-cap-none-can-be-made",
		.setup = setup_failing_one,
		.finish = finish_failing,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS},
	},
	{
		.name = "none-can-be-made-and-one-expires",
		.setup = setup_failing_expiring,
		.finish = finish_failing,
		.preemptions = 2,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS},
	},
	{
		.name = "withdrawn",
		.setup = setup_cancel,
		.finish = finish,
		.preemptions = 2,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS,
			   MODEL_THREAD("canceller", model_cancel, 0)},
	},
	{
		.name = "withdrawn-while-none-can-be-made",
		.setup = setup_cancel_failing,
		.finish = finish,
		.preemptions = 1,
		.thread = {MODEL_THREAD("one", submit, 0),
			   MODEL_THREAD("other", submit, 1), ALL_THREADS,
			   MODEL_THREAD("canceller", model_cancel, 0)},
	},
	{
		.name = "a-worker-and-a-job",
		.setup = setup_expiring,
		.finish = finish_hosted,
		.preemptions = 2,
		.thread = {MODEL_THREAD("submitter", submit, 0),
			   MODEL_THREAD("section", hand_over, 0), ALL_THREADS},
	},
	{
		.name = "stop",
		.setup = setup_stop,
		.finish = finish_one,
		.thread = {MODEL_THREAD("stopper", stop_after_one, 0),
			   ALL_THREADS},
	},
	{
		.name = "stop-while-one-hosts",
		.setup = setup_stop_patient,
		.finish = finish,
		.thread = {MODEL_THREAD("stopper", stop_after_hosting, 0),
			   ALL_THREADS},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
