/* SPDX-License-Identifier: MIT */
/* What C++ keeps about exceptions, per stack; exceptions.c has the essay. */
#ifndef GO_ARCH_EXCEPTIONS_H
#define GO_ARCH_EXCEPTIONS_H

#include "arch/atomic.h"

#include <stdbool.h>
#include <stddef.h>

/* __cxa_eh_globals of the Itanium C++ ABI, section 2.2.2. */
struct go__exceptions {
	void *caught;      /* Those that a catch block has, linked. */
	unsigned uncaught; /* How many are under way. */
};

/*
 * Answers where the calling thread's are; NULL while there is no C++ in the
 * process.  Constant once it is set.  Hidden, or it is found through a table:
 * an instruction more in every park.
 */
extern __attribute__((visibility("hidden"))) void *(
	*_Atomic go__exceptions_getter)(void);

static inline bool go__exceptions_known(void)
{
	/* relaxed: the function is there before whoever gave it to us calls
	 * into the library, and what throws comes after that [cxx]. */
	return atomic_load_explicit(&go__exceptions_getter,
				    memory_order_relaxed) != NULL;
}

static inline bool go__exceptions_any(const struct go__exceptions *e)
{
	return e->caught || e->uncaught;
}

/* Copy what a stack has, and leave none for the next one. */
static inline struct go__exceptions
go__exceptions_take(struct go__exceptions *from)
{
	struct go__exceptions taken = *from;

	*from = (struct go__exceptions){NULL, 0};
	return taken;
}

/*
 * The calling thread's, where they are known.  It touches thread-local data:
 * who keeps the answer must not keep it over a switch.
 */
struct go__exceptions *go__exceptions_here(void);

/* What the running stack has, taken off the thread; none if none are known. */
struct go__exceptions go__exceptions_leave(void);
/* The same, for another stack to go on at once; where they are known. */
struct go__exceptions go__exceptions_swap(const struct go__exceptions *next);
/* Back on the stack that left, on whatever thread it is now. */
void go__exceptions_arrive(const struct go__exceptions *e);

#endif
