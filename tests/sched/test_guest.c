/* SPDX-License-Identifier: MIT */
/*
 * Runtimes as guests of a loop that is written here: poll() on the runtime's
 * descriptor, until its next deadline, and a turn whenever that returns.  So a
 * wake-up that is lost shows as a test that hangs.
 */
#include <gofer.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "both.h"
#include "support.h"
#include "test.h"

/* For tasks and threads, which must not assert: the line of what is wrong. */
static ATOMIC(int) wrong;

#define CHECK(condition)                                                       \
	((condition) ? (void)0 : atomic_store(&wrong, __LINE__))

static go_runtime *make_guest(void)
{
	MAKE(go_runtime_options, options, .flavour = GO_CURRENT_THREAD);
	go_runtime *rt = NULL;

	cr_assert_eq(go_runtime_create(&rt, &options), 0);
	return rt;
}

static void end_guest(go_runtime *rt)
{
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_turn(rt, 0, 0), -ESHUTDOWN);
	cr_assert_eq(go_runtime_fd(rt), -ESHUTDOWN);
	cr_assert_eq(go_runtime_next_deadline_ns(rt), GO_NEVER);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	cr_assert_eq(atomic_load(&wrong), 0, "line %d", atomic_load(&wrong));
}

/* What a host's loop does between two turns. */
static bool readable(go_runtime *rt, int timeout_ms)
{
	struct pollfd p;

	p.fd = go_runtime_fd(rt);
	p.events = POLLIN;
	p.revents = 0;
	cr_assert_geq(p.fd, 0);
	return poll(&p, 1, timeout_ms) > 0;
}

/* Take turns of this size until the flag is set. */
static void host(go_runtime *rt, ATOMIC(bool) * done, unsigned most)
{
	while (go_runtime_turn(rt, most, 0) >= 0 && !atomic_load(done))
		(void)readable(rt, go_runtime_timeout_ms(rt));
}

/* Turns without any waiting, until there is nothing to do. */
static int settle(go_runtime *rt)
{
	int n = 0, r;

	do {
		r = go_runtime_turn(rt, 0, 0);
		cr_assert_geq(r, 0);
		n += r;
	} while (r > 0);
	return n;
}

/* ---- what turns promise -------------------------------------------------- */

static void *count(void *counter)
{
	++*(int *)counter;
	return NULL;
}

Test(guest, a_turn_runs_what_is_ready, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int n = 0;

	cr_assert(readable(rt, 0), "before the first turn");
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 0);
	cr_assert(!readable(rt, 0), "after it");
	cr_assert_eq(go_runtime_next_deadline_ns(rt), GO_NEVER);
	cr_assert_eq(go_runtime_timeout_ms(rt), -1);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(go_runtime_spawn(rt, count, &n), 0);
	cr_assert(readable(rt, 0), "after a spawn");
	cr_assert_eq(go_runtime_next_deadline_ns(rt), 0);
	cr_assert_eq(go_runtime_timeout_ms(rt), 0);
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 10);
	cr_assert_eq(n, 10);
	cr_assert(!readable(rt, 0));
	end_guest(rt);
}

Test(guest, what_was_spawned_before_the_first_turn_counts, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int n = 0;

	cr_assert_eq(go_runtime_spawn(rt, count, &n), 0);
	cr_assert_eq(go_runtime_next_deadline_ns(rt), 0);
	cr_assert(readable(rt, 0));
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 1);
	end_guest(rt);
}

static void *yield_often(void *times)
{
	for (int i = 0; i < *(int *)times; i++)
		go_yield();
	return NULL;
}

Test(guest, a_turn_is_as_long_as_it_may_be, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int n = 0, times = 100, total = 0, r;

	for (int i = 0; i < 100; i++)
		cr_assert_eq(go_runtime_spawn(rt, count, &n), 0);
	for (int i = 1; i <= 10; i++) {
		cr_assert_eq(go_runtime_turn(rt, 10, 0), 10);
		cr_assert_eq(n, 10 * i);
		cr_assert_eq(readable(rt, 0), true);
	}
	cr_assert_eq(settle(rt), 0);
	/* Those that come back to their queue themselves, too. */
	cr_assert_eq(go_runtime_spawn(rt, yield_often, &times), 0);
	cr_assert_eq(go_runtime_spawn(rt, yield_often, &times), 0);
	do {
		unsigned most = 1 + test_random(20);

		r = go_runtime_turn(rt, most, 0);
		cr_assert_leq(r, (int)most);
		cr_assert_geq(r, 0);
		total += r;
	} while (go_runtime_next_deadline_ns(rt) == 0);
	cr_assert_geq(total, 102);
	cr_assert_leq(total, 202);
	end_guest(rt);
}

static void *spin(void *stop)
{
	while (!atomic_load((ATOMIC(bool) *)stop))
		go_yield();
	return NULL;
}

static ATOMIC(bool) stop_spinning;

Test(guest, no_turn_is_for_ever, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int64_t began;

	atomic_store(&stop_spinning, false);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(go_runtime_spawn(rt, spin, &stop_spinning), 0);
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 256);
	cr_assert_eq(go_runtime_turn(rt, 1000, GO_NEVER), 1000);
	began = go_now();
	cr_assert_gt(go_runtime_turn(rt, 2000000000, GO_MILLISECOND), 0);
	cr_assert_geq(go_now() - began, GO_MILLISECOND);
	atomic_store(&stop_spinning, true);
	(void)settle(rt);
	end_guest(rt);
}

/* A task alone, whose yields switch to nobody. */
Test(guest, a_lone_task_cannot_keep_its_turn, .timeout = 60)
{
	go_runtime *rt = make_guest();

	atomic_store(&stop_spinning, false);
	cr_assert_eq(go_runtime_spawn(rt, spin, &stop_spinning), 0);
	for (int i = 0; i < 20; i++)
		cr_assert_gt(go_runtime_turn(rt, 5, 0), 0);
	cr_assert_gt(go_runtime_turn(rt, 2000000000, GO_MILLISECOND), 0);
	for (int i = 0; i < 20; i++)
		cr_assert_gt(go_runtime_turn(rt, 5, 1), 0, "in no time");
	atomic_store(&stop_spinning, true);
	(void)settle(rt);
	end_guest(rt);
}

/* Two that keep the queue full, and one that came later. */
Test(guest, short_turns_are_fair, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int n = 0, turns = 0;

	atomic_store(&stop_spinning, false);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(go_runtime_spawn(rt, spin, &stop_spinning), 0);
	cr_assert_eq(go_runtime_turn(rt, 3, 0), 3);
	cr_assert_eq(go_runtime_spawn(rt, count, &n), 0);
	while (n == 0 && turns++ < 1000)
		cr_assert_eq(go_runtime_turn(rt, 1, 0), 1);
	cr_assert_eq(n, 1);
	cr_assert_lt(turns, 200);
	atomic_store(&stop_spinning, true);
	(void)settle(rt);
	end_guest(rt);
}

/* ---- refused ------------------------------------------------------------- */

static void *turn_inside(void *arg)
{
	go_runtime *rt = (go_runtime *)arg;

	CHECK(go_runtime_turn(rt, 0, 0) == -EDEADLK);
	CHECK(go_runtime_fd(rt) == -EDEADLK);
	return NULL;
}

static ATOMIC(int) step;

/* A task that occupies its turn until the test says so. */
static void *stay(void *unused)
{
	atomic_store(&step, 1);
	while (atomic_load(&step) != 2)
		;
	return unused;
}

static void *take_long_turn(void *rt)
{
	CHECK(go_runtime_turn((go_runtime *)rt, 0, 0) == 1);
	return NULL;
}

Test(guest, turns_are_not_nested_nor_shared, .timeout = 60)
{
	go_runtime *rt = make_guest(), *other = make_guest();
	pthread_t thread;

	cr_assert_eq(go_runtime_spawn(rt, turn_inside, rt), 0);
	cr_assert_eq(go_runtime_spawn(rt, turn_inside, other), 0);
	cr_assert_eq(settle(rt), 2);

	atomic_store(&step, 0);
	cr_assert_eq(go_runtime_spawn(rt, stay, NULL), 0);
	cr_assert_eq(pthread_create(&thread, NULL, take_long_turn, rt), 0);
	while (atomic_load(&step) != 1)
		;
	cr_assert_eq(go_runtime_turn(rt, 0, 0), -EBUSY);
	cr_assert_eq(go_runtime_block_on(rt, count, NULL, NULL), -EBUSY);
	cr_assert_eq(go_runtime_shutdown(rt, 0), -EBUSY);
	cr_assert_geq(go_runtime_fd(rt), 0);
	cr_assert_eq(go_runtime_next_deadline_ns(rt), GO_NEVER);
	atomic_store(&step, 2);
	pthread_join(thread, NULL);
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 0);
	end_guest(other);
	end_guest(rt);
}

Test(guest, bad_arguments_are_refused, .timeout = 60)
{
	MAKE(go_runtime_options, options, .workers = 1);
	go_runtime *rt = NULL;

	cr_assert_eq(go_runtime_fd(NULL), -EINVAL);
	cr_assert_eq(go_runtime_turn(NULL, 0, 0), -EINVAL);
	cr_assert_eq(go_runtime_next_deadline_ns(NULL), -EINVAL);
	cr_assert_eq(go_runtime_timeout_ms(NULL), -EINVAL);
	cr_assert_eq(go_runtime_create(&rt, &options), 0);
	cr_assert_eq(go_runtime_fd(rt), -ENOTSUP);
	cr_assert_eq(go_runtime_turn(rt, 0, 0), -ENOTSUP);
	cr_assert_eq(go_runtime_next_deadline_ns(rt), -ENOTSUP);
	cr_assert_eq(go_runtime_timeout_ms(rt), -ENOTSUP);
	cr_assert_eq(go_runtime_shutdown(rt, GO_NEVER), 0);
	cr_assert_eq(go_runtime_destroy(rt), 0);
	rt = make_guest();
	cr_assert_eq(go_runtime_turn(rt, 0, -1), -EINVAL);
	end_guest(rt);
}

/* ---- timers -------------------------------------------------------------- */

static void *sleep_long(void *unused)
{
	(void)go_sleep(GO_SECOND / 2);
	return unused;
}

Test(guest, a_timer_is_due_when_it_says, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int64_t began = go_now(), next;

	cr_assert_eq(go_runtime_spawn(rt, sleep_long, NULL), 0);
	cr_assert_eq(settle(rt), 1);
	next = go_runtime_next_deadline_ns(rt);
	cr_assert_geq(next, began + GO_SECOND / 2);
	cr_assert_leq(next, go_now() + GO_SECOND / 2);
	cr_assert_leq(go_runtime_timeout_ms(rt), 500);
	(void)go_sleep_until(next);
	cr_assert_eq(go_runtime_timeout_ms(rt), 0);
	cr_assert(!readable(rt, 0), "timers are the host's");
	cr_assert_eq(go_runtime_turn(rt, 0, 0), 1);
	cr_assert_eq(go_runtime_next_deadline_ns(rt), GO_NEVER);
	end_guest(rt);
}

static ATOMIC(bool) done;
static ATOMIC(int) sleepers;

static void *sleep_often(void *arg)
{
	for (int i = 0; i < 20; i++) {
		int64_t until = go_now() + test_random(3 * GO_MILLISECOND);

		CHECK(go_sleep_until(until) == 0);
		CHECK(go_now() >= until);
	}
	if (atomic_fetch_sub(&sleepers, 1) == 1)
		atomic_store(&done, true);
	return arg;
}

Test(guest, many_timers, .timeout = 60)
{
	go_runtime *rt = make_guest();

	atomic_store(&done, false);
	atomic_store(&sleepers, 50);
	for (int i = 0; i < 50; i++)
		cr_assert_eq(go_runtime_spawn(rt, sleep_often, NULL), 0);
	host(rt, &done, 10);
	end_guest(rt);
}

/* ---- descriptors --------------------------------------------------------- */

static void *answer(void *arg)
{
	int fd = GO_TO_INT(arg);
	char c;

	while (go_read(fd, &c, 1) == 1) {
		c++;
		CHECK(go_write(fd, &c, 1) == 1);
	}
	atomic_store(&done, true);
	return NULL;
}

static void *ask(void *arg)
{
	int fd = GO_TO_INT(arg);

	for (uint64_t i = 0; i < test_rounds(2000); i++) {
		char c = (char)('a' + i % 20), back = 0;

		CHECK(go_write(fd, &c, 1) == 1);
		CHECK(go_read(fd, &back, 1) == 1);
		CHECK(back == c + 1);
	}
	go_close(fd);
	return NULL;
}

static void answer_over(const int pair[2])
{
	go_runtime *rt = make_guest();
	pthread_t thread;
	char c;

	atomic_store(&done, false);
	cr_assert_eq(go_runtime_spawn(rt, answer, GO_INT(pair[0])), 0);
	cr_assert_eq(settle(rt), 1);
	cr_assert(!readable(rt, 0));
	cr_assert_eq(write(pair[1], "x", 1), 1);
	cr_assert(readable(rt, 0));
	cr_assert_eq(settle(rt), 1);
	cr_assert(!readable(rt, 0));
	cr_assert_eq(read(pair[1], &c, 1), 1);
	cr_assert_eq(pthread_create(&thread, NULL, ask, GO_INT(pair[1])), 0);
	host(rt, &done, 0);
	pthread_join(thread, NULL);
	go_close(pair[0]);
	end_guest(rt);
}

Test(guest, descriptors_make_it_readable, .timeout = 60)
{
	int pair[2];

	cr_assert_eq(go_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	answer_over(pair);
#ifndef GO_TEST_SMALL /* There it is tried again after 10 ms: fdwait.c. */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	answer_over(pair);
#endif
}

/* ---- other threads ------------------------------------------------------- */

static go_chan *to_task, *to_thread;

static void *echo_numbers(void *unused)
{
	int n;

	while (go_chan_recv(to_task, &n) == 0)
		CHECK(go_chan_send(to_thread, &n) == 0);
	atomic_store(&done, true);
	return unused;
}

/* One number at a time: before each the guest has nothing to do. */
static void *send_numbers(void *unused)
{
	int rounds = (int)test_rounds(5000);

	for (int i = 0; i < rounds; i++) {
		int back = -1;

		CHECK(go_chan_send(to_task, &i) == 0);
		CHECK(go_chan_recv(to_thread, &back) == 0);
		CHECK(back == i);
	}
	go_chan_close(to_task);
	return unused;
}

Test(guest, a_thread_and_a_task_take_turns, .timeout = 60)
{
	go_runtime *rt = make_guest();
	pthread_t thread;

	atomic_store(&done, false);
	cr_assert_eq(go_chan_create(&to_task, sizeof(int), 1), 0);
	cr_assert_eq(go_chan_create(&to_thread, sizeof(int), 1), 0);
	cr_assert_eq(go_runtime_spawn(rt, echo_numbers, NULL), 0);
	cr_assert_eq(pthread_create(&thread, NULL, send_numbers, NULL), 0);
	host(rt, &done, 0);
	pthread_join(thread, NULL);
	end_guest(rt);
	go_chan_destroy(to_task);
	go_chan_destroy(to_thread);
}

/* Everything at once: who waits for time, messages, descriptors, others. */
enum {
	THREADS = 3,
	IN_FLIGHT = 64,
};

static ATOMIC(int) left; /* Tasks to be done. */
static go_semaphore slots = GO_SEMAPHORE_INIT(IN_FLIGHT);

static void task_is_done(void)
{
	(void)go_semaphore_post(&slots);
	if (atomic_fetch_sub(&left, 1) == 1)
		atomic_store(&done, true);
}

static void *work(void *arg)
{
	switch (GO_TO_INT(arg) % 5) {
	case 0:
		break;
	case 1:
		CHECK(go_yield() == 0);
		break;
	case 2:
		CHECK(go_sleep(GO_TO_INT(arg) % 100 * 1000) == 0);
		break;
	case 3:
		if (go_spawn(work, GO_INT(0)) == 0)
			return NULL;
		break;
	case 4: {
		int fds[2];
		char c = 0;

		CHECK(go_pipe(fds) == 0);
		CHECK(go_write(fds[1], "x", 1) == 1);
		CHECK(go_read(fds[0], &c, 1) == 1 && c == 'x');
		go_close(fds[0]);
		go_close(fds[1]);
		break;
	}
	}
	task_is_done();
	return NULL;
}

static void submit_many(void *rt)
{
	for (uint64_t i = 0; i < test_rounds(10000); i++) {
		(void)go_semaphore_acquire(&slots);
		CHECK(go_runtime_spawn((go_runtime *)rt, work,
				       GO_INT(test_random(1000))) == 0);
	}
}

Test(guest, turns_of_any_size_lose_nothing, .timeout = 120)
{
	go_runtime *rt = make_guest();

	atomic_store(&done, false);
	atomic_store(&left, (int)(THREADS * test_rounds(10000)));
	test_start_threads(THREADS, submit_many, rt);
	while (!atomic_load(&done)) {
		unsigned most = test_random(4) ? 1 + test_random(40) : 0;
		int64_t most_ns = test_random(4) ? 0 : test_random(20000);

		cr_assert_geq(go_runtime_turn(rt, most, most_ns), 0);
		if (!atomic_load(&done))
			(void)readable(rt, go_runtime_timeout_ms(rt));
	}
	test_join_threads();
	end_guest(rt);
	go_semaphore_destroy(&slots);
}

/* ---- others who run it --------------------------------------------------- */

static void *sleep_for_hours(void *unused)
{
	(void)go_sleep(3600 * GO_SECOND);
	return unused;
}

static void *leave_a_timer(void *rt)
{
	CHECK(go_runtime_spawn((go_runtime *)rt, sleep_for_hours, NULL) == 0);
	return GO_INT(7);
}

Test(guest, block_on_between_turns, .timeout = 60)
{
	go_runtime *rt = make_guest();
	void *result = NULL;

	cr_assert_eq(settle(rt), 0);
	cr_assert_eq(go_runtime_block_on(rt, leave_a_timer, rt, &result), 0);
	cr_assert_eq(GO_TO_INT(result), 7);
	/* The host has to ask again when it is due. */
	cr_assert(readable(rt, 0));
	(void)settle(rt);
	cr_assert_neq(go_runtime_next_deadline_ns(rt), 0);
	cr_assert_neq(go_runtime_next_deadline_ns(rt), GO_NEVER);
	end_guest(rt);
}

/* As a_thread_and_a_task_take_turns, with a thread that runs the guest. */
static void *block_often(void *rt)
{
	int n = 0;

	/* Until it has had its chance: a turn may be interrupted for long. */
	for (uint64_t i = 0; i < test_rounds(2000) || n == 0; i++) {
		int r = go_runtime_block_on((go_runtime *)rt, count, &n, NULL);

		CHECK(r == 0 || r == -EBUSY);
	}
	CHECK(go_runtime_spawn((go_runtime *)rt, echo_numbers, NULL) == 0);
	return NULL;
}

Test(guest, block_on_beside_turns, .timeout = 60)
{
	go_runtime *rt = make_guest();
	pthread_t thread;

	atomic_store(&done, false);
	cr_assert_eq(go_chan_create(&to_task, sizeof(int), 1), 0);
	cr_assert_eq(go_chan_close(to_task), 0);
	cr_assert_eq(settle(rt), 0);
	cr_assert_eq(pthread_create(&thread, NULL, block_often, rt), 0);
	while (!atomic_load(&done)) {
		int r = go_runtime_turn(rt, 0, 0);

		cr_assert(r >= 0 || r == -EBUSY);
		if (!atomic_load(&done))
			(void)readable(rt, go_runtime_timeout_ms(rt));
	}
	pthread_join(thread, NULL);
	end_guest(rt);
	go_chan_destroy(to_task);
}

static ATOMIC(int) unwound;

static void *unwind_slowly(void *unused)
{
	GO_SHIELD();
	(void)go_sleep(GO_MILLISECOND);
	atomic_fetch_add(&unwound, 1);
	return unused;
}

static void *until_cancelled(void *arg)
{
	CHECK(go_sleep(GO_NEVER) == -ECANCELED);
	return unwind_slowly(arg);
}

Test(guest, a_shutdown_may_go_on_in_turns, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int n;

	atomic_store(&unwound, 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(go_runtime_spawn(rt, until_cancelled, NULL), 0);
	cr_assert_eq(settle(rt), 10);
	n = go_runtime_shutdown(rt, 0);
	cr_assert_eq(n, 10);
	cr_assert_eq(go_runtime_spawn(rt, count, &n), -ESHUTDOWN);
	while ((n = go_runtime_shutdown(rt, 0)) > 0) {
		(void)readable(rt, go_runtime_timeout_ms(rt));
		cr_assert_geq(go_runtime_turn(rt, 0, 0), 0);
	}
	cr_assert_eq(n, 0);
	cr_assert_eq(atomic_load(&unwound), 10);
	cr_assert_eq(go_runtime_destroy(rt), 0);
}

/* Each turn on another thread. */
static void *one_turn(void *rt)
{
	return GO_INT(go_runtime_turn((go_runtime *)rt, 1, 0));
}

Test(guest, turns_on_different_threads, .timeout = 60)
{
	go_runtime *rt = make_guest();
	int times = 20, total = 0;

	cr_assert_eq(go_runtime_spawn(rt, yield_often, &times), 0);
	cr_assert_eq(go_runtime_spawn(rt, yield_often, &times), 0);
	while (go_runtime_next_deadline_ns(rt) == 0) {
		pthread_t thread;
		void *n = NULL;

		cr_assert_eq(pthread_create(&thread, NULL, one_turn, rt), 0);
		pthread_join(thread, &n);
		total += GO_TO_INT(n);
	}
	cr_assert_geq(total, 22);
	end_guest(rt);
}

/* Two guests of one loop, whose tasks wait for each other. */
static void *pass_on(void *end)
{
	int n;

	while (go_chan_recv(to_task, &n) == 0 && --n > 0)
		if (go_chan_send(to_task, &n) < 0)
			break;
	go_chan_close(to_task);
	(void)end;
	return NULL;
}

Test(guest, two_guests_of_one_loop, .timeout = 60)
{
	go_runtime *rt[2] = {make_guest(), make_guest()};
	int n = 1000, ran;

	cr_assert_eq(go_chan_create(&to_task, sizeof(int), 1), 0);
	cr_assert_eq(go_runtime_spawn(rt[0], pass_on, NULL), 0);
	cr_assert_eq(go_runtime_spawn(rt[1], pass_on, NULL), 0);
	(void)settle(rt[0]);
	(void)settle(rt[1]);
	cr_assert_eq(go_chan_send(to_task, &n), 0);
	do {
		ran = 0;
		for (int i = 0; i < 2; i++)
			if (readable(rt[i], 0))
				ran += go_runtime_turn(rt[i], 0, 0);
	} while (ran > 0);
	cr_assert_eq(go_chan_send(to_task, &n), -EPIPE);
	end_guest(rt[0]);
	end_guest(rt[1]);
	go_chan_destroy(to_task);
}
