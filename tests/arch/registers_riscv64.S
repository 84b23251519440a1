/* SPDX-License-Identifier: MIT */
/*
 * registers_x86_64.S says what these do.  Order: s1 to s11, s0, fs0 to fs11,
 * frm.
 */
#include "arch/asm.h"

#define FRAME	0xe0

FUNC_BEGIN(registers_across):
	.cfi_startproc
	addi	sp, sp, -FRAME
	.cfi_adjust_cfa_offset FRAME
	sd	ra, 0(sp)
	.cfi_rel_offset ra, 0
	sd	a3, 8(sp)		/* out */
	sd	s1, 0x10(sp)
	sd	s2, 0x18(sp)
	sd	s3, 0x20(sp)
	sd	s4, 0x28(sp)
	sd	s5, 0x30(sp)
	sd	s6, 0x38(sp)
	sd	s7, 0x40(sp)
	sd	s8, 0x48(sp)
	sd	s9, 0x50(sp)
	sd	s10, 0x58(sp)
	sd	s11, 0x60(sp)
	sd	s0, 0x68(sp)
	fsd	fs0, 0x70(sp)
	fsd	fs1, 0x78(sp)
	fsd	fs2, 0x80(sp)
	fsd	fs3, 0x88(sp)
	fsd	fs4, 0x90(sp)
	fsd	fs5, 0x98(sp)
	fsd	fs6, 0xa0(sp)
	fsd	fs7, 0xa8(sp)
	fsd	fs8, 0xb0(sp)
	fsd	fs9, 0xb8(sp)
	fsd	fs10, 0xc0(sp)
	fsd	fs11, 0xc8(sp)
	.cfi_rel_offset s0, 0x68
	frrm	t1
	sd	t1, 0xd0(sp)
	mv	t3, a0
	mv	t2, a2			/* in */
	ld	s1, 0x0(t2)
	ld	s2, 0x8(t2)
	ld	s3, 0x10(t2)
	ld	s4, 0x18(t2)
	ld	s5, 0x20(t2)
	ld	s6, 0x28(t2)
	ld	s7, 0x30(t2)
	ld	s8, 0x38(t2)
	ld	s9, 0x40(t2)
	ld	s10, 0x48(t2)
	ld	s11, 0x50(t2)
	ld	s0, 0x58(t2)
	fld	fs0, 0x60(t2)
	fld	fs1, 0x68(t2)
	fld	fs2, 0x70(t2)
	fld	fs3, 0x78(t2)
	fld	fs4, 0x80(t2)
	fld	fs5, 0x88(t2)
	fld	fs6, 0x90(t2)
	fld	fs7, 0x98(t2)
	fld	fs8, 0xa0(t2)
	fld	fs9, 0xa8(t2)
	fld	fs10, 0xb0(t2)
	fld	fs11, 0xb8(t2)
	ld	t1, 0xc0(t2)
	fsrm	t1
	ld	a2, 0x10(a1)
	ld	a0, 0(a1)
	ld	a1, 8(a1)
	jalr	t3
	ld	t2, 8(sp)
	sd	s1, 0x0(t2)
	sd	s2, 0x8(t2)
	sd	s3, 0x10(t2)
	sd	s4, 0x18(t2)
	sd	s5, 0x20(t2)
	sd	s6, 0x28(t2)
	sd	s7, 0x30(t2)
	sd	s8, 0x38(t2)
	sd	s9, 0x40(t2)
	sd	s10, 0x48(t2)
	sd	s11, 0x50(t2)
	sd	s0, 0x58(t2)
	fsd	fs0, 0x60(t2)
	fsd	fs1, 0x68(t2)
	fsd	fs2, 0x70(t2)
	fsd	fs3, 0x78(t2)
	fsd	fs4, 0x80(t2)
	fsd	fs5, 0x88(t2)
	fsd	fs6, 0x90(t2)
	fsd	fs7, 0x98(t2)
	fsd	fs8, 0xa0(t2)
	fsd	fs9, 0xa8(t2)
	fsd	fs10, 0xb0(t2)
	fsd	fs11, 0xb8(t2)
	frrm	t1
	sd	t1, 0xc0(t2)
	ld	t1, 0xd0(sp)
	fsrm	t1
	ld	s1, 0x10(sp)
	ld	s2, 0x18(sp)
	ld	s3, 0x20(sp)
	ld	s4, 0x28(sp)
	ld	s5, 0x30(sp)
	ld	s6, 0x38(sp)
	ld	s7, 0x40(sp)
	ld	s8, 0x48(sp)
	ld	s9, 0x50(sp)
	ld	s10, 0x58(sp)
	ld	s11, 0x60(sp)
	ld	s0, 0x68(sp)
	fld	fs0, 0x70(sp)
	fld	fs1, 0x78(sp)
	fld	fs2, 0x80(sp)
	fld	fs3, 0x88(sp)
	fld	fs4, 0x90(sp)
	fld	fs5, 0x98(sp)
	fld	fs6, 0xa0(sp)
	fld	fs7, 0xa8(sp)
	fld	fs8, 0xb0(sp)
	fld	fs9, 0xb8(sp)
	fld	fs10, 0xc0(sp)
	fld	fs11, 0xc8(sp)
	ld	ra, 0(sp)
	addi	sp, sp, FRAME
	.cfi_adjust_cfa_offset -FRAME
	ret
	.cfi_endproc
FUNC_END(registers_across)

FUNC_BEGIN(stack_pointer):
	.cfi_startproc
	mv	a0, sp
	ret
	.cfi_endproc
FUNC_END(stack_pointer)

/* There is no red zone. */
FUNC_BEGIN(red_zone_survives):
	.cfi_startproc
1:	addi	a1, a1, -1
	bnez	a1, 1b
	li	a0, 1
	ret
	.cfi_endproc
FUNC_END(red_zone_survives)

.section .note.GNU-stack, "", %progbits
