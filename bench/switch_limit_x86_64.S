/* SPDX-License-Identifier: MIT */
/*
 * The least that a switch can do: two hand-written ones for switch.c.
 *
 *     void limit_by_ret(void **save_sp, void *load_sp);
 *     void limit_by_jump(void **save_sp, void *load_sp);
 *
 * They save what the library's own save (callee-saved registers, mxcsr, x87
 * control word) and nothing else happens: no check, no state, no value.
 */
#include "arch/asm.h"

.macro	swap
	endbr64
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	leaq	-8(%rsp), %rsp
	stmxcsr	0(%rsp)
	fnstcw	4(%rsp)
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	ldmxcsr	0(%rsp)
	fldcw	4(%rsp)
	leaq	8(%rsp), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
.endm

FUNC_BEGIN(limit_by_ret):
	swap
	ret
FUNC_END(limit_by_ret)

FUNC_BEGIN(limit_by_jump):
	swap
	popq	%rcx
	notrack jmp *%rcx
FUNC_END(limit_by_jump)

.section .note.GNU-stack, "", %progbits
