/* SetCgoTraceback: C is told of every way from C into Go, and of its end. */
#include "case.h"

void count_context(void *argument);
void other_context(void *argument);
void reset_contexts(void);
int64_t contexts_open(void);
int64_t contexts_begun(void);
int64_t context_was_in_order(void);
int64_t nest(int64_t depth);
int64_t nest_in_go(int64_t depth);
double mix(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h, double i);
double call_mix(void);
void panic_in_go(int64_t depth);
void call_panic(int64_t depth);
void thread_of_c_nests(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(reset_contexts);
GORT_CCALL(contexts_open);
GORT_CCALL(contexts_begun);
GORT_CCALL(context_was_in_order);
GORT_CCALL(nest);
GORT_CCALL(call_mix);
GORT_CCALL(call_panic);
GORT_CCALL(thread_of_c_nests);

__attribute__((used)) static int64_t go_nest_in_go(int64_t depth)
{
	if (depth % 3 == 0)
		gort_gosched();
	return depth == 0 ? go_contexts_open() : go_nest(depth - 1);
}
GORT_EXPORT(nest_in_go, go_nest_in_go);

__attribute__((used)) static double go_mix(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h, double i)
{
	gort_gosched();
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + i;
}
GORT_EXPORT_STACK(mix, go_mix, 16);

__attribute__((used)) static void go_panic_in_go(int64_t depth)
{
	if (depth == 0)
		gort_panic_string("with contexts");
	go_call_panic(depth - 1);
}
GORT_EXPORT(panic_in_go, go_panic_in_go);

static void recover(void *unused)
{
	check(gort_recover(NULL));
}

__attribute__((noinline)) static int recovers(int64_t depth)
{
	struct gort_defer only;
	if (gort_defer_push(&only, recover, NULL))
		return -1;
	go_call_panic(depth);
	return 1;
}

static void nests(void *group)
{
	for (int i = 0; i < 200; i++) {
		go_nest(i % 10);
		gort_gosched();
	}
	gort_waitgroup_done(group);
}

CASE(contexts_of_nested_calls)
{
	check_equal(go_nest(3), 0);
	gort_set_cgo_traceback(0, NULL, count_context, NULL);
	/* The same once more is allowed. */
	gort_set_cgo_traceback(0, NULL, count_context, NULL);
	check_equal(go_nest(0), 1);
	check_equal(go_nest(20), 21);
	check_equal(go_contexts_open(), 0);
	check_equal(go_contexts_begun(), 22);
	check(go_context_was_in_order());
}

CASE(contexts_leave_arguments_and_results_alone)
{
	gort_set_cgo_traceback(0, NULL, count_context, NULL);
	for (int i = 0; i < 100; i++)
		check(go_call_mix() == 204.5);
	check_equal(go_contexts_begun(), 100);
	check_equal(go_contexts_open(), 0);
}

CASE(contexts_end_with_a_panic)
{
	gort_set_cgo_traceback(0, NULL, count_context, NULL);
	for (int i = 0; i < 20; i++) {
		check_equal(recovers(i), -1);
		check_equal(go_contexts_open(), 0);
		check_equal(go_nest(2), 3);
	}
	check(go_context_was_in_order());
}

CASE(contexts_of_threads)
{
	static struct gort_waitgroup group;
	gort_set_cgo_traceback(0, NULL, count_context, NULL);
	gort_waitgroup_add(&group, 20);
	for (int i = 0; i < 20; i++)
		gort_go(nests, &group);
	go_thread_of_c_nests();
	gort_waitgroup_wait(&group);
	check_equal(go_contexts_open(), 0);
}

// exit 2
// stderr panic: unsupported version
CASE(contexts_of_another_version)
{
	gort_set_cgo_traceback(1, NULL, count_context, NULL);
}

// exit 2
// stderr panic: call SetCgoTraceback only once
CASE(contexts_are_set_once)
{
	gort_set_cgo_traceback(0, NULL, count_context, NULL);
	gort_set_cgo_traceback(0, NULL, other_context, NULL);
}

#else

#include <pthread.h>
#include <stdatomic.h>

static atomic_long begun, open;
static __thread long mine[64], depth;
static atomic_bool disorder;

void count_context(void *argument)
{
	uintptr_t *context = argument;
	if (*context == 0) {
		*context = ++begun;
		open++;
		mine[depth++] = *context;
		return;
	}
	open--;
	if (mine[--depth] != *context)
		disorder = true;
}

void other_context(void *argument)
{
}

int64_t contexts_open(void)
{
	return open;
}

int64_t contexts_begun(void)
{
	return begun;
}

int64_t context_was_in_order(void)
{
	return !disorder;
}

void reset_contexts(void)
{
	begun = 0;
}

int64_t nest(int64_t depth)
{
	return nest_in_go(depth);
}

double call_mix(void)
{
	return mix(1, 2, 3, 4, 5, 6, 7, 8, 0.5);
}

void call_panic(int64_t depth)
{
	volatile int64_t after = depth;
	panic_in_go(depth);
	after++;
}

static void *thread(void *unused)
{
	for (int i = 0; i < 100; i++)
		nest(i % 10);
	return NULL;
}

void thread_of_c_nests(void)
{
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
}

#endif
