# What the harness needs in assembly, for 32-bit x86. The images of registers are
#   0 eax ecx edx │ 16 st0 │ 32 st1 │ 248 esp

	.text

# run_caller(a caller). The caller calls `observe`, which doesn't return to it but ends this function.
#   esp → │ alignment │ ebx esi edi ebp ◄ context │ return address │ the caller to run
	.globl	run_caller
run_caller:
	push	%ebp
	push	%edi
	push	%esi
	push	%ebx
	movl	%esp, context
	movl	20(%esp), %eax
	subl	$12, %esp
	call	*%eax
	ud2

# Entered with everything where the convention wants it.
	.globl	observe
observe:
	movl	%eax, observed+0
	movl	%ecx, observed+4
	movl	%edx, observed+8
	movl	%esp, observed+248
	movl	%esp, %esi
	movl	$window, %edi
	movl	$2048, %ecx
	cld
	rep movsb
leave:
	movl	context, %esp
	pop	%ebx
	pop	%esi
	pop	%edi
	pop	%ebp
	ret

# run_callee(a callee): calls it with the registers and the stack of the images `loaded` and `stack`.
#   esp → │ 1,024 bytes of `stack`, aligned to 64 │ … │ ebx esi edi ebp ◄ context │ return address │ the callee to run
	.globl	run_callee
run_callee:
	push	%ebp
	push	%edi
	push	%esi
	push	%ebx
	movl	%esp, context
	movl	20(%esp), %eax
	movl	%eax, target
	andl	$-64, %esp
	subl	$1024, %esp
	movl	$stack, %esi
	movl	%esp, %edi
	movl	$1024, %ecx
	cld
	rep movsb
	movl	%esp, before
	fninit
	movl	loaded+0, %eax
	movl	loaded+4, %ecx
	movl	loaded+8, %edx
	call	*target
	movl	%eax, returned+0
	movl	%edx, returned+8
	fstpt	returned+16
	fstpt	returned+32
	fninit
	movl	%esp, %eax
	subl	before, %eax
	movl	%eax, popped
	jmp	leave

	.local	context, target, before
	.comm	context, 4, 4
	.comm	target, 4, 4
	.comm	before, 4, 4
	.section .note.GNU-stack, "", @progbits
