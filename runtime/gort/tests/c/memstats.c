/* What is counted. */
#include "case.h"

#include <pthread.h>

int stats_from_c(void);
int stats_from_a_thread(void);

#ifdef GORT_GO_TEXT

GORT_DECLARE_STUB(stats_from_c);
GORT_CCALL(stats_from_c);
GORT_DECLARE_STUB(stats_from_a_thread);
GORT_CCALL(stats_from_a_thread);

static const struct gort_type byte_type = {.size = 1, .kind = GORT_KIND_UINT8, .align = 1};

/* What holds at any moment. */
static void check_whole(const struct gort_memstats *s)
{
	uint64_t mallocs = 0, frees = 0;
	for (int i = 0; i < GORT_SIZE_CLASSES; i++) {
		check(s->by_size[i].mallocs >= s->by_size[i].frees);
		check(i < 2 || s->by_size[i].size > s->by_size[i - 1].size);
		mallocs += s->by_size[i].mallocs;
		frees += s->by_size[i].frees;
	}
	check_equal(s->mallocs, mallocs);
	check_equal(s->frees, frees);
	check_equal(s->heap_objects, s->mallocs - s->frees);
	check_equal(s->heap_sys, s->heap_inuse + s->heap_idle);
	check_equal(s->sys, s->heap_sys + s->stack_sys + s->gc_sys + s->other_sys);
	check_equal(s->alloc, s->heap_alloc);
	check(s->heap_released <= s->heap_idle);
	check(s->heap_alloc <= s->heap_inuse);
	check(s->heap_alloc <= s->total_alloc);
	check(s->stack_inuse > 0 && s->stack_inuse <= s->stack_sys);
}

CASE(every_object_is_counted)
{
	struct gort_memstats before, after;
	gort_read_memstats(&before);
	check_whole(&before);
	for (int i = 0; i < 1000; i++)
		gort_keep_alive(gort_new_array(&byte_type, 100));
	gort_keep_alive(gort_new_array(&byte_type, 1 << 20));
	gort_read_memstats(&after);
	check_whole(&after);
	check_equal(after.mallocs - before.mallocs, 1001);
	check_equal(after.total_alloc - before.total_alloc, 1000 * 112 + (1 << 20));
	check_equal(after.by_size[7].size, 112);
	check_equal(after.by_size[7].mallocs - before.by_size[7].mallocs, 1000);
	check_equal(after.by_size[0].mallocs - before.by_size[0].mallocs, 1);
}

static volatile int stop;

static void allocate(void *arg)
{
	for (size_t size = 1; !stop; size = size > 100000 ? 1 : size * 2)
		gort_keep_alive(gort_new_array(&byte_type, size));
	gort_waitgroup_done(arg);
}

CASE(what_is_counted_fits_together_at_any_moment)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 4);
	for (int i = 0; i < 4; i++)
		gort_go(allocate, &done);
	struct gort_memstats stats, last = {0};
	for (int i = 0; i < 100; i++) {
		gort_read_memstats(&stats);
		check_whole(&stats);
		check(stats.mallocs >= last.mallocs && stats.frees >= last.frees && stats.total_alloc >= last.total_alloc);
		last = stats;
		gort_gosched();
	}
	stop = 1;
	gort_waitgroup_wait(&done);
}

static void read_on(void *arg)
{
	struct gort_memstats stats;
	for (int i = 0; i < 100; i++) {
		gort_read_memstats(&stats);
		check_whole(&stats);
	}
	gort_waitgroup_done(arg);
}

CASE(many_count_at_once)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 8);
	for (int i = 0; i < 8; i++)
		gort_go(read_on, &done);
	gort_waitgroup_wait(&done);
}

CASE(c_counts_as_well)
{
	check_equal(go_stats_from_c(), 1);
	check_equal(go_stats_from_a_thread(), 1);
}

#else

/* Whether there is a heap with its parts. */
int stats_from_c(void)
{
	static struct gort_memstats stats;
	gort_read_memstats(&stats);
	return stats.heap_sys == stats.heap_inuse + stats.heap_idle && stats.sys > 0 && stats.threads > 0;
}

static void *count(void *to)
{
	*(int *)to = stats_from_c();
	return NULL;
}

int stats_from_a_thread(void)
{
	pthread_t thread;
	int good = 0;
	if (pthread_create(&thread, NULL, count, &good) != 0 || pthread_join(thread, NULL) != 0)
		return 0;
	return good;
}

#endif
