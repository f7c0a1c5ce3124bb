/* The first goroutine. Compiled as Go is: it checks its stack. */
#include "bench.h"
#include "gort.h"

extern const struct bench_entry benchmarks[];

GORT_CCALL(bench_next);
GORT_CCALL(bench_done);
GORT_CCALL(bench_fail);

void run_benchmarks(void *unused)
{
	(void)unused;
	struct bench b = {0};
	while (go_bench_next(&b)) {
		/* As package testing does: what other runs have left is not this one's. */
		gort_gc();
		b.start = gort_nanotime();
		b.entry->run(&b);
		b.ns = gort_nanotime() - b.start;
		go_bench_done(&b);
	}
}
