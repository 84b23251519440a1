/* SPDX-License-Identifier: MIT */
/*
 * The pollers of a runtime: sets of them, sleeping in them, and breaks.  What
 * differs from system to system is below, in eventq.h.
 *
 * NUMBERS  A set has a number as long as it lives, by which entries of
 * descriptors list the sets that they are registered in (watch.h).
 *
 * SEVERAL POLLERS  Each has a queue of its own.  Who sleeps over more than one
 * does so in ppoll(2), for which a queue is a descriptor that is readable while
 * it holds events: only while it sleeps does the kernel have more to do for
 * each event.
 *
 * WHY NOT a queue of queues?  Each event would go through the outer one, with
 * its lock, whether somebody sleeps there or not.
 *
 * TESTS  test_poller.c, test_pollers.c; model_break.c, with epoll.c below it.
 */
#include "io/watch.h"

#include <errno.h>
#include <poll.h>

#include "arch/lock.h"
#include "arch/sys.h"
#include "io/break.h"
#include "io/eventq.h"
#include "io/fdtable.h"
#include "io/fdwait.h"

/* Events fetched at a time. */
#ifdef GO_TEST_SMALL
#define BATCH 4
#else
#define BATCH 256
#endif

/* Events ahead of which a waiter, and before it its entry, are fetched. */
#define AHEAD 2

struct go__poller {
	/* Constant. */
	_Alignas(64) struct go__eventq queue;
	/* Any thread: break.h. */
	struct go__break sleep;
	/* Whoever is inside go__poller_wait(). */
	go__event events[BATCH];
};

struct go__pollers {
	struct go__pollers_base base;
	struct go__poller poller[];
};

/* By number.  Written under numbers_lock; read as watch.h says. */
static struct go__pollers *sets[GO__POLLERS];
static struct go__lock numbers_lock;

/* ---- create and destroy ---- */

static int take_number(struct go__pollers *p)
{
	int r = -EAGAIN;

	go__lock_acquire(&numbers_lock);
	for (unsigned i = 0; i < GO__POLLERS && r < 0; i++)
		if (!sets[i]) {
			sets[i] = p;
			p->base.index = i;
			r = 0;
		}
	go__lock_release(&numbers_lock);
	return r;
}

static void give_number(struct go__pollers *p)
{
	go__lock_acquire(&numbers_lock);
	sets[p->base.index] = NULL;
	go__lock_release(&numbers_lock);
}

/* Close the first n of them. */
static void close_all(struct go__pollers *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		go__eventq_close(&p->poller[i].queue);
}

/* They are large, and never all touched: the rest stays as it is. */
static struct go__pollers *allocate(unsigned count)
{
	struct go__pollers *p = go__sys_aligned_alloc(
		64, sizeof(*p) + count * sizeof(p->poller[0]));

	if (!p)
		return NULL;
	p->base.count = count;
	for (unsigned i = 0; i < count; i++)
		atomic_init(&p->poller[i].sleep.state, GO__BREAK_AWAKE);
	return p;
}

int go__pollers_create(struct go__pollers **out, unsigned count)
{
	struct go__pollers *p = allocate(count);
	unsigned n = 0;
	int r = 0;

	if (!p)
		return -ENOMEM;
	while (n < count && r == 0) {
		r = go__eventq_open(&p->poller[n].queue);
		if (r == 0)
			n++;
	}
	if (r == 0)
		r = take_number(p);
	if (r < 0) {
		close_all(p, n);
		go__sys_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void go__pollers_destroy(struct go__pollers *p)
{
	/* From here on no entry leads to these pollers. */
	go__fd_forget_pollers(p->base.index);
	give_number(p);
	close_all(p, p->base.count);
	go__sys_free(p);
}

struct go__poller *go__pollers_get(struct go__pollers *p, unsigned i)
{
	return &p->poller[i];
}

void go__pollers_forked(void)
{
	go__lock_init(&numbers_lock);
	for (unsigned i = 0; i < GO__POLLERS; i++) {
		struct go__pollers *p = sets[i];

		for (unsigned j = 0; p && j < p->base.count; j++)
			go__eventq_forked(&p->poller[j].queue);
		sets[i] = NULL;
	}
}

/* ---- registrations ---- */

static const struct go__eventq *queue_of(const struct go__pollers *p, int fd)
{
	return &p->poller[go__pollers_which(p, fd)].queue;
}

int go__poller_add(struct go__pollers *p, int fd, uint32_t generation, bool out)
{
	return go__eventq_add(queue_of(p, fd), fd, generation, out);
}

int go__poller_change(struct go__pollers *p, int fd, uint32_t generation,
		      bool out)
{
	return go__eventq_change(queue_of(p, fd), fd, generation, out);
}

struct go__pollers *go__pollers_at(unsigned index)
{
	return sets[index];
}

void go__poller_remove(unsigned index, int fd)
{
	go__eventq_remove(queue_of(sets[index], fd), fd);
}

/* ---- waiting ---- */

static int fetch(struct go__poller *p, int64_t timeout_ns, unsigned most)
{
	return go__eventq_fetch(&p->queue, p->events, most, timeout_ns);
}

static struct go__fd *entry_of(const struct go__poller *p, int i)
{
	return go__fd_find(go__event_fd(&p->events[i]));
}

/*
 * Event i of n is handled: fetch into the cache what comes after it.  Since an
 * entry was used last, the system has used its share of the cache; the node of
 * a waiter, on its stack, is not even in a page that was touched lately.
 */
static void fetch_ahead(const struct go__poller *p, int i, int n)
{
	struct go__fd *e;

	if (i + 2 * AHEAD < n)
		__builtin_prefetch(entry_of(p, i + 2 * AHEAD));
	if (i + AHEAD >= n)
		return;
	e = entry_of(p, i + AHEAD);
	if (e)
		/* relaxed: a hint. */
		__builtin_prefetch(
			atomic_load_explicit(&e->last, memory_order_relaxed));
}

/* The first n events.  Returns whether one of them is a break. */
GO__ALWAYS_INLINE bool handle(struct go__poller *p, int n,
			      struct go__wake_list *ready)
{
	bool broken = false;

	for (int i = 0; i < n; i++) {
		const go__event *e = &p->events[i];

		fetch_ahead(p, i, n);
		if (go__event_is_break(e))
			broken = true;
		else
			go__fd_event(go__event_fd(e), go__event_generation(e),
				     go__event_bits(e), ready);
	}
	return broken;
}

int go__poller_wait(struct go__poller *p, int64_t timeout_ns, unsigned most,
		    struct go__wake_list *ready)
{
	bool sleeper = timeout_ns != 0;
	int n;

	if (sleeper && !go__break_sleep(&p->sleep))
		timeout_ns = 0;
	if (most > BATCH)
		most = BATCH;
	n = fetch(p, timeout_ns, most);
	if (sleeper)
		go__break_woke(&p->sleep);
	if (handle(p, n, ready) && !sleeper && go__break_pass_on(&p->sleep))
		go__eventq_trigger(&p->queue);
	return n == -EINTR ? 0 : n;
}

/* Until one of them has events, or a signal comes. */
static void sleep_over(struct go__poller *const *all, unsigned n,
		       int64_t timeout_ns)
{
	struct pollfd v[GO__POLLERS_MOST];
	struct timespec ts =
		go__timespec(timeout_ns < 0 ? 0 : (uint64_t)timeout_ns);

	for (unsigned i = 0; i < n; i++)
		v[i] = (struct pollfd){.fd = all[i]->queue.fd,
				       .events = POLLIN};
	(void)go__sys_ppoll(v, n, timeout_ns < 0 ? NULL : &ts, NULL);
}

int go__poller_wait_over(struct go__poller *const *all, unsigned n,
			 int64_t timeout_ns, unsigned most,
			 struct go__wake_list *ready)
{
	struct go__poller *p = all[0];
	int r;

	if (go__break_sleep(&p->sleep))
		sleep_over(all, n, timeout_ns);
	r = fetch(p, 0, most < BATCH ? most : BATCH);
	go__break_woke(&p->sleep);
	(void)handle(p, r, ready);
	return r == -EINTR ? 0 : r;
}

void go__poller_break(struct go__poller *p)
{
	if (go__break_raise(&p->sleep))
		go__eventq_trigger(&p->queue);
}

/* ---- for a foreign loop -------------------------------------------------- */

/*
 * A queue is itself readable while it holds events, and a break stays in it
 * until somebody looks.
 */
int go__poller_fd(const struct go__poller *p)
{
	return p->queue.fd;
}

void go__poller_doze(struct go__poller *p)
{
	if (!go__break_sleep(&p->sleep))
		/* A break was waiting: it is for us. */
		go__eventq_trigger(&p->queue);
}

void go__poller_rise(struct go__poller *p)
{
	go__break_woke(&p->sleep);
}
