/* SPDX-License-Identifier: MIT */
/*
 * A full machine: the n-th call of each kind fails, for n = 1, 2, 3 until all
 * have been made.  Runtimes are made or refused without a trace, spawns and
 * joins say -ENOMEM, and afterwards everything works.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "arch/stack.h"
#include "sched/worker.h"
#include "everywhere.h"
#include "support.h"
#include "poller.h"

static void *nothing(void *arg)
{
	return arg;
}

/* ---- creation ---- */

static void create_with_faults(enum go__sys_call call, int error, int flavour)
{
	go_runtime_options o = {.flavour = flavour, .workers = 3};
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		unsigned fds = test_entries("/proc/self/fd");
		unsigned threads = test_entries("/proc/self/task");
		go_runtime *rt = NULL;
		int r;

		test_fail_nth_with(call, n, error);
		r = go_runtime_create(&rt, &o);
		failed = test_fail_stop();
		if (r < 0) {
			cr_assert(failed);
			cr_assert_eq(r, error);
			cr_assert_null(rt);
		} else {
			cr_assert_eq(
				go_runtime_block_on(rt, nothing, NULL, NULL),
				0);
			cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
			cr_assert_eq(go_runtime_destroy(rt), 0);
		}
		cr_assert_eq(test_entries("/proc/self/fd"), fds);
		/* A joined thread's entry may outlive it by a moment. */
		while (test_entries("/proc/self/task") > threads)
			sched_yield();
		cr_assert_lt(n, 100u);
	}
}

Test(fault, creation_leaves_nothing_behind, .timeout = 60)
{
	static const struct {
		enum go__sys_call call;
		int error;
	} fault[] = {
		{GO__SYS_malloc, -ENOMEM},        {GO__SYS_calloc, -ENOMEM},
		{GO__SYS_aligned_alloc, -ENOMEM}, {POLLER_CREATE, -EMFILE},
		{POLLER_PREPARE, -EMFILE},        {POLLER_CHANGE, -ENOMEM},
		{GO__SYS_thread_create, -EAGAIN},
	};

	/* What lives as long as the process is made by the first runtime. */
	cr_assert_eq(go_run(nothing, NULL), 0);
	for (size_t i = 0; i < sizeof(fault) / sizeof(fault[0]); i++) {
		create_with_faults(fault[i].call, fault[i].error,
				   GO_MULTI_THREAD);
		create_with_faults(fault[i].call, fault[i].error,
				   GO_CURRENT_THREAD);
		create_with_faults(fault[i].call, fault[i].error,
				   GO_HOME_THREAD);
	}
}

static _Atomic long memory_left; /* Allocations. */

static int run_out(enum go__sys_call call)
{
	if (call != GO__SYS_malloc && call != GO__SYS_calloc &&
	    call != GO__SYS_aligned_alloc)
		return 0;
	return atomic_fetch_sub(&memory_left, 1) > 0 ? 0 : -ENOMEM;
}

/*
 * From some point on there is no memory at all: perhaps for a runtime, but not
 * for the record of the thread that wants to run it, nor to shut it down.
 */
static void run_without_memory(int flavour)
{
	go_runtime_options o = {.flavour = flavour, .workers = 2};
	int r = -ENOMEM;

	for (long n = 0; r < 0; n++) {
		unsigned fds = test_entries("/proc/self/fd");
		unsigned threads = test_entries("/proc/self/task");

		atomic_store(&memory_left, n);
		atomic_store(&go__sys_hook, run_out);
		r = go_run_with(&o, nothing, NULL, NULL);
		(void)test_fail_stop();
		cr_assert(r == 0 || r == -ENOMEM, "%d", r);
		cr_assert_eq(test_entries("/proc/self/fd"), fds);
		/* ThreadSanitizer begins one of its own. */
		while (!GO__TSAN && test_entries("/proc/self/task") > threads)
			sched_yield();
		cr_assert_lt(n, 100);
	}
}

/* The first of a process, whose threads have no records yet. */
Test(fault, run_on_this_thread_without_memory, .timeout = 60)
{
	run_without_memory(GO_CURRENT_THREAD);
}

Test(fault, run_on_others_without_memory, .timeout = 60)
{
	run_without_memory(GO_MULTI_THREAD);
}

/* ---- spawning ---- */

static _Atomic int open_gate;

static void *wait_at_gate(void *arg)
{
	while (!atomic_load(&open_gate))
		if (go_sleep(50 * GO_MICROSECOND) < 0)
			return GO_INT(1);
	return arg;
}

enum {
	CROWD = 40
};

/* Many tasks at once, each with a stack; -ENOMEM is an answer. */
static const char *spawn_crowd(bool faulty)
{
	go_task t[CROWD];
	int n = 0, r;
	void *result;

	atomic_store(&open_gate, 0);
	for (int i = 0; i < CROWD; i++) {
		r = go_task_spawn(&t[n], wait_at_gate, &t[n]);
		if (r == 0)
			n++;
		else if (r != -ENOMEM || !faulty)
			return "spawn";
		go_yield();
	}
	atomic_store(&open_gate, 1);
	for (int i = 0; i < n; i++) {
		r = go_task_join(t[i], &result);
		if (r != 0 && (r != -ENOMEM || !faulty))
			return "join";
		if (r == 0 && result != &t[i])
			return "result";
	}
	return NULL;
}

static void *spawn_with_faults(void *arg)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_mmap,   GO__SYS_mprotect, GO__SYS_madvise,
		GO__SYS_calloc, GO__SYS_malloc,   GO__SYS_process_madvise,
	};
	const char *wrong;

	(void)arg;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool failed = true;

		for (unsigned n = 1; failed && n < 50; n++) {
			test_fail_nth(calls[i], n);
			wrong = spawn_crowd(true);
			failed = test_fail_stop();
			MUST(!wrong);
		}
		wrong = spawn_crowd(false);
		MUST(!wrong);
	}
	return NULL;
}

Test(fault, spawns_answer_enomem_and_recover, .timeout = 120)
{
	run_everywhere(spawn_with_faults, NULL);
}

/* ---- no stacks at all ---- */

/* Slots are made usable by mprotect; blocks are not. */
static int no_stacks(enum go__sys_call call)
{
	return call == GO__SYS_mprotect ? -ENOMEM : 0;
}

/* Where guards are made by mprotect, which the hook fails as well, the counts
 * came out otherwise (under qemu-user); why is not known. */
static bool by_madvise(void)
{
	struct go__stack_stats stats;

	go__stack_stats(&stats);
	return stats.guard == GO__GUARD_BATCH ||
	       stats.guard == GO__GUARD_ADVISE;
}

static void *wait_for_cancel(void *arg)
{
	(void)arg;
	return GO_INT(go_sleep(GO_NEVER));
}

/*
 * Stacks run out while all that have one wait for ever: the spawner is told,
 * the task that found none ends with -ENOMEM, and nobody hangs.
 */
static void *stacks_run_out(void *arg)
{
	enum {
		MANY = 4000
	};
	static go_task t[MANY];
	bool many = go_runtime_workers(go_runtime_current()) > 1;
	bool home = go_runtime_current()->home;
	int spawned = 0, starved = 0, r = 0;

	(void)arg;
	atomic_store(&go__sys_hook, no_stacks);
	while (r == 0 && spawned < MANY) {
		r = go_task_spawn(&t[spawned], wait_for_cancel, NULL);
		spawned += r == 0;
		go_yield();
	}
	MUST(r == -ENOMEM);
	/* All workers fall asleep, so the starved are given up; unless another
	 * worker than the one that starved them has a stack to spare. */
	MUST(go_sleep(5 * GO_MILLISECOND) == 0);
	for (int i = 0; i < spawned; i++) {
		(void)go_task_cancel(t[i]);
		r = go_task_join(t[i], NULL);
		MUST(r == 0 || r == -ENOMEM);
		starved += r == -ENOMEM;
	}
	/* (Where tasks stay, those sent to a worker without stacks.) */
	MUST(starved < (home ? spawned : spawned / 2) || !by_madvise());
	MUST(starved > 0 || many || !by_madvise());
	(void)test_fail_stop();
	MUST(!spawn_crowd(false));
	return NULL;
}

Test(fault, stacks_run_out, .timeout = 60)
{
	run_everywhere(stacks_run_out, NULL);
}

/* The same, but the waiting ones go on: then the starved are served. */
static void *starved_tasks_are_served(void *arg)
{
	enum {
		MANY = 4000
	};
	static go_task t[MANY];
	int spawned = 0, given_up = 0, r = 0;

	(void)arg;
	atomic_store(&open_gate, 0);
	atomic_store(&go__sys_hook, no_stacks);
	while (r == 0 && spawned < MANY) {
		r = go_task_spawn(&t[spawned], wait_at_gate, NULL);
		spawned += r == 0;
		go_yield();
	}
	MUST(r == -ENOMEM);
	atomic_store(&open_gate, 1);
	for (int i = 0; i < spawned; i++) {
		r = go_task_join(t[i], NULL);
		MUST(r == 0 || r == -ENOMEM);
		given_up += r == -ENOMEM;
	}
	/* Those whom a worker without a stack held when the last other fell
	 * asleep; it puts them back behind the others. */
	MUST(given_up <= 4);
	(void)test_fail_stop();
	return NULL;
}

Test(fault, starved_tasks_are_served, .timeout = 60)
{
	run_everywhere(starved_tasks_are_served, NULL);
}

/* ---- pinned tasks without a stack ---- */

static go_event go_on;
static _Atomic int reached;

/* A call that no compiler knows to be the same on each thread. */
static pid_t own_thread(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void *end_elsewhere(void *arg)
{
	atomic_fetch_add(&reached, 1);
	MUST(go_event_wait((go_event *)arg) == 0);
	atomic_fetch_add(&reached, 1);
	return NULL;
}

static void *stay_at_home(void *arg)
{
	const pid_t *home = arg;

	MUST(own_thread() == *home);
	MUST(go_event_wait(&go_on) == 0);
	MUST(own_thread() == *home);
	return NULL;
}

/* Returns how many were let in; the last one finds no stack. */
static int spawn_pinned(go_task *t, int most, pid_t *home)
{
	go_spawn_options o = {.pinned = true};
	int n = 0;

	for (o.task = t; n < most; o.task = &t[++n]) {
		if (go_spawn_with(&o, stay_at_home, home) != 0)
			return n;
		go_yield();
	}
	return -1;
}

/*
 * While the worker is hogged, another task ends on one that is not, or that is
 * lent: its stack is for the one that found none, but not its worker.
 */
static void *starved_at_home(void *arg)
{
	static go_task t[4000];
	go_event gate = GO_EVENT_INIT;
	pid_t home = own_thread();
	void *wrong;
	go_task other;
	int n;

	(void)arg;
	go_on = (go_event)GO_EVENT_INIT;
	atomic_store(&reached, 0);
	MUST(go_task_spawn(&other, end_elsewhere, &gate) == 0);
	while (atomic_load(&reached) == 0)
		go_yield();
	atomic_store(&go__sys_hook, no_stacks);
	n = spawn_pinned(t, 4000, &home);
	MUST(n > 0);
	MUST(go_event_set(&gate) == 0);
	while (atomic_load(&reached) == 1)
		;
	/* The wrong one would begin on that very stack. */
	usleep(2000);
	(void)test_fail_stop();
	MUST(go_event_set(&go_on) == 0);
	for (int i = 0; i < n; i++) {
		MUST(go_task_join(t[i], &wrong) == 0);
		if (wrong)
			return wrong;
	}
	MUST(go_task_join(other, &wrong) == 0 && !wrong);
	return NULL;
}

static void *pin_the_spawner(void *arg)
{
	go_task task;
	go_spawn_options o = {.pinned = true, .task = &task};
	void *wrong;

	MUST(go_spawn_with(&o, starved_at_home, arg) == 0);
	MUST(go_task_join(task, &wrong) == 0);
	return wrong;
}

Test(fault, the_starved_run_where_they_are_pinned, .timeout = 60)
{
	run_in(GO_MULTI_THREAD, 1, pin_the_spawner, NULL);
	run_in(GO_MULTI_THREAD, 2, pin_the_spawner, NULL);
}
