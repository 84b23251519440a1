/* SPDX-License-Identifier: MIT */
/*
 * Contexts keep their identity: go__self() is whoever was switched to, on
 * every thread, also after a context has moved from one thread to another and
 * after its stack went on as somebody else.
 */
#include "test.h"

#include "arch/context.h"
#include "arch/sys.h"

#include <stdlib.h>

enum {
	STACK_BYTES = 64 * 1024
};

static struct go__context task, other, *resumer;
static int rounds;

static void count(void)
{
	for (;;) {
		cr_assert_eq(go__self(), &task);
		rounds++;
		go__context_switch(&task, resumer);
	}
}

static char *prepare(struct go__context *c, void (*entry)(void))
{
	char *low = aligned_alloc(16, STACK_BYTES);

	cr_assert_not_null(low);
	go__context_prepare(c, low, low + STACK_BYTES, entry);
	return low;
}

static void resume_three_times(void)
{
	resumer = go__self();
	for (int i = 0; i < 3; i++) {
		go__context_switch(resumer, &task);
		cr_assert_eq(go__self(), resumer);
	}
}

static void *resume_on_thread(void *unused)
{
	(void)unused;
	cr_assert_null(go__self_or_null());
	resume_three_times();
	return NULL;
}

Test(context, self_follows_switches_and_threads, .timeout = 10)
{
	char *low = prepare(&task, count);
	pthread_t thread;

	resume_three_times();
	cr_assert_eq(go__self()->flags, GO__CONTEXT_THREAD);
	cr_assert_eq(go__sys_thread_create(&thread, 0, resume_on_thread, NULL),
		     0);
	cr_assert_eq(go__sys_thread_join(thread), 0);
	resume_three_times();
	cr_assert_eq(rounds, 9);
	go__context_release(&task);
	free(low);
}

static void change(void)
{
	char *low = task.stack_low;

	go__context_become(go__self(), &other);
	cr_assert_eq(go__self(), &other);
	cr_assert_eq(other.stack_low, low);
	cr_assert_null(task.stack_low);
	other.flags = GO__CONTEXT_DYING;
	go__context_switch(&other, resumer);
}

Test(context, a_stack_goes_on_as_another_context, .timeout = 10)
{
	char *low = prepare(&task, change);

	resumer = go__self();
	go__context_switch(resumer, &task);
	cr_assert_eq(go__self(), resumer);
	go__context_release(&other);
	free(low);
}

Test(context, one_that_never_ran_can_be_released, .timeout = 60)
{
	char *low = aligned_alloc(16, STACK_BYTES);

	for (int i = 0; i < 5000; i++) {
		go__context_prepare(&task, low, low + STACK_BYTES, count);
		go__context_release(&task);
	}
	free(low);
}
