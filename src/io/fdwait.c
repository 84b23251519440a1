/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a descriptor.
 *
 * A call tries its system call, and if that would block, waits and tries
 * again.  The waiter of ready.h's rule and the poller then still have to find
 * each other:
 *
 *     a task                                a poller
 *     W1  try: would block                  P1  lock; note the edge (ready.h)
 *     W2  clear READY by CAS                P2      for each waiter of that
 *     W3  lock; register                            direction: claim, unlink
 *     W4      if READY is set: unlock,      P3  unlock; deliver
 *             go to W1
 *     W5      link itself; unlock
 *     W6  park
 *
 * Registering (W3) comes after clearing (W2): what became ready in between is
 * reported by the registration itself.  If the poller's critical section comes
 * first, the waiter sees the edge at W4; if the waiter's does, the poller finds
 * it linked at P2.  So no edge is lost.
 *
 * WHO IS WOKEN.  Several tasks may wait for the same direction, typically to
 * accept.  Waking all of them for each edge is right but costs a herd; waking
 * one per edge and no more loses wakes, because one edge may stand for many
 * connections, or for data that outlasts the first reader.  So an edge wakes
 * one, and the one that was woken passes it on:
 *
 *     a call that has been woken by an edge, and ends with READY still set,
 *     wakes the next waiter of its direction.
 *
 * Why this suffices.  Let there be something to take, and waiters.  A waiter
 * links itself only while READY is clear (W4), and READY is set only by an
 * edge, which wakes one.  That one either finds nothing and clears READY, so
 * there was nothing to take at that time; or takes something and ends, and
 * then wakes the next unless READY has been cleared, by somebody who found
 * nothing, or emptied a TCP socket.  In each case either a woken call is under
 * way, or nothing has come since the last look.  A call that never waited owes
 * nothing, which keeps the common case free of the question; and a short read
 * from TCP clears READY, so neither does a server's usual read.
 *
 * Two kinds of edges and waiters make exceptions.  A hang-up or an error wakes
 * all.  A go_poll() takes nothing, so it is `shared`: it stands at the front
 * of the list, is woken by every edge, and does not count as the one.
 *
 * PLAIN THREADS do not use the readiness word, and edges do not wake them:
 * they sleep in poll(2), on the descriptor and on their waiter's eventfd,
 * through which go_close() reaches them.
 *
 * FOREIGN descriptors may be closed and reused behind our back, so neither
 * "not ready" nor "registered" can be believed.  Such a call always tries
 * first, and W3 renews the registration by EPOLL_CTL_MOD, which also reports
 * what is ready now.  ENOENT shows that the number stands for another file:
 * next generation, and whoever waited for the old one is evicted.  A poller
 * that is told of the number for the first time knows nothing of that; so one
 * is asked that has been told before, if any has.
 *
 * DOUBT.  When the last number of a file is closed by close(2), or is given to
 * another file by dup2(2), the kernel drops the registration and tells nobody:
 * a task that waits would wait for ever.  A later call on that number finds
 * out, but need not come.  So a task's wait for a descriptor that is foreign,
 * or has been adopted, ends by itself after a second, and before anything else
 * is done with the number the task looks whether it is still registered; what
 * has come in its place is not, and nothing is read from that, or written to
 * it.  The next look is due when it has waited for twice as long, but within
 * about a minute: a task that waits for hours costs one wake-up a minute.
 *
 * WHY NOT the same for our own?  10,000 idle connections would wake the process
 * all the time, for what is a mistake in the program.  WHY NOT a list of such
 * waits, and one look at all of them?  Each wait would take a lock more, and
 * the look would have to be somebody's business, in guests, too; a task has a
 * timer, which moves lazily.
 *
 * LOCK ORDER  entry -> epoll's own; nothing else is taken under an entry's
 *             lock, and nothing is delivered under it.
 *
 * TESTS  test_edges.c (lost edges, many waiters), test_close.c,
 *        test_foreign.c, test_fault.c; each from tasks and from threads.
 */
#include "io/fdwait.h"

#include <poll.h>

#include "arch/sys.h"
#include "io/offload.h"
#include "io/watch.h"
#include "sched/worker.h"

/* The first pause between two looks, and the longest. */
#ifdef GO_TEST_SMALL
#define DOUBT_AFTER (UINT64_C(10) * 1000 * 1000)
#define DOUBT_MOST  (UINT64_C(40) * 1000 * 1000)
#else
#define DOUBT_AFTER (UINT64_C(1) * 1000 * 1000 * 1000)
#define DOUBT_MOST  (UINT64_C(64) * 1000 * 1000 * 1000)
#endif

/* ---- waking ---- */

static struct go__fd_wait *wait_of(struct go__link *link)
{
	return go__container_of(link, struct go__fd_wait, node.link);
}

/*
 * Claim one wait; the winner's waiter joins the list, or runs already: `wait`
 * must not be touched after success.  Under the lock.
 */
GO__ALWAYS_INLINE bool take(struct go__fd_wait *wait, int result,
			    struct go__wake_list *woken)
{
	if (!go__wait_claim(&wait->node))
		return false;
	go__list_remove(&wait->node.link);
	/* A select asks which of its waits it was. */
	wait->node.waiter->value = &wait->node;
	go__wake_list_add(woken, wait->node.waiter, result);
	return true;
}

/*
 * Wake the shared waiters for these ways, and of the others one per way, or
 * all of those in `all`.  Under the lock.
 */
GO__ALWAYS_INLINE void wake(struct go__fd *e, unsigned ways, unsigned all,
			    struct go__wake_list *woken)
{
	struct go__link *link = e->waiters.next, *next;

	for (; link != &e->waiters && ways; link = next) {
		struct go__fd_wait *wait = wait_of(link);
		/* Once taken, the waiter may run, and its node be gone. */
		unsigned its = wait->ways;
		bool counts = !wait->shared && !(its & all);

		next = link->next;
		if ((its & ways) && take(wait, 0, woken) && counts)
			ways &= ~its;
	}
}

void go__fd_evict(struct go__fd *e, int result, struct go__wake_list *woken)
{
	struct go__link *link = e->waiters.next, *next;

	for (; link != &e->waiters; link = next) {
		next = link->next;
		take(wait_of(link), result, woken);
	}
}

_Static_assert(GO__READY_IN == GO__WAYS_IN && GO__READY_OUT == GO__WAYS_OUT &&
		       GO__HUNG_IN == GO__WAYS_IN << 2 &&
		       GO__HUNG_OUT == GO__WAYS_OUT << 2,
	       "the bits of an edge are sets of ways");

void go__fd_event(int fd, uint32_t generation, uint64_t bits,
		  struct go__wake_list *woken)
{
	struct go__fd *e = go__fd_find(fd);
	unsigned both = GO__WAYS_IN | GO__WAYS_OUT;
	unsigned its = (unsigned)bits;

	if (!e)
		return;
	go__lock_acquire(&e->lock);
	if (go__ready_note(&e->ready, generation, bits))
		wake(e, its & both, its >> 2 & both, woken);
	go__lock_release(&e->lock);
}

/* A woken call ends, and there may be more: see WHO IS WOKEN. */
__attribute__((noinline)) static void pass_on(struct go__fd *e,
					      enum go__way way)
{
	struct go__wake_list woken;

	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	wake(e, 1U << way, 0, &woken);
	go__lock_release(&e->lock);
	go__wake_list_flush(&woken);
}

/* ---- registering ---- */

/*
 * Pollers that were told of the number know whether it still stands for that
 * file; `index` is that of one such set.  Under the lock.
 */
static int ask(struct go__fd *e, unsigned index, bool out)
{
	uint32_t generation = go__ready_generation(go__ready_load(&e->ready));

	out = out || (e->watched_out >> index & 1);
	return go__poller_change(go__pollers_at(index), e->number, generation,
				 out);
}

bool go__fd_is_another(struct go__fd *e)
{
	return e->watched &&
	       ask(e, (unsigned)__builtin_ctzll(e->watched), false) == -ENOENT;
}

/* Closed, and opened again as something else.  Under the lock. */
static void succeed(struct go__fd *e, struct go__wake_list *woken)
{
	(void)go__fd_renew(e, 0);
	go__fd_evict(e, -EBADF, woken);
}

/*
 * Register the number for what is missing, whatever we knew.  A close(2) or a
 * dup2(2) may have gone behind our back; whoever waits then waits for the file
 * that was there before, wherever it was registered.  That is found out before
 * the new one is registered, whose edges would end those waits.  The kernel may
 * also still have a registration that we have forgotten.  Under the lock.
 */
static int watch_anew(struct go__fd *e, struct go__pollers *p, bool out,
		      struct go__wake_list *woken)
{
	uint64_t bit = UINT64_C(1) << go__pollers_index(p);
	uint32_t generation;
	int r = -ENOENT;

	out = out || (e->watched_out & bit);
	if (e->watched & bit) {
		r = ask(e, go__pollers_index(p), out);
		if (r == -ENOENT)
			succeed(e, woken);
	} else if (go__fd_is_another(e)) {
		succeed(e, woken);
	}
	generation = go__ready_generation(go__ready_load(&e->ready));
	if (r == -ENOENT)
		r = go__poller_add(p, e->number, generation, out);
	if (r == -EEXIST)
		r = go__poller_change(p, e->number, generation, out);
	if (r < 0)
		return r;
	e->watched |= bit;
	if (out)
		e->watched_out |= bit;
	return 0;
}

GO__ALWAYS_INLINE int watch(struct go__fd *e, struct go__waiter *w,
			    unsigned ways, struct go__wake_list *woken)
{
	/* A task's runtime does not change, nor do that one's pollers. */
	struct go__pollers *p = go__task_of_waiter(w)->worker->runtime->pollers;
	bool out = ways & GO__WAYS_OUT;
	uint64_t watched = out ? e->watched_out : e->watched;

	if ((go__fd_kind(e) & GO__FD_OWN) &&
	    (watched >> go__pollers_index(p) & 1))
		return 0;
	return watch_anew(e, p, out, woken);
}

int go__fd_watch(struct go__fd *e, struct go__waiter *w, unsigned ways,
		 struct go__wake_list *woken)
{
	return watch(e, w, ways, woken);
}

/* ---- doubt ---- */

static bool may_vanish(const struct go__fd *e)
{
	uint32_t kind = go__fd_kind(e);

	return !(kind & GO__FD_OWN) || (kind & GO__FD_ADOPTED);
}

bool go__fd_doubt(struct go__fd_doubt *d, const struct go__fd *e,
		  const struct go__waiter *w)
{
	uint64_t now, pause;

	/* What was found about another descriptor, or file, is over. */
	d->at = GO__NO_DEADLINE;
	if (!w->is_task || !may_vanish(e))
		return false;
	now = go__sys_now();
	if (d->since == 0)
		d->since = now;
	pause = now - d->since;
	if (pause < DOUBT_AFTER)
		pause = DOUBT_AFTER;
	d->at = now + (pause < DOUBT_MOST ? pause : DOUBT_MOST);
	return true;
}

bool go__fd_doubt_due(const struct go__fd_doubt *d, const struct go__waiter *w)
{
	/* relaxed: our own, as go__wait_begin() has settled it. */
	return d->at != GO__NO_DEADLINE &&
	       atomic_load_explicit(&w->deadline, memory_order_relaxed) ==
		       d->at;
}

int go__fd_recheck(struct go__fd *e, struct go__waiter *w, uint32_t generation,
		   struct go__wake_list *woken)
{
	struct go__pollers *p = go__task_of_waiter(w)->worker->runtime->pollers;
	uint64_t bit = UINT64_C(1) << go__pollers_index(p);
	int r;

	if (go__fduse_closing(&e->use) ||
	    go__ready_generation(go__ready_load(&e->ready)) != generation)
		return -EBADF;
	if (!(e->watched & bit))
		return 0;
	r = go__poller_change(p, e->number, generation, e->watched_out & bit);
	/* Another file; none; one that no poller takes.  Else: no news. */
	if (r != -ENOENT && r != -EBADF && r != -EPERM)
		return 0;
	succeed(e, woken);
	return -EBADF;
}

/* ---- waiting ---- */

static void link_wait(struct go__fd *e, struct go__fd_wait *wait,
		      struct go__waiter *w)
{
	go__wait_node_init(&wait->node, w);
	/* relaxed: a hint. */
	atomic_store_explicit(&e->last, &wait->node.link, memory_order_relaxed);
	if (wait->shared)
		go__list_push_front(&e->waiters, &wait->node.link);
	else
		go__list_push_back(&e->waiters, &wait->node.link);
}

/* What the dump will say: for reading, or for writing only. */
static void begin(struct go__fd_call *c, const struct go__fd_wait *wait,
		  uint64_t deadline)
{
	go__wait_begin(c->waiter, deadline,
		       wait->ways & GO__WAYS_OUT ? GO__WAIT_WRITE
						 : GO__WAIT_READ,
		       GO_INT(c->entry->number));
}

/* W3 to W5.  Returns 1 (linked), 0 (try again) or an error. */
static int prepare(struct go__fd_call *c, struct go__fd_wait *wait,
		   enum go__way way, uint64_t until,
		   struct go__wake_list *woken)
{
	struct go__fd *e = c->entry;
	int r;

	if (go__fduse_closing(&e->use))
		return -EBADF;
	r = watch(e, c->waiter, wait->ways, woken);
	if (r < 0)
		return r;
	if (go__ready_load(&e->ready) & go__ready_bit(way))
		return 0;
	wait->generation = go__ready_generation(go__ready_load(&e->ready));
	begin(c, wait, until);
	link_wait(e, wait, c->waiter);
	return 1;
}

/* W3 to W6, once.  0 (try again) or an error. */
static int park(struct go__fd_call *c, struct go__fd_wait *wait,
		enum go__way way, struct go__fd_doubt *doubt)
{
	struct go__fd *e = c->entry;
	bool again = doubt->since != 0;
	struct go__wake_list woken;
	int r = 0;

	(void)go__fd_doubt(doubt, e, c->waiter);
	go__wake_list_init(&woken);
	go__lock_acquire(&e->lock);
	if (again)
		r = go__fd_recheck(e, c->waiter, wait->generation, &woken);
	if (r == 0)
		r = prepare(c, wait, way, doubt->at, &woken);
	go__lock_release(&e->lock);
	go__wake_list_flush(&woken);
	if (r <= 0)
		return r;
	r = go__wait(c->waiter);
	if (r == 0)
		c->woken = true;
	else
		go__wait_unlink(&wait->node, &e->lock);
	return r;
}

static int wait_task(struct go__fd_call *c, enum go__way way, uint64_t seen)
{
	struct go__fd_wait wait = {.ways = 1U << way};
	struct go__fd_doubt doubt;
	int r;

	if (go__fd_kind(c->entry) & GO__FD_DISK)
		return -EPERM;
	if ((seen & go__ready_bit(way)) &&
	    !go__ready_clear(&c->entry->ready, seen, way))
		return 0;
	go__fd_doubt_init(&doubt);
	do
		r = park(c, &wait, way, &doubt);
	while (r == -ETIMEDOUT && go__fd_doubt_due(&doubt, c->waiter));
	return r;
}

/* The time until a deadline, for ppoll. */
static const struct timespec *time_until(uint64_t deadline, struct timespec *ts)
{
	uint64_t now;

	if (deadline == GO__NO_DEADLINE)
		return NULL;
	now = go__sys_now();
	*ts = go__timespec(deadline > now ? deadline - now : 0);
	return ts;
}

int go__fd_poll_thread(struct go__waiter *w, struct pollfd *v, nfds_t n)
{
	/* relaxed: our own, as go__wait_begin() has settled it. */
	uint64_t deadline =
		atomic_load_explicit(&w->deadline, memory_order_relaxed);
	struct timespec ts;
	int r;

	v[n].fd = go__waiter_eventfd(w);
	v[n].events = POLLIN;
	for (;;) {
		v[n].revents = 0;
		r = go__sys_ppoll(v, n + 1, time_until(deadline, &ts), NULL);
		if (r == -EINTR)
			continue;
		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 || !v[n].revents)
			return r;
		/* The eventfd may speak of an earlier wait. */
		if (--r > 0 || go__waiter_woken(w))
			return r;
	}
}

bool go__fd_is_disk(struct go__fd *e)
{
	uint32_t kind = go__fd_kind(e);

	if (kind & GO__FD_OWN)
		return kind & GO__FD_DISK;
	return go__fd_disk_kind(e->number, 0) > 0;
}

/* Link a plain thread's wait, which only closing and time end. */
static int link_thread(struct go__fd_call *c, struct go__fd_wait *wait,
		       uint64_t deadline)
{
	struct go__fd *e = c->entry;
	int r = -EBADF;

	go__lock_acquire(&e->lock);
	if (!go__fduse_closing(&e->use)) {
		begin(c, wait, deadline);
		link_wait(e, wait, c->waiter);
		r = 0;
	}
	go__lock_release(&e->lock);
	return r;
}

static int wait_thread(struct go__fd_call *c, enum go__way way)
{
	struct go__fd_wait wait = {.ways = GO__WAYS_NONE};
	struct pollfd v[2];
	int r, ready;

	if (go__fd_is_disk(c->entry))
		return -EPERM;
	r = go__waiter_eventfd(c->waiter);
	if (r < 0)
		return r;
	r = link_thread(c, &wait, GO__NO_DEADLINE);
	if (r < 0)
		return r;
	v[0].fd = c->entry->number;
	v[0].events = way == GO__WAY_IN ? POLLIN : POLLOUT;
	ready = go__fd_poll_thread(c->waiter, v, 1);
	go__wait_unlink(&wait.node, &c->entry->lock);
	/* 0, or -EBADF: the descriptor is being closed. */
	r = go__wait_abandon(c->waiter);
	return ready < 0 ? ready : r;
}

int go__fd_wait(struct go__fd_call *c, enum go__way way, uint64_t seen)
{
	if (c->waiter->is_task)
		return wait_task(c, way, seen);
	return wait_thread(c, way);
}

int go__fd_pause(struct go__fd_call *c, uint64_t ns)
{
	struct go__fd_wait wait = {.ways = GO__WAYS_NONE};
	uint64_t deadline = go__sys_now() + ns;
	int r = link_thread(c, &wait, deadline);

	if (r < 0)
		return r;
	r = go__wait(c->waiter);
	go__wait_unlink(&wait.node, &c->entry->lock);
	if (r != -ETIMEDOUT || go__sys_now() < deadline)
		return r;
	return 0;
}

/* ---- calls ---- */

GO__ALWAYS_INLINE int begin_call(struct go__fd_call *c, int fd)
{
	int r;

	c->woken = false;
	c->waiter = go__waiter_self();
	if (!c->waiter)
		return -ENOMEM;
	r = go__wait_check(c->waiter);
	return r < 0 ? r : go__fd_enter(fd, &c->entry);
}

GO__ALWAYS_INLINE void end_call(struct go__fd_call *c, enum go__way way)
{
	if (c->woken && (go__ready_load(&c->entry->ready) & go__ready_bit(way)))
		pass_on(c->entry, way);
	(void)go__fd_leave(c->entry);
}

/* Whether to try although the word says "not ready". */
static bool must_try(const struct go__fd_call *c, const struct go__fd_op *op)
{
	return op->eager || op->once || !c->waiter->is_task ||
	       !(go__fd_kind(c->entry) & GO__FD_OWN);
}

/* A read was short: remember that a TCP socket's buffer is empty. */
GO__ALWAYS_INLINE void note_short(struct go__fd_call *c, uint64_t seen)
{
	if (c->waiter->is_task && (go__fd_kind(c->entry) & GO__FD_TCP) &&
	    (seen & GO__READY_IN) && GO__POLLER_TELLS_URGENT &&
	    go__ready_short_tells(seen))
		(void)go__ready_clear(&c->entry->ready, seen, GO__WAY_IN);
}

/* What cannot be waited for is done by a thread of the pool. */
struct blocking {
	struct go__offload offload;
	struct go__fd *e;
	struct go__fd_op *op;
};

static int64_t attempt_there(struct go__offload *self)
{
	struct blocking *b = (struct blocking *)self;
	ssize_t got;

	b->op->direct = true;
	got = b->op->attempt(b->e, b->op);
	b->op->direct = false;
	return got;
}

__attribute__((noinline)) static ssize_t block(struct go__fd *e,
					       struct go__fd_op *op)
{
	struct blocking b = {
		.offload.run = attempt_there,
		.e = e,
		.op = op,
	};

	return (ssize_t)go__offload(&b.offload);
}

GO__ALWAYS_INLINE ssize_t run_call(struct go__fd_call *c, struct go__fd_op *op)
{
	struct go__fd *e = c->entry;
	ssize_t got;
	int r;

	for (;;) {
		uint64_t seen = go__ready_load(&e->ready);

		got = -EAGAIN;
		if ((seen & go__ready_bit(op->way)) || must_try(c, op))
			got = op->attempt(e, op);
		if (got > 0 && (size_t)got < op->plain)
			note_short(c, seen);
		if (got != -EAGAIN || op->once)
			return got;
		r = go__fd_wait(c, op->way, seen);
		if (r == -EPERM)
			return block(e, op);
		if (r < 0)
			return r;
	}
}

/* Whether an operation that has moved something goes on; else its result. */
static bool goes_on(struct go__fd_call *c, struct go__fd_op *op, ssize_t *got)
{
	int r;

	if (*got <= 0 || !op->more(op, (size_t)*got))
		return false;
	r = go__wait_check(c->waiter);
	/* Without the lock only a hint, to end soon. */
	if (r == 0 && go__fduse_closing(&c->entry->use))
		r = -EBADF;
	if (r < 0)
		*got = r;
	return r == 0;
}

ssize_t go__fd_run(int fd, struct go__fd_op *op)
{
	struct go__fd_call c;
	ssize_t got = begin_call(&c, fd);

	if (got < 0)
		return got;
	do
		got = run_call(&c, op);
	while (op->more && goes_on(&c, op, &got));
	end_call(&c, op->way);
	return got;
}

/* ---- the same in steps ---- */

int go__fd_begin(struct go__fd_call *c, int fd)
{
	return begin_call(c, fd);
}

ssize_t go__fd_run_call(struct go__fd_call *c, struct go__fd_op *op)
{
	return run_call(c, op);
}

void go__fd_end(struct go__fd_call *c, enum go__way way)
{
	end_call(c, way);
}
