/* Two libraries of compiled Go, each with its own copy of the runtime, in one process. */
#include <pthread.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

struct copy {
	int64_t (*deep)(int64_t);
	int64_t (*through)(function, void *);
	int64_t (*through_quickly)(function, void *);
	int64_t (*on_goroutine)(function, void *);
	int64_t (*talk)(int64_t);
	int64_t (*preempt)(int64_t);
	int64_t (*busy)(int64_t);
	int64_t (*recover)(void);
	int64_t (*collect)(int64_t);
	int64_t (*fault)(void);
	int64_t (*recover_from)(function, void *);
	int64_t (*panic)(void *);
};
#define COPY(x) {x##_deep, x##_through, x##_through_quickly, x##_on_goroutine, x##_talk, x##_preempt, x##_busy, x##_recover, x##_collect, \
	x##_fault, x##_recover_from, x##_panic}
static const struct copy copies[2] = {COPY(a), COPY(b)};

CASE(one_thread_runs_goroutines_of_both)
{
	for (int64_t n = 0; n < 300; n++)
		for (int i = 0; i < 2; i++) {
			check_equal(copies[i].deep(n * 40), n * 40);
			check_equal(copies[i].talk(n % 7), n % 7);
		}
}

/* Through a, b, a, b …, `arg` levels deep. */
static int64_t down(void *arg)
{
	intptr_t level = (intptr_t)arg;
	const struct copy *copy = &copies[level % 2];
	check_equal(copy->deep(level * 100), level * 100);
	if (level == 0)
		return 0;
	int64_t result = copy->through(down, (void *)(level - 1));
	check_equal(copy->deep(level * 100), level * 100);
	return result;
}

CASE(calls_nest_through_both)
{
	for (intptr_t level = 0; level < 40; level++)
		check_equal(down((void *)level), level);
}

/* The same, each level in a goroutine of its own. */
static int64_t down_on_goroutines(void *arg)
{
	intptr_t level = (intptr_t)arg;
	const struct copy *copy = &copies[level % 2];
	if (level == 0)
		return 0;
	int64_t result = copy->on_goroutine(down_on_goroutines, (void *)(level - 1));
	check_equal(copy->deep(level * 100), level * 100);
	check_equal(copy->talk(3), 3);
	return result;
}

CASE(goroutines_of_both_call_each_other)
{
	for (intptr_t level = 0; level < 20; level++)
		check_equal(down_on_goroutines((void *)level), level);
}

static int64_t deep_in_b(void *unused)
{
	return b_deep(50);
}

static int64_t busy_in_b(void *unused)
{
	return b_busy(1);
}

CASE(a_call_that_leaves_no_mark_may_call_the_other_copy)
{
	for (int n = 0; n < 200; n++) {
		check_equal(a_through_quickly(deep_in_b, NULL), 51);
		check(a_through_quickly(busy_in_b, NULL) > 1);
	}
}

static int64_t ends_deep(void *copy)
{
	return ((const struct copy *)copy)->deep(4000);
}

CASE(stacks_that_grow_after_the_other_copy_has_run)
{
	for (int n = 0; n < 100; n++)
		for (int i = 0; i < 2; i++) {
			check_equal(copies[i].on_goroutine(ends_deep, (void *)&copies[!i]), 4001);
			check_equal(copies[i].on_goroutine(ends_deep, (void *)&copies[i]), 4001);
		}
}

static void *calls_both(void *arg)
{
	intptr_t n = (intptr_t)arg;
	check_equal(copies[n % 2].deep(n), n);
	check_equal(down((void *)(n % 5)), n % 5);
	check_equal(down_on_goroutines((void *)(n % 4)), n % 4);
	check_equal(copies[!(n % 2)].talk(5), 5);
	return NULL;
}

CASE(threads_that_call_both_come_and_go)
{
	for (intptr_t n = 0; n < 400; n += 8) {
		pthread_t threads[8];
		for (int i = 0; i < 8; i++)
			check_equal(pthread_create(&threads[i], NULL, calls_both, (void *)(n + i)), 0);
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
}

// env GOMAXPROCS=1
CASE(each_preempts_its_own_goroutines)
{
	for (int n = 0; n < 4; n++)
		for (int i = 0; i < 2; i++)
			check_equal(copies[i].preempt(5), 5);
}

static void *preempts(void *copy)
{
	check_equal(((const struct copy *)copy)->preempt(20), 20);
	return NULL;
}

static int64_t busy_in(void *copy)
{
	return ((const struct copy *)copy)->busy(30);
}

static void *busy_nested(void *arg)
{
	for (int n = 0; n < 10; n++)
		for (int i = 0; i < 2; i++)
			check(copies[i].on_goroutine(busy_in, (void *)&copies[!i]) > 1);
	return arg;
}

CASE(both_preempt_at_once)
{
	pthread_t threads[4];
	for (int i = 0; i < 2; i++) {
		check_equal(pthread_create(&threads[i], NULL, preempts, (void *)&copies[i]), 0);
		check_equal(pthread_create(&threads[2 + i], NULL, busy_nested, NULL), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static int64_t recover_in(void *copy)
{
	return ((const struct copy *)copy)->recover();
}

CASE(each_recovers_its_own_panics)
{
	for (int n = 0; n < 100; n++)
		for (int i = 0; i < 2; i++) {
			check_equal(copies[i].recover(), 7);
			check_equal(copies[i].through(recover_in, (void *)&copies[!i]), 8);
			check_equal(copies[i].on_goroutine(recover_in, (void *)&copies[!i]), 8);
		}
}

static int64_t fault_in(void *copy)
{
	return ((const struct copy *)copy)->fault();
}

CASE(each_recovers_its_own_faults)
{
	for (int n = 0; n < 50; n++)
		for (int i = 0; i < 2; i++) {
			check_equal(copies[i].fault(), 7);
			check_equal(copies[i].through(fault_in, (void *)&copies[!i]), 8);
			check_equal(copies[i].on_goroutine(fault_in, (void *)&copies[!i]), 8);
		}
}

static int64_t panics_beyond(void *arg)
{
	intptr_t i = (intptr_t)arg;
	return copies[!i].through(copies[i].panic, NULL);
}

/* What the other's Go had in between is lost, as C's frames are; it can be called as before. */
CASE(a_panic_passes_frames_of_the_other_copy)
{
	for (int n = 0; n < 50; n++)
		for (intptr_t i = 0; i < 2; i++) {
			check_equal(copies[i].recover_from(panics_beyond, (void *)i), 7);
			check_equal(copies[!i].deep(3000), 3000);
			check_equal(copies[!i].through(down, (void *)(5 + i)), 6 + i);
			check_equal(copies[!i].talk(3), 3);
		}
}

// exit 2
// stderr panic: nobody recovers this
// stderr go_panic
CASE(a_panic_that_nobody_recovers_ends_both)
{
	check_equal(a_deep(10), 10);
	b_through(a_panic, NULL);
}

// exit 2
// stderr goroutine stack exceeds
// stderr fatal error: stack overflow
CASE(a_stack_that_never_ends_is_told_by_its_own_copy)
{
	check_equal(b_deep(10), 10);
	a_deep(INT64_MAX);
}

static int64_t collect_in(void *copy)
{
	return ((const struct copy *)copy)->collect(2000);
}

static void *collects_nested(void *arg)
{
	for (int n = 0; n < 20; n++)
		for (int i = 0; i < 2; i++) {
			check_equal(copies[i].on_goroutine(collect_in, (void *)&copies[!i]), 2001);
			check_equal(copies[i].through(collect_in, (void *)&copies[!i]), 2001);
		}
	return arg;
}

/* Too much is allocated for a collection at each time. */
// env GORT_DEBUG=poison,checkheap
CASE(both_collect_what_is_theirs)
{
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&threads[i], NULL, collects_nested, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}
