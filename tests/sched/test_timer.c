/* SPDX-License-Identifier: MIT */
/*
 * The timer wheel against the truth: random timers are armed, moved and
 * cancelled, time jumps, and after each jump exactly those have fired whose
 * deadline has come.  Time is a number here, nothing runs.
 */
#include <string.h>

#include "sched/task.h"
#include "support.h"
#include "test.h"

enum {
	TIMERS = 300
};

static struct go__wheel wheel;
static struct go__task task[TIMERS];
static uint64_t due[TIMERS]; /* 0: not waiting. */

static void begin(int i)
{
	memset(&task[i], 0, sizeof(task[i]));
	task[i].waiter.is_task = true;
	go__wait_word_init(&task[i].waiter.word, 0);
	due[i] = 0;
}

static void start(int i, uint64_t deadline)
{
	struct go__task *t = &task[i];

	due[i] = deadline;
	atomic_store(&t->waiter.deadline, deadline);
	go__wait_word_open(&t->waiter.word, false);
	go__timer_arm(&t->timer, &wheel, deadline);
}

/* Something else ends the wait; the timer stays armed. */
static void end(int i)
{
	struct go__waiter *w = &task[i].waiter;

	cr_assert(go__wait_claim_epoch(w, go__wait_word_epoch(&w->word)));
	due[i] = 0;
}

static uint64_t some_time_after(uint64_t now)
{
	return now + 1 + (test_random(UINT32_MAX) >> test_random(32)) +
	       ((uint64_t)test_random(1000) << test_random(40));
}

/* Those that fire are due; those that are due fire. */
static void run_until(uint64_t now)
{
	struct go__wake_list ready;
	struct go__waiter *w;

	go__wake_list_init(&ready);
	go__wheel_run(&wheel, now, &ready);
	/* The waiters count as running, so nothing is in the list. */
	cr_assert_eq(ready.count, 0);
	for (int i = 0; i < TIMERS; i++) {
		bool over;

		w = &task[i].waiter;
		over = go__wait_word_peek(&w->word, true) == 0;
		if (due[i] == 0)
			continue;
		cr_assert_eq(over, due[i] <= now, "timer %d", i);
		if (over)
			due[i] = 0;
	}
}

Test(timer, the_wheel_agrees_with_the_truth, .timeout = 60)
{
	uint64_t now = 1234567890;

	go__wheel_init(&wheel, now);
	for (int i = 0; i < TIMERS; i++)
		begin(i);
	for (uint64_t round = test_rounds(20000); round > 0; round--) {
		int i = (int)test_random(TIMERS);
		uint64_t next;

		if (due[i] == 0)
			start(i, some_time_after(now));
		else if (test_random(2))
			end(i);
		next = go__wheel_next(&wheel);
		for (int n = 0; n < TIMERS; n++)
			cr_assert(due[n] == 0 || due[n] >= next);
		if (test_random(4) == 0) {
			now = test_random(2) && next != GO__NO_DEADLINE
				      ? next
				      : some_time_after(now);
			run_until(now);
		}
	}
}

Test(timer, an_empty_wheel_has_no_deadline)
{
	go__wheel_init(&wheel, 5);
	begin(0);
	cr_assert_eq(go__wheel_next(&wheel), GO__NO_DEADLINE);
	start(0, 1000);
	cr_assert_eq(go__wheel_next(&wheel), 1000);
	end(0);
	go__timer_close(&task[0].timer);
	cr_assert_eq(go__wheel_next(&wheel), GO__NO_DEADLINE);
	/* Closing it again, and closing one that was never armed, is fine. */
	go__timer_close(&task[0].timer);
}

Test(timer, a_lowered_deadline_moves_the_timer)
{
	go__wheel_init(&wheel, 5);
	begin(0);
	start(0, 1000);
	end(0);
	start(0, 500);
	cr_assert_eq(go__wheel_next(&wheel), 500);
	end(0);
	start(0, 900);
	/* Left alone: it fires early and looks. */
	cr_assert_eq(go__wheel_next(&wheel), 500);
	run_until(600);
	cr_assert_eq(go__wheel_next(&wheel), 900);
	run_until(900);
	cr_assert_eq(go__wheel_next(&wheel), GO__NO_DEADLINE);
}

/* What is closed is on no list, whatever it was armed for. */
Test(timer, closed_means_unlinked, .timeout = 60)
{
	static const uint64_t deadlines[] = {0, 1, 1000, UINT64_MAX - 1};

	go__wheel_init(&wheel, 1000);
	for (int i = 0; i < 4; i++) {
		begin(i);
		start(i, deadlines[i]);
	}
	for (int i = 0; i < 4; i++) {
		end(i);
		go__timer_close(&task[i].timer);
		cr_assert_not(go__link_is_linked(&task[i].timer.link), "%d", i);
	}
	cr_assert_eq(go__wheel_next(&wheel), GO__NO_DEADLINE);
}
