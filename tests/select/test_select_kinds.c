/* SPDX-License-Identifier: MIT */
/* Select over events, tasks' ends and descriptors, and all kinds at once. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "selection.h"
#include "support.h"
#include "poller.h"

/* ---- events ---- */

static void *events(void *unused)
{
	go_event manual = GO_EVENT_INIT, once = GO_EVENT_AUTO_INIT;
	go_case k[] = {GO_EVENT(&manual), GO_EVENT(NULL), GO_EVENT(&once)};
	go_case other[] = {GO_EVENT(NULL), GO_EVENT(&once)};
	struct selection s[2] = {{k, 3}, {other, 2}};
	go_task t[2];

	(void)unused;
	MUST(go_select_try(k, 3) == -EAGAIN);
	MUST(go_event_set(&manual) == 0);
	MUST(go_select(k, 3) == 0 && k[0].result == 0);
	MUST(go_select_try(k, 3) == 0);
	MUST(go_event_reset(&manual) == 0);
	/* Choosing an automatic one uses it up, choosing another does not. */
	MUST(go_event_set(&once) == 0);
	go_case never[] = {GO_EVENT(&manual), GO_AT(GO_NEVER)};
	MUST(go_select_try(never, 2) == -EAGAIN);
	MUST(go_select(k, 3) == 2 && k[2].result == 0);
	MUST(go_event_try(&once) == -EAGAIN);
	/* One set lets one of two selects pass. */
	for (int i = 0; i < 2; i++)
		MUST(go_task_spawn(&t[i], select_them, &s[i]) == 0);
	test_settle();
	MUST(go_event_destroy(&once) == -EBUSY);
	MUST(go_event_set(&once) == 0);
	MUST(go_event_try(&once) == -EAGAIN);
	MUST(go_event_set(&once) == 0);
	MUST(result_of(t[0]) == 2);
	MUST(result_of(t[1]) == 1);
	MUST(go_event_try(&once) == -EAGAIN);
	MUST(go_event_destroy(&once) == 0 && go_event_destroy(&manual) == 0);
	return NULL;
}

Test(select_kinds, events, .timeout = 60)
{
	run_everywhere(events, NULL);
}

/* A set that meets a cancelled select is not lost. */
static void *event_and_cancel(void *unused)
{
	go_event once = GO_EVENT_AUTO_INIT, other = GO_EVENT_INIT;
	uint64_t rounds = test_rounds(2000);

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		go_case k[] = {GO_EVENT(&other), GO_EVENT(&once)};
		struct selection s = {k, 2};
		go_task t;
		int r;

		MUST(go_task_spawn(&t, select_them, &s) == 0);
		for (unsigned n = test_random(3); n > 0; n--)
			go_yield();
		MUST(go_event_set(&once) == 0);
		(void)go_task_cancel(t);
		r = result_of(t);
		MUST(r == 1 || r == -ECANCELED);
		MUST(go_event_try(&once) == (r == 1 ? -EAGAIN : 0));
	}
	MUST(go_event_destroy(&once) == 0 && go_event_destroy(&other) == 0);
	return NULL;
}

Test(select_kinds, event_and_cancel, .timeout = 60)
{
	run_everywhere(event_and_cancel, NULL);
}

/* ---- tasks' ends ---- */

static const go_task nobody = {NULL, 0};

static void *wait_for_event(void *event)
{
	return GO_INT(go_event_wait((go_event *)event));
}

enum {
	WATCHERS = 3
};

static void *endings(void *unused)
{
	go_event end = GO_EVENT_INIT;
	go_task t, watcher[WATCHERS], joiner;
	go_case k[WATCHERS][2];
	struct selection s[WATCHERS];

	(void)unused;
	MUST(go_task_spawn(&t, wait_for_event, &end) == 0);
	go_case none[] = {GO_ENDED(nobody), GO_ENDED(t),
			  GO_ENDED(go_task_self())};
	MUST(go_select_try(none, 3) == -EAGAIN);
	for (int i = 0; i < WATCHERS; i++) {
		k[i][0] = GO_AT(GO_NEVER);
		k[i][1] = GO_ENDED(t);
		ASSIGN(struct selection, s[i], {k[i], 2});
		MUST(go_task_spawn(&watcher[i], select_them, &s[i]) == 0);
	}
	test_settle();
	/* One gives up; the others still hear of it. */
	MUST(go_task_cancel(watcher[0]) == 0);
	MUST(result_of(watcher[0]) == -ECANCELED);
	MUST(go_event_set(&end) == 0);
	MUST(go_select(none, 3) == 1 && none[1].result == 0);
	for (int i = 1; i < WATCHERS; i++)
		MUST(result_of(watcher[i]) == 1);
	/* The handle is as it was, and stays good for a select after that. */
	MUST(result_of(t) == 0);
	MUST(go_task_join(t, NULL) == -ESRCH);
	MUST(go_select(none, 3) == 1 && go_select_try(none, 3) == 1);

	/* Beside a joiner; and twice in one select. */
	MUST(go_event_reset(&end) == 0);
	MUST(go_task_spawn(&t, wait_for_event, &end) == 0);
	MUST(go_task_spawn(&joiner, wait_for_event, &end) == 0);
	go_case twice[] = {GO_ENDED(t), GO_ENDED(joiner), GO_ENDED(t)};
	struct selection s2 = {twice, 3};
	MUST(go_task_spawn(&watcher[0], select_them, &s2) == 0);
	test_settle();
	MUST(go_event_set(&end) == 0);
	MUST(result_of(t) == 0 && result_of(joiner) == 0);
	MUST(result_of(watcher[0]) >= 0);
	return NULL;
}

Test(select_kinds, endings, .timeout = 60)
{
	run_everywhere(endings, NULL);
}

static void *return_at_once(void *arg)
{
	return arg;
}

/* The first to end of several, again and again. */
static void *first_of_many(void *unused)
{
	uint64_t rounds = test_rounds(1000);

	(void)unused;
	for (uint64_t n = 0; n < rounds; n++) {
		go_task t[4];
		go_case k[4];
		void *result;

		for (int i = 0; i < 4; i++) {
			MUST(go_task_spawn(&t[i], return_at_once, GO_INT(i)) ==
			     0);
			k[i] = GO_ENDED(t[i]);
		}
		for (int left = 4; left > 0; left--) {
			int i = go_select(k, 4);

			MUST(i >= 0 && k[i].result == 0);
			MUST(go_task_join(t[i], &result) == 0);
			MUST(GO_TO_INT(result) == i);
			k[i] = GO_ENDED(nobody);
		}
		MUST(go_select_try(k, 4) == -EAGAIN);
	}
	return NULL;
}

Test(select_kinds, first_of_many, .timeout = 60)
{
	run_everywhere(first_of_many, NULL);
}

/* ---- descriptors ---- */

/* A pipe of ours, or one that the library does not know. */
static int make_pipe(int fd[2], bool foreign)
{
	return foreign ? pipe(fd) : go_pipe(fd);
}

static void *descriptors(void *arg)
{
	bool foreign = GO_TO_INT(arg);
	struct selection s;
	go_chan *c;
	int fd[2], n = 1, m = 0;
	char byte;
	go_task t;

	MUST(go_chan_create(&c, sizeof(int), 0) == 0);
	MUST(make_pipe(fd, foreign) == 0);
	go_case k[] = {GO_READABLE(fd[0]), GO_RECV(c, &m), GO_READABLE(-1),
		       GO_READABLE(fd[0])};
	ASSIGN(struct selection, s, {k, 4});

	MUST(go_select_try(k, 4) == -EAGAIN);
	go_case w[] = {GO_WRITABLE(fd[1]), GO_READABLE(fd[0])};
	go_case look[] = {GO_WRITABLE(fd[1])};
	MUST(go_select(w, 2) == 0 && w[0].result == 0);
	/* Ready before, and after, the wait has begun. */
	MUST(go_write(fd[1], "a", 1) == 1);
	MUST(go_select(k, 1) == 0 && go_select_try(k, 1) == 0);
	MUST(go_read(fd[0], &byte, 1) == 1);
	MUST(go_task_spawn(&t, select_them, &s) == 0);
	test_settle();
	MUST(go_write(fd[1], "b", 1) == 1);
	n = result_of(t);
	MUST((n == 0 || n == 3) && k[n].result == 0);
	MUST(go_read(fd[0], &byte, 1) == 1);
	/* The channel wins while the descriptor is waited for as well. */
	MUST(go_task_spawn(&t, select_them, &s) == 0);
	test_settle();
	MUST(go_chan_send(c, &n) == 0);
	MUST(result_of(t) == 1 && k[1].result == 0 && m == n);
	/* Full, and then not. */
	while (go_select_try(w, 1) == 0)
		MUST(go_write(fd[1], &byte, 1) == 1);
	ASSIGN(struct selection, s, {w, 1});
	MUST(go_task_spawn(&t, select_them, &s) == 0);
	test_settle();
	while (go_select_try(look, 1) == -EAGAIN)
		MUST(go_read(fd[0], &byte, 1) == 1);
	MUST(result_of(t) == 0 && w[0].result == 0);
	while (go_select_try(k, 1) == 0)
		MUST(go_read(fd[0], &byte, 1) == 1);
	/* The end of the file. */
	ASSIGN(struct selection, s, {k, 3});
	MUST(go_task_spawn(&t, select_them, &s) == 0);
	test_settle();
	MUST(go_close(fd[1]) == 0);
	MUST(result_of(t) == 0 && k[0].result == 0);
	MUST(go_read(fd[0], &byte, 1) == 0);
	MUST(go_close(fd[0]) == 0);
	MUST(go_select(k, 3) == 0 && k[0].result == -EBADF);
	MUST(go_chan_destroy(c) == 0);
	return NULL;
}

Test(select_kinds, descriptors, .timeout = 60)
{
	run_everywhere(descriptors, GO_INT(false));
	run_everywhere(descriptors, GO_INT(true));
}

/* A select waits for what is closed; and the number comes back. */
static void *closing(void *arg)
{
	bool foreign = GO_TO_INT(arg);
	uint64_t rounds = test_rounds(300);

	for (uint64_t i = 0; i < rounds; i++) {
		int fd[2], r;
		go_task t[2];

		MUST(make_pipe(fd, foreign) == 0);
		go_case a[] = {GO_AT(GO_NEVER), GO_READABLE(fd[0])};
		go_case b[] = {GO_READABLE(fd[0]), GO_READABLE(fd[0])};
		struct selection s[] = {{a, 2}, {b, 2}};

		for (int n = 0; n < 2; n++)
			MUST(go_task_spawn(&t[n], select_them, &s[n]) == 0);
		for (unsigned n = test_random(3); n > 0; n--)
			go_yield();
		if (i % 8 == 0)
			test_settle();
		MUST(go_close(fd[0]) == 0);
		MUST(result_of(t[0]) == 1 && a[1].result == -EBADF);
		r = result_of(t[1]);
		MUST(r >= 0 && b[r].result == -EBADF);
		MUST(go_close(fd[1]) == 0);
	}
	return NULL;
}

Test(select_kinds, closing, .timeout = 60)
{
	run_everywhere(closing, GO_INT(false));
	run_everywhere(closing, GO_INT(true));
}

/* ---- everything at once ---- */

enum {
	KINDS = 7,
};

static go_signals *subscribe(int sig)
{
	go_signals *s = NULL;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return go_signals_create(&s, &set) == 0 ? s : NULL;
}

/* What can be told to a select of all kinds, and heard from it. */
struct mix {
	go_chan *in, *out;
	go_event once;
	go_event end; /* Of the task. */
	go_task task;
	go_signals *signals;
	int fd[2];
	int64_t when;
	int value, got;
	ATOMIC(int) chosen; /* The case, or -errno; BUSY: none yet. */
};

enum {
	BUSY = 1000
};

static void *select_mix(void *arg)
{
	struct mix *m = (struct mix *)arg;
	go_case k[KINDS] = {GO_SEND(m->out, &m->value), GO_RECV(m->in, &m->got),
			    GO_EVENT(&m->once),         GO_ENDED(m->task),
			    GO_READABLE(m->fd[0]),      GO_AT(m->when),
			    GO_SIGNAL(m->signals, NULL)};
	int r = go_select(k, KINDS);

	if (r >= 0 && k[r].result != (r == 6 ? SIGUSR1 : 0))
		r = -EIO;
	atomic_store(&m->chosen, r);
	return NULL;
}

static void select_mix_in_thread(void *arg)
{
	select_mix(arg);
}

/* Make case `which` ready. */
static int tell(struct mix *m, int which)
{
	int n = 7;
	char byte = 0;

	switch (which) {
	case 0:
		return go_chan_recv(m->out, &m->got);
	case 1:
		return go_chan_send(m->in, &n);
	case 2:
		return go_event_set(&m->once);
	case 3:
		return go_event_set(&m->end);
	case 4:
		return go_write(m->fd[1], &byte, 1) == 1 ? 0 : -EIO;
	case 6:
		return kill(getpid(), SIGUSR1);
	default:
		return 0;
	}
}

static int begin_mix(struct mix *m, int which)
{
	m->signals = subscribe(SIGUSR1);
	m->in = NULL;
	m->out = NULL;
	ASSIGN(go_event, m->once, GO_EVENT_AUTO_INIT);
	ASSIGN(go_event, m->end, GO_EVENT_INIT);
	ASSIGN(go_task, m->task, ALL_ZERO);
	m->when = which == 5 ? go_now() + 2 * GO_MILLISECOND : GO_NEVER;
	m->value = 7;
	m->got = 0;
	atomic_store(&m->chosen, BUSY);
	if (!m->signals || go_chan_create(&m->in, sizeof(int), 0) < 0 ||
	    go_chan_create(&m->out, sizeof(int), 0) < 0 || go_pipe(m->fd) < 0)
		return -ENOMEM;
	return go_task_spawn(&m->task, wait_for_event, &m->end);
}

/* Nothing may be left linked anywhere. */
static int end_mix(struct mix *m)
{
	if (go_event_set(&m->end) < 0 || go_task_join(m->task, NULL) < 0 ||
	    go_event_destroy(&m->once) < 0 || go_chan_destroy(m->in) < 0 ||
	    go_chan_destroy(m->out) < 0 || go_close(m->fd[0]) < 0 ||
	    go_signals_destroy(m->signals) < 0)
		return -EBUSY;
	return go_close(m->fd[1]);
}

static void *each_kind(void *arg)
{
	bool in_thread = GO_TO_INT(arg);
	struct mix m;

	for (int which = 0; which < KINDS; which++) {
		go_task t;

		MUST(begin_mix(&m, which) == 0);
		if (in_thread)
			test_start_threads(1, select_mix_in_thread, &m);
		else
			MUST(go_task_spawn(&t, select_mix, &m) == 0);
		if (which % 2)
			test_settle();
		MUST(tell(&m, which) == 0);
		if (!in_thread)
			MUST(go_task_join(t, NULL) == 0);
		while (atomic_load(&m.chosen) == BUSY)
			go_sleep(10 * GO_MICROSECOND);
		if (in_thread)
			test_join_threads();
		MUST(atomic_load(&m.chosen) == which);
		MUST(which > 1 || m.got == 7);
		MUST(end_mix(&m) == 0);
	}
	return NULL;
}

Test(select_kinds, each_kind_among_all, .timeout = 60)
{
	run_everywhere(each_kind, GO_INT(false));
}

Test(select_kinds, each_kind_in_a_plain_thread, .timeout = 60)
{
	run_everywhere(each_kind, GO_INT(true));
}

static void *cancelled(void *unused)
{
	uint64_t rounds = test_rounds(200);
	struct mix m;

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		go_task t;

		MUST(begin_mix(&m, 0) == 0);
		MUST(go_task_spawn(&t, select_mix, &m) == 0);
		for (unsigned n = test_random(3); n > 0; n--)
			go_yield();
		if (i % 8 == 0)
			test_settle();
		MUST(go_task_cancel(t) == 0);
		MUST(go_task_join(t, NULL) == 0);
		MUST(atomic_load(&m.chosen) == -ECANCELED);
		MUST(end_mix(&m) == 0);
	}
	return NULL;
}

Test(select_kinds, cancelled, .timeout = 60)
{
	run_everywhere(cancelled, NULL);
}

/* A deadline scope's end is an error, a case's own time is that case. */
static void *deadlines(void *arg)
{
	bool with_fd = GO_TO_INT(arg);
	unsigned late = 0;
	int fd[2];

	MUST(go_pipe(fd) == 0);
	for (int i = 1; i <= 50; i++) {
		int64_t when = go_now() + i * 20 * GO_MICROSECOND;
		go_case k[] = {GO_READABLE(with_fd ? fd[0] : -1),
			       GO_AFTER(3600 * GO_SECOND), GO_AT(when)};
		go_deadline scope;
		int r;

		MUST(go_deadline_begin(&scope, when - 1) == 0);
		MUST(go_select(k, 2) == -ETIMEDOUT);
		go_deadline_end(&scope);
		/* If both pass while it waits, then the scope's was first. */
		k[2].when_ns = go_now() + i * 20 * GO_MICROSECOND;
		MUST(go_deadline_begin(&scope, k[2].when_ns - 1) == 0);
		r = go_select(k, 3);
		MUST(r == -ETIMEDOUT || r == 2);
		late += r == -ETIMEDOUT;
		go_deadline_end(&scope);
		k[2].when_ns = go_now() + 100 * GO_MICROSECOND;
		MUST(go_deadline_begin(&scope, k[2].when_ns) == 0);
		MUST(go_select(k, 3) == 2 && k[2].result == 0);
		go_deadline_end(&scope);
		MUST(go_now() >= k[2].when_ns);
	}
	MUST(late > 0);
	MUST(go_close(fd[0]) == 0 && go_close(fd[1]) == 0);
	return NULL;
}

Test(select_kinds, deadlines, .timeout = 60)
{
	run_everywhere(deadlines, GO_INT(false));
	run_everywhere(deadlines, GO_INT(true));
	cr_assert_null(deadlines(GO_INT(false)));
	cr_assert_null(deadlines(GO_INT(true)));
}

/* ---- no memory ---- */

#ifdef GO_TEST_HOOKS
/* Select with all kinds while the n-th of these calls fails, if there are so
 * many; the time comes then. */
static void *fault(enum go__sys_call call, unsigned n, bool *failed)
{
	struct mix m;
	int chosen;

	MUST(begin_mix(&m, 5) == 0);
	/* A worker that is lent meanwhile allocates, too. */
	test_fail_nth_here(call, n);
	select_mix(&m);
	*failed = test_fail_stop();
	chosen = atomic_load(&m.chosen);
	MUST(end_mix(&m) == 0);
	MUST(chosen == (*failed ? -ENOMEM : 5));
	return NULL;
}

static void *faults(void *unused)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_calloc,  GO__SYS_malloc, POLLER_CHANGE,
		GO__SYS_eventfd, GO__SYS_poll,
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			void *wrong = fault(calls[i], n, &failed);

			if (wrong)
				return wrong;
			MUST(n < 20);
		}
	}
	return NULL;
}

Test(select_kinds, no_memory, .timeout = 60)
{
	run_everywhere(faults, NULL);
}

static ATOMIC(int) thread_result;

/* A plain thread that has never waited has neither record nor eventfd. */
static void select_with_fault(void *arg)
{
	go_event never = GO_EVENT_INIT;
	int fd = GO_TO_INT(arg) % 1000, which = GO_TO_INT(arg) / 1000;
	go_case k[] = {GO_READABLE(fd), GO_EVENT(&never), GO_AT(GO_NEVER)};
	int r;

	test_fail_nth(which == 0 ? GO__SYS_eventfd : GO__SYS_ppoll, 1);
	r = go_select(k, 3);
	k[2] = GO_AFTER(GO_MILLISECOND);
	if (test_fail_stop() && r == -ENOMEM && go_select(k, 3) == 2 &&
	    go_event_destroy(&never) == 0)
		r = 0;
	atomic_store(&thread_result, r);
}

Test(select_kinds, no_memory_in_a_plain_thread, .timeout = 60)
{
	int fd[2];

	cr_assert_eq(go_pipe(fd), 0);
	for (int which = 0; which < 2; which++) {
		atomic_store(&thread_result, 1);
		test_start_threads(1, select_with_fault,
				   GO_INT(which * 1000 + fd[0]));
		test_join_threads();
		cr_assert_eq(atomic_load(&thread_result), 0);
	}
	cr_assert_eq(go_close(fd[0]), 0);
	cr_assert_eq(go_close(fd[1]), 0);
}

/* ---- handed over while the wait is being linked ---- */

static go_chan *handed;
static enum go__sys_call moment;
static int outcome;
static _Atomic int handed_over;

/* The wait has begun, and is not linked to the descriptor yet. */
static int send_meanwhile(enum go__sys_call call)
{
	int (*no_hook)(enum go__sys_call) = NULL;
	uint64_t n = 42;

	if (call != moment)
		return 0;
	go__sys_hook = no_hook;
	atomic_store(&handed_over, go_chan_try_send(handed, &n));
	return outcome;
}

/* Whatever the descriptor comes to then, the value counts. */
static void *meanwhile(void *unused)
{
	static const int outcomes[] = {0, -ENOMEM, -ENOSPC};

	(void)unused;
	for (int i = 0; i < 3; i++) {
		uint64_t n = 0;
		int fd[2];

		MUST(go_chan_create(&handed, 8, 0) == 0);
		MUST(go_pipe(fd) == 0);
		go_case k[] = {GO_READABLE(fd[0]), GO_RECV(handed, &n)};

		/* A plain thread has made its eventfd by then. */
		k[0].fd = fd[1];
		k[0].kind = GO_CASE_WRITABLE;
		MUST(go_select(k, 2) == 0);
		k[0] = GO_READABLE(fd[0]);
		outcome = outcomes[i];
		atomic_store(&handed_over, 1);
		go__sys_hook = send_meanwhile;
		MUST(go_select(k, 2) == 1 && k[1].result == 0 && n == 42);
		MUST(atomic_load(&handed_over) == 0);
		MUST(go_chan_destroy(handed) == 0);
		MUST(go_close(fd[0]) == 0 && go_close(fd[1]) == 0);
	}
	return NULL;
}

Test(select_kinds, handed_over_while_linking, .timeout = 60)
{
	moment = POLLER_CHANGE;
	run_everywhere(meanwhile, NULL);
	moment = GO__SYS_ppoll;
	cr_assert_null(meanwhile(NULL));
}
#endif
