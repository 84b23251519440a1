/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to wait for: the way of a signal, in three steps.
 *
 *     a handler    notes the number, in whatever thread the kernel has chosen
 *                  (signote.h), then calls the handler that it has replaced
 *     the helper   collects the notes, and tells all subscriptions whose set
 *                  has the number (helper.c says what thread that is)
 *     a receiver   takes a number that its subscription has been told
 *
 * Telling is what a channel's send is: under the lock, the first waiter that
 * can be claimed is given the number and its count; if there is none, both stay
 * with the subscription.  A wait that time or a cancellation has claimed takes
 * nothing.  So nothing is lost from the handler to the receiver.
 *
 * COMING AND GOING  A subscription is entered before the handlers that it needs
 * are installed, and removed after the handlers that only it needed are gone:
 * what is caught for it is told to it.  Before it is entered the notes are
 * collected, so what came before its time is told to the others alone.
 *
 * WHY ONE LOCK for all subscriptions?  Each signal is told to all of them, and
 * a program has a handful, for signals that come now and then.
 *
 * WHY NOT signalfd?  It wants the signals blocked in all threads, also those
 * that were there before us, and each signal reaches one reader.
 *
 * INVARIANTS  G1  users[n] counts the subscriptions with n, and what has asked
 *                 for it for good; while it is not zero our handler is
 *                 installed, unless somebody has replaced it.
 *             G2  pending has the numbers whose count is not zero.
 *             G3  Who waits has found nothing pending, in the same section.
 *
 * TESTS  test_signals.c; model_signote.c.
 */
#include "io/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "arch/sys.h"
#include "io/helper.h"

struct go__lock go__signals_lock;
/* Under go__helper_lock and go__signals_lock; made at first use. */
static struct go__link subscriptions;

static struct go__signote note;

/* By number - 1, under go__helper_lock; previous: of those that are installed.
 */
static unsigned users[GO__SIGNALS];
static struct sigaction previous[GO__SIGNALS];

/* What the handler calls in turn, one of the two, while users is not zero. */
static _Atomic(void (*)(int)) chain[GO__SIGNALS];
static _Atomic(void (*)(int, siginfo_t *, void *)) chain_info[GO__SIGNALS];
static _Atomic bool ends_only; /* Of SIGCHLD: it had SA_NOCLDSTOP. */

static uint64_t bit_of(int sig)
{
	return UINT64_C(1) << (sig - 1);
}

/* ---- the handler ---- */

/* A handler that wants to hear of ends only is not told of stops. */
static bool wants(int sig, const siginfo_t *info)
{
	/* relaxed: written before the handler is installed. */
	return sig != SIGCHLD ||
	       !atomic_load_explicit(&ends_only, memory_order_relaxed) ||
	       (info->si_code != CLD_STOPPED && info->si_code != CLD_CONTINUED);
}

static void on_caught(int sig, siginfo_t *info, void *context)
{
	int *error = go__sys_errno();
	int kept = *error;
	void (*plain)(int);
	void (*full)(int, siginfo_t *, void *);

	if (go__signote_add(&note, sig))
		go__helper_poke();
	/* relaxed: a function does not change. */
	plain = atomic_load_explicit(&chain[sig - 1], memory_order_relaxed);
	/* relaxed: the same. */
	full = atomic_load_explicit(&chain_info[sig - 1], memory_order_relaxed);
	if (full && wants(sig, info))
		full(sig, info, context);
	else if (plain && wants(sig, info))
		plain(sig);
	*error = kept;
}

static bool is_function(const struct sigaction *a)
{
	return (a->sa_flags & SA_SIGINFO) ||
	       (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN);
}

static void set_chain(int sig, const struct sigaction *a)
{
	bool info = a && is_function(a) && (a->sa_flags & SA_SIGINFO);
	bool plain = a && is_function(a) && !info;

	/* relaxed: sigaction(2) comes after it, and then a handler. */
	atomic_store_explicit(&chain[sig - 1], plain ? a->sa_handler : NULL,
			      memory_order_relaxed);
	/* relaxed: the same. */
	atomic_store_explicit(&chain_info[sig - 1],
			      info ? a->sa_sigaction : NULL,
			      memory_order_relaxed);
	if (sig == SIGCHLD)
		/* relaxed: the same. */
		atomic_store_explicit(&ends_only,
				      a && (a->sa_flags & SA_NOCLDSTOP),
				      memory_order_relaxed);
}

/* Has the program told the kernel that it does not wait for its children? */
static bool leaves_no_zombies(int sig, const struct sigaction *a)
{
	return sig == SIGCHLD &&
	       (a->sa_flags & SA_NOCLDWAIT ||
		(!(a->sa_flags & SA_SIGINFO) && a->sa_handler == SIG_IGN));
}

static bool is_ours(const struct sigaction *a)
{
	return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_caught;
}

/*
 * Between the two calls another thread of the program may install a handler,
 * which would be called no more; who does that while subscribing has no order
 * to rely on anyway.
 */
static int install(int sig)
{
	struct sigaction ours = {.sa_sigaction = on_caught};
	struct sigaction old;
	int r = go__sys_sigaction(sig, NULL, &old);

	/* Ours: whoever had replaced it has put it back since. */
	if (r < 0 || is_ours(&old))
		return r;
	ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	sigemptyset(&ours.sa_mask);
	if (is_function(&old)) {
		/* The program's calls are to be interrupted as before. */
		ours.sa_flags &= ~SA_RESTART | (old.sa_flags & SA_RESTART);
		ours.sa_mask = old.sa_mask;
	}
	/* There a handler runs when its thread's system call has ended: see
	 * go__sys_futex_wait(). */
	if (GO__TSAN)
		ours.sa_flags &= ~SA_RESTART;
	if (leaves_no_zombies(sig, &old))
		ours.sa_flags |= SA_NOCLDWAIT;
	previous[sig - 1] = old;
	set_chain(sig, &old);
	return go__sys_sigaction(sig, &ours, NULL);
}

static void restore(int sig)
{
	struct sigaction now;

	if (go__sys_sigaction(sig, NULL, &now) < 0 || !is_ours(&now))
		return;
	(void)go__sys_sigaction(sig, &previous[sig - 1], NULL);
	set_chain(sig, NULL);
}

/* ---- users of numbers: under go__helper_lock ---- */

/* The numbers of a set that have no user but one. */
static uint64_t without_others(uint64_t set)
{
	uint64_t lone = 0;

	for (int sig = 1; sig <= GO__SIGNALS; sig++)
		if ((set & bit_of(sig)) && users[sig - 1] == 1)
			lone |= bit_of(sig);
	return lone;
}

static void drop_users(uint64_t set)
{
	uint64_t lone = without_others(set);

	if (lone)
		go__helper_block(lone);
	for (int sig = 1; sig <= GO__SIGNALS; sig++) {
		if (!(set & bit_of(sig)))
			continue;
		if (--users[sig - 1] == 0)
			restore(sig);
	}
}

static int add_users(uint64_t set)
{
	uint64_t added = 0;
	int r = 0;

	for (int sig = 1; sig <= GO__SIGNALS && r == 0; sig++) {
		if (!(set & bit_of(sig)))
			continue;
		if (users[sig - 1] == 0)
			r = install(sig);
		if (r < 0)
			continue;
		users[sig - 1]++;
		added |= bit_of(sig);
	}
	if (r < 0)
		drop_users(added);
	else
		go__helper_unblock(set);
	return r;
}

int go__signals_catch(int sig)
{
	return users[sig - 1] ? 0 : add_users(bit_of(sig));
}

/* ---- telling: under go__signals_lock ---- */

static void tell(go_signals *s, int sig, uint32_t n, struct go__claimed *woken)
{
	struct go__wait_node *node =
		go__claimed_take_first(woken, &s->waiters, sig);
	struct go__signals_wait *w;

	if (node) {
		w = go__container_of(node, struct go__signals_wait, node);
		if (w->count)
			*w->count = n;
		return;
	}
	s->pending |= bit_of(sig);
	s->count[sig - 1] += n;
}

static void collect(struct go__claimed *woken)
{
	if (!subscriptions.next || !go__signote_collect(&note))
		return;
	for (int sig = 1; sig <= GO__SIGNALS; sig++) {
		uint32_t n = go__signote_take(&note, sig);

		if (n == 0)
			continue;
		for (struct go__link *l = subscriptions.next;
		     l != &subscriptions; l = l->next) {
			go_signals *s = go__container_of(l, go_signals, link);

			if ((s->set & bit_of(sig)) && !s->closed)
				tell(s, sig, n, woken);
		}
	}
}

void go__signals_collect(void)
{
	struct go__claimed woken;

	go__claimed_init(&woken);
	go__lock_acquire(&go__signals_lock);
	collect(&woken);
	go__lock_release(&go__signals_lock);
	go__claimed_deliver(&woken);
}

/* ---- receiving ---- */

/* The first that is pending behind the last one taken, in a circle. */
static int next_pending(const go_signals *s)
{
	uint64_t behind = 0;

	if (s->last < GO__SIGNALS)
		behind = s->pending & ~UINT64_C(0) << s->last;
	return __builtin_ctzll(behind ? behind : s->pending) + 1;
}

int go__signals_take(go_signals *s, uint32_t *count)
{
	int sig;

	if (s->dead)
		return -ECHILD;
	if (s->pending == 0)
		return s->closed ? -EPIPE : -EAGAIN;
	sig = next_pending(s);
	if (count)
		*count = s->count[sig - 1];
	s->count[sig - 1] = 0;
	s->pending &= ~bit_of(sig);
	s->last = (unsigned)sig;
	return sig;
}

/* Under the lock, which it releases. */
static int wait_for_one(go_signals *s, uint32_t *count, struct go__waiter *w)
{
	struct go__signals_wait self = {.count = count};
	int r;

	go__wait_begin(w, GO__NO_DEADLINE, GO__WAIT_SIGNAL, s);
	go__wait_node_init(&self.node, w);
	go__list_push_back(&s->waiters, &self.node.link);
	go__lock_release(&go__signals_lock);
	r = go__wait(w);
	if (go__wait_deserted(r))
		go__wait_unlink(&self.node, &go__signals_lock);
	return r;
}

static int receive(go_signals *s, uint32_t *count, struct go__waiter *w)
{
	int r;

	go__lock_acquire(&go__signals_lock);
	r = go__signals_take(s, count);
	if (r == -EAGAIN && w)
		return wait_for_one(s, count, w);
	go__lock_release(&go__signals_lock);
	return r;
}

int go_signals_recv(go_signals *s, uint32_t *count)
{
	struct go__waiter *w;
	int r;

	if (!s)
		return -EINVAL;
	r = go__wait_enter(&w);
	return r < 0 ? r : receive(s, count, w);
}

int go_signals_try_recv(go_signals *s, uint32_t *count)
{
	return s ? receive(s, count, NULL) : -EINVAL;
}

/* ---- making and freeing ---- */

/* The bits of a set, or 0 if one of them is refused. */
static uint64_t bits_of(const sigset_t *set)
{
	static const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
				      SIGILL,  SIGTRAP, SIGABRT, SIGSYS};
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (sigismember(set, refused[i]) == 1)
			return 0;
	for (int sig = 1; sig <= GO__SIGNALS; sig++)
		if (sigismember(set, sig) == 1)
			bits |= bit_of(sig);
	return bits;
}

/* Tell the others what has come by now, then enter it. */
static void enter(go_signals *s)
{
	struct go__claimed woken;

	go__claimed_init(&woken);
	go__lock_acquire(&go__signals_lock);
	if (!subscriptions.next)
		go__list_init(&subscriptions);
	collect(&woken);
	go__list_push_back(&subscriptions, &s->link);
	go__lock_release(&go__signals_lock);
	go__claimed_deliver(&woken);
}

/* Tell it, too, what has come by now, then remove it. */
static void leave(go_signals *s)
{
	struct go__claimed woken;

	go__claimed_init(&woken);
	go__lock_acquire(&go__signals_lock);
	collect(&woken);
	go__list_remove(&s->link);
	go__lock_release(&go__signals_lock);
	go__claimed_deliver(&woken);
}

int go_signals_create(go_signals **out, const sigset_t *set)
{
	uint64_t bits = out && set ? bits_of(set) : 0;
	go_signals *s;
	int r;

	if (bits == 0)
		return -EINVAL;
	s = go__sys_calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->set = bits;
	go__list_init(&s->waiters);
	go__lock_acquire(&go__helper_lock);
	r = go__helper_start();
	if (r == 0) {
		enter(s);
		r = add_users(bits);
		if (r < 0)
			leave(s);
	}
	go__lock_release(&go__helper_lock);
	if (r < 0) {
		go__sys_free(s);
		return r;
	}
	*out = s;
	return 0;
}

int go_signals_close(go_signals *s)
{
	struct go__claimed woken;
	int r = 0;

	if (!s)
		return -EINVAL;
	go__claimed_init(&woken);
	go__lock_acquire(&go__signals_lock);
	collect(&woken);
	if (s->closed)
		r = -EPIPE;
	s->closed = true;
	go__claimed_take_all(&woken, &s->waiters, -EPIPE);
	go__lock_release(&go__signals_lock);
	go__claimed_deliver(&woken);
	return r;
}

static bool is_awaited(const go_signals *s)
{
	bool awaited;

	go__lock_acquire(&go__signals_lock);
	awaited = !go__list_empty(&s->waiters);
	go__lock_release(&go__signals_lock);
	return awaited;
}

/* Nobody waits for it: take it out of everything. */
static void withdraw(go_signals *s)
{
	go__lock_acquire(&go__helper_lock);
	if (!s->dead) {
		drop_users(s->set);
		leave(s);
	}
	go__lock_release(&go__helper_lock);
}

int go_signals_destroy(go_signals *s)
{
	if (!s)
		return 0;
	if (!s->dead && is_awaited(s))
		return -EBUSY;
	withdraw(s);
	go__sys_free(s);
	return 0;
}

/* ---- sigwait ---- */

/* Real-time signals do not merge. */
static void raise_again(int sig, uint32_t n)
{
	if (sig < SIGRTMIN && n > 1)
		n = 1;
	for (; n > 0; n--)
		(void)go__sys_kill(getpid(), sig);
}

int go_sigwait(const sigset_t *set, int *sig)
{
	go_signals *s;
	uint32_t n = 0;
	int r, got;

	if (!sig)
		return -EINVAL;
	r = go_signals_create(&s, set);
	if (r < 0)
		return r;
	got = go_signals_recv(s, &n);
	withdraw(s);
	/* Now it is ours alone.  One may have come after the wait's end. */
	if (got < 0) {
		r = go__signals_take(s, &n);
		got = r > 0 ? r : got;
	}
	if (got >= SIGRTMIN)
		raise_again(got, n - 1);
	if (got > 0)
		*sig = got;
	while ((r = go__signals_take(s, &n)) > 0)
		raise_again(r, n);
	go__sys_free(s);
	return got > 0 ? 0 : got;
}

/* ---- fork: under go__helper_lock ---- */

void go__signals_lock_for_fork(void)
{
	go__lock_acquire(&go__signals_lock);
}

static void forget_all(void)
{
	for (int sig = 1; sig <= GO__SIGNALS; sig++) {
		if (users[sig - 1])
			restore(sig);
		users[sig - 1] = 0;
		(void)go__signote_take(&note, sig);
	}
	(void)go__signote_collect(&note);
	while (subscriptions.next && !go__list_empty(&subscriptions)) {
		struct go__link *l = go__list_pop_front(&subscriptions);

		go__container_of(l, go_signals, link)->dead = true;
	}
}

void go__signals_unlock_after_fork(bool child)
{
	if (child)
		forget_all();
	go__lock_release(&go__signals_lock);
}
