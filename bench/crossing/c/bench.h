/*
 * What a benchmark is to its harness. The harness is C and measures as Go's package testing does: a benchmark runs n times, with n growing until that
 * takes long enough.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

struct bench;
typedef void bench_fn(struct bench *b);

struct bench_entry {
	const char *name;
	bench_fn *run;
};

/* One run of a benchmark. */
struct bench {
	const struct bench_entry *entry;
	int64_t n; /* how often to do it */
	/* The run before, with fewer; zeros at the first. */
	int64_t previous_n, previous_ns;
	/* What the run came to: its time, and a figure of its own with its unit. */
	int64_t ns;
	double figure;
	const char *unit;
};

/* Takes the command line, `[-benchtime SECONDS|COUNTx] [NAME…]`, and the table, which ends with a null name. */
void bench_setup(int argc, char **argv, const struct bench_entry *table);

/* The next run; false when all is done. *b is zero before the first. */
bool bench_next(struct bench *b);

/* Takes what a run came to; a benchmark's last is printed. */
void bench_done(struct bench *b);

/* Ends the program: the benchmark did not do what it should. */
void bench_fail(const char *why);

#endif
