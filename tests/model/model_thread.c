/* SPDX-License-Identifier: MIT */
/*
 * Plain threads that wait: futexes with deadlines, then poll(2) and an eventfd.
 *
 * Runs sched/thread.c with the wait word.  Replaced are the kernel (the futex,
 * the eventfd, poll), the making of threads' records, and the callers: a wait
 * is begun and claimed as sched/wait.h says, and handed over as ready.c does.
 *
 * Shows: each wait ends once, with what the winner left, and is seen by its
 * owner; one that was claimed when the deadline came waits for its waker; what
 * a waker of an earlier wait does late, to the futex or to the eventfd, ends no
 * later one; no wake-up is lost in poll(2).
 *
 * Bounds: one thread with two waits, a waker of each.
 */
#include "model.h"

#include <string.h>

#include "arch/sys.h"

/* Whether the deadline or a change comes first is not told apart. */
#define go__sys_futex_wait(word, value, deadline)                              \
	((deadline) == GO__NO_DEADLINE                                         \
		 ? (model_park(word, value) ? 0 : -EAGAIN)                     \
		 : (model_park_timed(word, value) ? 0 : -ETIMEDOUT))
#define go__sys_futex_wake(word, n) ((int)model_wake(word, n))

#include "sched/thread.c"

enum {
	DUE = 5,
	EVENTFD = 3,
	WAITS = 2,
};

static struct go__context context;
static struct go__thread thread;
static _Atomic uint64_t eventfd_count; /* The kernel's. */

/* What is waited for: the same as everywhere. */
static struct source {
	struct go__lock lock;
	struct go__wait_node node;
	bool linked, ready;
	uint64_t value; /* Plain memory, watched for races. */
} source[WAITS];
static int ended[WAITS];
static uint64_t deadline[WAITS];

/* ---- The rest of the library --------------------------------------------- */

struct go__context *go__self(void)
{
	return &context;
}

int go__sys_event(int ends[2])
{
	ends[0] = ends[1] = EVENTFD;
	return 0;
}

ssize_t go__sys_read(int fd, void *p, size_t n)
{
	/* acq_rel: the kernel locks. */
	uint64_t count = atomic_exchange_explicit(&eventfd_count, 0,
						  memory_order_acq_rel);

	model_assert(fd == EVENTFD && n == sizeof(count));
	memcpy(p, &count, n);
	return count ? (ssize_t)n : -EAGAIN;
}

void go__sys_event_empty(int fd)
{
	uint64_t count;

	(void)go__sys_read(fd, &count, sizeof(count));
}

ssize_t go__sys_write(int fd, const void *p, size_t n)
{
	(void)p;
	model_assert(fd == EVENTFD && n == sizeof(uint64_t));
	/* acq_rel: the kernel locks. */
	atomic_fetch_add_explicit(&eventfd_count, 1, memory_order_acq_rel);
	model_wake(&eventfd_count, 1);
	return (ssize_t)n;
}

void *go__sys_calloc(size_t count, size_t n)
{
	(void)count;
	(void)n;
	model_not_called();
}

void go__extra_end(struct go__extra **extra)
{
	(void)extra;
	model_not_called();
}

/* ---- Before -------------------------------------------------------------- */

static void setup(void)
{
	memset(&context, 0, sizeof(context));
	memset(&thread, 0, sizeof(thread));
	memset(&source, 0, sizeof(source));
	context.waiter = &thread.waiter;
	go__wait_word_init(&thread.waiter.word, 0);
	atomic_init(&thread.woken, 0);
	atomic_init(&thread.eventfd, -1);
	atomic_init(&thread.eventfd_in, -1);
	atomic_init(&eventfd_count, 0);
	model_name(&thread.woken, "woken");
	for (int i = 0; i < WAITS; i++) {
		ended[i] = 1;
		deadline[i] = GO__NO_DEADLINE;
	}
}

static void setup_deadline(void)
{
	setup();
	deadline[0] = DUE;
}

static void setup_deadlines(void)
{
	setup_deadline();
	deadline[1] = DUE;
}

/* The first wait has an eventfd already. */
static void setup_eventfd(void)
{
	setup_deadline();
	atomic_init(&thread.eventfd, EVENTFD);
	atomic_init(&thread.eventfd_in, EVENTFD);
}

/* ---- The thread ---------------------------------------------------------- */

static bool begin(struct source *s, uint64_t when)
{
	struct go__waiter *w = &thread.waiter;
	bool ready;

	go__lock_acquire(&s->lock);
	ready = s->ready;
	if (!ready) {
		/* relaxed: published by the opening of the wait. */
		atomic_store_explicit(&w->deadline, when, memory_order_relaxed);
		(void)go__wait_word_open(&w->word, false);
		go__wait_node_init(&s->node, w);
		s->linked = true;
	}
	go__lock_release(&s->lock);
	return !ready;
}

static void end(struct source *s, int i)
{
	ended[i] = MODEL_READ(thread.waiter.result);
	if (ended[i] == 0) {
		model_assert(MODEL_READ(s->value) == 1);
		return;
	}
	go__lock_acquire(&s->lock);
	s->linked = false;
	go__lock_release(&s->lock);
}

static void wait(int i)
{
	struct source *s = &source[i];

	ended[i] = 0;
	if (!begin(s, deadline[i]))
		return;
	go__thread_wait(&thread);
	end(s, i);
}

/* As go__fd_run() and go_poll() wait, without the descriptors. */
static void wait_in_poll(int i)
{
	struct source *s = &source[i];
	struct go__waiter *w = &thread.waiter;

	model_assert(go__waiter_eventfd(w) == EVENTFD);
	ended[i] = 0;
	if (!begin(s, GO__NO_DEADLINE))
		return;
	for (;;) {
		model_park(&eventfd_count, 0);
		/* Level-triggered: it is readable, or we sleep on. */
		/* acquire: the kernel locks. */
		if (!atomic_load_explicit(&eventfd_count, memory_order_acquire))
			continue;
		if (go__waiter_woken(w))
			break;
	}
	go__thread_wait(&thread);
	end(s, i);
}

static void owner(int unused)
{
	(void)unused;
	wait(0);
	wait(1);
}

static void owner_in_poll(int unused)
{
	(void)unused;
	wait(0);
	wait_in_poll(1);
}

static void waker(int i)
{
	struct source *s = &source[i];
	bool won;

	go__lock_acquire(&s->lock);
	s->ready = true;
	MODEL_WRITE(s->value) = 1;
	won = s->linked && go__wait_claim(&s->node);
	if (won)
		s->linked = false;
	go__lock_release(&s->lock);
	if (won) {
		MODEL_WRITE(thread.waiter.result) = 0;
		go__thread_deliver(&thread);
	}
}

/* ---- After --------------------------------------------------------------- */

static void finish(void)
{
	for (int i = 0; i < WAITS; i++)
		model_assert(ended[i] == 0 ||
			     (ended[i] == -ETIMEDOUT && deadline[i] == DUE));
	/* relaxed: the threads have ended. */
	model_assert(
		atomic_load_explicit(&thread.woken, memory_order_relaxed) == 0);
}

#define WAKERS MODEL_THREAD("waker", waker, 0), MODEL_THREAD("other", waker, 1)

static const struct model models[] = {
	{
		.name = "wake",
		.setup = setup,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", owner, 0), WAKERS},
	},
	{
		.name = "deadline",
		.setup = setup_deadline,
		.finish = finish,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("owner", owner, 0), WAKERS},
	},
	{
		.name = "deadlines",
		.setup = setup_deadlines,
		.finish = finish,
		.preemptions = 4,
		.thread = {MODEL_THREAD("owner", owner, 0), WAKERS},
	},
	{
		.name = "poll",
		.setup = setup_deadline,
		.finish = finish,
		.preemptions = 4,
		.thread = {MODEL_THREAD("owner", owner_in_poll, 0), WAKERS},
	},
	{
		.name = "poll-again",
		.setup = setup_eventfd,
		.finish = finish,
		.preemptions = 4,
		.thread = {MODEL_THREAD("owner", owner_in_poll, 0), WAKERS},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
