/* SPDX-License-Identifier: MIT */
/*
 * A switch preserves what the ABI calls preserved, no more is needed, and
 * signals may come at any time.
 *
 * Two sides put different patterns into every callee-saved register and into
 * the floating-point control words, switch, and compare; also while a timer
 * interrupts them all the time with a handler that dirties the stack below.
 * test_unwind.c shows the unwind tables, instruction by instruction.
 */
#include "test.h"

#include "support.h"

#include "arch/context.h"
#include "arch/fiber.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

void registers_across(void *fn, void *args[3], const uint64_t in[],
		      uint64_t out[]);
uintptr_t stack_pointer(void);
int red_zone_survives(uint64_t pattern, uint64_t rounds);

#if defined(__x86_64__)
enum {
	REGISTERS = 8
};

/* Rounding modes and masks that differ from each other and the defaults. */
static const uint64_t control[2][2] = {{0x3f80, 0x77f}, {0x7fc0, 0xa7f}};

static void set_control(uint64_t *v, int side)
{
	v[6] = control[side][0];
	v[7] = control[side][1];
}
#elif defined(__riscv)
enum {
	REGISTERS = 25
};

static void set_control(uint64_t *v, int side)
{
	v[24] = side ? 2 : 3; /* Rounding. */
}
#else
enum {
	REGISTERS = 20
};

static void set_control(uint64_t *v, int side)
{
	v[19] = side ? 0x400000 : 0x800000; /* Rounding. */
}
#endif

static void fill(uint64_t *v, int side, uint64_t round)
{
	for (uint64_t i = 0; i < REGISTERS; i++)
		v[i] = (round * 2 + (uint64_t)side) * 0x0101010101010101u + i;
	set_control(v, side);
}

/* Call fn with a pattern in all registers; they must come back. */
static void call(void *fn, void *a, void *b, void *c, int side, uint64_t round)
{
	uint64_t in[REGISTERS], out[REGISTERS] = {0};
	void *args[3] = {a, b, c};

	fill(in, side, round);
	registers_across(fn, args, in, out);
	for (int i = 0; i < REGISTERS; i++)
		cr_assert_eq(out[i], in[i], "register %d, side %d, round %llu",
			     i, side, (unsigned long long)round);
}

static void *address(void (*fn)(void))
{
	void *p;

	memcpy(&p, &fn, sizeof(p));
	return p;
}
#define ADDRESS(fn) address((void (*)(void))(fn))

static struct go__context *from, to;

static void other_side(void)
{
	for (uint64_t i = 0;; i++) {
		cr_assert_eq(stack_pointer() % 16, 0);
		call(ADDRESS(go__context_switch_asm), &to, from, NULL, 1, i);
	}
}

static void switch_contexts(uint64_t rounds)
{
	enum {
		BYTES = 64 * 1024
	};
	char *low = aligned_alloc(16, BYTES);

	from = go__self();
	go__context_prepare(&to, low, low + BYTES, other_side);
	for (uint64_t i = 0; i < rounds; i++)
		call(ADDRESS(go__context_switch_asm), from, &to, NULL, 0, i);
	go__context_release(&to);
	free(low);
}

static void *yield_for_ever(void *unused, void *in)
{
	(void)unused;
	(void)in;
	for (uint64_t i = 0;; i++) {
		cr_assert_eq(stack_pointer() % 16, 0);
		call(ADDRESS(fiber_yield), NULL, NULL, NULL, 1, i);
		cr_assert(red_zone_survives(i * 3, 200));
	}
	return NULL;
}

static void switch_fibers(uint64_t rounds)
{
	fiber *f;

	cr_assert_eq(fiber_create(&f, yield_for_ever, NULL, NULL), 0);
	for (uint64_t i = 0; i < rounds; i++) {
		call(ADDRESS(fiber_resume), f, NULL, NULL, 0, i);
		cr_assert(red_zone_survives(i * 5, 200));
	}
	cr_assert_eq(fiber_destroy(f), 0);
}

Test(switch, contexts_keep_their_registers, .timeout = 20)
{
#if GO__SANITIZE
	cr_skip_test("switches without telling the sanitizer");
#endif
	switch_contexts(100);
}

Test(switch, fibers_keep_their_registers, .timeout = 20)
{
	switch_fibers(100);
}

static volatile sig_atomic_t storms;

static void dirty_the_stack(int sig)
{
	char junk[2048];

	(void)sig;
	memset(junk, 0xa5, sizeof(junk));
	__asm__ volatile("" ::"r"(junk) : "memory");
	storms = storms + 1;
}

static void storm(long every_us)
{
	struct itimerval t = {{0, every_us}, {0, every_us}};
	struct sigaction action = {.sa_handler = dirty_the_stack,
				   .sa_flags = SA_RESTART};

	if (every_us)
		cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &t, NULL), 0);
}

Test(switch, under_a_storm_of_signals, .timeout = 120)
{
	uint64_t rounds = test_rounds(20000);

	storm(50);
	while (storms < (sig_atomic_t)(rounds / 100)) {
#if !GO__SANITIZE
		switch_contexts(rounds / 10 + 1);
#endif
		switch_fibers(rounds / 10 + 1);
	}
	storm(0);
}

static void *fiber_words(void *out, void *in)
{
	uint64_t zero[REGISTERS] = {0}, *now = out;
	void *args[3] = {NULL, NULL, NULL};

	(void)in;
	/* Reads the words before anything sets them. */
	memcpy(now, zero, sizeof(zero));
#if defined(__x86_64__)
	__asm__ volatile("stmxcsr %0" : "=m"(now[6]));
	__asm__ volatile("fnstcw %0" : "=m"(now[7]));
#elif defined(__riscv)
	__asm__ volatile("frrm %0" : "=r"(now[24]));
#else
	__asm__ volatile("mrs %0, fpcr" : "=r"(now[19]));
#endif
	(void)args;
	return NULL;
}

static void run_with_other_control(void *f)
{
	cr_assert_eq(fiber_resume(f, NULL, NULL), 0);
}

Test(switch, a_new_stack_has_default_control_words, .timeout = 20)
{
	uint64_t in[REGISTERS], out[REGISTERS] = {0}, now[REGISTERS];
	void *args[3] = {NULL, NULL, NULL};
	fiber *f;

	cr_assert_eq(fiber_create(&f, fiber_words, now, NULL), 0);
	fill(in, 0, 1);
	args[0] = f;
	registers_across(ADDRESS(run_with_other_control), args, in, out);
#if defined(__x86_64__)
	cr_assert_eq(now[6] & 0xffc0, 0x1f80);
	cr_assert_eq(now[7] & 0xffff, 0x37f);
	cr_assert_eq(out[6] & 0xffc0, control[0][0]);
	cr_assert_eq(out[7], control[0][1]);
#else
	cr_assert_eq(now[REGISTERS - 1], 0);
	cr_assert_eq(out[REGISTERS - 1], in[REGISTERS - 1]);
#endif
	cr_assert_eq(fiber_destroy(f), 0);
}
