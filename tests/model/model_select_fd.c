/* SPDX-License-Identifier: MIT */
/*
 * Select over a descriptor and a channel: the wait has begun, and others may
 * end it, before it is linked to the descriptor.
 *
 * Runs select/select.c, io/fdlook.c, io/fdwait.c and sync/chan.c with the
 * readiness word and the use count, on the waits of model_wait.h.  Replaced are
 * the kernel (a buffer of items, which poll(2) looks at, an edge that stands
 * for any number of arrivals) and the descriptor table.
 *
 * Shows, in all schedules within the bound and under C11's memory: a select
 * does not sleep while there is an item; it says "readable" only if there is
 * one; a value that a sender has handed over is received, whatever the
 * descriptor does meanwhile; closing and cancellation get it out; no wait stays
 * linked.
 *
 * Cannot show: registering, foreign descriptors, plain threads, two selects.
 *
 * Bounds: one select, made twice or once; one item, one value, one poller.
 */
#include "model_fd.h"
#include "model_heap.h"

#include "io/fdlook.c"
#include "io/fdwait.c"
#include "sched/ending.c"
#include "sync/chan.c"

#include "select/select.c"

enum {
	FD = 1
};

static struct go__fd entries[FD + 1], *const entry = &entries[FD];
static struct go__pollers_base base;
static struct go__worker worker;
static struct go_runtime runtime;
static struct go_chan chan;

/* The kernel.  Its locks order everything, so acq_rel where it writes. */
static _Atomic uint32_t buffer;
static _Atomic uint32_t edge;

static int payload; /* Plain, so that races show. */
static unsigned taken, closed, sent, received, cancelled;

/* ---- The kernel ---------------------------------------------------------- */

static void arrive(void)
{
	/* acq_rel, both: see above. */
	atomic_fetch_add_explicit(&buffer, 1, memory_order_acq_rel);
	atomic_fetch_or_explicit(&edge, 1, memory_order_acq_rel);
	model_wake(&edge, 1);
}

int go__sys_poll(struct pollfd *v, nfds_t n, int timeout_ms)
{
	(void)timeout_ms;
	model_assert(n == 1 && v->fd == FD && v->events == POLLIN);
	/* acquire: the kernel locks. */
	v->revents = atomic_load_explicit(&buffer, memory_order_acquire)
			     ? POLLIN
			     : 0;
	return v->revents != 0;
}

/* ---- The rest of the library --------------------------------------------- */

int go__wait_abandon(struct go__waiter *w)
{
	if (go__wait_claim_epoch(w, go__wait_word_epoch(&w->word)))
		return 0;
	return go__wait(w);
}

struct go__lock go__signals_lock;

int go__signals_take(go_signals *s, uint32_t *count)
{
	(void)s;
	(void)count;
	model_not_called();
}

uint64_t go__random(void)
{
	return 0;
}

int64_t go_now(void)
{
	return 0;
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(void)
{
	model_setup_tasks();
	memset(entries, 0, sizeof(entries));
	entry->number = FD;
	entry->watched = 1;
	entry->watched_out = 1;
	go__list_init(&entry->waiters);
	go__lock_init(&entry->lock);
	atomic_init(&entry->kind, GO__FD_OWN);
	atomic_init(&entry->use.word, 0);
	atomic_init(&entry->ready.word, 0);
	(void)go__ready_renew(&entry->ready);
	model_name(&entry->ready.word, "ready.word");
	atomic_init(&go__fd_root[0], entries);
	runtime.pollers = (struct go__pollers *)(void *)&base;
	worker.runtime = &runtime;
	model_task[0].worker = &worker;
	atomic_init(&buffer, 0);
	atomic_init(&edge, 0);
	memset(&chan, 0, sizeof(chan));
	go__lock_init(&chan.lock);
	go__list_init(&chan.senders);
	go__list_init(&chan.receivers);
	chan.element_bytes = sizeof(uint64_t);
	payload = 0;
	taken = closed = sent = received = cancelled = 0;
}

static void setup_cancelled(void)
{
	setup();
	model_cancels = true;
}

static void conserved(void)
{
	model_assert(sent == received);
	model_assert(go__list_empty(&entry->waiters));
	model_assert(go__list_empty(&chan.receivers));
}

static void conserved_both(void)
{
	model_assert(taken == 1 && received == 1);
	conserved();
}

/* ---- Threads ------------------------------------------------------------- */

static void selector(int times)
{
	while (times--) {
		uint64_t n = 0;
		go_case k[] = {GO_READABLE(FD), GO_RECV(&chan, &n)};
		int r = go_select(k, 2);

		if (r == 1) {
			model_assert(k[1].result == 0 && n == 42);
			model_assert(MODEL_READ(payload) == 43);
			received++;
		} else if (r == 0 && k[0].result == 0) {
			/* acq_rel: the kernel locks. */
			uint32_t had = atomic_fetch_sub_explicit(
				&buffer, 1, memory_order_acq_rel);

			model_assert(had == 1);
			taken++;
		} else if (r == 0) {
			model_assert(k[0].result == -EBADF);
			closed++;
		} else {
			model_assert(r == -ECANCELED);
			cancelled++;
		}
	}
}

static void producer(int unused)
{
	(void)unused;
	arrive();
}

static void sender(int unused)
{
	uint64_t n = 42;

	(void)unused;
	MODEL_WRITE(payload) = 43;
	sent += go_chan_send(&chan, &n) == 0;
}

static void try_sender(int unused)
{
	uint64_t n = 42;

	(void)unused;
	MODEL_WRITE(payload) = 43;
	sent += go_chan_try_send(&chan, &n) == 0;
}

static void poller(int unused)
{
	struct go__wake_list woken;

	(void)unused;
	go__wake_list_init(&woken);
	for (;;) {
		/* acq_rel: the kernel locks. */
		if (atomic_exchange_explicit(&edge, 0, memory_order_acq_rel))
			go__fd_event(FD, 1, GO__READY_IN, &woken);
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
	go__wake_list_init(&woken);
	model_assert(go__fd_enter(FD, &e) == 0);
	go__lock_acquire(&e->lock);
	model_assert(go__fduse_close(&e->use));
	go__fd_evict(e, -EBADF, &woken);
	go__lock_release(&e->lock);
	(void)go__fd_leave(e);
}

static const struct model models[] = {
	{
		.name = "item-and-value",
		.setup = setup,
		.finish = conserved_both,
		.preemptions = 2,
		.thread = {MODEL_THREAD("selector", selector, 2),
			   MODEL_THREAD("producer", producer, 0),
			   MODEL_THREAD("sender", sender, 0),
			   MODEL_DAEMON("poller", poller, 0)},
	},
	{
		.name = "close",
		.setup = setup,
		.finish = conserved,
		.preemptions = 3,
		.thread = {MODEL_THREAD("selector", selector, 1),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("sender", try_sender, 0)},
	},
	{
		.name = "cancel",
		.setup = setup_cancelled,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("selector", selector, 1),
			   MODEL_THREAD("producer", producer, 0),
			   MODEL_THREAD("sender", try_sender, 0),
			   MODEL_THREAD("canceller", model_cancel, 0),
			   MODEL_DAEMON("poller", poller, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
