/* SPDX-License-Identifier: MIT */
/*
 * What differs between ELF and Mach-O, for the .S files: symbol names, section
 * names, visibility, and how the thread-local pointer to the current context
 * is found.
 */
#ifndef GO_ARCH_ASM_H
#define GO_ARCH_ASM_H

/* clang-format off */
/* Between statements: for Apple's aarch64 a semicolon begins a comment. */
#if defined(__APPLE__) && defined(__aarch64__)
#define NEXT		%%
#else
#define NEXT		;
#endif

#ifdef __APPLE__
#define SYM(name)	_##name
#define FUNC_TYPE(name)
#define FUNC_SIZE(name)
#define HIDE(name)	.private_extern SYM(name)
#else
#define SYM(name)	name
#define FUNC_TYPE(name)	.type SYM(name), %function
#define FUNC_SIZE(name)	.size SYM(name), . - SYM(name)
#define HIDE(name)	.hidden SYM(name)
#endif

/* A symbol in the middle of a frame; Mach-O's begin frames. */
#ifdef __APPLE__
#define INNER_LABEL(name)	.set SYM(name), L##name NEXT L##name:
#else
#define INNER_LABEL(name)	SYM(name):
#endif

/*
 * Says in the CFI of a frame who hears of an exception that gets there, by a
 * signed distance of 4 bytes (DW_EH_PE_pcrel | DW_EH_PE_sdata4).
 */
#ifdef __APPLE__
#define END_OF_STACK
#else
#define END_OF_STACK	.cfi_personality 0x1b, go__context_personality
#endif

#define FUNC_BEGIN(name)	\
	.text NEXT		\
	.p2align 4 NEXT		\
	.globl SYM(name) NEXT	\
	HIDE(name) NEXT		\
	FUNC_TYPE(name) NEXT	\
	SYM(name)
/* clang-format on */

#define FUNC_END(name) FUNC_SIZE(name)

#endif
