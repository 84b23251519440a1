/* SPDX-License-Identifier: MIT */
/* A select of another task's. */
#ifndef GO_TEST_SELECTION_H
#define GO_TEST_SELECTION_H

#include "../sched/everywhere.h"

struct selection {
	go_case *cases;
	size_t count;
};

/* Which case, or -errno. */
static inline void *select_them(void *arg)
{
	struct selection *s = (struct selection *)arg;

	return GO_INT(go_select(s->cases, s->count));
}

#endif
