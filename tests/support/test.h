/* SPDX-License-Identifier: MIT */
/*
 * What every test includes: Criterion, or a small stand-in for it.
 *
 * Criterion runs each case in a sandbox that does not start under clang's
 * ThreadSanitizer, under qemu-user and under valgrind.  For those, a build with
 * GO_PLAIN_RUNNER gives the same names to macros of our own, and
 * test_runner.c forks a process per case.  Only what stands here may be used in
 * tests; the meaning is Criterion's, with two differences: a failed cr_assert
 * ends the process at once, so it may be used on any thread and any stack, and
 * the fixture .fini does not run after it.
 *
 *	Test(list, keeps_order, .timeout = 5, .init = set_up)
 *	{
 *		cr_assert_eq(length(list), 3, "after %d rounds", rounds);
 *	}
 *
 * After the name: .init, .fini, .timeout (seconds), .signal and .exit_code
 * (how the case has to end), .disabled, .description.
 */
#ifndef GO_TEST_H
#define GO_TEST_H

#ifndef GO_PLAIN_RUNNER
#include <criterion/criterion.h>

/*
 * In the process of a case, before its body: a second before its time is up (0:
 * after a minute) it dumps its tasks.  Criterion then kills it without a word.
 */
void test_limit(double seconds);

#undef Test
#define Test(...) TEST_CASE_(__VA_ARGS__, .sentinel_ = 0)
#define TEST_CASE_(suite_, name_, ...)                                         \
	static void suite_##_##name_##_body(void);                             \
	CR_EXPAND(CR_TEST_BASE(suite_, name_, __VA_ARGS__))                    \
	{                                                                      \
		static const struct criterion_test_extra_data about_ = {       \
			__VA_ARGS__};                                          \
                                                                               \
		test_limit(about_.timeout);                                    \
		suite_##_##name_##_body();                                     \
	}                                                                      \
	static void suite_##_##name_##_body(void)
#else

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "both.h"

#ifdef __cplusplus
extern "C" {
#endif

struct test_case {
	const char *suite, *name;
	void (*body)(void);
	struct test_case *next;

	/* What Test() takes after the name. */
	void (*init)(void);
	void (*fini)(void);
	double timeout;
	int signal, exit_code;
	bool disabled;
	const char *description;

	bool end_; /* Lets the macro's argument list be empty. */
};

void test_register(struct test_case *);
void test_check(bool fatal, bool holds, const char *file, int line,
		const char *text, ...);
__attribute__((noreturn)) void test_skip(const char *format, ...);

#ifdef __cplusplus
}
#endif

#define Test(...) TEST_CASE_(__VA_ARGS__, .end_ = true)
#define TEST_CASE_(suite_, name_, ...)                                         \
	static void suite_##_##name_##_body(void);                             \
	__attribute__((constructor)) static void suite_##_##name_##_register(  \
		void)                                                          \
	{                                                                      \
		static struct test_case self;                                  \
                                                                               \
		self.suite = #suite_;                                          \
		self.name = #name_;                                            \
		self.body = suite_##_##name_##_body;                           \
		SET_ALL(self, __VA_ARGS__);                                    \
		test_register(&self);                                          \
	}                                                                      \
	static void suite_##_##name_##_body(void)

/*
 * The condition, then an optional message as for printf.  The trailing NULL
 * stands for a message that was left out and is ignored after one.
 */
#define TEST_IF_(fatal, text, holds, ...)                                      \
	test_check(fatal, holds, __FILE__, __LINE__, text, __VA_ARGS__)
#define TEST_ONE_(fatal, not_, a, ...)                                         \
	TEST_IF_(fatal, #not_ #a, not_(a), __VA_ARGS__)
#define TEST_TWO_(fatal, op, a, b, ...)                                        \
	TEST_IF_(fatal, #a " " #op " " #b, (a)op(b), __VA_ARGS__)
#define TEST_STR_(fatal, op, a, b, ...)                                        \
	TEST_IF_(fatal, #a " " #op " " #b " as strings", strcmp(a, b) op 0,    \
		 __VA_ARGS__)

#define cr_assert(...)          TEST_ONE_(true, , __VA_ARGS__, NULL)
#define cr_assert_not(...)      TEST_ONE_(true, !, __VA_ARGS__, NULL)
#define cr_assert_null(...)     TEST_ONE_(true, NULL ==, __VA_ARGS__, NULL)
#define cr_assert_not_null(...) TEST_ONE_(true, NULL !=, __VA_ARGS__, NULL)
#define cr_assert_eq(...)       TEST_TWO_(true, ==, __VA_ARGS__, NULL)
#define cr_assert_neq(...)      TEST_TWO_(true, !=, __VA_ARGS__, NULL)
#define cr_assert_lt(...)       TEST_TWO_(true, <, __VA_ARGS__, NULL)
#define cr_assert_gt(...)       TEST_TWO_(true, >, __VA_ARGS__, NULL)
#define cr_assert_leq(...)      TEST_TWO_(true, <=, __VA_ARGS__, NULL)
#define cr_assert_geq(...)      TEST_TWO_(true, >=, __VA_ARGS__, NULL)
#define cr_assert_str_eq(...)   TEST_STR_(true, ==, __VA_ARGS__, NULL)
#define cr_assert_str_neq(...)  TEST_STR_(true, !=, __VA_ARGS__, NULL)
#define cr_assert_fail(...)     TEST_FAIL_(true, "" __VA_ARGS__, NULL)

#define cr_expect(...)          TEST_ONE_(false, , __VA_ARGS__, NULL)
#define cr_expect_not(...)      TEST_ONE_(false, !, __VA_ARGS__, NULL)
#define cr_expect_null(...)     TEST_ONE_(false, NULL ==, __VA_ARGS__, NULL)
#define cr_expect_not_null(...) TEST_ONE_(false, NULL !=, __VA_ARGS__, NULL)
#define cr_expect_eq(...)       TEST_TWO_(false, ==, __VA_ARGS__, NULL)
#define cr_expect_neq(...)      TEST_TWO_(false, !=, __VA_ARGS__, NULL)
#define cr_expect_lt(...)       TEST_TWO_(false, <, __VA_ARGS__, NULL)
#define cr_expect_gt(...)       TEST_TWO_(false, >, __VA_ARGS__, NULL)
#define cr_expect_leq(...)      TEST_TWO_(false, <=, __VA_ARGS__, NULL)
#define cr_expect_geq(...)      TEST_TWO_(false, >=, __VA_ARGS__, NULL)
#define cr_expect_str_eq(...)   TEST_STR_(false, ==, __VA_ARGS__, NULL)
#define cr_expect_str_neq(...)  TEST_STR_(false, !=, __VA_ARGS__, NULL)
#define cr_expect_fail(...)     TEST_FAIL_(false, "" __VA_ARGS__, NULL)

#define TEST_FAIL_(fatal, ...)                                                 \
	test_check(fatal, false, __FILE__, __LINE__,                           \
		   "this line is not reached", __VA_ARGS__)
#define cr_skip_test(...) test_skip("" __VA_ARGS__)
#define cr_skip(...)      test_skip("" __VA_ARGS__)

#endif
#endif
