/* Panics of goroutines that are on another thread by then than where they deferred. */
#include "case.h"

uintptr_t this_thread(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(this_thread);

static int moved;

static void recover(void *unused)
{
	check(gort_recover(NULL));
}

static void move_and_panic(void)
{
	struct gort_defer record;
	uintptr_t before = go_this_thread();
	if (gort_defer_push(&record, recover, NULL))
		return gort_defer_return(&record);
	for (int i = 1; i < 50 && go_this_thread() == before; i++)
		i % 10 ? gort_gosched() : gort_sleep(1000);
	if (go_this_thread() != before)
		__atomic_fetch_add(&moved, 1, __ATOMIC_RELAXED);
	gort_panic_string("elsewhere");
}

static void panic_and_panic(void *done)
{
	for (int i = 0; i < 300; i++)
		move_and_panic();
	gort_waitgroup_done(done);
}

static void stay_busy(void *done)
{
	for (int i = 0; i < 3000; i++)
		gort_gosched();
	gort_waitgroup_done(done);
}

// env GOMAXPROCS=4
CASE(panic_on_another_thread)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 8);
	for (int i = 0; i < 4; i++) {
		gort_go(panic_and_panic, &done);
		gort_go(stay_busy, &done);
	}
	gort_waitgroup_wait(&done);
	check(moved > 0);
}

#else

#include <pthread.h>

uintptr_t this_thread(void)
{
	return (uintptr_t)pthread_self();
}

#endif
