/* SPDX-License-Identifier: MIT */
/*
 * The poller on Linux: epoll, edge-triggered.
 *
 * Each descriptor is registered once, for EPOLLIN, EPOLLRDHUP and EPOLLPRI;
 * EPOLLOUT joins when a call first finds the way out full, or connects, since
 * until then every registration would begin with an event that says nothing.
 * A request that is answered costs no epoll_ctl at all.
 *
 * The event's 64 bits carry {generation, number}, not a pointer: an event that
 * comes late, for a file that has been closed, differs in its generation.
 *
 *     kernel                          readiness word
 *     ------------------------------  ---------------------------------------
 *     EPOLLIN                         READY_IN
 *     EPOLLRDHUP, EPOLLPRI            READY_IN, HUNG_IN
 *     EPOLLOUT                        READY_OUT
 *     EPOLLHUP, EPOLLERR              all four
 *
 * Time-outs are exact to the nanosecond (epoll_pwait2); on a kernel without it
 * they are rounded up to milliseconds, so that a timer is never woken for
 * before its time.
 *
 * WHY NOT level-triggered, or EPOLLONESHOT?  Both cost an epoll_ctl per wait.
 * WHY NOT EPOLLEXCLUSIVE for listeners?  It cannot be modified, and our wakes
 * already go to one waiter per edge (fdwait.c).
 *
 * TESTS  test_epoll.c.
 */
#include "io/watch.h"

#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>

#include "arch/lock.h"
#include "arch/sys.h"
#include "io/break.h"
#include "io/fdtable.h"
#include "io/fdwait.h"

/* Events fetched at a time. */
#ifdef GO_TEST_SMALL
#define BATCH 4
#else
#define BATCH 256
#endif

/* Events ahead of which a waiter, and before it its entry, are fetched. */
#define AHEAD      2

/* Marks the eventfd's event; no descriptor has the number -1. */
#define BREAK_DATA UINT64_MAX

struct go__poller {
	/* Constant. */
	struct go__poller_base base;
	int epoll;
	int event;
	/* Any thread: break.h. */
	struct go__break sleep;
	/* Whoever is inside go__poller_wait(). */
	struct epoll_event events[BATCH];
};

/* By number.  Written under numbers_lock; read as watch.h says. */
static struct go__poller *pollers[GO__POLLERS];
static struct go__lock numbers_lock;

/* Set once epoll_pwait2 has said that it does not exist. */
static _Atomic bool coarse;

/* ---- create and destroy ---- */

static int take_number(struct go__poller *p)
{
	int r = -EAGAIN;

	go__lock_acquire(&numbers_lock);
	for (unsigned i = 0; i < GO__POLLERS && r < 0; i++)
		if (!pollers[i]) {
			pollers[i] = p;
			p->base.index = i;
			r = 0;
		}
	go__lock_release(&numbers_lock);
	return r;
}

static void give_number(struct go__poller *p)
{
	go__lock_acquire(&numbers_lock);
	pollers[p->base.index] = NULL;
	go__lock_release(&numbers_lock);
}

static int open_both(struct go__poller *p)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET,
				.data.u64 = BREAK_DATA};
	int r;

	p->epoll = go__sys_epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return p->epoll;
	p->event = go__sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p->event;
	if (r >= 0) {
		r = go__sys_epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->event, &e);
		if (r == 0)
			return 0;
		go__sys_close(p->event);
	}
	go__sys_close(p->epoll);
	return r;
}

int go__poller_create(struct go__poller **poller)
{
	struct go__poller *p = go__sys_calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = open_both(p);
	if (r == 0) {
		r = take_number(p);
		if (r == 0) {
			*poller = p;
			return 0;
		}
		go__sys_close(p->event);
		go__sys_close(p->epoll);
	}
	go__sys_free(p);
	return r;
}

void go__poller_destroy(struct go__poller *p)
{
	/* From here on no entry leads to this poller. */
	go__fd_forget_poller(p->base.index);
	give_number(p);
	go__sys_close(p->event);
	go__sys_close(p->epoll);
	go__sys_free(p);
}

void go__pollers_forked(void)
{
	go__lock_init(&numbers_lock);
	for (unsigned i = 0; i < GO__POLLERS; i++) {
		if (!pollers[i])
			continue;
		go__sys_close(pollers[i]->event);
		go__sys_close(pollers[i]->epoll);
		pollers[i] = NULL;
	}
}

/* ---- registrations ---- */

static int control(struct go__poller *p, int op, int fd, uint32_t generation,
		   bool out)
{
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET,
		.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
	};

	if (out)
		e.events |= EPOLLOUT;
	return go__sys_epoll_ctl(p->epoll, op, fd, &e);
}

int go__poller_add(struct go__poller *p, int fd, uint32_t generation, bool out)
{
	return control(p, EPOLL_CTL_ADD, fd, generation, out);
}

int go__poller_change(struct go__poller *p, int fd, uint32_t generation,
		      bool out)
{
	return control(p, EPOLL_CTL_MOD, fd, generation, out);
}

struct go__poller *go__poller_at(unsigned index)
{
	return pollers[index];
}

void go__poller_remove(unsigned index, int fd)
{
	/* Fails only if the number stands for another file by now; then there
	 * is nothing to remove. */
	(void)go__sys_epoll_ctl(pollers[index]->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* ---- waiting ---- */

static uint64_t bits_of(uint32_t events)
{
	uint64_t bits = 0;

	if (events & EPOLLIN)
		bits |= GO__READY_IN;
	if (events & EPOLLOUT)
		bits |= GO__READY_OUT;
	if (events & (EPOLLRDHUP | EPOLLPRI))
		bits |= GO__READY_IN | GO__HUNG_IN;
	if (events & (EPOLLHUP | EPOLLERR))
		bits |= GO__READY_BITS;
	return bits;
}

/* Milliseconds for a time-out in ns, rounded up; -1 stays. */
static int coarse_timeout(int64_t ns)
{
	int64_t ms;

	if (ns < 0)
		return -1;
	ms = ns / 1000000 + (ns % 1000000 != 0);
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int fetch(struct go__poller *p, int64_t timeout_ns, unsigned most)
{
	int n;

	/* relaxed: a hint; whoever misses it finds out again. */
	if (timeout_ns > 0 &&
	    !atomic_load_explicit(&coarse, memory_order_relaxed)) {
		n = go__sys_epoll_pwait2(p->epoll, p->events, (int)most,
					 timeout_ns);
		if (n != -ENOSYS)
			return n;
		/* relaxed: see above. */
		atomic_store_explicit(&coarse, true, memory_order_relaxed);
	}
	return go__sys_epoll_wait(p->epoll, p->events, (int)most,
				  coarse_timeout(timeout_ns));
}

static void write_event(struct go__poller *p)
{
	uint64_t one = 1;

	/* Cannot fail: the counter holds 2^64 - 2 writes. */
	(void)go__sys_write(p->event, &one, sizeof(one));
}

static struct go__fd *entry_of(const struct go__poller *p, int i)
{
	return go__fd_find((int)(uint32_t)p->events[i].data.u64);
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

int go__poller_wait(struct go__poller *p, int64_t timeout_ns, unsigned most,
		    struct go__wake_list *ready)
{
	bool sleeper = timeout_ns != 0;
	bool broken = false;
	int n;

	if (sleeper && !go__break_sleep(&p->sleep))
		timeout_ns = 0;
	if (most > BATCH)
		most = BATCH;
	n = fetch(p, timeout_ns, most);
	if (sleeper)
		go__break_woke(&p->sleep);
	for (int i = 0; i < n; i++) {
		uint64_t data = p->events[i].data.u64;

		fetch_ahead(p, i, n);
		if (data == BREAK_DATA)
			broken = true;
		else
			go__fd_event((int)(uint32_t)data,
				     (uint32_t)(data >> 32),
				     bits_of(p->events[i].events), ready);
	}
	if (broken && !sleeper && go__break_pass_on(&p->sleep))
		write_event(p);
	return n == -EINTR ? 0 : n;
}

void go__poller_break(struct go__poller *p)
{
	if (go__break_raise(&p->sleep))
		write_event(p);
}

/* ---- for a foreign loop -------------------------------------------------- */

/*
 * An epoll set is itself readable while it holds events.  The edge of the
 * eventfd stays in it until somebody looks.
 */
int go__poller_fd(const struct go__poller *p)
{
	return p->epoll;
}

void go__poller_doze(struct go__poller *p)
{
	if (!go__break_sleep(&p->sleep))
		write_event(p); /* A break was waiting: it is for us. */
}

void go__poller_rise(struct go__poller *p)
{
	go__break_woke(&p->sleep);
}
