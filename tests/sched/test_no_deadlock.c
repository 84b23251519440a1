/* SPDX-License-Identifier: MIT */
/*
 * What is no deadlock is not reported, however often somebody looks: in each of
 * these programs all tasks wait, or seem to, while something can wake them.
 */
#include "deadlock.h"

enum {
	WORK_US = 50 * 1000, /* Many times as long as the shortest patience. */
};

/* ---- what is none: other threads ---- */

static go_chan *chan;
static ATOMIC(int) sent;

static void *send_later(void *arg)
{
	int v = 1;

	usleep(WORK_US);
	(void)arg;
	return GO_INT(go_chan_send(chan, &v));
}

/* Receive what a thread that runs fn is going to send. */
static void *receive_from(go_fn *fn, void *arg)
{
	pthread_t thread;
	void *result;
	int v;

	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	MUST(pthread_create(&thread, NULL, fn, arg) == 0);
	MUST(go_chan_recv(chan, &v) == 0);
	MUST(pthread_join(thread, &result) == 0);
	MUST(result == NULL);
	MUST(go_chan_destroy(chan) == 0);
	return NULL;
}

static void *thread_that_sends(void *arg)
{
	return receive_from(send_later, arg);
}

/* A task in a section counts as a thread that does anything. */
static void *send_from_a_section(void *arg)
{
	void *r;

	if (go_blocking_begin() < 0)
		return send_later(arg);
	r = send_later(arg);
	(void)go_blocking_end();
	return r;
}

static void *section_that_sends(void *arg)
{
	go_task task;
	void *result;
	int v;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	MUST(go_task_spawn(&task, send_from_a_section, NULL) == 0);
	MUST(go_chan_recv(chan, &v) == 0);
	MUST(go_task_join(task, &result) == 0);
	MUST(result == NULL);
	MUST(go_chan_destroy(chan) == 0);
	return NULL;
}

Test(no_deadlock, with_a_section_that_sends, .timeout = 60)
{
	not_reported(section_that_sends);
}

Test(no_deadlock, with_a_thread_that_sends, .timeout = 60)
{
	not_reported(thread_that_sends);
}

static void *receive_then_send(void *arg)
{
	go_chan *c;
	int v, r;

	(void)arg;
	if (go_chan_create(&c, sizeof(v), 0) < 0)
		return GO_INT(1);
	{
		GO_TIMEOUT(WORK_US * GO_MICROSECOND);

		r = go_chan_recv(c, &v);
	}
	go_chan_destroy(c);
	return r == -ETIMEDOUT ? send_later(NULL) : GO_INT(2);
}

static void *thread_that_receives(void *arg)
{
	return receive_from(receive_then_send, arg);
}

Test(no_deadlock, with_a_thread_that_waits, .timeout = 60)
{
	not_reported(thread_that_receives);
}

static void *join_then_send(void *arg)
{
	int r;

	{
		GO_TIMEOUT(WORK_US * GO_MICROSECOND);

		r = go_task_join(*(go_task *)arg, NULL);
	}
	return r == -ETIMEDOUT ? send_later(NULL) : GO_INT(2);
}

static void *thread_that_joins(void *arg)
{
	go_chan *c;
	go_task t;
	void *result;

	(void)arg;
	MUST(go_chan_create(&c, sizeof(int), 0) == 0);
	MUST(go_task_spawn(&t, receive_cancelled, c) == 0);
	result = receive_from(join_then_send, &t);
	MUST(go_task_cancel(t) == 0);
	MUST(go_task_join(t, NULL) == 0);
	MUST(go_chan_destroy(c) == 0);
	return result;
}

Test(no_deadlock, with_a_thread_that_joins_for_a_while, .timeout = 60)
{
	not_reported(thread_that_joins);
}

/* Threads that come and go, one of which is always there. */
static void *send_and_pass_on(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int v = GO_TO_INT(arg);

	for (uint32_t n = test_random(20000); n; n--)
		sent++;
	if (go_chan_send(chan, &v) < 0 || v == 0)
		return NULL;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, send_and_pass_on, GO_INT(v - 1)))
		abort();
	return NULL;
}

static void *relay(void *arg)
{
	int v = (int)test_rounds(1000);
	pthread_t thread;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	MUST(pthread_create(&thread, NULL, send_and_pass_on, GO_INT(v)) == 0);
	MUST(pthread_detach(thread) == 0);
	do
		MUST(go_chan_recv(chan, &v) == 0);
	while (v != 0);
	return NULL;
}

Test(no_deadlock, with_threads_that_come_and_go, .timeout = 120)
{
	for (unsigned workers = 0; workers <= 3; workers++) {
		MAKE(struct run, a, .options.workers = workers,
		     .options.flavour =
			     workers ? GO_MULTI_THREAD : GO_CURRENT_THREAD,
		     .options.deadlock_after_ns = 1, .body = relay);

		cr_assert_eq(in_a_process(run, &a), 0);
		cr_assert_null(outcome->result, "%s", outcome->result);
		cr_assert_eq(outcome->r, 0);
		cr_assert_str_eq(text, "");
	}
}

/* ---- what is none: other runtimes ---- */

static void *send_it(void *arg)
{
	int v = 1;

	(void)arg;
	go_sleep(WORK_US * GO_MICROSECOND);
	return GO_INT(go_chan_send(chan, &v));
}

static void *other_runtime(void *arg)
{
	MAKE(go_runtime_options, o, .workers = 1);
	go_runtime *rt;
	int v;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	MUST(go_runtime_create(&rt, &o) == 0);
	MUST(go_runtime_spawn(rt, send_it, NULL) == 0);
	MUST(go_chan_recv(chan, &v) == 0);
	MUST(go_runtime_shutdown(rt, GO_NEVER) == 0);
	MUST(go_runtime_destroy(rt) == 0);
	MUST(go_chan_destroy(chan) == 0);
	return NULL;
}

Test(no_deadlock, with_another_runtime, .timeout = 60)
{
	not_reported(other_runtime);
}

/* ---- what is none: time, descriptors, a task that runs ---- */

static void *task_that_sleeps(void *arg)
{
	go_task t;
	int v;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	MUST(go_task_spawn(&t, send_it, NULL) == 0);
	MUST(go_chan_recv(chan, &v) == 0);
	MUST(go_task_join(t, NULL) == 0);
	MUST(go_chan_destroy(chan) == 0);
	return NULL;
}

Test(no_deadlock, with_a_task_that_sleeps, .timeout = 60)
{
	not_reported(task_that_sleeps);
}

static void *bounded(void *arg)
{
	go_case k[2] = {ALL_ZERO, ALL_ZERO};
	go_group_options o = ALL_ZERO;
	go_group group;
	int v;

	(void)arg;
	k[0].kind = GO_CASE_RECV;
	k[1].kind = GO_CASE_TIME;
	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	k[0].chan = chan;
	k[0].value = &v;
	k[1].when_ns = go_now() + WORK_US * GO_MICROSECOND;
	MUST(go_select(k, 2) == 1);
	{
		GO_TIMEOUT(WORK_US * GO_MICROSECOND);

		MUST(go_chan_recv(chan, &v) == -ETIMEDOUT);
	}
	o.deadline_ns = go_now() + WORK_US * GO_MICROSECOND;
	MUST(go_group_init(&group, &o) == 0);
	MUST(go_group_spawn(&group, receive_cancelled, chan) == 0);
	MUST(go_group_wait(&group) == -ETIMEDOUT);
	MUST(go_chan_destroy(chan) == 0);
	return NULL;
}

Test(no_deadlock, with_deadlines, .timeout = 60)
{
	not_reported(bounded);
}

static int alarm_after(int us)
{
	MAKE(struct itimerval, when, .it_value.tv_sec = us / 1000000,
	     .it_value.tv_usec = us % 1000000);

	return setitimer(ITIMER_REAL, &when, NULL);
}

static int pipes[2];

static void *read_one(void *arg)
{
	char c;

	(void)arg;
	return GO_INT(go_read(pipes[0], &c, 1) != 1);
}

/* The main task waits for one that waits for what another process writes. */
static void *read_what_comes(void *arg)
{
	go_task t;
	void *result;

	(void)arg;
	MUST(go_task_spawn(&t, read_one, NULL) == 0);
	MUST(go_task_join(t, &result) == 0);
	MUST(result == NULL);
	return NULL;
}

static void *select_what_comes(void *arg)
{
	go_case k[2];
	char c;
	int v;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(v), 0) == 0);
	k[0] = GO_RECV(chan, &v);
	k[1] = GO_READABLE(pipes[0]);
	MUST(go_select(k, 2) == 1);
	MUST(go_read(pipes[0], &c, 1) == 1);
	MUST(go_chan_destroy(chan) == 0);
	return NULL;
}

static void run_beside_a_writer(void *arg)
{
	pid_t writer;

	if (pipe(pipes) < 0 || (writer = fork()) < 0)
		abort();
	if (writer == 0) {
		usleep(WORK_US);
		_exit(write(pipes[1], "x", 1) != 1);
	}
	run(arg);
	waitpid(writer, NULL, 0);
}

static void beside_a_writer(go_fn *body, int flavour)
{
	MAKE(struct run, a, .options.flavour = flavour,
	     .options.deadlock_after_ns = SHORTEST, .body = body);

	cr_assert_eq(in_a_process(run_beside_a_writer, &a), 0);
	cr_assert_null(outcome->result, "%s", outcome->result);
	cr_assert_eq(outcome->r, 0);
	cr_assert_str_eq(text, "");
}

Test(no_deadlock, with_a_descriptor, .timeout = 60)
{
	beside_a_writer(read_what_comes, GO_CURRENT_THREAD);
	beside_a_writer(read_what_comes, GO_MULTI_THREAD);
	beside_a_writer(select_what_comes, GO_CURRENT_THREAD);
	beside_a_writer(select_what_comes, GO_MULTI_THREAD);
	beside_a_writer(select_what_comes, GO_HOME_THREAD);
}

static go_mutex first = GO_MUTEX_INIT;

static void *lock_first(void *arg)
{
	(void)arg;
	MUST(go_mutex_lock(&first) == 0);
	MUST(go_mutex_unlock(&first) == 0);
	return NULL;
}

static void *run_while_others_wait(void *arg)
{
	int64_t end = go_now() + WORK_US * GO_MICROSECOND;
	go_task t;

	(void)arg;
	MUST(go_mutex_lock(&first) == 0);
	MUST(go_task_spawn(&t, lock_first, NULL) == 0);
	while (go_now() < end)
		;
	MUST(go_mutex_unlock(&first) == 0);
	MUST(go_task_join(t, NULL) == 0);
	return NULL;
}

Test(no_deadlock, while_a_task_runs, .timeout = 60)
{
	not_reported(run_while_others_wait);
}

/* Dumps on a signal, all the time. */
static void *dump_all_the_time(void *arg)
{
	MAKE(struct itimerval, when, .it_value.tv_usec = 1000,
	     .it_interval.tv_usec = 1000);

	MUST(setitimer(ITIMER_REAL, &when, NULL) == 0);
	return task_that_sleeps(arg);
}

Test(no_deadlock, with_a_signal_that_dumps, .timeout = 60)
{
	MAKE(struct run, a, .options.workers = 2,
	     .options.dump_signal = SIGALRM,
	     .options.deadlock_after_ns = SHORTEST, .body = dump_all_the_time);

	cr_assert_eq(in_a_process(run, &a), 0);
	cr_assert_eq(outcome->r, 0);
	cr_assert_null(outcome->result, "%s", outcome->result);
	cr_assert_eq(count("gofer: deadlock: "), 0, "%s", text);
	cr_assert(count("gofer: runtime 0x") > 0);
}

/* ---- what is none: tasks that wake each other all the time ---- */

enum {
	RING = 5,
};

struct seat {
	go_chan *from, *to;
};

static void *pass_on(void *arg)
{
	struct seat *s = (struct seat *)arg;
	int v;

	do {
		MUST(go_chan_recv(s->from, &v) == 0);
		if (v % 7 == 0)
			go_yield();
		v--;
		/* Nobody takes the last one. */
		if (v >= -RING)
			MUST(go_chan_send(s->to, &v) == 0);
	} while (v > 0);
	return NULL;
}

/* One token goes round: at any moment all wait, or all but one. */
static void *token(void *arg)
{
	go_chan *c[RING];
	struct seat seat[RING];
	go_task t[RING];
	void *result;
	int v = (int)test_rounds(20000);

	(void)arg;
	for (int i = 0; i < RING; i++)
		MUST(go_chan_create(&c[i], sizeof(v), 1) == 0);
	for (int i = 0; i < RING; i++) {
		ASSIGN(struct seat, seat[i], {c[i], c[(i + 1) % RING]});
		MUST(go_task_spawn(&t[i], pass_on, &seat[i]) == 0);
	}
	MUST(go_chan_send(c[0], &v) == 0);
	for (int i = 0; i < RING; i++)
		MUST(go_task_join(t[i], &result) == 0 && result == NULL);
	for (int i = 0; i < RING; i++)
		MUST(go_chan_destroy(c[i]) == 0);
	return NULL;
}

Test(no_deadlock, while_a_token_is_passed_on, .timeout = 120)
{
	for (unsigned workers = 1; workers <= 4; workers++)
		for (int migrate = 0; migrate <= 1; migrate++) {
			MAKE(struct run, a, .options.workers = workers,
			     .options.migrate = migrate != 0,
			     .options.deadlock_after_ns = 1, .body = token);

			cr_assert_eq(in_a_process(run, &a), 0);
			cr_assert_null(outcome->result, "%s", outcome->result);
			cr_assert_eq(outcome->r, 0);
			cr_assert_str_eq(text, "");
		}
}

/* ---- what is left alone: only a signal can end these programs ---- */

static void *sleep_on(void *arg)
{
	(void)arg;
	go_sleep(GO_NEVER);
	return NULL;
}

static void *spawn_and_receive(void *arg)
{
	MUST(go_spawn(sleep_on, NULL) == 0);
	return receive(arg);
}

static void ends_by_the_alarm(void (*fn)(void *), struct run *a)
{
	int status = in_a_process(fn, a);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	cr_assert_str_eq(text, "");
}

static void run_until_alarm(void *arg)
{
	alarm_after(WORK_US);
	run(arg);
}

Test(no_deadlock, while_a_task_sleeps_for_ever, .timeout = 60)
{
	MAKE(struct run, a, .options.workers = 2,
	     .options.deadlock_after_ns = SHORTEST, .body = spawn_and_receive);

	ends_by_the_alarm(run_until_alarm, &a);
}

static void run_beside_another(void *arg)
{
	struct run *a = (struct run *)arg;
	go_runtime *rt;

	if (go_runtime_create(&rt, &a->options) == 0)
		run_until_alarm(arg);
}

Test(no_deadlock, beside_a_runtime_that_rests, .timeout = 60)
{
	MAKE(struct run, a, .options.flavour = GO_CURRENT_THREAD,
	     .options.deadlock_after_ns = SHORTEST, .body = receive);

	ends_by_the_alarm(run_beside_another, &a);
}

Test(no_deadlock, when_turned_off, .timeout = 60)
{
	MAKE(struct run, a, .options.workers = 2,
	     .options.deadlock_after_ns = GO_NEVER, .body = receive);

	ends_by_the_alarm(run_until_alarm, &a);
}

static void block_on_until_alarm(void *arg)
{
	go_runtime *rt;

	(void)arg;
	alarm_after(2000 * 1000); /* Longer than what go_run() waits. */
	if (go_runtime_create(&rt, NULL) == 0)
		(void)go_runtime_block_on(rt, receive, NULL, NULL);
}

Test(no_deadlock, without_the_option, .timeout = 60)
{
	ends_by_the_alarm(block_on_until_alarm, NULL);
}
