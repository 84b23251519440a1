/* SPDX-License-Identifier: MIT */
/*
 * Stack switch and context accessor for x86-64, System V ABI (psABI 1.0,
 * sections 3.2.1 and 3.2.3).
 *
 *     struct go__context *go__self(void);
 *     void go__context_switch_asm(struct go__context *from,
 *                                 struct go__context *to);
 *
 * The switch parks the caller on its own stack, stores the resulting stack
 * pointer in from->sp, makes `to` current, adopts to->sp and resumes whatever
 * is parked there.  The compiler sees an ordinary call, so only callee-saved
 * state needs saving; it has spilled the rest.
 *
 * A parked context's stack, lowest address first.  context.c builds the same
 * frame for a context that has not run yet, and asserts its offsets.
 *
 *     +0x00  mxcsr (4), x87 control word (2), unused (2)  <- saved sp
 *     +0x08  r15
 *     +0x10  r14
 *     +0x18  r13
 *     +0x20  r12
 *     +0x28  rbx
 *     +0x30  rbp
 *     +0x38  return address
 *
 * Deliberately not saved: the signal mask (a system call per switch), the x87
 * and SSE data registers (caller-saved), the status bits of mxcsr (they come
 * along, which does no harm), the direction flag (clear at every call).
 *
 * The stack pointer always points at a frame with 128 free bytes below it, on
 * one stack or the other, so a signal may arrive between any two instructions.
 *
 * Shadow stacks (CET SHSTK) are not supported: `ret` below returns to an
 * address that the hardware has not seen called.  The property note at the end
 * therefore claims IBT only, which makes the linker turn SHSTK off for the
 * whole program instead of letting it fault here.
 */
#include "arch/asm.h"

#ifdef __ELF__
/* Initial-exec: correct in programs, in PIC and in shared objects. */
.macro	load_current to
	movq	go__current@GOTTPOFF(%rip), %rax
	movq	%fs:(%rax), \to
.endm
.macro	store_current from
	movq	go__current@GOTTPOFF(%rip), %rax
	movq	\from, %fs:(%rax)
.endm
/* Keeps all registers but rax and `to`. */
.macro	load_current_beside to
	load_current \to
.endm
#else
/* The accessor of Mach-O keeps every register but rax and rdi. */
.macro	load_current to
	movq	_go__current@TLVP(%rip), %rdi
	callq	*(%rdi)
	movq	(%rax), \to
.endm
.macro	store_current from
	movq	_go__current@TLVP(%rip), %rdi
	callq	*(%rdi)
	movq	\from, (%rax)
.endm
.macro	load_current_beside to
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	load_current \to
	popq	%rdi
	.cfi_adjust_cfa_offset -8
.endm
#endif

FUNC_BEGIN(go__self):
	.cfi_startproc
	endbr64
#ifndef __ELF__
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
#endif
	load_current %rax
#ifndef __ELF__
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
#endif
	testq	%rax, %rax
	jz	SYM(go__context_attach)
	ret
	.cfi_endproc
FUNC_END(go__self)

FUNC_BEGIN(go__self_or_null):
	.cfi_startproc
	endbr64
#ifndef __ELF__
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
#endif
	load_current %rax
#ifndef __ELF__
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
#endif
	ret
	.cfi_endproc
FUNC_END(go__self_or_null)

FUNC_BEGIN(go__context_set):
	.cfi_startproc
	endbr64
#ifdef __ELF__
	store_current %rdi
#else
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	movq	%rdi, %rsi
	store_current %rsi
	popq	%rsi
	.cfi_adjust_cfa_offset -8
#endif
	ret
	.cfi_endproc
FUNC_END(go__context_set)

FUNC_BEGIN(go__context_reset_fp):
	.cfi_startproc
	endbr64
	ldmxcsr	default_mxcsr(%rip)
	fldcw	default_x87(%rip)
	ret
	.cfi_endproc
FUNC_END(go__context_reset_fp)
	.p2align 2
default_mxcsr:
	.long	0x1f80
default_x87:
	.long	0x37f

/*
 * Park the caller on its stack: the frame drawn above, below its return.  (lea:
 * a $ in a macro means an argument to Mach-O's assembler.)
 */
.macro	save_frame
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	leaq	-8(%rsp), %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	0(%rsp)
	fnstcw	4(%rsp)
.endm

/*
 * Take up what is parked at rsp.  The CFI of save_frame needs no reset where
 * rsp moves from one stack to the other: both hold the same frame, so the rules
 * "relative to rsp" describe the new one just as well.
 */
.macro	load_frame
	ldmxcsr	0(%rsp)
	fldcw	4(%rsp)
	leaq	8(%rsp), %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
.endm

/*
 * Return by a jump.  notrack: a return address has no endbr64, and needs none,
 * because like a return it is not taken from a place that a program can write
 * by mistake more easily than any return address.
 */
.macro	return_by_jump
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	notrack jmp *%rcx
.endm

FUNC_BEGIN(go__context_switch_asm):
	.cfi_startproc
	endbr64
	save_frame
#ifdef __ELF__
	store_current %rsi
	movq	%rsp, (%rdi)		/* The caller is parked ... */
#else
	movq	%rsp, (%rdi)
	store_current %rsi
#endif
	movq	(%rsi), %rsp		/* ... and we are the other one. */
	load_frame
	ret
	.cfi_endproc
FUNC_END(go__context_switch_asm)

/*
 * void go__context_enter_asm(struct go__context *from, struct go__context *to);
 *
 * As go__context_switch_asm, to a context that has not run yet.  It jumps to
 * the entry function, with the start below as its return address: so the
 * processor's return stack still holds the caller's return, and if the context
 * ends by go__context_exit_asm without having parked, that return and all those
 * after it are predicted.  (By ret, four are not: 26 ns.)
 */
FUNC_BEGIN(go__context_enter_asm):
	.cfi_startproc
	endbr64
	save_frame
#ifdef __ELF__
	store_current %rsi
	movq	%rsp, (%rdi)
#else
	movq	%rsp, (%rdi)
	store_current %rsi
#endif
	movq	(%rsi), %rsp
	ldmxcsr	0(%rsp)
	fldcw	4(%rsp)
	movq	0x28(%rsp), %rax	/* The entry function. */
	leaq	0x38(%rsp), %rsp	/* go__context_start is on top. */
	.cfi_def_cfa %rsp, 8
	.cfi_undefined %rip
	xorl	%ebp, %ebp
	jmp	*%rax
	.cfi_endproc
FUNC_END(go__context_enter_asm)

/*
 * void go__context_exit_asm(struct go__context *to);
 *
 * As go__context_switch_asm, but the caller's stack is not to be used again, so
 * nothing of it is saved.  To be reached by a jump (a tail call): the return
 * below is then that of whoever entered.
 */
FUNC_BEGIN(go__context_exit_asm):
	.cfi_startproc
	endbr64
	movq	%rdi, %rsi
	store_current %rsi
	movq	(%rsi), %rsp
	.cfi_adjust_cfa_offset 56
	.cfi_rel_offset %rbp, 48
	.cfi_rel_offset %rbx, 40
	.cfi_rel_offset %r12, 32
	.cfi_rel_offset %r13, 24
	.cfi_rel_offset %r14, 16
	.cfi_rel_offset %r15, 8
	load_frame
	ret
	.cfi_endproc
FUNC_END(go__context_exit_asm)

/* void *go__context_call(void *(*fn)(void *arg), void *arg); */
FUNC_BEGIN(go__context_call):
	.cfi_startproc
	END_OF_STACK
	endbr64
	movq	%rdi, %rax
	movq	%rsi, %rdi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	*%rax
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
FUNC_END(go__context_call)

/* void *fiber__switch(void **save_sp, void *load_sp, void *value); */
FUNC_BEGIN(fiber__switch):
	.cfi_startproc
	endbr64
	movq	%rdx, %rax
	save_frame
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	load_frame
	return_by_jump
	.cfi_endproc
FUNC_END(fiber__switch)

/* Offsets in struct fiber and struct go__context; fiber.c asserts them. */
#define F_SP		0
#define F_RESUMER_SP	8
#define F_OUTER		16
#define F_OUT		24
#define F_STATE		32
#define C_FIBER		8
#define SUSPENDED	0
#define RUNNING		1

/* int fiber__resume(fiber *f, void *in, void **out); */
FUNC_BEGIN(fiber__resume):
	.cfi_startproc
	endbr64
	testq	%rdi, %rdi
	jz	SYM(fiber__resume_slowly)
	cmpl	$SUSPENDED, F_STATE(%rdi)
	jne	SYM(fiber__resume_slowly)
	load_current_beside %rax	/* The context that we run on. */
	testq	%rax, %rax
	jz	SYM(fiber__resume_slowly)
	movq	C_FIBER(%rax), %rcx
	movl	$RUNNING, F_STATE(%rdi)
	movq	%rdx, F_OUT(%rdi)
	movq	%rcx, F_OUTER(%rdi)
	movq	%rdi, C_FIBER(%rax)
	movq	%rsi, %rax		/* What its yield returns. */
	save_frame
	movq	%rsp, F_RESUMER_SP(%rdi)
	movq	F_SP(%rdi), %rsp
	load_frame
	return_by_jump
	.cfi_endproc
FUNC_END(fiber__resume)

/* void *fiber__yield(void *out); */
FUNC_BEGIN(fiber__yield):
	.cfi_startproc
	endbr64
	load_current_beside %rdx
	xorl	%eax, %eax		/* What the resume returns: 0. */
	testq	%rdx, %rdx
	jz	1f
	movq	C_FIBER(%rdx), %rcx
	testq	%rcx, %rcx
	jz	1f
	movq	F_OUT(%rcx), %rsi
	testq	%rsi, %rsi
	jz	2f
	movq	%rdi, (%rsi)
2:	movq	F_OUTER(%rcx), %rsi
	movl	$SUSPENDED, F_STATE(%rcx)
	movq	%rsi, C_FIBER(%rdx)
	.cfi_remember_state
	save_frame
	movq	%rsp, F_SP(%rcx)
	movq	F_RESUMER_SP(%rcx), %rsp
	load_frame
	return_by_jump
	.cfi_restore_state
1:	ret				/* No fiber runs: null. */
	.cfi_endproc
FUNC_END(fiber__yield)

/*
 * Where a new context starts; never called, only returned to, with its entry
 * function in rbx and rsp a multiple of 16.  Unwinders look a return address
 * up one byte before it, so the label follows a nop that the rules cover.
 */
	.text
	.p2align 4
	.cfi_startproc
	END_OF_STACK
	.cfi_undefined %rip		/* Outermost: backtraces end here. */
	nop
	.globl	SYM(go__context_start)
	HIDE(go__context_start)
	FUNC_TYPE(go__context_start)
INNER_LABEL(go__context_start)
	endbr64
	xorl	%ebp, %ebp		/* Ends chains of frame pointers too. */
	movq	%rax, %rdi		/* A raw fiber's first value. */
	callq	*%rbx
	ud2				/* An entry function does not return. */
	.cfi_endproc
FUNC_END(go__context_start)

#ifdef __ELF__
/* No executable stack needed; without this note ld may grant one. */
.section .note.GNU-stack, "", %progbits

/* GNU_PROPERTY_X86_FEATURE_1_AND = IBT. */
.section .note.gnu.property, "a", %note
	.p2align 3
	.long	4, 16, 5		/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
	.long	0xc0000002, 4, 1, 0	/* type, datasz, IBT, padding */
#endif
