/* SPDX-License-Identifier: MIT */
/* The processor: how many there are for us, and how to wait on one politely. */
#ifndef GO_ARCH_CPU_H
#define GO_ARCH_CPU_H

/* Processors that the calling thread may run on; at least 1. */
unsigned go__cpu_count(void);

/* Tell the processor that this is a spin loop. */
static inline void go__cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory"); /* yield does nothing there. */
#endif
}

#endif
