/* A program whose own stacks grow (gcc -fsplit-stack, libgcc's __morestack): it uses the word of the stack check itself. */
#include <pthread.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

static inline uintptr_t word(void)
{
	uintptr_t word;
	__asm__ volatile("mov %%fs:0x70, %0" : "=r"(word));
	return word;
}

__attribute__((noinline)) static int64_t own_deep(int64_t depth)
{
	volatile char local[1000];
	local[depth % 1000] = 1;
	return depth == 0 ? 0 : own_deep(depth - local[depth % 1000]) + 1;
}

static int64_t own_deep_of_c(void *depth)
{
	return own_deep((int64_t)depth);
}

static void *uses_both(void *arg)
{
	for (int64_t n = 0; n < 100; n++) {
		uintptr_t before = word();
		check(before != 0);
		check_equal(a_deep(n * 100), n * 100);
		/* Or somebody has asked a goroutine to give way that had just returned: then the next function that checks grows the stack for once. */
		check(word() == before || word() == UINTPTR_MAX);
		/* This may move it: the program's own. */
		check_equal(own_deep(5000), 5000);
		check_equal(a_through(own_deep_of_c, (void *)300), 301);
	}
	return arg;
}

CASE(a_program_whose_stacks_grow_by_themselves)
{
	pthread_t thread;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 512 << 10);
	check_equal(pthread_create(&thread, &small, uses_both, NULL), 0);
	pthread_join(thread, NULL);
	uses_both(NULL);
}
