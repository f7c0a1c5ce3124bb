/*
 * Go's values in C's hands: bench/peer/crossing.go. What a compiler of Go allocates in the collector's memory is allocated there; locals that alone
 * hold a pointer into it across a call to C are volatile, since C may keep others in registers that nobody looks at.
 */
#include "benchmarks.h"
#include "buffer.h"

GORT_CCALL(buf_sum);
GORT_CCALL(buffer_length);

static const struct gort_type byte_type = {.size = 1, .kind = GORT_KIND_UINT8, .align = 1, .name = "uint8"};
static const struct gort_type byte_pointer_type = {
	.size = 8,
	.ptrdata = 8,
	.kind = GORT_KIND_POINTER,
	.align = 8,
	.elem = &byte_type,
	.name = "*uint8",
};
static const struct gort_type word_type = {.size = 8, .kind = GORT_KIND_UINTPTR, .align = 8, .name = "uintptr"};
static const struct gort_field buffer_fields[] = {{&byte_pointer_type, 0}, {&word_type, 8}};
static const struct gort_type buffer_type = {
	.size = 16,
	.ptrdata = 8,
	.kind = GORT_KIND_STRUCT,
	.align = 8,
	.len = 2,
	.fields = buffer_fields,
	.name = "buffer",
};
static const struct gort_type buffer_pointer_type = {
	.size = 8,
	.ptrdata = 8,
	.kind = GORT_KIND_POINTER,
	.align = 8,
	.elem = &buffer_type,
	.name = "*buffer",
};
static const struct gort_type int_type = {.size = 8, .kind = GORT_KIND_INT, .align = 8, .name = "int"};
static const struct gort_type int_pointer_type = {
	.size = 8,
	.ptrdata = 8,
	.kind = GORT_KIND_POINTER,
	.align = 8,
	.elem = &int_type,
	.name = "*int",
};

static const struct gort_type unsafe_pointer_type = {
	.size = 8,
	.ptrdata = 8,
	.kind = GORT_KIND_UNSAFE_POINTER,
	.align = 8,
	.name = "unsafe.Pointer",
};

void go_to_c_buffer(struct bench *b)
{
	uint8_t *volatile buf = gort_new_array(&byte_type, 64);
	int64_t sum = 0;
	for (int64_t i = 0; i < b->n; i++)
		sum += go_buf_sum(buf, 64);
	if (sum != 0)
		go_bench_fail("GoToCBuffer: wrong sum");
}

void go_to_c_checked(struct bench *b)
{
	buffer *volatile buf = gort_new(&buffer_type);
	buf->n = 64;
	int64_t sum = 0;
	for (int64_t i = 0; i < b->n; i++) {
		buffer *p = buf;
		gort_check_pointer((struct gort_any){&buffer_pointer_type, p}, (struct gort_any){0});
		sum += go_buffer_length(p);
	}
	if (sum != 64 * b->n)
		go_bench_fail("GoToCChecked: wrong sum");
}

void handles(struct bench *b)
{
	int64_t *volatile v = gort_new(&int_type);
	for (int64_t i = 0; i < b->n; i++) {
		gort_handle h = gort_handle_new((struct gort_any){&int_pointer_type, v});
		struct gort_any value = gort_handle_value(h);
		if (value.type != &int_pointer_type || value.data != v)
			go_bench_fail("Handles: another value");
		gort_handle_delete(h);
	}
}

void strings(struct bench *b)
{
	static const char text[] = "a string of thirty-two bytes ...";
	int64_t length = 0;
	for (int64_t i = 0; i < b->n; i++) {
		char *c = gort_cstring((struct gort_string){text, sizeof(text) - 1});
		length += gort_gostring(c).n;
		gort_check_pointer((struct gort_any){&unsafe_pointer_type, c}, (struct gort_any){0});
		gort_free(c);
	}
	if (length != 32 * b->n)
		go_bench_fail("Strings: wrong length");
}
