/* SPDX-License-Identifier: MIT */
/*
 * The intrusive list keeps order, says whether a link is on a list, and finds
 * the element around a link; checked against an array under random changes.
 */
#include "arch/list.h"
#include "support.h"
#include "test.h"

struct item {
	int number;
	struct go__link link;
};

static struct item *item_of(struct go__link *link)
{
	return go__container_of(link, struct item, link);
}

Test(list, a_new_list_is_empty)
{
	struct go__link list;

	go__list_init(&list);
	cr_assert(go__list_empty(&list));
	cr_assert_null(go__list_pop_front(&list));
}

Test(list, both_ends_keep_their_order)
{
	struct go__link list;
	struct item a = {.number = 1}, b = {.number = 2}, c = {.number = 3};

	go__list_init(&list);
	go__list_push_back(&list, &b.link);
	go__list_push_back(&list, &c.link);
	go__list_push_front(&list, &a.link);
	for (int i = 1; i <= 3; i++)
		cr_assert_eq(item_of(go__list_pop_front(&list))->number, i);
	cr_assert(go__list_empty(&list));
}

Test(list, a_removed_link_knows_that_it_is_on_no_list)
{
	struct go__link list;
	struct item a = {.number = 1};

	go__list_init(&list);
	cr_assert_not(go__link_is_linked(&a.link));
	go__list_push_back(&list, &a.link);
	cr_assert(go__link_is_linked(&a.link));
	go__list_remove(&a.link);
	cr_assert_not(go__link_is_linked(&a.link));
	cr_assert(go__list_empty(&list));
}

enum {
	ITEMS = 16,
	ROUNDS = 10000
};

/* The list and the array hold the same items in the same order. */
static void compare(const struct go__link *list, struct item **array, int n)
{
	const struct go__link *link = list->next;

	for (int i = 0; i < n; i++, link = link->next) {
		cr_assert_eq(link, &array[i]->link, "element %d", i);
		cr_assert_eq(link->next->prev, link, "element %d", i);
	}
	cr_assert_eq(link, list);
}

Test(list, random_changes_match_an_array, .timeout = 30)
{
	static struct item items[ITEMS];
	struct item *array[ITEMS];
	struct go__link list;
	int n = 0;

	go__list_init(&list);
	for (int round = 0; round < ROUNDS; round++) {
		struct item *it = &items[test_random(ITEMS)];
		int at = 0;

		if (!go__link_is_linked(&it->link)) {
			go__list_push_back(&list, &it->link);
			array[n++] = it;
		} else {
			go__list_remove(&it->link);
			while (array[at] != it)
				at++;
			for (n--; at < n; at++)
				array[at] = array[at + 1];
		}
		compare(&list, array, n);
	}
}
