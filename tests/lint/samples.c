/* SPDX-License-Identifier: MIT */
/*
 * What tlslint must find (bad_...) and must leave alone (good_...).  Only
 * compiled, never run; selftest.sh takes the expectation from the names.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

void go__context_switch_asm(void);
void *go__self(void);
void use(void *);
void middle(void);
int bad_errno(void);
int bad_thread_local(void);
void bad_pthread_self(void);
void bad_through_others(void);
int bad_accessor(void);
int bad_cold_path(int);
int bad_pointer(void (*)(void));
int good_errno(void);
void good_park(void);
int good_pointer(void (*)(void));
int good_self(void);
int good_split(void);
void good_call(void);
void good_canary(int);

static __thread int counter;

int bad_errno(void)
{
	int before = errno;

	go__context_switch_asm();
	return errno - before;
}

int bad_thread_local(void)
{
	counter++;
	go__context_switch_asm();
	return counter++;
}

void bad_pthread_self(void)
{
	pthread_setschedprio(pthread_self(), 1);
	go__context_switch_asm();
	pthread_setschedprio(pthread_self(), 2);
}

static __attribute__((noinline)) void inner(void)
{
	go__context_switch_asm();
	use(NULL);
}

void middle(void)
{
	inner();
	use(NULL);
}

void bad_through_others(void)
{
	errno = 0;
	middle();
	use(NULL);
}

/* The compiler sees that it returns the same on every call. */
static __attribute__((noinline)) int *address(void)
{
	return &counter;
}

int bad_accessor(void)
{
	++*address();
	go__context_switch_asm();
	return ++*address();
}

int bad_cold_path(int rare)
{
	int result = counter++;

	if (__builtin_expect(rare, 0)) {
		go__context_switch_asm();
		use(&result);
	}
	return counter + result;
}

int bad_pointer(void (*f)(void))
{
	counter++;
	f();
	return counter++;
}

int good_errno(void)
{
	use(NULL);
	return errno;
}

void good_park(void)
{
	go__context_switch_asm();
	use(NULL);
}

/* samples.txt says that its pointer parks nobody. */
int good_pointer(void (*f)(void))
{
	counter++;
	f();
	return counter++;
}

int good_self(void)
{
	void *self = go__self();

	go__context_switch_asm();
	return self == go__self();
}

/* The whole access is in a function of its own. */
static __attribute__((noinline)) int count(void)
{
	__asm__ volatile("" ::: "memory");
	return counter++;
}

/* It uses a thread's data, but does not return where they are. */
static __attribute__((noinline)) void set_priority(void)
{
	pthread_setschedprio(pthread_self(), 1);
}

void good_call(void)
{
	set_priority();
	go__context_switch_asm();
	set_priority();
}

int good_split(void)
{
	int before = count();

	go__context_switch_asm();
	return count() - before;
}

/* A stack protector reads a canary beside the thread's data. */
void good_canary(int n)
{
	char buffer[64] = {(char)n};

	use(buffer);
	go__context_switch_asm();
	use(buffer);
}
