/* C that only computes, as it stands in the preamble of bench/peer/crossing.go; in a file of its own, so that it is called and not inlined. */
#include "crossing.h"

int leaf(int a, int b)
{
	return a + b;
}

int64_t quad_sum(quad q)
{
	return q.a + q.b + q.c + q.d;
}
