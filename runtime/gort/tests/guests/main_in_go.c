/* A program of Go's own, which calls a C library that is compiled Go with a runtime of its own. */
#include <pthread.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

static void run(function fn)
{
	char *argv[] = {"main_in_go", NULL};
	a_main(1, argv, fn, NULL);
	fail("gort_main returned", __FILE__, __LINE__);
}

static int64_t back_in_a(void *arg)
{
	return a_through((function)(intptr_t)b_recover, arg);
}

static int64_t use_b(void *unused)
{
	for (int n = 0; n < 30; n++) {
		check_equal(b_deep(n * 50), n * 50);
		check_equal(b_through(back_in_a, NULL), 9);
		check_equal(a_on_goroutine(back_in_a, NULL), 9);
		check_equal(b_talk(5), 5);
	}
	return 0;
}

CASE(go_calls_c_that_is_go)
{
	run(use_b);
}

// env GOMAXPROCS=1
CASE(go_calls_c_that_is_go_with_one_processor)
{
	run(use_b);
}

static int64_t waits_in_b(void *unused)
{
	check_equal(b_preempt(3), 3);
	check_equal(b_wait_and_fail(), 1);
	return 0;
}

CASE(goroutines_of_the_library_wait_while_the_programs_run)
{
	run(waits_in_b);
}

// exit 2
// stderr panic: nobody recovers this
CASE(a_panic_in_the_library_ends_the_program)
{
	run(b_panic);
}

static int64_t closes_b(void *unused)
{
	check_equal(b_close(), 1);
	return 0;
}

static int64_t uses_and_closes(void *unused)
{
	check_equal(b_through(closes_b, NULL), 1);
	/* The thread may have other goroutines next, but what it has of b's goes with it. */
	b_detach();
	return 0;
}

CASE(the_library_is_not_shut_down_by_who_it_has_called)
{
	run(uses_and_closes);
}
