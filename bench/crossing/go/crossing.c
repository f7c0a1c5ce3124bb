/*
 * Calls between Go and C: bench/peer/crossing.go and crossing_test.go. The functions of C are the same text, compiled by the same compiler at the
 * same level. What Go's wrappers do on top of a call (an argument struct, a check of pointers) they do for reasons of their own.
 */
#include "crossing.h"
#include "benchmarks.h"

GORT_CCALL(leaf);
/* The struct is in registers on its way, as Go passes it to its own wrapper. */
int64_t go_quad_sum(int64_t a, int64_t b, int64_t c, int64_t d) __attribute__((visibility("hidden")));
GORT_CCALL_WORDS(quad_sum, 4);
GORT_CCALL(call_go);
GORT_CCALL(call_go_from_thread);
GORT_CCALL(one_call_per_thread);
GORT_CCALL(bounce);

__attribute__((used)) static int leaf_in_go(int a, int b)
{
	return a + b;
}

__attribute__((used)) static int bounce_in_go(int depth)
{
	return go_bounce(depth);
}

GORT_EXPORT(goLeaf, leaf_in_go);
GORT_EXPORT(goBounce, bounce_in_go);

/* Not inlined: GoToCParallel calls it for each single call of C, as Go's does. */
static __attribute__((noinline)) void call_leaf(int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		go_leaf((int)i, 2);
}

void go_to_c(struct bench *b)
{
	call_leaf(b->n);
}

void go_to_c_struct(struct bench *b)
{
	quad q = {1, 2, 3, 4};
	int64_t sum = 0;
	for (int64_t i = 0; i < b->n; i++)
		sum += go_quad_sum(q.a, q.b, q.c, q.d);
	if (sum != 10 * b->n)
		go_bench_fail("GoToCStruct: wrong sum");
}

void c_to_go(struct bench *b)
{
	go_call_go((int)b->n);
}

void thread_to_go(struct bench *b)
{
	go_call_go_from_thread((int)b->n);
}

void threads_to_go(struct bench *b)
{
	go_one_call_per_thread((int)b->n);
}

void bounce_100(struct bench *b)
{
	for (int64_t i = 0; i < b->n; i++)
		if (go_bounce(100) != 100)
			go_bench_fail("Bounce100: lost a frame");
}

/* testing.B.RunParallel: as many goroutines as Ps share the n iterations; each takes some 100 µs' worth at a time. */
struct parallel {
	int64_t taken, n, grain;
	struct gort_waitgroup done;
};

struct share {
	struct parallel *all;
	int64_t left;
};

static __attribute__((noinline)) bool next(struct share *mine)
{
	if (mine->left == 0) {
		struct parallel *all = mine->all;
		int64_t taken = __atomic_add_fetch(&all->taken, all->grain, __ATOMIC_SEQ_CST);
		if (taken >= all->n + all->grain)
			return false;
		mine->left = taken <= all->n ? all->grain : all->n + all->grain - taken;
	}
	mine->left--;
	return true;
}

static void parallel_worker(void *arg)
{
	struct share mine = {.all = arg};
	while (next(&mine))
		call_leaf(1);
	gort_waitgroup_done(&mine.all->done);
}

void go_to_c_parallel(struct bench *b)
{
	int64_t grain = b->previous_ns > 0 ? 100000 * b->previous_n / b->previous_ns : 1;
	grain = grain < 1 ? 1 : grain > 10000 ? 10000 : grain;
	struct parallel all = {.n = b->n, .grain = grain};
	int workers = gort_gomaxprocs(0);
	gort_waitgroup_add(&all.done, workers);
	for (int i = 0; i < workers; i++)
		gort_go(parallel_worker, &all);
	gort_waitgroup_wait(&all.done);
}
