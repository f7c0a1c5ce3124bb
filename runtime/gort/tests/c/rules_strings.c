/* Strings and bytes between Go's memory and C's. */
#include "case.h"

size_t length_of(const char *text);
void limit_to_what_there_is(void);

#ifdef GORT_GO_TEXT

GORT_CCALL(length_of);
GORT_CCALL(limit_to_what_there_is);

static struct gort_string string_of(const char *text, size_t n)
{
	return (struct gort_string){text, n};
}

CASE(cstring_is_a_copy_with_nul)
{
	char text[] = "Grüße aus Go";
	char *copy = gort_cstring(string_of(text, sizeof text - 1));
	text[0] = 'x';
	check_equal(go_length_of(copy), sizeof text - 1);
	check(memcmp(copy, "Grüße aus Go", sizeof text) == 0);
	gort_free(copy);
	char *empty = gort_cstring(string_of(NULL, 0));
	check(empty && *empty == 0);
	gort_free(empty);
	/* A NUL within is a byte like others. */
	char *within = gort_cstring(string_of("a\0b", 3));
	check(memcmp(within, "a\0b", 4) == 0);
	gort_free(within);
}

CASE(cbytes_is_a_copy)
{
	uint8_t *copy = gort_cbytes("\1\2\0\3", 4);
	check(memcmp(copy, "\1\2\0\3", 4) == 0);
	gort_free(copy);
	void *none = gort_cbytes(NULL, 0);
	check(none != NULL);
	gort_free(none);
}

CASE(malloc_is_never_null)
{
	void *none = gort_malloc(0), *other = gort_malloc(0);
	check(none && other && none != other);
	gort_free(none);
	gort_free(other);
	gort_free(NULL);
	char *much = gort_malloc(50 << 20);
	much[0] = much[(50 << 20) - 1] = 1;
	gort_free(much);
}

// exit 2
// stderr fatal error: runtime: C malloc failed
// stderr case_malloc_without_memory_ends_the_program
CASE(malloc_without_memory_ends_the_program)
{
	gort_malloc(SIZE_MAX / 2);
}

// exit 2
// stderr fatal error: runtime: C malloc failed
CASE(cstring_without_memory_ends_the_program)
{
	enum { MUCH = 64 << 20 };
	char *text = gort_malloc(MUCH);
	go_limit_to_what_there_is();
	gort_cstring(string_of(text, MUCH));
}

static void copy_many(void *done)
{
	for (int i = 0; i < 2000; i++) {
		char *copy = gort_cstring(string_of("a string of thirty-two bytes ...", 32));
		check_equal(go_length_of(copy), 32);
		gort_free(copy);
		if (i % 64 == 0)
			gort_gosched();
	}
	gort_waitgroup_done(done);
}

CASE(strings_are_copied_by_many)
{
	struct gort_waitgroup done = {0};
	gort_waitgroup_add(&done, 20);
	for (int i = 0; i < 20; i++)
		gort_go(copy_many, &done);
	gort_waitgroup_wait(&done);
}

#else

#include <sys/resource.h>
#include <unistd.h>

size_t length_of(const char *text)
{
	return strlen(text);
}

void limit_to_what_there_is(void)
{
	if (setrlimit(RLIMIT_AS, &(struct rlimit){1 << 20, 1 << 20}) != 0)
		_exit(4);
}

#endif
