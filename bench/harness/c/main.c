/* The program: its first goroutine runs the benchmarks. */
#include "bench.h"
#include "gort.h"

extern const struct bench_entry benchmarks[];
void run_benchmarks(void *unused);

int main(int argc, char **argv)
{
	bench_setup(argc, argv, benchmarks);
	return gort_main(argc, argv, run_benchmarks, NULL);
}
