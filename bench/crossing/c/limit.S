/*
 * What a call from Go to C costs at least: the same call with nothing but what the guarantees ask for.
 *
 *   limit_leaf          the thread is found, its stack is switched to, one store says "in C" and one takes it back, one load asks who wants the P
 *   limit_leaf_locked   the same, with the way back an atomic read-modify-write
 *
 * struct limit_thread: 0 go_sp, 8 retake, 16 system_sp.
 */
	.intel_syntax noprefix

	.section .tbss, "awT", @nobits
	.p2align 3
	.globl limit_thread
	.type limit_thread, @object
	.size limit_thread, 8
limit_thread:
	.zero 8

	.macro LIMIT_ENTER
	push rbp
	mov rbp, rsp
	push rbx
	mov rbx, qword ptr [rip + limit_thread@GOTTPOFF]
	mov rbx, qword ptr fs:[rbx]
	mov qword ptr [rbx], rsp
	mov rsp, qword ptr [rbx + 16]
	.endm

	.macro LIMIT_LEAVE
	cmp dword ptr [rbx + 8], 0
	jne limit_wanted
	pop rbx
	pop rbp
	ret
	.endm

	.text
	.p2align 4
	.globl limit_leaf
	.type limit_leaf, @function
limit_leaf:
	LIMIT_ENTER
	call leaf
	lea rsp, [rbp - 8]
	mov qword ptr [rbx], 0
	LIMIT_LEAVE
	.size limit_leaf, . - limit_leaf

	.p2align 4
	.globl limit_leaf_locked
	.type limit_leaf_locked, @function
limit_leaf_locked:
	LIMIT_ENTER
	call leaf
	lea rsp, [rbp - 8]
	mov rcx, rax
	mov rax, rsp
	xor esi, esi
	lock cmpxchg qword ptr [rbx], rsi
	jne limit_wanted
	mov rax, rcx
	LIMIT_LEAVE
	.size limit_leaf_locked, . - limit_leaf_locked

	/* Nobody wants the P here. */
limit_wanted:
	ud2

	.section .note.GNU-stack, "", @progbits
