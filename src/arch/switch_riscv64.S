/* SPDX-License-Identifier: MIT */
/*
 * Stack switch, context accessor and raw fibers' hot paths for riscv64, RISC-V
 * ELF psABI 1.0 (chapter "Procedure Calling Convention": integer and hardware
 * floating-point conventions; "Thread Local Storage").
 *
 *     struct go__context *go__self(void);
 *     void go__context_switch_asm(struct go__context *from,
 *                                 struct go__context *to);
 *
 * switch_x86_64.S says what the functions do.  A parked context's stack, lowest
 * address first; context.c builds the same frame for one that has not run yet,
 * and asserts its offsets.
 *
 *     +0x00  fs0, fs1, ... fs11                       <- saved sp
 *     +0x60  s1, s2, ... s11
 *     +0xb8  s0 (frame pointer)
 *     +0xc0  ra (return address)
 *     +0xc8  frm (the rounding mode of fcsr)
 *
 * Deliberately not saved: gp and tp (the program's and the thread's), the
 * accrued exceptions of fcsr (status only; no exception traps), the state of
 * the vector extension (caller-saved), the signal mask.
 *
 * Jumps that are not returns go through t3: through ra or t0, processors would
 * take them for calls or returns and lose count of those (Unprivileged ISA,
 * "Unconditional Jumps").  Shadow stacks and landing pads (Zicfiss, Zicfilp)
 * are not supported; no property note claims them.
 */
#include "arch/asm.h"

#if __riscv_xlen != 64 || !defined(__riscv_float_abi_double)
#error "Only riscv64 with doubles in registers (lp64d)."
#endif

#define FRAME	0xd0

/* Initial-exec: correct in programs, in PIC and in shared objects. */
.macro	load_current to
	la.tls.ie t1, go__current
	add	t1, t1, tp
	ld	\to, 0(t1)
.endm
.macro	store_current from
	la.tls.ie t1, go__current
	add	t1, t1, tp
	sd	\from, 0(t1)
.endm

/* Park the caller on its stack: the frame drawn above. */
.macro	frame_rules
	.cfi_rel_offset ra, 0xc0
	.cfi_rel_offset s0, 0xb8
	.cfi_rel_offset s1, 0x60
	.cfi_rel_offset s2, 0x68
	.cfi_rel_offset s3, 0x70
	.cfi_rel_offset s4, 0x78
	.cfi_rel_offset s5, 0x80
	.cfi_rel_offset s6, 0x88
	.cfi_rel_offset s7, 0x90
	.cfi_rel_offset s8, 0x98
	.cfi_rel_offset s9, 0xa0
	.cfi_rel_offset s10, 0xa8
	.cfi_rel_offset s11, 0xb0
	.cfi_rel_offset fs0, 0x00
	.cfi_rel_offset fs1, 0x08
	.cfi_rel_offset fs2, 0x10
	.cfi_rel_offset fs3, 0x18
	.cfi_rel_offset fs4, 0x20
	.cfi_rel_offset fs5, 0x28
	.cfi_rel_offset fs6, 0x30
	.cfi_rel_offset fs7, 0x38
	.cfi_rel_offset fs8, 0x40
	.cfi_rel_offset fs9, 0x48
	.cfi_rel_offset fs10, 0x50
	.cfi_rel_offset fs11, 0x58
.endm

.macro	save_frame
	addi	sp, sp, -FRAME
	.cfi_adjust_cfa_offset FRAME
	sd	ra, 0xc0(sp)
	.cfi_rel_offset ra, 0xc0
	sd	s0, 0xb8(sp)
	.cfi_rel_offset s0, 0xb8
	sd	s1, 0x60(sp)
	.cfi_rel_offset s1, 0x60
	sd	s2, 0x68(sp)
	.cfi_rel_offset s2, 0x68
	sd	s3, 0x70(sp)
	.cfi_rel_offset s3, 0x70
	sd	s4, 0x78(sp)
	.cfi_rel_offset s4, 0x78
	sd	s5, 0x80(sp)
	.cfi_rel_offset s5, 0x80
	sd	s6, 0x88(sp)
	.cfi_rel_offset s6, 0x88
	sd	s7, 0x90(sp)
	.cfi_rel_offset s7, 0x90
	sd	s8, 0x98(sp)
	.cfi_rel_offset s8, 0x98
	sd	s9, 0xa0(sp)
	.cfi_rel_offset s9, 0xa0
	sd	s10, 0xa8(sp)
	.cfi_rel_offset s10, 0xa8
	sd	s11, 0xb0(sp)
	.cfi_rel_offset s11, 0xb0
	fsd	fs0, 0x00(sp)
	.cfi_rel_offset fs0, 0x00
	fsd	fs1, 0x08(sp)
	.cfi_rel_offset fs1, 0x08
	fsd	fs2, 0x10(sp)
	.cfi_rel_offset fs2, 0x10
	fsd	fs3, 0x18(sp)
	.cfi_rel_offset fs3, 0x18
	fsd	fs4, 0x20(sp)
	.cfi_rel_offset fs4, 0x20
	fsd	fs5, 0x28(sp)
	.cfi_rel_offset fs5, 0x28
	fsd	fs6, 0x30(sp)
	.cfi_rel_offset fs6, 0x30
	fsd	fs7, 0x38(sp)
	.cfi_rel_offset fs7, 0x38
	fsd	fs8, 0x40(sp)
	.cfi_rel_offset fs8, 0x40
	fsd	fs9, 0x48(sp)
	.cfi_rel_offset fs9, 0x48
	fsd	fs10, 0x50(sp)
	.cfi_rel_offset fs10, 0x50
	fsd	fs11, 0x58(sp)
	.cfi_rel_offset fs11, 0x58
	frrm	t4			/* load_frame compares with t4. */
	sd	t4, 0xc8(sp)
.endm

/*
 * Take up what is parked at sp.  The CFI of save_frame needs no reset where sp
 * moves from one stack to the other: both hold the same frame, so the rules
 * "relative to sp" describe the new one just as well.  frm is written only if
 * it differs, because writing it drains the pipeline of many cores.
 */
.macro	load_frame
	ld	t1, 0xc8(sp)
	beq	t1, t4, 9f
	fsrm	t1
9:
	fld	fs11, 0x58(sp)
	.cfi_restore fs11
	fld	fs10, 0x50(sp)
	.cfi_restore fs10
	fld	fs9, 0x48(sp)
	.cfi_restore fs9
	fld	fs8, 0x40(sp)
	.cfi_restore fs8
	fld	fs7, 0x38(sp)
	.cfi_restore fs7
	fld	fs6, 0x30(sp)
	.cfi_restore fs6
	fld	fs5, 0x28(sp)
	.cfi_restore fs5
	fld	fs4, 0x20(sp)
	.cfi_restore fs4
	fld	fs3, 0x18(sp)
	.cfi_restore fs3
	fld	fs2, 0x10(sp)
	.cfi_restore fs2
	fld	fs1, 0x08(sp)
	.cfi_restore fs1
	fld	fs0, 0x00(sp)
	.cfi_restore fs0
	ld	s11, 0xb0(sp)
	.cfi_restore s11
	ld	s10, 0xa8(sp)
	.cfi_restore s10
	ld	s9, 0xa0(sp)
	.cfi_restore s9
	ld	s8, 0x98(sp)
	.cfi_restore s8
	ld	s7, 0x90(sp)
	.cfi_restore s7
	ld	s6, 0x88(sp)
	.cfi_restore s6
	ld	s5, 0x80(sp)
	.cfi_restore s5
	ld	s4, 0x78(sp)
	.cfi_restore s4
	ld	s3, 0x70(sp)
	.cfi_restore s3
	ld	s2, 0x68(sp)
	.cfi_restore s2
	ld	s1, 0x60(sp)
	.cfi_restore s1
	ld	s0, 0xb8(sp)
	.cfi_restore s0
	ld	ra, 0xc0(sp)
	.cfi_restore ra
	addi	sp, sp, FRAME
	.cfi_adjust_cfa_offset -FRAME
.endm

FUNC_BEGIN(go__self):
	.cfi_startproc
	load_current a0
	beqz	a0, 1f
	ret
1:	tail	SYM(go__context_attach)
	.cfi_endproc
FUNC_END(go__self)

FUNC_BEGIN(go__self_or_null):
	.cfi_startproc
	load_current a0
	ret
	.cfi_endproc
FUNC_END(go__self_or_null)

FUNC_BEGIN(go__context_set):
	.cfi_startproc
	store_current a0
	ret
	.cfi_endproc
FUNC_END(go__context_set)

FUNC_BEGIN(go__context_reset_fp):
	.cfi_startproc
	fsrm	zero			/* Round to nearest. */
	ret
	.cfi_endproc
FUNC_END(go__context_reset_fp)

FUNC_BEGIN(go__context_switch_asm):
	.cfi_startproc
	save_frame
	store_current a1
	sd	sp, 0(a0)		/* The caller is parked ... */
	ld	sp, 0(a1)		/* ... and we are the other one. */
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
	save_frame
	store_current a1
	sd	sp, 0(a0)
	ld	t2, 0(a1)
	ld	t3, 0x60(t2)		/* The entry function. */
	ld	ra, 0xc0(t2)		/* go__context_start. */
	ld	t1, 0xc8(t2)
	addi	sp, t2, FRAME
	.cfi_def_cfa sp, 0
	.cfi_undefined ra
	mv	s0, zero
	beq	t1, t4, 9f
	fsrm	t1
9:	jr	t3
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
	store_current a0
	ld	sp, 0(a0)
	.cfi_adjust_cfa_offset FRAME
	frame_rules
	frrm	t4
	load_frame
	ret
	.cfi_endproc
FUNC_END(go__context_exit_asm)

/* void *go__context_call(void *(*fn)(void *arg), void *arg); */
FUNC_BEGIN(go__context_call):
	.cfi_startproc
	END_OF_STACK
	addi	sp, sp, -16
	.cfi_adjust_cfa_offset 16
	sd	ra, 8(sp)
	.cfi_rel_offset ra, 8
	mv	t0, a0
	mv	a0, a1
	jalr	t0
	ld	ra, 8(sp)
	.cfi_restore ra
	addi	sp, sp, 16
	.cfi_adjust_cfa_offset -16
	ret
	.cfi_endproc
FUNC_END(go__context_call)

/* void *fiber__switch(void **save_sp, void *load_sp, void *value); */
FUNC_BEGIN(fiber__switch):
	.cfi_startproc
	save_frame
	sd	sp, 0(a0)
	mv	sp, a1
	mv	a0, a2
	load_frame
	ret
	.cfi_endproc
FUNC_END(fiber__switch)

/* Offsets in struct fiber and struct go__context; fiber.c asserts them. */
#define F_SP		0
#define F_RESUMER_SP	8
#define F_OUTER		16
#define F_OUT		24
#define F_STATE		32
#define C_FIBER		8
#define RUNNING		1	/* SUSPENDED is 0. */

/* int fiber__resume(fiber *f, void *in, void **out); */
FUNC_BEGIN(fiber__resume):
	.cfi_startproc
	beqz	a0, 1f
	lw	a4, F_STATE(a0)
	bnez	a4, 1f
	load_current a3			/* The context that we run on. */
	beqz	a3, 1f
	ld	a4, C_FIBER(a3)
	li	a5, RUNNING
	sw	a5, F_STATE(a0)
	sd	a2, F_OUT(a0)
	sd	a4, F_OUTER(a0)
	sd	a0, C_FIBER(a3)
	.cfi_remember_state
	save_frame
	sd	sp, F_RESUMER_SP(a0)
	ld	sp, F_SP(a0)
	mv	a0, a1			/* What its yield returns. */
	load_frame
	ret
	.cfi_restore_state
1:	tail	SYM(fiber__resume_slowly)
	.cfi_endproc
FUNC_END(fiber__resume)

/* void *fiber__yield(void *out); */
FUNC_BEGIN(fiber__yield):
	.cfi_startproc
	load_current a3
	beqz	a3, 1f
	ld	a4, C_FIBER(a3)
	beqz	a4, 1f
	ld	a6, F_OUT(a4)
	beqz	a6, 2f
	sd	a0, 0(a6)
2:	ld	a5, F_OUTER(a4)
	sw	zero, F_STATE(a4)
	sd	a5, C_FIBER(a3)
	.cfi_remember_state
	save_frame
	sd	sp, F_SP(a4)
	ld	sp, F_RESUMER_SP(a4)
	li	a0, 0			/* What the resume returns. */
	load_frame
	ret
	.cfi_restore_state
1:	li	a0, 0			/* No fiber runs: null. */
	ret
	.cfi_endproc
FUNC_END(fiber__yield)

/*
 * Where a new context starts; never called, only returned to, with its entry
 * function in s1, a raw fiber's first value in a0, and sp a multiple of 16.
 * Unwinders look a return address up one byte before it, so the label follows a
 * nop that the rules cover.
 */
	.text
	.p2align 4
	.cfi_startproc
	END_OF_STACK
	.cfi_undefined ra		/* Outermost: backtraces end here. */
	nop
	.globl	SYM(go__context_start)
	HIDE(go__context_start)
	FUNC_TYPE(go__context_start)
SYM(go__context_start):
	mv	s0, zero		/* Ends chains of frame pointers too. */
	mv	ra, zero
	jalr	s1
	ebreak				/* An entry function does not return. */
	.cfi_endproc
FUNC_END(go__context_start)

/* No executable stack needed; without this note ld may grant one. */
.section .note.GNU-stack, "", %progbits
