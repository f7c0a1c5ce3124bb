/* The benchmarks, by the names that they have in bench/peer. */
#ifndef BENCHMARKS_H
#define BENCHMARKS_H

#include "bench.h"
#include "gort.h"

bench_fn go_to_c_buffer, go_to_c_checked, handles, strings;
bench_fn alloc_small, binary_trees, collect_1_gib;

/* The harness's stub. */
void go_bench_fail(const char *why);

#endif
