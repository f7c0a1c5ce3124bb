/* The benchmarks, by the names that they have in bench/peer. */
#ifndef BENCHMARKS_H
#define BENCHMARKS_H

#include "bench.h"
#include "gort.h"

bench_fn go_to_c, go_to_c_struct, c_to_go, thread_to_go, threads_to_go, bounce_100, go_to_c_parallel;
bench_fn spawn, spawn_many, ping_pong, yield, parked_bytes;

/* The harness's stub. */
void go_bench_fail(const char *why);

#endif
