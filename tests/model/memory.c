/* SPDX-License-Identifier: MIT */
/*
 * What the checker's memory holds, and which of it a load may return.
 *
 * engine.h explains the rules; here are their consequences in the order of the
 * operations.  "Position" counts from the oldest store of a location, in its
 * modification order; "number" counts in the order in which stores ran.
 */
#include "engine.h"

#include <string.h>

#define E model_engine

enum {
	TABLE = 256
};

/* Address -> location index + 1; open addressing. */
static uint8_t table[TABLE];

static struct thread *self(void)
{
	return &E.thread[E.running];
}

static struct store *store_at(const struct location *l, unsigned position)
{
	return &E.pool[l->store[l->in_order[position]]];
}

/* Position of the store that a view has seen last of a location. */
static unsigned position(const struct view *v, const struct location *l)
{
	return E.pool[l->store[v->seen[l - E.location]]].position;
}

static void join_seen(struct view *to, const struct view *from)
{
	for (unsigned i = 0; i < E.locations; i++) {
		if (to->seen[i] == from->seen[i])
			continue;
		if (position(from, &E.location[i]) >
		    position(to, &E.location[i]))
			to->seen[i] = from->seen[i];
	}
}

void model_view_join(struct view *to, const struct view *from)
{
	join_seen(to, from);
	for (unsigned i = 0; i < E.threads; i++)
		if (to->clock[i] < from->clock[i])
			to->clock[i] = from->clock[i];
}

void model_memory_reset(void)
{
	memset(table, 0, sizeof(table));
	memset(&E.sc, 0, sizeof(E.sc));
	E.locations = 0;
	E.stores = 0;
	E.cells = 0;
}

/* The part of a state's sum that is not in the threads' histories. */
uint64_t model_memory_sum(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < E.locations; i++) {
		const struct location *l = &E.location[i];
		uint64_t sc;

		if (l->count == 1)
			continue; /* May not be known yet in a like run. */
		sc = E.pool[l->store[E.sc.seen[i]]].id;
		sum += model_mix(model_mix(l->key, l->order), sc);
	}
	return sum;
}

/* The thread has waited long enough for every store to have arrived. */
void model_memory_show_all(struct thread *t)
{
	for (unsigned i = 0; i < E.locations; i++) {
		const struct location *l = &E.location[i];

		t->current.seen[i] = l->in_order[l->count - 1];
	}
}

/* ---- Real memory, which holds the newest value of each location ---------- */

static uint64_t peek(const volatile void *p, size_t size)
{
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)p;
	case 2:
		return *(const volatile uint16_t *)p;
	case 4:
		return *(const volatile uint32_t *)p;
	default:
		return *(const volatile uint64_t *)p;
	}
}

static void poke(volatile void *p, size_t size, uint64_t value)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)p = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)p = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)p = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)p = value;
	}
}

static uint64_t cut(uint64_t value, size_t size)
{
	return size < 8 ? value & ((UINT64_C(1) << size * 8) - 1) : value;
}

/* ---- Locations ----------------------------------------------------------- */

static struct store *new_store(struct location *l, uint64_t value, uint32_t id)
{
	struct store *s = &E.pool[E.stores];

	if (E.stores == POOL || l->count == STORES)
		model_fail(MODEL_LIVELOCK, "too many stores in one run", "", 0);
	l->store[l->count++] = (uint16_t)E.stores++;
	s->value = cut(value, l->size);
	s->id = id;
	s->extended = false;
	return s;
}

static struct location *new_location(const volatile void *p, size_t size)
{
	struct location *l = &E.location[E.locations];
	struct store *first;

	if (E.locations == LOCATIONS)
		model_fail(MODEL_MISUSE, "too many atomic variables", "", 0);
	E.locations++;
	l->address = p;
	l->size = size;
	l->name = NULL;
	l->share = model_share_of(p);
	l->key = model_mix(0, (uint64_t)(uintptr_t)p);
	l->order = 0;
	l->mirror = peek(p, size);
	l->made = 0;
	l->count = 0;
	first = new_store(l, l->mirror, 0);
	first->position = 0;
	memset(&first->view, 0, sizeof(first->view));
	l->in_order[0] = 0;
	return l;
}

struct location *model_location(const volatile void *p, size_t size,
				const char *file, int line)
{
	uintptr_t address = (uintptr_t)p;
	unsigned i = (unsigned)(address / 4 * 2654435761u) % TABLE;
	struct location *l;

	while (table[i] && E.location[table[i] - 1].address != p)
		i = (i + 1) % TABLE;
	if (!table[i]) {
		l = new_location(p, size);
		table[i] = (uint8_t)E.locations;
		return l;
	}
	l = &E.location[table[i] - 1];
	if (l->size != size)
		model_fail(MODEL_MISUSE,
			   "accesses of different sizes to one variable", file,
			   line);
	if (l->mirror != peek(p, size))
		model_fail(MODEL_MISUSE,
			   "an atomic variable was written as plain memory",
			   file, line);
	return l;
}

uint64_t model_latest(const struct location *l)
{
	return store_at(l, l->count - 1)->value;
}

void model_name(const volatile void *p, const char *name)
{
	uintptr_t address = (uintptr_t)p;
	unsigned i = (unsigned)(address / 4 * 2654435761u) % TABLE;

	while (table[i] && E.location[table[i] - 1].address != p)
		i = (i + 1) % TABLE;
	if (table[i])
		E.location[table[i] - 1].name = name;
}

/* ---- Reading and writing at a position ----------------------------------- */

static bool acquires(memory_order order)
{
	return order != memory_order_relaxed && order != memory_order_release;
}

static bool releases(memory_order order)
{
	return order >= memory_order_release;
}

/* The oldest position that an access of this order may read. */
static unsigned oldest(const struct location *l, memory_order order)
{
	unsigned low = position(&self()->current, l);

	if (order == memory_order_seq_cst && low < position(&E.sc, l))
		low = position(&E.sc, l);
	return low;
}

static uint64_t read_at(struct step *step, struct location *l, unsigned at,
			memory_order order)
{
	const struct store *s = store_at(l, at);
	unsigned i = (unsigned)(l - E.location);
	struct thread *t = self();

	t->looked |= UINT64_C(1) << i;
	t->current.seen[i] = l->in_order[at];
	model_view_join(&t->pending, &s->view);
	if (acquires(order))
		model_view_join(&t->current, &s->view);
	if (order == memory_order_seq_cst && at > position(&E.sc, l))
		E.sc.seen[i] = l->in_order[at];
	model_history(model_mix(l->key, s->id));
	step->reads = true;
	step->before = s->value;
	step->stale = (uint16_t)(l->count - 1 - at);
	return s->value;
}

/*
 * Store at a position.  `head` is the view that a read-modify-write inherits
 * from the store it read, or NULL.
 */
static void write_at(struct step *step, struct location *l, unsigned at,
		     uint64_t value, memory_order order,
		     const struct view *head)
{
	uint16_t number = (uint16_t)l->count, i = (uint16_t)(l - E.location);
	struct thread *t = self();
	struct store *s = new_store(l, value, E.running << 20 | t->events);

	for (unsigned p = number; p > at; p--) {
		l->in_order[p] = l->in_order[p - 1];
		store_at(l, p)->position = (uint16_t)p;
	}
	l->in_order[at] = number;
	s->position = (uint16_t)at;

	t->current.seen[i] = number;
	s->view = releases(order) ? t->current : t->fenced;
	s->view.seen[i] = number;
	if (head)
		model_view_join(&s->view, head);
	if (order == memory_order_seq_cst)
		E.sc.seen[i] = number;

	l->order = 0;
	for (unsigned p = 1; p < l->count; p++)
		l->order = model_mix(l->order, store_at(l, p)->id);
	l->mirror = model_latest(l);
	poke((volatile void *)(uintptr_t)l->address, l->size, l->mirror);
	model_history(model_mix(l->key, s->value));
	model_changed(i);
	step->writes = true;
	step->after = s->value;
}

void model_read_latest(struct step *step, struct location *l, memory_order o)
{
	read_at(step, l, l->count - 1, o);
}

/* Read and replace the value at a position in one step. */
static uint64_t update_at(struct step *step, struct location *l, unsigned at,
			  uint64_t value, memory_order order)
{
	struct store *s = store_at(l, at);
	uint64_t before = read_at(step, l, at, order);

	s->extended = true;
	write_at(step, l, at + 1, value, order, &s->view);
	return before;
}

uint64_t model_rmw_latest(struct step *step, struct location *l, uint64_t value,
			  memory_order order)
{
	return update_at(step, l, l->count - 1, value, order);
}

/* ---- The operations ------------------------------------------------------ */

void model_init(volatile void *p, size_t size, uint64_t value, MODEL_SITE_ARGS)
{
	unsigned before = E.locations;
	struct location *l;
	struct step *step;

	/* Whatever stood here as plain memory is no concern any more. */
	for (unsigned i = 0; i < E.locations; i++)
		if (E.location[i].address == p && E.location[i].size == size)
			poke(p, size, E.location[i].mirror);
	l = model_location(p, size, file, line);
	if (E.locations == before) {
		step = model_step(OP_INIT, l, memory_order_relaxed, file, line,
				  text);
		write_at(step, l, l->count, value, memory_order_relaxed, NULL);
	} else {
		E.pool[l->store[0]].value = cut(value, size);
		l->mirror = cut(value, size);
		poke(p, size, value);
		model_history(model_mix(l->key, value));
	}
	l->maker = E.running;
	l->made = (uint16_t)(self()->current.clock[E.running] + 1);
}

uint64_t model_load(const volatile void *p, size_t size, memory_order order,
		    MODEL_SITE_ARGS)
{
	struct location *l = model_location(p, size, file, line);
	struct step *step = model_step(OP_LOAD, l, order, file, line, text);
	unsigned older = model_path_choose(l->count - oldest(l, order));

	return read_at(step, l, l->count - 1 - older, order);
}

void model_store(volatile void *p, size_t size, uint64_t value,
		 memory_order order, MODEL_SITE_ARGS)
{
	struct location *l = model_location(p, size, file, line);
	struct step *step = model_step(OP_STORE, l, order, file, line, text);
	unsigned place[STORES], n = 0, low = oldest(l, order);

	/* Anywhere behind, but not between a read-modify-write and its read. */
	for (unsigned at = l->count; at > low; at--)
		if (!store_at(l, at - 1)->extended)
			place[n++] = at;
	write_at(step, l, place[model_path_choose(n)], value, order, NULL);
}

static uint64_t compute(enum model_rmw op, uint64_t old, uint64_t operand)
{
	switch (op) {
	case MODEL_RMW_ADD:
		return old + operand;
	case MODEL_RMW_SUB:
		return old - operand;
	case MODEL_RMW_OR:
		return old | operand;
	case MODEL_RMW_AND:
		return old & operand;
	case MODEL_RMW_XOR:
		return old ^ operand;
	case MODEL_RMW_SWAP:
		break;
	}
	return operand;
}

uint64_t model_rmw(volatile void *p, size_t size, enum model_rmw op,
		   uint64_t operand, memory_order order, MODEL_SITE_ARGS)
{
	struct location *l = model_location(p, size, file, line);
	struct step *step = model_step(OP_RMW, l, order, file, line, text);
	unsigned place[STORES], n = 0, low = oldest(l, order), at;

	for (unsigned i = l->count; i > low; i--)
		if (!store_at(l, i - 1)->extended)
			place[n++] = i - 1;
	at = place[model_path_choose(n)];
	return update_at(step, l, at,
			 compute(op, store_at(l, at)->value, operand), order);
}

/* The ways in which a compare-and-swap can go; newest store first. */
struct ending {
	uint16_t at;
	bool success;
};

static unsigned cas_endings(struct ending *e, const struct location *l,
			    uint64_t expected, bool weak, memory_order success,
			    memory_order failure)
{
	unsigned low_yes = oldest(l, success), low_no = oldest(l, failure);
	unsigned n = 0;

	for (unsigned at = l->count; at-- > 0;) {
		const struct store *s = store_at(l, at);
		bool equal = s->value == expected;

		if (equal && at >= low_yes && !s->extended)
			e[n++] = (struct ending){(uint16_t)at, true};
		if (!equal && at >= low_no)
			e[n++] = (struct ending){(uint16_t)at, false};
	}
	if (weak && E.spurious && model_latest(l) == expected)
		e[n++] = (struct ending){(uint16_t)(l->count - 1), false};
	return n;
}

bool model_cas(volatile void *p, size_t size, void *expected, uint64_t desired,
	       bool weak, memory_order success, memory_order failure,
	       MODEL_SITE_ARGS)
{
	struct location *l = model_location(p, size, file, line);
	struct step *step = model_step(OP_CAS, l, success, file, line, text);
	uint64_t want = peek(expected, size), got;
	struct ending e[STORES + 1];
	unsigned n = cas_endings(e, l, want, weak, success, failure);
	unsigned i = model_path_choose(n);

	model_history(want);
	step->ok = e[i].success;
	if (e[i].success) {
		update_at(step, l, e[i].at, desired, success);
		return true;
	}
	step->order = (uint8_t)failure;
	got = read_at(step, l, e[i].at, failure);
	model_history(desired); /* Tells it from a success. */
	if (got == want)
		E.spurious--;
	poke(expected, size, got);
	return false;
}

/* What a thread has seen decides how it goes on. */
static void remember_view(struct thread *t)
{
	for (unsigned i = 0; i < E.locations; i++) {
		const struct location *l = &E.location[i];
		uint64_t id = E.pool[l->store[t->current.seen[i]]].id;

		/* A sum: locations are numbered by the schedule. */
		t->history += id ? model_mix(l->key, id) : 0;
	}
}

void model_fence(memory_order order, MODEL_SITE_ARGS)
{
	struct thread *t = self();

	if (order == memory_order_seq_cst)
		model_step(OP_FENCE, NULL, order, file, line, text);
	else
		model_log(OP_FENCE, file, line, text)->order = (uint8_t)order;
	if (acquires(order))
		model_view_join(&t->current, &t->pending);
	if (order == memory_order_seq_cst) {
		/* Both ways; no happens-before, so the clocks stay out. */
		join_seen(&t->current, &E.sc);
		join_seen(&E.sc, &t->current);
		remember_view(t);
	}
	if (releases(order))
		t->fenced = t->current;
	model_history(OP_FENCE);
}

/*
 * A fence of the caller's, one of every other thread's, and one more of the
 * caller's.  Those of the others have no order among each other, so none of
 * them sees what only another one has brought.
 */
void model_fence_all(MODEL_SITE_ARGS)
{
	struct thread *t = self();
	struct view before;

	model_fence(memory_order_seq_cst, file, line, text);
	before = E.sc;
	for (unsigned i = 1; i < E.threads; i++) {
		struct thread *other = &E.thread[i];

		if (other == t)
			continue;
		model_view_join(&other->current, &other->pending);
		join_seen(&E.sc, &other->current);
		join_seen(&other->current, &before);
		other->fenced = other->current;
		remember_view(other);
	}
	join_seen(&t->current, &E.sc);
	t->fenced = t->current;
	remember_view(t);
}

/* ---- Marked plain memory ------------------------------------------------- */

static struct cell *find_cell(const volatile void *p)
{
	struct cell *c;

	for (unsigned i = 0; i < E.cells; i++)
		if (E.cell[i].address == p)
			return &E.cell[i];
	if (E.cells == CELLS)
		model_fail(MODEL_MISUSE, "too many marked variables", "", 0);
	c = &E.cell[E.cells++];
	memset(c, 0, sizeof(*c));
	c->address = p;
	return c;
}

/* Now, for the clocks: after the last operation, before the next one. */
static uint16_t now(void)
{
	return (uint16_t)(self()->current.clock[E.running] + 1);
}

static bool unordered(unsigned thread, uint16_t when)
{
	return thread != E.running && when > self()->current.clock[thread];
}

void model_read(const volatile void *p, MODEL_SITE_ARGS)
{
	struct cell *c = find_cell(p);

	model_log(OP_READ, file, line, text);
	if (unordered(c->writer, c->written))
		model_fail(MODEL_RACE, text, file, line);
	c->read[E.running] = now();
}

void model_write(const volatile void *p, MODEL_SITE_ARGS)
{
	struct cell *c = find_cell(p);

	model_log(OP_WRITE, file, line, text);
	if (unordered(c->writer, c->written))
		model_fail(MODEL_RACE, text, file, line);
	for (unsigned i = 0; i < E.threads; i++)
		if (unordered(i, c->read[i]))
			model_fail(MODEL_RACE, text, file, line);
	c->writer = E.running;
	c->written = now();
}
