/* The second library comes when the first is busy; and a program whose own stacks grow, so that it uses the word of the stack check itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

static int64_t (*b_late_deep)(int64_t);
static int64_t (*b_late_through)(function, void *);

static void load(void)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/libguest_b.so", getenv("GUEST_LIBRARIES"));
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		fail(dlerror(), path, 0);
	b_late_deep = (int64_t (*)(int64_t))dlsym(library, "b_deep");
	b_late_through = (int64_t (*)(function, void *))dlsym(library, "b_through");
}

static int64_t nested_in_a(void *arg)
{
	return a_through((function)b_late_deep, arg);
}

static int64_t load_and_nest(void *unused)
{
	load();
	check_equal(a_deep(1000), 1000);
	return b_late_through(nested_in_a, (void *)1000);
}

static void *a_is_busy(void *until)
{
	while (!*(volatile bool *)until)
		check(a_busy(1) > 0);
	return until;
}

CASE(a_copy_that_comes_later_is_noticed)
{
	pthread_t threads[3];
	bool until = false;
	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&threads[i], NULL, a_is_busy, &until), 0);
	check_equal(a_on_goroutine(load_and_nest, NULL), 1003);
	for (int n = 0; n < 300; n++)
		check_equal(a_on_goroutine(nested_in_a, (void *)(intptr_t)(n * 10)), n * 10 + 2);
	until = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

// stderr fatal error: C called Go after fork
CASE(a_child_of_a_process_with_two_copies_may_run_no_go)
{
	load();
	check_equal(a_deep(10) + b_late_deep(10), 20);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();
		if (child == 0) {
			i == 0 ? a_deep(1) : b_late_deep(1);
			_exit(0);
		}
		int status;
		check_equal(waitpid(child, &status, 0), child);
		check(WIFEXITED(status));
		check_equal(WEXITSTATUS(status), 2);
	}
	check_equal(a_deep(10) + b_late_deep(10), 20);
}
