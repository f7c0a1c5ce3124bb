/*
 * A case is a goroutine, run by a program of its own: CASE(name) in a file that is compiled twice. With GORT_GO_TEXT defined clang compiles it like
 * Go, and sees the cases; without, gcc compiles it like any C, and sees what they call.
 *
 * What a case is to do is said before it, a line each: `// exit N` or `// signal N` (which ends it), `// stdout TEXT` and `// stderr TEXT` (a part of
 * it), `// then TEXT` (parts of standard error in that order), `// env NAME=VALUE`, `// release` (not without optimisation). Without any it is to exit
 * with 0.
 *
 * C_CASE(name), on the C side, is the program's main instead, and starts the runtime itself.
 */
#ifndef CASE_H
#define CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gort.h"

#define CASE(name) void case_##name(void *unused)
#define C_CASE(name) void case_##name(void *unused)

/* Ends the program with the condition's text, unless it holds. */
#define check(condition) ((condition) ? (void)0 : FAIL(#condition, __FILE__, __LINE__))
/* The same for numbers, which are told. */
#define check_equal(is, want) check_numbers((int64_t)(is), (int64_t)(want), #is, __FILE__, __LINE__)

void fail(const char *what, const char *file, int line);
void fail_numbers(int64_t is, int64_t want, const char *what, const char *file, int line);
/* Writes a line to standard output. */
void say(const char *text);

#ifdef GORT_GO_TEXT
GORT_DECLARE_STUB(fail);
GORT_DECLARE_STUB(fail_numbers);
GORT_DECLARE_STUB(say);
#define FAIL go_fail
#define FAIL_NUMBERS go_fail_numbers
#else
#define FAIL fail
#define FAIL_NUMBERS fail_numbers
#endif

static inline void check_numbers(int64_t is, int64_t want, const char *what, const char *file, int line)
{
	if (is != want)
		FAIL_NUMBERS(is, want, what, file, line);
}

#endif
