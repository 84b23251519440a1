/* SPDX-License-Identifier: MIT */
/*
 * The smaller objects of sync.h at work together: a crew that prepares once,
 * begins on a sign, meets half way, and reads what one of them has written.
 *
 * Run it:    crew
 * Expect:    prepared
 *            half way
 *            3 read 42
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

enum {
	CREW = 3
};

static go_once_flag once = GO_ONCE_INIT;
static go_event sign = GO_EVENT_INIT;
static go_barrier half_way = GO_BARRIER_INIT(CREW);
static go_wait_group working = GO_WAIT_GROUP_INIT;

static go_rwlock lock = GO_RWLOCK_INIT;
static int written; /* Under the lock. */
static int readers; /* Of the right value; under the lock, written. */

static void prepare(void *unused)
{
	(void)unused;
	printf("prepared\n");
}

static int read_it(void)
{
	int seen;
	int r = go_rwlock_rdlock(&lock);

	if (r < 0)
		return r;
	seen = written;
	go_rwlock_unlock(&lock);
	r = go_rwlock_wrlock(&lock);
	if (r < 0)
		return r;
	readers += seen == 42;
	go_rwlock_unlock(&lock);
	return 0;
}

static void *work(void *unused)
{
	int r = go_once(&once, prepare, NULL);

	if (r == 0)
		r = go_event_wait(&sign);
	if (r == 0)
		r = go_barrier_wait(&half_way);
	if (r == 1) /* the last one to come */
		printf("half way\n");
	if (r >= 0)
		r = read_it();
	go_wait_group_done(&working);
	(void)unused;
	return GO_INT(r);
}

static void *lead(void *unused)
{
	int r = go_wait_group_add(&working, CREW);

	for (int i = 0; i < CREW && r == 0; i++)
		r = go_spawn(work, NULL);
	if (r == 0)
		r = go_rwlock_wrlock(&lock);
	if (r < 0)
		return GO_INT(r);
	written = 42;
	go_rwlock_unlock(&lock);
	go_event_set(&sign);
	r = go_wait_group_wait(&working);
	if (r == 0)
		printf("%d read %d\n", readers, written);
	(void)unused;
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, lead, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "crew: %s\n", strerror(-r));
	return r < 0;
}
