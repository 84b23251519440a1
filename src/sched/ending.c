/* SPDX-License-Identifier: MIT */
/* Lines of those who wait for tasks to end; the protocol is in ending.h. */
#include "sched/ending.h"

enum {
#ifdef GO_TEST_SMALL
	LINES = 2,
#else
	LINES = 64,
#endif
};

/* Process-wide, never destroyed: a task may end after its watchers. */
static struct go__ending lines[LINES];

struct go__ending *go__ending_of(uint64_t id)
{
	return &lines[id % LINES];
}

void go__ending_link(struct go__end_wait *wait)
{
	struct go__ending *line = go__ending_of(wait->id);

	if (!line->waits.next)
		go__list_init(&line->waits);
	go__list_push_back(&line->waits, &wait->node.link);
}

/* Under the line's lock. */
static void claim_all(struct go__ending *line, uint64_t id,
		      struct go__wake_list *woken)
{
	struct go__link *link = line->waits.next, *next;

	for (; link && link != &line->waits; link = next) {
		struct go__end_wait *wait =
			go__container_of(link, struct go__end_wait, node.link);
		struct go__waiter *w = wait->node.waiter;

		next = link->next;
		if (wait->id != id || !go__wait_claim(&wait->node))
			continue;
		go__list_remove(link);
		/* A select asks which of its waits it was. */
		w->value = &wait->node;
		go__wake_list_add(woken, w, 0);
	}
}

void go__ending_wake(uint64_t id)
{
	struct go__ending *line = go__ending_of(id);
	struct go__wake_list woken;

	go__wake_list_init(&woken);
	go__lock_acquire(&line->lock);
	claim_all(line, id, &woken);
	go__lock_release(&line->lock);
	go__wake_list_flush(&woken);
}
