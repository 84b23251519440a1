/* SPDX-License-Identifier: MIT */
/*
 * Blocking sections: the worker goes on without the task's thread, the caller
 * counts as a plain thread, and is a task again at the end.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <gofer.h>

#include "both.h"
#include "support.h"
#include "test.h"

static void *box(int n)
{
	return (void *)(intptr_t)n;
}

static void run_with(int flavour, unsigned workers, go_fn *main_fn)
{
	MAKE(go_runtime_options, o, .flavour = flavour, .workers = workers);

	cr_assert_eq(go_run_with(&o, main_fn, NULL, NULL), 0);
}

static void run_in_all(go_fn *main_fn)
{
	run_with(GO_MULTI_THREAD, 1, main_fn);
	run_with(GO_MULTI_THREAD, 3, main_fn);
	run_with(GO_HOME_THREAD, 1, main_fn);
	run_with(GO_HOME_THREAD, 3, main_fn);
}

/* ---- others go on ---- */

static int pipe_ends[2];

static void *writes(void *arg)
{
	cr_assert_eq(write(pipe_ends[1], "x", 1), 1);
	return arg;
}

/* With one worker nobody could write if the section kept it. */
static void *blocks_main(void *arg)
{
	char c = 0;

	cr_assert_eq(pipe(pipe_ends), 0);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(go_spawn(writes, NULL), 0);
		cr_assert_eq(go_blocking_begin(), 0);
		cr_assert_eq(read(pipe_ends[0], &c, 1), 1);
		cr_assert_eq(go_blocking_end(), 0);
		cr_assert_eq(c, 'x');
	}
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return arg;
}

Test(section, others_go_on, .timeout = 20)
{
	run_in_all(blocks_main);
}

/* ---- a plain thread ---- */

static void *posts(void *arg)
{
	cr_assert_eq(go_semaphore_post((go_semaphore *)arg), 0);
	return arg;
}

static void *plain_main(void *arg)
{
	go_semaphore sem = GO_SEMAPHORE_INIT(0);
	pthread_t self;
	go_runtime *rt = go_runtime_current();

	cr_assert_eq(go_blocking_begin(), 0);
	self = pthread_self();
	cr_assert_null(go_task_self().block);
	cr_assert(!go_cancelled());
	cr_assert_eq(go_runtime_current(), rt);
	cr_assert_eq(go_spawn(posts, &sem), 0);
	cr_assert_eq(go_semaphore_acquire(&sem), 0);
	cr_assert_eq(go_sleep(GO_MILLISECOND), 0);
	cr_assert(pthread_equal(self, pthread_self()));
	cr_assert_eq(go_runtime_block_on(rt, posts, &sem, NULL), 0);
	cr_assert_eq(go_semaphore_acquire(&sem), 0);
	cr_assert_eq(go_blocking_spawn(posts, &sem), 0);
	cr_assert_eq(go_semaphore_acquire(&sem), 0);
	cr_assert_eq(go_runtime_shutdown(rt, 0), -EDEADLK);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_not_null(go_task_self().block);
	cr_assert_eq(go_spawn(posts, &sem), 0);
	cr_assert_eq(go_semaphore_acquire(&sem), 0);
	return arg;
}

Test(section, counts_as_a_plain_thread, .timeout = 20)
{
	run_in_all(plain_main);
}

static go_key key;

static void *scopes_main(void *arg)
{
	go_deadline outer, inner;
	int64_t when = go_now() + 100 * GO_SECOND;

	cr_assert_eq(go_local_set(key, box(1)), 0);
	cr_assert_eq(go_deadline_begin(&outer, when), 0);
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_deadline_current(), when);
	cr_assert_eq(go_timeout_begin(&inner, GO_MILLISECOND), 0);
	cr_assert_eq(go_sleep(GO_SECOND), -ETIMEDOUT);
	go_deadline_end(&inner);
	cr_assert_eq(go_local_get(key), box(1));
	cr_assert_eq(go_local_set(key, box(2)), 0);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_eq(go_deadline_current(), when);
	cr_assert_eq(go_local_get(key), box(2));
	go_deadline_end(&outer);
	cr_assert_eq(go_deadline_current(), GO_NEVER);
	return arg;
}

Test(section, deadlines_and_locals_hold_on, .timeout = 20)
{
	cr_assert_eq(go_key_create(&key, NULL), 0);
	run_in_all(scopes_main);
}

/* A shield may end, and begin, on either side. */
static void *shields_main(void *arg)
{
	go_shield outer, inner;

	cr_assert_eq(go_task_cancel(go_task_self()), 0);
	cr_assert_eq(go_shield_begin(&outer), 0);
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert(!go_cancelled());
	go_shield_end(&outer);
	cr_assert(go_cancelled());
	cr_assert_eq(go_shield_begin(&inner), 0);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert(!go_cancelled());
	cr_assert_eq(go_sleep(1), 0);
	go_shield_end(&inner);
	cr_assert_eq(go_sleep(GO_SECOND), -ECANCELED);
	return arg;
}

Test(section, shields_hold_on, .timeout = 20)
{
	run_in_all(shields_main);
}

static void *waits_for_itself(void *group)
{
	go_task self = go_task_self();

	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_task_join(self, NULL), -EDEADLK);
	if (group)
		cr_assert_eq(go_group_wait((go_group *)group), -EDEADLK);
	cr_assert_eq(go_blocking_end(), 0);
	return NULL;
}

static void *circles_main(void *arg)
{
	go_group group;
	go_task task;

	cr_assert_eq(go_task_spawn(&task, waits_for_itself, NULL), 0);
	cr_assert_eq(go_task_join(task, NULL), 0);
	cr_assert_eq(go_group_init(&group, NULL), 0);
	cr_assert_eq(go_group_spawn(&group, waits_for_itself, &group), 0);
	cr_assert_eq(go_group_wait(&group), 0);
	go_group_end(&group);
	return arg;
}

Test(section, a_wait_for_oneself_is_refused, .timeout = 20)
{
	run_in_all(circles_main);
}

/* ---- other runtimes ---- */

static void *refused_main(void *arg)
{
	cr_assert_eq(go_blocking_begin(), -ENOTSUP);
	cr_assert_eq(go_blocking_end(), -EINVAL);
	return arg;
}

static void *other_main(void *arg)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);
	go_runtime *own = go_runtime_current(), *other;

	cr_assert_eq(go_runtime_create(&other, &o), 0);
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_runtime_block_on(other, refused_main, NULL, NULL), 0);
	cr_assert_eq(go_run(waits_for_itself, NULL), 0);
	cr_assert_eq(go_runtime_enter(other), 0);
	cr_assert_eq(go_runtime_current(), other);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_eq(go_runtime_current(), own);
	cr_assert_eq(go_runtime_shutdown(other, GO_NEVER), 0);
	/* -EBUSY if the thread were still in it. */
	cr_assert_eq(go_runtime_destroy(other), 0);
	return arg;
}

Test(section, may_use_other_runtimes, .timeout = 20)
{
	run_in_all(other_main);
}

/* ---- begin and end ---- */

static void *balance_main(void *arg)
{
	cr_assert_eq(go_blocking_end(), -EINVAL);
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_null(go_task_self().block);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_not_null(go_task_self().block);
	cr_assert_eq(go_blocking_end(), -EINVAL);
	return arg;
}

Test(section, begin_and_end_nest, .timeout = 20)
{
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_eq(go_blocking_end(), 0);
	run_in_all(balance_main);
}

static void *returns_inside(void *arg)
{
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_blocking_begin(), 0);
	return arg;
}

static void *returns_main(void *arg)
{
	void *result = NULL;
	go_task task;

	for (int i = 0; i < 20; i++) {
		cr_assert_eq(go_task_spawn(&task, returns_inside, box(i)), 0);
		cr_assert_eq(go_task_join(task, &result), 0);
		cr_assert_eq(result, box(i));
	}
	return arg;
}

Test(section, a_return_ends_it, .timeout = 20)
{
	run_in_all(returns_main);
}

Test(section, current_thread_has_no_other, .timeout = 10)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);

	cr_assert_eq(go_run_with(&o, refused_main, NULL, NULL), 0);
}

/* ---- cancellation, shutdown ---- */

struct cancelled {
	go_semaphore begun, go_on;
	int seen;
};

static void *cancelled_inside(void *arg)
{
	struct cancelled *c = (struct cancelled *)arg;

	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_semaphore_post(&c->begun), 0);
	cr_assert_eq(go_semaphore_acquire(&c->go_on), 0);
	cr_assert(go_cancelled());
	cr_assert_eq(go_sleep(1), 0);
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert(go_cancelled());
	c->seen = go_sleep(GO_SECOND);
	return NULL;
}

static void *cancel_main(void *arg)
{
	struct cancelled c = {GO_SEMAPHORE_INIT(0), GO_SEMAPHORE_INIT(0), 0};
	go_task task;

	cr_assert_eq(go_task_spawn(&task, cancelled_inside, &c), 0);
	cr_assert_eq(go_semaphore_acquire(&c.begun), 0);
	cr_assert_eq(go_task_cancel(task), 0);
	cr_assert_eq(go_semaphore_post(&c.go_on), 0);
	cr_assert_eq(go_task_join(task, NULL), 0);
	cr_assert_eq(c.seen, -ECANCELED);
	return arg;
}

Test(section, cancellation_is_seen_at_the_end, .timeout = 20)
{
	run_in_all(cancel_main);
}

static struct cancelled left;

static void *leave_one(void *arg)
{
	cr_assert_eq(go_spawn(cancelled_inside, &left), 0);
	cr_assert_eq(go_semaphore_acquire(&left.begun), 0);
	return arg;
}

/* Does the dump say where the task is? */
static bool is_named(go_runtime *rt)
{
	char text[4096];
	ssize_t n;
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cr_assert_eq(go_runtime_dump(rt, fd[1]), 0);
	close(fd[1]);
	n = read(fd[0], text, sizeof(text) - 1);
	close(fd[0]);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	return strstr(text, ": in a blocking section") != NULL;
}

Test(section, shutdown_leaves_it_behind, .timeout = 20)
{
	go_runtime *rt;

	ASSIGN(struct cancelled, left,
	       {GO_SEMAPHORE_INIT(0), GO_SEMAPHORE_INIT(0), 0});
	cr_assert_eq(go_runtime_create(&rt, NULL), 0);
	cr_assert_eq(go_runtime_block_on(rt, leave_one, NULL, NULL), 0);
	cr_assert_eq(go_runtime_shutdown(rt, 20 * GO_MILLISECOND), 1);
	cr_assert(is_named(rt));
	cr_assert_eq(go_runtime_destroy(rt), -EBUSY);
	cr_assert_eq(go_semaphore_post(&left.go_on), 0);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	cr_assert_eq(left.seen, -ECANCELED);
}

/* ---- pinned tasks, errno ---- */

static void *busy(void *arg)
{
	for (int i = 0; i < 300; i++)
		go_yield();
	return arg;
}

static void *pinned(void *arg)
{
	for (int i = 0; i < 50; i++) {
		cr_assert_eq(go_blocking_begin(), 0);
		errno = i;
		cr_assert_eq(go_blocking_end(), 0);
		cr_assert_eq(go_errno(), i);
		go_yield();
	}
	return arg;
}

static void *pinned_main(void *arg)
{
	go_task task[8];

	for (int i = 0; i < 8; i++) {
		MAKE(go_spawn_options, o, .pinned = i % 2 == 0,
		     .task = &task[i]);

		cr_assert_eq(go_spawn_with(&o, pinned, NULL), 0);
		cr_assert_eq(go_spawn(busy, NULL), 0);
	}
	for (int i = 0; i < 8; i++)
		cr_assert_eq(go_task_join(task[i], NULL), 0);
	return arg;
}

Test(section, many_at_once_pinned_and_not, .timeout = 30)
{
	MAKE(go_runtime_options, o, .workers = 2, .blocking_keep_alive_ns = 1);

	run_in_all(pinned_main);
	cr_assert_eq(go_run_with(&o, pinned_main, NULL, NULL), 0);
}

static void *keeps_errno(void *arg)
{
	errno = 77;
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_errno(), 77);
	cr_assert_eq(errno, 77);
	errno = 78;
	cr_assert_eq(go_blocking_end(), 0);
	cr_assert_eq(go_errno(), 78);
	return arg;
}

Test(section, errno_stays, .timeout = 20)
{
	run_in_all(keeps_errno);
}

/* ---- in a job, in a guest ---- */

static void *inside_of_a_job(void *arg)
{
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_blocking_end(), 0);
	return arg;
}

static void *job_main(void *arg)
{
	cr_assert_eq(go_blocking(inside_of_a_job, NULL, NULL), 0);
	/* And a job in a section is run in place. */
	cr_assert_eq(go_blocking_begin(), 0);
	cr_assert_eq(go_blocking(inside_of_a_job, NULL, NULL), 0);
	cr_assert_eq(go_blocking_end(), 0);
	return arg;
}

Test(section, jobs_need_none, .timeout = 20)
{
	run_in_all(job_main);
}

Test(section, guests_have_no_other_thread, .timeout = 20)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);
	go_runtime *rt;

	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	cr_assert_eq(go_runtime_spawn(rt, refused_main, NULL), 0);
	cr_assert_geq(go_runtime_turn(rt, 0, 0), 1);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

/* ---- lent workers ---- */

static ATOMIC(int) begun;

/* Only a worker that is lent can get here: the others are hogged. */
static void *in_lent(void *arg)
{
	char c;

	cr_assert_eq(go_blocking_begin(), 0);
	atomic_fetch_add(&begun, 1);
	cr_assert_eq(read(pipe_ends[0], &c, 1), 1);
	cr_assert_eq(go_blocking_end(), 0);
	return arg;
}

static void *hogs(void *arg)
{
	go_task task;
	int before = atomic_load(&begun);

	cr_assert_eq(go_task_spawn(&task, in_lent, NULL), 0);
	while (atomic_load(&begun) == before)
		;
	/* Meanwhile it is recalled, from its second thread. */
	cr_assert_eq(go_sleep(test_random(20) * GO_MILLISECOND), 0);
	cr_assert_eq(write(pipe_ends[1], "x", 1), 1);
	cr_assert_eq(go_task_join(task, NULL), 0);
	return arg;
}

static void *lent_main(void *arg)
{
	cr_assert_eq(pipe(pipe_ends), 0);
	/* Under valgrind, where one thread runs at a time, each takes long. */
	for (uint64_t i = test_rounds(20); i > 0; i--)
		hogs(NULL);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return arg;
}

Test(section, a_lent_worker_is_handed_over, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1,
	     .stuck_after_ns = GO_MILLISECOND);

	cr_assert_eq(go_run_with(&o, lent_main, NULL, NULL), 0);
}

static void not_our_site(const go_stuck_report *r, void *site)
{
	/* Others may be stuck, on a machine with much to do. */
	if (r->site && strcmp(r->site, (const char *)site) == 0)
		atomic_fetch_add(&begun, 1);
}

static const char site[] = "the task in a section";

static void *blocks_long(void *arg)
{
	cr_assert_eq(go_blocking_begin(), 0);
	usleep(300 * 1000);
	cr_assert_eq(go_blocking_end(), 0);
	return arg;
}

static void *watched_main(void *arg)
{
	go_task task;

	cr_assert_eq(go_task_spawn_at(&task, blocks_long, NULL, site), 0);
	/* There is always somebody who would have to wait. */
	for (int i = 0; i < 300; i++)
		go_sleep(GO_MILLISECOND);
	cr_assert_eq(go_task_join(task, NULL), 0);
	return arg;
}

Test(section, is_not_reported_as_stuck, .timeout = 60)
{
	MAKE(go_runtime_options, o, .workers = 1,
	     .stuck_after_ns = 50 * GO_MILLISECOND, .on_stuck = not_our_site,
	     .on_stuck_arg = (void *)(uintptr_t)site);

	atomic_store(&begun, 0);
	cr_assert_eq(go_run_with(&o, watched_main, NULL, NULL), 0);
	cr_assert_eq(atomic_load(&begun), 0);
}

/* ---- handlers ---- */

static void begin_one(void *unused)
{
	(void)unused;
	cr_assert_eq(go_blocking_begin(), 0);
}

static void *leaves_it_to_a_handler(void *arg)
{
	cr_assert_eq(go_at_exit(begin_one, NULL), 0);
	go_yield();
	return arg;
}

static void *handlers_main(void *arg)
{
	go_task task;

	for (int i = 0; i < 50; i++) {
		cr_assert_eq(go_task_spawn(&task, leaves_it_to_a_handler, NULL),
			     0);
		cr_assert_eq(go_task_join(task, NULL), 0);
	}
	return arg;
}

Test(section, ends_if_a_handler_leaves_it_open, .timeout = 60)
{
	run_in_all(handlers_main);
}
