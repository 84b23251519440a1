/* SPDX-License-Identifier: MIT */
/*
 * Tasks that keep their worker: others are served by one that is lent, which
 * goes away again; and the program is told, if it asks.
 *
 * A hog here computes until others have done something: that they do it shows
 * that somebody serves them, and if nobody does the test runs out of time.  So
 * no test relies on how fast anything is.
 */
#include <gofer.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "both.h"
#include "everywhere.h"
#include "support.h"

static ATOMIC(int) hogging, count, served;
static ATOMIC(bool) over;

static void reset(void)
{
	atomic_store(&hogging, 0);
	atomic_store(&count, 0);
	atomic_store(&served, 0);
	atomic_store(&over, false);
}

/* Keeps its worker until all is over. */
static void *hog(void *arg)
{
	atomic_fetch_add(&hogging, 1);
	while (!atomic_load(&over))
		;
	return arg;
}

static void *serve(void *arg)
{
	atomic_fetch_add(&served, 1);
	return arg;
}

static int run(unsigned workers, go_fn *fn, void *arg)
{
	MAKE(go_runtime_options, o, .workers = workers);
	void *result = NULL;
	int r;

	reset();
	r = go_run_with(&o, fn, arg, &result);
	cr_assert_null(result, "%u workers: %s", workers, (const char *)result);
	return r;
}

/* ---- others go on ---- */

enum {
	SLEEPERS = 10,
	TURNS = 10,
	PARTS = SLEEPERS + 1, /* One echoes. */
};

static void part_is_done(void)
{
	if (atomic_fetch_add(&count, 1) == PARTS - 1)
		atomic_store(&over, true);
}

static void *sleep_often(void *arg)
{
	int hogs = GO_TO_INT(arg);

	while (atomic_load(&hogging) < hogs)
		go_sleep(GO_MILLISECOND);
	for (int i = 0; i < TURNS; i++)
		go_sleep(GO_MILLISECOND / 10);
	part_is_done();
	return NULL;
}

static void *echo(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (go_read(fd, &c, 1) == 1 && go_write(fd, &c, 1) == 1)
		;
	return NULL;
}

struct asker {
	int fd, hogs;
	bool failed;
};

/* A plain thread, which expects answers while all workers are hogged. */
static void *ask(void *arg)
{
	struct asker *a = (struct asker *)arg;
	char c = 'x';

	while (atomic_load(&hogging) < a->hogs)
		usleep(1000);
	for (int i = 0; i < TURNS && !a->failed; i++)
		a->failed = write(a->fd, &c, 1) != 1 || read(a->fd, &c, 1) != 1;
	part_is_done();
	shutdown(a->fd, SHUT_RDWR);
	return NULL;
}

static void *hog_them_all(void *arg)
{
	int pair[2], hogs = go_runtime_workers(go_runtime_current());
	struct asker asker;
	pthread_t thread;
	go_group group;

	(void)arg;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	MUST(go_group_init(&group, NULL) == 0);
	asker.fd = pair[1];
	asker.hogs = hogs;
	asker.failed = false;
	MUST(pthread_create(&thread, NULL, ask, &asker) == 0);
	MUST(go_group_spawn(&group, echo, &pair[0]) == 0);
	for (int i = 0; i < SLEEPERS; i++)
		MUST(go_group_spawn(&group, sleep_often, GO_INT(hogs)) == 0);
	for (int i = 0; i < hogs; i++)
		MUST(go_group_spawn(&group, hog, NULL) == 0);
	MUST(go_group_wait(&group) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(!asker.failed);
	MUST(go_close(pair[0]) == 0);
	MUST(close(pair[1]) == 0);
	return NULL;
}

Test(stuck, sleepers_and_sockets_of_one_worker, .timeout = 60)
{
	cr_assert_eq(run(1, hog_them_all, NULL), 0);
}

Test(stuck, sleepers_and_sockets_of_many_workers, .timeout = 60)
{
	cr_assert_eq(run(2, hog_them_all, NULL), 0);
	cr_assert_eq(run(3, hog_them_all, NULL), 0);
}

/* ---- what lies in the hog's own queues ---- */

/* More than a ring holds, and one that it has woken and that lies in `next`. */
enum {
	CHILDREN = 600
};

static void *receive(void *arg)
{
	void *message;

	if (go_chan_recv((go_chan *)arg, &message) == 0)
		atomic_fetch_add(&served, 1);
	return NULL;
}

static void *spawn_and_hog(void *arg)
{
	void *message = NULL;
	go_chan *chan;
	go_task task;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(void *), 0) == 0);
	MUST(go_task_spawn(&task, receive, chan) == 0);
	go_sleep(GO_MILLISECOND); /* Most likely it waits by now. */
	MUST(go_chan_send(chan, &message) == 0);
	for (int i = 0; i < CHILDREN; i++)
		MUST(go_spawn(serve, NULL) == 0);
	while (atomic_load(&served) < CHILDREN + 1)
		;
	MUST(go_task_join(task, NULL) == 0);
	go_chan_destroy(chan);
	return NULL;
}

Test(stuck, own_queues, .timeout = 60)
{
	cr_assert_eq(run(1, spawn_and_hog, NULL), 0);
	cr_assert_eq(run(2, spawn_and_hog, NULL), 0);
}

static void *nothing(void *arg)
{
	return arg;
}

/* Hogs, again and again, with more for others to do while one is lent. */
static void *hog_often(void *arg)
{
	int n = 0;

	(void)arg;
	for (uint64_t i = 0; i < test_rounds(30); i++) {
		for (int k = 0; k < 20; k++)
			MUST(go_spawn(serve, NULL) == 0);
		n += 20;
		for (int k = 0; atomic_load(&served) < n; k++)
			MUST(k >= 1000 || go_spawn(nothing, NULL) == 0);
		for (int k = 0; k < 100; k++)
			go_yield();
		if (i % 4 == 0)
			go_sleep(3 * GO_MILLISECOND);
	}
	return NULL;
}

Test(stuck, lent_and_recalled_again_and_again, .timeout = 120)
{
	MAKE(go_runtime_options, o, .workers = 1, .stuck_after_ns = 1);
	void *result = NULL;

	reset();
	cr_assert_eq(go_run_with(&o, hog_often, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	o.workers = 3;
	reset();
	cr_assert_eq(go_run_with(&o, hog_often, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

static void *pinned_child(void *arg)
{
	*(int *)arg = atomic_load(&over) ? 1 : -1;
	return NULL;
}

static void *let_go(void *arg)
{
	atomic_store(&over, true);
	return arg;
}

/* A pinned task waits for its worker, though others have been served. */
static void *pin(void *arg)
{
	MAKE(go_spawn_options, o, .pinned = true);
	go_task task;
	int seen = 0;

	(void)arg;
	o.task = &task;
	MUST(go_spawn_with(&o, pinned_child, &seen) == 0);
	MUST(go_spawn(let_go, NULL) == 0);
	while (!atomic_load(&over))
		;
	MUST(go_task_join(task, NULL) == 0);
	MUST(seen == 1);
	return NULL;
}

/* One that is lent spawns a pinned task, which outlives the loan. */
static void *pin_elsewhere(void *arg)
{
	(void)arg;
	MUST(pin(NULL) == NULL);
	atomic_fetch_add(&served, 1);
	return NULL;
}

static void *hog_until_served(void *arg)
{
	void *wrong = NULL;
	go_task task;

	(void)arg;
	MUST(go_task_spawn(&task, pin_elsewhere, NULL) == 0);
	while (!atomic_load(&over))
		;
	MUST(go_task_join(task, &wrong) == 0);
	return wrong;
}

Test(stuck, pinned_tasks_wait, .timeout = 60)
{
	cr_assert_eq(run(1, pin, NULL), 0);
	cr_assert_eq(run(1, hog_until_served, NULL), 0);
}

/* ---- the end ---- */

/* Reads a dump; returns whether it shows a worker that is lent. */
static bool is_lent(void)
{
	char text[65536];
	FILE *file = tmpfile();
	size_t n;

	cr_assert_not_null(file);
	cr_assert_eq(go_runtime_dump(go_runtime_current(), fileno(file)), 0);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return strstr(text, "(lent)") != NULL;
}

static void await_recall(void)
{
	while (is_lent())
		go_sleep(GO_MILLISECOND);
}

static void *see_that_it_is_lent(void *arg)
{
	*(bool *)arg = is_lent();
	atomic_store(&over, true);
	return NULL;
}

static void *come_back(void *arg)
{
	bool lent = false;

	(void)arg;
	MUST(go_spawn(see_that_it_is_lent, &lent) == 0);
	while (!atomic_load(&over))
		;
	MUST(lent);
	await_recall();
	return NULL;
}

Test(stuck, recalled_when_the_hog_is_back, .timeout = 60)
{
	cr_assert_eq(run(1, come_back, NULL), 0);
}

/* Returns while one is lent, and tasks are left to be cancelled. */
static void *leave_at_once(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		MUST(go_spawn(serve, NULL) == 0);
	while (atomic_load(&served) < 10)
		;
	for (int i = 0; i < 10; i++)
		MUST(go_spawn(serve, NULL) == 0);
	return NULL;
}

Test(stuck, shutdown_while_lent, .timeout = 60)
{
	for (unsigned i = 0; i < 10; i++) {
		cr_assert_eq(run(1 + i % 2, leave_at_once, NULL), 0);
		cr_assert_eq(atomic_load(&served), 20);
	}
}

/* All wait, one of them on a worker that is lent, but not for ever. */
static void *no_deadlock(void *arg)
{
	void *message = NULL;
	go_chan *chan;
	go_task task;

	(void)arg;
	MUST(go_chan_create(&chan, sizeof(void *), 0) == 0);
	for (int i = 0; i < 5; i++) {
		MUST(go_task_spawn(&task, receive, chan) == 0);
		MUST(go_spawn(let_go, NULL) == 0);
		while (!atomic_load(&over))
			;
		atomic_store(&over, false);
		MUST(go_chan_send(chan, &message) == 0);
		MUST(go_task_join(task, NULL) == 0);
	}
	MUST(atomic_load(&served) == 5);
	go_chan_destroy(chan);
	return NULL;
}

Test(stuck, no_deadlock_while_lent, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1,
	     .deadlock_after_ns = GO_MILLISECOND);
	void *result = NULL;

	reset();
	cr_assert_eq(go_run_with(&o, no_deadlock, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
}

/* ---- reports ---- */

static struct {
	ATOMIC(int) reports;
	go_stuck_report first;
	char name[16];
} told;

static void on_stuck(const go_stuck_report *r, void *arg)
{
	if (atomic_load(&told.reports) == 0) {
		told.first = *r;
		if (r->name)
			strncpy(told.name, r->name, sizeof(told.name) - 1);
	}
	atomic_fetch_add((ATOMIC(int) *)arg, 1);
}

/* Of hogs only: the main task, too, may be kept from its CPU for so long, by
 * the system, while somebody waits. */
static void on_hog(const go_stuck_report *r, void *arg)
{
	if (r->name && strcmp(r->name, "hog") == 0)
		on_stuck(r, arg);
}

/* Until `arg` reports have come; 0: until another task has been served. */
static void *hog_until_told(void *arg)
{
	int before = atomic_load(&served), n = GO_TO_INT(arg);

	if (go_spawn(serve, NULL) != 0)
		return GO_INT(-1);
	while (atomic_load(&told.reports) < n ||
	       (n == 0 && atomic_load(&served) == before))
		;
	return NULL;
}

/* Each of the two calls is a site of its own. */
static int spawn_named(go_task *task, void *arg, bool elsewhere)
{
	MAKE(go_spawn_options, o, .name = "hog");

	o.task = task;
	if (elsewhere)
		return go_spawn_with(&o, hog_until_told, arg);
	return go_spawn_with(&o, hog_until_told, arg);
}

static void *tell(void *arg)
{
	go_task task;

	(void)arg;
	MUST(spawn_named(&task, GO_INT(1), false) == 0);
	MUST(go_task_join(task, NULL) == 0);
	MUST(told.first.runtime == go_runtime_current());
	MUST(told.first.task == task.id);
	MUST(strcmp(told.name, "hog") == 0);
	MUST(strstr(told.first.site, "test_stuck.c:") != NULL);
	MUST(told.first.ran_ns >= 10 * GO_MILLISECOND);
	/* The same site once more, and another one; nobody waits for a hog
	 * while one is still lent. */
	await_recall();
	MUST(spawn_named(&task, GO_INT(0), false) == 0);
	MUST(go_task_join(task, NULL) == 0);
	await_recall();
	MUST(atomic_load(&told.reports) == 1);
	MUST(spawn_named(&task, GO_INT(2), true) == 0);
	MUST(go_task_join(task, NULL) == 0);
	return NULL;
}

Test(stuck, told_once_for_each_site, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1, .on_stuck = on_hog,
	     .on_stuck_arg = &told.reports);
	void *result = NULL;

	reset();
	cr_assert_eq(go_run_with(&o, tell, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&told.reports), 2);
}

Test(stuck, a_line)
{
	MAKE(go_stuck_report, r, .task = 7, .name = "digger",
	     .site = "mine.c:12", .ran_ns = 13 * GO_MILLISECOND);
	char text[256] = {0};
	int ends[2], saved = dup(2);

	cr_assert_eq(pipe(ends), 0);
	cr_assert_geq(dup2(ends[1], 2), 0);
	go_stuck_print(&r, NULL);
	go_stuck_print(NULL, NULL);
	cr_assert_geq(dup2(saved, 2), 0);
	cr_assert_gt(read(ends[0], text, sizeof(text) - 1), 0);
	cr_assert_str_eq(text,
			 "gofer: task 7 \"digger\" from mine.c:12 has kept"
			 " its worker for 13 ms while others wait\n");
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

/* ---- off ---- */

static void *not_served(void *arg)
{
	struct timespec pause = {0, 50 * 1000 * 1000};
	go_task task;

	(void)arg;
	MUST(go_task_spawn(&task, serve, NULL) == 0);
	nanosleep(&pause, NULL);
	MUST(atomic_load(&served) == 0);
	MUST(go_task_join(task, NULL) == 0);
	return NULL;
}

Test(stuck, off, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1, .stuck_after_ns = GO_NEVER,
	     .on_stuck = on_stuck, .on_stuck_arg = &told.reports);
	void *result = NULL;

	reset();
	cr_assert_eq(go_run_with(&o, not_served, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&told.reports), 0);
	o.stuck_after_ns = -1;
	cr_assert_eq(go_run_with(&o, not_served, NULL, NULL), -EINVAL);
}

Test(stuck, off_in_the_environment, .timeout = 60)
{
	cr_assert_eq(setenv("GOFER_STUCK_AFTER_NS", "never", 1), 0);
	cr_assert_eq(run(1, not_served, NULL), 0);
}

/* No threads means no threads. */
Test(stuck, nothing_is_lent_on_the_current_thread, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD,
	     .on_stuck = on_stuck, .on_stuck_arg = &told.reports);
	void *result = NULL;

	reset();
	cr_assert_eq(go_run_with(&o, not_served, NULL, &result), 0);
	cr_assert_null(result, "%s", (const char *)result);
	cr_assert_eq(atomic_load(&told.reports), 0);
}

/* ---- what fails ---- */

#ifdef GO_TEST_HOOKS
static void *fail_and_hog(void *arg)
{
	go_task task;

	test_fail_nth_with((enum go__sys_call)GO_TO_INT(arg), 1, -EAGAIN);
	MUST(go_task_spawn(&task, serve, NULL) == 0);
	while (atomic_load(&served) == 0)
		;
	MUST(test_fail_stop());
	MUST(go_task_join(task, NULL) == 0);
	return NULL;
}

/* It is lent all the same, a little later. */
Test(stuck, no_thread_at_first, .timeout = 60)
{
	cr_assert_eq(run(1, fail_and_hog, GO_INT(GO__SYS_thread_create)), 0);
	cr_assert_eq(run(2, hog_them_all, NULL), 0);
}

static int no_membarrier(enum go__sys_call call)
{
	return call == GO__SYS_membarrier ? -ENOSYS : 0;
}

/* Where there is no such call a lone worker shares its queues always. */
Test(stuck, no_membarrier, .timeout = 60)
{
	atomic_store(&go__sys_hook, no_membarrier);
	cr_assert_eq(run(1, spawn_and_hog, NULL), 0);
	cr_assert_eq(run(1, hog_them_all, NULL), 0);
}
#endif
