/* SPDX-License-Identifier: MIT */
/*
 * The dump: what every task does, read while it does it.
 *
 * A dump is for programs that are stuck, so it may rely on nobody: it takes no
 * lock, allocates nothing, and writes with write(2) from a buffer of its own.
 * It may run in a signal handler, on top of any part of the library.
 *
 * WHY READING WITHOUT LOCKS IS SOUND
 *
 * Task blocks are type-stable and found by a walk over slabs that are only ever
 * added (block.c), so whatever a block holds, it can be read.  What is read
 * belongs together if nothing changed in between, which two words tell:
 *
 *     the task word      id and LIVE.  Fields that are constant after the
 *                        spawn (site, name, runtime, class) are written before
 *                        a task's word is, and after the former task's LIVE
 *                        was cleared.  Ids never repeat: if the same live id
 *                        is read before and after, they are that task's.
 *     the wait word      the epoch.  What a wait is for is written before its
 *                        epoch is opened and after the one before was claimed.
 *                        Epochs never repeat, so the same open epoch before
 *                        and after frames them in the same way.
 *
 * A task whose words changed is read again a few times, and then shown as
 * "changing".  The plain fields among those are read as single words, in
 * functions that ThreadSanitizer leaves alone: the value may be old or new, and
 * the words decide whether it is used.  On machines that reorder stores a field
 * may, rarely, be the next task's although the words say otherwise.  So nothing
 * is followed that could lead into memory that is gone: sites are literals, and
 * names, which are the caller's and end with the task, are copied by the kernel
 * (process_vm_readv; a pipe, where that is not to be had), which fails where we
 * would crash.
 *
 * RUNTIMES are freed, so they need more.  A dump counts itself in `readers`
 * before it reads the list; who destroys a runtime unlinks it and then waits
 * until nobody reads:
 *
 *     dump       D1  readers + 1       destroy    F1  unlink
 *                D2  follow the list              F2  readers == 0 ?
 *                D3  readers - 1                  F3  free
 *
 * All sequentially consistent: if F2 reads 0 before D1, then D2 comes after F1
 * and does not find it.  A handler that interrupts the destroyer at F2 is over
 * before F2 goes on.
 */
#include "sched/dump.h"

#include <gofer/debug.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "arch/sys.h"
#include "arch/text.h"
#include "sched/worker.h"

enum {
	ATTEMPTS = 4,
};

#define RACY __attribute__((noinline, no_sanitize_thread))

/* ---- the list of runtimes ---- */

static struct go__lock lock; /* Of the list's writers. */
static _Atomic(struct go_runtime *) runtimes;
static _Atomic uint32_t readers;

/* The link that leads to a runtime; seq_cst: D2 of the head. */
static struct go_runtime *follow(_Atomic(struct go_runtime *) *link)
{
	return atomic_load_explicit(link, memory_order_seq_cst);
}

void go__runtimes_add(struct go_runtime *rt)
{
	go__lock_acquire(&lock);
	/* relaxed: not shown yet. */
	atomic_store_explicit(&rt->next_runtime, follow(&runtimes),
			      memory_order_relaxed);
	/* seq_cst -> follow(): with all that is constant in it. */
	go__store_seq_cst(&runtimes, rt);
	go__lock_release(&lock);
}

void go__runtimes_remove(struct go_runtime *rt)
{
	_Atomic(struct go_runtime *) *link = &runtimes;
	uint32_t n;

	go__lock_acquire(&lock);
	while (follow(link) != rt)
		link = &follow(link)->next_runtime;
	/* seq_cst: F1 of the head. */
	go__store_seq_cst(link, follow(&rt->next_runtime));
	go__lock_release(&lock);
	/* seq_cst: F2 of the head; and [readers]: they have read. */
	while ((n = atomic_load_explicit(&readers, memory_order_seq_cst)))
		(void)go__sys_futex_wait(&readers, n,
					 go__sys_now() + 1000 * 1000);
}

void go__runtimes_lock(void)
{
	go__lock_acquire(&lock);
}

void go__runtimes_unlock(void)
{
	go__lock_release(&lock);
}

void go__runtimes_forked(void)
{
	struct go_runtime *rt;

	for (rt = follow(&runtimes); rt; rt = follow(&rt->next_runtime))
		rt->dead = true;
	/* relaxed, both: there is no other thread. */
	atomic_store_explicit(&runtimes, NULL, memory_order_relaxed);
	atomic_store_explicit(&readers, 0, memory_order_relaxed);
}

bool go__runtimes_only(struct go_runtime *rt)
{
	return follow(&runtimes) == rt && !follow(&rt->next_runtime);
}

/* ---- text ---- */

static void put_seconds(struct go__text *x, uint64_t ms)
{
	go__text_number(x, ms / 1000, 10);
	go__text_char(x, '.');
	go__text_char(x, (char)('0' + ms / 100 % 10));
	go__text_char(x, (char)('0' + ms / 10 % 10));
	go__text_char(x, (char)('0' + ms % 10));
	go__text_put(x, " s");
}

/*
 * For emulators and sandboxes that do not know process_vm_readv(): through a
 * pipe, byte by byte, since what lies behind the end of a string is nobody's.
 */
static ssize_t copy_through_a_pipe(char *to, const char *from, size_t n,
				   bool is_string)
{
	int ends[2];
	ssize_t r = go__sys_pipe2(ends, O_CLOEXEC | O_NONBLOCK);
	size_t i = 0;

	if (r < 0)
		return r;
	do {
		r = go__sys_write(ends[1], from + i, 1);
		if (r == 1)
			r = go__sys_read(ends[0], to + i, 1);
	} while (r == 1 && (to[i++] || !is_string) && i < n);
	(void)go__sys_close(ends[0]);
	(void)go__sys_close(ends[1]);
	return i ? (ssize_t)i : r;
}

/*
 * Copy the caller's memory.  It may be gone, so let the kernel do it: fewer
 * bytes if it goes on into a page that is not there.  Returns how many, or
 * -errno.
 */
static ssize_t copy_memory(void *to, const void *from, size_t n, bool is_string)
{
	size_t left = -(uintptr_t)from % go__sys_page_bytes();
	size_t first = left && left < n ? left : n;
	struct iovec into = {to, n};
	struct iovec parts[2] = {
		{(void *)(uintptr_t)from, first},
		{(void *)((uintptr_t)from + first), n - first}};
	ssize_t r = go__sys_process_vm_readv(getpid(), &into, parts, 2);

	return go__sys_is_missing(r)
		       ? copy_through_a_pipe(to, from, n, is_string)
		       : r;
}

/* At most GO__NAME_MOST bytes and a NUL, without what terminals might obey. */
static void copy_name(char *to, const char *name)
{
	memset(to, 0, GO__NAME_MOST + 1);
	if (copy_memory(to, name, GO__NAME_MOST, true) < 0)
		*to = '?';
	for (char *s = to; *s; s++)
		if (*s < ' ' || *s == 127)
			*s = '?';
}

static void put_name(struct go__text *x, const char *name)
{
	char copy[GO__NAME_MOST + 1];

	copy_name(copy, name);
	go__text_put(x, " \"");
	go__text_put(x, copy);
	go__text_put(x, "\"");
}

/* ---- one task, as it was at one moment ---- */

struct view {
	uint64_t id, wait, deadline;
	uint32_t since;
	unsigned kind, class;
	const void *object;
	const char *site, *name, *slot, *sp, *high;
	const struct go__worker *worker;
};

/* The fields that are plain: see the head. */
RACY static void read_plain(const struct go__task *t, struct view *v)
{
	v->site = *(const char *const volatile *)&t->start.site;
	v->name = *(const char *const volatile *)&t->name;
	v->slot = *(char *const volatile *)&t->slot;
	v->class = *(const volatile uint8_t *)&t->stack_class;
	v->worker = *(struct go__worker *const volatile *)&t->worker;
	v->sp = *(void *const volatile *)&t->context.sp;
	v->high = *(char *const volatile *)&t->context.stack_high;
}

static uint64_t wait_word(struct go__task *t)
{
	/* acquire <- [open]: the wait's kind and object. */
	return atomic_load_explicit(&t->waiter.word.bits, memory_order_acquire);
}

static void read_wait(struct go__task *t, struct view *v)
{
	v->wait = wait_word(t);
	/* relaxed, all: framed by the wait word. */
	v->kind = atomic_load_explicit(&t->waiter.kind, memory_order_relaxed);
	v->object =
		atomic_load_explicit(&t->waiter.object, memory_order_relaxed);
	v->deadline =
		atomic_load_explicit(&t->waiter.deadline, memory_order_relaxed);
	v->since = atomic_load_explicit(&t->since, memory_order_relaxed);
}

enum look {
	NOT_OURS,
	STABLE,
	CHANGING
};

static enum look look_once(struct go__task *t, const struct go_runtime *rt,
			   struct view *v)
{
	/* acquire <- [begin]: what is constant after the spawn. */
	uint64_t word =
		atomic_load_explicit(&t->word.bits, memory_order_acquire);

	v->id = word >> GO__TASK_ID_SHIFT;
	/* relaxed: framed by the word. */
	if (!(word & GO__TASK_LIVE) ||
	    atomic_load_explicit(&t->runtime, memory_order_relaxed) != rt)
		return NOT_OURS;
	read_wait(t, v);
	read_plain(t, v);
	/* The looks that follow stay behind the ones above. */
	atomic_thread_fence(memory_order_acquire);
	if (!go__task_word_is(&t->word, v->id) || wait_word(t) != v->wait)
		return CHANGING;
	return STABLE;
}

static enum look look(struct go__task *t, const struct go_runtime *rt,
		      struct view *v)
{
	enum look r = CHANGING;

	for (int i = 0; i < ATTEMPTS && r == CHANGING; i++)
		r = look_once(t, rt, v);
	return r;
}

static void set_brief(struct go__brief *out, const struct view *v)
{
	out->id = v->id;
	out->site = v->site;
	out->named = v->name != NULL;
	if (v->name)
		copy_name(out->name, v->name);
}

bool go__dump_brief(struct go__task *t, const struct go_runtime *rt,
		    struct go__brief *out)
{
	struct view v;

	if (look(t, rt, &v) != STABLE)
		return false;
	set_brief(out, &v);
	return true;
}

/* ---- a task's line ---- */

static const char *kind_text(unsigned kind)
{
	static const char *const text[] = {
		[GO__WAIT_OTHER] = "something",
		[GO__WAIT_SLEEP] = "time to pass",
		[GO__WAIT_JOIN] = "the end of",
		[GO__WAIT_READ] = "data on descriptor",
		[GO__WAIT_WRITE] = "room on descriptor",
		[GO__WAIT_CLOSE] = "users of descriptor",
		[GO__WAIT_POLL] = "descriptors at",
		[GO__WAIT_GROUP] = "group",
		[GO__WAIT_MUTEX] = "mutex",
		[GO__WAIT_RWLOCK] = "rwlock",
		[GO__WAIT_COND] = "condition",
		[GO__WAIT_SEMAPHORE] = "semaphore",
		[GO__WAIT_BARRIER] = "barrier",
		[GO__WAIT_ONCE] = "once",
		[GO__WAIT_EVENT] = "event",
		[GO__WAIT_COUNTER] = "wait group",
		[GO__WAIT_SEND] = "a receiver on channel",
		[GO__WAIT_RECEIVE] = "a message from channel",
		[GO__WAIT_SELECT] = "select at",
		[GO__WAIT_BROADCAST] = "a message from broadcast",
		[GO__WAIT_WATCH] = "a change of watch",
		[GO__WAIT_ONESHOT] = "a message from one-shot",
		[GO__WAIT_CLOSED] = "the closing of one-shot",
		[GO__WAIT_SELECT_FDS] = "select at",
		[GO__WAIT_BLOCKING] = "a thread for blocking call",
		[GO__WAIT_SIGNAL] = "a signal for subscription",
	};

	return kind < sizeof(text) / sizeof(*text) && text[kind] ? text[kind]
								 : "something";
}

/* The owner of what the wait is for, if it has one that is known. */
static void put_holder(struct go__text *x, const struct view *v)
{
	const struct go__task *t;
	uint64_t word = 0;

	if (copy_memory(&word, v->object, sizeof(word), false) !=
		    sizeof(word) ||
	    word >> GO__HOLDER_BITS == 0)
		return;
	go__text_put(x, ", held by ");
	if (v->kind == GO__WAIT_RWLOCK && !(word & GO__HOLDER_IS_ONE)) {
		go__text_number(x, word >> GO__HOLDER_BITS, 10);
		go__text_put(x, " readers");
		return;
	}
	t = go__block_of(
		(uintptr_t)(word >> GO__HOLDER_BITS << GO__HOLDER_BITS));
	if (t) {
		go__text_put(x, "task ");
		go__text_number(x, go__task_word_id(&t->word), 10);
	} else {
		go__text_put(x, "a plain thread");
	}
}

static void put_object(struct go__text *x, const struct view *v)
{
	const struct go__task *other = v->object;

	if (v->kind == GO__WAIT_SLEEP || (v->kind == GO__WAIT_OTHER && !other))
		return;
	go__text_char(x, ' ');
	if (v->kind == GO__WAIT_READ || v->kind == GO__WAIT_WRITE ||
	    v->kind == GO__WAIT_CLOSE) {
		go__text_number(x, (uintptr_t)v->object, 10);
	} else if (v->kind == GO__WAIT_JOIN && other) {
		go__text_put(x, "task ");
		go__text_number(x, go__task_word_id(&other->word), 10);
	} else {
		go__text_number(x, (uintptr_t)v->object, 16);
	}
	if (v->kind == GO__WAIT_MUTEX || v->kind == GO__WAIT_RWLOCK)
		put_holder(x, v);
}

static void put_wait(struct go__text *x, const struct view *v, uint64_t now)
{
	uint32_t waited = (uint32_t)(now / 1000000) - v->since;

	go__text_put(x, "waiting for ");
	go__text_put(x, kind_text(v->kind));
	put_object(x, v);
	go__text_put(x, ", at most ");
	put_seconds(x, (waited < UINT32_MAX / 2 ? waited : 0) + UINT64_C(1));
	if (v->deadline == GO__NO_DEADLINE)
		return;
	go__text_put(x, v->deadline > now ? ", until in " : ", overdue by ");
	put_seconds(
		x, (v->deadline > now ? v->deadline - now : now - v->deadline) /
			   1000000);
}

/* The worker that runs the task, or NULL. */
static const struct go__worker *runner(const struct go_runtime *rt,
				       const struct go__task *t,
				       const struct view *v)
{
	uintptr_t offset = (uintptr_t)v->worker - (uintptr_t)rt->worker;

	/* Not followed before it is known to be one of this runtime's. */
	if (offset / sizeof(*v->worker) >= go__slots(rt))
		return NULL;
	/* relaxed: a guess. */
	return atomic_load_explicit(&v->worker->current,
				    memory_order_relaxed) == t
		       ? v->worker
		       : NULL;
}

static void put_state(struct go__text *x, struct go_runtime *rt,
		      const struct go__task *t, const struct view *v,
		      uint64_t now)
{
	const struct go__worker *w;

	if (!(v->wait & GO__WAIT_CLAIMED)) {
		put_wait(x, v, now);
	} else if (v->kind == GO__WAIT_BLOCKING_RUNS) {
		go__text_put(x, "in blocking call ");
		go__text_number(x, (uintptr_t)v->object, 16);
	} else if (v->kind == GO__WAIT_SECTION) {
		go__text_put(x, "in a blocking section");
	} else if (!v->slot) {
		go__text_put(x, go__queue_count(&rt->starved)
					? "fresh or starved"
					: "fresh");
	} else if ((w = runner(rt, t, v))) {
		go__text_put(x, "running on worker ");
		go__text_number(x, w->index, 10);
	} else {
		go__text_put(x, "runnable");
	}
}

/* How much is used is known of one that waits and has left its stack. */
static void put_stack(struct go__text *x, const struct view *v)
{
	go__text_put(x, "; stack ");
	if ((v->wait & (GO__WAIT_SAVED | GO__WAIT_CLAIMED)) == GO__WAIT_SAVED &&
	    v->sp < v->high &&
	    (size_t)(v->high - v->sp) <= go__stack_bytes(v->class)) {
		go__text_number(x, (uintptr_t)(v->high - v->sp), 10);
		go__text_put(x, " of ");
	}
	go__text_number(x, go__stack_bytes(v->class), 10);
}

struct walk {
	struct go__text *text;
	struct go_runtime *rt;
	uint64_t now;
};

static bool put_task(struct go__task *t, void *arg)
{
	struct walk *walk = arg;
	struct go__text *x = walk->text;
	struct view v;
	enum look r = look(t, walk->rt, &v);

	if (r == NOT_OURS)
		return true;
	go__text_put(x, "  task ");
	go__text_number(x, v.id, 10);
	if (r == CHANGING) {
		go__text_put(x, ": changing\n");
		return x->error == 0;
	}
	if (v.name)
		put_name(x, v.name);
	if (v.site) {
		go__text_put(x, " from ");
		go__text_put(x, v.site);
	}
	go__text_put(x, ": ");
	put_state(x, walk->rt, t, &v, walk->now);
	if (v.slot)
		put_stack(x, &v);
	go__text_put(x, "\n");
	return x->error == 0;
}

enum go__doing go__dump_doing(struct go__task *t, struct go_runtime *rt,
			      struct go__brief *out, struct go__text *state)
{
	struct view v;
	enum look r = look(t, rt, &v);

	if (r == NOT_OURS)
		return GO__NOT_THERE;
	*out = (struct go__brief){.id = v.id};
	if (r == CHANGING) {
		go__text_put(state, "changing");
		return GO__DOING;
	}
	set_brief(out, &v);
	put_state(state, rt, t, &v, go__sys_now());
	return (v.wait & GO__WAIT_CLAIMED) &&
			       (v.kind == GO__WAIT_BLOCKING_RUNS ||
				v.kind == GO__WAIT_SECTION)
		       ? GO__BLOCKED
		       : GO__DOING;
}

/* ---- a runtime's lines ---- */

static void put_worker(struct go__text *x, struct go__worker *w)
{
	/* relaxed: a guess; the block can be read whatever it holds now. */
	struct go__task *t =
		atomic_load_explicit(&w->current, memory_order_relaxed);

	if (go__loan_of(w) == GO__LOAN_FREE)
		return;
	go__text_put(x, "  worker ");
	go__text_number(x, w->index, 10);
	if (go__loan_of(w) != GO__LOAN_HOME)
		go__text_put(x, " (lent)");
	go__text_put(x, t ? ": runs task " : ": runs no task");
	if (t)
		go__text_number(x, go__task_word_id(&t->word), 10);
	go__text_put(x, "\n");
}

static void put_runtime(struct go__text *x, struct go_runtime *rt)
{
	static const char *const phase[] = {"open", "closing", "stopped"};
	struct walk walk = {x, rt, go__sys_now()};

	go__text_put(x, "gofer: runtime ");
	go__text_number(x, (uintptr_t)rt, 16);
	go__text_put(x, ", ");
	go__text_put(x, phase[go__phase(rt)]);
	go__text_put(x, ", ");
	go__text_number(x, go__runtime_live(rt), 10);
	go__text_put(x, " tasks\n");
	for (unsigned i = 0; i < go__slots(rt); i++)
		put_worker(x, &rt->worker[i]);
	go__block_each(put_task, &walk);
}

int go_runtime_dump(go_runtime *rt, int fd)
{
	struct go__text x;

	if (!rt)
		return -EINVAL;
	go__text_init(&x, fd);
	put_runtime(&x, rt);
	return go__text_flush(&x);
}

int go_dump(int fd)
{
	struct go_runtime *rt;
	struct go__text x;
	int r;

	go__text_init(&x, fd);
	/* seq_cst: D1 of the head. */
	atomic_fetch_add_explicit(&readers, 1, memory_order_seq_cst);
	rt = follow(&runtimes);
	if (!rt)
		go__text_put(&x, "gofer: no runtime\n");
	for (; rt; rt = follow(&rt->next_runtime))
		put_runtime(&x, rt);
	r = go__text_flush(&x);
	/* [readers] seq_cst -> go__runtimes_remove(): we have read. */
	atomic_fetch_sub_explicit(&readers, 1, memory_order_seq_cst);
	return r;
}

/* ---- on a signal ---- */

enum {
	SIGNALS = 65
};

static struct sigaction previous[SIGNALS]; /* Constant once installed. */
static bool installed[SIGNALS];            /* Under lock. */

/*
 * Out of line: whom on_signal() calls might suspend for all that can be known,
 * and what touches errno must not.
 */
__attribute__((noinline)) static void dump_keeping_errno(void)
{
	int *error = go__sys_errno();
	int saved = *error;

	(void)go_dump(STDERR_FILENO);
	*error = saved;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *p = &previous[sig];

	dump_keeping_errno();
	if (p->sa_flags & SA_SIGINFO)
		p->sa_sigaction(sig, info, context);
	else if (p->sa_handler != SIG_DFL && p->sa_handler != SIG_IGN)
		p->sa_handler(sig);
}

static int install(int sig)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
	};
	/* Before ours can run. */
	int r = go__sys_sigaction(sig, NULL, &previous[sig]);

	sigemptyset(&action.sa_mask);
	return r < 0 ? r : go__sys_sigaction(sig, &action, NULL);
}

bool go__dump_signal_is_good(int sig)
{
	struct sigaction action;

	return sig > 0 && sig < SIGNALS && sig != SIGSEGV && sig != SIGBUS &&
	       sig != SIGKILL && sig != SIGSTOP &&
	       go__sys_sigaction(sig, NULL, &action) == 0;
}

int go__dump_on_signal(int sig)
{
	int r = 0;

	if (!go__dump_signal_is_good(sig))
		return -EINVAL;
	(void)go__sys_page_bytes(); /* Asked once, not first in a handler. */
	go__lock_acquire(&lock);
	if (!installed[sig])
		r = install(sig);
	if (r == 0)
		installed[sig] = true;
	go__lock_release(&lock);
	return r;
}
