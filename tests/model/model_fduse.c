/* SPDX-License-Identifier: MIT */
/*
 * Close against calls in flight.
 *
 * Runs io/fdtable.c with the use count below it (io/fduse.h).  Replaced is the
 * kernel: one number, which stands for a file until close(2), and afterwards
 * for the next file that is opened.  Nobody waits here; model_ready.c has that.
 *
 * Shows, in all schedules within the bound and under C11's memory: close(2) is
 * called exactly once, by whichever call leaves last; a call that entered
 * before go_close() began never meets another file than its own, and all that
 * it did comes before close(2); of two closes at least one succeeds (the other
 * may, if it leaves close(2) to a call in flight); whoever gets the number for
 * a new file is never refused, and finds the entry made anew.
 *
 * Cannot show: calls that a program makes on a number while it closes it; they
 * are the program's mistake, and only kept out of the assertions.
 *
 * Bounds: one number, two files, two calls beside the closing ones.
 */
#include "model.h"

#include <string.h>

#include "io/fdtable.c"

enum {
	OURS = GO__FD_OWN | GO__FD_SOCKET,
	FD = 1,
	FILE_1 = 11,
	FILE_2 = 12
};

static struct go__fd entries[FD + 1];

/* The kernel: what the number stands for.  Plain, so that races show. */
static int file;
static _Atomic uint32_t closed; /* 1: by close(2).  2: free again; a futex. */
static unsigned in_flight;      /* Calls that entered before any close. */
static unsigned closings, closes, attempts, successes;

static void setup(void)
{
	struct go__fd *e = &entries[FD];

	memset(entries, 0, sizeof(entries));
	e->number = FD;
	e->watched = 1;
	go__list_init(&e->waiters);
	go__lock_init(&e->lock);
	atomic_init(&e->use.word, 0);
	atomic_init(&e->ready.word, 0);
	atomic_init(&e->kind, GO__FD_OWN);
	atomic_init(&go__fd_root[0], entries);
	atomic_init(&closed, 0);
	file = FILE_1;
	in_flight = closings = closes = attempts = successes = 0;
}

int go__sys_close(int fd)
{
	model_assert(fd == FD);
	/* acq_rel: the kernel's table has a lock. */
	if (atomic_exchange_explicit(&closed, 1, memory_order_acq_rel))
		return -EBADF;
	model_assert(in_flight == 0);
	closes++;
	MODEL_WRITE(file) = 0;
	/* release -> opener(): the kernel hands the number out again. */
	atomic_store_explicit(&closed, 2, memory_order_release);
	model_wake(&closed, 1);
	return 0;
}

/* ---- What fdtable.c calls beside that ------------------------------------ */

int go__sys_fcntl(int fd, int op, long arg)
{
	(void)fd;
	(void)op;
	(void)arg;
	return 0;
}

void go__pollers_forked(void)
{
	model_fail(MODEL_MISUSE, "nobody forks", "", 0);
}

void *go__sys_aligned_alloc(size_t alignment, size_t n)
{
	(void)alignment;
	(void)n;
	model_fail(MODEL_MISUSE, "the chunk is there", "", 0);
}

void go__sys_free(void *p)
{
	(void)p;
}

void go__fd_evict(struct go__fd *e, int result, struct go__wake_list *woken)
{
	(void)result;
	(void)woken;
	model_assert(go__list_empty(&e->waiters));
}

void go__wake_list_deliver(struct go__wake_list *l)
{
	(void)l;
}

/* CLOSING is set, and the descriptor was registered. */
void go__poller_remove(unsigned index, int fd)
{
	(void)index;
	(void)fd;
	closings++;
}

/* ---- Threads ------------------------------------------------------------- */

static void caller(int unused)
{
	struct go__fd *e;
	bool before;

	(void)unused;
	if (go__fd_enter(FD, &e) < 0)
		return;
	before = closings == 0;
	if (before) {
		in_flight++;
		model_assert(MODEL_READ(file) == FILE_1);
		/* relaxed: any operation, so that others may come between. */
		(void)atomic_load_explicit(&e->ready.word,
					   memory_order_relaxed);
		model_assert(MODEL_READ(file) == FILE_1);
		in_flight--;
	} else {
		/* Behind [reopen]: not what it was before. */
		model_assert(go__fd_kind(e) != GO__FD_OWN);
	}
	(void)go__fd_leave(e);
}

static void closer(int unused)
{
	int r;

	(void)unused;
	r = go__fd_close(FD);
	attempts++;
	model_assert(r == 0 || r == -EBADF);
	successes += r == 0;
}

/* Gets the number for its own file as soon as the kernel has it to give, by a
 * call of ours or by the kernel's own open(2). */
static void opener(int ours)
{
	struct go__fd *e;
	uint32_t now;

	/* acquire <- go__sys_close(). */
	while ((now = atomic_load_explicit(&closed, memory_order_acquire)) != 2)
		model_park(&closed, now);
	MODEL_WRITE(file) = FILE_2;
	if (ours)
		model_assert(go__fd_adopt(FD, OURS) == 0);
	model_assert(go__fd_enter(FD, &e) == 0);
	model_assert(go__fd_kind(e) == (ours ? OURS : 0));
	model_assert(MODEL_READ(file) == FILE_2);
	model_assert(go__fd_leave(e) == 0);
}

/* Two calls have entered, and both want to close; by the word alone. */
static void close_word(int unused)
{
	struct go__fduse *use = &entries[FD].use;

	(void)unused;
	successes += go__fduse_close(use);
	closes += go__fduse_leave(use);
}

static void setup_entered(void)
{
	setup();
	atomic_init(&entries[FD].use.word, 2);
}

static void one_each(void)
{
	model_assert(successes == 1);
	model_assert(closes == 1);
}

static void closed_once(void)
{
	model_assert(closes == 1);
	model_assert(successes == 1 || attempts == 2);
	model_assert(successes > 0);
	/* relaxed: all is over. */
	model_assert(atomic_load_explicit(&entries[FD].use.word,
					  memory_order_relaxed) == 0);
}

static const struct model models[] = {
	{
		.name = "close-against-calls",
		.setup = setup,
		.finish = closed_once,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("caller", caller, 0),
			   MODEL_THREAD("other", caller, 0),
			   MODEL_THREAD("closer", closer, 0)},
	},
	{
		.name = "reuse-against-call",
		.setup = setup,
		.finish = closed_once,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("caller", caller, 0),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("opener", opener, 1)},
	},
	{
		.name = "reuse-by-others",
		.setup = setup,
		.finish = closed_once,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("caller", caller, 0),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("opener", opener, 0)},
	},
	{
		.name = "one-closes-first",
		.setup = setup_entered,
		.finish = one_each,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("closer", close_word, 0),
			   MODEL_THREAD("closer2", close_word, 0)},
	},
	{
		.name = "two-closes",
		.setup = setup,
		.finish = closed_once,
		.preemptions = 2,
		.thread = {MODEL_THREAD("caller", caller, 0),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("closer2", closer, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
