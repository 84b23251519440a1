/* SPDX-License-Identifier: MIT */
/*
 * registers_x86_64.S says what these do.  Order: x19 to x29, d8 to d15, fpcr.
 */
#include "arch/asm.h"

FUNC_BEGIN(registers_across):
	.cfi_startproc
	hint	#34
	sub	sp, sp, #0xc0
	.cfi_adjust_cfa_offset 0xc0
	stp	x29, x30, [sp]
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	stp	x19, x20, [sp, #0x10]
	stp	x21, x22, [sp, #0x20]
	stp	x23, x24, [sp, #0x30]
	stp	x25, x26, [sp, #0x40]
	stp	x27, x28, [sp, #0x50]
	stp	d8, d9, [sp, #0x60]
	stp	d10, d11, [sp, #0x70]
	stp	d12, d13, [sp, #0x80]
	stp	d14, d15, [sp, #0x90]
	mrs	x9, fpcr
	stp	x3, x9, [sp, #0xa0]
	mov	x16, x0
	mov	x9, x1
	mov	x10, x2
	ldp	x19, x20, [x10]
	ldp	x21, x22, [x10, #0x10]
	ldp	x23, x24, [x10, #0x20]
	ldp	x25, x26, [x10, #0x30]
	ldp	x27, x28, [x10, #0x40]
	ldr	x29, [x10, #0x50]
	ldp	d8, d9, [x10, #0x58]
	ldp	d10, d11, [x10, #0x68]
	ldp	d12, d13, [x10, #0x78]
	ldp	d14, d15, [x10, #0x88]
	ldr	x11, [x10, #0x98]
	msr	fpcr, x11
	ldp	x0, x1, [x9]
	ldr	x2, [x9, #0x10]
	blr	x16
	ldp	x10, x9, [sp, #0xa0]
	stp	x19, x20, [x10]
	stp	x21, x22, [x10, #0x10]
	stp	x23, x24, [x10, #0x20]
	stp	x25, x26, [x10, #0x30]
	stp	x27, x28, [x10, #0x40]
	str	x29, [x10, #0x50]
	stp	d8, d9, [x10, #0x58]
	stp	d10, d11, [x10, #0x68]
	stp	d12, d13, [x10, #0x78]
	stp	d14, d15, [x10, #0x88]
	mrs	x11, fpcr
	str	x11, [x10, #0x98]
	msr	fpcr, x9
	ldp	x29, x30, [sp]
	ldp	x19, x20, [sp, #0x10]
	ldp	x21, x22, [sp, #0x20]
	ldp	x23, x24, [sp, #0x30]
	ldp	x25, x26, [sp, #0x40]
	ldp	x27, x28, [sp, #0x50]
	ldp	d8, d9, [sp, #0x60]
	ldp	d10, d11, [sp, #0x70]
	ldp	d12, d13, [sp, #0x80]
	ldp	d14, d15, [sp, #0x90]
	add	sp, sp, #0xc0
	.cfi_adjust_cfa_offset -0xc0
	ret
	.cfi_endproc
FUNC_END(registers_across)

FUNC_BEGIN(stack_pointer):
	.cfi_startproc
	hint	#34
	mov	x0, sp
	ret
	.cfi_endproc
FUNC_END(stack_pointer)

/* There is no red zone. */
FUNC_BEGIN(red_zone_survives):
	.cfi_startproc
	hint	#34
1:	subs	x1, x1, #1
	b.ne	1b
	mov	w0, #1
	ret
	.cfi_endproc
FUNC_END(red_zone_survives)

.section .note.GNU-stack, "", %progbits
