/* SPDX-License-Identifier: MIT */
/* What is thrown here: counted, so that none is freed twice, or never. */
#ifndef GO_TEST_THROWING_H
#define GO_TEST_THROWING_H

#include <atomic>

#include "everywhere.h"

static std::atomic<int> alive{0};

struct number {
	int value;

	explicit number(int n) : value(n)
	{
		alive++;
	}
	number(const number &other) : value(other.value)
	{
		alive++;
	}
	~number()
	{
		alive--; /* First: read_for_the_last_time(). */
		value = -1;
	}
	number &operator=(const number &) = delete;
};

/*
 * Before a catch block ends that has another's exception, too.  The library's
 * count of those who have it is not seen by ThreadSanitizer; ours is, and the
 * destructor looks at it.
 */
static inline void read_for_the_last_time()
{
	alive.fetch_add(0);
}

/* Of the calling task: what `throw;` throws, and whether there is any. */
static inline int rethrown()
{
	try {
		throw;
	} catch (const number &n) {
		return n.value;
	}
}

/* Let others run, who throw too, and come back somewhere else. */
static inline void elsewhere()
{
	go_yield();
	(void)go_sleep(1);
}

/* A runtime where every park ends on another worker. */
static inline void run_moving(go_fn *body, void *arg)
{
	MAKE(go_runtime_options, o, .flavour = GO_MULTI_THREAD, .workers = 4,
	     .migrate = true);
	void *wrong = NULL;

	cr_assert_eq(go_run_with(&o, body, arg, &wrong), 0);
	cr_assert_null(wrong, "%s", static_cast<const char *>(wrong));
}

/* On every kind of runtime; nothing that was thrown is left over. */
static inline void run_throwing(go_fn *body, void *arg)
{
	run_everywhere(body, arg);
	run_moving(body, arg);
	cr_assert_eq(alive.load(), 0);
}

/* Many tasks with numbers as arguments; the first complaint of any. */
static inline void *all_of(unsigned n, go_fn *fn)
{
	static go_task task[256];
	void *wrong = NULL;

	for (unsigned i = 0; i < n; i++)
		MUST(go_task_spawn(&task[i], fn, GO_INT(1000 * (i + 1))) == 0);
	for (unsigned i = 0; i < n; i++) {
		void *one = NULL;

		MUST(go_task_join(task[i], &one) == 0);
		if (!wrong)
			wrong = one;
	}
	return wrong;
}

#endif
