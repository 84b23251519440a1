/* SPDX-License-Identifier: MIT */
/*
 * What C cannot do for test_switch.c: put a pattern into every register that a
 * call must preserve, and see what is left of it after the call.
 *
 *     void registers_across(void *fn, void *args[3],
 *                           const uint64_t in[], uint64_t out[]);
 *
 * Calls fn(args[0], args[1], args[2]) with in[] in the registers and stores
 * what they hold afterwards.  Order: rbx, rbp, r12, r13, r14, r15, mxcsr, x87
 * control word.
 */
#include "arch/asm.h"

FUNC_BEGIN(registers_across):
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	leaq	-24(%rsp), %rsp
	.cfi_adjust_cfa_offset 24
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movq	%rcx, 8(%rsp)		/* out */
	movq	%rdi, %rax
	movq	%rdx, %rcx		/* in */
	movq	16(%rsi), %rdx
	movq	0(%rsi), %rdi
	movq	8(%rsi), %rsi
	movq	0(%rcx), %rbx
	movq	8(%rcx), %rbp
	movq	16(%rcx), %r12
	movq	24(%rcx), %r13
	movq	32(%rcx), %r14
	movq	40(%rcx), %r15
	ldmxcsr	48(%rcx)
	fldcw	56(%rcx)
	callq	*%rax
	movq	8(%rsp), %rcx
	movq	%rbx, 0(%rcx)
	movq	%rbp, 8(%rcx)
	movq	%r12, 16(%rcx)
	movq	%r13, 24(%rcx)
	movq	%r14, 32(%rcx)
	movq	%r15, 40(%rcx)
	stmxcsr	48(%rcx)
	fnstcw	56(%rcx)
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	leaq	24(%rsp), %rsp
	.cfi_adjust_cfa_offset -24
	popq	%r15
	.cfi_adjust_cfa_offset -8
	popq	%r14
	.cfi_adjust_cfa_offset -8
	popq	%r13
	.cfi_adjust_cfa_offset -8
	popq	%r12
	.cfi_adjust_cfa_offset -8
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
FUNC_END(registers_across)

/* uintptr_t stack_pointer(void): as it was before the call. */
FUNC_BEGIN(stack_pointer):
	.cfi_startproc
	endbr64
	leaq	8(%rsp), %rax
	ret
	.cfi_endproc
FUNC_END(stack_pointer)

/*
 * int red_zone_survives(uint64_t pattern, uint64_t rounds): fills the 128 bytes
 * below the stack pointer, waits, and looks at them.
 */
FUNC_BEGIN(red_zone_survives):
	.cfi_startproc
	endbr64
	movq	$-128, %rcx
1:	movq	%rdi, (%rsp, %rcx)
	addq	$8, %rcx
	jnz	1b
2:	decq	%rsi
	jnz	2b
	xorl	%eax, %eax
	movq	$-128, %rcx
3:	cmpq	%rdi, (%rsp, %rcx)
	jne	4f
	addq	$8, %rcx
	jnz	3b
	incl	%eax
4:	ret
	.cfi_endproc
FUNC_END(red_zone_survives)

/* void trap_each_instruction(void), void trap_no_more(void): SIGTRAP. */
FUNC_BEGIN(trap_each_instruction):
	.cfi_startproc
	endbr64
	pushfq
	.cfi_adjust_cfa_offset 8
	orq	$0x100, (%rsp)
	popfq
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
FUNC_END(trap_each_instruction)

FUNC_BEGIN(trap_no_more):
	.cfi_startproc
	endbr64
	pushfq
	.cfi_adjust_cfa_offset 8
	andq	$~0x100, (%rsp)
	popfq
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
FUNC_END(trap_no_more)

.section .note.GNU-stack, "", %progbits
