/* C that looks at Go's memory, as it stands in the preamble of bench/peer/crossing.go; in a file of its own, so that it is called and not inlined. */
#include "buffer.h"

int64_t buf_sum(const uint8_t *p, size_t n)
{
	int64_t s = 0;
	for (size_t i = 0; i < n; i++)
		s += p[i];
	return s;
}

int64_t buffer_length(const buffer *b)
{
	return (int64_t)b->n;
}
