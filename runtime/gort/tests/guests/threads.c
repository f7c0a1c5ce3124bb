/* Threads of C's that call Go are afterwards what they were before, and so is the process. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "copy.h"
#include "host.h"

HOST_MAIN

static void on_thread(void *(*function)(void *), void *arg)
{
	pthread_t thread;
	check_equal(pthread_create(&thread, NULL, function, arg), 0);
	check_equal(pthread_join(thread, NULL), 0);
}

static void on_threads(int n, void *(*function)(void *))
{
	pthread_t threads[16];
	for (int i = 0; i < n; i++)
		check_equal(pthread_create(&threads[i], NULL, function, (void *)(intptr_t)i), 0);
	for (int i = 0; i < n; i++)
		check_equal(pthread_join(threads[i], NULL), 0);
}

static int64_t deep_5(void *unused)
{
	return a_deep(5);
}

static void *keeps_errno(void *number)
{
	int own = 1000 + (int)(intptr_t)number;
	errno = own;
	check_equal(a_deep(10), 10); /* becomes known to Go here */
	check_equal(errno, own);
	for (int n = 0; n < 20; n++) {
		check_equal(a_wait_and_fail(), 1);
		check_equal(errno, own);
		check_equal(a_on_goroutine(deep_5, NULL), 6);
		check_equal(errno, own);
	}
	return NULL;
}

CASE(errno_is_what_it_was)
{
	on_threads(8, keeps_errno);
	keeps_errno(NULL);
}

static int64_t errno_in_c(void *unused)
{
	errno = 77;
	check_equal(a_wait_and_fail(), 1);
	return errno;
}

CASE(errno_is_what_it_was_in_nested_calls)
{
	for (int n = 0; n < 50; n++) {
		check_equal(a_through(errno_in_c, NULL), 78);
		check_equal(a_on_goroutine(errno_in_c, NULL), 78);
	}
}

static void *keeps_mask(void *unused)
{
	/* But for those by which a thread learns of its own faults: Go's are panics. */
	static const int never[] = {SIGKILL, SIGSTOP, SIGTRAP, SIGBUS, SIGSEGV};
	sigset_t odd, now;
	sigemptyset(&odd);
	for (int signal = 1; signal < 32; signal += 2)
		sigaddset(&odd, signal);
	for (int i = 0; i < 5; i++)
		sigdelset(&odd, never[i]);
	check_equal(pthread_sigmask(SIG_SETMASK, &odd, NULL), 0);
	for (int n = 0; n < 20; n++) {
		check_equal(a_deep(3000), 3000);
		check_equal(a_wait_and_fail(), 1);
		check_equal(a_busy(1) > 0, 1);
		pthread_sigmask(SIG_SETMASK, NULL, &now);
		for (int signal = 1; signal < 32; signal++)
			check_equal(sigismember(&now, signal), sigismember(&odd, signal));
	}
	return NULL;
}

CASE(the_signal_mask_is_what_it_was)
{
	on_threads(4, keeps_mask);
}

/* A host that takes its signals with sigwait has them blocked in all its threads: the runtime's must not take them. */
static void *sends(void *unused)
{
	for (int n = 0; n < 200; n++) {
		kill(getpid(), SIGUSR1);
		check_equal(a_talk(3), 3);
		usleep(500);
	}
	kill(getpid(), SIGUSR2);
	return NULL;
}

CASE(a_hosts_signals_are_its_own)
{
	sigset_t own;
	sigemptyset(&own);
	sigaddset(&own, SIGUSR1);
	sigaddset(&own, SIGUSR2);
	check_equal(pthread_sigmask(SIG_BLOCK, &own, NULL), 0);
	check_equal(a_talk(10), 10);
	pthread_t sender;
	check_equal(pthread_create(&sender, NULL, sends, NULL), 0);
	int count = 0, signal;
	/* Nobody waits for them half of the time. */
	for (; sigwait(&own, &signal) == 0 && signal == SIGUSR1; count++)
		usleep(1000);
	check(count > 0);
	pthread_join(sender, NULL);
}

static pthread_key_t before_key;
static int destroyed;

/* Calls Go in every round that the system gives destructors. */
static void calls_go_at_the_end(void *rounds)
{
	__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
	check_equal(a_deep(100), 100);
	check_equal(a_talk(2), 2);
	if ((intptr_t)rounds > 1)
		pthread_setspecific(before_key, (void *)((intptr_t)rounds - 1));
}

static void *ends_in_go(void *number)
{
	pthread_setspecific(before_key, (void *)((intptr_t)number % 3 + 1));
	if ((intptr_t)number % 2)
		check_equal(a_deep(100), 100);
	return NULL;
}

static int count_of(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static void call_at_the_end(void)
{
	check_equal(pthread_key_create(&before_key, calls_go_at_the_end), 0);
	int expected = 0;
	for (int n = 0; n < 40; n++) {
		on_threads(6, ends_in_go);
		expected += 2 * (1 + 2 + 3);
		check_equal(destroyed, expected);
	}
	/* What threads had is used again: there are none left that are thought to live. */
	check_equal(a_talk(10), 10);
}

CASE(destructors_of_the_hosts_call_go)
{
	call_at_the_end();
}

CASE(destructors_that_come_after_the_runtimes_call_go)
{
	/* Its key comes first, and so does its destructor. */
	check_equal(a_deep(1), 1);
	call_at_the_end();
}

static void *ends_without_stack(void *unused)
{
	stack_t none, now;
	sigaltstack(NULL, &none);
	check(none.ss_flags & SS_DISABLE);
	check_equal(a_deep(100), 100);
	sigaltstack(NULL, &now);
	check(!(now.ss_flags & SS_DISABLE));
	a_detach();
	sigaltstack(NULL, &now);
	check(now.ss_flags & SS_DISABLE);
	check_equal(a_deep(100), 100);
	return NULL;
}

static void *keeps_stack(void *unused)
{
	stack_t own = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16}, now;
	check_equal(sigaltstack(&own, NULL), 0);
	check_equal(a_busy(5) > 0, 1);
	sigaltstack(NULL, &now);
	check_equal(now.ss_sp, own.ss_sp);
	check_equal(now.ss_size, own.ss_size);
	a_detach();
	sigaltstack(NULL, &now);
	check_equal(now.ss_sp, own.ss_sp);
	return NULL;
}

CASE(the_signal_stack_is_what_it_was)
{
	for (int n = 0; n < 10; n++) {
		on_thread(ends_without_stack, NULL);
		on_thread(keeps_stack, NULL);
	}
}

static void *calls_once(void *unused)
{
	check_equal(a_deep(10), 10);
	return NULL;
}

CASE(threads_that_come_and_go_leave_nothing)
{
	on_threads(16, calls_once);
	int mappings = 0, first = 0;
	for (int n = 0; n < 60; n++) {
		on_threads(16, calls_once);
		char line[4200];
		FILE *maps = fopen("/proc/self/maps", "r");
		for (mappings = 0; fgets(line, sizeof line, maps) != NULL; mappings++)
			;
		fclose(maps);
		if (n == 10)
			first = mappings;
	}
	check(mappings <= first + 40);
	check_equal(a_talk(10), 10);
	check(count_of("/proc/self/task") < 30);
}

CASE(a_thread_may_detach_and_come_again)
{
	a_detach();
	for (int n = 0; n < 1000; n++) {
		check_equal(a_deep(n % 30), n % 30);
		a_detach();
		a_detach();
	}
}

static int64_t detaches(void *unused)
{
	a_detach();
	return a_deep(10);
}

CASE(a_thread_that_is_in_go_does_not_detach)
{
	check_equal(a_through(detaches, NULL), 11);
	check_equal(a_on_goroutine(detaches, NULL), 11);
	check_equal(a_deep(10), 10);
}

static void *waits_for_old(void *result)
{
	*(int64_t *)result = a_read_pipe();
	return NULL;
}

static void close_one(const char *kind)
{
	char link[100], target[100];
	for (int fd = 3; fd < 100; fd++) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		ssize_t length = readlink(link, target, sizeof target);
		if (length > 0 && strncmp(target, kind, length) == 0) {
			close(fd);
			return;
		}
	}
	fail("no such file", kind, 0);
}

/* As a host that becomes a daemon does, or starts over. */
CASE(a_host_that_closes_all_files)
{
	pthread_t readers[2];
	int64_t results[2] = {0, 0};
	check_equal(a_wait_and_fail(), 1);
	for (int i = 0; i < 2; i++)
		check_equal(pthread_create(&readers[i], NULL, waits_for_old, &results[i]), 0);
	/* Only one of the poller's: Go's other files are what they were. */
	static const char *const kinds[] = {"anon_inode:[eventpoll]", "anon_inode:[eventfd]"};
	for (int n = 0; n < 2; n++) {
		usleep(20000);
		close_one(kinds[n]);
		check_equal(a_wait_and_fail(), 1);
		check_equal(results[0] + results[1], 0);
	}
	for (int n = 0; n < 3; n++) {
		usleep(20000);
		closefrom(3);
		/* Its own files have the poller's numbers now. */
		char text[8], path[100];
		FILE *own[4];
		for (int i = 0; i < 4; i++) {
			snprintf(path, sizeof path, "/tmp/gort_guest_%d_%d", getpid(), i);
			own[i] = fopen(path, "w+");
			unlink(path);
			fputs("mine\n", own[i]);
			fflush(own[i]);
		}
		for (int m = 0; m < 20; m++) {
			check_equal(a_wait_and_fail(), 1);
			check_equal(a_talk(5), 5);
		}
		for (int i = 0; i < 4; i++) {
			rewind(own[i]);
			check_equal(fread(text, 1, sizeof text, own[i]), 5);
			check_equal(memcmp(text, "mine\n", 5), 0);
		}
	}
	for (int i = 0; i < 2; i++) {
		check_equal(pthread_join(readers[i], NULL), 0);
		check_equal(results[i], -EBADF);
	}
}
