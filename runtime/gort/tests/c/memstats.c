/* What is counted. */
#include "case.h"

#include <pthread.h>

int stats_from_c(void);
int stats_from_a_thread(void);
int64_t resident_mib(void);

#ifdef GORT_GO_TEXT

GORT_DECLARE_STUB(stats_from_c);
GORT_CCALL(stats_from_c);
GORT_DECLARE_STUB(stats_from_a_thread);
GORT_CCALL(stats_from_a_thread);
GORT_DECLARE_STUB(resident_mib);
GORT_CCALL(resident_mib);

static const struct gort_type byte_type = {.size = 1, .kind = GORT_KIND_UINT8, .align = 1};
static const struct gort_type pointer_type = {.size = 8, .ptrdata = 8, .kind = GORT_KIND_POINTER, .align = 8};

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
	for (int i = 0; i < 30; i++) {
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

/* Touches every page of so many bytes, and keeps them. */
static void *spike(void *volatile *keep, size_t count, size_t bytes)
{
	void **all = gort_new_array(&pointer_type, count);
	*keep = all;
	for (size_t i = 0; i < count; i++) {
		uint8_t *block = gort_new_array(&byte_type, bytes);
		for (size_t at = 0; at < bytes; at += 4096)
			block[at] = 1;
		gort_store(&all[i], block);
	}
	return all;
}

static void spikes(void *arg)
{
	void *volatile keep;
	spike(&keep, 200, 1 << 20);
	check(go_resident_mib() >= 200);
	keep = NULL;
	spike(&keep, 200 << 10, 1 << 10);
	check(go_resident_mib() >= 200);
	keep = NULL;
	gort_waitgroup_done(arg);
}

/* Too much is allocated for a collection at each time, and what is overwritten takes memory. */
// env GORT_DEBUG=
CASE(a_spike_goes_back_to_the_system)
{
	struct gort_waitgroup done = {0};
	struct gort_memstats before, after;
	int64_t first = go_resident_mib();
	gort_read_memstats(&before);
	gort_waitgroup_add(&done, 1);
	gort_go(spikes, &done);
	gort_waitgroup_wait(&done);
	for (int i = 0; i < 3; i++)
		gort_gc();
	gort_read_memstats(&after);
	check_whole(&after);
	check(after.num_gc >= before.num_gc + 3 && after.num_forced_gc >= before.num_forced_gc + 3);
	check(after.frees > before.frees + (200 << 10));
	check(after.heap_alloc < 20 << 20);
	check(after.heap_released > 150 << 20);
	/* Little more than what the next collection leaves. */
	check(go_resident_mib() < first + 60);
	gort_free_os_memory();
	gort_read_memstats(&after);
	check_whole(&after);
	check(after.heap_idle - after.heap_released < 4 << 20);
	check(go_resident_mib() < first + 40);
}

/* Too much is allocated for a collection at each time, and what is overwritten takes memory. */
// env GOGC=off
// env GOMEMLIMIT=64MiB
// env GORT_DEBUG=
CASE(a_memory_limit_is_kept_to)
{
	int64_t first = go_resident_mib(), most = 0;
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 10 << 10; i++)
			*(uint8_t *)gort_new_array(&byte_type, 1 << 10) = 1;
		int64_t now = go_resident_mib() - first;
		most = now > most ? now : most;
	}
	struct gort_memstats stats;
	gort_read_memstats(&stats);
	check(stats.num_gc >= 2 && stats.num_forced_gc == 0);
	check(stats.total_alloc >= 600 << 20);
	check(most > 30);
	/* How far it goes beyond the limit is up to how soon the collector's thread is given a processor. */
	check(most < 250);
	check_equal(gort_set_memory_limit(-1), 64 << 20);
}

CASE(collections_are_counted)
{
	struct gort_memstats before, after;
	gort_read_memstats(&before);
	int64_t start = gort_nanotime();
	for (int i = 0; i < 10; i++)
		gort_gc();
	int64_t took = gort_nanotime() - start;
	gort_read_memstats(&after);
	check_equal(after.num_gc - before.num_gc, 10);
	check_equal(after.num_forced_gc - before.num_forced_gc, 10);
	uint64_t pauses = 0, last = 0;
	for (uint32_t n = before.num_gc; n < after.num_gc; n++) {
		pauses += after.pause_ns[n % 256];
		check(after.pause_ns[n % 256] > 0 && after.pause_end[n % 256] >= last);
		last = after.pause_end[n % 256];
	}
	check_equal(pauses, after.pause_total_ns - before.pause_total_ns);
	check(pauses < (uint64_t)took);
	check_equal(after.last_gc, last);
	check(after.next_gc >= 1 << 20 && after.next_gc < 100 << 20);
	check(after.gc_cpu_fraction > 0 && after.gc_cpu_fraction < 1);
}

#else

/* The process's memory, in MiB. */
int64_t resident_mib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		return -1;
	fclose(file);
	return pages * 4 / 1024;
}

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
