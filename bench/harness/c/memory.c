/* How much memory there is, as malloc and the system say. */
#include "memory.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

size_t malloc_bytes(void)
{
	struct mallinfo2 all = mallinfo2();
	return all.uordblks + all.hblkhd;
}

size_t resident_bytes(void)
{
	long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	if (statm) {
		if (fscanf(statm, "%*d %ld", &pages) != 1)
			pages = 0;
		fclose(statm);
	}
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}
