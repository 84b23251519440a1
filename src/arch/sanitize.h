/* SPDX-License-Identifier: MIT */
/*
 * What the sanitizers and valgrind must be told about stacks; empty functions
 * in a normal build.
 *
 * AddressSanitizer keeps a "fake stack" per thread, for objects whose address
 * outlives their function.  Ours go with the context: it is handed over at
 * each switch, and destroyed only on the last switch away from a context (NULL
 * for one that runs again would free objects it still uses).  A stack that is
 * reused still carries the poison of frames that were never left; prepare
 * wipes it.
 *
 * ThreadSanitizer keeps a history and a vector clock per "fiber".  One is made
 * for each prepared stack, and follows it when the stack goes on as another
 * context: those two run one after the other anyway, and the shadow call stack
 * must go on where the functions on the stack are.  Destroying a fiber that
 * never ran corrupts older runtimes, so release makes it current for a moment
 * first.
 *
 * Valgrind takes each stack's bounds once, at the first use of its slot.
 */
#ifndef GO_ARCH_SANITIZE_H
#define GO_ARCH_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define GO__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GO__ASAN 1
#endif
#endif
#ifndef GO__ASAN
#define GO__ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define GO__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GO__TSAN 1
#endif
#endif
#ifndef GO__TSAN
#define GO__TSAN 0
#endif

#define GO__SANITIZE (GO__ASAN || GO__TSAN)

#if GO__ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if GO__TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef GO_VALGRIND
#include <valgrind/valgrind.h>
#endif

#define GO__ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Part of each context and each raw fiber.  Owner: as the context. */
struct go__sanitize {
#if GO__SANITIZE
	void (*entry)(void); /* What a context's first function calls. */
	void *fake_stack;    /* ASan: while parked. */
	const void *low;     /* ASan: the stack's bounds. */
	size_t bytes;
	void *tsan_fiber;
	bool ran;
#elif defined(__cplusplus)
	char empty;
#else
	char empty[1]; /* C has no empty structures. */
#endif
};

#if GO__SANITIZE
/* A plain thread's context. */
void go__sanitize_attach(struct go__sanitize *s);
/* A stack that is about to be given its first frame. */
void go__sanitize_prepare(struct go__sanitize *s, char *low, char *high);
void go__sanitize_release(struct go__sanitize *s);
#else
GO__ALWAYS_INLINE void go__sanitize_attach(struct go__sanitize *s)
{
	(void)s;
}

GO__ALWAYS_INLINE void go__sanitize_prepare(struct go__sanitize *s, char *low,
					    char *high)
{
	(void)s;
	(void)low;
	(void)high;
}

GO__ALWAYS_INLINE void go__sanitize_release(struct go__sanitize *s)
{
	(void)s;
}
#endif

/* Just before the switch from one stack to another. */
GO__ALWAYS_INLINE void go__sanitize_leave(struct go__sanitize *from,
					  struct go__sanitize *to, bool dying)
{
	(void)from, (void)to, (void)dying;
#if GO__ASAN
	__sanitizer_start_switch_fiber(dying ? NULL : &from->fake_stack,
				       to->low, to->bytes);
#endif
#if GO__TSAN
	__tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
}

/* Just after the switch back to the one that left; s is its own. */
GO__ALWAYS_INLINE void go__sanitize_arrive(struct go__sanitize *s)
{
	(void)s;
#if GO__ASAN
	__sanitizer_finish_switch_fiber(s->fake_stack, NULL, NULL);
#endif
}

/* The same on a stack that has not run yet. */
GO__ALWAYS_INLINE void go__sanitize_first(struct go__sanitize *s)
{
	(void)s;
#if GO__SANITIZE
	s->ran = true;
	go__sanitize_arrive(s);
#endif
}

/* The running stack goes on as another context. */
GO__ALWAYS_INLINE void go__sanitize_become(struct go__sanitize *from,
					   struct go__sanitize *to)
{
	(void)from, (void)to;
#if GO__SANITIZE
	*to = *from;
	from->tsan_fiber = NULL;
#endif
}

/* Is the program run by valgrind? */
GO__ALWAYS_INLINE bool go__sanitize_on_valgrind(void)
{
#ifdef GO_VALGRIND
	return RUNNING_ON_VALGRIND != 0;
#else
	return false;
#endif
}

/* A new slot; its stack lies in [low, high) for ever. */
GO__ALWAYS_INLINE void go__sanitize_new_stack(char *low, char *high)
{
	(void)low, (void)high;
#ifdef GO_VALGRIND
	(void)VALGRIND_STACK_REGISTER(low, high);
#endif
}

#endif
