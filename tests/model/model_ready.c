/* SPDX-License-Identifier: MIT */
/*
 * Readiness against clearing: readers, an edge-triggered poller, producers.
 *
 * Runs io/fdwait.c with the readiness word (io/ready.h) and the use count, on
 * the waits of model_wait.h.  Replaced are the kernel (a buffer of items, an
 * edge that stands for any number of arrivals, an end of file) and the
 * descriptor table.
 *
 * Shows, in all schedules within the bound and under C11's memory: no edge is
 * lost: every item is taken as long as somebody reads, also when one edge
 * stands for two items and two readers wait; an end of file behind the last
 * byte is seen although a short count has cleared the bit; closing gets every
 * reader out, whatever it is about to do.
 *
 * Cannot show: foreign descriptors, go_poll(), plain threads, the registering.
 *
 * Bounds: two readers (then one preemption, else two or three), two items, one
 * poller.
 */
#include "model_fd.h"

#include "io/fdwait.c"

enum {
	FD = 1,
	READERS = 2,
	END = 256,
};

static struct go__fd entries[FD + 1], *const entry = &entries[FD];
static struct go__pollers_base base;
static struct go__worker worker;
static struct go_runtime runtime;

/* The kernel.  Its locks order everything, so acq_rel where it writes. */
static _Atomic uint32_t buffer; /* Items, and END. */
static _Atomic uint32_t edge;
static unsigned got, eof, refused;

/* ---- The kernel ---------------------------------------------------------- */

enum {
	EDGE_IN = 1,
	EDGE_HUNG = 2
};

static void raise_edge(uint32_t what)
{
	/* acq_rel: see above. */
	atomic_fetch_or_explicit(&edge, what, memory_order_acq_rel);
	model_wake(&edge, 1);
}

static void arrive(void)
{
	/* acq_rel: see above. */
	atomic_fetch_add_explicit(&buffer, 1, memory_order_acq_rel);
	raise_edge(EDGE_IN);
}

/* Read one item, of up to two that were asked for. */
static ssize_t attempt(struct go__fd *e, struct go__fd_op *op)
{
	/* acquire: the kernel locks. */
	uint32_t n = atomic_load_explicit(&buffer, memory_order_acquire);

	(void)e;
	(void)op;
	while (n % END)
		/* acq_rel: the kernel locks. */
		if (atomic_compare_exchange_strong_explicit(
			    &buffer, &n, n - 1, memory_order_acq_rel,
			    memory_order_acquire))
			return 1;
	return n & END ? 0 : -EAGAIN;
}

/* ---- The rest of the library --------------------------------------------- */

int go__wait_abandon(struct go__waiter *w)
{
	(void)w;
	model_not_called();
}

/* ---- Before -------------------------------------------------------------- */

static void setup(void)
{
	memset(entries, 0, sizeof(entries));
	model_setup_tasks();
	entry->number = FD;
	entry->watched = 1;
	entry->watched_out = 1;
	go__list_init(&entry->waiters);
	go__lock_init(&entry->lock);
	atomic_init(&entry->kind, GO__FD_OWN | GO__FD_SOCKET | GO__FD_TCP);
	atomic_init(&entry->use.word, 0);
	atomic_init(&entry->ready.word, 0);
	(void)go__ready_renew(&entry->ready);
	model_name(&entry->ready.word, "ready.word");
	atomic_init(&go__fd_root[0], entries);
	runtime.pollers = (struct go__pollers *)(void *)&base;
	worker.runtime = &runtime;
	for (int i = 0; i < READERS; i++)
		model_task[i].worker = &worker;
	atomic_init(&buffer, 0);
	atomic_init(&edge, 0);
	got = eof = refused = 0;
}

/* ---- Threads ------------------------------------------------------------- */

static ssize_t read_once(size_t plain)
{
	struct go__fd_op op = {
		.attempt = attempt, .way = GO__WAY_IN, .plain = plain};
	ssize_t r = go__fd_run(FD, &op);

	got += r > 0;
	eof += r == 0;
	refused += r == -EBADF;
	return r;
}

static void reader(int calls)
{
	while (calls--)
		(void)read_once(0);
}

/* Its reads are plain ones that ask for more than there is. */
static void reader_to_the_end(int unused)
{
	(void)unused;
	while (read_once(2) > 0)
		;
}

static void producer(int n)
{
	while (n--)
		arrive();
}

static void producer_and_end(int unused)
{
	(void)unused;
	arrive();
	/* acq_rel: the kernel locks. */
	atomic_fetch_or_explicit(&buffer, END, memory_order_acq_rel);
	raise_edge(EDGE_IN | EDGE_HUNG);
}

static void poller(int unused)
{
	struct go__wake_list woken;

	(void)unused;
	for (;;) {
		/* acq_rel: the kernel locks. */
		uint32_t what = atomic_exchange_explicit(&edge, 0,
							 memory_order_acq_rel);
		uint64_t bits = what & EDGE_HUNG ? GO__HUNG_IN : 0;

		if (what)
			go__fd_event(FD, 1, bits | GO__READY_IN, &woken);
		else
			model_park(&edge, 0);
	}
}

/* As go__fd_close(), without the closing itself. */
static void closer(int unused)
{
	struct go__wake_list woken;
	struct go__fd *e;

	(void)unused;
	model_assert(go__fd_enter(FD, &e) == 0);
	go__lock_acquire(&e->lock);
	model_assert(go__fduse_close(&e->use));
	go__fd_evict(e, -EBADF, &woken);
	go__lock_release(&e->lock);
	(void)go__fd_leave(e);
}

/* ---- After --------------------------------------------------------------- */

static void two_taken(void)
{
	model_assert(got == 2);
	model_assert(go__list_empty(&entry->waiters));
}

static void one_and_end(void)
{
	model_assert(got == 1);
	model_assert(eof == 1);
}

static void all_out(void)
{
	model_assert(got + refused == 1);
	model_assert(go__list_empty(&entry->waiters));
}

static const struct model models[] = {
	{
		.name = "one-reader",
		.setup = setup,
		.finish = two_taken,
		.preemptions = 3,
		.thread = {MODEL_THREAD("reader", reader, 2),
			   MODEL_THREAD("producer", producer, 2),
			   MODEL_DAEMON("poller", poller, 0)},
	},
	{
		.name = "two-readers",
		.setup = setup,
		.finish = two_taken,
		.preemptions = 1,
		.thread = {MODEL_THREAD("reader", reader, 1),
			   MODEL_THREAD("other", reader, 1),
			   MODEL_THREAD("producer", producer, 2),
			   MODEL_DAEMON("poller", poller, 0)},
	},
	{
		.name = "end-behind-data",
		.setup = setup,
		.finish = one_and_end,
		.preemptions = 2,
		.thread = {MODEL_THREAD("reader", reader_to_the_end, 0),
			   MODEL_THREAD("producer", producer_and_end, 0),
			   MODEL_DAEMON("poller", poller, 0)},
	},
	{
		.name = "close-empty",
		.setup = setup,
		.finish = all_out,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("reader", reader, 1),
			   MODEL_THREAD("closer", closer, 0)},
	},
	{
		.name = "close",
		.setup = setup,
		.finish = all_out,
		.preemptions = 2,
		.thread = {MODEL_THREAD("reader", reader, 1),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("producer", producer, 1),
			   MODEL_DAEMON("poller", poller, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
