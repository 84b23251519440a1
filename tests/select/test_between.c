/* SPDX-License-Identifier: MIT */
/*
 * Objects between runtimes: parties of one program, some of them in a runtime
 * of each flavour and some plain threads, all at once, share channels, locks,
 * events, descriptors, selects, and wait for each other's tasks.  Nothing is
 * lost, nothing is done twice, and all end.  And one of the runtimes is shut
 * down while the others go on.
 */
#include <gofer.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sched/everywhere.h"
#include "support.h"

enum {
	THREADS = GO_HOME_THREAD + 1, /* Behind the flavours. */
	KINDS,
	EACH = 4, /* Parties of a kind. */
	PARTIES = KINDS * EACH,
	ROUNDS = 200,
};

struct party {
	int number;
	void *wrong;
};

static struct party party[PARTIES];
static go_runtime *runtime[THREADS];
static go_fn *part;         /* What each party does. */
static go_wait_group going; /* Parties that have not ended. */

static int kind_of(const struct party *p)
{
	return p->number / EACH;
}

/* Another one, of another kind; by and by, each. */
static int after(int number)
{
	return (number + EACH + 1) % PARTIES;
}

static void *take_part(void *arg)
{
	struct party *p = (struct party *)arg;

	p->wrong = part(p);
	go_wait_group_done(&going);
	return NULL;
}

/* The parties of a flavour; its runtime has a host as long as any is going. */
static void *parties_in(void *first)
{
	struct party *p = (struct party *)first;
	GO_GROUP(group);
	int r;

	for (int i = 0; i < EACH; i++)
		cr_assert_eq(go_group_spawn(&group, take_part, &p[i]), 0);
	r = go_wait_group_wait(&going);
	cr_assert(r == 0 || r == -ECANCELED);
	cr_assert_eq(go_group_wait(&group), r);
	return NULL;
}

static void *host(void *first)
{
	struct party *p = (struct party *)first;

	cr_assert_eq(
		go_runtime_block_on(runtime[kind_of(p)], parties_in, p, NULL),
		0);
	return NULL;
}

static pthread_t thread[THREADS + EACH];

static void start_all(go_fn *fn)
{
	part = fn;
	cr_assert_eq(go_wait_group_add(&going, PARTIES), 0);
	for (int i = 0; i < PARTIES; i++) {
		ASSIGN(struct party, party[i], ALL_ZERO);
		party[i].number = i;
	}
	for (int k = 0; k < THREADS; k++) {
		MAKE(go_runtime_options, o, .flavour = k, .workers = 2);

		if (k == GO_CURRENT_THREAD)
			o.workers = 0;
		cr_assert_eq(go_runtime_create(&runtime[k], &o), 0);
	}
	for (int k = 0; k < THREADS; k++)
		cr_assert_eq(pthread_create(&thread[k], NULL, host,
					    &party[k * EACH]),
			     0);
	for (int i = 0; i < EACH; i++)
		cr_assert_eq(pthread_create(&thread[THREADS + i], NULL,
					    take_part,
					    &party[THREADS * EACH + i]),
			     0);
}

static void end_all(void)
{
	for (int i = 0; i < THREADS + EACH; i++)
		cr_assert_eq(pthread_join(thread[i], NULL), 0);
	for (int k = 0; k < THREADS; k++) {
		cr_assert_eq(go_runtime_shutdown(runtime[k], GO_NEVER), 0);
		cr_assert_eq(go_runtime_destroy(runtime[k]), 0);
	}
	for (int i = 0; i < PARTIES; i++)
		cr_assert_null(party[i].wrong, "party %d: %s", i,
			       (const char *)party[i].wrong);
}

static void all_at_once(go_fn *fn)
{
	for (uint64_t i = test_rounds(3); i > 0; i--) {
		start_all(fn);
		end_all();
	}
}

/* ---- what is sent is received once ---- */

static ATOMIC(uint64_t) sent, received; /* Sums. */
static ATOMIC(int) senders;

static void count_senders(void)
{
	atomic_store(&sent, 0);
	atomic_store(&received, 0);
	atomic_store(&senders, PARTIES / 2);
}

/* Half of the parties of each kind. */
static bool sends(const struct party *p)
{
	return p->number % 2 == 0;
}

static bool is_last_sender(void)
{
	return atomic_fetch_sub(&senders, 1) == 1;
}

static go_chan *chan[2];

static void *send_or_receive(void *arg)
{
	struct party *p = (struct party *)arg;
	uint64_t v = (uint64_t)p->number;
	int r;

	if (!sends(p)) {
		while ((r = go_chan_recv(chan[0], &v)) == 0)
			atomic_fetch_add(&received, v);
		MUST(r == -EPIPE);
		return NULL;
	}
	for (int i = 0; i < ROUNDS; i++, v += PARTIES) {
		MUST(go_chan_send(chan[0], &v) == 0);
		atomic_fetch_add(&sent, v);
	}
	if (is_last_sender())
		MUST(go_chan_close(chan[0]) == 0);
	return NULL;
}

Test(between, channels, .timeout = 120)
{
	static const size_t capacity[] = {0, 1, 7};

	for (int i = 0; i < 3; i++) {
		count_senders();
		cr_assert_eq(
			go_chan_create(&chan[0], sizeof(uint64_t), capacity[i]),
			0);
		start_all(send_or_receive);
		end_all();
		cr_assert_eq(atomic_load(&sent), atomic_load(&received));
		cr_assert_eq(go_chan_destroy(chan[0]), 0);
	}
}

static int fd[2];

/* Messages of one descriptor. */
static void *write_or_read(void *arg)
{
	struct party *p = (struct party *)arg;
	uint64_t v = (uint64_t)p->number;
	ssize_t n;

	if (!sends(p)) {
		while ((n = go_read(fd[0], &v, sizeof(v))) == sizeof(v))
			atomic_fetch_add(&received, v);
		MUST(n == 0);
		return NULL;
	}
	for (int i = 0; i < ROUNDS; i++, v += PARTIES) {
		MUST(go_write(fd[1], &v, sizeof(v)) == sizeof(v));
		atomic_fetch_add(&sent, v);
	}
	if (is_last_sender())
		MUST(go_close(fd[1]) == 0);
	return NULL;
}

Test(between, descriptors, .timeout = 120)
{
	count_senders();
	cr_assert_eq(go_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	start_all(write_or_read);
	end_all();
	cr_assert_eq(atomic_load(&sent), atomic_load(&received));
	cr_assert_eq(go_close(fd[0]), 0);
}

/* Somebody of one kind closes what all others wait for. */
static void *read_or_close(void *arg)
{
	struct party *p = (struct party *)arg;
	char c;

	if (p->number != atomic_load(&senders)) {
		MUST(go_read(fd[0], &c, 1) == -EBADF);
		return NULL;
	}
	MUST(go_sleep(GO_MILLISECOND) == 0);
	MUST(go_close(fd[0]) == 0);
	return NULL;
}

Test(between, closing_evicts_all, .timeout = 120)
{
	for (int k = 0; k < KINDS; k++) {
		atomic_store(&senders, k * EACH);
		cr_assert_eq(go_pipe(fd), 0);
		start_all(read_or_close);
		end_all();
		cr_assert_eq(go_close(fd[1]), 0);
	}
}

static go_event over;

static void *select_all(void *arg)
{
	struct party *p = (struct party *)arg;
	uint64_t v = (uint64_t)p->number, w = v;

	for (int i = 0; sends(p) && i < ROUNDS; i++) {
		go_case either[] = {GO_SEND(chan[0], &v), GO_SEND(chan[1], &v)};

		MUST(go_select(either, 2) >= 0);
		atomic_fetch_add(&sent, v);
		v += PARTIES;
	}
	if (sends(p)) {
		if (is_last_sender())
			MUST(go_event_set(&over) == 0);
		return NULL;
	}
	for (;;) {
		go_case any[] = {GO_RECV(chan[0], &v), GO_RECV(chan[1], &w),
				 GO_EVENT(&over)};
		int i = go_select(any, 3);

		if (i == 2)
			return NULL;
		MUST(i >= 0 && any[i].result == 0);
		atomic_fetch_add(&received, i ? w : v);
	}
}

Test(between, selects, .timeout = 120)
{
	count_senders();
	cr_assert_eq(go_event_reset(&over), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(go_chan_create(&chan[i], sizeof(uint64_t), 0), 0);
	start_all(select_all);
	end_all();
	cr_assert_eq(atomic_load(&sent), atomic_load(&received));
	for (int i = 0; i < 2; i++)
		cr_assert_eq(go_chan_destroy(chan[i]), 0);
}

/* ---- turns ---- */

static go_mutex mutex = GO_MUTEX_INIT;
static go_cond turned = GO_COND_INIT;
static int turn; /* Under mutex. */

static void *turn_on(void *arg)
{
	struct party *p = (struct party *)arg;

	for (int i = 0; i < ROUNDS / 4; i++) {
		MUST(go_mutex_lock(&mutex) == 0);
		while (turn != p->number)
			MUST(go_cond_wait(&turned, &mutex) == 0);
		turn = after(turn);
		MUST(go_cond_broadcast(&turned) == 0);
		MUST(go_mutex_unlock(&mutex) == 0);
	}
	return NULL;
}

Test(between, a_condition, .timeout = 120)
{
	turn = 0;
	all_at_once(turn_on);
	cr_assert_eq(turn, 0);
}

static go_event event[PARTIES];

static void *pass_on(void *arg)
{
	struct party *p = (struct party *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		MUST(go_event_wait(&event[p->number]) == 0);
		MUST(go_event_reset(&event[p->number]) == 0);
		MUST(go_event_set(&event[after(p->number)]) == 0);
	}
	return NULL;
}

Test(between, events, .timeout = 120)
{
	go_event_set(&event[0]);
	all_at_once(pass_on);
	cr_assert_eq(go_event_try(&event[0]), 0);
}

enum {
	PERMITS = 3,
};

static go_semaphore semaphore = GO_SEMAPHORE_INIT(PERMITS);
static ATOMIC(int) holders;
static uint64_t count; /* Under mutex. */

static void *hold(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		MUST(go_semaphore_acquire(&semaphore) == 0);
		MUST(atomic_fetch_add(&holders, 1) < PERMITS);
		MUST(go_mutex_lock(&mutex) == 0);
		count++;
		go_yield();
		MUST(go_mutex_unlock(&mutex) == 0);
		atomic_fetch_sub(&holders, 1);
		MUST(go_semaphore_post(&semaphore) == 0);
	}
	(void)arg;
	return NULL;
}

Test(between, a_semaphore_and_a_mutex, .timeout = 120)
{
	count = 0;
	start_all(hold);
	end_all();
	cr_assert_eq(count, PARTIES * ROUNDS);
	cr_assert_eq(go_semaphore_value(&semaphore), PERMITS);
}

/* ---- ends ---- */

static ATOMIC(uint64_t) worked;

static void *work(void *arg)
{
	go_sleep(1000);
	atomic_fetch_add(&worked, 1);
	return arg;
}

static void *join_in_all(void *arg)
{
	for (int i = 0; i < ROUNDS / 20; i++) {
		go_task task[THREADS];
		void *result[THREADS];

		for (int k = 0; k < THREADS; k++) {
			MAKE(go_spawn_options, o, .runtime = runtime[k],
			     .task = &task[k]);

			MUST(go_spawn_with(&o, work, GO_INT(k + i)) == 0);
		}
		MUST(go_join_all(task, THREADS, result) == 0);
		for (int k = 0; k < THREADS; k++)
			MUST(GO_TO_INT(result[k]) == k + i);
	}
	(void)arg;
	return NULL;
}

Test(between, joins, .timeout = 120)
{
	all_at_once(join_in_all);
}

/* A group of children in all runtimes. */
static void *gather(void *arg)
{
	GO_GROUP(group);

	for (int i = 0; i < ROUNDS / 20; i++)
		for (int k = 0; k < THREADS; k++) {
			MAKE(go_spawn_options, o, .runtime = runtime[k],
			     .group = &group);

			MUST(go_spawn_with(&o, work, NULL) == 0);
		}
	MUST(go_group_wait(&group) == 0);
	(void)arg;
	return NULL;
}

Test(between, groups, .timeout = 120)
{
	atomic_store(&worked, 0);
	start_all(gather);
	end_all();
	cr_assert_eq(atomic_load(&worked),
		     (uint64_t)(PARTIES * THREADS * (ROUNDS / 20)));
}

/* ---- one is shut down, and the others go on ---- */

static ATOMIC(uint64_t) done[KINDS];
static ATOMIC(uint64_t) counted;

static int lock_and_count(void)
{
	GO_TIMEOUT(GO_MILLISECOND);
	int r = go_mutex_lock(&mutex);

	count++;
	atomic_fetch_add(&counted, 1);
	(void)go_cond_signal(&turned);
	if (r == 0)
		r = go_cond_wait(&turned, &mutex);
	(void)go_mutex_unlock(&mutex);
	return r;
}

static int take_and_give(void)
{
	int r = go_semaphore_acquire(&semaphore);

	if (r < 0)
		return r;
	r = go_yield();
	(void)go_semaphore_post(&semaphore);
	return r;
}

/* Whichever comes first: so two parties meet, or it is over. */
static int exchange(const struct party *p)
{
	uint64_t out = (uint64_t)p->number, in;
	go_case any[] = {GO_SEND(chan[0], &out), GO_RECV(chan[0], &in),
			 GO_EVENT(&over)};
	int i = go_select(any, 3);

	if (i == 0)
		atomic_fetch_add(&sent, out);
	if (i == 1)
		atomic_fetch_add(&received, in);
	return i < 0 ? i : 0;
}

static int write_and_read(void)
{
	char c = 'x';
	int r = (int)go_write(fd[1], &c, 1);

	return r < 0 ? r : (int)go_read(fd[0], &c, 1);
}

static int set_and_wait(void)
{
	GO_TIMEOUT(GO_MILLISECOND);
	int r;

	(void)go_event_set(&event[0]);
	r = go_event_wait(&event[0]);
	(void)go_event_reset(&event[0]);
	return r;
}

static int join_somewhere(void)
{
	go_task task;
	MAKE(go_spawn_options, o, .runtime = runtime[test_random(THREADS)],
	     .task = &task);
	int r = go_spawn_with(&o, work, NULL);

	if (r < 0)
		return r == -ESHUTDOWN ? 0 : r;
	r = go_task_join(task, NULL);
	/* We are the only ones to join or detach it. */
	if (r == -ECANCELED)
		(void)go_task_detach(task);
	return r;
}

static int do_something(const struct party *p)
{
	switch (test_random(6)) {
	case 0:
		return lock_and_count();
	case 1:
		return take_and_give();
	case 2:
		return exchange(p);
	case 3:
		return write_and_read();
	case 4:
		return set_and_wait();
	default:
		return join_somewhere();
	}
}

static void *go_on(void *arg)
{
	struct party *p = (struct party *)arg;
	int r = 0;

	while (r != -ECANCELED && go_event_try(&over) != 0) {
		r = do_something(p);
		MUST(r >= 0 || r == -ETIMEDOUT || r == -ECANCELED);
		atomic_fetch_add(&done[kind_of(p)], 1);
	}
	MUST(r != -ECANCELED || kind_of(p) != THREADS);
	return NULL;
}

/* Every kind but one does some more. */
static void see_them_go_on(int but)
{
	for (int k = 0; k < KINDS; k++) {
		uint64_t goal = atomic_load(&done[k]) + 50;

		while (k != but && atomic_load(&done[k]) < goal)
			sched_yield();
	}
}

static void *shut_down(void *rt)
{
	return GO_INT(go_runtime_shutdown((go_runtime *)rt, GO_NEVER));
}

/* A shutdown blocks its thread, which tasks wait for that are in its way. */
static void *have_it_shut_down(void *rt)
{
	void *left = NULL;

	MUST(go_blocking(shut_down, rt, &left) == 0);
	return left;
}

/* By a task of another one, or by us. */
static void shut_down_one(int victim, int by)
{
	void *left = NULL;

	if (by == victim)
		left = shut_down(runtime[victim]);
	else
		cr_assert_eq(go_runtime_block_on(runtime[by], have_it_shut_down,
						 runtime[victim], &left),
			     0);
	cr_assert_eq(GO_TO_INT(left), 0);
}

static void go_on_without(int victim, int by)
{
	uint64_t left = 0, v;

	count_senders();
	atomic_store(&counted, 0);
	count = 0;
	cr_assert_eq(go_event_reset(&over), 0);
	cr_assert_eq(go_pipe(fd), 0);
	cr_assert_eq(go_chan_create(&chan[0], sizeof(uint64_t), 2), 0);
	start_all(go_on);
	see_them_go_on(KINDS);
	shut_down_one(victim, by);
	see_them_go_on(victim);
	cr_assert_eq(go_event_set(&over), 0);
	end_all();
	while (go_chan_try_recv(chan[0], &v) == 0)
		left += v;
	cr_assert_eq(atomic_load(&sent), atomic_load(&received) + left);
	cr_assert_eq(count, atomic_load(&counted));
	cr_assert_eq(go_semaphore_value(&semaphore), PERMITS);
	cr_assert_eq(go_chan_destroy(chan[0]), 0);
	cr_assert_eq(go_close(fd[0]), 0);
	cr_assert_eq(go_close(fd[1]), 0);
}

Test(between, others_go_on_without_one, .timeout = 280)
{
	for (uint64_t i = test_rounds(3); i > 0; i--)
		for (int victim = 0; victim < THREADS; victim++) {
			go_on_without(victim, victim);
			go_on_without(victim, (victim + 1) % THREADS);
		}
}
