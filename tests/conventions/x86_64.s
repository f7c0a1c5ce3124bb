# What the harness needs in assembly, for x86-64. The images of registers are
#   0 rax rcx rdx rsi rdi r8 r9 r10 r11 │ 80 xmm0 … xmm7 │ 208 st0 │ 224 st1 │ 248 rsp

	.text

# run_caller(rdi = a caller). The caller calls `observe`, which doesn't return to it but ends this function.
#   rsp → │ room for a Win64 callee, alignment │ rbx rbp r12 … r15 ◄ context │ return address
	.globl	run_caller
run_caller:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbp
	push	%rbx
	movq	%rsp, context(%rip)
	subq	$40, %rsp
	call	*%rdi
	ud2

# Entered with everything where the convention wants it.
	.globl	observe
observe:
	movq	%rax, observed+0(%rip)
	movq	%rcx, observed+8(%rip)
	movq	%rdx, observed+16(%rip)
	movq	%rsi, observed+24(%rip)
	movq	%rdi, observed+32(%rip)
	movq	%r8, observed+40(%rip)
	movq	%r9, observed+48(%rip)
	movq	%r10, observed+56(%rip)
	movq	%r11, observed+64(%rip)
	movups	%xmm0, observed+80(%rip)
	movups	%xmm1, observed+96(%rip)
	movups	%xmm2, observed+112(%rip)
	movups	%xmm3, observed+128(%rip)
	movups	%xmm4, observed+144(%rip)
	movups	%xmm5, observed+160(%rip)
	movups	%xmm6, observed+176(%rip)
	movups	%xmm7, observed+192(%rip)
	movq	%rsp, observed+248(%rip)
	movq	%rsp, %rsi
	leaq	window(%rip), %rdi
	movl	$2048, %ecx
	cld
	rep movsb
leave:
	movq	context(%rip), %rsp
	pop	%rbx
	pop	%rbp
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	ret

# run_callee(rdi = a callee): calls it with the registers and the stack of the images `loaded` and `stack`.
#   rsp → │ 1,024 bytes of `stack`, aligned to 64 │ … │ rbx rbp r12 … r15 ◄ context │ return address
	.globl	run_callee
run_callee:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbp
	push	%rbx
	movq	%rsp, context(%rip)
	movq	%rdi, target(%rip)
	andq	$-64, %rsp
	subq	$1024, %rsp
	leaq	stack(%rip), %rsi
	movq	%rsp, %rdi
	movl	$1024, %ecx
	cld
	rep movsb
	movq	%rsp, before(%rip)
	fninit
	movups	loaded+80(%rip), %xmm0
	movups	loaded+96(%rip), %xmm1
	movups	loaded+112(%rip), %xmm2
	movups	loaded+128(%rip), %xmm3
	movups	loaded+144(%rip), %xmm4
	movups	loaded+160(%rip), %xmm5
	movups	loaded+176(%rip), %xmm6
	movups	loaded+192(%rip), %xmm7
	movq	loaded+0(%rip), %rax
	movq	loaded+8(%rip), %rcx
	movq	loaded+16(%rip), %rdx
	movq	loaded+24(%rip), %rsi
	movq	loaded+32(%rip), %rdi
	movq	loaded+40(%rip), %r8
	movq	loaded+48(%rip), %r9
	movq	loaded+56(%rip), %r10
	movq	loaded+64(%rip), %r11
	call	*target(%rip)
	movq	%rax, returned+0(%rip)
	movq	%rdx, returned+16(%rip)
	movups	%xmm0, returned+80(%rip)
	movups	%xmm1, returned+96(%rip)
	fstpt	returned+208(%rip)
	fstpt	returned+224(%rip)
	fninit
	movq	%rsp, %rax
	subq	before(%rip), %rax
	movq	%rax, popped(%rip)
	jmp	leave

	.local	context, target, before
	.comm	context, 8, 8
	.comm	target, 8, 8
	.comm	before, 8, 8
	.section .note.GNU-stack, "", @progbits
