/* SPDX-License-Identifier: MIT */
/* The processor: how many there are for us, and how to wait on one politely. */
#ifndef GO_ARCH_CPU_H
#define GO_ARCH_CPU_H

/*
 * Processors that the calling thread may run on, or that its control groups
 * have a quota for, if that is less; at least 1.
 */
unsigned go__cpu_count(void);
/* With `root` before the paths of the latter: see cgroup.h. */
unsigned go__cpu_count_below(const char *root);

/* Tell the processor that this is a spin loop. */
static inline void go__cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory"); /* yield does nothing there. */
#elif defined(__riscv)
	/* pause (Zihintpause), which older assemblers do not know and older
	 * processors take for a fence that orders nothing. */
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
#endif
}

#endif
