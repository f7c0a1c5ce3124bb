// What the harness needs in assembly, for AArch64. The images of registers are
//   0 x0 … x8 │ 80 v0 … v7 │ 248 sp

	.text

	.macro	address register, symbol
	adrp	\register, \symbol
	add	\register, \register, :lo12:\symbol
	.endm

// Saves what a callee must preserve, and where.
//   sp → │ x29 x30 x19 … x28 d8 … d15 ◄ context
	.macro	enter
	stp	x29, x30, [sp, #-160]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	address	x16, context
	mov	x17, sp
	str	x17, [x16]
	.endm

	.macro	registers step, at
	\step	x0, x1, [\at]
	\step	x2, x3, [\at, #16]
	\step	x4, x5, [\at, #32]
	\step	x6, x7, [\at, #48]
	\step	q0, q1, [\at, #80]
	\step	q2, q3, [\at, #112]
	\step	q4, q5, [\at, #144]
	\step	q6, q7, [\at, #176]
	.endm

// run_caller(x0 = a caller). The caller calls `observe`, which doesn't return to it but ends this function.
	.globl	run_caller
run_caller:
	enter
	blr	x0
	brk	#1

// Entered with everything where the convention wants it.
	.globl	observe
observe:
	address	x16, observed
	registers stp, x16
	str	x8, [x16, #64]
	mov	x17, sp
	str	x17, [x16, #248]
	address	x16, window
	mov	x9, #2048
1:	ldr	x10, [x17], #8
	str	x10, [x16], #8
	subs	x9, x9, #8
	b.ne	1b
leave:
	address	x16, context
	ldr	x17, [x16]
	mov	sp, x17
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #160
	ret

// run_callee(x0 = a callee): calls it with the registers and the stack of the images `loaded` and `stack`.
//   sp → │ 1,024 bytes of `stack`, aligned to 64 │ … │ what `enter` saved ◄ context
	.globl	run_callee
run_callee:
	enter
	mov	x19, x0
	mov	x17, sp
	sub	x17, x17, #1024
	and	x17, x17, #-64
	mov	sp, x17
	mov	x20, x17
	address	x16, stack
	mov	x9, #1024
1:	ldr	x10, [x16], #8
	str	x10, [x17], #8
	subs	x9, x9, #8
	b.ne	1b
	address	x16, loaded
	registers ldp, x16
	ldr	x8, [x16, #64]
	blr	x19
	address	x16, returned
	registers stp, x16
	str	x8, [x16, #64]
	mov	x17, sp
	sub	x17, x17, x20
	address	x16, popped
	str	x17, [x16]
	b	leave

	.local	context
	.comm	context, 8, 8
	.section .note.GNU-stack, "", %progbits
