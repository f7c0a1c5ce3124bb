/*
 * Programs whose main is in C, and which know of Go nothing but functions. CASE(name) is one thing that a program does, in a process of its own; what
 * it is to do is said before it, as in ../c/case.h.
 */
#ifndef HOST_H
#define HOST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *name;
	void (*run)(void);
};

#define CASE(name) \
	static void name(void); \
	__attribute__((used, section("cases"))) static const struct entry entry_##name = {#name, name}; \
	static void name(void)

#define check(condition) ((condition) ? (void)0 : fail(#condition, __FILE__, __LINE__))
#define check_equal(is, want) check_numbers((int64_t)(is), (int64_t)(want), #is, __FILE__, __LINE__)

static inline void fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	_Exit(1);
}

static inline void check_numbers(int64_t is, int64_t want, const char *what, const char *file, int line)
{
	if (is == want)
		return;
	fprintf(stderr, "%s:%d: %s is %" PRId64 ", should be %" PRId64 "\n", file, line, what, is, want);
	_Exit(1);
}

#define HOST_MAIN \
	extern const struct entry __start_cases, __stop_cases; \
	int main(int argc, char **argv) \
	{ \
		for (const struct entry *entry = &__start_cases; argc > 1 && entry < &__stop_cases; entry++) \
			if (strcmp(entry->name, argv[1]) == 0) \
				return entry->run(), 0; \
		return 5; \
	}

#endif
