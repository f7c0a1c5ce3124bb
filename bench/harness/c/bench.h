/*
 * What a benchmark is to its harness. The harness is C and measures as Go's package testing does: a benchmark runs n times, with n growing until that
 * takes long enough.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_FIGURES = 2 };

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
	/* When it began: a benchmark that has something to prepare sets it anew. */
	int64_t start;
	/* What the run came to: its time, and figures of its own with their units. */
	int64_t ns;
	struct bench_figure {
		double value;
		const char *unit; /* null: none */
	} figures[BENCH_FIGURES];
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
