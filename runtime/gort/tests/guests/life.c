/* How a program ends that has Go in a library; and what C does between calls: deep stacks, variables of threads, small threads. */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

static void *busy_for_ever(void *unused)
{
	for (;;)
		a_busy(100);
	return unused;
}

static void keep_go_busy(void)
{
	pthread_t thread;
	for (int i = 0; i < 3; i++) {
		check_equal(pthread_create(&thread, NULL, busy_for_ever, NULL), 0);
		pthread_detach(thread);
	}
	a_leave_waiting();
	check_equal(a_talk(10), 10);
}

CASE(main_returns_while_goroutines_run)
{
	keep_go_busy();
}

static void calls_go_at_exit(void)
{
	check_equal(a_deep(1000), 1000);
	check_equal(a_talk(10), 10);
	puts("Go ran at exit");
}

static bool at_end;

__attribute__((destructor)) static void calls_go_in_destructor(void)
{
	if (at_end) {
		check_equal(a_talk(10), 10);
		puts("Go ran in a destructor");
		fflush(stdout);
	}
}

// stdout Go ran at exit
// stdout Go ran in a destructor
CASE(exit_runs_go)
{
	keep_go_busy();
	at_end = true;
	atexit(calls_go_at_exit);
}

static int64_t exits(void *status)
{
	exit((int)(intptr_t)status);
}

// exit 7
// stdout Go ran at exit
CASE(c_that_go_has_called_exits)
{
	keep_go_busy();
	atexit(calls_go_at_exit);
	a_on_goroutine(exits, (void *)7);
}

// exit 8
// stdout Go ran at exit
CASE(c_on_a_thread_of_its_own_exits_in_a_call_by_go)
{
	atexit(calls_go_at_exit);
	a_through(exits, (void *)8);
}

static void must_not_run(void)
{
	puts("atexit's function ran");
	_exit(1);
}

// exit 9
CASE(go_exits_at_once)
{
	keep_go_busy();
	atexit(must_not_run);
	a_end(9);
}

static int64_t deep_in_c(void *kilobytes)
{
	volatile char frame[1024];
	intptr_t left = (intptr_t)kilobytes;
	frame[left % 1024] = 1;
	int64_t result = left == 0 ? a_deep(50) : deep_in_c((void *)(left - 1));
	return result + frame[left % 1024] - 1;
}

static int64_t various_depths(void *unused)
{
	for (int n = 0; n < 20; n++) {
		check_equal(deep_in_c((void *)0), 50);
		check_equal(deep_in_c((void *)2000), 50);
		check_equal(a_through(deep_in_c, (void *)500), 51);
	}
	return a_recover();
}

CASE(c_calls_go_from_deep_and_shallow_stacks)
{
	check_equal(various_depths(NULL), 7);
	check_equal(a_through(various_depths, NULL), 8);
	check_equal(a_on_goroutine(various_depths, NULL), 8);
}

CASE(many_calls)
{
	for (int n = 0; n < 300000; n++)
		check_equal(a_deep(0), 0);
}

static _Thread_local int64_t own;

static int64_t counts_by_thread(void *unused)
{
	return ++own;
}

static void *on_own_thread(void *unused)
{
	for (int64_t n = 0; n < 4; n++)
		check_equal(a_with_own_thread(counts_by_thread, NULL), 50 * 50 * n + 50 * 51 / 2);
	return NULL;
}

CASE(a_threads_variables_are_seen_by_who_stays_on_it)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		check_equal(pthread_create(&threads[i], NULL, on_own_thread, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void *calls_go(void *depth)
{
	check_equal(a_deep((intptr_t)depth), (intptr_t)depth);
	check_equal(a_talk(20), 20);
	return NULL;
}

CASE(threads_with_little_stack_call_go)
{
	for (size_t stack = 48 << 10; stack <= 256 << 10; stack += 16 << 10) {
		pthread_t thread;
		pthread_attr_t attributes;
		pthread_attr_init(&attributes);
		check_equal(pthread_attr_setstacksize(&attributes, stack), 0);
		check_equal(pthread_create(&thread, &attributes, calls_go, (void *)5000), 0);
		pthread_join(thread, NULL);
	}
}

static int64_t cancels(void *unused)
{
	return a_deep(20);
}

static void *is_cancelled(void *unused)
{
	/* Not in Go, nor in C that Go has called: there nobody may unwind. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	check_equal(a_through(cancels, NULL), 21);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	while (pause() != 0)
		;
	return NULL;
}

CASE(threads_that_have_called_go_are_cancelled)
{
	for (int n = 0; n < 20; n++) {
		pthread_t thread;
		void *result;
		check_equal(pthread_create(&thread, NULL, is_cancelled, NULL), 0);
		usleep(n * 100);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		check(result == PTHREAD_CANCELED);
	}
	check_equal(a_talk(10), 10);
}
