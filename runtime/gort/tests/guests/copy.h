/*
 * What a library of compiled Go exports; two of them, a and b, are made of copy.c, each with a runtime of its own linked in.
 */
#ifndef COPY_H
#define COPY_H

#include <stdint.h>

typedef int64_t (*function)(void *);

#define EXPORTS(copy) \
	/* Needs `depth` frames of some 200 bytes each; checks that they stay as they are. Results in `depth`. */ \
	int64_t copy##_deep(int64_t depth); \
	/* Go calls C, which calls fn(arg); the result is one more than its. */ \
	int64_t copy##_through(function fn, void *arg); \
	/* The same by a call that leaves no mark. */ \
	int64_t copy##_through_quickly(function fn, void *arg); \
	/* The same in a goroutine with a small stack, while others run. */ \
	int64_t copy##_on_goroutine(function fn, void *arg); \
	/* Goroutines talk over channels, n times. Results in n. */ \
	int64_t copy##_talk(int64_t n); \
	/* A goroutine that never calls anything gives way to another, n times. Results in n. */ \
	int64_t copy##_preempt(int64_t n); \
	/* Runs deep Go for so many milliseconds, without leaving Go. Results in how often. */ \
	int64_t copy##_busy(int64_t ms); \
	/* Panics beyond C, and recovers. Results in 7. */ \
	int64_t copy##_recover(void); \
	/* Writes to address 0, and recovers. Results in 7. */ \
	int64_t copy##_fault(void); \
	/* Go calls C, which calls fn(arg). Results in 7 if that panics. */ \
	int64_t copy##_recover_from(function fn, void *arg); \
	/* Ends the process with a panic. */ \
	int64_t copy##_panic(void *); \
	/* Sleeps, waits for other threads, and is refused what it asks the system for. Results in 1. */ \
	int64_t copy##_wait_and_fail(void); \
	/* Reads from a pipe that nobody writes to; the result. */ \
	int64_t copy##_read_pipe(void); \
	/* fn(arg) fifty times, all on one thread, while others run; the sum. */ \
	int64_t copy##_with_own_thread(function fn, void *arg); \
	/* Allocates, collects, and counts the n values that are still there. */ \
	int64_t copy##_collect(int64_t n); \
	/* Ends the process. */ \
	void copy##_end(int64_t status); \
	/* The program is Go's own: its main calls fn(arg). */ \
	int copy##_main(int argc, char **argv, function fn, void *arg); \
	/* n objects with a finalizer, a cleanup and a weak pointer each, which are garbage and found to be. Results in n. */ \
	int64_t copy##_attach(int64_t n); \
	/* The same with one whose finalizer waits for ever. */ \
	void copy##_leave_finalizing(void); \
	/* Starts a goroutine that waits for ever. */ \
	void copy##_leave_waiting(void); \
	/* Sets a timer, which is never given back. */ \
	void copy##_leave_timer(int64_t ms); \
	/* gort_shutdown, gort_shutdown_error and gort_detach. */ \
	int copy##_close(void); \
	const char *copy##_close_error(int error); \
	void copy##_detach(void);

#ifdef __cplusplus
extern "C" {
#endif
EXPORTS(a)
EXPORTS(b)
#ifdef __cplusplus
}
#endif

#endif
