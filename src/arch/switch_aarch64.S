/* SPDX-License-Identifier: MIT */
/*
 * Stack switch, context accessor and raw fibers' hot paths for aarch64, AAPCS64
 * (IHI 0055, sections 6.1.1 and 6.1.2; vfp control: 6.1.3).
 *
 *     struct go__context *go__self(void);
 *     void go__context_switch_asm(struct go__context *from,
 *                                 struct go__context *to);
 *
 * switch_x86_64.S says what the functions do.  A parked context's stack, lowest
 * address first; context.c builds the same frame for one that has not run yet,
 * and asserts its offsets.
 *
 *     +0x00  d8, d9, d10, d11, d12, d13, d14, d15     <- saved sp
 *     +0x40  x19, x20, x21, x22, x23, x24, x25, x26, x27, x28
 *     +0x90  x29 (frame pointer)
 *     +0x98  x30 (return address)
 *     +0xa0  fpcr
 *     +0xa8  unused (8)
 *
 * Deliberately not saved: x18 (the platform's; never touched here), the upper
 * halves of v8-v15 and all SVE state (caller-saved in the base standard), fpsr
 * (status only), the signal mask.  SME streaming mode must be off, as it is in
 * any function with a normal interface.
 *
 * Every path ends in `ret`: with branch target identification a `br` could only
 * reach a landing pad, which the place behind a call is not.
 *
 * Return addresses are not signed here.  C functions that sign theirs do so
 * with their own stack pointer, which a switch gives back unchanged.  Nor are
 * shadow stacks (GCS) supported.  The property note claims BTI only.
 */
#include "arch/asm.h"

#define BTI_C	hint	#34	/* "bti c", for any assembler. */

#define FRAME	0xb0

#ifdef __ELF__
/* Initial-exec: correct in programs, in PIC and in shared objects. */
.macro	load_current to
	adrp	x9, :gottprel:go__current
	ldr	x9, [x9, #:gottprel_lo12:go__current]
	mrs	x10, tpidr_el0
	ldr	\to, [x10, x9]
.endm
.macro	store_current from
	adrp	x9, :gottprel:go__current
	ldr	x9, [x9, #:gottprel_lo12:go__current]
	mrs	x10, tpidr_el0
	str	\from, [x10, x9]
.endm
#else
/* The accessor of Mach-O keeps x1 to x7 and all that is callee-saved. */
.macro	current_address
	stp	x0, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x30, 8
	adrp	x0, _go__current@TLVPPAGE
	ldr	x0, [x0, _go__current@TLVPPAGEOFF]
	ldr	x8, [x0]
	blr	x8
	mov	x9, x0
	ldp	x0, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x30
.endm
.macro	load_current to
	current_address
	ldr	\to, [x9]
.endm
.macro	store_current from
	current_address
	str	\from, [x9]
.endm
#endif

/* Park the caller on its stack: the frame drawn above. */
.macro	frame_rules
	.cfi_rel_offset x29, 0x90
	.cfi_rel_offset x30, 0x98
	.cfi_rel_offset x19, 0x40
	.cfi_rel_offset x20, 0x48
	.cfi_rel_offset x21, 0x50
	.cfi_rel_offset x22, 0x58
	.cfi_rel_offset x23, 0x60
	.cfi_rel_offset x24, 0x68
	.cfi_rel_offset x25, 0x70
	.cfi_rel_offset x26, 0x78
	.cfi_rel_offset x27, 0x80
	.cfi_rel_offset x28, 0x88
	.cfi_rel_offset d8, 0x00
	.cfi_rel_offset d9, 0x08
	.cfi_rel_offset d10, 0x10
	.cfi_rel_offset d11, 0x18
	.cfi_rel_offset d12, 0x20
	.cfi_rel_offset d13, 0x28
	.cfi_rel_offset d14, 0x30
	.cfi_rel_offset d15, 0x38
.endm

.macro	save_frame
	sub	sp, sp, #FRAME
	.cfi_adjust_cfa_offset FRAME
	stp	x29, x30, [sp, #0x90]
	.cfi_rel_offset x29, 0x90
	.cfi_rel_offset x30, 0x98
	stp	x19, x20, [sp, #0x40]
	.cfi_rel_offset x19, 0x40
	.cfi_rel_offset x20, 0x48
	stp	x21, x22, [sp, #0x50]
	.cfi_rel_offset x21, 0x50
	.cfi_rel_offset x22, 0x58
	stp	x23, x24, [sp, #0x60]
	.cfi_rel_offset x23, 0x60
	.cfi_rel_offset x24, 0x68
	stp	x25, x26, [sp, #0x70]
	.cfi_rel_offset x25, 0x70
	.cfi_rel_offset x26, 0x78
	stp	x27, x28, [sp, #0x80]
	.cfi_rel_offset x27, 0x80
	.cfi_rel_offset x28, 0x88
	stp	d8, d9, [sp, #0x00]
	.cfi_rel_offset d8, 0x00
	.cfi_rel_offset d9, 0x08
	stp	d10, d11, [sp, #0x10]
	.cfi_rel_offset d10, 0x10
	.cfi_rel_offset d11, 0x18
	stp	d12, d13, [sp, #0x20]
	.cfi_rel_offset d12, 0x20
	.cfi_rel_offset d13, 0x28
	stp	d14, d15, [sp, #0x30]
	.cfi_rel_offset d14, 0x30
	.cfi_rel_offset d15, 0x38
	mrs	x11, fpcr		/* load_frame compares with x11. */
	str	x11, [sp, #0xa0]
.endm

/*
 * Take up what is parked at sp.  The CFI of save_frame needs no reset where sp
 * moves from one stack to the other: both hold the same frame, so the rules
 * "relative to sp" describe the new one just as well.  fpcr is written only if
 * it differs, because writing it drains the pipeline of many cores.
 */
.macro	load_frame
	ldr	x9, [sp, #0xa0]
	cmp	x9, x11
	b.eq	9f
	msr	fpcr, x9
9:	ldp	d8, d9, [sp, #0x00]
	.cfi_restore d8
	.cfi_restore d9
	ldp	d10, d11, [sp, #0x10]
	.cfi_restore d10
	.cfi_restore d11
	ldp	d12, d13, [sp, #0x20]
	.cfi_restore d12
	.cfi_restore d13
	ldp	d14, d15, [sp, #0x30]
	.cfi_restore d14
	.cfi_restore d15
	ldp	x19, x20, [sp, #0x40]
	.cfi_restore x19
	.cfi_restore x20
	ldp	x21, x22, [sp, #0x50]
	.cfi_restore x21
	.cfi_restore x22
	ldp	x23, x24, [sp, #0x60]
	.cfi_restore x23
	.cfi_restore x24
	ldp	x25, x26, [sp, #0x70]
	.cfi_restore x25
	.cfi_restore x26
	ldp	x27, x28, [sp, #0x80]
	.cfi_restore x27
	.cfi_restore x28
	ldp	x29, x30, [sp, #0x90]
	.cfi_restore x29
	.cfi_restore x30
	add	sp, sp, #FRAME
	.cfi_adjust_cfa_offset -FRAME
.endm

FUNC_BEGIN(go__self):
	.cfi_startproc
	BTI_C
	load_current x0
	cbz	x0, 1f
	ret
1:	b	SYM(go__context_attach)
	.cfi_endproc
FUNC_END(go__self)

FUNC_BEGIN(go__self_or_null):
	.cfi_startproc
	BTI_C
	load_current x0
	ret
	.cfi_endproc
FUNC_END(go__self_or_null)

FUNC_BEGIN(go__context_set):
	.cfi_startproc
	BTI_C
	store_current x0
	ret
	.cfi_endproc
FUNC_END(go__context_set)

FUNC_BEGIN(go__context_reset_fp):
	.cfi_startproc
	BTI_C
	msr	fpcr, xzr		/* Round to nearest, nothing traps. */
	ret
	.cfi_endproc
FUNC_END(go__context_reset_fp)

FUNC_BEGIN(go__context_switch_asm):
	.cfi_startproc
	BTI_C
	save_frame
	store_current x1
	mov	x9, sp
	str	x9, [x0]		/* The caller is parked ... */
	ldr	x9, [x1]
	mov	sp, x9			/* ... and we are the other one. */
	load_frame
	ret
	.cfi_endproc
FUNC_END(go__context_switch_asm)

/*
 * void go__context_enter_asm(struct go__context *from, struct go__context *to);
 *
 * As go__context_switch_asm, to a context that has not run yet.  It jumps to
 * the entry function, with the start below as its return address, and leaves
 * the processor's return stack as it is for go__context_exit_asm.
 */
FUNC_BEGIN(go__context_enter_asm):
	.cfi_startproc
	BTI_C
	save_frame
	store_current x1
	mov	x9, sp
	str	x9, [x0]
	ldr	x9, [x1]
	ldr	x16, [x9, #0x40]	/* The entry function. */
	ldr	x30, [x9, #0x98]	/* go__context_start. */
	ldr	x10, [x9, #0xa0]
	add	sp, x9, #FRAME
	.cfi_def_cfa sp, 0
	.cfi_undefined x30
	mov	x29, xzr
	cmp	x10, x11
	b.eq	9f
	msr	fpcr, x10
9:	br	x16
	.cfi_endproc
FUNC_END(go__context_enter_asm)

/*
 * void go__context_exit_asm(struct go__context *to);
 *
 * As go__context_switch_asm, but the caller's stack is not to be used again, so
 * nothing of it is saved.  To be reached by a jump (a tail call).
 */
FUNC_BEGIN(go__context_exit_asm):
	.cfi_startproc
	BTI_C
	store_current x0
	ldr	x9, [x0]
	mov	sp, x9
	.cfi_adjust_cfa_offset FRAME
	frame_rules
	mrs	x11, fpcr
	load_frame
	ret
	.cfi_endproc
FUNC_END(go__context_exit_asm)

/* void *go__context_call(void *(*fn)(void *arg), void *arg); */
FUNC_BEGIN(go__context_call):
	.cfi_startproc
	END_OF_STACK
	BTI_C
	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	mov	x29, sp
	mov	x9, x0
	mov	x0, x1
	blr	x9
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
FUNC_END(go__context_call)

/* void *fiber__switch(void **save_sp, void *load_sp, void *value); */
FUNC_BEGIN(fiber__switch):
	.cfi_startproc
	BTI_C
	save_frame
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	mov	x0, x2
	load_frame
	ret
	.cfi_endproc
FUNC_END(fiber__switch)

/* Offsets in struct fiber and struct go__context; fiber.c asserts them. */
#define F_SP		0
#define F_RESUMER_SP	8
#define F_OUTER		16	/* F_OUT follows at 24: stored as a pair. */
#define F_STATE		32
#define C_FIBER		8
#define RUNNING		1	/* SUSPENDED is 0. */

/* int fiber__resume(fiber *f, void *in, void **out); */
FUNC_BEGIN(fiber__resume):
	.cfi_startproc
	BTI_C
	cbz	x0, 1f
	ldr	w4, [x0, #F_STATE]
	cbnz	w4, 1f
	load_current x3			/* The context that we run on. */
	cbz	x3, 1f
	ldr	x4, [x3, #C_FIBER]
	mov	w5, #RUNNING
	str	w5, [x0, #F_STATE]
	stp	x4, x2, [x0, #F_OUTER]
	str	x0, [x3, #C_FIBER]
	.cfi_remember_state
	save_frame
	mov	x9, sp
	str	x9, [x0, #F_RESUMER_SP]
	ldr	x9, [x0, #F_SP]
	mov	sp, x9
	mov	x0, x1			/* What its yield returns. */
	load_frame
	ret
	.cfi_restore_state
1:	b	SYM(fiber__resume_slowly)
	.cfi_endproc
FUNC_END(fiber__resume)

/* void *fiber__yield(void *out); */
FUNC_BEGIN(fiber__yield):
	.cfi_startproc
	BTI_C
	load_current x3
	cbz	x3, 1f
	ldr	x4, [x3, #C_FIBER]
	cbz	x4, 1f
	ldp	x5, x6, [x4, #F_OUTER]
	cbz	x6, 2f
	str	x0, [x6]
2:	str	wzr, [x4, #F_STATE]
	str	x5, [x3, #C_FIBER]
	.cfi_remember_state
	save_frame
	mov	x9, sp
	str	x9, [x4, #F_SP]
	ldr	x9, [x4, #F_RESUMER_SP]
	mov	sp, x9
	mov	x0, #0			/* What the resume returns. */
	load_frame
	ret
	.cfi_restore_state
1:	mov	x0, #0			/* No fiber runs: null. */
	ret
	.cfi_endproc
FUNC_END(fiber__yield)

/*
 * Where a new context starts; never called, only returned to, with its entry
 * function in x19, a raw fiber's first value in x0, and sp a multiple of 16.
 * Unwinders look a return address up one byte before it, so the label follows a
 * nop that the rules cover.
 */
	.text
	.p2align 4
	.cfi_startproc
	END_OF_STACK
	.cfi_undefined x30		/* Outermost: backtraces end here. */
	nop
	.globl	SYM(go__context_start)
	HIDE(go__context_start)
	FUNC_TYPE(go__context_start)
INNER_LABEL(go__context_start)
	BTI_C
	mov	x29, #0			/* Ends chains of frame pointers too. */
	mov	x30, #0
	blr	x19
	brk	#1			/* An entry function does not return. */
	.cfi_endproc
FUNC_END(go__context_start)

#ifdef __ELF__
/* No executable stack needed; without this note ld may grant one. */
.section .note.GNU-stack, "", %progbits

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND = BTI. */
.section .note.gnu.property, "a", %note
	.p2align 3
	.long	4, 16, 5		/* NT_GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
	.long	0xc0000000, 4, 1, 0	/* type, datasz, BTI, padding */
#endif
