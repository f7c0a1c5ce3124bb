/* C that calls Go, as it stands in the preamble of bench/peer/crossing.go; and how much memory there is. */
#include "crossing.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

void call_go(int n)
{
	for (int i = 0; i < n; i++)
		goLeaf(i, 1);
}

static void *thread_main(void *p)
{
	call_go((int)(intptr_t)p);
	return 0;
}

void call_go_from_thread(int n)
{
	pthread_t t;
	pthread_create(&t, 0, thread_main, (void *)(intptr_t)n);
	pthread_join(t, 0);
}

void one_call_per_thread(int n)
{
	for (int i = 0; i < n; i++)
		call_go_from_thread(1);
}

int bounce(int depth)
{
	return depth == 0 ? 0 : goBounce(depth - 1) + 1;
}

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
