/* SPDX-License-Identifier: MIT */
/*
 * What happens when somebody hits a guard.
 *
 * A guard turns an overflow into a SIGSEGV, and a bare "Segmentation fault" in
 * some innocent function of libc costs a day.  The handler here says whose
 * stack is full, how large it is, where it was made and what to set; then the
 * action that was there before takes over, so that core dumps, crash reporters
 * and sanitizers work as without us.
 *
 * THE STACK OF THE HANDLER  The faulting thread has no stack left to handle the
 * signal on, so each thread that runs fibers needs an alternate one.  It is
 * ours only if the thread had none: a sanitizer or a language runtime may have
 * its own, which will do.
 *
 * OVERFLOW OR WILD ACCESS  A fault in a guard is an overflow if the guard
 * belongs to the stack that runs and the stack pointer is near: at most a
 * guard's width above the end.  Otherwise something wrote through a bad
 * pointer, and blaming the size of a stack would send the reader the wrong way.
 *
 * NOT OURS  All other faults go to the previous action as if we were not there;
 * a handler is called in place, a default action is restored and the faulting
 * instruction run again, so that the core dump shows it.  The same instruction
 * faulting twice means that the previous handler has repaired nothing; then the
 * default action ends the process.
 *
 * Everything called here is safe in a signal handler: no allocation, no lock.
 */
#include "arch/overflow.h"

#include "arch/context.h"
#include "arch/fiber.h"
#include "arch/sanitize.h"
#include "arch/stack.h"
#include "arch/sys.h"
#include "arch/text.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/auxv.h>
#include <ucontext.h>
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#else
#include <sys/ucontext.h>
#endif

enum {
	STACK_BYTES = 64 * 1024 /* Besides what the kernel stores. */
};

void (*_Atomic go__overflow_describe)(const struct go__context *c,
				      struct go__overflow *out);

/* Written once, before the handlers can run. */
static struct sigaction previous_segv, previous_bus;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int install_result;

/* The address of the last fault in a guard that was reported. */
static _Atomic uintptr_t reported;

/* ---- The report -------------------------------------------------------- */

static void add_who(struct go__text *t, const struct go__context *c,
		    bool setting)
{
	struct go__overflow o = {.kind = "a thread"};

	if (c && c->fiber)
		o = (struct go__overflow){.kind = "a raw fiber",
					  .setting =
						  "fiber_options.stack_bytes"};
	else if (c && go__overflow_describe)
		go__overflow_describe(c, &o);
	go__text_put(t, o.kind);
	if (o.name) {
		go__text_put(t, " \"");
		go__text_put(t, o.name);
		go__text_put(t, "\"");
	}
	if (c && c->fiber) {
		go__text_put(t, " running ");
		go__text_number(t, (uintptr_t)c->fiber->fn, 16);
	}
	if (o.site) {
		go__text_put(t, ", spawned at ");
		go__text_put(t, o.site);
	}
	if (setting && o.setting) {
		go__text_put(t, " (its size: ");
		go__text_put(t, o.setting);
		go__text_put(t, ")");
	}
}

void go__overflow_who(struct go__text *t, const struct go__context *c)
{
	add_who(t, c, false);
}

static uintptr_t stack_pointer(const void *context)
{
	const ucontext_t *u = context;

#if defined(__linux__) && defined(__x86_64__)
	return (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
#elif defined(__linux__) && defined(__aarch64__)
	return (uintptr_t)u->uc_mcontext.sp;
#elif defined(__linux__) && defined(__riscv)
	return (uintptr_t)u->uc_mcontext.__gregs[REG_SP];
#elif defined(__APPLE__) && defined(__x86_64__)
	return (uintptr_t)u->uc_mcontext->__ss.__rsp;
#elif defined(__APPLE__) && defined(__aarch64__)
	return (uintptr_t)u->uc_mcontext->__ss.__sp;
#else
	(void)u;
	return 0; /* Unknown. */
#endif
}

/* Does the context run on this stack, and is it at its end? */
static bool is_overflow(const struct go__context *c, struct go__stack s,
			uintptr_t sp)
{
	char *low, *high;

	if (!c)
		return false;
	go__context_bounds(c, &low, &high);
	if (low != go__stack_low(s.slot, s.class))
		return false;
	return sp == 0 || sp < (uintptr_t)low + GO__STACK_GUARD_BYTES;
}

static void report(const struct go__stack *s, const siginfo_t *info,
		   const void *context)
{
	const struct go__context *c = go__self_or_null();
	uintptr_t sp = stack_pointer(context);
	struct go__text t;

	go__text_init(&t, STDERR_FILENO);
	if (is_overflow(c, *s, sp)) {
		go__text_put(&t, "gofer: stack overflow: all ");
		go__text_number(&t, go__stack_bytes(s->class), 10);
		go__text_put(&t, " bytes used by ");
		add_who(&t, c, true);
	} else {
		go__text_put(
			&t,
			"gofer: wild access to the guard below a stack, by ");
		add_who(&t, c, true);
	}
	go__text_put(&t, "\ngofer: address ");
	go__text_number(&t, (uintptr_t)info->si_addr, 16);
	go__text_put(&t, ", stack pointer ");
	go__text_number(&t, sp, 16);
	go__text_put(&t, ", stack ");
	go__text_number(&t, (uintptr_t)go__stack_low(s->slot, s->class), 16);
	go__text_put(&t, " to ");
	go__text_number(&t, (uintptr_t)go__stack_high(s->slot, s->class), 16);
	go__text_put(&t, "\n");
	(void)go__text_flush(&t);
}

/* ---- The handler ------------------------------------------------------- */

static void end_by_default(int sig)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	go__sys_sigaction(sig, &action, NULL);
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *p =
		sig == SIGBUS ? &previous_bus : &previous_segv;

	if (p->sa_flags & SA_SIGINFO)
		p->sa_sigaction(sig, info, context);
	else if (p->sa_handler == SIG_DFL || p->sa_handler == SIG_IGN)
		end_by_default(sig);
	else
		p->sa_handler(sig);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int *error = go__sys_errno();
	int saved = *error;
	uintptr_t address = (uintptr_t)info->si_addr;
	struct go__stack s;

	/* si_code > 0: the kernel has sent it, and si_addr means something. */
	if (info->si_code > 0 && go__stack_find(info->si_addr, &s) &&
	    go__stack_in_guard(&s, info->si_addr)) {
		if (atomic_exchange(&reported, address) == address) {
			end_by_default(sig);
			return;
		}
		report(&s, info, context);
	}
	pass_on(sig, info, context);
	*error = saved;
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = on_fault,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigemptyset(&action.sa_mask);
	/* First look: the handler may run as soon as it is installed. */
	go__sys_sigaction(SIGSEGV, NULL, &previous_segv);
	go__sys_sigaction(SIGBUS, NULL, &previous_bus);
	install_result = go__sys_sigaction(SIGSEGV, &action, NULL);
	if (install_result == 0)
		install_result = go__sys_sigaction(SIGBUS, &action, NULL);
}

int go__overflow_install(void)
{
	pthread_once(&once, install);
	return install_result;
}

/* ---- Alternate stacks -------------------------------------------------- */

static size_t altstack_bytes(void)
{
	size_t page = go__sys_page_bytes();
#ifdef __linux__
	size_t least = (size_t)getauxval(AT_MINSIGSTKSZ);
#else
	size_t least = 0;
#endif

	/* A page more, for the guard. */
	return (STACK_BYTES + least + 2 * page - 1) & -page;
}

/* Memory for one, with a guard below it. */
static int altstack_map(struct go__altstack *stack)
{
	size_t page = go__sys_page_bytes();
	size_t bytes = altstack_bytes();
	char *base = go__sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (go__sys_is_error(base))
		return -ENOMEM;
	if (go__sys_mprotect(base, page, PROT_NONE) < 0) {
		go__sys_munmap(base, bytes);
		return -ENOMEM;
	}
	stack->base = base;
	stack->bytes = bytes;
	return 0;
}

static void altstack_unmap(struct go__altstack *stack)
{
	/* Valgrind goes on using one that has been disabled. */
	if (!go__sanitize_on_valgrind())
		go__sys_munmap(stack->base, stack->bytes);
	*stack = (struct go__altstack){0};
}

int go__altstack_install(struct go__altstack *stack)
{
	size_t page = go__sys_page_bytes();
	stack_t set, old;

	if (go__sys_sigaltstack(NULL, &old) == 0 &&
	    !(old.ss_flags & SS_DISABLE))
		return 0;
	if (!stack->base && altstack_map(stack) < 0)
		return -ENOMEM;
	set = (stack_t){.ss_sp = stack->base + page,
			.ss_size = stack->bytes - page};
	if (go__sys_sigaltstack(&set, NULL) == 0)
		return 0;
	altstack_unmap(stack);
	return -ENOMEM;
}

void go__altstack_rest(struct go__altstack *stack)
{
	stack_t off = {.ss_flags = SS_DISABLE};
	stack_t now;

	/* Somebody may have put another one in its place. */
	if (stack->base && go__sys_sigaltstack(NULL, &now) == 0 &&
	    now.ss_sp == stack->base + go__sys_page_bytes())
		go__sys_sigaltstack(&off, NULL);
}

void go__altstack_remove(struct go__altstack *stack)
{
	go__altstack_rest(stack);
	if (stack->base)
		altstack_unmap(stack);
}

/* ---- For raw fibers on plain threads ------------------------------------ */

static __attribute__((
	tls_model("initial-exec"))) _Thread_local struct go__altstack own;

int fiber_report_overflow(bool on)
{
	int r = 0;

	if (!on)
		go__altstack_remove(&own);
	else if (!own.base)
		r = go__altstack_install(&own);
	return r < 0 || !on ? r : go__overflow_install();
}
