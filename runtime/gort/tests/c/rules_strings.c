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

static void check_string(struct gort_string is, const char *bytes, intptr_t n)
{
	check_equal(is.n, n);
	check(memcmp(is.p, bytes, n) == 0);
}

CASE(gostring_is_a_copy)
{
	char *text = gort_cstring(string_of("Grüße aus C", 13));
	struct gort_string copy = gort_gostring(text);
	check(copy.p != text);
	text[0] = 'x';
	check_string(copy, "Grüße aus C", 13);
	gort_free(text);
	check_string(gort_gostring(""), "", 0);
	check_string(gort_gostring(NULL), "", 0);
	check_string(gort_gostringn("a\0b", 3), "a\0b", 3);
	check_string(gort_gostringn("abc", 0), "", 0);
	check_string(gort_gostringn(NULL, 0), "", 0);
}

CASE(gobytes_is_a_copy)
{
	struct gort_slice copy = gort_gobytes("\1\2\0\3", 4);
	check_equal(copy.len, 4);
	check_equal(copy.cap, 4);
	check(memcmp(copy.p, "\1\2\0\3", 4) == 0);
	/* No bytes are not nil. */
	copy = gort_gobytes(NULL, 0);
	check(copy.p != NULL && copy.len == 0 && copy.cap == 0);
}

/* Of all sizes: from the allocator's classes up to objects of their own. */
CASE(strings_of_all_lengths)
{
	enum { MOST = 100000 };
	char *text = gort_malloc(MOST + 1);
	for (int i = 0; i < MOST; i++)
		text[i] = (char)('a' + i % 26);
	for (int n = 1; n < MOST; n += 1 + n / 7) {
		char last = text[n];
		text[n] = 0;
		check_string(gort_gostring(text), text, n);
		struct gort_slice bytes = gort_gobytes(text, n);
		check(bytes.len == n && memcmp(bytes.p, text, n) == 0);
		char *back = gort_cstring((struct gort_string){bytes.p, n});
		check(memcmp(back, text, n + 1) == 0);
		gort_free(back);
		text[n] = last;
	}
	gort_free(text);
}

// exit 2
// stderr panic: runtime error: gobytes: length out of range
// stderr case_gobytes_of_a_negative_length_panics
CASE(gobytes_of_a_negative_length_panics)
{
	gort_gobytes("abc", -1);
}

// exit 2
// stderr fatal error: out of memory
CASE(gostringn_of_a_negative_length_ends_the_program)
{
	gort_gostringn("abc", -1);
}

static void copy_many(void *done)
{
	for (int i = 0; i < 2000; i++) {
		char *copy = gort_cstring(string_of("a string of thirty-two bytes ...", 32));
		check_equal(go_length_of(copy), 32);
		check_string(gort_gostring(copy), "a string of thirty-two bytes ...", 32);
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
