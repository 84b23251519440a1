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

/* All who wait in them are the parent's. */
void go__endings_forked(void)
{
	for (unsigned i = 0; i < LINES; i++) {
		go__lock_init(&lines[i].lock);
		lines[i].waits.next = NULL;
	}
}

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

void go__ending_wake(uint64_t id)
{
	struct go__ending *line = go__ending_of(id);
	struct go__link *link, *next;
	struct go__claimed woken;

	go__claimed_init(&woken);
	go__lock_acquire(&line->lock);
	for (link = line->waits.next; link && link != &line->waits;
	     link = next) {
		struct go__end_wait *wait =
			go__container_of(link, struct go__end_wait, node.link);

		next = link->next;
		if (wait->id == id)
			(void)go__claimed_take(&woken, &wait->node, 0);
	}
	go__lock_release(&line->lock);
	go__claimed_deliver(&woken);
}
