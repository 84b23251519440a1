/* SPDX-License-Identifier: MIT */
/*
 * The three words of a descriptor and its poller, each function alone, in one
 * thread.  What happens between threads is the models' business.
 */
#include "test.h"

#include "io/break.h"
#include "io/fduse.h"
#include "io/ready.h"

static struct go__ready fresh(void)
{
	struct go__ready r = {0};

	cr_assert_eq(go__ready_renew(&r), 1);
	return r;
}

Test(ready, a_new_generation_is_ready_both_ways)
{
	struct go__ready r = fresh();
	uint64_t word = go__ready_load(&r);

	cr_assert_eq(go__ready_generation(word), 1);
	cr_assert(word & GO__READY_IN);
	cr_assert(word & GO__READY_OUT);
	cr_assert(go__ready_short_tells(word));
}

Test(ready, clearing_takes_one_direction)
{
	struct go__ready r = fresh();

	cr_assert(go__ready_clear(&r, go__ready_load(&r), GO__WAY_IN));
	cr_assert_eq(go__ready_load(&r) & GO__READY_BITS, GO__READY_OUT);
	cr_assert(go__ready_clear(&r, go__ready_load(&r), GO__WAY_OUT));
	cr_assert_eq(go__ready_load(&r) & GO__READY_BITS, 0);
}

Test(ready, an_edge_in_between_forbids_clearing)
{
	struct go__ready r = fresh();
	uint64_t seen = go__ready_load(&r);

	/* The bit was set before and is set after: only the count tells. */
	cr_assert(go__ready_note(&r, 1, GO__READY_IN));
	cr_assert_not(go__ready_clear(&r, seen, GO__WAY_IN));
	cr_assert(go__ready_load(&r) & GO__READY_IN);
}

Test(ready, the_count_wraps_without_touching_the_rest)
{
	struct go__ready r = fresh();

	atomic_store(&r.word, UINT64_C(7) << 32 | GO__READY_EDGES);
	cr_assert(go__ready_note(&r, 7, GO__READY_OUT));
	cr_assert_eq(go__ready_load(&r), UINT64_C(7) << 32 | GO__READY_OUT);
}

Test(ready, an_edge_of_another_generation_changes_nothing)
{
	struct go__ready r = fresh();
	uint64_t word;

	cr_assert_eq(go__ready_renew(&r), 2);
	cr_assert(go__ready_clear(&r, go__ready_load(&r), GO__WAY_IN));
	word = go__ready_load(&r);
	cr_assert_not(go__ready_note(&r, 1, GO__READY_IN));
	cr_assert_not(go__ready_note(&r, 3, GO__READY_IN));
	cr_assert_eq(go__ready_load(&r), word);
}

Test(ready, after_a_hang_up_short_counts_tell_nothing)
{
	struct go__ready r = fresh();

	cr_assert(go__ready_note(&r, 1, GO__READY_IN | GO__HUNG_IN));
	cr_assert_not(go__ready_short_tells(go__ready_load(&r)));
	cr_assert(go__ready_clear(&r, go__ready_load(&r), GO__WAY_IN));
	cr_assert_not(go__ready_short_tells(go__ready_load(&r)));
	go__ready_renew(&r);
	cr_assert(go__ready_short_tells(go__ready_load(&r)));
}

Test(ready, clearings_do_not_count_as_changes)
{
	struct go__ready r = fresh();
	uint64_t seen = go__ready_load(&r);

	cr_assert(go__ready_clear(&r, seen, GO__WAY_IN));
	cr_assert(go__ready_unchanged(&r, seen));
	cr_assert(go__ready_note(&r, 1, GO__READY_IN));
	cr_assert_not(go__ready_unchanged(&r, seen));
}

Test(fduse, the_last_one_out_closes)
{
	struct go__fduse u = {0};

	cr_assert(go__fduse_enter(&u)); /* A reader. */
	cr_assert(go__fduse_enter(&u)); /* The closer. */
	cr_assert_not(go__fduse_closing(&u));
	cr_assert(go__fduse_close(&u));
	cr_assert(go__fduse_closing(&u));
	cr_assert_not(go__fduse_enter(&u));
	cr_assert_not(go__fduse_close(&u), "a second close");
	cr_assert_not(go__fduse_leave(&u));
	cr_assert_not(go__fduse_enter(&u));
	cr_assert(go__fduse_leave(&u));
	go__fduse_reopen(&u);
	cr_assert(go__fduse_enter(&u));
	cr_assert_not(go__fduse_leave(&u), "nobody closes");
}

Test(pollbreak, only_a_sleeper_costs_a_write)
{
	struct go__break b = {0};

	cr_assert_not(go__break_raise(&b));
	cr_assert_not(go__break_sleep(&b), "the break waits for the sleeper");
	go__break_woke(&b);
	cr_assert(go__break_sleep(&b));
	cr_assert_not(go__break_pass_on(&b));
	cr_assert(go__break_raise(&b));
	cr_assert_not(go__break_raise(&b), "one write is enough");
	cr_assert(go__break_pass_on(&b), "the sleeper is still inside");
	go__break_woke(&b);
	cr_assert_not(go__break_pass_on(&b));
	cr_assert(go__break_sleep(&b));
}
