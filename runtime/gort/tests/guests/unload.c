/* Libraries of compiled Go are unloaded, and leave nothing behind; or stay, when that would not be safe. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

struct library {
	void *handle;
	int64_t (*deep)(int64_t);
	int64_t (*through)(function, void *);
	int64_t (*on_goroutine)(function, void *);
	int64_t (*talk)(int64_t);
	int64_t (*collect)(int64_t);
	int64_t (*preempt)(int64_t);
	int64_t (*attach)(int64_t);
	void (*leave_finalizing)(void);
	void (*leave_waiting)(void);
	void (*leave_timer)(int64_t);
	int (*close)(void);
	const char *(*close_error)(int);
	void (*detach)(void);
};

static void *find(void *handle, const char *copy, const char *name)
{
	char symbol[100];
	snprintf(symbol, sizeof symbol, "%s_%s", copy, name);
	void *found = dlsym(handle, symbol);
	if (found == NULL)
		fail(dlerror(), symbol, 0);
	return found;
}

static struct library load(const char *copy)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/libguest_%s.so", getenv("GUEST_LIBRARIES"), copy);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		fail(dlerror(), path, 0);
#define FIND(name) .name = find(handle, copy, #name)
	return (struct library){handle, FIND(deep), FIND(through), FIND(on_goroutine), FIND(talk), FIND(collect), FIND(preempt), FIND(attach), FIND(leave_finalizing), FIND(leave_waiting), FIND(leave_timer),
				FIND(close), FIND(close_error), FIND(detach)};
}

static bool is_loaded(const char *copy)
{
	char name[100], line[4200];
	snprintf(name, sizeof name, "libguest_%s.so", copy);
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;
	while (fgets(line, sizeof line, maps) != NULL)
		found = found || strstr(line, name) != NULL;
	fclose(maps);
	return found;
}

static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

/* What a library might leave behind. */
struct left {
	int threads, files;
	size_t mappings, mapped, heap;
	pthread_key_t key;
	struct sigaction handlers[65];
	stack_t signal_stack;
};

static struct left look(void)
{
	struct left left = {.threads = entries("/proc/self/task"), .files = entries("/proc/self/fd"), .heap = mallinfo2().uordblks};
	char line[4200];
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps) != NULL) {
		size_t from, to;
		check_equal(sscanf(line, "%zx-%zx", &from, &to), 2);
		left.mappings++;
		left.mapped += to - from;
	}
	fclose(maps);
	check_equal(pthread_key_create(&left.key, NULL), 0);
	pthread_key_delete(left.key);
	for (int signal = 1; signal < 65; signal++)
		sigaction(signal, NULL, &left.handlers[signal]);
	sigaltstack(NULL, &left.signal_stack);
	return left;
}

static void compare(const struct left *is, const struct left *was)
{
	check_equal(is->threads, was->threads);
	check_equal(is->files, was->files);
	check_equal(is->key, was->key);
	check_equal(is->signal_stack.ss_flags, was->signal_stack.ss_flags);
	for (int signal = 1; signal < 65; signal++) {
		check_equal(is->handlers[signal].sa_handler, was->handlers[signal].sa_handler);
		check_equal(is->handlers[signal].sa_flags, was->handlers[signal].sa_flags);
	}
}

static int64_t deep(void *library)
{
	return ((struct library *)library)->deep(3000);
}

static void *use(void *library)
{
	struct library *l = library;
	check_equal(l->talk(20), 20);
	check_equal(l->through(deep, l), 3001);
	check_equal(l->on_goroutine(deep, l), 3001);
	return NULL;
}

static void use_on_threads(struct library *library)
{
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&threads[i], NULL, use, library), 0);
	use(library);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void must_close(struct library *library)
{
	int error = library->close();
	if (error != 0)
		fail(library->close_error(error), "gort_shutdown", error);
	check_equal(dlclose(library->handle), 0);
}

/* Too much is allocated for a collection at each time. */
// env GORT_DEBUG=poison,checkheap
CASE(a_library_that_is_unloaded_leaves_nothing)
{
	struct left first = {0};
	/* The C library's own: what it reserves for more threads. */
	mallopt(M_ARENA_MAX, 1);
	for (int n = 0; n < 100; n++) {
		struct library library = load("a");
		use_on_threads(&library);
		check_equal(library.collect(3000), 3000);
		check_equal(library.attach(3), 3);
		if (n % 20 == 0)
			check_equal(library.preempt(1), 1);
		must_close(&library);
		check(!is_loaded("a"));
		struct left now = look();
		if (n == 0)
			first = now;
		compare(&now, &first);
		/* The C library keeps stacks of threads that have ended, up to 40 MB. What the runtime keeps would be a gigabyte each time. */
		check(now.mappings <= first.mappings + 8);
		check(now.mapped <= first.mapped + (80 << 20));
		/* How signals were handled before isn't forgotten, nor by the C library what it was told of fork. */
		check(now.heap <= first.heap + (64 << 10) + n * 1024);
	}
}

CASE(a_library_that_was_never_used_is_unloaded)
{
	struct library library = load("a");
	check_equal(library.close(), 0);
	check_equal(dlclose(library.handle), 0);
	check(!is_loaded("a"));
}

CASE(a_library_that_is_in_use_stays)
{
	struct library library = load("a");
	use(&library);
	check_equal(dlclose(library.handle), 0);
	check(is_loaded("a"));
	use(&library);
	library = load("a");
	must_close(&library);
	check(!is_loaded("a"));
}

static void refused(struct library *library, const char *why)
{
	int error = library->close();
	check(error != 0);
	if (strstr(library->close_error(error), why) == NULL)
		fail(library->close_error(error), why, error);
	check_equal(dlclose(library->handle), 0);
	check(is_loaded("a"));
	*library = load("a");
	use(library);
}

CASE(a_goroutine_that_waits_is_not_forgotten)
{
	struct library library = load("a");
	library.leave_waiting();
	refused(&library, "goroutines run or wait");
}

CASE(a_timer_that_is_set_is_not_forgotten)
{
	struct library library = load("a");
	library.leave_timer(50);
	refused(&library, "timers are set");
	usleep(100000);
	must_close(&library);
	check(!is_loaded("a"));
}

CASE(a_finalizer_that_runs_keeps_the_library)
{
	struct library library = load("a");
	check_equal(library.attach(20), 20);
	library.leave_finalizing();
	refused(&library, "goroutines run or wait");
}

static pthread_barrier_t both;

static void *use_and_stay(void *library)
{
	use(library);
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	((struct library *)library)->detach();
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	return NULL;
}

CASE(a_thread_that_has_called_go_ends_or_detaches_first)
{
	struct library library = load("a");
	pthread_t thread;
	pthread_barrier_init(&both, NULL, 2);
	check_equal(pthread_create(&thread, NULL, use_and_stay, &library), 0);
	pthread_barrier_wait(&both);
	refused(&library, "other threads have called Go");
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	must_close(&library);
	check(!is_loaded("a"));
	pthread_barrier_wait(&both);
	check_equal(pthread_join(thread, NULL), 0);
}

static int64_t close_in_call(void *library)
{
	return ((struct library *)library)->close();
}

CASE(who_was_called_by_go_can_not_have_it_unloaded)
{
	struct library library = load("a");
	/* One more than gort_shutdown has said. */
	check_equal(library.through(close_in_call, &library), 2);
	check_equal(library.on_goroutine(close_in_call, &library), 2);
	must_close(&library);
}

static void (*passed_on)(int, siginfo_t *, void *);

static void pass_on(int signal, siginfo_t *info, void *context)
{
	passed_on(signal, info, context);
}

CASE(a_handler_that_may_call_the_librarys_keeps_it)
{
	struct library library = load("a");
	use(&library);
	struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_ONSTACK}, before;
	check_equal(sigaction(SIGSEGV, &action, &before), 0);
	passed_on = before.sa_sigaction;
	refused(&library, "signal handler");
	sigaction(SIGSEGV, &before, NULL);
	must_close(&library);
	check(!is_loaded("a"));
}

CASE(of_two_copies_the_second_goes_first)
{
	for (int n = 0; n < 10; n++) {
		struct library a = load("a"), b = load("b");
		use_on_threads(&a);
		use_on_threads(&b);
		check(a.close() != 0);
		must_close(&b);
		check(!is_loaded("b"));
		use_on_threads(&a);
		must_close(&a);
		check(!is_loaded("a"));
	}
}

// exit 2
// stderr runtime: Go was called, or the runtime, after gort_shutdown
CASE(nothing_of_go_can_be_called_afterwards)
{
	struct library library = load("a");
	use(&library);
	check_equal(library.close(), 0);
	check_equal(library.close(), 0);
	use(&library);
}
