/*
 * The program that measures the limits: the loop of GoToC around calls with ever more of what a call from Go to C has to do, and the threads of
 * ThreadsToGo, which here call C.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "crossing.h"

/* As limit.S knows it. */
struct limit_thread {
	uintptr_t go_sp;
	uint32_t retake;
	uintptr_t system_sp;
};

extern __thread struct limit_thread *limit_thread;

int limit_leaf(int a, int b);
int limit_leaf_locked(int a, int b);

static void plain_call(struct bench *b)
{
	for (int64_t i = 0; i < b->n; i++)
		leaf((int)i, 2);
}

static void stack_switch(struct bench *b)
{
	for (int64_t i = 0; i < b->n; i++)
		limit_leaf((int)i, 2);
}

static void stack_switch_locked(struct bench *b)
{
	for (int64_t i = 0; i < b->n; i++)
		limit_leaf_locked((int)i, 2);
}

int goLeaf(int a, int b)
{
	return leaf(a, b);
}

int goBounce(int depth)
{
	return bounce(depth);
}

static void threads(struct bench *b)
{
	one_call_per_thread((int)b->n);
}

static const struct bench_entry limits[] = {
	{"PlainCall", plain_call},
	{"StackSwitch", stack_switch},
	{"StackSwitchLocked", stack_switch_locked},
	{"Threads", threads},
	{0},
};

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char **argv)
{
	enum { STACK = 64 * 1024 };
	struct limit_thread *thread = calloc(1, sizeof(*thread));
	char *stack = aligned_alloc(4096, STACK);
	if (!thread || !stack)
		return 1;
	thread->system_sp = (uintptr_t)(stack + STACK);
	limit_thread = thread;
	bench_setup(argc, argv, limits);
	struct bench b = {0};
	while (bench_next(&b)) {
		int64_t start = now();
		b.entry->run(&b);
		b.ns = now() - start;
		bench_done(&b);
	}
	free(stack);
	free(thread);
	return 0;
}
