/* SPDX-License-Identifier: MIT */
/*
 * Which locations are shared, and so need a choice of who goes next.
 *
 * An access to a location that one thread has to itself, or that nobody writes
 * once the threads run, commutes with everything that others do: there is no
 * point in trying it in all places.  Whether a location is of that kind is
 * learned: at first all are taken to be, and when the search finds one that is
 * not it begins anew with that knowledge.  The last search, in which none was
 * found, was right about all that it met.
 *
 * The knowledge is about addresses, and is kept from run to run.
 */
#include "engine.h"

#include <string.h>

enum {
	ADDRESSES = 256
};

static struct share {
	const volatile void *address;
	unsigned readers, writers; /* Sets of threads. */
	bool shared;
} table[ADDRESSES];

void model_share_reset(void)
{
	memset(table, 0, sizeof(table));
}

struct share *model_share_of(const volatile void *p)
{
	unsigned i = (unsigned)((uintptr_t)p / 4 * 2654435761u) % ADDRESSES;
	unsigned tries = 0;

	while (table[i].address && table[i].address != p) {
		i = (i + 1) % ADDRESSES;
		if (++tries == ADDRESSES)
			model_fail(MODEL_MISUSE, "too many addresses", "", 0);
	}
	table[i].address = p;
	return &table[i];
}

/* A location that turns out to be shared: this run and the search are void. */
void model_share(struct share *s)
{
	s->shared = true;
	model_engine.restart = true;
	model_abandon();
}

/* Note an access.  True if it needs a choice; the run may be abandoned. */
bool model_share_note(struct share *s, bool writes)
{
	unsigned me = 1u << model_engine.running, all;

	if (s->shared)
		return true;
	s->readers |= me;
	if (writes)
		s->writers |= me;
	all = s->readers | s->writers;
	if (s->writers == 0 || (all & (all - 1)) == 0)
		return false;
	model_share(s);
}
