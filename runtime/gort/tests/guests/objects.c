/* A program in C++: its objects call Go when they are made and when they go, before main and after it, and at the ends of threads. */
#include <pthread.h>
#include <unistd.h>

#include "copy.h"
#include "host.h"

static int made, gone;

struct Object {
	int64_t depth;
	explicit Object(int64_t depth) : depth(depth)
	{
		check_equal(a_deep(depth), depth);
		check_equal(b_talk(3), 3);
		__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	}
	~Object()
	{
		check_equal(b_deep(depth), depth);
		check_equal(a_talk(3), 3);
		__atomic_fetch_add(&gone, 1, __ATOMIC_RELAXED);
	}
};

/* Destroyed last: tells. */
struct Last {
	~Last()
	{
		printf("%d made, %d gone\n", made, gone);
		fflush(stdout);
	}
};
static Last last __attribute__((init_priority(101)));
static Object first __attribute__((init_priority(102))) (500);
static Object second(1000);
static thread_local Object of_thread(100);

static void *uses(void *)
{
	check_equal(of_thread.depth, 100);
	return nullptr;
}

HOST_MAIN

// stdout 2 made, 2 gone
CASE(static_objects_call_go)
{
	check_equal(made, 2);
}

// stdout 83 made, 83 gone
CASE(objects_of_threads_call_go)
{
	for (int n = 0; n < 20; n++) {
		pthread_t threads[4];
		for (pthread_t &thread : threads)
			check_equal(pthread_create(&thread, nullptr, uses, nullptr), 0);
		for (pthread_t &thread : threads)
			pthread_join(thread, nullptr);
		check_equal(gone, 4 * (n + 1));
	}
	uses(nullptr);
}

static int64_t throws(void *)
{
	try {
		Object object(10);
		throw 1;
	} catch (int) {
		return a_deep(20);
	}
}

// stdout 42 made, 42 gone
CASE(exceptions_stay_between_calls)
{
	for (int n = 0; n < 20; n++) {
		check_equal(a_through(throws, nullptr), 21);
		check_equal(b_on_goroutine(throws, nullptr), 21);
	}
}
