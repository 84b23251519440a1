/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of C++ in tasks: each task has its own over every park, on
 * whatever worker it goes on, and whatever others throw meanwhile.
 */
#include <exception>

#include "support.h"
#include "throwing.h"

enum {
	TASKS = 60
};

static int rounds()
{
	return static_cast<int>(test_rounds(20));
}

/* ---- catch blocks -------------------------------------------------------- */

static void *catches(void *arg)
{
	int mine = GO_TO_INT(arg);

	for (int i = 0; i < rounds(); i++) {
		try {
			throw number(mine + i);
		} catch (const number &n) {
			elsewhere();
			MUST(n.value == mine + i);
			MUST(rethrown() == mine + i);
			elsewhere();
			MUST(n.value == mine + i);
		}
		MUST(!std::current_exception());
		elsewhere();
		MUST(!std::current_exception());
	}
	return NULL;
}

static void *all_catch(void *)
{
	return all_of(TASKS, catches);
}

Test(exceptions, in_a_catch_block, .timeout = 100)
{
	run_throwing(all_catch, NULL);
}

static void throw_and_nest(int mine)
{
	try {
		throw number(mine);
	} catch (const number &) {
		elsewhere();
		try {
			throw number(mine + 1);
		} catch (const number &inner) {
			elsewhere();
			if (inner.value != mine + 1 || rethrown() != mine + 1)
				throw number(-2);
		}
		elsewhere();
		throw;
	}
}

static void *nests(void *arg)
{
	int mine = GO_TO_INT(arg);

	for (int i = 0; i < rounds(); i++) {
		try {
			throw_and_nest(mine + i);
			MUST(!"reached");
		} catch (const number &n) {
			elsewhere();
			MUST(n.value == mine + i);
		}
	}
	return NULL;
}

static void *all_nest(void *)
{
	return all_of(TASKS, nests);
}

Test(exceptions, thrown_again, .timeout = 100)
{
	run_throwing(all_nest, NULL);
}

/* ---- destructors --------------------------------------------------------- */

/* Parks in its destructor, and throws and catches there. */
struct parker {
	int mine, count;
	const char **wrong;

	~parker()
	{
		check("before");
		elsewhere();
		check("after a park");
		try {
			throw number(mine + 1);
		} catch (const number &n) {
			elsewhere();
			if (n.value != mine + 1)
				*wrong = "another's exception";
		}
		elsewhere();
		check("after another exception");
	}

	void check(const char *when) const
	{
		if (std::uncaught_exceptions() != count)
			*wrong = when;
	}
};

static void unwind(int mine, const char **wrong)
{
	parker outer{mine, 1, wrong};
	parker inner{mine, 1, wrong};

	throw number(mine);
}

static void *unwinds(void *arg)
{
	int mine = GO_TO_INT(arg);
	const char *wrong = NULL;

	for (int i = 0; i < rounds(); i++) {
		parker none{mine, 0, &wrong};

		try {
			unwind(mine + i, &wrong);
			MUST(!"reached");
		} catch (const number &n) {
			MUST(std::uncaught_exceptions() == 0);
			MUST(n.value == mine + i);
		}
	}
	return const_cast<char *>(wrong);
}

static void *all_unwind(void *)
{
	return all_of(TASKS, unwinds);
}

Test(exceptions, in_a_destructor, .timeout = 100)
{
	run_throwing(all_unwind, NULL);
}

/* ---- handed on ----------------------------------------------------------- */

static go_chan *channel;

/* Sends the exception that it has, and keeps it. */
static void *sends(void *arg)
{
	int mine = GO_TO_INT(arg);

	for (int i = 0; i < rounds(); i++) {
		try {
			throw number(mine + i);
		} catch (const number &n) {
			auto *p = new std::exception_ptr(
				std::current_exception());

			if (go_chan_send(channel, &p) < 0)
				delete p;
			elsewhere();
			MUST(n.value == mine + i);
			MUST(rethrown() == mine + i);
			read_for_the_last_time();
		}
	}
	return NULL;
}

static void *receives(void *arg)
{
	int sum = 0, count = GO_TO_INT(arg);

	for (int i = 0; i < count; i++) {
		std::exception_ptr *p;

		MUST(go_chan_recv(channel, &p) == 0);
		try {
			std::rethrow_exception(*p);
		} catch (const number &n) {
			int value = n.value;

			elsewhere();
			MUST(n.value == value && rethrown() == value);
			sum++;
			read_for_the_last_time();
		}
		delete p;
	}
	MUST(sum == count);
	return NULL;
}

static void *hand_on(void *)
{
	void *wrong, *other = NULL;
	go_task receiver;

	MUST(go_chan_create(&channel, sizeof(void *), 3) == 0);
	MUST(go_task_spawn(&receiver, receives, GO_INT(TASKS * rounds())) == 0);
	wrong = all_of(TASKS, sends);
	MUST(go_task_join(receiver, &other) == 0);
	MUST(go_chan_destroy(channel) == 0);
	return wrong ? wrong : other;
}

Test(exceptions, through_a_channel, .timeout = 100)
{
	run_throwing(hand_on, NULL);
}

/* ---- sections, and the pool ---------------------------------------------- */

static void *throws_on_a_thread(void *arg)
{
	int mine = GO_TO_INT(arg);

	try {
		throw number(mine);
	} catch (const number &n) {
		(void)go_sleep(1000);
		MUST(n.value == mine && rethrown() == mine);
	}
	return NULL;
}

static void *crosses_sections(void *arg)
{
	int mine = GO_TO_INT(arg);
	void *wrong = arg;

	for (int i = 0; i < rounds() / 4 + 1; i++) {
		try {
			throw number(mine);
		} catch (const number &n) {
			int r = go_blocking_begin();

			wrong = throws_on_a_thread(GO_INT(mine + 1));
			MUST(!wrong && rethrown() == mine);
			if (r == 0)
				MUST(go_blocking_end() == 0);
			MUST(n.value == mine && rethrown() == mine);
			MUST(go_blocking(throws_on_a_thread, GO_INT(mine + 2),
					 &wrong) == 0);
			MUST(!wrong && rethrown() == mine);
		}
		/* Begun without one, ended with one. */
		if (go_blocking_begin() < 0)
			continue;
		try {
			throw number(mine);
		} catch (const number &n) {
			MUST(go_blocking_end() == 0);
			elsewhere();
			MUST(n.value == mine && rethrown() == mine);
		}
	}
	return NULL;
}

static void *all_cross_sections(void *)
{
	return all_of(TASKS / 4, crosses_sections);
}

Test(exceptions, in_a_blocking_section, .timeout = 100)
{
	run_throwing(all_cross_sections, NULL);
}

/* ---- hosts --------------------------------------------------------------- */

/* The host is in a catch block, and so are the tasks at the end of a turn. */
Test(exceptions, of_the_host_of_a_guest, .timeout = 60)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);
	go_runtime *rt;
	go_task task[4];
	int turns = 0;

	cr_assert_eq(go_runtime_create(&rt, &o), 0);
	for (int i = 0; i < 4; i++) {
		MAKE(go_spawn_options, s, .runtime = rt, .task = &task[i]);
		cr_assert_eq(go_spawn_with(&s, catches, GO_INT(1000 * (i + 1))),
			     0);
	}
	for (int left = 1; left > 0; turns++) {
		try {
			throw number(7);
		} catch (const number &n) {
			left = go_runtime_turn(rt, 1, 0);
			cr_assert_geq(left, 0);
			cr_assert_eq(n.value, 7);
			cr_assert_eq(rethrown(), 7);
		}
		cr_assert(!std::current_exception());
		if (go_runtime_next_deadline_ns(rt) != GO_NEVER)
			left = 1;
	}
	cr_assert_gt(turns, 4);
	for (int i = 0; i < 4; i++) {
		void *wrong = NULL;

		cr_assert_eq(go_task_join(task[i], &wrong), 0);
		cr_assert_null(wrong, "%s", static_cast<const char *>(wrong));
	}
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	cr_assert_eq(alive.load(), 0);
}

static void *shuts_another_down(void *arg)
{
	MAKE(go_runtime_options, o, .flavour = GO_CURRENT_THREAD);
	MAKE(go_spawn_options, s, .name = "guest");
	int mine = GO_TO_INT(arg);
	void *wrong = arg;
	go_task task;

	MUST(go_runtime_create(&s.runtime, &o) == 0);
	s.task = &task;
	MUST(go_spawn_with(&s, catches, GO_INT(mine + 100)) == 0);
	try {
		throw number(mine);
	} catch (const number &n) {
		MUST(go_runtime_shutdown(s.runtime, GO_NEVER) == 0);
		MUST(n.value == mine && rethrown() == mine);
	}
	MUST(go_task_join(task, &wrong) == 0);
	MUST(go_runtime_destroy(s.runtime) == 0);
	return wrong;
}

static void *all_shut_others_down(void *)
{
	return all_of(8, shuts_another_down);
}

/* A plain thread in a catch block, and tasks. */
Test(exceptions, of_who_runs_a_runtime, .timeout = 100)
{
	void *wrong = shuts_another_down(GO_INT(5));

	cr_assert_null(wrong, "%s", static_cast<const char *>(wrong));
	run_throwing(all_shut_others_down, NULL);
}
