/* SPDX-License-Identifier: MIT */
/*
 * Locks and their relatives, for tasks and plain threads in any mix.
 *
 * Each object is a plain structure with a static initialiser; it allocates
 * nothing and needs no destructor.  The destroy functions only tell whether
 * anybody still uses the object.  An object must not be moved or copied while
 * it is in use.  The members are the library's business.  In memory from malloc
 * assign the initialiser: *lock = (go_mutex)GO_MUTEX_INIT (examples/team.c).
 * Each call refuses a null pointer to an object with -EINVAL.
 *
 *     static go_mutex lock = GO_MUTEX_INIT;
 *     static go_cond filled = GO_COND_INIT;
 *     static int count;
 *     ...
 *     int r = go_mutex_lock(&lock);
 *
 *     if (r < 0)
 *             return r;
 *     while (r == 0 && count == 0)
 *             r = go_cond_wait(&filled, &lock);
 *     if (r == 0)
 *             count--;
 *     go_mutex_unlock(&lock);
 *
 * (examples/locks.c is the whole program.)
 *
 * What one does before it unlocks, posts, sets, signals or is done happens
 * before what the one does that this lets go on.  Calls that wait, and those
 * that try a lock, also fail with -ENOMEM in a plain thread for which there is
 * no memory for the record that waits and owns.  A thread for which one such
 * call has succeeded never gets that again, until it ends.
 */
#ifndef GOFER_SYNC_H
#define GOFER_SYNC_H

#include <gofer/base.h>

GO_BEGIN_DECLS

/* Those who wait for an object.  All zero is nobody. */
typedef struct go_line {
	uint32_t lock, state;
	void *next, *prev;
} go_line;

/*
 * A mutex.  It belongs to the task or plain thread that has locked it.  It is
 * not recursive.  Whoever comes while it is free takes it, even if others wait
 * already; but one that was woken and lost it in this way gets it next.
 *
 * Whoever has locked it must unlock it before it ends.  Otherwise it stays
 * locked: others wait, and get -EPERM if they unlock it; only that a later task
 * or thread is by chance taken for the one that has ended is not excluded.
 */
typedef struct go_mutex {
	uint64_t word;
	void *waiters;
} go_mutex;

#define GO_MUTEX_INIT                                                          \
	{                                                                      \
		0, NULL                                                        \
	}

/*
 * Lock a mutex.  Deaf: neither a deadline nor a cancellation ends it.
 *
 * Returns  0; -EDEADLK (the caller has locked it).
 * Context  task or plain thread.
 * Parks    until it is unlocked.
 */
GO_API int go_mutex_lock(go_mutex *m);

/*
 * Lock a mutex, unless a deadline or a cancellation comes first.
 * (examples/hall.c)
 *
 * Returns  0; -EDEADLK (the caller has locked it); -ETIMEDOUT.
 * Context  task or plain thread.
 * Parks    until it is unlocked.
 */
GO_API int go_mutex_lock_cancellable(go_mutex *m);

/*
 * Lock a mutex that is free.
 *
 *     if (go_mutex_trylock(&lock) == 0) {
 *             ...
 *             go_mutex_unlock(&lock);
 *     }
 *
 * Returns  0; -EBUSY (somebody has locked it, perhaps the caller).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_mutex_trylock(go_mutex *m);

/*
 * Unlock a mutex.
 *
 * Returns  0; -EPERM (it is not the caller's, and stays as it is).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_mutex_unlock(go_mutex *m);

/*
 * Make sure that a mutex is not in use any more.
 *
 * Returns  0; -EBUSY (it is locked or waited for, and stays as it is).
 * Context  any.
 * Parks    never.
 */
GO_API int go_mutex_destroy(go_mutex *m);

/*
 * A counting semaphore.  Permits go to waiters in the order in which they came.
 *
 *     static go_semaphore slots = GO_SEMAPHORE_INIT(2);
 *     ...
 *     int r = go_semaphore_acquire(&slots);
 *     ...
 *     if (r == 0) {
 *             r = take();
 *             go_semaphore_post(&slots);
 *     }
 */
typedef struct go_semaphore {
	uint64_t word;
	go_line line;
} go_semaphore;

#define GO_SEMAPHORE_INIT(permits)                                             \
	{                                                                      \
		(uint64_t)(uint32_t)(permits) << 1,                            \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Take a permit.  One that is granted together with a cancellation is granted.
 *
 * Returns  0; -ETIMEDOUT.  No permit is taken by a call that fails.
 * Context  task or plain thread.
 * Parks    until there is a permit.
 */
GO_API int go_semaphore_acquire(go_semaphore *s);

/*
 * Take a permit if there is one.
 *
 *     if (go_semaphore_try(&permits) == 0) {
 *             ...
 *             go_semaphore_post(&permits);
 *     }
 *
 * Returns  0; -EAGAIN (there is none).
 * Context  any.
 * Parks    never.
 */
GO_API int go_semaphore_try(go_semaphore *s);

/*
 * Give a permit, to the first waiter if there is one.
 *
 * Returns  0; -EOVERFLOW (there are 2^32 - 1 already).
 * Context  any.
 * Parks    never.
 */
GO_API int go_semaphore_post(go_semaphore *s);

/*
 * Ask how many permits there are.
 *
 * Returns  the number, which may be another one by now.
 * Context  any.
 * Parks    never.
 */
GO_API int64_t go_semaphore_value(const go_semaphore *s);

/*
 * Make sure that nobody waits for a semaphore.
 *
 * Returns  0; -EBUSY (somebody does).
 * Context  any.
 * Parks    never.
 */
GO_API int go_semaphore_destroy(go_semaphore *s);

/*
 * A condition variable.  A wait ends by a signal, a broadcast, a deadline or a
 * cancellation, and never by itself; still somebody else may have got hold of
 * the mutex first, so test the condition in a loop.
 *
 *     static go_cond filled = GO_COND_INIT;
 *     ...
 *     while (r == 0 && count == 0)
 *             r = go_cond_wait(&filled, &lock);
 *     if (r == 0)
 *             count--;
 *     go_mutex_unlock(&lock);
 *
 * Who makes the condition true signals it, under the mutex or behind it:
 *
 *             count++;
 *             go_mutex_unlock(&lock);
 *             go_cond_signal(&filled);
 */
typedef struct go_cond {
	go_line line;
} go_cond;

#define GO_COND_INIT                                                           \
	{                                                                      \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Unlock a mutex, wait for a signal, and lock the mutex again; that last part
 * is deaf.  The mutex is locked when the call returns, whatever it returns; but
 * for -EDEADLK, when nobody is ever going to unlock it (runtime.h).
 *
 * Returns  0; -EPERM (the mutex is not the caller's); -ETIMEDOUT.  A call that
 *          fails has used up no signal.
 * Context  task or plain thread.
 * Parks    until it is signalled, and until the mutex is free.
 */
GO_API int go_cond_wait(go_cond *c, go_mutex *m);

/*
 * Wake the one that has waited longest, if somebody waits.
 *
 * Returns  0.
 * Context  any.
 * Parks    never.
 */
GO_API int go_cond_signal(go_cond *c);

/*
 * Wake all that wait.
 *
 * Returns  0.
 * Context  any.
 * Parks    never.
 */
GO_API int go_cond_broadcast(go_cond *c);

/*
 * Make sure that nobody waits for a condition variable.
 *
 * Returns  0; -EBUSY (somebody does).
 * Context  any.
 * Parks    never.
 */
GO_API int go_cond_destroy(go_cond *c);

/*
 * An event: set or not.  A manual one stays set until it is reset, and lets all
 * pass; an automatic one lets one waiter pass and is reset by that.
 *
 *     static go_event sign = GO_EVENT_INIT;
 *     ...
 *     r = go_event_wait(&sign);
 *     ...
 *     go_event_set(&sign);
 *
 * This and the following examples are from examples/crew.c.
 */
typedef struct go_event {
	go_line line;
} go_event;

#define GO_EVENT_INIT                                                          \
	{                                                                      \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}
#define GO_EVENT_AUTO_INIT                                                     \
	{                                                                      \
		{                                                              \
			0, 2, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Set an event.
 *
 * Returns  0, also if it was set.
 * Context  any.
 * Parks    never.
 */
GO_API int go_event_set(go_event *e);

/*
 * Reset an event.
 *
 * Returns  0, also if it was not set.
 * Context  any.
 * Parks    never.
 */
GO_API int go_event_reset(go_event *e);

/*
 * Wait until an event is set.
 *
 * Returns  0; -ETIMEDOUT.
 * Context  task or plain thread.
 * Parks    until it is set.
 */
GO_API int go_event_wait(go_event *e);

/*
 * Pass if an event is set (which resets an automatic one).
 *
 * Returns  0; -EAGAIN (it is not set).
 * Context  any.
 * Parks    never.
 */
GO_API int go_event_try(go_event *e);

/*
 * Make sure that nobody waits for an event.
 *
 * Returns  0; -EBUSY (somebody does).
 * Context  any.
 * Parks    never.
 */
GO_API int go_event_destroy(go_event *e);

/*
 * A counter of what is still to be done.
 *
 *     int r = go_wait_group_add(&working, CREW);
 *     ...
 *     go_wait_group_done(&working);
 *     ...
 *     r = go_wait_group_wait(&working);
 */
typedef struct go_wait_group {
	uint64_t word;
	go_line line;
} go_wait_group;

#define GO_WAIT_GROUP_INIT                                                     \
	{                                                                      \
		0,                                                             \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Add to the counter (less than zero: subtract).  When it becomes zero, all who
 * wait go on.
 *
 * Returns  0; -EINVAL (it would be less than zero, or overflow; unchanged).
 * Context  any.
 * Parks    never.
 */
GO_API int go_wait_group_add(go_wait_group *g, int64_t n);

/*
 * Subtract one: something is done.
 *
 * Returns  0; -EINVAL (there is nothing to be done).
 * Context  any.
 * Parks    never.
 */
GO_API int go_wait_group_done(go_wait_group *g);

/*
 * Wait until the counter is zero.
 *
 * Returns  0; -ETIMEDOUT.
 * Context  task or plain thread.
 * Parks    until the counter is zero.
 */
GO_API int go_wait_group_wait(go_wait_group *g);

/*
 * Make sure that nobody waits for a wait group.
 *
 * Returns  0; -EBUSY (somebody does).
 * Context  any.
 * Parks    never.
 */
GO_API int go_wait_group_destroy(go_wait_group *g);

/*
 * Something that is done once.
 *
 *     static go_once_flag once = GO_ONCE_INIT;
 *     ...
 *     int r = go_once(&once, prepare, NULL);
 */
typedef struct go_once_flag {
	uint64_t runner;
	go_line line;
} go_once_flag;

#define GO_ONCE_INIT                                                           \
	{                                                                      \
		0,                                                             \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Call fn(arg) unless somebody has; return when it has returned.  Deaf.
 *
 * Returns  0; -EDEADLK (called from fn itself); -EINVAL (fn is null).
 * Context  task or plain thread.
 * Parks    until fn has returned.
 */
GO_API int go_once(go_once_flag *once, void (*fn)(void *arg), void *arg);

/*
 * A lock for many readers or one writer.  They get it in the order in which
 * they came, readers that follow each other together; so nobody starves, and
 * who reads already must not ask to read again.  As with a mutex, whoever has
 * locked it must unlock it before it ends.
 *
 *     int r = go_rwlock_rdlock(&lock);
 *
 *     if (r < 0)
 *             return r;
 *     seen = written;
 *     go_rwlock_unlock(&lock);
 */
typedef struct go_rwlock {
	uint64_t word;
	go_line line;
} go_rwlock;

#define GO_RWLOCK_INIT                                                         \
	{                                                                      \
		0,                                                             \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Lock for reading or for writing.  Deaf.
 *
 * Returns  0; -EDEADLK (the caller has locked it for writing).
 * Context  task or plain thread.
 * Parks    until it is free, for that purpose.
 */
GO_API int go_rwlock_rdlock(go_rwlock *l);
GO_API int go_rwlock_wrlock(go_rwlock *l);

/*
 * Lock for reading or for writing, unless a deadline or a cancellation comes
 * first.  (examples/cache.c)
 *
 * Returns  0; -EDEADLK (the caller has locked it for writing); -ETIMEDOUT.
 * Context  task or plain thread.
 * Parks    until it is free, for that purpose.
 */
GO_API int go_rwlock_rdlock_cancellable(go_rwlock *l);
GO_API int go_rwlock_wrlock_cancellable(go_rwlock *l);

/*
 * Lock for reading or for writing, if that needs no waiting.
 * (examples/cache.c)
 *
 * Returns  0; -EBUSY.
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_rwlock_tryrdlock(go_rwlock *l);
GO_API int go_rwlock_trywrlock(go_rwlock *l);

/*
 * Unlock what the caller has locked, either way.
 *
 * Returns  0; -EPERM (somebody else writes, or nobody has locked it).
 * Context  task or plain thread.
 * Parks    never.
 */
GO_API int go_rwlock_unlock(go_rwlock *l);

/*
 * Make sure that a lock is not in use any more.
 *
 * Returns  0; -EBUSY (it is locked or waited for).
 * Context  any.
 * Parks    never.
 */
GO_API int go_rwlock_destroy(go_rwlock *l);

/*
 * A place where a number of tasks and threads wait for each other.
 *
 *     static go_barrier half_way = GO_BARRIER_INIT(CREW);
 *     ...
 *     r = go_barrier_wait(&half_way);
 *     if (r == 1)
 *             printf("half way\n");
 */
typedef struct go_barrier {
	uint32_t parties, arrived;
	go_line line;
} go_barrier;

#define GO_BARRIER_INIT(parties)                                               \
	{                                                                      \
		(uint32_t)(parties), 0,                                        \
		{                                                              \
			0, 0, NULL, NULL                                       \
		}                                                              \
	}

/*
 * Wait until as many have come as the barrier has parties; then all go on, and
 * the barrier is as new.  Who fails has not come.
 *
 * Returns  1 for the last one to come, 0 for the others; -EINVAL (a barrier for
 *          nobody); -ETIMEDOUT.
 * Context  task or plain thread.
 * Parks    until all have come.
 */
GO_API int go_barrier_wait(go_barrier *b);

/*
 * Make sure that nobody waits at a barrier.
 *
 * Returns  0; -EBUSY (somebody does).
 * Context  any.
 * Parks    never.
 */
GO_API int go_barrier_destroy(go_barrier *b);

GO_END_DECLS

#endif
