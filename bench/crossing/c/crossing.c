/* C that calls Go, as it stands in the preamble of bench/peer/crossing.go. */
#include "crossing.h"

#include <pthread.h>

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
