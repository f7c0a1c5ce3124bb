//go:build ignore

/* A C program that calls Go. The line above keeps the go command from taking this file into the library. */
#include <limits.h>
#include <stdio.h>

#include "libsum.h"

static int failures;

static void check(int a, int b, int want) {
	int got = sum(a, b);
	printf("C -> Go  sum(%d, %d)\n", a, b);
	printf("Go -> C  %d%s\n", got, got == want ? "" : "  WRONG");
	failures += got != want;
}

int main(void) {
	check(2, 40, 42);
	check(-7, 3, -4);
	check(INT_MAX, INT_MIN, -1);
	return failures != 0;
}
