/* SPDX-License-Identifier: MIT */
/*
 * What differs between ELF and Mach-O, for the .S files: symbol names, section
 * names, visibility, and how the thread-local pointer to the current context
 * is found.
 */
#ifndef GO_ARCH_ASM_H
#define GO_ARCH_ASM_H

/* clang-format off */
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

#define FUNC_BEGIN(name)	\
	.text;			\
	.p2align 4;		\
	.globl SYM(name);	\
	HIDE(name);		\
	FUNC_TYPE(name);	\
	SYM(name)
/* clang-format on */

#define FUNC_END(name) FUNC_SIZE(name)

#endif
