/* SPDX-License-Identifier: MIT */
/*
 * What everybody learns first about a runtime for tasks, one test per lesson:
 * the flavours, the runtime made by hand, waiting one after the other and
 * side by side, what may not be nested, what becomes of tasks when the main
 * function returns, and handles.  (test_lessons_blocking.c has those about
 * blocking, test_connections.c those about servers.)
 */
#include <dirent.h>
#include <sched.h>

#include "lessons.h"

/* ---- The three flavours -------------------------------------------------- */

struct team {
	go_chan *numbers;
	pid_t starter;    /* the thread that called go_run_with() */
	ATOMIC(int) away; /* tasks that ran on another thread */
};

static void *send_number(void *arg)
{
	struct team *team = (struct team *)arg;
	int n = 7;

	if (thread_id() != team->starter)
		atomic_fetch_add(&team->away, 1);
	go_sleep(GO_MILLISECOND);
	return GO_INT(go_chan_send(team->numbers, &n));
}

static void *sum_of_numbers(void *arg)
{
	struct team *team = (struct team *)arg;
	int sum = 0, n;

	for (int i = 0; i < 100; i++)
		MUST(go_spawn(send_number, team) == 0);
	for (int i = 0; i < 100; i++) {
		MUST(go_chan_recv(team->numbers, &n) == 0);
		sum += n;
	}
	MUST(sum == 700);
	return NULL;
}

static int run_team(int flavour, unsigned workers)
{
	struct team team;

	memset((void *)&team, 0, sizeof team);
	team.starter = thread_id();
	cr_assert_eq(go_chan_create(&team.numbers, sizeof(int), 3), 0);
	run_in(flavour, workers, sum_of_numbers, &team);
	cr_assert_eq(go_chan_destroy(team.numbers), 0);
	return atomic_load(&team.away);
}

/* The same program gives the same result; what differs is on which threads. */
Test(tutorial, flavours_behave_the_same)
{
	cr_assert_eq(run_team(GO_CURRENT_THREAD, 0), 0,
		     "a task left the thread that runs the runtime");
	cr_assert_eq(run_team(GO_MULTI_THREAD, 1), 100);
	cr_assert_eq(run_team(GO_MULTI_THREAD, 4), 100);
	cr_assert_eq(run_team(GO_HOME_THREAD, 4), 100);
}

/* ---- A runtime by hand --------------------------------------------------- */

/* Threads of this process whose name begins like that. */
static int threads_named(const char *prefix)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int n = 0;

	cr_assert_not_null(tasks);
	while ((entry = readdir(tasks))) {
		char path[300], name[32] = "";
		FILE *comm;

		snprintf(path, sizeof path, "/proc/self/task/%s/comm",
			 entry->d_name);
		comm = fopen(path, "r");
		if (!comm)
			continue; /* . and .., and threads that have ended */
		if (fgets(name, sizeof name, comm) &&
		    strncmp(name, prefix, strlen(prefix)) == 0)
			n++;
		fclose(comm);
	}
	closedir(tasks);
	return n;
}

static void *stack_of_my_thread(void *arg)
{
	pthread_attr_t attributes;

	MUST(pthread_getattr_np(pthread_self(), &attributes) == 0);
	MUST(pthread_attr_getstacksize(&attributes, (size_t *)arg) == 0);
	pthread_attr_destroy(&attributes);
	return NULL;
}

/* Names are given by the threads themselves, so wait for all of them. */
Test(tutorial, a_runtime_by_hand)
{
	MAKE(go_runtime_options, options, .workers = 4,
	     .thread_name = "my-worker", .worker_stack_bytes = 3 << 20);
	go_runtime *rt;
	void *wrong = GO_INT(-1);
	size_t stack = 0;

	cr_assert_eq(go_runtime_create(&rt, &options), 0);
	cr_assert_eq(go_runtime_workers(rt), 4);
	while (threads_named("my-worker") < 4)
		sched_yield();
	cr_assert_eq(
		go_runtime_block_on(rt, stack_of_my_thread, &stack, &wrong), 0);
	cr_assert_null(wrong, "%s", (const char *)wrong);
	cr_assert_geq(stack, (size_t)3 << 20);
	cr_assert_lt(stack, (size_t)4 << 20);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	/* Those that have been joined leave the list a little later; one that
	 * is left behind stays until the test is over its time. */
	while (threads_named("my-worker") > 0)
		sched_yield();
}

/* ---- One after the other, and side by side ------------------------------- */

#define USER_NS   (20 * GO_MILLISECOND)
#define ORDERS_NS (30 * GO_MILLISECOND)

static void *fetch_user(void *unused)
{
	(void)unused;
	return GO_INT(go_sleep(USER_NS));
}

static void *fetch_orders(void *unused)
{
	(void)unused;
	return GO_INT(go_sleep(ORDERS_NS));
}

static void *compare(void *unused)
{
	bool faster = false;

	(void)unused;
	/* A busy machine can delay either; it makes neither faster. */
	for (int attempt = 0; attempt < 100 && !faster; attempt++) {
		int64_t begin = go_now(), apart, together;
		go_task both[2];

		MUST(fetch_user(NULL) == NULL && fetch_orders(NULL) == NULL);
		apart = go_now() - begin;
		MUST(apart >= USER_NS + ORDERS_NS);
		begin = go_now();
		MUST(go_task_spawn(&both[0], fetch_user, NULL) == 0);
		MUST(go_task_spawn(&both[1], fetch_orders, NULL) == 0);
		MUST(go_join_all(both, 2, NULL) == 0);
		together = go_now() - begin;
		MUST(together >= ORDERS_NS);
		faster = together < USER_NS + ORDERS_NS;
	}
	MUST(faster);
	return NULL;
}

/* Sequential is the sum of the delays, concurrent is the longest of them. */
Test(tutorial, sequential_is_the_sum_concurrent_the_longest)
{
	run_everywhere(compare, NULL);
}

struct meeting {
	go_event here[2];
};

static void *meet(struct meeting *m, int me)
{
	MUST(go_event_set(&m->here[me]) == 0);
	MUST(go_event_wait(&m->here[!me]) == 0);
	return NULL;
}

static void *meet_first(void *arg)
{
	return meet((struct meeting *)arg, 0);
}

static void *meet_second(void *arg)
{
	return meet((struct meeting *)arg, 1);
}

static void *let_them_meet(void *arg)
{
	struct meeting m;
	go_task both[2];
	void *wrong[2];

	(void)arg;
	memset(&m, 0, sizeof m);
	MUST(go_task_spawn(&both[0], meet_first, &m) == 0);
	MUST(go_task_spawn(&both[1], meet_second, &m) == 0);
	MUST(go_join_all(both, 2, wrong) == 0);
	MUST(!wrong[0] && !wrong[1]);
	return NULL;
}

/* The same without a clock: each of two tasks waits for the other one's
 * beginning, which never ends unless both are on their way at once. */
Test(tutorial, both_are_on_their_way_at_once)
{
	run_everywhere(let_them_meet, NULL);
}

/* ---- What may not be nested ---------------------------------------------- */

static void *nothing(void *arg)
{
	return arg;
}

static void *nest(void *unused)
{
	go_runtime *mine = go_runtime_current();
	go_runtime *other;
	void *result = GO_INT(1);

	(void)unused;
	MUST(mine != NULL);
	MUST(go_run(nothing, NULL) == -EDEADLK);
	MUST(go_run_with(NULL, nothing, NULL, &result) == -EDEADLK);
	MUST(go_runtime_block_on(mine, nothing, NULL, &result) == -EDEADLK);
	MUST(go_runtime_shutdown(mine, GO_NEVER) == -EDEADLK);
	MUST(go_runtime_destroy(mine) == -EDEADLK);
	MUST(result == GO_INT(1));

	/* To wait for another one would block this one's worker. */
	MUST(go_runtime_create(&other, NULL) == 0);
	MUST(go_runtime_block_on(other, nothing, NULL, &result) == -EDEADLK);
	MUST(go_runtime_shutdown(other, GO_NEVER) == 0);
	MUST(go_runtime_destroy(other) == 0);
	return NULL;
}

/* Refused, and never a deadlock; the runtime goes on as if nothing was. */
Test(tutorial, a_nested_start_is_refused)
{
	run_everywhere(nest, NULL);
}

/* ---- The end of main ----------------------------------------------------- */

struct sleeper {
	go_event asleep;
	int woken_by;
	bool finished;
};

static void *sleep_long(void *arg)
{
	struct sleeper *s = (struct sleeper *)arg;

	go_event_set(&s->asleep);
	s->woken_by = go_sleep(3600 * GO_SECOND);
	if (s->woken_by == 0)
		s->finished = true;
	return NULL;
}

static void *leave_it_asleep(void *arg)
{
	struct sleeper *s = (struct sleeper *)arg;

	MUST(go_spawn(sleep_long, s) == 0);
	MUST(go_event_wait(&s->asleep) == 0);
	return NULL;
}

/* Not completed, but cancelled; and it is over before go_run() returns. */
static void leave_in(int flavour, unsigned workers)
{
	struct sleeper s;

	memset(&s, 0, sizeof s);
	run_in(flavour, workers, leave_it_asleep, &s);
	cr_assert_eq(s.woken_by, -ECANCELED);
	cr_assert_not(s.finished);
}

Test(tutorial, when_main_returns_the_rest_is_cancelled)
{
	leave_in(GO_CURRENT_THREAD, 0);
	leave_in(GO_MULTI_THREAD, 1);
	leave_in(GO_MULTI_THREAD, 4);
	leave_in(GO_HOME_THREAD, 4);
}

static void *take_time(void *arg)
{
	go_sleep(GO_MILLISECOND);
	++*(int *)arg;
	return GO_INT(42);
}

static void *keep_the_handle(void *unused)
{
	void *value = NULL;
	int completed = 0;
	go_task task;

	(void)unused;
	MUST(go_task_spawn(&task, take_time, &completed) == 0);
	MUST(go_task_join(task, &value) == 0);
	MUST(completed == 1 && GO_TO_INT(value) == 42);
	/* The handle is used up, and harmless. */
	MUST(go_task_join(task, &value) == -ESRCH);
	return NULL;
}

Test(tutorial, a_join_waits_for_a_task_and_takes_its_value)
{
	run_everywhere(keep_the_handle, NULL);
}

/* ---- A handle to the runtime --------------------------------------------- */

struct outside {
	go_runtime *rt;
	go_chan *answers;
	int r;
};

static void *answer(void *arg)
{
	struct outside *o = (struct outside *)arg;
	int n = 42;

	return GO_INT(go_chan_send(o->answers, &n));
}

static void *call_from_outside(void *arg)
{
	struct outside *o = (struct outside *)arg;

	o->r = go_runtime_spawn(o->rt, answer, o);
	return NULL;
}

static void *carry_the_handle(void *unused)
{
	struct outside o;
	pthread_t thread;
	int n = 0;

	(void)unused;
	o.rt = go_runtime_current();
	o.r = -1;
	MUST(go_chan_create(&o.answers, sizeof n, 0) == 0);
	MUST(pthread_create(&thread, NULL, call_from_outside, &o) == 0);
	MUST(go_chan_recv(o.answers, &n) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(o.r == 0 && n == 42);
	MUST(go_chan_destroy(o.answers) == 0);
	return NULL;
}

Test(tutorial, any_thread_may_spawn_with_a_runtime_in_hand)
{
	cr_assert_null(go_runtime_current());
	run_everywhere(carry_the_handle, NULL);
	cr_assert_null(go_runtime_current());
}
