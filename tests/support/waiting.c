/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <gofer/time.h>

#include "sched/worker.h"

struct count {
	const void *object;
	unsigned found;
};

/* As the dump reads it: the same open wait before and after the object. */
static bool look(struct go__task *t, void *arg)
{
	struct count *c = arg;
	uint64_t wait = atomic_load(&t->waiter.word.bits);
	const void *object = atomic_load(&t->waiter.object);

	if ((wait & (GO__WAIT_SAVED | GO__WAIT_CLAIMED)) == GO__WAIT_SAVED &&
	    atomic_load(&t->waiter.word.bits) == wait && object == c->object)
		c->found++;
	return true;
}

void test_await_waiters(const void *object, unsigned n)
{
	struct count c = {object, 0};

	for (;;) {
		c.found = 0;
		go__block_each(look, &c);
		if (c.found >= n)
			return;
		go_sleep(20 * GO_MICROSECOND);
	}
}
