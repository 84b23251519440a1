/* SPDX-License-Identifier: MIT */
/* Exceptions of C++ in raw fibers: a yield and a resume keep both sides'. */
#include <exception>

#include <gofer/fiber.h>

#include "throwing.h"

static const char *wrong;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition) && !wrong)                                    \
			wrong = __FILE__                                       \
				":" MUST_AT(__LINE__) ": " #condition;         \
	} while (0)

static void *catches(void *arg, void *)
{
	int mine = GO_TO_INT(arg);

	for (int i = 0; i < 3; i++) {
		try {
			throw number(mine + i);
		} catch (const number &n) {
			fiber_yield(NULL);
			EXPECT(n.value == mine + i);
			EXPECT(rethrown() == mine + i);
			fiber_yield(NULL);
		}
		EXPECT(!std::current_exception());
	}
	return NULL;
}

static void resume_all(fiber **f, int n)
{
	for (bool left = true; left;) {
		left = false;
		for (int i = 0; i < n; i++) {
			if (fiber_done(f[i]))
				continue;
			left = true;
			try {
				throw number(i);
			} catch (const number &here) {
				EXPECT(fiber_resume(f[i], NULL, NULL) == 0);
				EXPECT(here.value == i && rethrown() == i);
			}
			EXPECT(!std::current_exception());
		}
	}
}

static void *catch_in_fibers(void *)
{
	fiber *f[5];

	for (int i = 0; i < 5; i++)
		EXPECT(fiber_create(&f[i], catches, GO_INT(100 * (i + 1)),
				    NULL) == 0);
	resume_all(f, 5);
	for (int i = 0; i < 5; i++)
		EXPECT(fiber_destroy(f[i]) == 0);
	return NULL;
}

Test(fibers, yield_in_a_catch_block)
{
	catch_in_fibers(NULL);
	cr_assert_null(wrong, "%s", wrong);
	cr_assert_eq(alive.load(), 0);
}

struct yielder {
	~yielder()
	{
		EXPECT(std::uncaught_exceptions() == 1);
		fiber_yield(NULL);
		EXPECT(std::uncaught_exceptions() == 1);
	}
};

static void *unwinds(void *, void *)
{
	try {
		yielder y;

		throw number(1);
	} catch (const number &n) {
		EXPECT(n.value == 1 && std::uncaught_exceptions() == 0);
	}
	return NULL;
}

Test(fibers, yield_in_a_destructor)
{
	fiber *f;

	cr_assert_eq(fiber_create(&f, unwinds, NULL, NULL), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert_eq(std::uncaught_exceptions(), 0);
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
	cr_assert(fiber_done(f));
	cr_assert_eq(fiber_destroy(f), 0);
	cr_assert_null(wrong, "%s", wrong);
	cr_assert_eq(alive.load(), 0);
}

/* ---- in tasks, which park inside of them --------------------------------- */

static void *parks(void *arg, void *)
{
	int mine = GO_TO_INT(arg);

	try {
		throw number(mine);
	} catch (const number &n) {
		elsewhere();
		fiber_yield(NULL);
		elsewhere();
		MUST(n.value == mine && rethrown() == mine);
	}
	return NULL;
}

static void *has_a_fiber(void *arg)
{
	int mine = GO_TO_INT(arg);

	for (int i = 0; i < 5; i++) {
		void *out = arg;
		fiber *f;

		MUST(fiber_create(&f, parks, GO_INT(mine + i), NULL) == 0);
		try {
			throw number(mine - 1);
		} catch (const number &n) {
			MUST(fiber_resume(f, NULL, &out) == 0 && !out);
			MUST(n.value == mine - 1 && rethrown() == mine - 1);
			elsewhere();
		}
		MUST(fiber_resume(f, NULL, &out) == 0 && fiber_done(f));
		MUST(!out);
		MUST(fiber_destroy(f) == 0);
	}
	return NULL;
}

static void *all_have_fibers(void *)
{
	return all_of(40, has_a_fiber);
}

Test(fibers, whose_task_parks, .timeout = 100)
{
	run_throwing(all_have_fibers, NULL);
}
