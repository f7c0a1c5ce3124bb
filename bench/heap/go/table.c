/* All of them. The files in this directory are compiled as Go is: they check their stack. */
#include "benchmarks.h"

const struct bench_entry benchmarks[] = {
	{"GoToCBuffer", go_to_c_buffer},
	{"GoToCChecked", go_to_c_checked},
	{"Handles", handles},
	{"Strings", strings},
	{"AllocSmall", alloc_small},
	{"BinaryTrees", binary_trees},
	{"Collect1GiB", collect_1_gib},
	{0},
};
