/* C calls Go: from within calls by Go, from threads of its own, before and while the runtime starts. */
#include "case.h"

int64_t back_and_forth(int64_t depth);
int64_t forth_and_back(int64_t depth);
double sum_in_go(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h, double i);
int64_t add_in_go(int64_t a, int64_t b);
int64_t wait_in_go(int64_t x);
int64_t thread_of_c(void);
int64_t call_wait(int64_t x);
int64_t call_sum(void);
void run_threads(int threads, int calls);
void call_by_crosscall2(int64_t *x);
int64_t promise(int64_t x);
int64_t kept_promise(int64_t x);
void jump(int how);
void jump_in_go(void);
int64_t grow_in_go(int64_t depth);
int64_t call_grow(int64_t depth);
int64_t jump_with_seven(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g);

#ifdef GORT_GO_TEXT

GORT_CCALL(back_and_forth);
GORT_CCALL(thread_of_c);
GORT_CCALL(call_wait);
GORT_CCALL(call_sum);
GORT_CCALL(run_threads);
GORT_CCALL(call_by_crosscall2);
GORT_CCALL_NONBLOCKING(promise);
GORT_CCALL_NONBLOCKING(kept_promise);
GORT_CCALL(jump);
GORT_CCALL(call_grow);

__attribute__((used)) static int64_t go_forth_and_back(int64_t depth)
{
	if (depth % 7 == 0)
		gort_gosched();
	return depth == 0 ? 0 : go_back_and_forth(depth - 1) + 1;
}
GORT_EXPORT(forth_and_back, go_forth_and_back);

CASE(calls_nested_a_thousand_deep)
{
	check_equal(go_forth_and_back(2000), 2000);
	for (int i = 0; i < 100; i++)
		check_equal(go_forth_and_back(i), i);
}

__attribute__((used)) static double go_sum_in_go(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h, double i)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + i;
}
GORT_EXPORT_STACK(sum_in_go, go_sum_in_go, 16);

__attribute__((noinline)) static int sum_below(int depth)
{
	if (depth == 0) {
		check_equal(go_call_sum(), 204);
		return 0;
	}
	return sum_below(depth - 1) + 1;
}

CASE(callbacks_with_arguments_on_the_stack)
{
	for (int depth = 0; depth < 300; depth++)
		check_equal(sum_below(depth), depth);
}

__attribute__((used)) static int64_t go_add_in_go(int64_t a, int64_t b)
{
	return a + b;
}
GORT_EXPORT(add_in_go, go_add_in_go);

static void answer(void *c)
{
	int64_t x;
	gort_gosched();
	gort_chanrecv(c, &x);
	x *= 2;
	gort_chansend(c, &x);
}

/* Another goroutine has to run for this one to go on. */
__attribute__((used)) static int64_t go_wait_in_go(int64_t x)
{
	gort_chan *c = gort_makechan(8, 0);
	gort_go(answer, c);
	gort_chansend(c, &x);
	gort_chanrecv(c, &x);
	gort_freechan(c);
	return x;
}
GORT_EXPORT(wait_in_go, go_wait_in_go);

static void callbacks_that_wait(void *wg)
{
	for (int i = 0; i < 50; i++)
		check_equal(go_call_wait(i), 2 * i);
	gort_waitgroup_done(wg);
}

CASE(callbacks_wait_on_their_threads)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 50);
	for (int i = 0; i < 50; i++)
		gort_go(callbacks_that_wait, &wg);
	gort_waitgroup_wait(&wg);
}

// env GOMAXPROCS=1
CASE(callbacks_wait_on_their_threads_with_one_p)
{
	struct gort_waitgroup wg = {0};
	gort_waitgroup_add(&wg, 20);
	for (int i = 0; i < 20; i++)
		gort_go(callbacks_that_wait, &wg);
	gort_waitgroup_wait(&wg);
}

CASE(two_hundred_threads_call_go)
{
	go_run_threads(200, 50);
}

// env GOMAXPROCS=1
CASE(threads_call_go_with_one_p)
{
	go_run_threads(50, 20);
}

static void double_it(void *arg)
{
	*(int64_t *)arg *= 2;
}
void (*const double_in_go)(void *) = double_it;

int32_t cgo_wrapper(void *arg);

CASE(the_official_ways)
{
	int64_t x = 21;
	go_call_by_crosscall2(&x);
	check_equal(x, 42);
	check_equal(gort_cgocall((void (*)(void *))cgo_wrapper, &x), 42);
	check_equal(x, 43);
}

CASE(calls_that_promise_not_to_block)
{
	for (int i = 0; i < 1000; i++)
		check_equal(go_kept_promise(i), i + 1);
}

// exit 2
// stderr fatal error: function marked with #cgo nocallback called back into Go
CASE(a_broken_promise)
{
	go_promise(1);
}

__attribute__((used)) static void go_jump_in_go(void)
{
	go_jump(1);
}
GORT_EXPORT(jump_in_go, go_jump_in_go);

// exit 2
// stderr fatal error: C code jumped over Go frames
CASE(longjmp_over_go)
{
	go_jump(0);
}

GORT_CCALL_STACK(jump_with_seven, 8);

// exit 2
// stderr fatal error: C code jumped over Go frames
CASE(longjmp_over_go_below_arguments_on_the_stack)
{
	go_jump_with_seven(1, 2, 3, 4, 5, 6, 7);
}

__attribute__((noinline)) static int64_t grow(int64_t depth)
{
	volatile char local[100];
	local[0] = (char)depth;
	return depth == 0 ? 0 : grow(depth - 1) + 1 + local[0] - (char)depth;
}

__attribute__((used)) static int64_t go_grow_in_go(int64_t depth)
{
	return grow(depth);
}
GORT_EXPORT(grow_in_go, go_grow_in_go);

CASE(callbacks_grow_the_stack)
{
	for (int i = 0; i < 3000; i += 17) {
		check_equal(go_call_grow(i), i);
		check_equal(grow(i), i);
	}
}

#else

#include <pthread.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <unistd.h>

int64_t back_and_forth(int64_t depth)
{
	return depth == 0 ? 0 : forth_and_back(depth - 1) + 1;
}

int64_t thread_of_c(void)
{
	return syscall(SYS_gettid);
}

int64_t call_wait(int64_t x)
{
	int64_t thread = thread_of_c();
	int64_t result = wait_in_go(x);
	check_equal(thread_of_c(), thread);
	return result;
}

int64_t call_sum(void)
{
	return (int64_t)sum_in_go(1, 2, 3, 4, 5, 6, 7, 8, 0.0);
}

static void *thread(void *arg)
{
	int calls = *(int *)arg;
	for (int i = 0; i < calls; i++) {
		check_equal(add_in_go(i, 2), i + 2);
		check_equal(wait_in_go(i), 2 * i);
		check_equal(back_and_forth(10), 10);
	}
	return NULL;
}

void run_threads(int threads, int calls)
{
	pthread_t all[threads];
	for (int i = 0; i < threads; i++)
		check_equal(pthread_create(&all[i], NULL, thread, &calls), 0);
	for (int i = 0; i < threads; i++)
		pthread_join(all[i], NULL);
}

C_CASE(a_guest_that_is_started)
{
	gort_start();
	gort_start();
	run_threads(1, 10);
	check_equal(add_in_go(1, 2), 3);
	check_equal(wait_in_go(8), 16);
	run_threads(20, 20);
	check_equal(wait_in_go(9), 18);
}

C_CASE(the_first_call_starts_the_runtime)
{
	check_equal(wait_in_go(8), 16);
	run_threads(4, 4);
}

C_CASE(many_first_calls_at_once)
{
	run_threads(50, 2);
}

static void *grow_thread(void *arg)
{
	check_equal(grow_in_go(*(int64_t *)arg), *(int64_t *)arg);
	return NULL;
}

/* A thread's goroutine begins with more than others, and grows as they do. */
C_CASE(threads_of_c_go_deep)
{
	for (int64_t depth = 1; depth < 2000000; depth *= 3) {
		pthread_t thread;
		check_equal(pthread_create(&thread, NULL, grow_thread, &depth), 0);
		pthread_join(thread, NULL);
		check_equal(grow_in_go(depth), depth);
	}
}

C_CASE(threads_come_and_go)
{
	for (int i = 0; i < 300; i++)
		run_threads(2, 1);
}

extern void (*const double_in_go)(void *);

void call_by_crosscall2(int64_t *x)
{
	crosscall2(double_in_go, x, 8, 0);
}

int32_t cgo_wrapper(void *arg)
{
	int64_t *x = arg;
	return (int32_t)(*x)++;
}

int64_t kept_promise(int64_t x)
{
	return x + 1;
}

int64_t promise(int64_t x)
{
	return add_in_go(x, 1);
}

static jmp_buf place;

void jump(int how)
{
	if (how == 1)
		longjmp(place, 1);
	if (setjmp(place) == 0)
		jump_in_go();
}

int64_t jump_with_seven(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g)
{
	jump(0);
	return a + b + c + d + e + f + g;
}

int64_t call_grow(int64_t depth)
{
	return grow_in_go(depth);
}

#endif
