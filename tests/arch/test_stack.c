/* SPDX-License-Identifier: MIT */
/*
 * Stacks come out distinct, aligned, coloured and clean, and go back.
 *
 * Built with tiny regions, caches and batches, so every limit is crossed.  What
 * this cannot show: the behaviour of a million stacks (test_stack_million.c),
 * and what the guards are made of (test_stack_guard.c).
 */
#include "test.h"

#include "support.h"

#include "arch/stack.h"
#include "arch/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MANY = 200
};

static size_t usable(struct go__stack s)
{
	return (size_t)(go__stack_high(s.slot, s.class) -
			go__stack_low(s.slot, s.class));
}

Test(stack, sizes_round_up_to_a_class, .timeout = 60)
{
	static const struct {
		size_t bytes;
		unsigned class;
	} cases[] = {
		{0, 18},
		{1, 17},
		{64 * 1024, 17},
		{64 * 1024 + 1, 18},
		{192 * 1024, 18},
		{192 * 1024 + 1, 19},
		{(size_t)1 << 30, 31},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct go__stack s;

		cr_assert_eq(go__stack_alloc(cases[i].bytes, &s), 0);
		cr_assert_eq(s.class, cases[i].class);
		cr_assert_eq((uintptr_t)s.slot % ((size_t)1 << s.class), 0);
		cr_assert_geq(usable(s) + 1024, cases[i].bytes);
		*go__stack_low(s.slot, s.class) = 1;
		go__stack_high(s.slot, s.class)[-1] = 1;
		go__stack_free(s);
	}
}

Test(stack, absurd_sizes_are_refused, .timeout = 10)
{
	struct go__stack s;

	cr_assert_eq(go__stack_alloc(SIZE_MAX, &s), -EINVAL);
	cr_assert_eq(go__stack_alloc((size_t)1 << 60, &s), -EINVAL);
	cr_assert_eq(go__stack_alloc((size_t)1 << 36, &s), -EINVAL);
}

Test(stack, tops_are_coloured, .timeout = 10)
{
	bool seen[GO__STACK_COLOURS] = {false};
	struct go__stack s[64];
	unsigned colours = 0;

	for (int i = 0; i < 64; i++) {
		size_t off;

		cr_assert_eq(go__stack_alloc(0, &s[i]), 0);
		off = (size_t)(s[i].slot + (1 << 18) -
			       go__stack_high(s[i].slot, 18));
		cr_assert_eq(off % 64, 0);
		cr_assert_lt(off, 1024);
		if (!seen[off / 64])
			colours++;
		seen[off / 64] = true;
	}
	cr_assert_eq(colours, GO__STACK_COLOURS);
	for (int i = 0; i < 64; i++)
		go__stack_free(s[i]);
}

Test(stack, addresses_lead_to_their_stack, .timeout = 10)
{
	struct go__stack s, found;
	int local;

	cr_assert_eq(go__stack_alloc(0, &s), 0);
	cr_assert(go__stack_find(s.slot, &found));
	cr_assert_eq(found.slot, s.slot);
	cr_assert(go__stack_in_guard(&found, s.slot));
	cr_assert(go__stack_find(s.slot + (1 << 18) - 1, &found));
	cr_assert_eq(found.slot, s.slot);
	cr_assert_eq(found.class, 18);
	cr_assert_not(go__stack_in_guard(&found, go__stack_low(s.slot, 18)));
	cr_assert_not(go__stack_find(&local, &found));
	cr_assert_not(go__stack_find(NULL, &found));
	go__stack_free(s);
}

Test(stack, a_cache_is_emptied_newest_first, .timeout = 10)
{
	struct go__stack_cache cache = {0};
	char *slots[GO__STACK_BATCH], *a, *b;

	cr_assert_null(go__stack_pop(&cache));
	cr_assert_eq(go__stack_refill(&cache), 0);
	cr_assert_gt(cache.n, 0);
	for (unsigned i = 0; cache.n > 0; i++)
		slots[i] = go__stack_pop(&cache);
	for (unsigned i = 0; i < GO__STACK_CACHE; i++)
		cr_assert(go__stack_push(&cache, slots[i % 2]));
	cr_assert_not(go__stack_push(&cache, slots[0]));
	cache.n = 0;

	a = slots[0];
	b = slots[1];
	go__stack_push(&cache, a);
	go__stack_push(&cache, b);
	go__stack_flush(&cache, 1);
	cr_assert_eq(cache.n, 1);
	cr_assert_eq(go__stack_pop(&cache), b, "the oldest goes first");
	cr_assert_eq(go__stack_refill(&cache), 0);
	cr_assert_eq(go__stack_pop(&cache), a, "the depot's come first");
}

static int by_address(const void *a, const void *b)
{
	const struct go__stack *x = a, *y = b;

	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

Test(stack, no_slot_is_handed_out_twice, .timeout = 60)
{
	static struct go__stack s[MANY];
	struct go__stack_stats stats;

	for (int i = 0; i < MANY; i++) {
		cr_assert_eq(go__stack_alloc(0, &s[i]), 0);
		memset(go__stack_high(s[i].slot, 18) - 64, i, 64);
	}
	qsort(s, MANY, sizeof(s[0]), by_address);
	for (int i = 1; i < MANY; i++)
		cr_assert_neq(s[i].slot, s[i - 1].slot);
	go__stack_stats(&stats);
	cr_assert_gt(stats.regions, 3, "the test is to cross regions");
	for (int i = 0; i < MANY; i++)
		go__stack_free(s[i]);
	for (int i = 0; i < MANY; i++)
		cr_assert_eq(go__stack_alloc(0, &s[i]), 0);
	go__stack_stats(&stats);
	cr_assert_leq(stats.committed_bytes >> 18, MANY + 24);
	for (int i = 0; i < MANY; i++)
		go__stack_free(s[i]);
}

static size_t used(struct go__stack s)
{
	return go__stack_used(go__stack_low(s.slot, s.class),
			      go__stack_high(s.slot, s.class));
}

Test(stack, pages_go_back_in_steps, .timeout = 10)
{
	const uint64_t second = 1000000000;
	struct go__stack s;
	char *high;

	cr_assert_eq(go__stack_alloc(0, &s), 0);
	high = go__stack_high(s.slot, s.class);
	cr_assert_eq(used(s), 0, "a fresh stack has no page");
	high[-1] = 1;
	cr_assert_leq(used(s), go__sys_page_bytes());
	high[-100000] = 1;
	cr_assert_geq(used(s), 100000);

	go__stack_free(s);
	cr_assert_gt(used(s), 0);
	cr_assert_leq(used(s), GO__STACK_KEPT_BYTES);
	cr_assert_eq(go__stack_trim(100 * second), 110 * second);
	cr_assert_eq(go__stack_trim(109 * second), 110 * second);
	cr_assert_gt(used(s), 0);
	cr_assert_eq(go__stack_trim(110 * second), UINT64_MAX);
	cr_assert_eq(used(s), 0);

	cr_assert_eq(go__stack_alloc(0, &s), 0);
	cr_assert_eq(high, go__stack_high(s.slot, s.class), "it is reused");
	go__stack_free(s);
}

Test(stack, trimming_loses_no_stack, .timeout = 10)
{
	static struct go__stack s[MANY];
	struct go__stack_stats before, after;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < MANY; i++)
			cr_assert_eq(go__stack_alloc(0, &s[i]), 0);
		if (round == 0)
			go__stack_stats(&before);
		for (int i = 0; i < MANY; i++) {
			go__stack_free(s[i]);
			if (i == MANY / 2)
				go__stack_trim((uint64_t)(round + 1) << 35);
		}
		go__stack_trim((uint64_t)(round * 2 + 1) << 36);
	}
	go__stack_stats(&after);
	cr_assert_eq(after.committed_bytes, before.committed_bytes);
}

Test(stack, every_failing_call_leaves_all_usable, .timeout = 60)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_mmap, GO__SYS_mprotect, GO__SYS_process_madvise,
		GO__SYS_madvise, GO__SYS_munmap};

	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
		for (unsigned n = 1; n < 12; n++) {
			struct go__stack s[40];
			int have = 0;

			test_fail_nth(calls[c], n);
			for (int i = 0; i < 40; i++) {
				int r = go__stack_alloc(0, &s[have]);

				cr_assert(r == 0 || r == -ENOMEM);
				if (r == 0)
					have++;
			}
			test_fail_stop();
			while (have < 40)
				cr_assert_eq(go__stack_alloc(0, &s[have++]), 0);
			for (int i = 0; i < 40; i++) {
				*go__stack_low(s[i].slot, 18) = 1;
				if (i % 2)
					go__stack_free(s[i]);
			}
		}
}

static _Atomic bool stop;

static void churn(void *unused)
{
	struct go__stack_cache cache = {0};

	(void)unused;
	while (!stop) {
		cr_assert_eq(go__stack_refill(&cache), 0);
		go__stack_flush(&cache, 0);
		go__stack_trim(go__sys_now());
	}
}

Test(stack, a_forked_child_has_free_locks, .timeout = 60)
{
	test_start_threads(2, churn, NULL);
	for (uint64_t i = 0; i < test_rounds(100); i++) {
		int status;
		pid_t pid = fork();

		cr_assert_geq(pid, 0);
		if (pid == 0) {
			struct go__stack s;

			alarm(10);
			if (go__stack_alloc(0, &s) != 0)
				_exit(1);
			go__stack_free(s);
			_exit(0);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0);
	}
	stop = true;
	test_join_threads();
}
