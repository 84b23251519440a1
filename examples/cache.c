/* SPDX-License-Identifier: MIT */
/*
 * Locks that are not waited for at any price: a cache whose readers would
 * rather have nothing than wait longer than they may, and which is refreshed by
 * one task only, however many think that it should be.
 *
 * Run it:    cache
 * Expect:    refresh: begun
 *            refresh: somebody is at it
 *            look: not now
 *            read: Connection timed out
 *            write: Connection timed out
 *            read: value 2
 *            look: value 2
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct cache {
	go_rwlock lock;
	int value; /* Under the lock. */
	go_event begun, fetched;
};

/* Whoever comes while it is refreshed has nothing to do. */
static void *refresh(void *arg)
{
	struct cache *c = arg;
	int r = go_rwlock_trywrlock(&c->lock);

	if (r == -EBUSY) {
		printf("refresh: somebody is at it\n");
		return NULL;
	}
	if (r < 0)
		return GO_INT(r);
	printf("refresh: begun\n");
	go_event_set(&c->begun);
	r = go_event_wait(&c->fetched); /* stands for a slow server */
	if (r == 0)
		c->value++;
	go_rwlock_unlock(&c->lock);
	return GO_INT(r);
}

/* For a status page: what is there if nobody is changing it. */
static void look(struct cache *c)
{
	if (go_rwlock_tryrdlock(&c->lock) < 0) {
		printf("look: not now\n");
		return;
	}
	printf("look: value %d\n", c->value);
	go_rwlock_unlock(&c->lock);
}

/* For a request, which has a deadline, and may be cancelled. */
static int read_within(struct cache *c, int64_t limit_ns)
{
	GO_TIMEOUT(limit_ns);
	int r = go_rwlock_rdlock_cancellable(&c->lock);

	if (r < 0) {
		printf("read: %s\n", strerror(-r));
		return r;
	}
	printf("read: value %d\n", c->value);
	return go_rwlock_unlock(&c->lock);
}

static int write_within(struct cache *c, int value, int64_t limit_ns)
{
	GO_TIMEOUT(limit_ns);
	int r = go_rwlock_wrlock_cancellable(&c->lock);

	if (r < 0) {
		printf("write: %s\n", strerror(-r));
		return r;
	}
	c->value = value;
	return go_rwlock_unlock(&c->lock);
}

static int use(struct cache *c)
{
	go_task first;
	int r = go_task_spawn(&first, refresh, c);

	if (r < 0)
		return r;
	r = go_event_wait(&c->begun);
	if (r == 0) {
		refresh(c);
		look(c);
		read_within(c, 5 * GO_MILLISECOND);
		write_within(c, 7, 5 * GO_MILLISECOND);
	}
	go_event_set(&c->fetched);
	if (r == 0)
		r = read_within(c, 60 * GO_SECOND);
	go_task_join(first, NULL);
	if (r == 0)
		look(c);
	return r;
}

static void *start(void *unused)
{
	struct cache c = {GO_RWLOCK_INIT, 1, GO_EVENT_INIT, GO_EVENT_INIT};
	int r = use(&c);

	(void)unused;
	if (r == 0) /* -EBUSY: somebody has forgotten to unlock it */
		r = go_rwlock_destroy(&c.lock);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "cache: %s\n", strerror(-r));
	return r < 0;
}
