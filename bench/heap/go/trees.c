/*
 * Allocation and collection: bench/peer/heap_test.go. Stores of pointers go through the write barrier where a compiler of Go has to have it by gort.h:
 * for a global variable, but not for locals, nor in an object that has just been allocated.
 */
#include "benchmarks.h"
#include "memory.h"

GORT_CCALL(resident_bytes);

struct node {
	struct node *left, *right;
};

static const struct gort_type node_type;
static const struct gort_type node_pointer_type = {
	.size = 8,
	.ptrdata = 8,
	.kind = GORT_KIND_POINTER,
	.align = 8,
	.elem = &node_type,
	.name = "*node",
};
static const struct gort_field node_fields[] = {{&node_pointer_type, 0}, {&node_pointer_type, 8}};
static const struct gort_type node_type = {
	.size = 16,
	.ptrdata = 16,
	.kind = GORT_KIND_STRUCT,
	.align = 8,
	.len = 2,
	.fields = node_fields,
	.name = "node",
};

static struct node *sink;

static __attribute__((noinline)) struct node *tree(int depth)
{
	if (depth == 0)
		return gort_new(&node_type);
	struct node *left = tree(depth - 1);
	struct node *right = tree(depth - 1);
	struct node *n = gort_new(&node_type);
	n->left = left;
	n->right = right;
	return n;
}

static __attribute__((noinline)) int64_t count(const struct node *n)
{
	return n->left == NULL ? 1 : 1 + count(n->left) + count(n->right);
}

void alloc_small(struct bench *b)
{
	static bool known;
	if (!known)
		gort_add_roots(&sink, sizeof(sink));
	known = true;
	for (int64_t i = 0; i < b->n; i++)
		gort_store(&sink, gort_new(&node_type));
}

void binary_trees(struct bench *b)
{
	for (int64_t i = 0; i < b->n; i++) {
		struct node *volatile long_lived = tree(16);
		for (int depth = 4; depth <= 16; depth += 4)
			for (int k = 0; k < 1 << (16 - depth + 4); k++)
				count(tree(depth));
		if (count(long_lived) != (1 << 17) - 1)
			go_bench_fail("BinaryTrees: lost a node");
	}
}

enum { TREES = 64, MIB = 1 << 20 };

/* The longest of those that are kept, in microseconds. */
static double longest_pause(const struct gort_memstats *stats)
{
	uint64_t longest = 0;
	for (int i = 0; i < 256; i++)
		longest = stats->pause_ns[i] > longest ? stats->pause_ns[i] : longest;
	return (double)longest / 1000;
}

/* The slice of Go's lies on the stack as well: its size is a constant, and nobody else sees it. */
void collect_1_gib(struct bench *b)
{
	struct node *volatile keep[TREES];
	for (int i = 0; i < TREES; i++)
		keep[i] = tree(19);
	b->start = gort_nanotime();
	for (int64_t i = 0; i < b->n; i++)
		gort_gc();
	int64_t took = gort_nanotime() - b->start;
	static struct gort_memstats stats;
	gort_read_memstats(&stats);
	b->figures[0] = (struct bench_figure){longest_pause(&stats), "µs-longest-pause"};
	b->figures[1] = (struct bench_figure){(double)go_resident_bytes() / MIB, "MiB-resident"};
	for (int i = 0; i < TREES; i += TREES - 1)
		if (count(keep[i]) != (1 << 20) - 1)
			go_bench_fail("Collect1GiB: lost a node");
	b->start = gort_nanotime() - took;
}
