/* Memory that the collector manages. */
#include "case.h"

#ifdef GORT_GO_TEXT

struct node {
	struct node *left, *right;
};

static const uint8_t both[] = {3};
static const struct gort_type node_type = {
	.size = sizeof(struct node),
	.ptrdata = sizeof(struct node),
	.ptrmask = both,
	.kind = GORT_KIND_STRUCT,
	.align = 8,
};
static const struct gort_type byte_type = {.size = 1, .kind = GORT_KIND_UINT8, .align = 1};

static struct node *tree(int depth)
{
	struct node *n;
	if (depth == 0)
		return gort_new(&node_type);
	struct node *left = tree(depth - 1), *right = tree(depth - 1);
	n = gort_new(&node_type);
	n->left = left;
	n->right = right;
	return n;
}

static int count(const struct node *n)
{
	return n->left ? 1 + count(n->left) + count(n->right) : 1;
}

CASE(a_tree_has_its_nodes)
{
	check_equal(count(tree(10)), (1 << 11) - 1);
}

CASE(new_memory_is_zero_in_every_size)
{
	for (size_t size = 1; size < 200000; size += size / 3 + 1) {
		for (int round = 0; round < 3; round++) {
			uint8_t *bytes = gort_new_array(&byte_type, size);
			check_equal((uintptr_t)bytes % 16, 0);
			for (size_t i = 0; i < size; i++) {
				check_equal(bytes[i], 0);
				bytes[i] = 0xff;
			}
		}
	}
}

CASE(nothing_is_something)
{
	check(gort_new_array(&byte_type, 0) != NULL);
	check(gort_new_array(&byte_type, 0) == gort_new_array(&node_type, 0));
}

// exit 2
// stderr panic: runtime error: makeslice: len out of range
CASE(more_than_there_are_addresses)
{
	gort_new_array(&node_type, SIZE_MAX / 8);
}

#endif
