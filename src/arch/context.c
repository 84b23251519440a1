/* SPDX-License-Identifier: MIT */
/* The parts of a context that need no assembly; context.h has the essay. */
#include "arch/context.h"

#include "arch/fiber.h"

#include <string.h>

_Static_assert(offsetof(struct go__context, sp) == 0, "known to the .S files");

/*
 * What go__self() answers; NULL before a thread's first call.  Assembly reads
 * and writes it, nothing else: see context.h.  Initial-exec, so that reading
 * it takes no call in a shared object either; such an object uses 88 bytes of
 * the static space that glibc keeps for libraries loaded late.  musl keeps
 * none: there it is loaded at the start of the program (docs/embedding.md).
 */
__attribute__((
	tls_model("initial-exec"),
	visibility("hidden"))) _Thread_local struct go__context *go__current;

static __attribute__((
	tls_model("initial-exec"))) _Thread_local struct go__context plain;

static void activate(struct go__context *c)
{
#if GO__SANITIZE
	c->active = &c->sanitize;
#else
	(void)c;
#endif
}

/* Called by go__self(), on a thread's first call of it. */
struct go__context *go__context_attach(void);

struct go__context *go__context_attach(void)
{
	plain.flags = GO__CONTEXT_THREAD;
	go__sanitize_attach(&plain.sanitize);
	activate(&plain);
	go__context_set(&plain);
	return &plain;
}

/* In the .S file: what the first switch to a new stack returns to. */
void go__context_start(void);

/* The frame that the .S file drawn in its head pops; the same offsets. */
struct frame {
#if defined(__x86_64__)
	uint32_t mxcsr;
	uint16_t x87, zero;
	void *r15, *r14, *r13, *r12;
	void (*rbx)(void *); /* go__context_start calls it. */
	void *rbp;
	void (*rip)(void);
#elif defined(__aarch64__)
	uint64_t d[8];
	void (*x19)(void *); /* go__context_start calls it. */
	void *x20_28[9];
	void *x29;
	void (*x30)(void);
	uint64_t fpcr, zero;
#elif defined(__riscv)
	uint64_t fs[12];
	void (*s1)(void *); /* go__context_start calls it. */
	void *s2_11[10];
	void *s0;
	void (*ra)(void);
	uint64_t frm;
#else
#error "No switch for this architecture."
#endif
};

#if defined(__x86_64__)
_Static_assert(sizeof(struct frame) == 0x40, "as in switch_x86_64.S");
_Static_assert(offsetof(struct frame, rbx) == 0x28, "");
_Static_assert(offsetof(struct frame, rip) == 0x38, "");

static void fill(struct frame *f, void (*entry)(void *))
{
	f->mxcsr = 0x1f80; /* Round to nearest, all exceptions masked. */
	f->x87 = 0x37f;    /* The same, and 64 bits of precision. */
	f->rbx = entry;
	f->rip = go__context_start;
}
#elif defined(__aarch64__)
_Static_assert(sizeof(struct frame) == 0xb0, "as in switch_aarch64.S");
_Static_assert(offsetof(struct frame, x19) == 0x40, "");
_Static_assert(offsetof(struct frame, x30) == 0x98, "");
_Static_assert(offsetof(struct frame, fpcr) == 0xa0, "");

static void fill(struct frame *f, void (*entry)(void *))
{
	f->x19 = entry;
	f->x30 = go__context_start;
}
#elif defined(__riscv)
_Static_assert(sizeof(struct frame) == 0xd0, "as in switch_riscv64.S");
_Static_assert(offsetof(struct frame, s1) == 0x60, "");
_Static_assert(offsetof(struct frame, ra) == 0xc0, "");
_Static_assert(offsetof(struct frame, frm) == 0xc8, "");

static void fill(struct frame *f, void (*entry)(void *))
{
	f->s1 = entry;
	f->ra = go__context_start;
}
#endif

void *go__context_first_frame(char *high, void (*entry)(void *))
{
	struct frame *f = (struct frame *)(void *)high - 1;

	memset(f, 0, sizeof(*f));
	fill(f, entry);
	return f;
}

#if GO__SANITIZE
static void first(void *unused)
{
	struct go__sanitize *s = &go__self()->sanitize;

	(void)unused;
	go__sanitize_first(s);
	s->entry();
}
#endif

void go__context_prepare(struct go__context *c, char *low, char *high,
			 void (*entry)(void))
{
	go__sanitize_prepare(&c->sanitize, low, high);
	activate(c);
#if GO__SANITIZE
	c->sanitize.entry = entry;
	c->sp = go__context_first_frame(high, first);
#else
	/* Called with a value that it does not take. */
	c->sp = go__context_first_frame(high, (void (*)(void *))entry);
#endif
	c->fiber = NULL;
	c->stack_low = low;
	c->stack_high = high;
}

void go__context_bounds(const struct go__context *c, char **low, char **high)
{
	*low = c->fiber ? c->fiber->stack_low : c->stack_low;
	*high = c->fiber ? c->fiber->stack_high : c->stack_high;
}

void go__context_release(struct go__context *c)
{
	go__sanitize_release(&c->sanitize);
	c->sp = NULL;
	c->stack_low = NULL;
	c->stack_high = NULL;
}
