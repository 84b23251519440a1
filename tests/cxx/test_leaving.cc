/* SPDX-License-Identifier: MIT */
/*
 * An exception that leaves the function of a task, a fiber or a job: the
 * process says whose it was, then ends as C++ demands.  In child processes.
 */
#include <cstdio>
#include <exception>
#include <pthread.h>
#include <stdexcept>
#include <unistd.h>

#include <gofer/fiber.h>

#include "arch/sanitize.h"
#include "last_words.h"
#include "throwing.h"

static void *thrower(void *)
{
	go_yield();
	throw std::runtime_error("nobody wants it");
}

static void *thrower_in_a_section(void *arg)
{
	if (go_blocking_begin() < 0)
		return arg;
	return thrower(arg);
}

static void *thrower_fiber(void *arg, void *)
{
	return thrower(arg);
}

static void *with_a_name(void *fn)
{
	MAKE(go_spawn_options, o, .name = "juggler");

	(void)go_spawn_with(&o, reinterpret_cast<go_fn *>(fn), NULL);
	(void)go_sleep(GO_NEVER);
	return NULL;
}

/* Catches all that is thrown around it, which is not on the same stack. */
static void in_a_task(void *fn)
{
	MAKE(go_runtime_options, o, .workers = 2);

	try {
		(void)go_run_with(&o, with_a_name, fn, NULL);
	} catch (...) {
		_exit(3);
	}
}

static const char *last_words_of(go_fn *fn, int *status)
{
	return last_words(in_a_task, reinterpret_cast<void *>(fn), status);
}

static void in_a_fiber(void *)
{
	fiber *f;

	if (fiber_create(&f, thrower_fiber, NULL, NULL) == 0)
		(void)fiber_resume(f, NULL, NULL);
}

static void expect(const char *text, const char *what)
{
	cr_assert_not_null(strstr(text, what), "no \"%s\" in: %s", what, text);
}

static void must_abort(int status, const char *text)
{
	cr_assert(WIFSIGNALED(status), "status %d: %s", status, text);
	cr_assert_eq(WTERMSIG(status), SIGABRT);
	/* Of std::terminate(). */
	expect(text, "nobody wants it");
}

Test(leaving, a_task, .timeout = 60)
{
	int status;
	const char *text = last_words_of(thrower, &status);

	must_abort(status, text);
	expect(text, "gofer: an exception left the function of task "
		     "\"juggler\", spawned at ");
	expect(text, "test_leaving.cc:");
}

Test(leaving, a_task_in_a_section, .timeout = 60)
{
	int status;
	const char *text = last_words_of(thrower_in_a_section, &status);

	must_abort(status, text);
	expect(text, "left the function of task \"juggler\"");
}

Test(leaving, a_fiber, .timeout = 60)
{
	int status;
	const char *text = last_words(in_a_fiber, NULL, &status);

	must_abort(status, text);
	expect(text, "gofer: an exception left the function of a raw fiber "
		     "running 0x");
}

static void *calls_a_thrower(void *arg)
{
	(void)go_blocking(thrower, arg, NULL);
	return NULL;
}

static void *spawns_a_thrower(void *arg)
{
	(void)go_blocking_spawn(thrower, arg);
	(void)go_sleep(GO_NEVER);
	return NULL;
}

Test(leaving, a_blocking_call, .timeout = 60)
{
	int status;
	const char *text = last_words_of(calls_a_thrower, &status);

	must_abort(status, text);
	expect(text, "left the function of a blocking call of task "
		     "\"juggler\", spawned at ");
	text = last_words_of(spawns_a_thrower, &status);
	must_abort(status, text);
	expect(text, "left the function of a blocking call of task, spawned");
}

/* ---- by force ------------------------------------------------------------ */

static void *exits(void *)
{
	go_yield();
	pthread_exit(NULL);
}

static void *calls_one_that_exits(void *arg)
{
	(void)go_blocking(exits, arg, NULL);
	return NULL;
}

static void *is_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return arg;
}

/* What is left waits for ever. */
static void lose(go_fn *fn, const char *whose)
{
	int status;
	const char *text = words_until("the thread is lost", in_a_task,
				       reinterpret_cast<void *>(fn), &status);

	cr_assert(WIFSIGNALED(status), "status %d: %s", status, text);
	cr_assert_eq(WTERMSIG(status), SIGTERM, "%s", text);
	expect(text, "gofer: pthread_exit(), or a cancellation of the thread, "
		     "ended the function of ");
	expect(text, whose);
}

Test(leaving, by_force, .timeout = 60)
{
	if (GO__SANITIZE)
		cr_skip_test(
			"the sanitizers want a thread to end on its stack");
	lose(exits, "task \"juggler\", spawned at ");
	lose(is_cancelled, "task \"juggler\", spawned at ");
	lose(calls_one_that_exits, "a blocking call of task \"juggler\"");
}

static void *caught_in_time(void *arg)
{
	try {
		thrower(arg);
	} catch (const std::exception &) {
		go_yield();
	}
	_exit(4);
}

/* Nothing is said of one that is caught. */
Test(leaving, not_if_it_is_caught, .timeout = 60)
{
	int status;
	const char *text = last_words_of(caught_in_time, &status);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 4);
	cr_assert_null(strstr(text, "gofer"), "%s", text);
}
