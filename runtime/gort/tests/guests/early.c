/* A library of compiled Go that is called while it is being loaded. The first part is its Go, the second its C, the third programs that load it. */
#include <stdbool.h>
#include <stdint.h>

#include "gort.h"

int64_t early_state(void);
int64_t early_add(int64_t a, int64_t b);
int early_arguments(char ***argv);
void early_check(void);
bool early_hidden_check(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(early_hidden_check);

#define GO __attribute__((used, noinline)) static

static int64_t order, state;

GO void first_package(void)
{
	/* Others run meanwhile, and may not be let in. */
	gort_sleep(50000000);
	order = order * 10 + 1;
}

GO void second_package(void)
{
	order = order * 10 + 2;
	/* C that an initialiser calls may call Go, and doesn't wait. */
	if (go_early_hidden_check())
		order = order * 10 + 3;
}

static void init(void)
{
	first_package();
	second_package();
	__atomic_store_n(&state, order, __ATOMIC_RELEASE);
}
GORT_LIBRARY(init);

GO int64_t go_early_state(void)
{
	return __atomic_load_n(&state, __ATOMIC_ACQUIRE);
}
GORT_EXPORT(early_state, go_early_state);

GO int64_t go_early_add(int64_t a, int64_t b)
{
	return a + b;
}
GORT_EXPORT(early_add, go_early_add);

GO int go_early_arguments(char ***argv)
{
	return gort_arguments(argv);
}
GORT_EXPORT(early_arguments, go_early_arguments);

#elif defined(IN_LIBRARY)

#include <pthread.h>
#include <stdlib.h>

bool early_hidden_check(void)
{
	return early_add(2, 3) == 5;
}

static int64_t seen[4];
static pthread_t threads[3];

static void *ask(void *place)
{
	*(int64_t *)place = early_state();
	return place;
}

/* As early as anything of a program's can be. */
__attribute__((constructor(101))) static void first_constructor(void)
{
	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, ask, &seen[i]) != 0)
			abort();
	ask(&seen[3]);
}

void early_check(void)
{
	static bool joined;
	for (int i = 0; i < 3 && !joined; i++)
		pthread_join(threads[i], NULL);
	joined = true;
	for (int i = 0; i < 4; i++)
		if (seen[i] != 123)
			abort();
}

#else

#include <dlfcn.h>

#include "host.h"

HOST_MAIN

#ifdef LINKED

CASE(constructors_call_go)
{
	early_check();
	check_equal(early_state(), 123);
}

CASE(a_library_knows_the_programs_arguments)
{
	char **argv;
	check_equal(early_arguments(&argv), 2);
	check_equal(strcmp(argv[1], "a_library_knows_the_programs_arguments"), 0);
	check(argv[2] == NULL);
}

#else

CASE(a_library_that_is_loaded_late_calls_go_in_constructors)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/libguest_early.so", getenv("GUEST_LIBRARIES"));
	for (int n = 0; n < 3; n++) {
		void *library = dlopen(path, RTLD_NOW);
		if (library == NULL)
			fail(dlerror(), path, 0);
		((void (*)(void))dlsym(library, "early_check"))();
		check_equal(((int64_t (*)(void))dlsym(library, "early_state"))(), 123);
	}
}

#endif
#endif
