/* Go's package testing, as far as it measures: how often to run, and the line that says what came of it. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000000000 };

static const struct bench_entry *table;
static char **names;
static int64_t goal_ns = 1000000000;
static int64_t exactly; /* so often, if not 0 */

void bench_setup(int argc, char **argv, const struct bench_entry *entries)
{
	table = entries;
	argv += argc > 0;
	if (*argv && argv[1] && strcmp(*argv, "-benchtime") == 0) {
		char *unit;
		double time = strtod(argv[1], &unit);
		if (*unit == 'x')
			exactly = (int64_t)time;
		else
			goal_ns = (int64_t)(time * 1e9);
		argv += 2;
	}
	names = argv;
}

static bool chosen(const struct bench_entry *entry)
{
	if (!*names)
		return true;
	for (char **name = names; *name; name++)
		if (strcmp(*name, entry->name) == 0)
			return true;
	return false;
}

static const struct bench_entry *first_chosen(const struct bench_entry *entry)
{
	while (entry->name && !chosen(entry))
		entry++;
	return entry;
}

/* By package testing: a fifth more than would fill the time, at most a hundred times as many as before. */
static int64_t predict(int64_t n, int64_t ns)
{
	if (exactly)
		return exactly;
	int64_t next = ns > 0 ? (int64_t)((double)goal_ns * (double)n / (double)ns) : MOST;
	next += next / 5;
	if (next > 100 * n)
		next = 100 * n;
	if (next <= n)
		next = n + 1;
	return next < MOST ? next : MOST;
}

static bool enough(const struct bench *b)
{
	return exactly ? b->n >= exactly : b->ns >= goal_ns || b->n >= MOST;
}

bool bench_next(struct bench *b)
{
	if (!b->entry || enough(b)) {
		*b = (struct bench){.entry = first_chosen(b->entry ? b->entry + 1 : table), .n = 1};
		return b->entry->name != NULL;
	}
	b->previous_n = b->n;
	b->previous_ns = b->ns;
	b->n = predict(b->n, b->ns);
	return true;
}

/* Four digits of small numbers, as Go prints them. */
static int decimals(double value)
{
	return value >= 999.95 ? 0 : value >= 99.995 ? 1 : value >= 9.9995 ? 2 : 3;
}

void bench_done(struct bench *b)
{
	if (!enough(b))
		return;
	double each = (double)b->ns / (double)b->n;
	printf("Benchmark%-16s\t%10lld\t%12.*f ns/op", b->entry->name, (long long)b->n, decimals(each), each);
	for (const struct bench_figure *figure = b->figures; figure < b->figures + BENCH_FIGURES && figure->unit; figure++)
		printf("\t%12.1f %s", figure->value, figure->unit);
	printf("\n");
	fflush(stdout);
}

void bench_fail(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}
